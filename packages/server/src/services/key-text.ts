/** The text of API keys: how one is made, and what is kept of it. */
import { createHash, randomBytes } from "node:crypto"

/** What every key that we make begins with, so that people and scanners of leaked secrets recognise it. */
const keyBeginning = "brv_"

/** Characters of a key that may be shown. A quarter of it at most, since a bootstrap key may be short. */
const prefixLengthMax = 12

/** What is kept of a key. */
export type KeyTrace = { readonly hash: Buffer; readonly prefix: string }

/** A new key: 32 random bytes. */
export function makeKeyText(): string {
  return `${keyBeginning}${randomBytes(32).toString("base64url")}`
}

/** The SHA-256 of a key's text. A plain hash is enough: the text is random, so nobody can guess it from the hash. */
export function hashKeyText(text: string): Buffer {
  return createHash("sha256").update(text).digest()
}

/** What is stored of a key's text. */
export function traceOf(text: string): KeyTrace {
  return { hash: hashKeyText(text), prefix: text.slice(0, Math.min(prefixLengthMax, Math.floor(text.length / 4))) }
}
