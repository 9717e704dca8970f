/** Basic LLM chain: asks a model once for each item. Pure: what is asked, and what item the answer makes. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { jsonInText } from "../../answers/json-text.ts"
import { pathTo, quote } from "../../findings.ts"
import type { Finding, Graph, GraphNode } from "../../graph.ts"
import { asText } from "../../value-types.ts"
import { type EffectKind, type KindContext, NodeFailure } from "../kind.ts"
import { holdsExpression } from "../model-parameters.ts"
import { onePort } from "../ports.ts"
import {
  type AnswerItem,
  type Asking,
  definedPrompt,
  listAt,
  type PromptMessage,
  type PromptPlace,
  parserNodeOf,
} from "./asking.ts"
import { answersInJson, checkModelServants } from "./model-servants.ts"
import { prepareOutputParser } from "./output-parser.ts"

/** The kind. */
export const chainLlm: EffectKind = {
  name: "chainLlm",
  types: ["@n8n/n8n-nodes-langchain.chainLlm"],
  title: "Basic LLM chain",
  help: "Asks a language model, once for each item.",
  group: "model",
  effect: "chain",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
  speaks: (node, graph) => parserNodeOf(graph, node) === null && !answersInJson(graph, node),
}

/** What is asked for one item. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function prepareChainLlm(context: KindContext, graph: Graph, itemIndex: number): Asking {
  const { node } = context
  const parserNode = parserNodeOf(graph, node)
  const parser = parserNode === null ? null : prepareOutputParser(context.servant(parserNode), graph)
  const prompt = definedPrompt(context, itemIndex, promptPlace(node))
  const messages = listAt(node.parameters, "messages", "messageValues").flatMap((message) =>
    messageOf(context, message, itemIndex),
  )
  const question = parser === null ? prompt : `${prompt}\n${parser.instructions}`
  return { messages: [...messages, { role: "user", text: question }], reader: parser }
}

/**
 * The item that an answer makes (recorded outcomes): what a parser read; else the text. A model that was told to answer in
 * JSON gives an object, which is the item itself from version 1.6 on.
 */
export function chainLlmItem({ node }: KindContext, reply: ChainReply, itemIndex: number): AnswerItem {
  return { output: 0, item: { json: replyJson(node, reply), pairedItem: { item: itemIndex } } }
}

/** What a model said; what a parser read from it, undefined without one; and whether it was told to answer in JSON. */
export type ChainReply = { readonly text: string; readonly value: JsonValue | undefined; readonly isJson: boolean }

function replyJson(node: GraphNode, { text, value, isJson }: ChainReply): JsonObject {
  if (value !== undefined) return asItemJson(value)
  const parsed = isJson ? parsedObject(text) : undefined
  if (parsed === undefined) return { text: text.trim() }
  return node.typeVersion >= 1.6 ? asItemJson(parsed) : { text: JSON.stringify(parsed) }
}

function asItemJson(value: JsonValue): JsonObject {
  if (isJsonObject(value)) return value
  return Array.isArray(value) ? { data: value } : { text: asText(value) ?? "" }
}

function parsedObject(text: string): JsonValue | undefined {
  const value = jsonInText(text)
  return typeof value === "object" && value !== null ? value : undefined
}

/** Versions below 1.4 have one field for the prompt, whose default is another field of the item in each (documented). */
function promptPlace({ typeVersion, parameters }: GraphNode): PromptPlace {
  if (typeVersion < 1.4) {
    if (parameters.prompt !== undefined) return { isDefined: true, parameter: "prompt" }
    return { isDefined: false, field: typeVersion < 1.1 ? "input" : typeVersion < 1.3 ? "chat_input" : "chatInput" }
  }
  if (parameters.promptType === "define") return { isDefined: true, parameter: "text" }
  return { isDefined: false, field: parameters.promptType === "guardrails" ? "guardrailsInput" : "chatInput" }
}

const roles: Readonly<Record<string, PromptMessage["role"]>> = {
  SystemMessagePromptTemplate: "system",
  HumanMessagePromptTemplate: "user",
  AIMessagePromptTemplate: "assistant",
}

const roleOf = ({ type = "SystemMessagePromptTemplate" }: JsonObject): PromptMessage["role"] =>
  (typeof type === "string" && Object.hasOwn(roles, type) ? roles[type] : undefined) ?? "system"

/** A message before the prompt. Empty ones are left out: providers refuse them. */
function messageOf(context: KindContext, message: JsonObject, itemIndex: number): readonly PromptMessage[] {
  const role = roleOf(message)
  if (isImage(message)) {
    const words = `Messages of ${quote(context.node.name)} can hold texts only: images are not passed to models here.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", words)
  }
  const text = asText(context.resolve(message.message ?? "", itemIndex)) ?? ""
  return text === "" ? [] : [{ role, text }]
}

const isImage = (message: JsonObject): boolean =>
  roleOf(message) === "user" && (message.messageType ?? "text") !== "text"

function check(node: GraphNode, graph: Graph): readonly Finding[] {
  const place = { node: node.name, path: pathTo(node.path, "parameters") }
  const findings: Finding[] = [...checkModelServants(node, graph)]
  if (listAt(node.parameters, "messages", "messageValues").some(isImage)) {
    const message = `Replace the images in the messages of ${quote(node.name)} by texts: the node fails with them.`
    findings.push({ severity: "error", code: "IMAGES_UNSUPPORTED", message, ...place })
  }
  const prompt = promptPlace(node)
  const given = prompt.isDefined ? node.parameters[prompt.parameter] : "."
  if (given === undefined || (!holdsExpression(given) && (asText(given) ?? "") === "")) {
    const message = `Write the prompt of ${quote(node.name)}: it asks nothing.`
    findings.push({ severity: "error", code: "SETTING_MISSING", message, ...place })
  }
  return findings
}
