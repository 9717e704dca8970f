/**
 * Respond to Chat: says something to the person who chats, at once; with "wait for reply" it is a question, and what is
 * said to it comes out as a chat message. Items pass through otherwise.
 */
import { isJsonObject, type JsonObject } from "../../json.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import { unitsMs, waitMsMax } from "../pauses/duration.ts"
import type { PauseOutcome, PauseRequest } from "../pauses/pause.ts"
import { asText } from "../value-types.ts"
import { toDate } from "./dates.ts"
import { type KindContext, type KindResult, NodeFailure, type WaitingKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. */
export const chat: WaitingKind = {
  name: "chat",
  types: ["@n8n/n8n-nodes-langchain.chat"],
  title: "Respond to Chat",
  help: "Says something in the chat, and waits for the reply if it is told to.",
  group: "model",
  effect: "wait",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
  ask,
  goOn,
}

/** True for a node that waits for the reply: by its operation, or by the switch of version 1, which is on at first. */
export function waitsForReply({ parameters, typeVersion }: GraphNode): boolean {
  if (typeof parameters.operation === "string" || typeVersion > 1) return parameters.operation === "sendAndWait"
  return parameters.waitUserReply !== false
}

function ask(context: KindContext): PauseRequest | (KindResult & { readonly says?: string }) {
  const message = asText(context.parameter("message", 0)) ?? ""
  if (!waitsForReply(context.node)) return { outputs: [passed(context)], ...(message === "" ? {} : { says: message }) }
  return {
    place: "",
    kind: "question",
    audience: "chat",
    title: null,
    message: message === "" ? null : message,
    schema: { type: "string", minLength: 1 },
    choices: null,
    details: {},
    ...limitOf(context),
  }
}

function limitOf(context: KindContext): { waitMs: number | null } | { untilMs: number } {
  const limit = context.parameter("options.limitWaitTime", 0)
  const values = isJsonObject(limit) && isJsonObject(limit.values) ? limit.values : null
  if (values === null) return { waitMs: null }
  if (values.limitType !== "atSpecifiedTime")
    return { waitMs: unitsMs(values.resumeAmount ?? 1, values.resumeUnit ?? "hours") }
  const untilMs = toDate(values.maxDateAndTime, { timeZone: context.timeZone }).toMillis()
  if (untilMs - context.nowMs <= waitMsMax) return { untilMs }
  throw new NodeFailure("NODE_SETTINGS_INVALID", "A node may wait for ten years at most.")
}

function passed({ inputs }: KindContext) {
  return (inputs[0] ?? []).map((item, index) => ({ ...item, pairedItem: { item: index } }))
}

function goOn(context: KindContext, outcome: PauseOutcome): KindResult {
  if (outcome.type === "expired") return { outputs: [passed(context)] }
  const first: JsonObject = context.inputs[0]?.[0]?.json ?? {}
  const sessionId = first.sessionId === undefined ? {} : { sessionId: first.sessionId }
  const json: JsonObject = { ...sessionId, action: "sendMessage", chatInput: outcome.answer }
  return { outputs: [[{ json, pairedItem: { item: 0 } }]] }
}

function check(node: GraphNode): Finding[] {
  const { message: said } = node.parameters
  if (typeof said === "string" && said.trim() !== "") return []
  const message = `Say in message of ${quote(node.name)} what is said in the chat.`
  const path = pathTo(pathTo(node.path, "parameters"), "message")
  return [{ severity: "warning", code: "SETTING_MISSING", message, node: node.name, path }]
}
