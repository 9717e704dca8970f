import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import {
  ask,
  clusterOf,
  copiedFolder,
  freshFolder,
  pidOf,
  prepareEmbeddedPostgres,
  spawnStarter,
  start,
  until,
} from "../../testing/embedded-postgres.ts"

prepareEmbeddedPostgres()

describe("a first start", () => {
  it("makes a cluster that lets in only who knows the password, with everything private", async () => {
    const data = freshFolder()
    const postgres = await start(data)
    expect(postgres.adopted).toBe(false)
    const [row] = await ask(
      postgres,
      "SELECT current_database() AS database, current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit, current_setting('server_encoding') AS encoding",
    )
    expect(row).toEqual({ database: "brevet", fsync: "on", commit: "on", encoding: "UTF8" })
    const stranger = new URL(postgres.connectionString)
    stranger.password = "guessed"
    await expect(ask({ connectionString: stranger.href }, "SELECT 1")).rejects.toMatchObject({ code: "28P01" })
    expect((await stat(join(data, "postgres-password"))).mode & 0o777).toBe(0o600)
    expect((await stat(clusterOf(data))).mode & 0o777).toBe(0o700)
    expect((await stat(postgres.connection.host)).mode & 0o777).toBe(0o700)
  })

  it("keeps the environment, which holds keys, from the server", async () => {
    const data = await copiedFolder()
    process.env.BREVET_TEST_MARK = "secret-of-ours"
    try {
      await start(data)
      expect(await readFile(`/proc/${await pidOf(data)}/environ`, "utf8").catch(() => "")).not.toContain(
        "secret-of-ours",
      )
    } finally {
      delete process.env.BREVET_TEST_MARK
    }
  })

  it("is done again from the beginning if it was killed in the middle", async () => {
    const data = freshFolder()
    const starter = spawnStarter(data)
    const home = join(data, "postgres")
    const drafts = async () => (await readdir(home).catch(() => [])).filter((name) => name.startsWith("draft-"))
    await until(async () => (await drafts()).length > 0)
    await starter.end("SIGKILL")
    const postgres = await start(data)
    expect(await ask(postgres, "SELECT 1 AS one")).toEqual([{ one: 1 }])
    expect(await drafts()).toEqual([])
  })

  it("is finished if it was cut off before the database was made", async () => {
    const data = await copiedFolder()
    const first = await start(data)
    const door = new URL(first.connectionString)
    door.pathname = "/postgres"
    const back = new Promise<void>((resolve) => first.onUp(resolve))
    await ask({ connectionString: door.href }, "DROP DATABASE brevet WITH (FORCE)")
    await back
    expect(await ask(first, "SELECT current_database() AS name")).toEqual([{ name: "brevet" }])
  })

  it("gives two processes that start at the same moment one server", async () => {
    const data = freshFolder()
    const other = spawnStarter(data)
    await until(() =>
      stat(data).then(
        () => true,
        () => false,
      ),
    )
    const ours = await start(data)
    const theirs = await other.ready
    expect(theirs.connectionString).toBe(ours.connectionString)
    const start1 = await ask(ours, "SELECT pg_postmaster_start_time() AS at")
    expect(await ask(theirs, "SELECT pg_postmaster_start_time() AS at")).toEqual(start1)
  })
})
