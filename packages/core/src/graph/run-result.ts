/**
 * What is kept of a run that ended or waits, with its row: what answers and lists show without reading the run's events. Its usage
 * stands beside it. JSON as it stands.
 */
import type { CauseCode } from "../errors.ts"
import type { Failure, RunError } from "./events.ts"
import type { RunPause } from "./pauses/pause.ts"

/** The outcome of a run. */
export type RunResult = {
  /** The node whose output the run's is; null where nothing ran or the run did not complete. */
  readonly node: string | null
  /** The message that the end added to the thread. */
  readonly messageId: string | null
  /** What was said in the turn, several messages joined by a blank line; of a cancelled one, what was shown and kept. */
  readonly text: string | null
  readonly stopReason: "stop" | "length" | "tool_calls" | "input_required" | "cancelled" | null
  /** The pauses that are open, where the run waits; absent otherwise. */
  readonly pauses?: readonly RunPause[]
  /** The model of the last call. */
  readonly model: string | null
  /** A model call was given a summary in the place of older messages. */
  readonly isSummarized: boolean
  readonly failure: Failure | null
  readonly error: RunError | null
  readonly cancelCause: CauseCode | null
  /** The trace id of the request that the run answers. */
  readonly traceId: string
  readonly endedAtMs: number
}
