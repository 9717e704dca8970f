/**
 * The sandbox: threads with a QuickJS each, and whoever waits for one.
 *
 *     call ──> waiting ──> thread (idle, or started where there is room) ──> done ──> the next that waits, or idle
 *
 * Invariants
 *   B1  No thread is started before somebody asks, so that a server that runs no code pays nothing.
 *   B2  At most `size` threads live, those that start among them; one that was ended counts no longer.
 *   B3  A thread that is over is replaced at once, so that the pool stays as warm as it was.
 *   B4  Whoever waits gets a thread in the order of asking, or is told why not.
 */
import { availableParallelism } from "node:os"
import type { CodeAnswer } from "@brevet/core/graph/code/questions"
import type { Logger } from "pino"
import type {
  CodeBounds,
  CodeOccasion,
  CodeOutcome,
  CodeRequest,
  PatternOutcome,
  PatternRequest,
  Sandbox,
} from "../../ports/sandbox.ts"
import type { RunMessage, Shared } from "./messages.ts"
import { readCodeOutcome, readPatternOutcome } from "./outcomes.ts"
import { type Done, Thread, type ThreadOccasion } from "./thread.ts"

/**
 * Threads at most: code works without waiting, so that more of them than cores gain nothing; two at least, so that one
 * endless loop does not hold up everybody, and four at most, since each holds some 40 MB.
 */
const sizeDefault = Math.min(4, Math.max(2, availableParallelism()))

/** Patterns need little memory; their matches are part of the text, or as many as the caller takes. */
const patternBounds: Omit<CodeBounds, "timeMs"> = { memoryBytes: 64 * 1024 * 1024, outputChars: 16 * 1024 * 1024 }

/** Opens the sandbox. Costs nothing until it is asked for something. Close it. */
export function openSandbox(options: { readonly log: Logger; readonly size?: number }): Sandbox {
  return new ThreadPool(options)
}

type Waiting = { readonly give: (thread: Thread) => void; readonly refuse: (error: unknown) => void }

class ThreadPool implements Sandbox {
  readonly #size: number
  readonly #log: Logger
  /** Threads that have started, those at work and those that are idle. */
  readonly #live = new Set<Thread>()
  readonly #idle: Thread[] = []
  readonly #opening = new Set<Thread>()
  #waiting: Waiting[] = []
  #starting = 0
  #shared: Promise<Shared> | null = null
  #isClosed = false

  constructor({ log, size = sizeDefault }: { readonly log: Logger; readonly size?: number }) {
    this.#log = log
    this.#size = size
  }

  async runCode(request: CodeRequest, occasion: CodeOccasion): Promise<CodeOutcome> {
    const { nowMs, timeZone, bounds, ...asked } = request
    const text = JSON.stringify({ operation: "code", ...asked, timeZone, bounds })
    return readCodeOutcome(await this.#run({ text, nowMs, timeZone, bounds }, occasion), request)
  }

  async matchPattern(
    { timeMs, ...asked }: PatternRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<PatternOutcome> {
    const text = JSON.stringify({ operation: "pattern", ...asked })
    const bounds = { ...patternBounds, timeMs }
    const done = await this.#run({ text, nowMs: 0, timeZone: "UTC", bounds }, { answer: noAnswer, signal })
    return readPatternOutcome(done, bounds)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const waiting = this.#waiting
    this.#waiting = []
    for (const { refuse } of waiting) refuse(new Error("the sandbox is closed"))
    await Promise.all([...this.#live, ...this.#opening].map((thread) => thread.terminate()))
  }

  async #run(message: Omit<RunMessage, "id">, occasion: ThreadOccasion): Promise<Done> {
    const thread = await this.#take(occasion.signal)
    return thread.run(message, occasion, () => this.#giveBack(thread))
  }

  #take(signal: AbortSignal): Promise<Thread> {
    signal.throwIfAborted()
    if (this.#isClosed) throw new Error("the sandbox is closed")
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== entry)
        reject(signal.reason)
      }
      const entry: Waiting = {
        give(thread) {
          signal.removeEventListener("abort", leave)
          resolve(thread)
        },
        refuse(error) {
          signal.removeEventListener("abort", leave)
          reject(error)
        },
      }
      signal.addEventListener("abort", leave, { once: true })
      this.#waiting.push(entry)
      this.#serve()
      if (this.#waiting.length > this.#starting) this.#start()
    })
  }

  #giveBack(thread: Thread): void {
    if (this.#isClosed) return
    if (thread.isFit) this.#idle.push(thread)
    else this.#replace(thread)
    this.#serve()
  }

  /** Idle threads go to those who wait (B4); the one that was used last goes first, its memory is still at hand. */
  #serve(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#idle.pop()
      if (thread === undefined) return
      // A thread may have ended while it was idle.
      if (thread.isFit) this.#waiting.shift()?.give(thread)
      else this.#replace(thread)
    }
  }

  /** B3. */
  #replace(thread: Thread): void {
    this.#live.delete(thread)
    this.#start()
  }

  #start(): void {
    if (this.#isClosed || this.#live.size + this.#starting >= this.#size) return
    this.#starting += 1
    this.#open()
      .finally(() => {
        this.#starting -= 1
      })
      .then(
        (thread) => {
          this.#live.add(thread)
          this.#giveBack(thread)
        },
        (error: unknown) => {
          if (this.#isClosed) return
          this.#log.error({ err: error }, "sandbox-start-failed")
          this.#waiting.shift()?.refuse(error)
          if (this.#waiting.length > this.#starting) this.#start()
        },
      )
  }

  /** The first thread makes what all of them share; those that are started meanwhile wait for it. */
  async #open(): Promise<Thread> {
    const shared = this.#shared === null ? null : await this.#shared
    if (this.#isClosed) throw new Error("the sandbox is closed")
    const thread = new Thread(shared)
    if (shared === null) this.#shared = thread.ready
    this.#opening.add(thread)
    try {
      await thread.ready
      return thread
    } catch (error) {
      if (shared === null) this.#shared = null
      throw error
    } finally {
      this.#opening.delete(thread)
    }
  }
}

function noAnswer(): CodeAnswer {
  return { refused: "A pattern asks for nothing." }
}
