/**
 * Wait: until a time has passed, until a date, until a web address is called, or until a form is filled in. Items pass
 * through; a request and a form take their place (as n8n's node does).
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import type { Finding, GraphNode } from "../graph.ts"
import { unitsMs, waitMsMax } from "../pauses/duration.ts"
import type { PauseOutcome, PauseRequest } from "../pauses/pause.ts"
import { asObject, asText } from "../value-types.ts"
import { toDate } from "./dates.ts"
import { type KindContext, type KindResult, NodeFailure, type WaitingKind } from "./kind.ts"
import { onePort } from "./ports.ts"
import { schemaOfFormFields } from "./wait-form.ts"

/** The kind. */
export const wait: WaitingKind = {
  name: "wait",
  types: ["n8n-nodes-base.wait"],
  title: "Wait",
  help: "Waits for a time, for a date, for a call of a web address, or for a form.",
  group: "flow",
  effect: "wait",
  inputs: () => onePort,
  outputs: () => onePort,
  check: (_node: GraphNode): Finding[] => [],
  ask,
  goOn,
}

type Mode = "timeInterval" | "specificTime" | "webhook" | "form"

function modeOf(context: KindContext): Mode {
  const mode = context.parameter("resume", 0) ?? "timeInterval"
  if (mode === "timeInterval" || mode === "specificTime" || mode === "webhook" || mode === "form") return mode
  throw new NodeFailure("NODE_SETTINGS_INVALID", "The node does not say for what it waits; correct resume.")
}

const noTerms = {
  place: "",
  audience: "others",
  title: null,
  message: null,
  schema: null,
  choices: null,
  details: {},
} as const

function ask(context: KindContext): PauseRequest {
  switch (modeOf(context)) {
    case "timeInterval":
      return { ...noTerms, kind: "timer", waitMs: intervalMs(context) }
    case "specificTime":
      return { ...noTerms, kind: "timer", untilMs: dateMs(context, context.parameter("dateTime", 0)) }
    case "webhook": {
      const method = (asText(context.parameter("httpMethod", 0)) ?? "GET").toUpperCase()
      return { ...noTerms, kind: "webhook", details: { method }, ...limitOf(context) }
    }
    case "form":
      return {
        ...noTerms,
        kind: "form",
        title: textOf(context.parameter("formTitle", 0)),
        message: textOf(context.parameter("formDescription", 0)),
        schema: schemaOfFormFields(context.parameter("formFields", 0)),
        ...limitOf(context),
      }
  }
}

/** n8n's defaults: one hour; from version 1.1 on five seconds. */
function intervalMs(context: KindContext): number {
  const isNew = context.node.typeVersion >= 1.1
  const amount = context.parameter("amount", 0) ?? (isNew ? 5 : 1)
  return unitsMs(amount, context.parameter("unit", 0) ?? (isNew ? "seconds" : "hours"))
}

function dateMs(context: KindContext, value: unknown): number {
  const ms = toDate(value, { timeZone: context.timeZone }).toMillis()
  if (ms - context.nowMs <= waitMsMax) return ms
  throw new NodeFailure("NODE_SETTINGS_INVALID", "A node may wait for ten years at most.")
}

function limitOf(context: KindContext): { waitMs: number | null } | { untilMs: number } {
  if (context.parameter("limitWaitTime", 0) !== true) return { waitMs: null }
  if (context.parameter("limitType", 0) === "atSpecifiedTime") {
    return { untilMs: dateMs(context, context.parameter("maxDateAndTime", 0)) }
  }
  const amount = context.parameter("resumeAmount", 0) ?? 1
  return { waitMs: unitsMs(amount, context.parameter("resumeUnit", 0) ?? "hours") }
}

function textOf(value: unknown): string | null {
  const text = asText(value)
  return text === undefined || text === "" ? null : text
}

function goOn(context: KindContext, outcome: PauseOutcome): KindResult {
  const mode = modeOf(context)
  if (outcome.type === "expired" || (mode !== "webhook" && mode !== "form")) {
    return { outputs: [(context.inputs[0] ?? []).map((item, index) => ({ ...item, pairedItem: { item: index } }))] }
  }
  const json = mode === "webhook" ? requestItem(outcome.answer) : formItem(outcome.answer, outcome.atMs)
  return { outputs: [[{ json, pairedItem: { item: 0 } }]] }
}

function requestItem(answer: JsonValue): JsonObject {
  const request = asObject(answer) as JsonObject | undefined
  return { headers: request?.headers ?? {}, params: {}, query: request?.query ?? {}, body: request?.body ?? {} }
}

function formItem(answer: JsonValue, atMs: number): JsonObject {
  return { ...(isJsonObject(answer) ? answer : {}), submittedAt: new Date(atMs).toISOString(), formMode: "production" }
}
