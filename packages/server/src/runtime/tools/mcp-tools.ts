/** The tools of MCP servers: those of a node that names one, and those that a node lists by their addresses. */
import type { GraphNode } from "@brevet/core/graph/graph"
import type { ToolServer } from "@brevet/core/graph/kinds/freddy-llm"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { prepareMcpClient } from "@brevet/core/graph/kinds/models/tool-kinds"
import { isJsonObject } from "@brevet/core/json"
import { type McpClient, McpFailure, type McpServer, type McpTool } from "../../ports/mcp-client.ts"
import { requireCredential, type Work } from "../perform.ts"
import type { Tool } from "./tool.ts"

/** How long a server may take where nobody says. */
const timeoutMs = 60_000

/** The tools that an MCP client's node gives. Throws OUTBOUND_REFUSED and HTTP_ERROR where the server cannot be asked. */
export async function mcpNodeTools(work: Work, mcp: McpClient, node: GraphNode): Promise<readonly Tool[]> {
  const plan = prepareMcpClient(work.context.servant(node))
  const credential = plan.credentialType === null ? null : await requireCredential(work, node, plan.credentialType)
  const server: McpServer = { url: plan.url, credential, timeoutMs: plan.timeoutMs }
  const tools = await asked(work, () => mcp.list(server, { signal: work.segment.signal }))
  return tools.filter(({ name }) => plan.offers(name)).map((tool) => toolOf(work, mcp, { server, tool }))
}

/** The tools of a server that a node names by its address alone. */
export async function mcpServerTools(
  work: Work,
  mcp: McpClient,
  { url, allowedTools }: ToolServer,
): Promise<readonly Tool[]> {
  const server: McpServer = { url, credential: null, timeoutMs }
  const tools = await asked(work, () => mcp.list(server, { signal: work.segment.signal }))
  return tools
    .filter(({ name }) => allowedTools === null || allowedTools.includes(name))
    .map((tool) => toolOf(work, mcp, { server, tool }))
}

type Offered = { readonly server: McpServer; readonly tool: McpTool }

function toolOf(work: Work, mcp: McpClient, { server, tool }: Offered): Tool {
  const name = tool.name.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 64)
  return {
    definition: { name: name === "" ? "tool" : name, description: tool.description, parameters: tool.parameters },
    // What the server wants is the server's to say.
    read: (given) =>
      isJsonObject(given)
        ? { fits: true, value: given }
        : { fits: false, complaint: "The arguments must be an object." },
    mayRepeat: () => tool.mayRepeat,
    async use({ given }) {
      const call = { name: tool.name, arguments: isJsonObject(given) ? given : {} }
      const result = await asked(work, () => mcp.call(server, call, { signal: work.segment.signal }))
      if (result.isError) throw new NodeFailure("HTTP_ERROR", result.text === "" ? "The tool failed." : result.text)
      return result.text
    },
  }
}

async function asked<Answer>({ segment }: Work, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    segment.signal.throwIfAborted()
    if (!(error instanceof McpFailure)) throw error
    throw new NodeFailure(error.kind === "refused" ? "OUTBOUND_REFUSED" : "HTTP_ERROR", error.message, { cause: error })
  }
}
