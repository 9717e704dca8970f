/**
 * Ownership of runs, as the runtime sees it: the one place that says whose a run is. Every write of a run passes here and
 * is fenced: whoever lost a run is told so, and writes nothing (`runs` §2, E1–E12).
 *
 * A run's rows change only by `start` and `append` (its owner) and by a claim (which raises its epoch, so that whatever
 * the earlier owner still writes is refused).
 */
import type { Usage } from "@brevet/core/graph/events"
import type { PauseTerms } from "@brevet/core/graph/pauses/pause"
import type { RunResult } from "@brevet/core/graph/run-result"
import type { Id } from "@brevet/core/ids"
import type { JsonValue } from "@brevet/core/json"

/**
 * A run that ended: how, and what is kept with its row. `removesTurn` takes the turn's
 * messages away with it; `failedRequestHash` (hex) lets a repetition of the request find the turn that failed.
 */
export type RunEnding = {
  readonly status: "completed" | "failed" | "cancelled"
  readonly atMs: number
  readonly usage: Usage
  readonly result: RunResult
  readonly removesTurn: boolean
  readonly failedRequestHash: string | null
  /** It had pauses, of which some may be open: they are cancelled with it. */
  readonly closesPauses?: boolean
}

/**
 * A run that comes to rest: it waits for its pauses, and nobody works on it. `wakeAtMs`: when it is due although nobody
 * brought anything (the earliest expiry or timer); null: never.
 */
export type RunRest = {
  readonly atMs: number
  readonly wakeAtMs: number | null
  readonly usage: Usage
  readonly result: RunResult
  /** The response that ends with it; null where it gives none. */
  readonly responseId: Id<"response"> | null
}

/** A pause to be stored with a write. */
export type PauseWrite = {
  readonly id: Id<"pause">
  readonly node: string
  readonly iteration: number
  readonly terms: PauseTerms
  readonly createdAtMs: number
  readonly expiresAtMs: number | null
  /** The place of its question among the turn's messages; null where it is none. */
  readonly ordinal: number | null
}

/** A message to be stored with a write. `content`, `toolCalls` and `metadata` are JSON text. */
export type MessageWrite = {
  readonly id: Id<"message">
  readonly ordinal: number
  readonly role: "user" | "assistant" | "system" | "tool"
  readonly content: string
  readonly metadata: string | null
  /** The empty answer of a turn that failed. */
  readonly isFailed: boolean
  readonly createdAtMs: number
}

/** One append: events `first`…`last` (numbers of the run's log), fenced by epoch and the last saved number. */
export type RunAppend = {
  readonly runId: Id<"run">
  readonly threadId: Id<"thread"> | null
  /** The number of the turn in the thread. */
  readonly turn: number | null
  readonly epoch: number
  readonly savedNumber: number
  readonly first: number
  readonly last: number
  /** The events as a JSON array. */
  readonly body: string
  readonly messages: readonly MessageWrite[]
  readonly pauses?: readonly PauseWrite[]
  readonly ending: RunEnding | null
  /** The run comes to rest; never together with an ending. */
  readonly rest?: RunRest | null
}

/** The thread in which a run starts: a new one, or one that must not have changed since it was read. */
export type ThreadWrite = {
  readonly id: Id<"thread">
  /** Null: the thread is made with the run. Otherwise its revision when it was read. */
  readonly expectedRevision: number | null
  readonly userId: Id<"user"> | null
  readonly assistantId: Id<"assistant"> | null
  readonly pinnedWorkflowId: Id<"workflow"> | null
  readonly pinnedVersion: number | null
  /** What the request tags a new thread with (`workflow_id`); any plain text, as a rule a workflow's id. */
  readonly workflowTag: string | null
  /** The thread's turns are answered without a workflow. */
  readonly plain: boolean
  readonly metadata: string
  readonly visible: boolean
  /** The versions of called assistants that are fixed with the thread's own (JSON). */
  readonly pins: string | null
  /** The place from which on the thread's messages are removed: an edit. */
  readonly removes: { readonly turn: number; readonly ordinal: number } | null
  /** The turn takes the place of one of the same request that failed. */
  readonly replacesFailed: boolean
  /** The conversation and the node that a called assistant talks for. */
  readonly parent: { readonly threadId: Id<"thread">; readonly node: string } | null
}

/** The mark of an idempotent request that starts a run. */
export type IdempotencyMark = {
  readonly key: string
  readonly method: string
  readonly path: string
  readonly bodyHash: string
}

/**
 * A run to be started. Its first append is `start.append` (epoch 1, saved number 0); where that ends the run already, the
 * whole run is one write. `generation` is the one under which what the run is made of was read; null where nothing of it
 * can change (runs of claimed work). `requestHash` (hex) refuses the start while a turn of the same request has just failed.
 */
export type RunStart = {
  readonly append: RunAppend
  readonly organizationId: Id<"organization">
  readonly generation: number | null
  readonly requestHash: string | null
  readonly workflowId: Id<"workflow"> | null
  readonly workflowVersion: number | null
  readonly assistantId: Id<"assistant"> | null
  readonly parentRunId: Id<"run"> | null
  readonly retryOf: Id<"run"> | null
  readonly responseId: Id<"response"> | null
  readonly mode: "chat" | "production" | "manual"
  readonly thread: ThreadWrite | null
  readonly idempotency: IdempotencyMark | null
  readonly createdAtMs: number
}

/** A pause that was left: what the run's log is to say of it. `responseId`: the response that goes on with it. */
export type SettledPause = {
  readonly pauseId: Id<"pause">
  readonly status: "answered" | "expired"
  readonly answer: JsonValue
  readonly by: string
  readonly atMs: number
  readonly responseId: Id<"response"> | null
  /** The message that the answer was said with. */
  readonly messageId: Id<"message"> | null
}

/** What became of an append. `lost`: the run is another's now, or over; stop without a word. */
export type AppendOutcome =
  | { readonly landed: false }
  | {
      readonly landed: true
      /** Somebody wants the run to end, for this cause. */
      readonly cancelMark: string | null
      /** The append ended a turn, and others of its thread wait. */
      readonly queued: boolean
    }

/** A run that was taken over, with what its row says. Its next number is one above `savedNumber`. */
export type ClaimedRun = {
  readonly runId: Id<"run">
  readonly organizationId: Id<"organization">
  readonly workflowId: Id<"workflow"> | null
  readonly workflowVersion: number | null
  readonly threadId: Id<"thread"> | null
  readonly turn: number | null
  readonly epoch: number
  readonly savedNumber: number
  readonly cancelMark: string | null
  readonly requestHash: string | null
}

/** The owner of this process's runs. */
export interface Owner {
  /** This process's incarnation, as `processes.id` has it. */
  processId(): string
  /**
   * False where nothing was started: the organization's generation or the thread has changed, the thread is busy, the
   * idempotency key is taken, or a turn of the same request has just failed. Whoever asked looks again.
   */
  start(start: RunStart): Promise<boolean>
  /**
   * Stores a run that waits for the turns before it in its thread. `full` where as many wait already, `changed` where
   * `start` would have been refused for another reason than a busy thread, or where the thread is free.
   */
  enqueue(start: RunStart, options: { readonly queuedMax: number }): Promise<"queued" | "full" | "changed">
  append(append: RunAppend): Promise<AppendOutcome>
  /** Takes runs that are due: queued ones whose turn has come, and waiting ones that somebody or the time has woken. */
  claimDue(limit: number): Promise<ClaimedRun[]>
  /** Takes those of the given runs that wait for their turn in a thread, so that they can be ended. */
  claimQueued(ids: readonly Id<"run">[]): Promise<ClaimedRun[]>
  /** Takes those of the given runs that another process works on though somebody wants them to end (E11). */
  claimMarked(ids: readonly Id<"run">[]): Promise<ClaimedRun[]>
  /** Takes the runs of this executor's earlier incarnations, and of all that are dead; to be called once at start. */
  recover(): Promise<ClaimedRun[]>
  /** Lets the next queued run of a thread become due. Harmless where there is none. */
  release(threadId: Id<"thread">): Promise<void>
  /**
   * The pauses of a run of this process that were left, in the order in which they were; those whose time has passed leave
   * now, with this response where the run is a turn's.
   */
  settle(runId: Id<"run">, responseId: Id<"response">): Promise<readonly SettledPause[]>
  /** The run has left this process (ended, at rest, or lost). */
  forget(runId: Id<"run">): void
  /** The run was claimed, and cannot be gone on with now: a later claim gives it out again. */
  giveBack(runId: Id<"run">): void
  close(): Promise<void>
}
