/** The workflow of a turn that has none: a single FreddyLLM node behind nothing. One way to answer, not two. */
import type { JsonObject } from "../json.ts"

/** The name of its only node. */
export const plainNodeName = "FreddyLLM"

/** The id by which that node is meant. */
export const plainNodeId = "freddy_llm"

/** Its definition. The node has no parameters: what it does is said by the turn alone. */
export function plainDefinition(): JsonObject {
  const node = {
    id: plainNodeId,
    name: plainNodeName,
    type: "freddyLLM",
    typeVersion: 1,
    position: [0, 0],
    parameters: {},
  }
  return { nodes: [node], connections: {} }
}
