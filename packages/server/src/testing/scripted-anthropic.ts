/**
 * Anthropic's messages wire of the scripted model server: hand-written from the published schema of the streaming
 * messages API (message_start, content_block_start|delta|stop, message_delta, message_stop), not recorded.
 */
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { ScriptedAnswer, ScriptedRequest, ScriptedWire } from "./scripted-answer.ts"
import { argumentsOf, piecesOf } from "./scripted-openai.ts"

const errorTypes: { readonly [status: number]: string | undefined } = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  529: "overloaded_error",
}

/** Renders answers as Anthropic's server does. */
export const anthropicWire: ScriptedWire = {
  frames(answer, request, number) {
    const usage = answer.usage ?? { inputTokens: 1, outputTokens: 1 }
    const message = {
      ...headOf(request, number),
      stop_reason: null,
      usage: { input_tokens: usage.inputTokens, output_tokens: 0 },
    }
    const stop = { stop_reason: reasonOf(answer), stop_sequence: null }
    return {
      head: frame("message_start", { message }),
      chunks: chunksOf(answer),
      tail: `${frame("message_delta", { delta: stop, usage: { output_tokens: usage.outputTokens } })}${frame("message_stop", {})}`,
    }
  },
  whole(answer, request, number) {
    const content = [{ type: "text", text: piecesOf(answer).join("") }]
    const usage = answer.usage ?? { inputTokens: 1, outputTokens: 1 }
    return {
      ...headOf(request, number),
      content,
      stop_reason: reasonOf(answer),
      usage: { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens },
    }
  },
  error: (status, message) => ({ type: "error", error: { type: errorTypes[status] ?? "api_error", message } }),
}

function headOf(request: ScriptedRequest, number: number): JsonObject {
  return {
    id: `msg_${number}`,
    type: "message",
    role: "assistant",
    content: [],
    model: request.model,
    stop_sequence: null,
  }
}

function frame(type: string, fields: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}

function chunksOf(answer: ScriptedAnswer): string[] {
  const chunks: string[] = []
  let index = 0
  const add = (block: JsonObject, deltas: readonly JsonValue[]) => {
    const begin = frame("content_block_start", { index, content_block: block })
    const parts = deltas.map((delta) => frame("content_block_delta", { index, delta }))
    const [first = "", ...rest] = parts
    chunks.push(begin + first, ...rest)
    chunks[chunks.length - 1] += frame("content_block_stop", { index })
    index += 1
  }
  const pieces = piecesOf(answer)
  if (pieces.length > 0)
    add(
      { type: "text", text: "" },
      pieces.map((text) => ({ type: "text_delta", text })),
    )
  for (const [number, call] of (answer.toolCalls ?? []).entries()) {
    const text = argumentsOf(call.arguments)
    const middle = Math.ceil(text.length / 2)
    add(
      { type: "tool_use", id: call.id ?? `toolu_${number + 1}`, name: call.name, input: {} },
      [text.slice(0, middle), text.slice(middle)].map((part) => ({ type: "input_json_delta", partial_json: part })),
    )
  }
  return chunks
}

function reasonOf(answer: ScriptedAnswer): string {
  if (answer.refusal !== undefined) return "refusal"
  if (answer.finishReason === "length") return "max_tokens"
  return answer.toolCalls === undefined ? "end_turn" : "tool_use"
}
