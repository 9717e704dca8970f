/** Agent as a tool: an agent that another one may call. It has a model and tools of its own. */
import type { Graph } from "../../graph.ts"
import { asText } from "../../value-types.ts"
import type { KindContext, ServantKind } from "../kind.ts"
import { noPorts } from "../ports.ts"
import { type AgentPlan, prepareRounds } from "./agent.ts"
import { checkModelServants } from "./model-servants.ts"

/** The kind. */
export const agentTool: ServantKind = {
  name: "agentTool",
  types: ["@n8n/n8n-nodes-langchain.agentTool"],
  title: "Agent as a tool",
  help: "An agent with a model and tools of its own, which another agent may call.",
  group: "model",
  effect: "serves",
  inputs: () => noPorts,
  outputs: () => noPorts,
  check: checkModelServants,
}

/** What it does for one call; its prompt reads what the calling model gave. Throws NODE_SETTINGS_INVALID, ExpressionError. */
export function prepareAgentTool(context: KindContext, graph: Graph, question: string): AgentPlan {
  const defined = context.node.parameters.text === undefined ? "" : (asText(context.parameter("text", 0)) ?? "")
  return { ...prepareRounds(context, graph, 0), prompt: defined === "" ? question : defined }
}
