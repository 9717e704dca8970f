/** What a thread of the sandbox and the server tell each other. The thread itself is plain JavaScript: it has no loader. */
import type { ConsoleLine } from "@brevet/core/graph/code/outcome"

/** The engine's memory as every run finds it; `mark` tells whether another engine is laid out in the same way. */
export type Snapshot = { readonly mark: string; readonly bytes: SharedArrayBuffer }

/** The engine as WebAssembly that is compiled: only the threads look into it. */
export type CompiledModule = object

/** What threads have in common, made by the first of them. */
export type Shared = { readonly module: CompiledModule; readonly snapshot: Snapshot }

/** What a thread begins with. */
export type ThreadData = {
  readonly shared: Shared | null
  /** See `controls`. */
  readonly control: Int32Array
  /** Where answers to questions arrive. */
  readonly answers: import("node:worker_threads").MessagePort
}

/** Places in a thread's `control`. `answered` rises with each answer and each stop; `stopped` is the id of the run to end. */
export const controls = { answered: 0, stopped: 1 } as const

/** One run, as the thread gets it. `id` counts from 1. `text`: the request as the guest reads it. */
export type RunMessage = {
  readonly id: number
  readonly text: string
  readonly nowMs: number
  readonly timeZone: string
  readonly bounds: { readonly memoryBytes: number; readonly timeMs: number; readonly outputChars: number }
}

/** Why there is no report. `stuck`: the code waits for what never comes; `broken`: the thread's own stack has ended. */
export type NoReport = "time" | "memory" | "stuck" | "stopped" | "broken" | "output" | "depth"

/** What the guest reported, as JSON text that holds no key `__proto__` and is not nested deeply; or why it did not. */
export type Outcome = { readonly type: "report"; readonly text: string } | { readonly type: NoReport }

/** A run that is over. `isFit`: the thread can take another. */
export type DoneMessage = {
  readonly type: "done"
  readonly id: number
  readonly outcome: Outcome
  readonly console: readonly ConsoleLine[]
  readonly isFit: boolean
}

/** What a thread tells. */
export type ThreadMessage =
  | { readonly type: "ready"; readonly shared: Shared }
  | { readonly type: "question"; readonly id: number; readonly text: string }
  | DoneMessage

/** The answer to the question of a run. */
export type AnswerMessage = { readonly id: number; readonly text: string }
