/** The graphs that runs are made of. */
import type { Graph } from "@brevet/core/graph/graph"
import type { Id } from "@brevet/core/ids"

/** Reads graphs; what was read stays in memory, since a version never changes. */
export interface GraphSource {
  /** The graph of a version; of the plain one-node workflow where no workflow is named. Throws where it does not exist. */
  load(workflowId: Id<"workflow"> | null, version: number | null): Promise<Graph>
}
