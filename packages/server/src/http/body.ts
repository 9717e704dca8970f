/**
 * Bodies: JSON in UTF-8. No body, an empty one and `null` are `{}`, with or without a content type (documented: the sample
 * calls of promote send none); whether a call can do with nothing is for its schema to say.
 */
import { isUtf8 } from "node:buffer"
import { Refusal } from "@brevet/core/errors"
import { isJsonObject, type JsonObject } from "@brevet/core/json"
import { bodyFault, requireSoundJson } from "./faults.ts"

/** `application/json`, `text/json` and `application/…+json`, of which UTF-8 is the only charset. */
const jsonType = /^(?:application\/(?:[a-z0-9.!#$&^_-]+\+)?json|text\/json)\s*(?:;|$)/i
const otherCharset = /;\s*charset\s*=\s*"?(?!utf-?8"?\s*(?:;|$))/i

/** The bytes EF BB BF, which some editors put before UTF-8. */
const byteOrderMark = "\uFEFF"

/**
 * The body as an object. Throws UNSUPPORTED_MEDIA_TYPE where it is declared to be something else than JSON, and
 * VALIDATION_ERROR where it is broken, no object, or breaks the limits of JSON.
 */
export function readJsonBody(bytes: Buffer | undefined, contentType: string | undefined): JsonObject {
  if (bytes === undefined || bytes.length === 0) return {}
  if (contentType !== undefined && (!jsonType.test(contentType) || otherCharset.test(contentType))) {
    throw new Refusal("UNSUPPORTED_MEDIA_TYPE")
  }
  const value = parse(bytes)
  if (value === null || value === undefined) return {}
  if (!isJsonObject(value)) throw bodyFault("must be a JSON object", "invalid_type")
  requireSoundJson(value)
  return value
}

/** Undefined for a body of nothing but blanks. */
function parse(bytes: Buffer): unknown {
  // Read leniently, bytes that are no UTF-8 would be replaced, and what was sent would be altered.
  if (!isUtf8(bytes)) throw bodyFault("is not valid UTF-8", "invalid_encoding")
  const text = bytes.toString("utf8")
  const json = text.startsWith(byteOrderMark) ? text.slice(1) : text
  if (json.trim() === "") return undefined
  try {
    return JSON.parse(json)
  } catch (error) {
    if (error instanceof SyntaxError) throw bodyFault("is not valid JSON", "invalid_json")
    throw error
  }
}
