/** The nodes that importers write for steps that talk to models, and the nodes that serve them. */
import type { JsonObject, JsonValue } from "../../json.ts"
import { literalText, type Piece, templateText } from "./expression-text.ts"
import type { MadeNode } from "./made-nodes.ts"
import type { Asked } from "./messages.ts"

const langchain = "@n8n/n8n-nodes-langchain."

/** How much of the conversation a node sees: none, all, or so many messages. */
export type Remembered = "none" | "all" | { readonly messages: number }

/** A FreddyLLM node that asks what `asked` says under these settings. */
export function freddyNode(
  asked: Pick<Asked, "system" | "prompt">,
  options: { readonly settings: JsonObject; readonly remembers: Remembered; readonly outputSchema?: JsonObject | null },
): MadeNode {
  const { settings, remembers, outputSchema = null } = options
  const parameters: JsonObject = {
    ...settings,
    ...(asked.system === null ? {} : { system_message: templateText(asked.system) }),
    ...(asked.prompt === null ? {} : { prompt: templateText(asked.prompt) }),
    include_history: remembers !== "none",
    ...(typeof remembers === "object" ? { history_limit: remembers.messages } : {}),
    ...(outputSchema === null ? {} : { output_schema: escapedJson(outputSchema) }),
  }
  return { type: "FreddyLLM", typeVersion: 1, parameters }
}

/** JSON whose texts mean themselves. */
export function escapedJson(value: JsonValue): JsonValue {
  if (typeof value === "string") return literalText(value)
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(escapedJson)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, escapedJson(child)]))
}

/** An agent; its model, memory and tools are nodes that are connected to it. */
export function agentNode(
  asked: Pick<Asked, "system" | "prompt">,
  options: { readonly iterationsMax?: number | undefined; readonly hasParser?: boolean },
): MadeNode {
  const { iterationsMax, hasParser = false } = options
  const prompt = asked.prompt ?? [{ code: "$json.chatInput ?? $json.output ?? $json.text ?? $json.message" }]
  const parameters: JsonObject = {
    promptType: "define",
    text: templateText(prompt),
    ...(hasParser ? { hasOutputParser: true } : {}),
    options: {
      ...(asked.system === null ? {} : { systemMessage: templateText(asked.system) }),
      ...(iterationsMax === undefined ? {} : { maxIterations: iterationsMax }),
    },
  }
  return { type: `${langchain}agent`, typeVersion: 2.2, parameters }
}

/** An agent that serves another one as a tool: it is asked by the other's model. */
export function agentToolNode(description: string, system: readonly Piece[] | null): MadeNode {
  const parameters: JsonObject = {
    toolDescription: literalText(description),
    text: templateText([{ code: '$fromAI("task", "What is to be done")' }]),
    options: system === null ? {} : { systemMessage: templateText(system) },
  }
  return { type: `${langchain}agentTool`, typeVersion: 2.2, parameters }
}

/** The memory of an agent: so many of the last exchanges of the conversation. */
export function memoryNode(exchanges: number | null): MadeNode {
  const parameters = { sessionIdType: "fromInput", ...(exchanges === null ? {} : { contextWindowLength: exchanges }) }
  return { type: `${langchain}memoryBufferWindow`, typeVersion: 1.3, parameters }
}

/** The calculator. */
export function calculatorNode(): MadeNode {
  return { type: `${langchain}toolCalculator`, typeVersion: 1, parameters: {} }
}

/** An MCP server as a tool: its address, and which of its tools; null: all of them. */
export function mcpToolNode(url: string, allowed: readonly string[] | null): MadeNode {
  const parameters: JsonObject = {
    endpointUrl: literalText(url),
    serverTransport: /\/sse\/?$/.test(url) ? "sse" : "httpStreamable",
    authentication: "none",
    ...(allowed === null ? { include: "all" } : { include: "selected", includeTools: allowed.map(literalText) }),
  }
  return { type: `${langchain}mcpClientTool`, typeVersion: 1.1, parameters }
}

/** What an answer has to look like, for an agent. */
export function parserNode(schema: JsonObject): MadeNode {
  const parameters = { schemaType: "manual", inputSchema: literalText(JSON.stringify(schema, null, 2)) }
  return { type: `${langchain}outputParserStructured`, typeVersion: 1.2, parameters }
}

/** Sends each item to the output of the category that a model finds. */
export function classifierNode(
  text: readonly Piece[],
  categories: readonly { readonly name: string; readonly description: string }[],
  instructions: readonly Piece[] | null,
): MadeNode {
  const listed = categories.map(({ name, description }) => ({
    category: literalText(name),
    description: literalText(description === "" ? name : description),
  }))
  const parameters: JsonObject = {
    inputText: templateText(text),
    categories: { categories: listed },
    options: instructions === null ? {} : { systemPromptTemplate: templateText(classifying(instructions)) },
  }
  return { type: `${langchain}textClassifier`, typeVersion: 1.1, parameters }
}

/** The template of a classifier has to name the place of its categories. */
function classifying(instructions: readonly Piece[]): readonly Piece[] {
  return [...instructions, "\n\nChoose one of the following categories: {categories}. Answer in JSON alone."]
}

/** Reads values out of a text by a JSON Schema; they are in `output` of the item. */
export function extractorNode(
  text: readonly Piece[],
  schema: JsonObject,
  instructions: readonly Piece[] | null,
): MadeNode {
  const parameters: JsonObject = {
    text: templateText(text),
    schemaType: "manual",
    inputSchema: literalText(JSON.stringify(schema, null, 2)),
    options: instructions === null ? {} : { systemPromptTemplate: templateText(instructions) },
  }
  return { type: `${langchain}informationExtractor`, typeVersion: 1, parameters }
}
