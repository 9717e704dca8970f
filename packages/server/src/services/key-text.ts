/** The text of API keys: how one is made, and what is kept of it. */
import { hash, randomBytes } from "node:crypto"

/** What every key that we make begins with, so that people and scanners of leaked secrets recognise it. */
const keyBeginning = "brv_"

/** Characters of a key that may be shown. A quarter of it at most, since a bootstrap key may be short. */
const prefixLengthMax = 12

/** What is kept of a key. */
export type KeyTrace = { readonly hash: Uint8Array; readonly prefix: string }

/** A new key: 32 random bytes. */
export function makeKeyText(): string {
  return `${keyBeginning}${randomBytes(32).toString("base64url")}`
}

/**
 * The SHA-256 of a key's text, in base64. A plain hash is enough: the text is random, so nobody can guess it from the
 * hash. The one-call form of the hash takes a tenth of the time of the other (0.4 against 4 µs).
 */
export function hashKeyText(text: string): string {
  return hash("sha256", text, "base64")
}

/** The same as bytes, as it is stored. */
export function hashBytes(textHash: string): Uint8Array {
  return Buffer.from(textHash, "base64")
}

/** What is stored of a key's text. */
export function traceOf(text: string): KeyTrace {
  return {
    hash: hashBytes(hashKeyText(text)),
    prefix: text.slice(0, Math.min(prefixLengthMax, Math.floor(text.length / 4))),
  }
}
