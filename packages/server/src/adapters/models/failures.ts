/**
 * From what a provider answered to a `ModelFailure`: decided by status and code, never by words.
 *
 * The provider's own sentence is passed on only where the request was at fault (400, 413, 422), since it says what to
 * change; keys and addresses are taken out of it first.
 */
import { isJsonObject, type JsonObject } from "@brevet/core/json"
import { ModelFailure, type ModelFailureOptions } from "../../ports/models.ts"

/** An answer that is an error: its status, headers (lower-case names) and body. */
export type ErrorAnswer = {
  readonly status: number
  readonly headers: { readonly [name: string]: string | string[] | undefined }
  readonly body: string
  /** What must not appear in a message, such as the key that was sent. */
  readonly secrets: readonly string[]
  readonly cause?: unknown
}

const contextCodes = new Set(["context_length_exceeded", "exceed_context_size_error", "request_too_large"])
const missingModelCodes = new Set(["model_not_found", "not_found_error", "NOT_FOUND"])

/** What an HTTP error of a provider means for us. */
export function failureOfAnswer(answer: ErrorAnswer): ModelFailure {
  const { status } = answer
  const error = errorObjectOf(answer.body)
  const codes = [error?.code, error?.type, error?.status]
  const retryAfterSeconds = retryAfterOf(answer.headers)
  const options: ModelFailureOptions = {
    status,
    cause: answer.cause ?? new Error(`the provider answered ${status}`),
    ...(retryAfterSeconds === null ? {} : { retryAfterSeconds }),
  }
  const has = (known: ReadonlySet<string>) => codes.some((code) => typeof code === "string" && known.has(code))
  if (has(contextCodes)) {
    return new ModelFailure("context-too-long", "The conversation is too long for the model.", options)
  }
  if (status === 404 && has(missingModelCodes)) {
    return new ModelFailure("not-found", "The provider does not offer this model.", options)
  }
  if (status === 400 || status === 413 || status === 422) {
    const words = typeof error?.message === "string" ? cleanWords(error.message, answer.secrets) : ""
    return new ModelFailure("refused", `The model provider refused the request${words && `: ${words}`}`, options)
  }
  if (status === 401 || status === 403) {
    return new ModelFailure("error", "The model provider refused the configured key.", options)
  }
  if (status === 429 || status === 408) {
    return new ModelFailure("unavailable", "The model provider is at its limit. Please try again later.", options)
  }
  return new ModelFailure("error", `The model provider answered with an error (${status}).`, options)
}

/** What an error object in the middle of a stream means: by its number where it has one, else the provider failed. */
export function failureOfErrorObject(error: JsonObject, secrets: readonly string[]): ModelFailure {
  const number = [error.code, error.status, error.status_code].find(
    (value): value is number => typeof value === "number" && value >= 400 && value <= 599,
  )
  const named = typeof error.type === "string" ? statusByType[error.type] : undefined
  return failureOfAnswer({ status: number ?? named ?? 500, headers: {}, body: JSON.stringify({ error }), secrets })
}

const statusByType: { readonly [type: string]: number | undefined } = {
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
}

/** The model itself, or a filter before or behind it, would not answer. `words` are the model's own. */
export function failureOfRefusal(words: string): ModelFailure {
  const text = words.trim().slice(0, wordsLengthMax)
  return new ModelFailure("refused", text === "" ? "The model refused to answer." : `The model refused: ${text}`)
}

/** The answer ended in the middle, or was no answer. */
export function failureOfBrokenAnswer(cause: unknown): ModelFailure {
  return new ModelFailure("error", "The model provider broke off its answer.", { cause })
}

/** No token came within the time limit. */
export function failureOfSilence(timeoutMs: number): ModelFailure {
  return new ModelFailure("timeout", `The model gave no token for ${Math.round(timeoutMs / 100) / 10} seconds.`)
}

const unreachableCodes = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
])

/**
 * What a broken connection means: `unavailable` where none was made (also for a certificate that is not trusted),
 * `error` where the provider had the request.
 */
export function failureOfConnection(error: unknown): ModelFailure {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    const code = "code" in cause ? String(cause.code) : ""
    if (unreachableCodes.has(code) || code.includes("CERT") || code.startsWith("ERR_TLS")) {
      return new ModelFailure("unavailable", "The model provider cannot be reached.", { cause: error })
    }
  }
  return failureOfBrokenAnswer(error)
}

const retryAfterSecondsMax = 86_400

/** Seconds to wait, rounded up: `retry-after-ms`, or `retry-after` as a number or as a date (against the answer's own). */
export function retryAfterOf(headers: ErrorAnswer["headers"]): number | null {
  const read = (name: string) => {
    const value = headers[name]
    return typeof value === "string" ? value.trim() : ""
  }
  const bounded = (seconds: number) => Math.min(Math.max(0, Math.ceil(seconds)), retryAfterSecondsMax)
  const ms = read("retry-after-ms")
  if (/^\d+(\.\d+)?$/.test(ms)) return bounded(Number(ms) / 1000)
  const after = read("retry-after")
  if (/^\d+(\.\d+)?$/.test(after)) return bounded(Number(after))
  const seconds = (Date.parse(after) - Date.parse(read("date"))) / 1000
  return Number.isFinite(seconds) ? bounded(seconds) : null
}

const wordsLengthMax = 500

/** A provider's sentence without keys, addresses and control characters. */
export function cleanWords(words: string, secrets: readonly string[]): string {
  let text = words
  for (const secret of secrets) if (secret !== "") text = text.replaceAll(secret, "***")
  return text
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, "(address)")
    .replace(/\b(?:sk|pk|gsk|xai|AIza)[-_\w*]{8,}/g, "***")
    .replace(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, wordsLengthMax)
}

/** The `error` object of a body, in the shapes that providers use: `{error: {…}}`, `{error: "…"}`, `[{error}]`, `{message}`. */
function errorObjectOf(body: string): JsonObject | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return null // A page of a proxy, or nothing at all: the status alone decides.
  }
  const outer: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  if (!isJsonObject(outer)) return null
  if (isJsonObject(outer.error)) return outer.error
  return typeof outer.error === "string" ? { message: outer.error } : outer
}
