/**
 * Reads the frames of an OpenAI chat-completions stream into events. No input and output of its own.
 *
 * States: *open* (frames are taken), *over* (finish was emitted; later frames are ignored). It throws `ModelFailure`.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "@brevet/core/json"
import type { FinishReason, ModelEvent, ToolCall, Usage } from "../../ports/models.ts"
import { failureOfBrokenAnswer, failureOfErrorObject, failureOfRefusal } from "./failures.ts"
import { parseArguments } from "./tool-arguments.ts"

type CallInProgress = { id: string; name: string; arguments: string }

/** One answer in the making. */
export class ChatAnswer {
  readonly #emit: (event: ModelEvent) => void
  readonly #secrets: readonly string[]
  #calls: CallInProgress[] = []
  #callByIndex = new Map<number, CallInProgress>()
  #model: string
  #finish: string | null = null
  #usage: Usage = { inputTokens: 0, outputTokens: 0, totalTokens: 0 }
  #refusal = ""
  #tokens = 0
  #hasText = false
  #isOver = false

  /** `model` is what was asked for, and reported unless the provider names another. */
  constructor(options: { model: string; secrets: readonly string[]; emit: (event: ModelEvent) => void }) {
    this.#emit = options.emit
    this.#secrets = options.secrets
    this.#model = options.model
  }

  /** Rises with everything that the model brought forth, parts of tool calls included: a sign that it is not silent. */
  get tokens(): number {
    return this.#tokens
  }

  /** True once the finish was emitted. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Takes the data of one frame. */
  take(data: string): void {
    if (this.#isOver) return
    if (data === "[DONE]") {
      this.#complete()
      return
    }
    this.#takeFrame(parseFrame(data))
  }

  /** Takes a whole answer, from a server that does not stream. */
  takeWhole(body: string): void {
    const frame = parseFrame(body)
    const choice = choiceOf(frame)
    if (choice === null && frame.error === undefined) throw failureOfBrokenAnswer(new Error("there is no choice"))
    this.#takeFrame(choice === null ? frame : { ...frame, choices: [{ ...choice, delta: choice.message ?? null }] })
    this.#complete()
  }

  /** The body has ended. Without a finish reason or `[DONE]` before it, it was broken off. */
  end(): void {
    if (this.#isOver) return
    if (this.#finish === null) throw failureOfBrokenAnswer(new Error("the stream ended before the answer did"))
    this.#complete()
  }

  #takeFrame(frame: JsonObject): void {
    if (frame.error !== undefined && frame.error !== null) {
      const error = isJsonObject(frame.error) ? frame.error : { message: frame.error }
      throw failureOfErrorObject(error, this.#secrets)
    }
    if (typeof frame.model === "string" && frame.model !== "") this.#model = frame.model
    if (isJsonObject(frame.usage)) this.#usage = usageOf(frame.usage)
    const choice = choiceOf(frame)
    if (choice === null) return
    if (isJsonObject(choice.delta)) this.#takeDelta(choice.delta)
    if (typeof choice.finish_reason === "string" && choice.finish_reason !== "") this.#finish = choice.finish_reason
  }

  #takeDelta(delta: JsonObject): void {
    const reasoning = textIn(delta.reasoning_content) || textIn(delta.reasoning)
    if (reasoning !== "") {
      this.#tokens += 1
      this.#emit({ type: "reasoning", text: reasoning })
    }
    const text = textIn(delta.content)
    if (text !== "") this.#text(text)
    const refusal = textIn(delta.refusal)
    if (refusal !== "") this.#tokens += 1
    this.#refusal += refusal
    if (Array.isArray(delta.tool_calls)) {
      for (const part of delta.tool_calls as readonly JsonValue[]) if (isJsonObject(part)) this.#takeCallPart(part)
    }
  }

  #text(text: string): void {
    this.#tokens += 1
    this.#hasText = true
    this.#emit({ type: "text", text })
  }

  /** Parts belong together by index. Some servers give every call the index 0, or none: a new id begins a new call then. */
  #takeCallPart(part: JsonObject): void {
    this.#tokens += 1
    const index = typeof part.index === "number" ? part.index : null
    const id = textIn(part.id)
    let call = index === null ? (id === "" ? this.#calls.at(-1) : undefined) : this.#callByIndex.get(index)
    if (call === undefined || (id !== "" && call.id !== "" && call.id !== id)) {
      call = { id: "", name: "", arguments: "" }
      this.#calls.push(call)
      if (index !== null) this.#callByIndex.set(index, call)
    }
    if (id !== "") call.id = id
    if (!isJsonObject(part.function)) return
    if (call.name === "") call.name = textIn(part.function.name)
    const given = part.function.arguments
    call.arguments += isJsonObject(given) ? JSON.stringify(given) : textIn(given)
  }

  #complete(): void {
    const filtered = this.#finish === "content_filter"
    if (filtered || (this.#refusal !== "" && !this.#hasText)) throw failureOfRefusal(this.#refusal)
    if (this.#refusal !== "") this.#emit({ type: "text", text: this.#refusal })
    this.#isOver = true
    for (const [index, call] of this.#calls.entries()) this.#emit({ type: "tool-call", call: callOf(call, index) })
    const reason = reasonOf(this.#finish, this.#calls)
    this.#emit({ type: "finish", reason, usage: this.#usage, model: this.#model })
  }
}

function parseFrame(data: string): JsonObject {
  let frame: unknown
  try {
    frame = JSON.parse(data)
  } catch (error) {
    throw failureOfBrokenAnswer(error)
  }
  if (!isJsonObject(frame)) throw failureOfBrokenAnswer(new Error("a frame is no object"))
  return frame
}

function choiceOf(frame: JsonObject): JsonObject | null {
  const first: unknown = Array.isArray(frame.choices) ? frame.choices[0] : undefined
  return isJsonObject(first) ? first : null
}

/** A text, also where it comes as a list of parts. */
function textIn(value: JsonValue | undefined): string {
  if (typeof value === "string") return value
  if (!Array.isArray(value)) return ""
  return (value as readonly JsonValue[]).map((part) => (isJsonObject(part) ? textIn(part.text) : "")).join("")
}

function usageOf(usage: JsonObject): Usage {
  const count = (value: JsonValue | undefined) => (typeof value === "number" && value >= 0 ? Math.trunc(value) : 0)
  const inputTokens = count(usage.prompt_tokens)
  const outputTokens = count(usage.completion_tokens)
  return { inputTokens, outputTokens, totalTokens: count(usage.total_tokens) || inputTokens + outputTokens }
}

function callOf({ id, name, arguments: text }: CallInProgress, index: number): ToolCall {
  return { id: id === "" ? `call_${index + 1}` : id, name, ...parseArguments(text) }
}

function reasonOf(finish: string | null, calls: readonly CallInProgress[]): FinishReason {
  if (finish === "length") return "length"
  return calls.length > 0 ? "tool-calls" : "stop"
}
