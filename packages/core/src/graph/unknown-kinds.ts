/** Nodes whose kind is not run here, and how the same can be done: findings for whoever draws the workflow. */
import { quote } from "./findings.ts"
import type { Finding, Graph, GraphNode } from "./graph.ts"
import { findKind } from "./kinds/table.ts"
import { nameOfType } from "./kinds/type-names.ts"

/** The enabled nodes that fail when they are reached or asked. */
export function unknownKindNodes(graph: Graph): readonly GraphNode[] {
  return graph.nodes.filter(({ kind, disabled }) => !disabled && (kind === null || findKind(kind) === null))
}

/** Ways to do the same with kinds that are run here, by the part of the type name after its prefix, in small letters. */
const advice: readonly (readonly [names: RegExp, advice: string])[] = [
  [
    /^(agent|chainllm|openai|chainsummarization|informationextractor|textclassifier|sentimentanalysis)$/,
    "ask the model with a FreddyLLM node",
  ],
  [/^(lmchat|lm|model)/, "name the model in a FreddyLLM node"],
  [/^memory/, "set include_history in a FreddyLLM node"],
  [/^outputparser/, "set output_schema in a FreddyLLM node"],
  [/^(agenttool|tool|mcpclient)|tool$/, "remove the tool, or fetch what it gives before the model is asked"],
  [/^(code|function|functionitem)$/, "write it in a Code node"],
  [/^(executeworkflow)$/, "promote the other workflow and ask it with an Assistant node"],
  [/^form$/, "let an Ask node ask"],
  [/^(movebinarydata|spreadsheetfile)$/, "use Extract from File and Convert to File"],
  [
    /^(readwritefile|readbinaryfiles?|writebinaryfile)$/,
    "the server's disk is out of reach: take files over a webhook, a form or an httpRequest node",
  ],
  [/trigger$/, "start with a chat trigger"],
]

/** One finding for each. */
export function unknownKindFindings(graph: Graph): readonly Finding[] {
  return unknownKindNodes(graph).map((node): Finding => {
    const message = `Replace or remove ${quote(node.name)}: nodes of type ${quote(node.type)} are not run here and fail when they are reached; ${unknownKindAdvice(node)}.`
    return { severity: "warning", code: "NODE_KIND_UNKNOWN", message, node: node.name, path: node.path }
  })
}

/** How to do without a node that is not run here: a phrase that follows a semicolon. */
export function unknownKindAdvice(node: GraphNode): string {
  const name = nameOfType(node.type).toLowerCase()
  const found = advice.find(([names]) => names.test(name))?.[1]
  return found ?? "call the service behind it with an httpRequest node, or ask for its data in the chat"
}
