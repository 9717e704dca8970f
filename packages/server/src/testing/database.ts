import { randomBytes } from "node:crypto"
import pg from "pg"
import { inject } from "vitest"

/** A database for one test file. */
export interface TestDatabase {
  readonly connectionString: string
  /** Removes it, cutting connections that are still open. Call it in `afterAll`. */
  drop(): Promise<void>
}

/** Creates an empty database in the Postgres of this test run; whoever is tested runs the migrations. */
export async function makeTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString("hex")}`
  const serverUrl = inject("postgresUrl")
  await runOnServer(serverUrl, `CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    connectionString: url.href,
    drop: () => runOnServer(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}

async function runOnServer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
