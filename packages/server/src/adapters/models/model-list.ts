/**
 * What a provider itself lists under `/models`, asked for with a time limit and kept for a while. A list that cannot be
 * had is an empty one: the built-in models stand beside it.
 */
import { isJsonObject, type JsonObject } from "@brevet/core/json"
import type { Dispatcher } from "undici"
import type { ModelDescription } from "../../ports/models.ts"
import { isChatModel } from "./catalogue.ts"
import { openaiBaseUrl } from "./openai-chat.ts"
import type { ProviderOptions } from "./provider.ts"

/** A model in a provider's own list, as far as the list tells. `key` is the provider's name of it. */
export type ListedModel = Pick<ModelDescription, "key"> &
  Partial<Pick<ModelDescription, "name" | "createdAtMs" | "contextWindow" | "maxOutputTokens">>

const listTimeoutMs = 3_000
const keptMs = 600_000
const keptAfterFailureMs = 60_000
const listBytesMax = 8 * 1024 * 1024
const modelsMax = 2_000

/** A provider's list, kept. */
export class ModelList {
  readonly #options: ProviderOptions
  readonly #nowMs: () => number
  #models: readonly ListedModel[] = []
  #freshUntilMs = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | null = null

  /** `nowMs` is any clock that only goes forward. */
  constructor(options: ProviderOptions, nowMs: () => number) {
    this.#options = options
    this.#nowMs = nowMs
  }

  /** What was listed last; old lists count until a newer one is there. */
  get latest(): readonly ListedModel[] {
    return this.#models
  }

  /** The list, asked for if the last one is too old. Never fails. */
  async fresh(): Promise<readonly ListedModel[]> {
    if (this.#nowMs() >= this.#freshUntilMs) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = null
      })
      await this.#asking
    }
    return this.#models
  }

  async #ask(): Promise<void> {
    try {
      this.#models = await askForModels(this.#options)
      this.#freshUntilMs = this.#nowMs() + keptMs
    } catch {
      // Unreachable, no such address, not JSON: all mean that the provider lists nothing now. Calls report for themselves.
      this.#freshUntilMs = this.#nowMs() + keptAfterFailureMs
    }
  }
}

async function askForModels(options: ProviderOptions): Promise<readonly ListedModel[]> {
  const { request } = await import("undici")
  const dispatcher: Dispatcher = await options.dispatcher()
  const query = options.wire === "google" ? "?pageSize=1000" : options.wire === "anthropic" ? "?limit=1000" : ""
  const answer = await request(`${options.baseUrl}/models${query}`, {
    dispatcher,
    headers: headersOf(options),
    signal: AbortSignal.timeout(listTimeoutMs),
  })
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of answer.body as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > listBytesMax) throw new Error("the list of models is too long")
    pieces.push(piece)
  }
  if (answer.statusCode !== 200) throw new Error(`the list of models was answered with ${answer.statusCode}`)
  const body: unknown = JSON.parse(Buffer.concat(pieces).toString("utf8"))
  return readModelList(body, options).slice(0, modelsMax)
}

function headersOf({ wire, apiKey }: ProviderOptions): { [name: string]: string } {
  if (apiKey === null) return {}
  if (wire === "anthropic") return { "x-api-key": apiKey, "anthropic-version": "2023-06-01" }
  return wire === "google" ? { "x-goog-api-key": apiKey } : { authorization: `Bearer ${apiKey}` }
}

/** Reads a list in the shapes of OpenAI (`data[].id`), Anthropic (`data[].id, display_name`) and Google (`models[].name`). */
export function readModelList(body: unknown, options: Pick<ProviderOptions, "wire" | "baseUrl">): ListedModel[] {
  if (!isJsonObject(body)) return []
  const rows: readonly unknown[] = Array.isArray(body.data) ? body.data : Array.isArray(body.models) ? body.models : []
  const models: ListedModel[] = []
  for (const row of rows) {
    const model = isJsonObject(row) ? modelIn(row, options) : null
    if (model !== null) models.push(model)
  }
  return models
}

function modelIn(row: JsonObject, { wire, baseUrl }: Pick<ProviderOptions, "wire" | "baseUrl">): ListedModel | null {
  const methods = row.supportedGenerationMethods
  if (Array.isArray(methods) && !methods.includes("generateContent")) return null
  const id = row.id ?? row.name
  if (typeof id !== "string" || id === "") return null
  const key = wire === "google" ? id.replace(/^models\//, "") : id
  if (baseUrl === openaiBaseUrl && !isChatModel(key)) return null
  const name = row.display_name ?? row.displayName
  const createdAtMs = typeof row.created === "number" ? row.created * 1000 : Date.parse(String(row.created_at))
  const window = row.inputTokenLimit ?? row.context_window ?? row.context_length ?? row.max_model_len
  const output = row.outputTokenLimit
  return {
    key,
    ...(typeof name === "string" && name !== "" ? { name } : {}),
    ...(Number.isFinite(createdAtMs) ? { createdAtMs } : {}),
    ...(typeof window === "number" && window > 0 ? { contextWindow: window } : {}),
    ...(typeof output === "number" && output > 0 ? { maxOutputTokens: output } : {}),
  }
}
