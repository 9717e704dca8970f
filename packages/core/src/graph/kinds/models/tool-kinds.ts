/** The tools whose nodes say little more than that they are there. What each does is the server's (`runtime/tools`). */
import { quote } from "../../findings.ts"
import type { Finding, GraphNode } from "../../graph.ts"
import { checkCode } from "../code-check.ts"
import type { ServantKind } from "../kind.ts"
import { noPorts } from "../ports.ts"

const shared = { group: "model", effect: "serves", inputs: () => noPorts, outputs: () => noPorts } as const

const toolCode: ServantKind = {
  ...shared,
  name: "toolCode",
  types: ["@n8n/n8n-nodes-langchain.toolCode"],
  title: "Code tool",
  help: "Lets a model run JavaScript of your own; what it is called with is there as `query`.",
  check: (node) => [...(node.parameters.jsCode === undefined ? [] : checkCode(node)), ...checkDescription(node)],
}

const toolCalculator: ServantKind = {
  ...shared,
  name: "toolCalculator",
  types: ["@n8n/n8n-nodes-langchain.toolCalculator"],
  title: "Calculator",
  help: "Lets a model calculate.",
  check: () => [],
}

const toolThink: ServantKind = {
  ...shared,
  name: "toolThink",
  types: ["@n8n/n8n-nodes-langchain.toolThink"],
  title: "Think tool",
  help: "Gives a model a place to think before it goes on.",
  check: () => [],
}

/** The code of a code tool; without its own it gives what it gets in capitals (documented). */
export function codeOfTool({ parameters }: GraphNode): string {
  return typeof parameters.jsCode === "string" ? parameters.jsCode : "return query.toUpperCase()"
}

/** The kinds. */
export const toolKinds: readonly ServantKind[] = [toolCode, toolCalculator, toolThink]

function checkDescription(node: GraphNode): readonly Finding[] {
  const { description, toolDescription } = node.parameters
  if ([description, toolDescription].some((text) => text !== undefined && text !== "")) return []
  const message = `Describe in ${quote(node.name)} what the tool is for: a model calls it only if it knows.`
  return [{ severity: "warning", code: "TOOL_DESCRIPTION_MISSING", message, node: node.name, path: node.path }]
}
