/** The caller's own pairs on a thread, a message or a request: at most 16, keys of 64 and values of 512 characters (documented). */
import { z } from "zod"
import type { JsonObject, JsonValue } from "../json.ts"

const pairsMax = 16
const keyLengthMax = 64
const valueLengthMax = 512

/** Characters as people count them, looked at only where the cheap count is too high. */
const isLonger = (text: string, most: number): boolean => text.length > most && [...text].length > most

/** What breaks the rules in these pairs, as path and message; null where nothing does. */
export function findMetadataFault(
  metadata: Readonly<Record<string, unknown>>,
): { readonly path: readonly string[]; readonly message: string } | null {
  const pairs = Object.entries(metadata)
  if (pairs.length > pairsMax) return { path: [], message: `must have at most ${pairsMax} pairs` }
  for (const [key, value] of pairs) {
    if (isLonger(key, keyLengthMax)) return { path: [], message: `keys must have at most ${keyLengthMax} characters` }
    // A value that is no text is measured as JSON (ours: the documents show lists, and say nothing of their length).
    if (isLonger(typeof value === "string" ? value : JSON.stringify(value), valueLengthMax)) {
      return { path: [key], message: `must have at most ${valueLengthMax} characters` }
    }
  }
  return null
}

/** Metadata of a request. Kept as JSON, NUL and lone surrogates included. */
export const metadataField = z.record(z.string(), z.unknown()).superRefine((metadata, context) => {
  const fault = findMetadataFault(metadata)
  if (fault !== null) context.addIssue({ code: "custom", path: [...fault.path], message: fault.message })
})

/** Pairs with others laid over them (documented: a partial update); a pair whose new value is null goes (ours). */
export function mergeMetadata(before: JsonObject, over: Readonly<Record<string, unknown>>): JsonObject {
  const merged = { ...before, ...(over as Record<string, JsonValue>) }
  return Object.fromEntries(
    Object.entries(merged).filter(([key, value]) => value !== null || !Object.hasOwn(over, key)),
  )
}
