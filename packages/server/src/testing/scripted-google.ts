/**
 * Google's generateContent wire of the scripted model server: hand-written from the published schema of
 * streamGenerateContent with `alt=sse` (GenerateContentResponse frames, no end mark), not recorded.
 */
import type { JsonObject } from "@brevet/core/json"
import type { ScriptedAnswer, ScriptedRequest, ScriptedWire } from "./scripted-answer.ts"
import { piecesOf } from "./scripted-openai.ts"

const errorStates: { readonly [status: number]: string | undefined } = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
}

/** Renders answers as Google's server does. */
export const googleWire: ScriptedWire = {
  frames(answer, request) {
    const parts: JsonObject[] = piecesOf(answer).map((text) => ({ text }))
    for (const call of answer.toolCalls ?? []) parts.push({ functionCall: { name: call.name, args: call.arguments } })
    return {
      head: "",
      chunks: parts.map((part) => frame(request, { content: { role: "model", parts: [part] }, index: 0 })),
      tail: frame(
        request,
        { content: { role: "model", parts: [{ text: "" }] }, ...endOf(answer), index: 0 },
        usageOf(answer),
      ),
    }
  },
  whole(answer, request) {
    const content = { role: "model", parts: [{ text: piecesOf(answer).join("") }] }
    return { candidates: [{ content, ...endOf(answer), index: 0 }], ...usageOf(answer), modelVersion: request.model }
  },
  error: (status, message) => ({ error: { code: status, message, status: errorStates[status] ?? "UNKNOWN" } }),
}

function frame(request: ScriptedRequest, candidate: JsonObject, more: JsonObject = {}): string {
  return `data: ${JSON.stringify({ candidates: [candidate], ...more, modelVersion: request.model })}\r\n\r\n`
}

function endOf(answer: ScriptedAnswer): JsonObject {
  if (answer.refusal !== undefined) return { finishReason: "SAFETY" }
  return { finishReason: answer.finishReason === "length" ? "MAX_TOKENS" : "STOP" }
}

function usageOf(answer: ScriptedAnswer): JsonObject {
  const { inputTokens, outputTokens } = answer.usage ?? { inputTokens: 1, outputTokens: 1 }
  const total = inputTokens + outputTokens
  return {
    usageMetadata: { promptTokenCount: inputTokens, candidatesTokenCount: outputTokens, totalTokenCount: total },
  }
}
