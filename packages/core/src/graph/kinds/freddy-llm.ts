/**
 * FreddyLLM: asks a model (the workflow language, §5). Pure: what is to be asked of which model, and what item the answer
 * makes; the call itself is the performer's.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import type { FinishReason, ToolCallRequest, Usage } from "../events.ts"
import { cutText, pathTo, quote } from "../findings.ts"
import type { Finding, Graph, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import type { ModelSettings } from "../model-settings.ts"
import { asBoolean, asNumber, asText } from "../value-types.ts"
import { type EffectKind, type KindContext, NodeFailure } from "./kind.ts"
import {
  type FoundParameter,
  findParameter,
  holdsExpression,
  modelParameters,
  spellingsOf,
} from "./model-parameters.ts"
import { onePort } from "./ports.ts"
import { promptOf } from "./prompt-text.ts"

/** The kind. */
export const freddyLlm: EffectKind = {
  name: "freddyLlm",
  types: ["FreddyLLM"],
  title: "FreddyLLM",
  help: "Asks a language model, once for each item.",
  group: "ours",
  effect: "model",
  inputs: () => onePort,
  outputs: () => onePort,
  speaks: (node) => !hasOutputSchema(node) && !forbidsStreaming(node),
  check,
}

/** How much of the conversation a node is given at most. */
export type HistoryLimit = { readonly messages: number } | { readonly tokens: number }

/** An MCP server whose tools the model may use; `allowedTools` null: all of them. */
export type ToolServer = { readonly url: string; readonly allowedTools: readonly string[] | null }

/** What is to be done for one item. */
export type FreddyLlmPlan = {
  /** The node's own settings, in range; what is not set is absent. */
  readonly settings: ModelSettings
  readonly prompt: string
  /** Null: not said; then the primary node of a turn has history, others not. */
  readonly includeHistory: boolean | null
  readonly historyLimit: HistoryLimit | null
  /** The JSON Schema of the answer; `settings.responseFormat` names the same. */
  readonly outputSchema: JsonObject | null
  /** Null: not said. False forbids that its tokens are shown. */
  readonly stream: boolean | null
  readonly toolServers: readonly ToolServer[]
}

/** A model's answer. `output` is what was read from it under a schema, null without one. */
export type FreddyLlmAnswer = {
  readonly text: string
  readonly output: JsonValue
  readonly toolCalls: readonly ToolCallRequest[]
  readonly usage: Usage
  readonly model: string
  readonly finishReason: FinishReason
}

const promptNames = ["prompt", "text", "userMessage", "input"]
const historyNames = ["include_history", "memory"]
const limitNames = ["history_limit"]
const streamNames = ["stream"]
const toolNames = ["tools"]

/** What a node asks for one item, expressions resolved. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function prepareFreddyLlm(context: KindContext, itemIndex: number): FreddyLlmPlan {
  const settings = resolveSettings(context, itemIndex)
  const format = settings.responseFormat
  return {
    settings,
    prompt: promptOf(context, promptNames, itemIndex),
    includeHistory: resolveBoolean(context, historyNames, itemIndex),
    historyLimit: resolveHistoryLimit(context, itemIndex),
    outputSchema: format?.type === "json_schema" ? format.schema : null,
    stream: resolveBoolean(context, streamNames, itemIndex),
    toolServers: resolveToolServers(context, itemIndex),
  }
}

/** The item that an answer makes (the workflow language, §5); `output` is there only where there is a schema. */
export function freddyOutputItem(answer: FreddyLlmAnswer, itemIndex: number): Item {
  const { text, output, toolCalls, usage, model, finishReason } = answer
  const json: JsonObject = {
    text,
    ...(output === null ? {} : { output }),
    tool_calls: toolCalls.map(({ id, name, arguments: given }) => ({ id, name, arguments: given })),
    usage: {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      total_tokens: usage.totalTokens,
    },
    model,
    finish_reason: finishReason === "tool-calls" ? "tool_calls" : finishReason,
  }
  return { json, pairedItem: { item: itemIndex } }
}

/** Whether a node's answer is read under a schema, as far as its parameters tell before a run. */
export function hasOutputSchema({ parameters }: GraphNode): boolean {
  const format = modelParameters.find(({ field }) => field === "responseFormat")
  const found = format === undefined ? null : findParameter(parameters, format.names)
  if (format === undefined || found === null) return false
  if (holdsExpression(found.value)) return true
  const reading = format.read(found.value)
  return !("value" in reading) || !isJsonObject(reading.value) || reading.value.type !== "text"
}

/** True where a node says in so many words that its tokens are not to be shown. */
export function forbidsStreaming({ parameters }: GraphNode): boolean {
  return asBoolean(findParameter(parameters, streamNames)?.value) === false
}

/** Tools that a node names in its parameters: MCP servers by their address. */
export function findToolsParameter({ parameters }: GraphNode): FoundParameter | null {
  return findParameter(parameters, toolNames)
}

function invalid(path: string, fault: string): NodeFailure {
  return new NodeFailure("NODE_SETTINGS_INVALID", `The parameter ${cutText(path, 60)} ${fault}; correct it.`)
}

/** A parameter with its expressions resolved; undefined where it is absent, or an expression that gives nothing. */
function resolveFound(context: KindContext, found: FoundParameter | null, itemIndex: number): unknown {
  const value = found === null ? undefined : context.resolve(found.value, itemIndex)
  return value === null || value === "" ? undefined : value
}

function resolveSettings(context: KindContext, itemIndex: number): ModelSettings {
  const settings: Record<string, unknown> = {}
  for (const { field, names, read } of modelParameters) {
    const found = findParameter(context.node.parameters, names)
    const value = resolveFound(context, found, itemIndex)
    if (found === null || value === undefined) continue
    const reading = read(value)
    if ("fault" in reading) throw invalid(found.path, reading.fault)
    settings[field] = reading.value
  }
  return settings
}

function resolveBoolean(context: KindContext, names: readonly string[], itemIndex: number): boolean | null {
  const found = findParameter(context.node.parameters, names)
  const value = resolveFound(context, found, itemIndex)
  if (found === null || value === undefined) return null
  const said = asBoolean(value)
  if (said === undefined) throw invalid(found.path, "has to be true or false")
  return said
}

const historyFault = "has to be a number of messages, or {messages} or {tokens} with a number"

/** `20`, `"4000 tokens"`, `{messages: 20}` or `{tokens: 4000}`. */
function resolveHistoryLimit(context: KindContext, itemIndex: number): HistoryLimit | null {
  const found = findParameter(context.node.parameters, limitNames)
  const value = resolveFound(context, found, itemIndex)
  if (found === null || value === undefined) return null
  const limit = readHistoryLimit(value)
  if (limit === null) throw invalid(found.path, historyFault)
  return limit
}

function readHistoryLimit(value: unknown): HistoryLimit | null {
  if (isJsonObject(value)) {
    const unit = value.tokens === undefined ? "messages" : "tokens"
    return limitOf(value[unit], unit)
  }
  const [, count = value, unit = "messages"] = /^\s*(\d+)\s*(messages|tokens)\s*$/.exec(asText(value) ?? "") ?? []
  return limitOf(count, unit)
}

function limitOf(value: unknown, unit: string): HistoryLimit | null {
  const count = typeof value === "boolean" ? undefined : asNumber(value)
  if (count === undefined || !Number.isInteger(count) || count < 0) return null
  return unit === "tokens" ? { tokens: count } : { messages: count }
}

/** `[{server_url, allowed_tools?}]`, or one of them alone. Tool nodes come over `ai_tool` connections instead. */
function resolveToolServers(context: KindContext, itemIndex: number): readonly ToolServer[] {
  const found = findToolsParameter(context.node)
  const value = resolveFound(context, found, itemIndex)
  if (found === null || value === undefined) return []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.map((entry) => {
    const server = isJsonObject(entry) ? readToolServer(entry) : null
    if (server === null) throw invalid(found.path, "has to list servers as {server_url, allowed_tools}")
    return server
  })
}

function readToolServer(entry: JsonObject): ToolServer | null {
  const url = entry.server_url ?? entry.serverUrl ?? entry.url
  const allowed = entry.allowed_tools ?? entry.allowedTools ?? null
  if (typeof url !== "string" || url === "") return null
  if (allowed === null) return { url, allowedTools: null }
  const names = Array.isArray(allowed) ? allowed.filter((name): name is string => typeof name === "string") : null
  return names === null ? null : { url, allowedTools: names }
}

const known: ReadonlySet<string> = new Set([
  ...spellingsOf([
    ...modelParameters.flatMap(({ names }) => names),
    ...promptNames,
    ...historyNames,
    ...limitNames,
    ...streamNames,
    ...toolNames,
  ]),
  "options",
])

function check(node: GraphNode, graph: Graph): Finding[] {
  const { parameters, name } = node
  const base = pathTo(node.path, "parameters")
  const faulty = modelParameters.flatMap(({ names, read }): Finding[] => {
    const found = findParameter(parameters, names)
    const reading = found === null || holdsExpression(found.value) ? null : read(found.value)
    if (found === null || reading === null || !("fault" in reading)) return []
    const message = `Correct ${found.path} of ${quote(name)}: it ${reading.fault}.`
    return [{ severity: "error", code: "SETTING_INVALID", message, node: name, path: `${base}.${found.path}` }]
  })
  const unknown = Object.keys(parameters).filter((key) => !known.has(key))
  return [
    ...faulty,
    ...checkServants(node, graph),
    ...unknown.map((key): Finding => {
      const message = `Check the spelling of ${quote(key)} in ${quote(name)}: FreddyLLM does not read it.`
      return { severity: "info", code: "SETTING_UNKNOWN", message, node: name, path: pathTo(base, key) }
    }),
  ]
}

/** What is connected and has no say: all but tools is set here. */
function checkServants(node: GraphNode, graph: Graph): readonly Finding[] {
  const types = new Set((graph.servants[node.ordinal] ?? []).map(({ type }) => type))
  const place = { node: node.name, path: node.path }
  const findings: Finding[] = []
  types.delete("ai_tool")
  for (const type of types) {
    const message = `Say in the parameters of ${quote(node.name)} what its ${quote(type)} connection should: FreddyLLM reads none.`
    findings.push({ severity: "info", code: "SERVICE_UNUSED", message, ...place })
  }
  return findings
}
