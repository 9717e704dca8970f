/** What the failure of a run starts, as the runtime asks for it. Implemented by services. */
import type { RunCreated } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import type { Id } from "@brevet/core/ids"

/** A run that is about to be stored as failed. */
export type FailingRun = {
  readonly runId: Id<"run">
  readonly organizationId: Id<"organization">
  readonly graph: Graph
  readonly created: RunCreated | null
}

/** Tells others of failures. */
export interface ErrorRuns {
  /**
   * To be called before the failure is stored; what it gives is to be called once it is. Keeps that somebody is to be told,
   * so that this happens once, whatever stops on the way.
   */
  note(run: FailingRun): Promise<() => void>
}
