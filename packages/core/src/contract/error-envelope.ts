/** The documented error envelope, made from a refusal or from the stored error of a run. */
import { type ErrorCode, errorCatalogue } from "../errors.ts"
import type { JsonObject } from "../json.ts"
import { toIso } from "../time.ts"

/** What an envelope is made of: a Refusal has these, and so has a run's stored error. */
export type EnvelopeSource = {
  readonly code: ErrorCode
  readonly message: string
  readonly systemMessage: string
  readonly details: JsonObject
}

/** The `error` object of the envelope (documented). `atMs` becomes its timestamp. */
export function errorObject(source: EnvelopeSource, occasion: { traceId: string; atMs: number }): JsonObject {
  const { status, type } = errorCatalogue[source.code]
  return {
    code: source.code,
    message: source.message,
    system_message: source.systemMessage,
    type,
    status,
    trace_id: occasion.traceId,
    timestamp: toIso(occasion.atMs),
    details: source.details,
  }
}

/** The whole envelope (documented). */
export function errorEnvelope(source: EnvelopeSource, occasion: { traceId: string; atMs: number }): JsonObject {
  return { success: false, error: errorObject(source, occasion) }
}
