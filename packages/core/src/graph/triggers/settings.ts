/** How settings of triggers and answers are read: with kindness, since nobody is there to whom a fault could be said. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"

/** An object of settings; empty where there is none. */
export function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {}
}

/** A text that is there; null where it is empty, no text, or an expression, which nothing resolves before a run. */
export function textOf(value: JsonValue | undefined): string | null {
  return typeof value === "string" && value.trim() !== "" && !value.startsWith("=") ? value : null
}

/** True for a value that would be known only within a run. */
export function isExpression(value: JsonValue | undefined): boolean {
  return typeof value === "string" && value.startsWith("=")
}

/** A status that an answer may have. 1xx are none: they announce an answer. */
export function statusOf(value: unknown): number | null {
  const status = typeof value === "string" ? Number(value) : value
  return typeof status === "number" && Number.isInteger(status) && status >= 200 && status <= 599 ? status : null
}

/** A header of an answer. */
export type HeaderPair = readonly [name: string, value: string]

/** Headers that say how an answer travels: they are the server's. */
const ownHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-request-id",
])
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}$/
/** Printable ASCII and what Latin-1 adds: whatever else there is cannot be sent. */
const headerValue = /^[\t\u0020-\u007e\u0080-\u00ff]{0,8000}$/

/** True for a header that an answer can carry. */
export function isSendable([name, value]: HeaderPair): boolean {
  return headerName.test(name) && headerValue.test(value) && !ownHeaders.has(name.toLowerCase())
}

/** Headers that a node may set (ours). */
const headersMax = 50

/** Header names and values as nodes list them (`{entries: [{name, value}]}`, documented); what no answer can carry is left out. */
export function headersOf(value: unknown): readonly HeaderPair[] {
  const entries = isJsonObject(value) && Array.isArray(value.entries) ? (value.entries as readonly JsonValue[]) : []
  const pairs = entries.filter(isJsonObject).map(({ name, value: given }): HeaderPair => {
    const text = typeof given === "string" ? given : given === undefined || given === null ? "" : String(given)
    return [typeof name === "string" ? name.trim() : "", text.trim()]
  })
  return pairs.filter(isSendable).slice(0, headersMax)
}
