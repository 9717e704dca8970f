/**
 * The demo model: answers where no provider is configured, so that the first run needs no account.
 *
 * Deterministic, without a network, and always labelled. It repeats what it was told, word by word. The marked word
 * `#tool` in the user's text makes it call a tool: `#tool` the first one, `#tool:name` that one, with the JSON object that
 * follows as arguments, or with values made up from the tool's schema. After a tool's result it says what came back.
 * Asked for JSON, it answers with the smallest value that its schema allows.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "@brevet/core/json"
import type { ModelDescription, ModelEvent, ModelMessage, ModelRequest, ToolCall, Usage } from "../../ports/models.ts"
import { exampleOf } from "./schema-example.ts"
import { wordsOf } from "./words.ts"

/** The demo model's key. */
export const demoKey = "demo"

/** How the demo model stands in the list. */
export const demoDescription: ModelDescription = {
  key: demoKey,
  name: "Demo model",
  provider: "demo",
  description: "Built in, deterministic, needs no account. Configure a provider to talk to a real model.",
  capabilities: ["text", "tools", "json"],
  contextWindow: 128_000,
  maxOutputTokens: 4_096,
  isDeprecated: false,
  createdAtMs: 0,
}

/** What every text of the demo model begins with. */
const demoLabel = "[demo model]"

/** Answers a request. `model` is reported as `demo`, whatever was asked for. */
export async function* streamDemo(
  request: ModelRequest,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<ModelEvent> {
  signal.throwIfAborted()
  const asked = textOfTurn(request.messages)
  const last = request.messages.at(-1)
  const call = last?.role === "tool" ? null : callAskedFor(request, asked)
  if (call !== null) {
    yield { type: "tool-call", call }
    yield { type: "finish", reason: "tool-calls", usage: usageOf(request, 1), model: demoKey }
    return
  }
  const words = wordsOf(answerTo(request, asked))
  const limit = request.settings?.maxOutputTokens ?? Number.POSITIVE_INFINITY
  const given = words.slice(0, Math.min(words.length, limit))
  for (const text of given) {
    yield { type: "text", text }
    signal.throwIfAborted()
  }
  const reason = given.length < words.length ? "length" : "stop"
  yield { type: "finish", reason, usage: usageOf(request, given.length), model: demoKey }
}

function answerTo(request: ModelRequest, asked: string): string {
  const format = request.settings?.responseFormat
  if (format?.type === "json") {
    return JSON.stringify(format.schema === undefined ? { answer: demoLabel } : exampleOf(format.schema, demoLabel))
  }
  const last = request.messages.at(-1)
  if (last?.role === "tool") return `${demoLabel} The tool ${last.name} answered: ${last.result}`
  return asked.trim() === "" ? `${demoLabel} You said nothing.` : `${demoLabel} You said: ${asked}`
}

function textOfTurn(messages: readonly ModelMessage[]): string {
  const last = messages.findLast((message) => message.role === "user")
  return last?.text ?? ""
}

/** The call that the marked word asks for; null where there is no such word, or no such tool. */
function callAskedFor({ tools = [], messages, settings }: ModelRequest, asked: string): ToolCall | null {
  if (settings?.toolChoice === "none") return null
  const mark = /(?:^|\s)#tool(?::([\w.-]+))?(?:\s+(\{[\s\S]*\}))?/.exec(asked)
  if (mark === null) return null
  const [, name, given] = mark
  const tool = name === undefined ? tools[0] : tools.find((candidate) => candidate.name === name)
  if (tool === undefined) return null
  const number = messages.reduce((count, message) => count + (message.role === "tool" ? 1 : 0), 1)
  const values = given === undefined ? null : objectIn(given)
  return { id: `call_demo_${number}`, name: tool.name, arguments: values ?? exampleOf(tool.parameters, asked) }
}

function objectIn(text: string): JsonObject | null {
  try {
    const value: JsonValue = JSON.parse(text)
    return isJsonObject(value) ? value : null
  } catch {
    return null // Braces in a sentence: the arguments are made up from the schema instead.
  }
}

/** Words stand for tokens. */
function usageOf({ messages }: ModelRequest, outputTokens: number): Usage {
  const texts = messages.map((message) => (message.role === "tool" ? message.result : message.text))
  const inputTokens = texts.reduce((count, text) => count + wordsOf(text).length, 0)
  return { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens }
}
