/**
 * Anthropic's and Google's wires and OpenAI's responses interface, through the AI SDK's provider packages at provider level (`doStream`).
 *
 * The packages are imported at the first call: they are heavy, and most servers use one of them or none. Connections and
 * aborts are ours: the package is handed a `fetch` over our dispatcher. Nothing of the package leaves this file.
 */
import type {
  JSONSchema7,
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
} from "@ai-sdk/provider"
import { isJsonObject } from "@brevet/core/json"
import type { Dispatcher } from "undici"
import { type ModelEvent, ModelFailure, type ModelRequest, type ModelSettings, type Usage } from "../../ports/models.ts"
import { sdkPromptOf } from "./ai-sdk-prompt.ts"
import {
  failureOfAnswer,
  failureOfBrokenAnswer,
  failureOfConnection,
  failureOfErrorObject,
  failureOfRefusal,
  failureOfSilence,
} from "./failures.ts"
import { type Provider, type ProviderOptions, secretsOf } from "./provider.ts"
import { effortOf } from "./reasoning-effort.ts"
import { parseArguments } from "./tool-arguments.ts"

/** The providers' own addresses. */
export const anthropicBaseUrl = "https://api.anthropic.com/v1"
/** The providers' own addresses. */
export const googleBaseUrl = "https://generativelanguage.googleapis.com/v1beta"

type ModelMaker = (model: string) => LanguageModelV3

/** A provider that speaks Anthropic's or Google's wire, or OpenAI's responses interface. */
export function createSdkProvider(options: ProviderOptions): Provider {
  let maker: Promise<ModelMaker> | null = null
  return {
    async *stream(request, { model, signal }) {
      signal.throwIfAborted()
      maker ??= loadMaker(options)
      const make = await maker
      yield* call(make(model), { request, signal, model, options })
    },
  }
}

async function loadMaker(options: ProviderOptions): Promise<ModelMaker> {
  const settings = {
    baseURL: options.baseUrl,
    apiKey: options.apiKey ?? "",
    headers: Object.fromEntries(options.headers ?? []),
    fetch: fetchOver(await options.dispatcher(), (await import("undici")).fetch),
  }
  if (options.wire === "google") {
    const { createGoogleGenerativeAI } = await import("@ai-sdk/google")
    return createGoogleGenerativeAI(settings)
  }
  if (options.wire === "openai") {
    const { createOpenAI } = await import("@ai-sdk/openai")
    return createOpenAI(settings).responses
  }
  const { createAnthropic } = await import("@ai-sdk/anthropic")
  return createAnthropic(settings)
}

type UndiciFetch = typeof import("undici")["fetch"]

/** A `fetch` over our connections. The two libraries' types of the same web interface differ in name alone. */
function fetchOver(dispatcher: Dispatcher, fetch: UndiciFetch): typeof globalThis.fetch {
  return async (input, init) => {
    const options = { ...init, dispatcher, redirect: "error" } as Parameters<UndiciFetch>[1]
    return (await fetch(String(input), options)) as unknown as Response
  }
}

type Call = {
  readonly request: ModelRequest
  readonly signal: AbortSignal
  readonly model: string
  readonly options: ProviderOptions
}

async function* call(
  model: LanguageModelV3,
  { request, signal, model: name, options }: Call,
): AsyncGenerator<ModelEvent> {
  signal.throwIfAborted()
  const stopper = new AbortController()
  const stop = () => stopper.abort(signal.reason)
  signal.addEventListener("abort", stop, { once: true })
  let isReaderBehind = false
  let isSilent = false
  const clock = setTimeout(() => {
    if (isReaderBehind) {
      clock.refresh()
      return
    }
    isSilent = true
    stopper.abort()
  }, options.timeoutMs)
  try {
    const answer = new SdkAnswer(name, options)
    const { stream } = await model.doStream({ ...callOptionsOf(request, options), abortSignal: stopper.signal })
    for await (const part of stream) {
      for (const event of answer.take(part)) {
        isReaderBehind = true
        yield event
        isReaderBehind = false
      }
      if (isToken(part)) clock.refresh()
    }
    if (!answer.isOver) throw new Error("the stream ended before the answer did")
  } catch (error) {
    signal.throwIfAborted()
    if (isSilent) throw failureOfSilence(options.timeoutMs)
    throw await failureOf(error, options)
  } finally {
    clearTimeout(clock)
    signal.removeEventListener("abort", stop)
    stopper.abort()
  }
}

function isToken({ type }: LanguageModelV3StreamPart): boolean {
  return type === "text-delta" || type === "reasoning-delta" || type === "tool-input-delta" || type === "tool-call"
}

class SdkAnswer {
  readonly #options: ProviderOptions
  #model: string
  #hasCalls = false
  isOver = false

  constructor(model: string, options: ProviderOptions) {
    this.#model = model
    this.#options = options
  }

  take(part: LanguageModelV3StreamPart): ModelEvent[] {
    switch (part.type) {
      case "text-delta":
        return part.delta === "" ? [] : [{ type: "text", text: part.delta }]
      case "reasoning-delta":
        return part.delta === "" ? [] : [{ type: "reasoning", text: part.delta }]
      case "tool-call":
        this.#hasCalls = true
        return [
          { type: "tool-call", call: { id: part.toolCallId, name: part.toolName, ...parseArguments(part.input) } },
        ]
      case "response-metadata":
        this.#model = part.modelId ?? this.#model
        return []
      case "error":
        throw errorIn(part.error, this.#options)
      case "finish":
        return [this.#finish(part)]
      default:
        return []
    }
  }

  #finish({ finishReason, usage }: Extract<LanguageModelV3StreamPart, { type: "finish" }>): ModelEvent {
    const { unified, raw } = finishReason
    if (unified === "content-filter") throw failureOfRefusal("")
    // Without a reason of any kind, the stream just ended.
    if (unified === "error" || (unified === "other" && raw === undefined))
      throw failureOfBrokenAnswer(new Error("there is no finish reason"))
    this.isOver = true
    const reason = unified === "length" ? "length" : this.#hasCalls ? "tool-calls" : "stop"
    const inputTokens = usage.inputTokens.total ?? 0
    const outputTokens = usage.outputTokens.total ?? 0
    const counted: Usage = { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens }
    return { type: "finish", reason, usage: counted, model: this.#model }
  }
}

/** An error in the middle of a stream: an object of the provider's, or an exception of the package. */
function errorIn(error: unknown, options: ProviderOptions): unknown {
  if (error instanceof Error) return error
  const object = isJsonObject(error) ? error : { message: String(error) }
  return failureOfErrorObject(object, secretsOf(options))
}

async function failureOf(error: unknown, options: ProviderOptions): Promise<unknown> {
  if (error instanceof ModelFailure) return error
  const { APICallError } = await import("@ai-sdk/provider")
  if (!APICallError.isInstance(error)) return failureOfConnection(error)
  if (error.statusCode === undefined) return failureOfConnection(error.cause ?? error)
  if (error.statusCode < 400) return failureOfBrokenAnswer(error)
  return failureOfAnswer({
    status: error.statusCode,
    headers: error.responseHeaders ?? {},
    body: error.responseBody ?? "",
    secrets: secretsOf(options),
    cause: error,
  })
}

function callOptionsOf(request: ModelRequest, options: ProviderOptions): LanguageModelV3CallOptions {
  const settings = request.settings ?? {}
  const tools = request.tools ?? []
  return {
    prompt: sdkPromptOf(request.messages),
    ...given("temperature", settings.temperature),
    ...given("topP", settings.topP),
    ...given("topK", settings.topK),
    ...given("maxOutputTokens", settings.maxOutputTokens),
    ...given("stopSequences", settings.stop === undefined ? undefined : [...settings.stop]),
    ...given("seed", settings.seed),
    ...given("frequencyPenalty", settings.frequencyPenalty),
    ...given("presencePenalty", settings.presencePenalty),
    ...given("responseFormat", responseFormatOf(settings)),
    ...given("providerOptions", providerOptionsOf(request, options)),
    ...(tools.length === 0 ? {} : toolOptionsOf(request)),
  }
}

function toolOptionsOf({ tools = [], settings = {} }: ModelRequest): Partial<LanguageModelV3CallOptions> {
  const choice = settings.toolChoice
  const toolChoice =
    choice === undefined
      ? undefined
      : typeof choice === "string"
        ? { type: choice }
        : { type: "tool" as const, toolName: choice.name }
  return {
    tools: tools.map(({ name, description, parameters, strict }) => ({
      type: "function",
      name,
      inputSchema: parameters as JSONSchema7,
      ...given("description", description),
      ...given("strict", strict),
    })),
    ...given("toolChoice", toolChoice),
  }
}

function responseFormatOf({ responseFormat }: ModelSettings): LanguageModelV3CallOptions["responseFormat"] {
  if (responseFormat?.type !== "json") return undefined
  return {
    type: "json",
    ...given("schema", responseFormat.schema as JSONSchema7 | undefined),
    ...given("name", responseFormat.name),
  }
}

const thinkingTokens = { minimal: 1024, low: 2048, medium: 8192, high: 16_384 } as const

/**
 * What has no common name. Thinking is left off for Anthropic where there are tools: its next call would need the
 * signed thoughts of this one, which are not kept.
 */
function providerOptionsOf(
  { settings = {}, tools = [] }: ModelRequest,
  { wire }: ProviderOptions,
): LanguageModelV3CallOptions["providerOptions"] {
  const effort = effortOf(settings.reasoningEffort)
  if (wire === "google") {
    return effort === null ? undefined : { google: { thinkingConfig: { thinkingBudget: thinkingTokens[effort] } } }
  }
  if (wire === "openai") {
    const { parallelToolCalls, serviceTier } = settings
    return {
      openai: {
        // Nothing is left with the provider: the next call brings the whole conversation.
        store: false,
        ...given("parallelToolCalls", parallelToolCalls),
        ...given("serviceTier", serviceTier),
        ...given("reasoningEffort", effort ?? undefined),
      },
    }
  }
  const thinking =
    effort === null || tools.length > 0 ? undefined : { type: "enabled", budgetTokens: thinkingTokens[effort] }
  const disableParallelToolUse = settings.parallelToolCalls === false ? true : undefined
  if (thinking === undefined && disableParallelToolUse === undefined) return undefined
  return { anthropic: { ...given("thinking", thinking), ...given("disableParallelToolUse", disableParallelToolUse) } }
}

/** A field where there is a value, and no field where there is none. */
function given<Name extends string, Value>(name: Name, value: Value | undefined): { [Key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: Value }
}
