import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { promisify } from "node:util"

const run = promisify(execFile)

/** What is known of a process: a zombie has ended, but its parent has not yet taken notice, so signals still "reach" it. */
export type ProcessState =
  | { readonly state: "gone" }
  | { readonly state: "zombie" }
  | { readonly state: "alive"; readonly commandLine: string }

/** Looks at one process by its id. Linux is asked through /proc, other systems through `ps`. */
export async function readProcess(pid: number): Promise<ProcessState> {
  if (!mayExist(pid)) return { state: "gone" }
  return process.platform === "linux" ? readFromProc(pid) : readFromPs(pid)
}

/** Whether the process has ended: it is gone, or a zombie. Cheap enough to be asked every few milliseconds. */
export async function hasEnded(pid: number): Promise<boolean> {
  return (await readProcess(pid)).state !== "alive"
}

function mayExist(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

async function readFromProc(pid: number): Promise<ProcessState> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8")
    // The name stands in parentheses and may hold anything; the state is the first letter after the last one.
    const letter = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3)
    if (letter === "Z" || letter === "X") return { state: "zombie" }
    const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8")
    return { state: "alive", commandLine: commandLine.split("\0").join(" ") }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ESRCH") return { state: "gone" }
    throw error
  }
}

async function readFromPs(pid: number): Promise<ProcessState> {
  try {
    const { stdout } = await run("ps", ["-o", "stat=,command=", "-ww", "-p", String(pid)])
    const [, letters = "", commandLine = ""] = /^\s*(\S+)\s+(.*)$/s.exec(stdout) ?? []
    return letters.startsWith("Z") ? { state: "zombie" } : { state: "alive", commandLine: commandLine.trim() }
  } catch {
    // `ps` ends with 1 when it knows no such process.
    return { state: "gone" }
  }
}
