/** The nodes that say which form an answer has to have; what they do is in `output-parser.ts`. */
import { quote } from "../../findings.ts"
import type { Finding, Graph, GraphNode } from "../../graph.ts"
import { servantsOf } from "../../model-nodes.ts"
import type { ServantKind } from "../kind.ts"
import { noPorts } from "../ports.ts"

const shared = { group: "model", effect: "serves", inputs: () => noPorts, outputs: () => noPorts } as const

/** Structured output parser. */
const outputParserStructured: ServantKind = {
  ...shared,
  name: "outputParserStructured",
  types: ["@n8n/n8n-nodes-langchain.outputParserStructured"],
  title: "Structured output parser",
  help: "Has a model answer with JSON of a form that you describe by an example or a schema.",
  check: () => [],
}

const outputParserItemList: ServantKind = {
  ...shared,
  name: "outputParserItemList",
  types: ["@n8n/n8n-nodes-langchain.outputParserItemList"],
  title: "Item list output parser",
  help: "Has a model answer with a list of texts.",
  check: () => [],
}

const outputParserAutofixing: ServantKind = {
  ...shared,
  name: "outputParserAutofixing",
  types: ["@n8n/n8n-nodes-langchain.outputParserAutofixing"],
  title: "Auto-fixing output parser",
  help: "Has a model repair an answer that the parser connected to it cannot read.",
  check: checkAutofixing,
}

/** The kinds. */
export const outputParserKinds: readonly ServantKind[] = [
  outputParserStructured,
  outputParserItemList,
  outputParserAutofixing,
]

function checkAutofixing(node: GraphNode, graph: Graph): readonly Finding[] {
  if (servantsOf(graph, node, "ai_outputParser").length > 0) return []
  const message = `Connect the parser to ${quote(node.name)} whose answers it repairs.`
  return [{ severity: "error", code: "PARSER_MISSING", message, node: node.name, path: node.path }]
}
