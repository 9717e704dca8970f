import { chmod, mkdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import {
  ask,
  base,
  clusterOf,
  copiedFolder,
  makeLog,
  pidOf,
  prepareEmbeddedPostgres,
  problemOf,
  run,
  SOURCE,
  spawnStarter,
  start,
  template,
} from "../../testing/embedded-postgres.ts"
import { isRoot, mayUse } from "./account.ts"
import { findServer } from "./pid-file.ts"

prepareEmbeddedPostgres()

describe("the user that it runs as", async () => {
  const nobody = { uid: 65_534, gid: 65_534, name: "nobody" }

  if (isRoot()) {
    it("is not root, and root's secrets stay root's", async () => {
      const data = await copiedFolder()
      await start(data)
      expect((await stat(clusterOf(data))).uid).not.toBe(0)
      expect((await stat(`/proc/${await pidOf(data)}`)).uid).toBe((await stat(clusterOf(data))).uid)
      expect((await stat(join(data, "postgres-password"))).uid).toBe(0)
    })

    it("gets its cluster elsewhere only if it may not enter the data folder, which is told and stays so", async () => {
      const closed = join(base, "closed")
      const systemFolder = join(base, "system")
      const data = join(closed, "data")
      await mkdir(closed, { mode: 0o700 })
      const log = makeLog()
      const first = await start(data, { systemFolder, log })
      const told = log.lines.filter(({ message }) => message.startsWith("database-placed-outside"))
      expect(told).toHaveLength(1)
      const cluster = String(told[0]?.fields.cluster)
      expect(cluster).toMatch(new RegExp(`^${systemFolder}/[0-9a-f]{16}/cluster$`))
      await ask(first, "CREATE TABLE made_there (id int)")
      expect((await stat(join(data, "postgres-password"))).uid).toBe(0)
      await first.stop()
      await chmod(closed, 0o711)
      const second = await start(data, { systemFolder })
      expect(await ask(second, "SELECT count(*)::int AS rows FROM made_there")).toEqual([{ rows: 0 }])
    })

    it("is not left with an empty database when it may no longer enter the data folder", async () => {
      const outer = join(base, "outer")
      await mkdir(outer)
      const data = join(outer, "data")
      await run("cp", ["-a", template, data])
      await chmod(outer, 0o700)
      const problem = await problemOf(start(data, { systemFolder: join(base, "system") }))
      expect(problem.message).toContain("may no longer enter that folder")
    })
  }

  // Where the sources lie in a home of root's, nobody else can run them.
  if (isRoot() && (await mayUse(nobody, new URL(SOURCE).pathname, "read"))) {
    it("is the ordinary user that Brevet runs as", async () => {
      const owned = join(base, "owned")
      await mkdir(owned)
      await run("chown", ["nobody", owned])
      const starter = spawnStarter(join(owned, "data"), nobody)
      const theirs = await starter.ready
      expect(await ask(theirs, "SELECT 1 AS one")).toEqual([{ one: 1 }])
      expect((await stat(join(owned, "data"))).mode & 0o777).toBe(0o700)
      await starter.end("SIGTERM")
      expect(await findServer(clusterOf(join(owned, "data")))).toEqual({ state: "none" })
    })

    it("must be able to read what root has made before", async () => {
      const data = join(base, "of-root")
      await run("cp", ["-a", template, data])
      await run("chown", ["nobody", data, join(data, "postgres"), join(data, "postgres-password")])
      await run("chown", ["-R", "daemon", clusterOf(data)])
      const problem = await problemOf(spawnStarter(data, nobody).ready)
      expect(problem.message).toContain("must belong to the user that runs Brevet")
    })
  }
})
