/**
 * A request that a node sends, said as data: what the performer sends is made of this and of nothing else. Pure; the
 * credential is named, never held.
 */
import type { JsonValue } from "../../../json.ts"

/** A name and a value. */
export type Pair = readonly [name: string, value: string]

/** A part of form data: a text, or the file in a field of the item's `binary`. */
export type FormPart = { readonly name: string } & ({ readonly text: string } | { readonly file: string })

/** What is sent with a request. `value` undefined: nothing, but for what a credential puts in. */
export type RequestBody =
  | { readonly type: "none" }
  | { readonly type: "json"; readonly value: JsonValue | undefined }
  | { readonly type: "form"; readonly fields: readonly Pair[] }
  | { readonly type: "multipart"; readonly parts: readonly FormPart[] }
  | { readonly type: "text"; readonly text: string; readonly contentType: string | null }
  /** The file in a field of the item's `binary`, under its own type. */
  | { readonly type: "file"; readonly field: string; readonly contentType: string | null }

/** How an answer becomes items. `auto`: by the type that it names. */
export type ResponseFormat = "auto" | "json" | "text" | "file"

/** What is made of an answer. */
export type ResponsePlan = {
  readonly format: ResponseFormat
  /** The field of texts and files. */
  readonly field: string
  /** Headers and status beside the body. */
  readonly isFull: boolean
  /** An answer of any status is a result. */
  readonly neverFails: boolean
  /** What the answer is taken for: data that becomes items, an answer of GraphQL, or a feed. */
  readonly holds: "data" | "graphql" | "feed"
}

/** A request. */
export type HttpRequest = {
  readonly method: string
  /** As the node says it; the query comes behind it. */
  readonly url: string
  readonly query: readonly Pair[]
  readonly headers: readonly Pair[]
  readonly body: RequestBody
  /** The type of the node's credential; null: none is attached. */
  readonly credentialType: string | null
  /** 0: a redirect is an answer. */
  readonly redirectsMax: number
  readonly timeoutMs: number
  readonly response: ResponsePlan
  /** An `Idempotency-Key` is sent, so that the request may be repeated whatever its method. */
  readonly isIdempotent: boolean
  /** It only reads, although its method does not say so. */
  readonly isRead?: boolean
}

/** Methods that a node can send. */
export const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const

/** Whether the other side may get a request twice without harm (RFC 9110 §9.2.2), or is told how to know it again. */
export function mayRepeat({ method, isIdempotent, isRead = false }: HttpRequest): boolean {
  return isIdempotent || isRead || (method !== "POST" && method !== "PATCH")
}

/** The address with the fields of the query behind its own. */
export function addressOf({ url, query }: Pick<HttpRequest, "url" | "query">): string {
  if (query.length === 0) return url
  const fragment = url.indexOf("#")
  const [base, rest] = fragment < 0 ? [url, ""] : [url.slice(0, fragment), url.slice(fragment)]
  const joint = !base.includes("?") ? "?" : /[?&]$/.test(base) ? "" : "&"
  return `${base}${joint}${query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&")}${rest}`
}

/** A form as its body's text. */
export function formText(fields: readonly Pair[]): string {
  return fields.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&")
}

/** Lone surrogates cannot be encoded; they become the sign for what is unknown. */
function encode(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"))
}
