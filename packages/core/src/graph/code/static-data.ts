/**
 * What code keeps for later executions (`$getWorkflowStaticData`): within a run alone. It lies in the memory of the
 * executions of Code nodes, so that it is the same after a crash. Across runs nothing is kept (ours): runs of one workflow
 * go side by side on several processes, and what they keep together belongs into a service that is asked for it.
 */
import { isJsonObject, type JsonObject } from "../../json.ts"
import { at, type Execution, emptyLog, type Log, type RunState } from "../run-state.ts"
import type { StaticData } from "./outcome.ts"

/** The memory of an execution that kept something. */
export function staticDataMemory({ node, global }: StaticData): JsonObject {
  return { staticData: { node, global } }
}

/** What the executions of a run have kept so far, for the node of that ordinal. */
export function staticDataOf(state: RunState, ordinal: number): StaticData {
  return {
    node: newest(state.byNode[ordinal] ?? emptyLog(), "node"),
    global: newest(state.log, "global"),
  }
}

/** The newest of what the executions of a log kept; most keep nothing. */
function newest(log: Log<Execution>, part: keyof StaticData): JsonObject {
  for (let index = log.length - 1; index >= 0; index -= 1) {
    const memory = at(log, index)?.memory
    const kept = isJsonObject(memory) && isJsonObject(memory.staticData) ? memory.staticData[part] : undefined
    if (isJsonObject(kept)) return kept
  }
  return {}
}
