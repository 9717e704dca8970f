/** What a kind is handed, for tests of kinds alone: one node with its inputs, as an execution would hand them over. */
import { evaluateNode } from "../graph/evaluate-node.ts"
import type { RunEvent } from "../graph/events.ts"
import { findNode } from "../graph/graph.ts"
import type { KindContext } from "../graph/kinds/kind.ts"
import { advance, initialState } from "../graph/plan.ts"
import { readDefinition } from "../graph/read.ts"
import type { JsonObject } from "../json.ts"

const limits = { executionsMax: 10, itemsMax: 10, loopsMax: 10 }

/** The context of a node with an effect, whose only input holds items with this json. */
export function contextOf(node: JsonObject, ...items: readonly JsonObject[]): KindContext {
  const { graph } = readDefinition({ nodes: [{ name: "Node", position: [0, 0], ...node }] })
  const created = {
    type: "run-created",
    v: 1,
    at: 0,
    mode: "chat",
    start: "Node",
    items: items.map((json) => ({ json })),
    seed: 1,
    depth: 0,
    turn: null,
  }
  const events = [
    created,
    { type: "run-started", at: 0 },
    { type: "node-started", at: 0, node: "Node", iteration: 0, attempt: 1 },
  ]
  // Only the fields that planning looks at are there.
  const state = (events as unknown as RunEvent[]).reduce(
    (before, event) => advance({ graph, limits }, before, event).state,
    initialState(graph),
  )
  const { current } = state
  if (current === null || findNode(graph, "Node") === null) throw new Error("the node was not started")
  const facts = { runId: "run_1", workflowId: "flow_1", active: true }
  const evaluated = evaluateNode({ graph, state, current, facts })
  if (evaluated.type !== "effect") throw new Error("the node has no effect")
  return evaluated.context
}
