/**
 * n8n's language-model nodes as candidates (agent, chainLlm, openAi): where their settings stand. An agent's and a chain's
 * model is the first enabled node that serves them as `ai_languageModel`; their system prompt is their own.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { quote } from "./findings.ts"
import type { Finding, Graph, GraphNode } from "./graph.ts"
import { type FoundParameter, findParameter } from "./kinds/model-parameters.ts"
import type { ModelSettings } from "./model-settings.ts"

/** A node and the settings that it holds. */
export type ForeignSource = {
  readonly node: GraphNode
  readonly values: ReadonlyMap<keyof ModelSettings, FoundParameter>
}

/** Where the settings of such a node stand, and what is missing. */
export type ForeignSources = { readonly sources: readonly ForeignSource[]; readonly findings: readonly Finding[] }

/** The enabled nodes that serve a node in that way: by the input at which they are, then in the order of the definition. */
export function servantsOf(graph: Graph, node: GraphNode, type: string): readonly GraphNode[] {
  const servants = (graph.servants[node.ordinal] ?? [])
    .filter((servant) => servant.type === type)
    .toSorted((a, b) => a.input - b.input)
  return servants.flatMap(({ node: ordinal }) => {
    const servant = graph.nodes[ordinal]
    return servant === undefined || servant.disabled ? [] : [servant]
  })
}

/** The sources of a candidate's settings. */
export function foreignSources(graph: Graph, node: GraphNode): ForeignSources {
  const own = { node, values: present([["instructions", systemPrompt(node)]]) }
  if (node.kind === "openAi") return { sources: [own, { node, values: modelValues(node) }], findings: [] }
  const [model] = servantsOf(graph, node, "ai_languageModel")
  const findings: Finding[] = [...(model === undefined ? [noModel(node)] : []), ...historyFinding(graph, node)]
  const sources = model === undefined ? [own] : [own, { node: model, values: modelValues(model) }]
  return { sources, findings }
}

/** The spellings of n8n's model nodes; a limit of −1 means none there (documented). */
const names: readonly (readonly [keyof ModelSettings, readonly string[]])[] = [
  ["model", ["model", "modelName", "modelId"]],
  ["temperature", ["temperature"]],
  ["topP", ["topP"]],
  ["maxOutputTokens", ["maxTokens", "maxTokensToSample", "maxOutputTokens", "numPredict"]],
  ["frequencyPenalty", ["frequencyPenalty"]],
  ["presencePenalty", ["presencePenalty"]],
  ["reasoningEffort", ["reasoningEffort"]],
  ["responseFormat", ["responseFormat"]],
]

/** The settings of a call that a model node holds, as they stand. */
export function modelValues({ parameters }: GraphNode): ForeignSource["values"] {
  const found = names.map(([field, spellings]) => [field, findParameter(parameters, spellings)] as const)
  const values = present(
    found.filter(([field, parameter]) => !(field === "maxOutputTokens" && parameter?.value === -1)),
  )
  const format = values.has("responseFormat") ? null : formatOf(parameters)
  return format === null ? values : new Map([...values, ["responseFormat", format]])
}

/** Other spellings of the form of answers: a switch, Ollama's format, and OpenAI's list of one form. */
function formatOf({ jsonOutput, options }: JsonObject): FoundParameter | null {
  if (jsonOutput === true) return { path: "jsonOutput", value: "json_object" }
  if (!isJsonObject(options)) return null
  if (options.format === "json") return { path: "options.format", value: "json_object" }
  const listed = isJsonObject(options.textFormat) ? options.textFormat.textOptions : undefined
  const [form = null] = Array.isArray(listed) ? (listed as readonly JsonValue[]) : [listed ?? null]
  const path = "options.textFormat.textOptions"
  if (!isJsonObject(form) || typeof form.type !== "string" || form.type === "text") return null
  return { path, value: form.type === "json_schema" ? (form.schema ?? null) : form.type }
}

function present(
  found: readonly (readonly [keyof ModelSettings, FoundParameter | null])[],
): Map<keyof ModelSettings, FoundParameter> {
  return new Map(found.flatMap(([field, parameter]) => (parameter === null ? [] : [[field, parameter] as const])))
}

const agentPrompt = ["systemMessage"]

function systemPrompt({ kind, parameters }: GraphNode): FoundParameter | null {
  if (kind === "agent") return findParameter(parameters, agentPrompt)
  const fields = kind === "chainLlm" ? ["messages.messageValues"] : ["messages.values", "responses.values"]
  for (const path of fields) {
    const texts = listAt(parameters, path).flatMap(systemText)
    if (texts.length > 0) return { path, value: texts.length === 1 ? (texts[0] ?? "") : joined(texts) }
  }
  return null
}

function listAt(parameters: JsonObject, path: string): readonly JsonObject[] {
  const [outer = "", inner = ""] = path.split(".")
  const holder = parameters[outer]
  const list = isJsonObject(holder) ? holder[inner] : undefined
  return Array.isArray(list) ? list.filter(isJsonObject) : []
}

const chainSystem = "SystemMessagePromptTemplate"

/** The text of a message in the system's role: of a chain `{type, message}`, by default one; of OpenAI `{role, content}`. */
function systemText({ type = chainSystem, message, role, content }: JsonObject): readonly string[] {
  const text = content === undefined && type === chainSystem ? message : role === "system" ? content : undefined
  return typeof text === "string" && text !== "" ? [text] : []
}

/** Several texts as one; an expression among them makes the whole one, so that it is not taken for literal. */
function joined(texts: readonly string[]): string {
  const expression = texts.find((text) => text.startsWith("="))
  return expression ?? texts.join("\n\n")
}

function noModel(node: GraphNode): Finding {
  const message = `Connect a language model to ${quote(node.name)}: without one it cannot answer.`
  return { severity: "error", code: "MODEL_MISSING", message, node: node.name, path: node.path }
}

/** Without a memory of its own a primary agent or chain is given the thread's history; that is worth knowing. */
function historyFinding(graph: Graph, node: GraphNode): readonly Finding[] {
  if (servantsOf(graph, node, "ai_memory").length > 0) return []
  const message = `Set memory_enabled: false on the assistant if ${quote(node.name)} should not see earlier messages: without a memory node it is given those of the thread.`
  return [{ severity: "info", code: "HISTORY_OF_THREAD", message, node: node.name, path: node.path }]
}
