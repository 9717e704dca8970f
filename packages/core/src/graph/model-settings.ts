/**
 * The settings of one model call, whoever they come from: a FreddyLLM node's parameters, an assistant's overrides, a
 * request's values. Absent means "not set" and is not sent to the provider. Layers are laid over each other key by key.
 */
import type { JsonObject } from "../json.ts"

/** What the text of an answer must be. */
export type ResponseFormat =
  | { readonly type: "text" }
  | { readonly type: "json_object" }
  | { readonly type: "json_schema"; readonly schema: JsonObject }

/** A function that the caller's client performs (documented `tools` of type function). */
export type FunctionTool = {
  readonly name: string
  readonly description?: string
  readonly parameters: JsonObject
}

/** One layer of settings. Ranges: temperature 0–2, topP 0–1, penalties −2–2, maxOutputTokens ≥ 1, at most 4 stops. */
export type ModelSettings = {
  readonly model?: string
  /** The system prompt. */
  readonly instructions?: string
  readonly temperature?: number
  readonly topP?: number
  /** Of n8n's nodes for providers that know it. */
  readonly topK?: number
  readonly maxOutputTokens?: number
  readonly stop?: readonly string[]
  readonly seed?: number
  readonly frequencyPenalty?: number
  readonly presencePenalty?: number
  readonly reasoningEffort?: string
  readonly logitBias?: JsonObject
  readonly topLogprobs?: number
  readonly parallelToolCalls?: boolean
  /** A provider's own word for how it serves the call; of assistants alone. */
  readonly serviceTier?: string
  readonly responseFormat?: ResponseFormat
  readonly tools?: readonly FunctionTool[]
}

/** The upper layer over the lower one: what the upper sets wins, the rest shows through. */
export function layerSettings(upper: ModelSettings, lower: ModelSettings): ModelSettings {
  return { ...lower, ...upper }
}
