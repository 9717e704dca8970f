/** Numbered SQL migrations without gaps, applied in order under an advisory lock, each in its own transaction. */
import { readdir, readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import pg from "pg"

const folder = new URL("./migrations/", import.meta.url)
/** Any number that nothing else locks: the first digits of e. */
const lockNumber = 2_718_281_828

/** The migrations in order: number, file name, SQL. Throws if the numbering has a gap. */
async function readMigrations(): Promise<{ number: number; name: string; text: string }[]> {
  const names = (await readdir(fileURLToPath(folder))).filter((name) => name.endsWith(".sql")).sort()
  return Promise.all(
    names.map(async (name, index) => {
      const number = Number(name.slice(0, 4))
      if (number !== index + 1) throw new Error(`migration ${name} breaks the numbering`)
      return { number, name, text: await readFile(new URL(name, folder), "utf8") }
    }),
  )
}

/** Brings the database to the newest version; does nothing (one statement) where it is there already. */
export async function migrate(connection: pg.ClientConfig | string): Promise<void> {
  const client = new pg.Client(connection)
  await client.connect()
  try {
    const migrations = await readMigrations()
    const newest = await client
      .query<{ newest: number }>("SELECT max(number) AS newest FROM migrations")
      .then((result) => result.rows[0]?.newest ?? 0)
      .catch(() => 0)
    if (newest >= migrations.length) return
    await client.query("SELECT pg_advisory_lock($1)", [lockNumber])
    await client.query(
      "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
    )
    const applied = await client.query<{ number: number }>("SELECT number FROM migrations")
    const done = new Set(applied.rows.map((row) => row.number))
    for (const migration of migrations) {
      if (done.has(migration.number)) continue
      await client.query("BEGIN")
      await client.query(migration.text)
      await client.query("INSERT INTO migrations (number, name) VALUES ($1, $2)", [migration.number, migration.name])
      await client.query("COMMIT")
    }
  } finally {
    // Ending the session gives the advisory lock back, and rolls back a migration that failed.
    await client.end()
  }
}
