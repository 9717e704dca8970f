/** The stored log of runs, as whoever reads a stream again sees it. */
import type { CauseCode } from "@brevet/core/errors"
import type { RunEvent } from "@brevet/core/graph/events"
import type { Id } from "@brevet/core/ids"
import type { EndedRun, RunOutcome } from "./runs.ts"

/** An event with its number; a chunk of text has the number of its first piece. */
export type NumberedEvent = { readonly number: number; readonly event: RunEvent }

/** Where a run stands: `savedNumber` is the last number in the log. */
export type RunStanding = {
  readonly status: "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled"
  readonly savedNumber: number
}

/** The log of runs. */
export interface RunLog {
  /** The appends that hold a number above the given one, in order, at most so many; the first may begin before it. */
  read(runId: Id<"run">, after: number, limit: number): Promise<readonly NumberedEvent[]>
  /** Null where there is no such run. */
  standing(runId: Id<"run">): Promise<RunStanding | null>
  /** How the run ended; null where it has not. */
  ended(runId: Id<"run">): Promise<EndedRun | null>
  /**
   * How the segment that gives a response ended, or the run where no response is named: also at rest; null where it has
   * not, or has not begun.
   */
  outcome(segment: {
    readonly runId: Id<"run">
    readonly responseId: Id<"response"> | null
  }): Promise<RunOutcome | null>
  /** Those of the runs that somebody wants to end, with the cause. */
  marks(ids: readonly Id<"run">[]): Promise<readonly { readonly runId: Id<"run">; readonly cause: CauseCode }[]>
}
