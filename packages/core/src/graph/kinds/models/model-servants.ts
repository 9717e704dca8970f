/** The models that serve a node: the one that it asks, and the one that stands in where that fails. */
import { quote } from "../../findings.ts"
import type { Finding, Graph, GraphNode } from "../../graph.ts"
import { modelValues, servantsOf } from "../../model-nodes.ts"
import { holdsExpression } from "../model-parameters.ts"

/** The node of the model that a node asks; null where none is connected. */
export function modelNodeOf(graph: Graph, node: GraphNode): GraphNode | null {
  return servantsOf(graph, node, "ai_languageModel")[0] ?? null
}

/** The model that is asked where the first one fails: the second connected one, where the node says so. */
export function fallbackNodeOf(graph: Graph, node: GraphNode): GraphNode | null {
  if (node.parameters.needsFallback !== true) return null
  return servantsOf(graph, node, "ai_languageModel")[1] ?? null
}

/** Whether the model that a node asks is told to answer in JSON, or may be. */
export function answersInJson(graph: Graph, node: GraphNode): boolean {
  return servantsOf(graph, node, "ai_languageModel").some((model) => {
    const format = modelValues(model).get("responseFormat")
    return format !== undefined && (holdsExpression(format.value) || format.value !== "text")
  })
}

/** What is missing for asking. The model itself is a finding of promotion too, which names the primary node's alone. */
export function checkModelServants(node: GraphNode, graph: Graph): readonly Finding[] {
  const findings: Finding[] = []
  const place = { node: node.name, path: node.path }
  if (modelNodeOf(graph, node) === null) {
    const message = `Connect a language model to ${quote(node.name)}: without one it cannot answer.`
    findings.push({ severity: "error", code: "MODEL_MISSING", message, ...place })
  }
  if (node.parameters.needsFallback === true && fallbackNodeOf(graph, node) === null) {
    const message = `Connect a second language model to ${quote(node.name)}, or switch its fallback off.`
    findings.push({ severity: "warning", code: "FALLBACK_MISSING", message, ...place })
  }
  return findings
}
