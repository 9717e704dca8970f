/**
 * OpenAI, message a model: asks one of OpenAI's models, once for each item, with tools where some are connected. Its other
 * resources (images, files, assistants) are not run here. Pure.
 *
 * Below version 2 it asks by chat completions and gives a choice of the answer, `{message: {content}}`; from 2 on by
 * responses, `{output: [{content: [{text}]}]}` (documented). Without "simplify" it gives the whole answer.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { jsonInText } from "../../answers/json-text.ts"
import type { Usage } from "../../events.ts"
import { pathTo, quote } from "../../findings.ts"
import type { Finding, GraphNode } from "../../graph.ts"
import { asNumber, asText } from "../../value-types.ts"
import { type EffectKind, type KindContext, NodeFailure } from "../kind.ts"
import { onePort } from "../ports.ts"
import { type AnswerItem, listAt, optionsOf, type PromptMessage } from "./asking.ts"
import { type ChatModelPlan, resolveSettings } from "./chat-model.ts"
import { openAiProvider } from "./chat-model-kinds.ts"
import { credentialOf } from "./credential.ts"

/** The kind. */
export const openAi: EffectKind = {
  name: "openAi",
  types: ["@n8n/n8n-nodes-langchain.openAi"],
  title: "OpenAI: message a model",
  help: "Asks one of OpenAI's models, once for each item.",
  group: "model",
  effect: "openAi",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
  speaks: (node) =>
    asksModel(node) && node.parameters.jsonOutput !== true && node.parameters.simplify !== false && !wantsForm(node),
}

/** What is asked for one item. */
export type OpenAiPlan = {
  readonly model: ChatModelPlan
  readonly messages: readonly PromptMessage[]
  readonly roundsMax: number
}

/** An answer as the node gives it. */
export type OpenAiAnswer = {
  readonly text: string
  readonly model: string
  readonly usage: Usage
  readonly finishReason: "stop" | "length" | "tool-calls"
}

/** Documented default. */
const roundsDefault = 15

/** The node does many things; asking a model is what it does where nothing is said. */
export function asksModel({ parameters }: GraphNode): boolean {
  const { resource = "text", operation = "message" } = parameters
  return resource === "text" && (operation === "message" || operation === "response")
}

/** What is asked for one item. Throws NODE_SETTINGS_INVALID, NODE_KIND_UNKNOWN and ExpressionError. */
export function prepareOpenAi(context: KindContext, itemIndex: number): OpenAiPlan {
  const { node } = context
  if (!asksModel(node)) {
    const message = `Let ${quote(node.name)} message a model: the other things that this node does are not done here.`
    throw new NodeFailure("NODE_KIND_UNKNOWN", message)
  }
  const { model = openAiProvider.defaultModel ?? "", ...settings } = resolveSettings(context)
  const messages = listedMessages(node).flatMap((message) => messageOf(context, message, itemIndex))
  if (messages.length === 0) throw new NodeFailure("NODE_SETTINGS_INVALID", `Write a message in ${quote(node.name)}.`)
  const rounds = optionsOf(node).maxToolsIterations
  return {
    model: {
      provider: openAiProvider,
      model,
      api: usesResponses(node) ? "responses" : "chat",
      settings,
      baseUrl: null,
      credential: credentialOf(node, openAiProvider.credentialType),
      retriesMax: 2,
    },
    messages,
    roundsMax: Math.max(1, Math.trunc(asNumber(context.resolve(rounds ?? roundsDefault, itemIndex)) ?? roundsDefault)),
  }
}

/** The item that an answer makes. */
export function openAiItem({ node }: KindContext, answer: OpenAiAnswer, itemIndex: number): AnswerItem {
  const json = usesResponses(node) ? responseJson(node, answer) : completionJson(node, answer)
  return { output: 0, item: { json, pairedItem: { item: itemIndex } } }
}

const usesResponses = ({ typeVersion }: GraphNode): boolean => typeVersion >= 2
const isSimple = ({ parameters }: GraphNode): boolean => parameters.simplify !== false
const wantsForm = (node: GraphNode): boolean => optionsOf(node).textFormat !== undefined

function listedMessages({ parameters }: GraphNode): readonly JsonObject[] {
  const messages = listAt(parameters, "messages", "values")
  return messages.length > 0 ? messages : listAt(parameters, "responses", "values")
}

function messageOf(context: KindContext, message: JsonObject, itemIndex: number): readonly PromptMessage[] {
  if ((message.type ?? "text") !== "text") {
    const words = `Messages of ${quote(context.node.name)} can hold texts only: images and files are not passed here.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", words)
  }
  const given = asText(context.resolve(message.role ?? "user", itemIndex))
  const role = given === "system" || given === "assistant" ? given : "user"
  const text = asText(context.resolve(message.content ?? "", itemIndex)) ?? ""
  return text === "" ? [] : [{ role, text }]
}

function completionJson(node: GraphNode, answer: OpenAiAnswer): JsonObject {
  const { text, model, usage, finishReason } = answer
  const finish = finishReason === "tool-calls" ? "tool_calls" : finishReason
  const choice: JsonObject = {
    index: 0,
    message: { role: "assistant", content: contentOf(node, text), refusal: null },
    logprobs: null,
    finish_reason: finish,
  }
  if (isSimple(node)) return choice
  const { inputTokens, outputTokens, totalTokens } = usage
  const counted = { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: totalTokens }
  return { object: "chat.completion", model, choices: [choice], usage: counted }
}

function responseJson(node: GraphNode, answer: OpenAiAnswer): JsonObject {
  const { text, model, usage, finishReason } = answer
  const part: JsonObject = { type: "output_text", annotations: [], text: contentOf(node, text) }
  const status = finishReason === "length" ? "incomplete" : "completed"
  const output: JsonValue = [{ type: "message", status, role: "assistant", content: [part] }]
  if (isSimple(node)) return { output }
  const { inputTokens, outputTokens, totalTokens } = usage
  const counted = { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: totalTokens }
  return { object: "response", status, model, output, usage: counted }
}

/** With JSON as output the content is the value. */
function contentOf(node: GraphNode, text: string): JsonValue {
  const isJson = node.parameters.jsonOutput === true || wantsForm(node)
  return isJson ? (jsonInText(text) ?? text) : text
}

function check(node: GraphNode): readonly Finding[] {
  const place = { node: node.name, path: pathTo(node.path, "parameters") }
  if (!asksModel(node)) {
    const message = `Let ${quote(node.name)} message a model, or replace it: the other things that this node does are not done here.`
    return [{ severity: "warning", code: "NODE_KIND_UNKNOWN", message, ...place }]
  }
  if (listedMessages(node).some((message) => isJsonObject(message))) return []
  return [{ severity: "error", code: "SETTING_MISSING", message: `Write a message in ${quote(node.name)}.`, ...place }]
}
