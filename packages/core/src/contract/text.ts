/** Schemas that several resources share: names, descriptions, free-form JSON, and the pages and flags of a query. */
import { z } from "zod"
import type { JsonObject } from "../json.ts"

const loneSurrogate = /\p{Surrogate}/u

/** True for text that can be stored as plain text: no NUL, no lone surrogate (ours; definitions and messages may have both). */
export function isPlainText(text: string): boolean {
  return !text.includes("\0") && !loneSurrogate.test(text)
}

/** A text of at most `lengthMax` characters (code points) without NUL and lone surrogates. */
export function plainText(lengthMax: number) {
  return z
    .string()
    .refine(isPlainText, { message: "must not hold NUL or lone surrogates" })
    .refine((text) => text.length <= lengthMax || [...text].length <= lengthMax, {
      message: `must have at most ${lengthMax} characters`,
    })
    .meta({ maxLength: lengthMax })
}

/** A name: trimmed, 1–255 characters (documented), plain text. */
export const nameText = z
  .string()
  .trim()
  .min(1, { message: "must not be blank" })
  .pipe(plainText(255))
  .meta({ maxLength: 255 })

/** A description: at most 10,000 characters (ours), plain text; an empty one stays empty. */
export const descriptionText = plainText(10_000)

/** A free-form JSON object of at most `lengthMax` characters as JSON text. Kept as it was sent, keys in their order. */
export function freeObject(lengthMax: number) {
  return z.record(z.string(), z.unknown()).refine((value) => JSON.stringify(value).length <= lengthMax, {
    message: `must be at most ${lengthMax} characters of JSON`,
  })
}

/** Any JSON object, whole as it was sent. What comes from a request is JSON already, so its values are. */
export const jsonObject = z.looseObject({}) as unknown as z.ZodType<JsonObject, JsonObject>

/** A boolean of a query: `true`, `false`, `1`, `0`. */
export const queryBoolean = z.enum(["true", "false", "1", "0"]).transform((text) => text === "true" || text === "1")

/** A whole number of a query within bounds. */
export function queryInteger(least: number, most: number) {
  return z
    .string()
    .regex(/^-?\d{1,16}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().int().min(least).max(most))
}

/** `limit` of a list: 1–100, 50 where absent (documented). */
export const listLimit = queryInteger(1, 100).default(50)

/** `offset` of a list: from 0 (documented). */
export const listOffset = queryInteger(0, 1_000_000_000).default(0)
