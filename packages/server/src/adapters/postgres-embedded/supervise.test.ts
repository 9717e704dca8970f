import { stat } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import {
  ask,
  base,
  clusterOf,
  copiedFolder,
  makeLog,
  pidOf,
  prepareEmbeddedPostgres,
  run,
  spawnStarter,
  start,
  template,
  until,
  usedData,
} from "../../testing/embedded-postgres.ts"
import { findServer, isPostmasterOf } from "./pid-file.ts"

prepareEmbeddedPostgres()

describe("a later start", () => {
  it("finds what was kept, and the way to the server has not changed", async () => {
    const data = await copiedFolder()
    const first = await start(data)
    await ask(first, "INSERT INTO kept VALUES ('hello')")
    await first.stop()
    const second = await start(data)
    expect(second.adopted).toBe(false)
    expect(second.connectionString).toBe(first.connectionString)
    expect(await ask(second, "SELECT word FROM kept")).toEqual([{ word: "hello" }])
  })

  it("adopts the server of a process that was killed, and ends it at the end", async () => {
    const data = await copiedFolder()
    const killed = spawnStarter(data)
    const { connectionString } = await killed.ready
    const orphan = await pidOf(data)
    await killed.end("SIGKILL")
    const log = makeLog()
    const postgres = await start(data, { log })
    expect(postgres).toMatchObject({ adopted: true, connectionString })
    expect(await pidOf(data)).toBe(orphan)
    expect(log.lines).toContainEqual({
      message: "database-started",
      fields: expect.objectContaining({ pid: orphan, keeper: true }),
    })
    await postgres.stop()
    expect(await isPostmasterOf(orphan, clusterOf(data))).toBe(false)
  })

  it("waits while a server is still ending", async () => {
    const data = await copiedFolder()
    const first = await start(data)
    const before = await pidOf(data)
    const ending = first.stop()
    const second = await start(data)
    await ending
    expect(await pidOf(data)).not.toBe(before)
    expect(await ask(second, "SELECT 1 AS one")).toEqual([{ one: 1 }])
  })

  it("recovers after both, the process and its server, were killed", async () => {
    const data = await copiedFolder()
    const killed = spawnStarter(data)
    const theirs = await killed.ready
    await ask(theirs, "INSERT INTO kept VALUES ('committed')")
    process.kill(await pidOf(data), "SIGKILL")
    await killed.end("SIGKILL")
    const postgres = await start(data)
    expect(await ask(postgres, "SELECT word FROM kept")).toEqual([{ word: "committed" }])
  })

  it("works where the path is too long for a socket", async () => {
    const data = join(await copiedFolder(), "..", `long-${"x".repeat(90)}`)
    usedData.add(data)
    await run("cp", ["-a", template, data])
    const postgres = await start(data)
    const { host } = postgres.connection
    expect(Buffer.byteLength(host)).toBeLessThan(80)
    expect(await ask(postgres, "SELECT 1 AS one")).toEqual([{ one: 1 }])
    await postgres.stop()
    await expect(stat(host)).rejects.toMatchObject({ code: "ENOENT" })
  })

  it("works where the path has blanks, commas and letters of every kind", async () => {
    const data = join(base, "a folder, with 'quotes' und Ümläute")
    usedData.add(data)
    await run("cp", ["-a", template, data])
    expect(await ask(await start(data), "SELECT 1 AS one")).toEqual([{ one: 1 }])
  })
})

describe("a server that runs", () => {
  it("is started again when it alone is killed, and both is told", async () => {
    const data = await copiedFolder()
    const postgres = await start(data)
    const before = await pidOf(data)
    const told: string[] = []
    postgres.onDown(() => told.push("down"))
    const back = new Promise<void>((resolve) => postgres.onUp(resolve))
    process.kill(before, "SIGKILL")
    await back
    expect(told).toEqual(["down"])
    expect(await pidOf(data)).not.toBe(before)
    expect(await ask(postgres, "SELECT 1 AS one")).toEqual([{ one: 1 }])
  })

  it("is started again when it was adopted, too", async () => {
    const data = await copiedFolder()
    const killed = spawnStarter(data)
    await killed.ready
    await killed.end("SIGKILL")
    const postgres = await start(data)
    const back = new Promise<void>((resolve) => postgres.onUp(resolve))
    process.kill(await pidOf(data), "SIGKILL")
    await back
    expect(await ask(postgres, "SELECT 1 AS one")).toEqual([{ one: 1 }])
  })

  it("stays when only the connection of its supervisor is cut", async () => {
    const data = await copiedFolder()
    const postgres = await start(data)
    const before = await pidOf(data)
    const back = new Promise<void>((resolve) => postgres.onUp(resolve))
    await ask(
      postgres,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'brevet supervisor'",
    )
    await back
    expect(await pidOf(data)).toBe(before)
    await postgres.stop()
    expect(await isPostmasterOf(before, clusterOf(data))).toBe(false)
  })

  it("is gone after a clean stop, which may be asked for twice, and leaves nothing that has to be recovered", async () => {
    const data = await copiedFolder()
    const postgres = await start(data)
    const pid = await pidOf(data)
    await Promise.all([postgres.stop(), postgres.stop()])
    expect(await isPostmasterOf(pid, clusterOf(data))).toBe(false)
    expect(await findServer(clusterOf(data))).toEqual({ state: "none" })
    await sleep(50)
    expect(await findServer(clusterOf(data))).toEqual({ state: "none" })
  })

  it("is gone after a stop in the middle of being started again", async () => {
    const data = await copiedFolder()
    const postgres = await start(data)
    const down = new Promise<void>((resolve) => postgres.onDown(resolve))
    process.kill(await pidOf(data), "SIGKILL")
    await down
    await postgres.stop()
    expect((await findServer(clusterOf(data))).state).not.toBe("running")
  })
})

describe("two processes on one data folder", () => {
  it("share the server, and only the first one ends it", async () => {
    const data = await copiedFolder()
    const keeper = await start(data)
    const guest = spawnStarter(data)
    expect(await guest.ready).toEqual({ connectionString: keeper.connectionString, adopted: true })
    const pid = await pidOf(data)
    await guest.end("SIGTERM")
    expect(await pidOf(data)).toBe(pid)
    expect(await ask(keeper, "SELECT 1 AS one")).toEqual([{ one: 1 }])
  })

  it("leave the server to the second one when the first one is killed", async () => {
    const data = await copiedFolder()
    const killed = spawnStarter(data)
    await killed.ready
    const log = makeLog()
    const guest = await start(data, { log })
    const pid = await pidOf(data)
    await killed.end("SIGKILL")
    await until(() => log.lines.some(({ message }) => message === "database-taken-over"))
    expect(await pidOf(data)).toBe(pid)
    await guest.stop()
    expect(await isPostmasterOf(pid, clusterOf(data))).toBe(false)
  })

  it("have the second one start it again when the first one ends it", async () => {
    const data = await copiedFolder()
    const first = spawnStarter(data)
    await first.ready
    const guest = await start(data)
    const back = new Promise<void>((resolve) => guest.onUp(resolve))
    await first.end("SIGTERM")
    await back
    expect(await ask(guest, "SELECT 1 AS one")).toEqual([{ one: 1 }])
    await guest.stop()
    expect(await findServer(clusterOf(data))).toEqual({ state: "none" })
  })
})
