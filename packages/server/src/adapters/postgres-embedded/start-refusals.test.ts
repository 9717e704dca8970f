import { mkdir, readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import {
  base,
  clusterOf,
  copiedFolder,
  freshFolder,
  prepareEmbeddedPostgres,
  problemOf,
  start,
} from "../../testing/embedded-postgres.ts"
import { findServer } from "./pid-file.ts"

prepareEmbeddedPostgres()

describe("what cannot start says why in a sentence", () => {
  it("where the data folder cannot be written", async () => {
    await writeFile(join(base, "a-file"), "")
    const problem = await problemOf(start(join(base, "a-file", "data")))
    expect(problem.message).toContain("cannot write its data folder")
    expect(problem.exitCode).toBe(1)
  })

  it("where the platform has no programs", async () => {
    const problem = await problemOf(start(freshFolder(), { platform: "plan9-x64" }))
    expect(problem.message).toMatch(/no built-in Postgres for this platform \(plan9-x64\).*DATABASE_URL/s)
  })

  it("where the cluster is of another major version", async () => {
    const data = await copiedFolder()
    await writeFile(join(clusterOf(data), "PG_VERSION"), "15\n")
    expect((await problemOf(start(data))).message).toMatch(/is of Postgres 15, .* brings Postgres 18.*backup.*restore/s)
  })

  it("where the folder holds something else, which is left as it is", async () => {
    const data = freshFolder()
    await mkdir(clusterOf(data), { recursive: true })
    await writeFile(join(clusterOf(data), "holiday.jpg"), "")
    expect((await problemOf(start(data))).message).toContain("is not a whole Postgres cluster")
    expect(await readdir(clusterOf(data))).toEqual(["holiday.jpg"])
  })

  it("where the cluster is damaged, with the end of the server's log", async () => {
    const data = await copiedFolder()
    await rm(join(clusterOf(data), "global", "pg_control"))
    expect((await problemOf(start(data))).message).toMatch(/cannot start on .*The end of its log.*pg_control/s)
  })

  it("where the password is gone or wrong", async () => {
    const data = await copiedFolder()
    const file = join(data, "postgres-password")
    await rm(file)
    expect((await problemOf(start(data))).message).toContain("is missing")
    await writeFile(file, "another", { mode: 0o600 })
    expect((await problemOf(start(data))).message).toContain("does not take the password")
    expect(await findServer(clusterOf(data))).toEqual({ state: "none" })
  })
})
