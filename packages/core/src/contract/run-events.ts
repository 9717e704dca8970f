/**
 * The events of a run on the wire (the HTTP contract, §6; ours): one frame per number of the run's log, so that each piece
 * of a model's text is a frame of its own. The same frames make the pages and the stream. Times are ISO 8601; a piece of
 * text has none.
 */
import { z } from "zod"
import type { ConsoleLine } from "../graph/code/outcome.ts"
import type { CallKey, PauseLeft, PauseOpened, RunEvent, TimerSet, Usage } from "../graph/events.ts"
import type { Outputs } from "../graph/items.ts"
import type { JsonObject, JsonValue } from "../json.ts"
import { toIso, toIsoOrNull } from "../time.ts"
import { errorObject } from "./error-envelope.ts"
import type { Frame } from "./frames.ts"

/** A frame: `event` is the event's name, `seq` its number; what else there is depends on the event. */
export const runEventAnswer = z
  .looseObject({ event: z.string(), seq: z.number().int(), at: z.string().nullable(), node: z.string().optional() })
  .meta({ id: "RunEvent" })

/** The frames of an event whose first number is given. */
export function runFramesOf(event: RunEvent, number: number): Frame[] {
  if (event.type === "model-text") {
    return event.texts.map((delta, place) => ({
      number: number + place,
      body: { event: event.type, seq: number + place, at: null, ...placeOf(event), delta },
    }))
  }
  return [{ number, body: { event: event.type, seq: number, at: toIso(event.at), ...fieldsOf(event) } }]
}

/** The `json` of the items on each output, as every view of a run shows them. */
export function presentOutputs(outputs: Outputs): JsonObject[][] {
  return outputs.map((items) => items.map((item) => item.json))
}

/** What code wrote to its console, in wire form. */
export function presentConsole(lines: readonly ConsoleLine[]): JsonObject[] {
  return lines.map(({ level, text }) => ({ level, text }))
}

/** Tokens in wire form. */
export function presentUsage({ inputTokens, outputTokens, totalTokens }: Usage): JsonObject {
  return { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: totalTokens }
}

type Timed = Exclude<RunEvent, { readonly type: "model-text" }>

function fieldsOf(event: Timed): JsonObject {
  switch (event.type) {
    case "run-created":
      return createdFields(event)
    case "run-started":
      return {}
    case "node-started":
      return keyOf(event)
    case "node-completed":
      return { ...keyOf(event), outputs: presentOutputs(event.outputs) }
    case "node-failed":
      return { ...keyOf(event), error: asJson(event.error), retryable: event.retryable }
    case "model-call-started":
      return { ...placeOf(event), model: event.model }
    case "model-call-completed":
      return { ...placeOf(event), ...answerFields(event) }
    case "tool-call-started": {
      const { id, name, arguments: given } = event.tool
      return { ...placeOf(event), index: event.index, id, name, arguments: given }
    }
    case "tool-call-completed":
      return { ...placeOf(event), index: event.index, id: event.id, ...event.outcome }
    case "code-logged":
      return { ...keyOf(event), lines: presentConsole(event.lines) }
    case "request-started":
      return { ...keyOf(event), item: event.item, method: event.method, address: event.address }
    case "request-completed": {
      const items = event.items === null ? null : event.items.map((item) => item.json)
      return { ...keyOf(event), item: event.item, items }
    }
    case "child-run-started":
      return { ...placeOf(event), run_id: event.runId }
    case "content-reset":
      return { reason: event.reason, attempt: event.attempt }
    case "message-added": {
      const pause = event.pauseId === undefined ? {} : { pause_id: event.pauseId }
      return { message_id: event.messageId, text: event.text, ...pause }
    }
    case "pause-opened":
    case "timer-set":
    case "pause-answered":
    case "pause-expired":
    case "timer-fired":
      return { ...keyOf(event), pause_id: event.pauseId, ...pauseFields(event) }
    case "run-waiting":
      return { message_id: event.messageId, stop_reason: event.stopReason, usage: presentUsage(event.usage) }
    case "run-resumed":
      return { response_id: event.responseId, user_message_id: event.userMessageId }
    default:
      return endFields(event)
  }
}

function pauseFields(event: PauseOpened | TimerSet | PauseLeft): JsonObject {
  switch (event.type) {
    case "pause-opened": {
      const { kind, audience, title } = event.terms
      return { kind, audience, title, expires_at: toIsoOrNull(event.expiresAt) }
    }
    case "timer-set":
      return { due_at: toIso(event.dueAt) }
    case "pause-answered":
      return { answer: event.answer, answered_by: event.by }
    default:
      return {}
  }
}

/** What the turn overlays is left out: settings and prompts belong to the assistant and the request. */
function createdFields(event: Extract<RunEvent, { type: "run-created" }>): JsonObject {
  const { turn } = event
  return {
    trace_id: event.traceId,
    mode: event.mode,
    workflow_id: event.workflowId,
    workflow_version: event.workflowVersion,
    start: event.start,
    items: event.items.map((item) => item.json),
    thread_id: turn?.threadId ?? null,
    response_id: turn?.responseId ?? null,
    user_message_id: turn?.userMessageId ?? null,
    assistant_id: turn?.assistantId ?? null,
  }
}

function answerFields(event: Extract<RunEvent, { type: "model-call-completed" }>): JsonObject {
  return {
    model: event.model,
    text: event.text,
    tool_calls: event.toolCalls.map(({ id, name, arguments: given }) => ({ id, name, arguments: given })),
    finish_reason: event.finishReason.replace("-", "_"),
    usage: presentUsage(event.usage),
  }
}

function endFields(event: Extract<Timed, { type: "run-completed" | "run-failed" | "run-cancelled" }>): JsonObject {
  switch (event.type) {
    case "run-completed": {
      const node = event.node === null ? {} : { node: event.node }
      const { messageId, stopReason } = event
      return { ...node, message_id: messageId, stop_reason: stopReason, usage: presentUsage(event.usage) }
    }
    case "run-failed": {
      const error = errorObject(event.error, { traceId: event.traceId, atMs: event.at })
      return {
        ...(event.failure.node === undefined ? {} : { node: event.failure.node }),
        error,
        message_id: event.messageId,
      }
    }
    case "run-cancelled":
      return { cause_code: event.cause, message_id: event.messageId, partial_content_length: event.partialLength }
  }
}

function keyOf({ node, iteration, attempt }: { node: string; iteration: number; attempt: number }): JsonObject {
  return { node, iteration, attempt }
}

/** The place of a model call; its lane only where it has one. */
function placeOf(event: CallKey): JsonObject {
  const { call, lane } = event
  return { ...keyOf(event), ...(lane === undefined ? {} : { lane }), call }
}

/** A failure is JSON by its type, but for optional fields. */
function asJson(value: object): JsonValue {
  return value as unknown as JsonValue
}
