/** The tools whose nodes say little more than that they are there. What each does is the server's (`runtime/tools`). */
import { quote } from "../../findings.ts"
import type { Finding, GraphNode } from "../../graph.ts"
import { asNumber, asText } from "../../value-types.ts"
import { checkCode } from "../code-check.ts"
import type { KindContext, ServantKind } from "../kind.ts"
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

const httpRequestTool: ServantKind = {
  ...shared,
  name: "httpRequestTool",
  types: ["n8n-nodes-base.httpRequestTool"],
  title: "HTTP request tool",
  help: "Lets a model make an HTTP request; `$fromAI` in its parameters says what the model gives.",
  check: checkDescription,
}

const mcpClientTool: ServantKind = {
  ...shared,
  name: "mcpClientTool",
  types: ["@n8n/n8n-nodes-langchain.mcpClientTool"],
  title: "MCP client tool",
  help: "Gives a model the tools of an MCP server.",
  check: (node) => {
    if (addressOf(node) !== undefined) return []
    const message = `Give ${quote(node.name)} the address of its MCP server.`
    return [{ severity: "error", code: "SETTING_MISSING", message, node: node.name, path: node.path }]
  },
}

/** Version 1 named the address of a transport that is no more; servers that had it mostly answer there in the newer one too. */
const addressOf = ({ parameters }: GraphNode) => parameters.endpointUrl ?? parameters.sseEndpoint

/** Which MCP server a node asks, and which of its tools it gives. */
export type McpPlan = {
  readonly url: string
  /** The type of its credential; null: none. */
  readonly credentialType: string | null
  readonly timeoutMs: number
  offers(name: string): boolean
}

const mcpCredentials: Readonly<Record<string, string>> = {
  bearerAuth: "httpBearerAuth",
  headerAuth: "httpHeaderAuth",
}
const mcpTimeoutMs = 60_000

/** What an MCP client's node asks for. Throws ExpressionError. */
export function prepareMcpClient(context: KindContext): McpPlan {
  const { node } = context
  const list = (name: string): readonly unknown[] => {
    const value = context.parameter(name, 0)
    return Array.isArray(value) ? value : []
  }
  const include = asText(context.parameter("include", 0)) ?? "all"
  const authentication = asText(context.parameter("authentication", 0)) ?? "none"
  const timeout = asNumber(context.parameter("options.timeout", 0)) ?? mcpTimeoutMs
  const [included, excluded] = [list("includeTools"), list("excludeTools")]
  return {
    url: asText(context.resolve(addressOf(node) ?? "", 0)) ?? "",
    credentialType: Object.hasOwn(mcpCredentials, authentication) ? (mcpCredentials[authentication] ?? null) : null,
    timeoutMs: Math.min(mcpTimeoutMs * 10, Math.max(1_000, Math.trunc(timeout))),
    offers: (name) =>
      include === "selected" ? included.includes(name) : include === "except" ? !excluded.includes(name) : true,
  }
}

/** The code of a code tool; without its own it gives what it gets in capitals (documented). */
export function codeOfTool({ parameters }: GraphNode): string {
  return typeof parameters.jsCode === "string" ? parameters.jsCode : "return query.toUpperCase()"
}

/** The kinds. */
export const toolKinds: readonly ServantKind[] = [toolCode, toolCalculator, toolThink, httpRequestTool, mcpClientTool]

function checkDescription(node: GraphNode): readonly Finding[] {
  const { description, toolDescription } = node.parameters
  if ([description, toolDescription].some((text) => text !== undefined && text !== "")) return []
  const message = `Describe in ${quote(node.name)} what the tool is for: a model calls it only if it knows.`
  return [{ severity: "warning", code: "TOOL_DESCRIPTION_MISSING", message, node: node.name, path: node.path }]
}
