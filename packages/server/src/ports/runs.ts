/** Runs as services see them: what starts, follows and ends them. Implemented by the runtime. */
import type { History } from "@brevet/core/graph/conversation"
import type { RunCreated, RunEvent, Usage } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import type { Item } from "@brevet/core/graph/items"
import type { RunResult } from "@brevet/core/graph/run-result"
import type { Id } from "@brevet/core/ids"
import type { MessageWrite, RunStart } from "./owner.ts"

/** One run, or the runs of a workflow, an assistant or a thread. Exactly one field is given. */
export type RunFilter = {
  readonly runId?: Id<"run">
  readonly workflowId?: Id<"workflow">
  readonly assistantId?: Id<"assistant">
  readonly threadId?: Id<"thread">
}

/** Who follows a run. Events come in the order of their numbers; of text each piece comes by itself. */
export type Listener = {
  event(event: RunEvent, number: number): void
  /** The log holds everything up to this number, text too; told after the events of that save. */
  saved?(number: number): void
  /** `ended`: the last event was given. `gone`: this process does not go on with the run; the rest will be in the log. */
  close(reason: "ended" | "gone"): void
}

/** A listener that a reader stands behind, who may be slower than the log is read. */
export type ReadingListener = Listener & {
  /** Settles once the reader has taken what was given. */
  drained(): Promise<void>
}

/** A run that ended. */
export type EndedRun = {
  readonly status: "completed" | "failed" | "cancelled"
  readonly usage: Usage
  readonly result: RunResult
}

/** A run that waits: what it has come to so far, and for what it waits. */
export type RestedRun = Omit<EndedRun, "status"> & { readonly status: "waiting" }

/** What became of a run by itself: it ended, or it waits. */
export type RunOutcome = EndedRun | RestedRun

/** A run to be started: its first event, its first messages, and what its row says. */
export type NewRun = {
  readonly runId: Id<"run">
  readonly graph: Graph
  readonly created: RunCreated
  readonly messages: readonly MessageWrite[]
  readonly start: Omit<RunStart, "append">
  /** What was said in the thread before, where whoever makes the turn has read it. */
  readonly history: History | null
}

/** How a run is started. */
export type StartOptions = {
  /** Given everything from the first event on. */
  readonly listener?: Listener
  /**
   * `first`: the run is in the store before anything is done for it. `effect`: before its first effect has shown anything.
   * `answer`: with its answer, where that comes at once, for a run of which nobody hears before its end.
   */
  readonly commit: "first" | "effect" | "answer"
}

/** A run that ended in this process, with the items of the node that its result names. */
export type EndedHere = EndedRun & { readonly items: readonly Item[] }

/** A run under way in this process. */
export type RunUnderWay = {
  readonly runId: Id<"run">
  /** How it ended or came to rest, once that is stored; null where this process does not go on with it. */
  readonly ended: Promise<EndedHere | RestedRun | null>
}

/** What services ask of the runtime. */
export interface Runs {
  /** Starts a run and gives it back once it is stored. Null where the start was refused, see `Owner.start`. */
  start(run: NewRun, options: StartOptions): Promise<RunUnderWay | null>
  /** Stores a turn that waits for those before it in its thread, see `Owner.enqueue`. */
  enqueue(run: NewRun, options: { readonly queuedMax: number }): Promise<"queued" | "full" | "changed">
  /**
   * Gives everything with a number above `after`: what is in the log, then what comes, to the run's end. Gives back what
   * ends that.
   */
  follow(runId: Id<"run">, after: number, listener: ReadingListener): () => void
  /**
   * How the run ended, waiting for it at most so long; null where it has not, and at once where this process is leaving.
   * Works for runs of other processes too.
   */
  waitForEnd(
    runId: Id<"run">,
    options: { readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<EndedRun | null>
  /**
   * The same for the first segment of a run, or the one that gives this response: it is over as well where the run waits.
   */
  waitForRest(
    segment: { readonly runId: Id<"run">; readonly responseId: Id<"response"> | null },
    options: { readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<RunOutcome | null>
  /** To be called after something was brought to a waiting run: whoever comes first goes on with it. */
  wake(): void
  /**
   * To be called after the transaction in which `store.runs.markCancelled` was called has committed: the owners of the
   * marked runs end them, keeping what was shown. `waitForEnd` tells when.
   */
  endMarked(ids: readonly Id<"run">[]): void
}
