/** The OpenAI chat-completions wire of the scripted model server. */
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { wordsOf } from "../adapters/models/words.ts"
import type { ScriptedAnswer, ScriptedFrames, ScriptedRequest, ScriptedWire } from "./scripted-answer.ts"

/** Renders answers as OpenAI's server does. */
export const openaiWire: ScriptedWire = { frames: framesOf, whole: completionOf, error: errorOf }

function framesOf(answer: ScriptedAnswer, request: ScriptedRequest, number: number): ScriptedFrames {
  const start = `data: {"id":"chatcmpl-${number}","object":"chat.completion.chunk","created":1700000000,"model":${JSON.stringify(request.model)},"choices":[`
  const frame = (delta: string, finish = "null") =>
    `${start}{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}]}\n\n`
  const usage = wantsUsage(request) ? usageOf(answer, request) : null
  const usageFrame = usage === null ? "" : `${start}],"usage":${JSON.stringify(usage)}}\n\n`
  return {
    head: frame('{"role":"assistant","content":""}'),
    chunks: renderedDeltas(answer).map((delta) => frame(delta)),
    tail: `${frame("{}", JSON.stringify(finishOf(answer)))}${usageFrame}data: [DONE]\n\n`,
  }
}

function completionOf(answer: ScriptedAnswer, request: ScriptedRequest, number: number): JsonObject {
  const text = piecesOf(answer).join("")
  const calls = answer.toolCalls?.map((call, index) => ({
    id: call.id ?? `call_${index + 1}`,
    type: "function",
    function: { name: call.name, arguments: argumentsOf(call.arguments) },
  }))
  const message = {
    role: "assistant",
    content: text === "" && calls !== undefined ? null : text,
    refusal: answer.refusal ?? null,
    ...(answer.reasoning === undefined ? {} : { reasoning_content: answer.reasoning }),
    ...(calls === undefined ? {} : { tool_calls: calls }),
  }
  const usage = usageOf(answer, request)
  return {
    id: `chatcmpl-${number}`,
    object: "chat.completion",
    created: 1_700_000_000,
    model: request.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishOf(answer) }],
    ...(usage === null ? {} : { usage }),
  }
}

function errorOf(status: number, message: string): JsonObject {
  const type = status >= 500 ? "server_error" : "invalid_request_error"
  return { error: { message, type, param: null, code: null } }
}

/** The text of an answer in its pieces. */
export function piecesOf(answer: ScriptedAnswer): readonly string[] {
  return answer.chunks ?? wordsOf(answer.text ?? "")
}

/** An answer object that is given many times, as benchmarks do, is rendered once. */
const rendered = new WeakMap<ScriptedAnswer, readonly string[]>()

function renderedDeltas(answer: ScriptedAnswer): readonly string[] {
  let deltas = rendered.get(answer)
  if (deltas === undefined) {
    deltas = deltasOf(answer).map((delta) => JSON.stringify(delta))
    rendered.set(answer, deltas)
  }
  return deltas
}

function deltasOf(answer: ScriptedAnswer): JsonObject[] {
  const deltas: JsonObject[] = wordsOf(answer.reasoning ?? "").map((piece) => ({ reasoning_content: piece }))
  for (const content of piecesOf(answer)) deltas.push({ content })
  for (const refusal of wordsOf(answer.refusal ?? "")) deltas.push({ refusal })
  for (const [index, call] of (answer.toolCalls ?? []).entries()) {
    const text = argumentsOf(call.arguments)
    const middle = Math.ceil(text.length / 2)
    const id = call.id ?? `call_${index + 1}`
    deltas.push({ tool_calls: [{ index, id, type: "function", function: { name: call.name, arguments: "" } }] })
    for (const part of [text.slice(0, middle), text.slice(middle)]) {
      if (part !== "") deltas.push({ tool_calls: [{ index, function: { arguments: part } }] })
    }
  }
  return deltas
}

/** The arguments of a tool call as text. */
export function argumentsOf(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value)
}

function finishOf(answer: ScriptedAnswer): string {
  return answer.finishReason ?? (answer.toolCalls === undefined ? "stop" : "tool_calls")
}

function wantsUsage(request: ScriptedRequest): boolean {
  const options = request.body.stream_options
  return typeof options === "object" && options !== null && "include_usage" in options && options.include_usage === true
}

function usageOf(answer: ScriptedAnswer, request: ScriptedRequest): JsonObject | null {
  if (answer.usage === null) return null
  const input = answer.usage?.inputTokens ?? inputWordsOf(request)
  const output = answer.usage?.outputTokens ?? renderedDeltas(answer).length
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
}

function inputWordsOf(request: ScriptedRequest): number {
  let count = 0
  for (const message of request.messages) {
    if (typeof message.content === "string") count += message.content.split(/\s+/).length
  }
  return count
}
