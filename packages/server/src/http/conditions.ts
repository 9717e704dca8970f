/** What headers ask of a call: a revision (`If-Match`) and idempotency (`Idempotency-Key`). */
import { createHash } from "node:crypto"
import { invalidFields } from "@brevet/core/errors"
import type { IdempotencyMark } from "../ports/owner.ts"

const tagPattern = /^(?:W\/)?"([^"]*)"$/

/** Matches no revision: revisions count from 1. */
const noRevision = -1

/**
 * The revision that `If-Match` names (ours); undefined where any will do. Weak tags count as well, since a proxy that
 * compresses makes ours weak. Throws VALIDATION_ERROR for what is no single tag.
 */
export function readIfMatch(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === "*") return undefined
  const [, tag] = tagPattern.exec(header.trim()) ?? []
  if (tag === undefined) {
    throw invalidFields([{ field: "If-Match", message: 'must be one ETag in quotes, or "*"', code: "invalid" }])
  }
  return /^\d{1,15}$/.test(tag) ? Number(tag) : noRevision
}

/** Visible ASCII and blanks; a header holds nothing else that two clients would agree on. */
const keyPattern = /^[\x20-\x7e]{1,255}$/

/** Characters of a path that are kept as they are; the store's index takes no longer ones. */
const pathLengthMax = 1_024

/**
 * The mark of a request (documented header). The body counts as its JSON text, so that blanks do not matter, and the query
 * belongs to it: a dry run and the real call are not the same request. Throws VALIDATION_ERROR for an unusable key.
 */
export function readIdempotencyKey(
  header: string | string[] | undefined,
  request: { readonly method: string; readonly url: string; readonly body: unknown },
): IdempotencyMark | null {
  if (header === undefined) return null
  const key = typeof header === "string" ? header.trim() : ""
  if (!keyPattern.test(key)) {
    const message = "must have 1 to 255 visible ASCII characters"
    throw invalidFields([{ field: "Idempotency-Key", message, code: "invalid" }])
  }
  const [path = "", query = ""] = splitOnce(request.url, "?")
  const bare = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path
  return {
    key,
    method: request.method,
    path: bare.length <= pathLengthMax ? bare : sha256(bare),
    bodyHash: sha256(`${query}\n${JSON.stringify(request.body)}`),
  }
}

function splitOnce(text: string, separator: string): readonly string[] {
  const index = text.indexOf(separator)
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)]
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex")
}
