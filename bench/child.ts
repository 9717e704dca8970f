/** A process that the benchmark has started, and ends by its id. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

/** The project's root. */
export const root = fileURLToPath(new URL("..", import.meta.url))

/** How long a process is given to end by itself before it is killed. Brevet lets turns end for as long (its default). */
const patienceMs = 30_000
/** How much of what a process says on stderr is kept, to be shown where it fails. */
const tailCharsMax = 8_192

/** What is started: arguments of this Node, and what stands in the environment besides what is there already. */
export type ChildOptions = { readonly args: readonly string[]; readonly settings?: Readonly<Record<string, string>> }

/** Arguments that run a TypeScript file of the sources. */
export function sourceArgs(path: string, args: readonly string[] = []): readonly string[] {
  return ["--conditions=brevet-source", "--import", "tsx", path, ...args]
}

/** A running process. */
export class Child {
  readonly name: string
  readonly #process: ChildProcess
  #tail = ""

  constructor(name: string, { args, settings = {} }: ChildOptions) {
    this.name = name
    this.#process = spawn(process.execPath, args, {
      cwd: root,
      env: { ...cleanEnvironment(), ...settings },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    })
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#tail = (this.#tail + text).slice(-tailCharsMax)
    })
    this.#process.on("error", (error) => {
      this.#tail += error.message
    })
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get hasEnded(): boolean {
    return this.#process.pid === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** Throws, with what it has said, where the process has ended. */
  requireAlive(): void {
    if (!this.hasEnded) return
    const { exitCode, signalCode } = this.#process
    throw new Error(`${this.name} has ended (${signalCode ?? exitCode ?? "never started"}):\n${this.#tail}`)
  }

  /** Its first line on stdout, parsed as JSON; later ones are dropped. Throws where it ends before. */
  async firstLine(): Promise<unknown> {
    const { stdout } = this.#process
    if (stdout === null) throw new Error(`${this.name} has no output`)
    const lines = createInterface({ input: stdout })
    const ended = once(this.#process, "exit").then(() => this.requireAlive())
    const [line] = (await Promise.race([once(lines, "line"), ended])) as [string]
    return JSON.parse(line)
  }

  /** Reads what it prints and throws it away, so that it never waits for a reader. */
  ignoreOutput(): void {
    this.#process.stdout?.resume()
  }

  /** Asks it to end and waits; kills it where it does not. */
  async end(): Promise<void> {
    if (this.hasEnded) return
    const ended = once(this.#process, "exit")
    this.#process.kill("SIGTERM")
    const patience = new AbortController()
    const late = sleep(patienceMs, "late", { signal: patience.signal }).catch(() => "ended")
    if ((await Promise.race([ended, late])) === "late") this.#process.kill("SIGKILL")
    await ended
    patience.abort()
  }

  /** Kills it as it is, and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.hasEnded) return
    const ended = once(this.#process, "exit")
    this.#process.kill("SIGKILL")
    await ended
  }
}

/** Settings of whoever runs the benchmark must not change what is measured. */
function cleanEnvironment(): Record<string, string | undefined> {
  const isSetting = (name: string): boolean => /^(BREVET_|OPENAI_|ANTHROPIC_|GOOGLE_|DATABASE_URL|NODE_)/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isSetting(name)))
}
