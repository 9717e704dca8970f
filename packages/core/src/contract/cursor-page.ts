/** Lists with cursors, as threads and messages have them (documented): `after`, `before`, `order`, `limit`. */
import { z } from "zod"
import { type Id, type IdNoun, idPrefixes, isId } from "../ids.ts"
import type { JsonObject } from "../json.ts"
import { queryInteger } from "./text.ts"

/** `limit` of a list with cursors: 1–100, 20 where absent (documented). */
export const cursorLimit = queryInteger(1, 100).default(20)

/** An id in a query. A malformed one is 422 (ours); one that names nothing is the call's own affair. */
export function queryId<Noun extends IdNoun>(noun: Noun) {
  return z
    .string()
    .refine((text) => isId(noun, text), { message: `must be an id: ${idPrefixes[noun]}_ and 32 hex digits` })
    .transform((text) => text as Id<Noun>)
}

/**
 * The cursors of a list: what comes after one element of the list's order, before one, or between two. With `before` alone
 * the page is the one that ends there.
 */
export function cursorQuery<Noun extends IdNoun>(noun: Noun) {
  return { after: queryId(noun).optional(), before: queryId(noun).optional() }
}

/** The part of an answer that all such lists share. */
export const cursorPageAnswer = {
  object: z.literal("list"),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
}

/** A page in wire form. `hasMore`: in the direction of reading, that is before the page where only `before` was given. */
export function presentCursorPage(
  data: readonly (JsonObject & { readonly id: string })[],
  { hasMore }: { readonly hasMore: boolean },
): JsonObject & { readonly data: readonly JsonObject[] } {
  return { object: "list", data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: hasMore }
}
