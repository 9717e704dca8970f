/**
 * Language models as the runtime sees them: a contract without code, but for the one error class.
 *
 * A call is a stream of events that ends with exactly one `finish`, or throws. It throws `ModelFailure` for whatever the
 * provider did, and the signal's own reason once the signal is aborted; nothing else. Nothing of a provider's package is
 * visible here. Messages are sent as they stand: whoever builds them merges equal roles and keeps tool pairs whole.
 */
import type { JsonObject, JsonValue } from "@brevet/core/json"

/** A call of a tool that the model asks for. */
export type ToolCall = {
  /** The provider's id, or one of ours that is unique within the answer where the provider gives none. */
  readonly id: string
  readonly name: string
  readonly arguments: JsonValue
  /** What the model wrote, where that was no JSON; `arguments` is `{}` then. */
  readonly brokenArguments?: string
}

/** One message of the prompt. */
export type ModelMessage =
  | { readonly role: "system"; readonly text: string }
  | { readonly role: "user"; readonly text: string }
  | { readonly role: "assistant"; readonly text: string; readonly toolCalls?: readonly ToolCall[] }
  | { readonly role: "tool"; readonly toolCallId: string; readonly name: string; readonly result: string }

/** A tool that the model may call. `parameters` is a JSON Schema. */
export type ToolDefinition = {
  readonly name: string
  readonly description?: string
  readonly parameters: JsonObject
  readonly strict?: boolean
}

/** Whether tools may, must or must not be called, or which one must. */
export type ToolChoice = "auto" | "none" | "required" | { readonly name: string }

/** How the answer is to be formed. Without a schema, `json` means any JSON object. */
export type ResponseFormat =
  | { readonly type: "text" }
  | { readonly type: "json"; readonly schema?: JsonObject; readonly name?: string }

/** What shapes the answer. An absent setting is not sent; one that a provider does not know is left out. */
export type ModelSettings = {
  readonly temperature?: number
  readonly topP?: number
  readonly maxOutputTokens?: number
  readonly stop?: readonly string[]
  readonly seed?: number
  readonly frequencyPenalty?: number
  readonly presencePenalty?: number
  /** Of Anthropic's and Google's wires. */
  readonly topK?: number
  readonly reasoningEffort?: string
  readonly responseFormat?: ResponseFormat
  /** By token id, -100 to 100 (OpenAI-compatible providers only). */
  readonly logitBias?: { readonly [token: string]: number }
  /** Asked for and not shown (OpenAI-compatible providers only). */
  readonly topLogprobs?: number
  readonly parallelToolCalls?: boolean
  readonly toolChoice?: ToolChoice
  readonly serviceTier?: string
}

/** The wires that are spoken. */
export type ModelWire = "openai" | "anthropic" | "google"

/**
 * Whose key pays for the call, where it is not the server's own: the credential of a node. `model` goes to it as it
 * stands. An address that is given passes the outbound guard.
 */
export type ModelEndpoint = {
  readonly wire: ModelWire
  /** The provider's name, as assistants allow it; also where its models are on another one's wire. */
  readonly provider: string
  /** Null: none is sent. */
  readonly apiKey: string | null
  /** Sent beside the key; their values are secrets too. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly baseUrl?: string
}

/**
 * One call. `ownKey` is the organization's own key for the provider that the model belongs to; without it the server's is
 * used. `model` is a key as `GET /v1/models` lists it, bare or as `provider/model`. */
export type ModelRequest = {
  readonly model: string
  readonly messages: readonly ModelMessage[]
  readonly settings?: ModelSettings
  readonly tools?: readonly ToolDefinition[]
  readonly ownKey?: string
  readonly endpoint?: ModelEndpoint
  /** Of OpenAI's wire: by which of its two interfaces the model is asked; absent: chat completions. */
  readonly api?: "chat" | "responses"
}

/** Tokens as the provider counted them; zeros where it does not say. */
export type Usage = { readonly inputTokens: number; readonly outputTokens: number; readonly totalTokens: number }

/** Why an answer ended. A refusal is no end: it is a failure of kind `refused`. */
export type FinishReason = "stop" | "length" | "tool-calls"

/** What a call gives, in order. Texts are never empty; a tool call comes whole; `finish` is the last. */
export type ModelEvent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "tool-call"; readonly call: ToolCall }
  | { readonly type: "finish"; readonly reason: FinishReason; readonly usage: Usage; readonly model: string }

/** What is known of a model. Numbers are tokens; null where unknown. */
export type ModelDescription = {
  /** What a request names as `model`. */
  readonly key: string
  readonly name: string
  readonly provider: string
  readonly description: string
  readonly capabilities: readonly ModelCapability[]
  readonly contextWindow: number | null
  readonly maxOutputTokens: number | null
  readonly isDeprecated: boolean
  /** When the provider says it was made; 0 where it does not. */
  readonly createdAtMs: number
}

/** What a model can do. */
export type ModelCapability = "text" | "tools" | "json" | "vision" | "reasoning"

/** The models that this server offers. */
export interface Models {
  /**
   * Calls a model. The call is made when the first event is asked for, and its connection is closed at once when the
   * signal is aborted or the reader stops reading.
   */
  stream(request: ModelRequest, options: { readonly signal: AbortSignal }): AsyncIterable<ModelEvent>
  /** All models: the built-in ones of the configured providers and what the providers list themselves (cached). Never fails. */
  list(): Promise<readonly ModelDescription[]>
  /** The model that would answer to this key, or null where none would, as far as is known without a call. */
  find(key: string): ModelDescription | null
  /** The name of the provider that a key belongs to, also where it is not configured; null: nobody's that we know. */
  providerOf(key: string): string | null
  /** The key of the model that is taken where none is named. */
  defaultModel(): string
  /** The names of the configured providers, in order; `["demo"]` where there is none. */
  providers(): readonly string[]
  /** Cuts what runs and closes all connections. */
  close(): Promise<void>
}

/**
 * What went wrong:
 * `error`: the provider answered 5xx, refused our key, or broke the stream off;
 * `unavailable`: it is unreachable or refuses for load (429);
 * `timeout`: no token came in time;
 * `refused`: it took the request for a bad one (400) or the model would not answer it;
 * `not-found`: nobody here offers the model;
 * `context-too-long`: the messages exceed the model's window.
 */
export type ModelFailureKind = "error" | "unavailable" | "timeout" | "refused" | "not-found" | "context-too-long"

/** What a failure may carry beside its kind. */
export type ModelFailureOptions = {
  /** The provider's HTTP status. */
  readonly status?: number
  /** How long the provider asks us to wait. */
  readonly retryAfterSeconds?: number
  readonly cause?: unknown
}

/** A model call that failed. The message is safe for a client: no key, no address, no words of a library. */
export class ModelFailure extends Error {
  readonly kind: ModelFailureKind
  readonly status: number | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(kind: ModelFailureKind, message: string, options: ModelFailureOptions = {}) {
    super(message, { cause: options.cause })
    this.name = "ModelFailure"
    this.kind = kind
    this.status = options.status
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
