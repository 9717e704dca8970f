/**
 * Says what the caller of the run's webhook is answered (documented parameters of n8n, versions 1 to 1.x). The answer is
 * made from the first item, unless all items are the answer; the items are passed on. The first answer of a run counts.
 */
import type { JsonObject, JsonValue } from "../../json.ts"
import { findBinary } from "../binary.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import type { AnswerBody, TriggerAnswer } from "../triggers/answer.ts"
import { type HeaderPair, headersOf, isSendable, objectOf, statusOf } from "../triggers/settings.ts"
import { asText, parseJson } from "../value-types.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** Ways to answer that are not offered, with what to do instead. */
const notOffered: Readonly<Record<string, string>> = {
  jwt: "make the token in a Crypto or Code node and answer with JSON",
}

/** The kind. */
export const respondToWebhook: PureKind = {
  name: "respondToWebhook",
  types: ["n8n-nodes-base.respondToWebhook"],
  title: "Respond to Webhook",
  help: "Answers the request that started the run: with items, JSON, text, a file, a redirect or nothing.",
  group: "flow",
  effect: "none",
  inputs: () => onePort,
  outputs: (node) => (givesAnswer(node) ? [{ name: "Input Data" }, { name: "Response" }] : onePort),
  check,
  run(context) {
    const [items = []] = context.inputs
    if (items.length === 0) return { outputs: [[]] }
    const answer = answerOf(context, items)
    const passed = items.map((item, index): Item => ({ ...item, pairedItem: { item: index } }))
    return { outputs: givesAnswer(context.node) ? [passed, [answerItem(answer)]] : [passed], answer }
  },
}

/** A second output with what was answered (documented option). */
function givesAnswer({ parameters }: GraphNode): boolean {
  return objectOf(parameters.options).enableResponseOutput === true
}

function answerItem({ status, headers, body }: TriggerAnswer): Item {
  const shown: JsonValue = body.type === "json" ? body.value : body.type === "text" ? body.text : null
  const json: JsonObject = { statusCode: status, headers: Object.fromEntries(headers), body: shown }
  return { json, pairedItem: { item: 0 } }
}

function answerOf(context: KindContext, items: readonly Item[]): TriggerAnswer {
  const way = wayOf(context.parameter("respondWith", 0))
  const streamed = context.parameter("options.enableStreaming", 0) !== false
  const headers = headersOf(context.parameter("options.responseHeaders", 0))
  const status = statusOf(context.parameter("options.responseCode", 0))
  if (way === "redirect") {
    return { status: status ?? 307, headers: [...headers, location(context)], body: { type: "none" } }
  }
  const body = bodyOf(context, way, items)
  return { status: status ?? 200, headers, body, ...(streamed ? { streamed } : {}) }
}

const wayOf = (value: unknown): string => (typeof value === "string" && value !== "" ? value : "firstIncomingItem")

function bodyOf(context: KindContext, way: string, items: readonly Item[]): AnswerBody {
  switch (way) {
    case "allIncomingItems":
      return { type: "json", value: underKey(context, items.map(({ json }) => json) as readonly JsonValue[]) }
    case "firstIncomingItem":
      return { type: "json", value: underKey(context, items[0]?.json ?? {}) }
    case "json":
      return { type: "json", value: jsonBody(context) }
    case "text":
      return { type: "text", text: asText(context.parameter("responseBody", 0)) ?? "" }
    case "binary":
      return fileBody(context, items[0])
    case "noData":
      return { type: "none" }
    default: {
      const advice = Object.hasOwn(notOffered, way) ? notOffered[way] : "choose another way to respond"
      throw invalid(`Answering with '${way}' is not offered here: ${advice}.`)
    }
  }
}

const invalid = (message: string): NodeFailure => new NodeFailure("NODE_SETTINGS_INVALID", message)

/** Items in a field of an object, where the node names one (documented option). */
function underKey(context: KindContext, value: JsonValue): JsonValue {
  const key = context.parameter("options.responseKey", 0)
  return typeof key === "string" && key !== "" && key !== "__proto__" ? { [key]: value } : value
}

/** A text is read as JSON; whatever an expression gives is taken as it is. */
function jsonBody(context: KindContext): JsonValue {
  const value = context.parameter("responseBody", 0)
  if (typeof value !== "string") return (value ?? {}) as JsonValue
  const parsed = parseJson(value)
  if (parsed === undefined) throw invalid("The response body of the node is not valid JSON; correct it.")
  return parsed as JsonValue
}

/** The file in the field that the node names, else the first one that the item has. */
function fileBody(context: KindContext, item: Item | undefined): AnswerBody {
  const named =
    context.parameter("responseDataSource", 0) === "set" ? context.parameter("inputFieldName", 0) : undefined
  const names = typeof named === "string" && named !== "" ? [named] : Object.keys(item?.binary ?? {})
  for (const name of names) {
    const file = findBinary(item?.binary, name)
    if (file !== null) return { type: "file", ...file }
  }
  throw new NodeFailure("FILE_MISSING", `The first item has no file ${quote(names[0] ?? "data")} to answer with.`)
}

function location(context: KindContext): HeaderPair {
  const target = (asText(context.parameter("redirectURL", 0)) ?? "").trim()
  const pair: HeaderPair = ["location", target]
  // What is no plain text is encoded as an address would be; a line break cannot be sent at all.
  const sendable = isSendable(pair) && /^[\u0021-\u007e]*$/.test(target) ? pair : encoded(target)
  if (target === "" || sendable === null)
    throw invalid("The address to redirect to is missing or no address; correct it.")
  return sendable
}

function encoded(target: string): HeaderPair | null {
  try {
    const pair: HeaderPair = ["location", encodeURI(target.replace(/[\r\n\t]/g, "")).replaceAll("%25", "%")]
    return isSendable(pair) ? pair : null
  } catch (error) {
    // Half a character has no encoding.
    if (error instanceof URIError) return null
    throw error
  }
}

function check(node: GraphNode): readonly Finding[] {
  const { respondWith } = node.parameters
  if (typeof respondWith !== "string" || !Object.hasOwn(notOffered, respondWith)) return []
  const message = `Choose another way to respond in ${quote(node.name)}: ${notOffered[respondWith]}.`
  const path = pathTo(pathTo(node.path, "parameters"), "respondWith")
  return [{ severity: "warning", code: "SETTING_UNSUPPORTED", message, node: node.name, path }]
}
