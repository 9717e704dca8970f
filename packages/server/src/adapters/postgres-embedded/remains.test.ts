import { spawn } from "node:child_process"
import { once } from "node:events"
import { stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { describe, expect, it } from "vitest"
import {
  children,
  clusterOf,
  copiedFolder,
  prepareEmbeddedPostgres,
  run,
  start,
  until,
} from "../../testing/embedded-postgres.ts"
import { isRoot } from "./account.ts"
import { hasEnded } from "./processes.ts"

prepareEmbeddedPostgres()

describe("remains of a dead server", () => {
  async function leaveRemains(data: string, pid: number): Promise<void> {
    const socketFolder = join(data, "postgres", "socket")
    const lines = [pid, clusterOf(data), 1_700_000_000, 5432, socketFolder, "", "  1234567         0", "ready   ", ""]
    const owner = await stat(clusterOf(data))
    for (const path of [join(clusterOf(data), "postmaster.pid"), join(socketFolder, ".s.PGSQL.5432.lock")]) {
      await writeFile(path, lines.join("\n"), { mode: 0o600 })
      if (isRoot()) await run("chown", [`${owner.uid}:${owner.gid}`, path])
    }
  }

  it("do not matter if they name a process that is gone", async () => {
    const data = await copiedFolder()
    const gone = spawn("true")
    await once(gone, "exit")
    await leaveRemains(data, gone.pid ?? 0)
    expect((await start(data)).adopted).toBe(false)
  })

  /** As the server's own user, since Postgres does not heed processes that it may not signal. */
  async function spawnAsItsUser(data: string, command: string): Promise<number> {
    const { uid, gid } = await stat(clusterOf(data))
    const child = spawn("sh", ["-c", command], {
      stdio: ["ignore", "pipe", "ignore"],
      cwd: "/",
      ...(isRoot() ? { uid, gid } : {}),
    })
    children.add(child)
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string]
    return Number(line)
  }

  it("do not matter if their number belongs to another program by now", async () => {
    const data = await copiedFolder()
    await leaveRemains(data, await spawnAsItsUser(data, "echo $$; exec sleep 60"))
    expect((await start(data)).adopted).toBe(false)
  })

  it("do not matter if they name a zombie", async () => {
    const data = await copiedFolder()
    // The inner process ends at once, and the outer one, which becomes sleep, never takes notice.
    const zombie = await spawnAsItsUser(data, "sleep 0.1 & echo $!; exec sleep 60")
    await until(() => hasEnded(zombie))
    await leaveRemains(data, zombie)
    expect((await start(data)).adopted).toBe(false)
    expect(process.kill(zombie, 0)).toBe(true)
  })
})
