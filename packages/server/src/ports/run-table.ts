/** Stored runs as services read and mark them. Under way, only the owner writes them (see `adapters/owner`). */
import type { CauseCode } from "@brevet/core/errors"
import type { Usage } from "@brevet/core/graph/events"
import type { RunResult } from "@brevet/core/graph/run-result"
import type { Id } from "@brevet/core/ids"
import type { NumberedEvent } from "./run-log.ts"
import type { RunFilter } from "./runs.ts"

/** The status of a run. */
export type RunStatus = "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled"

/** A run. `usage` and `result` are there once it has ended. */
export type RunRecord = {
  readonly id: Id<"run">
  readonly organizationId: Id<"organization">
  readonly workflowId: Id<"workflow"> | null
  readonly workflowVersion: number | null
  readonly assistantId: Id<"assistant"> | null
  readonly threadId: Id<"thread"> | null
  readonly parentRunId: Id<"run"> | null
  readonly retryOf: Id<"run"> | null
  readonly status: RunStatus
  readonly mode: "chat" | "production" | "manual"
  readonly createdAtMs: number
  readonly startedAtMs: number | null
  readonly finishedAtMs: number | null
  readonly usage: Usage | null
  readonly result: RunResult | null
  /** The answers of the API that the run gave, in order. */
  readonly responseIds: readonly Id<"response">[]
}

/** Which runs of an organization are listed, newest first. */
export type RunListFilter = {
  readonly organizationId: Id<"organization">
  readonly workflowId?: Id<"workflow">
  readonly assistantId?: Id<"assistant">
  readonly threadId?: Id<"thread">
  readonly status?: RunStatus
  readonly limit: number
  readonly offset: number
}

/** The functions of the runs' table. */
export interface RunTable {
  find(organizationId: Id<"organization">, id: Id<"run">): Promise<RunRecord | null>
  list(filter: RunListFilter): Promise<{ readonly records: readonly RunRecord[]; readonly total: number }>
  /** As `RunLog.read`: the appends that hold a number above the given one, in order; the first may begin before it. */
  readLog(
    id: Id<"run">,
    page: { readonly after: number; readonly appendsMax: number },
  ): Promise<readonly NumberedEvent[]>
  /** Marks every run that is queued, running or waiting for its end with that cause; gives their ids. */
  markCancelled(filter: RunFilter, cause: CauseCode): Promise<Id<"run">[]>
  /** Runs that finished before an instant and still have events, at most so many, the oldest first. */
  listExpired(options: { readonly beforeMs: number; readonly limit: number }): Promise<Id<"run">[]>
  /** Removes all events of runs that are over. */
  removeLogs(ids: readonly Id<"run">[]): Promise<void>
}
