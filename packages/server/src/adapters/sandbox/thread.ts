/**
 * A thread of the sandbox as the server handles it: one run at a time, and a hard end for one that does not react.
 *
 *     starting ── ready ──> idle ── run ──> busy ── done ──> idle
 *                                            ├── done, not fit ───> over
 *                                            ├── aborted ── stops by itself ──> idle
 *                                            └── time and grace are over, or aborted and deaf ── terminated ──> over
 */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads"
import type { CodeAnswer } from "@brevet/core/graph/code/questions"
import {
  type AnswerMessage,
  controls,
  type DoneMessage,
  type Outcome,
  type RunMessage,
  type Shared,
  type ThreadData,
  type ThreadMessage,
} from "./messages.ts"

/** How much longer than its time a run may take before its thread is ended: the engine looks at the clock by itself. */
const graceMs = 1_000
/** How long a stopped run may take to react, before its thread is ended. */
const stopGraceMs = 250
/** The stack of the thread: more than the engine's own measure can need, so that the engine's bound is met first. */
const stackMegabytes = 16
/** The thread's own heap: texts on their way in and out. Memory of code is beside it. */
const heapMegabytes = 256
/** Questions of one run, and characters of their answers together: what a run may have other threads do for it. */
const questionsMax = 20_000
const answerCharsMax = 64 * 1024 * 1024

/** What a run gave, as far as it came to that. */
export type Done = { readonly outcome: Outcome; readonly console: DoneMessage["console"] }

/** What surrounds a run. */
export type ThreadOccasion = { answer(question: unknown): CodeAnswer; readonly signal: AbortSignal }

type UnderWay = {
  readonly id: number
  readonly occasion: ThreadOccasion
  readonly resolve: (done: Done) => void
  readonly reject: (error: unknown) => void
  /** Called once the thread is free again, or over. */
  readonly settle: () => void
  timer: NodeJS.Timeout
  questionsLeft: number
  answerCharsLeft: number
}

/** A thread. */
export class Thread {
  /** What the thread shares with others, once it has started. Rejects where it could not. */
  readonly ready: Promise<Shared>
  readonly #worker: Worker
  readonly #control = new Int32Array(new SharedArrayBuffer(8))
  readonly #answers: MessagePort
  #run: UnderWay | null = null
  #count = 0
  #isOver = false
  #failStart: (error: unknown) => void = () => {}

  constructor(shared: Shared | null) {
    const channel = new MessageChannel()
    this.#answers = channel.port1
    const workerData: ThreadData = { shared, control: this.#control, answers: channel.port2 }
    // Nothing of the process is handed on: no environment, no options, no output.
    this.#worker = new Worker(new URL("./worker.mjs", import.meta.url), {
      name: "sandbox",
      workerData,
      transferList: [channel.port2],
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { stackSizeMb: stackMegabytes, maxOldGenerationSizeMb: heapMegabytes },
    })
    this.ready = new Promise((resolve, reject) => {
      this.#failStart = reject
      this.#worker.on("message", (message: ThreadMessage) => {
        if (message.type === "ready") resolve(message.shared)
        else if (message.type === "question") this.#answer(message)
        else this.#finish(message)
      })
    })
    this.#worker.on("error", (error) => this.#end(error))
    this.#worker.on("exit", (code) => this.#end(new Error(`a thread of the sandbox ended by itself with ${code}`)))
  }

  /** False once the thread takes no more runs. */
  get isFit(): boolean {
    return !this.#isOver
  }

  /**
   * Runs one request; `settled` is called once the thread is free again or over, which with an abort is later than the
   * rejection. Throws the signal's reason, and what is a fault of the thread.
   */
  run(message: Omit<RunMessage, "id">, occasion: ThreadOccasion, settled: () => void): Promise<Done> {
    this.#count += 1
    const id = this.#count
    const { signal } = occasion
    return new Promise<Done>((resolve, reject) => {
      const stop = () => this.#stop(id)
      signal.addEventListener("abort", stop, { once: true })
      const settle = () => {
        signal.removeEventListener("abort", stop)
        settled()
      }
      const timer = setTimeout(() => this.#kill(id), message.bounds.timeMs + graceMs)
      const bounds = { questionsLeft: questionsMax, answerCharsLeft: answerCharsMax }
      this.#run = { id, occasion, resolve, reject, settle, timer, ...bounds }
      this.#worker.postMessage({ ...message, id } satisfies RunMessage)
      if (signal.aborted) stop()
    })
  }

  /** Ends the thread, and whatever runs in it. */
  async terminate(): Promise<void> {
    this.#end(new Error("the sandbox is closed"))
    await this.#worker.terminate()
  }

  #answer({ id, text }: Extract<ThreadMessage, { type: "question" }>): void {
    const run = this.#run
    if (run === null || run.id !== id || run.occasion.signal.aborted) return
    let answer: string
    try {
      answer = run.questionsLeft > 0 ? JSON.stringify(run.occasion.answer(JSON.parse(text))) : tooMuch
    } catch (error) {
      // A fault of ours: the run fails with it, and the thread goes with the run.
      run.reject(error)
      this.#kill(id)
      return
    }
    run.questionsLeft -= 1
    run.answerCharsLeft -= answer.length
    const message: AnswerMessage = { id, text: run.answerCharsLeft < 0 ? tooMuch : answer }
    this.#answers.postMessage(message)
    this.#wake()
  }

  #finish({ id, outcome, console, isFit }: DoneMessage): void {
    const run = this.#run
    if (run === null || run.id !== id) return
    this.#run = null
    clearTimeout(run.timer)
    if (!isFit) this.#discard()
    run.resolve({ outcome, console })
    run.settle()
  }

  /** Asks the run to stop; ends the thread if it does not. The caller is told at once. */
  #stop(id: number): void {
    const run = this.#run
    if (run === null || run.id !== id) return
    clearTimeout(run.timer)
    run.timer = setTimeout(() => this.#kill(id), stopGraceMs)
    Atomics.store(this.#control, controls.stopped, id)
    this.#wake()
    run.reject(run.occasion.signal.reason)
  }

  #kill(id: number): void {
    const run = this.#run
    if (run === null || run.id !== id) return
    this.#run = null
    clearTimeout(run.timer)
    this.#discard()
    run.resolve({ outcome: { type: "time" }, console: [] })
    run.settle()
  }

  #wake(): void {
    Atomics.add(this.#control, controls.answered, 1)
    Atomics.notify(this.#control, controls.answered)
  }

  /** Takes no more runs, and ends the thread, which cannot fail: there is nothing to be told of it. */
  #discard(): void {
    this.#isOver = true
    this.#answers.close()
    void this.#worker.terminate()
  }

  /** The thread is over, by itself or because it was ended. */
  #end(error: unknown): void {
    const wasOver = this.#isOver
    this.#isOver = true
    this.#answers.close()
    this.#failStart(error)
    const run = this.#run
    if (run === null) return
    this.#run = null
    clearTimeout(run.timer)
    if (!wasOver && isOutOfMemory(error)) run.resolve({ outcome: { type: "memory" }, console: [] })
    else run.reject(error)
    run.settle()
  }
}

const tooMuch = JSON.stringify({ refused: "The code asks for more data of other nodes than it may." })

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY"
}
