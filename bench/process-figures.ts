/**
 * What the kernel says of processes: processor time and memory, read from /proc, since a server under measurement should
 * not have to measure itself. On systems without /proc everything here gives null, and those figures are left out.
 */
import { readdir, readFile } from "node:fs/promises"

/** One line of /proc/<pid>/stat. Times in milliseconds; `childrenMs` is that of children that have ended. */
export type ProcessStat = { readonly parentId: number; readonly ownMs: number; readonly childrenMs: number }

/** Memory of processes in bytes. RSS counts shared pages in every process, PSS divides them among those that share. */
export type Memory = { readonly rssBytes: number; readonly pssBytes: number }

/** Processor time of a server so far: of its Node process, and of its Postgres with all backends (milliseconds). */
export type ServerCpu = { readonly nodeMs: number; readonly postgresMs: number }

/** The kernel's clock tick for these files on every system that Node runs on (`getconf CLK_TCK` is 100). */
const tickMs = 10

/** Reads the text of /proc/<pid>/stat. The program's name stands in parentheses and may hold anything. */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  // Counted from the state, which the manual calls field 3: parent 4, utime 14, stime 15, cutime 16, cstime 17.
  const field = (number: number): number => Number(fields[number - 3])
  const stat = {
    parentId: field(4),
    ownMs: (field(14) + field(15)) * tickMs,
    childrenMs: (field(16) + field(17)) * tickMs,
  }
  if (Object.values(stat).some(Number.isNaN)) throw new Error(`not a line of /proc/<pid>/stat: ${text}`)
  return stat
}

/** Processor time that all programs have taken together (milliseconds), from the text of /proc/stat. */
export function parseBusyMs(text: string): number {
  const [name, ...ticks] = (text.split("\n")[0] ?? "").trim().split(/\s+/)
  const [user, nice, system, , , interrupts, softInterrupts, stolen] = ticks.map(Number)
  // Guest time is part of user time already; stolen time is what other machines on the same host took from ours.
  const taken = [user, nice, system, interrupts, softInterrupts, stolen ?? 0]
  const sum = taken.reduce<number>((total, value) => total + (value ?? Number.NaN), 0)
  if (name !== "cpu" || Number.isNaN(sum)) throw new Error("not the text of /proc/stat")
  return sum * tickMs
}

/** Reads the text of /proc/<pid>/smaps_rollup. */
export function parseMemory(text: string): Memory {
  const bytesOf = (name: string): number => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]
    if (kilobytes === undefined) throw new Error(`${name} is not in smaps_rollup`)
    return Number(kilobytes) * 1_024
  }
  return { rssBytes: bytesOf("Rss"), pssBytes: bytesOf("Pss") }
}

/** Processor time of a server's Node process and its Postgres (`postmaster`). Null without /proc. */
export async function readServerCpu(pid: number, postmaster: number): Promise<ServerCpu | null> {
  const node = await readStat(pid)
  const main = await readStat(postmaster)
  if (node === null || main === null) return null
  const backends = await Promise.all((await childrenOf(postmaster)).map(readStat))
  // A backend that has ended is in its parent's account of children, so that none is lost or counted twice.
  const postgresMs = backends.reduce((sum, stat) => sum + (stat?.ownMs ?? 0), main.ownMs + main.childrenMs)
  return { nodeMs: node.ownMs, postgresMs }
}

/** Processor time of processes with the children that they have and had (milliseconds); null without /proc. */
export async function readCpuMs(pids: readonly number[]): Promise<number | null> {
  let sum: number | null = null
  for (const pid of pids) {
    const stat = await readStat(pid)
    if (stat !== null) sum = (sum ?? 0) + stat.ownMs + stat.childrenMs
  }
  return sum
}

/** Processor time that all programs of this machine have taken (milliseconds); null without /proc. */
export async function readBusyMs(): Promise<number | null> {
  const text = await readIfThere("/proc/stat")
  return text === null ? null : parseBusyMs(text)
}

/** Memory of processes together; null without /proc, or where it may not be read. */
export async function readMemory(pids: readonly number[]): Promise<Memory | null> {
  let sum: Memory = { rssBytes: 0, pssBytes: 0 }
  for (const pid of pids) {
    const text = await readIfThere(`/proc/${pid}/smaps_rollup`)
    if (text === null) return null
    const memory = parseMemory(text)
    sum = { rssBytes: sum.rssBytes + memory.rssBytes, pssBytes: sum.pssBytes + memory.pssBytes }
  }
  return sum
}

/** The ids of a process's children; none without /proc. */
export async function childrenOf(parentId: number): Promise<readonly number[]> {
  const names = await readdir("/proc").catch(() => [])
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
  const stats = await Promise.all(pids.map(async (pid) => ({ pid, stat: await readStat(pid) })))
  return stats.filter(({ stat }) => stat?.parentId === parentId).map(({ pid }) => pid)
}

async function readStat(pid: number): Promise<ProcessStat | null> {
  const text = await readIfThere(`/proc/${pid}/stat`)
  return text === null ? null : parseStat(text)
}

/** Null where there is no such file: no /proc, or the process has ended. */
async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8")
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES") return null
    throw error
  }
}
