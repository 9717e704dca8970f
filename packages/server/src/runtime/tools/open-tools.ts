/**
 * The tools that serve a node over `ai_tool`, in the order of its inputs. A node of a kind that is no tool here is offered
 * all the same, so that it fails only when a model calls it.
 */
import { ArithmeticError, calculate } from "@brevet/core/graph/arithmetic"
import { cutText } from "@brevet/core/graph/findings"
import type { GraphNode } from "@brevet/core/graph/graph"
import type { ToolServer } from "@brevet/core/graph/kinds/freddy-llm"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { AgentPlan } from "@brevet/core/graph/kinds/models/agent"
import { prepareAgentTool } from "@brevet/core/graph/kinds/models/agent-tool"
import { describeTool, readArguments } from "@brevet/core/graph/kinds/models/tool"
import { servantsOf } from "@brevet/core/graph/model-nodes"
import { asText } from "@brevet/core/graph/value-types"
import { isJsonObject, type JsonValue } from "@brevet/core/json"
import type { McpClient } from "../../ports/mcp-client.ts"
import type { Sandbox } from "../../ports/sandbox.ts"
import type { Work } from "../perform.ts"
import type { HttpPorts } from "../performers/http-exchange.ts"
import { useCode } from "./code-tool.ts"
import { httpAction } from "./http-tool.ts"
import { mcpNodeTools, mcpServerTools } from "./mcp-tools.ts"
import type { Tool, ToolUse } from "./tool.ts"

/** What tools work with. */
export type ToolPorts = HttpPorts & { readonly sandbox: Sandbox; readonly mcp: McpClient }

/** An agent that is a tool: it is asked within the call of the other one. */
export type InnerAgent = { readonly node: GraphNode; readonly plan: AgentPlan; readonly lane: string }

/** Whose tools are opened, with what, and how an agent among them is asked. */
export type Opening = {
  readonly work: Work
  readonly ports: ToolPorts
  readonly node: GraphNode
  /** MCP servers that the node names itself. */
  readonly servers?: readonly ToolServer[]
  askAgent(inner: InnerAgent): Promise<string>
}

/**
 * The tools of a node. Throws NODE_SETTINGS_INVALID and ExpressionError for settings that cannot be read, and what asking an
 * MCP server for its tools does.
 */
export async function openTools(opening: Opening): Promise<readonly Tool[]> {
  const { work, ports } = opening
  const nodes = servantsOf(work.segment.graph, opening.node, "ai_tool")
  const opened = nodes.map((node) =>
    node.kind === "mcpClientTool" ? mcpNodeTools(work, ports.mcp, node) : [openTool(opening, node)],
  )
  const servers = (opening.servers ?? []).map((server) => mcpServerTools(work, ports.mcp, server))
  return withOwnNames((await Promise.all([...opened, ...servers])).flat())
}

/** A name that an earlier tool has gets a number. */
function withOwnNames(tools: readonly Tool[]): readonly Tool[] {
  const taken = new Set<string>()
  return tools.map((tool) => {
    let { name } = tool.definition
    for (let count = 2; taken.has(name); count += 1) name = `${tool.definition.name.slice(0, 60)}_${count}`
    taken.add(name)
    return name === tool.definition.name ? tool : { ...tool, definition: { ...tool.definition, name } }
  })
}

function openTool(opening: Opening, node: GraphNode): Tool {
  const description = describeTool(opening.work.context.servant(node))
  return {
    definition: {
      name: description.name,
      description: description.description,
      parameters: description.parameters,
    },
    read: (given) => readArguments(description, given),
    ...actionOf(opening, node),
  }
}

type Action = Pick<Tool, "mayRepeat" | "use">

/** What a tool changes nothing with, or asks for by calls of its own, may be done again. */
const harmless = (use: Tool["use"]): Action => ({ mayRepeat: () => true, use })

function actionOf(opening: Opening, node: GraphNode): Action {
  const { work, ports } = opening
  switch (node.kind) {
    case "toolCode":
      return harmless(({ given }) => useCode(work, ports.sandbox, { node, given }))
    case "toolCalculator":
      return harmless(async ({ given }) => calculated(asText(given) ?? ""))
    case "toolThink":
      return harmless(async ({ given }) => asText(given) ?? "")
    case "toolHttpRequest":
    case "httpRequestTool":
      return httpAction(work, ports, node)
    case "agentTool":
      return harmless((use) => useAgent(opening, node, use))
    default:
      return harmless(async () => {
        const message = `Nodes of type '${cutText(node.type, 80)}' cannot be used as tools here.`
        throw new NodeFailure("NODE_KIND_UNKNOWN", message)
      })
  }
}

function calculated(text: string): string {
  try {
    return String(calculate(text))
  } catch (error) {
    if (error instanceof ArithmeticError) throw new NodeFailure("NODE_SETTINGS_INVALID", error.message)
    throw error
  }
}

/** An agent has a model and tools of its own; its prompt reads what the model gave. */
function useAgent({ work, askAgent }: Opening, node: GraphNode, { given, lane }: ToolUse): Promise<string> {
  const asked: JsonValue = given
  const context = isJsonObject(asked) ? work.context.servant(node, asked) : work.context.servant(node)
  const question = isJsonObject(asked) ? JSON.stringify(asked) : (asText(asked) ?? "")
  return askAgent({ node, lane, plan: prepareAgentTool(context, work.segment.graph, question) })
}
