import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { readProcess } from "./processes.ts"

/** What stands in a cluster's `postmaster.pid`, which Postgres itself writes (its lines are documented in its miscinit.c). */
export interface PidFile {
  readonly pid: number
  readonly port: number
  readonly socketFolder: string
  /** "starting", "ready", "stopping", "standby"; empty in its first instants. */
  readonly status: string
  /** The id of its shared memory, by which Postgres tells whether old backends still live; 0 if not yet written. */
  readonly sharedMemoryId: number
}

/** What is known of a cluster's server: none; one that runs; or remains of one that no longer does. */
export type ServerTrace =
  | { readonly state: "none" }
  | { readonly state: "running"; readonly pidFile: PidFile }
  | { readonly state: "remains"; readonly pidFile: PidFile; readonly backendsLive: boolean }

/** Looks for the server of a cluster: a pid file names a process that is alive and is a postmaster of this very cluster. */
export async function findServer(cluster: string): Promise<ServerTrace> {
  const pidFile = await readPidFile(cluster)
  if (pidFile === null) return { state: "none" }
  if (await isPostmasterOf(pidFile.pid, cluster)) return { state: "running", pidFile }
  return { state: "remains", pidFile, backendsLive: await isAttached(pidFile.sharedMemoryId) }
}

/** Whether the process lives and is the postmaster of the cluster: a pid alone may belong to another program by now. */
export async function isPostmasterOf(pid: number, cluster: string): Promise<boolean> {
  const found = await readProcess(pid)
  return found.state === "alive" && found.commandLine.includes(`postgres -D ${cluster} `)
}

/**
 * Lets the next postmaster pass where remains would stop it. Postgres takes a pid file for a living server's if any
 * process answers to that number, be it a zombie or a stranger. The file is not deleted: Postgres shall still judge
 * by the shared memory it names whether old backends live. It ignores a pid that is its own parent's, so ours is put in.
 */
export async function disarmRemains(cluster: string, remains: PidFile): Promise<void> {
  const path = join(cluster, "postmaster.pid")
  if ((await readProcess(remains.pid)).state !== "gone") {
    const text = await readFile(path, "utf8").catch(() => null)
    if (text?.startsWith(`${remains.pid}\n`)) {
      await writeFile(path, `${process.pid}${text.slice(String(remains.pid).length)}`)
    }
  }
  const lock = join(remains.socketFolder, `.s.PGSQL.${remains.port}.lock`)
  const holder = Number.parseInt(await readFile(lock, "utf8").catch(() => ""), 10)
  if (remains.socketFolder !== "" && holder > 0 && !(await isPostmasterOf(holder, cluster)))
    await rm(lock, { force: true })
}

async function readPidFile(cluster: string): Promise<PidFile | null> {
  const text = await readFile(join(cluster, "postmaster.pid"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return ""
    throw error
  })
  const [pid = "", , , port = "", socketFolder = "", , sharedMemory = "", status = ""] = text.split("\n")
  const number = Math.abs(Number.parseInt(pid, 10))
  if (!(number > 0)) return null
  return {
    pid: number,
    port: Number.parseInt(port, 10) || 0,
    socketFolder,
    status: status.trim(),
    sharedMemoryId: Number.parseInt(sharedMemory.trim().split(/\s+/)[1] ?? "", 10) || 0,
  }
}

/** Whether processes are still attached to a segment of shared memory. Only Linux tells; elsewhere Postgres itself finds out. */
async function isAttached(sharedMemoryId: number): Promise<boolean> {
  if (sharedMemoryId === 0) return false
  const table = await readFile("/proc/sysvipc/shm", "utf8").catch(() => "")
  // Columns: key, shmid, perms, size, cpid, lpid, nattch, …
  return table.split("\n").some((line) => {
    const columns = line.trim().split(/\s+/)
    return Number(columns[1]) === sharedMemoryId && Number(columns[6]) > 0
  })
}
