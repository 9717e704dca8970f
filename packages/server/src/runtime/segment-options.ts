/** What a segment is made of: the run, its plan, who owns it, and whom it tells. */
import type { CauseCode } from "@brevet/core/errors"
import type { History } from "@brevet/core/graph/conversation"
import type { Graph } from "@brevet/core/graph/graph"
import type { RunFacts } from "@brevet/core/graph/node-scope"
import type { Command } from "@brevet/core/graph/plan"
import type { RunState } from "@brevet/core/graph/run-state"
import type { Id } from "@brevet/core/ids"
import type { Owner, RunStart } from "../ports/owner.ts"
import type { RunBounds } from "./workshop.ts"

/** What a start says beside its first append. */
export type StartFacts = Omit<RunStart, "append">

/** What a segment is made of. `events`: the run's log so far, for a run that was claimed. */
export type SegmentOptions = {
  readonly runId: Id<"run">
  readonly organizationId: Id<"organization">
  /** The organization's generation under which the run was made; null where that is not known. */
  readonly generation: number | null
  readonly threadId: Id<"thread"> | null
  readonly turn: number | null
  readonly graph: Graph
  readonly facts: RunFacts
  readonly traceId: string
  /** See `RunEnding.failedRequestHash`. */
  readonly requestHash: string | null
  readonly limits: RunBounds
  readonly owner: Owner
  readonly epoch: number
  readonly savedNumber: number
  readonly start: StartFacts | null
  /** Nobody hears of the run before its end, so that its start may go in with an answer that comes at once. */
  readonly startsWithAnswer: boolean
  /** The thread's messages before this turn; read when a node asks for them, unless whoever made the turn had them. */
  readonly readHistory: () => Promise<History>
  readonly folded: { readonly state: RunState; readonly command: Command; readonly chars: number } | null
  /** Called when the run's row says that somebody wants it to end. */
  onMark(cause: CauseCode): void
  /** Called when the run has ended a turn and others of its thread wait. */
  onReleased(threadId: Id<"thread">): void
  /** Called when a listener has failed; it is told nothing more, and the run goes on. */
  onListenerFault(error: unknown): void
}
