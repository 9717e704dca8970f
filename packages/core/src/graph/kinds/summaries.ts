/** The ways in which Summarize makes one value of many. */
import type { JsonValue } from "../../json.ts"
import type { Item } from "../items.ts"
import { asText } from "../value-types.ts"
import { type Field, fieldValue } from "./fields.ts"
import { valueKey } from "./value-key.ts"

/** The ways, with what stands before the field's name in the output (documented). */
const prefixes = {
  append: "appended_",
  average: "average_",
  concatenate: "concatenated_",
  count: "count_",
  countUnique: "unique_count_",
  max: "max_",
  min: "min_",
  sum: "sum_",
} as const

/** A way to make one value of many. */
export type Aggregation = keyof typeof prefixes

/** A field and the way in which it is summed up. */
export type Summary = {
  readonly aggregation: Aggregation
  readonly field: Field
  /** Empty values (null, the empty text, what is missing) count too. */
  readonly keepsEmpty: boolean
  readonly separator: string
}

/** True for the name of a way. */
export function isAggregation(name: unknown): name is Aggregation {
  return typeof name === "string" && Object.hasOwn(prefixes, name)
}

/** What stands before the field's name in the output. */
export function prefixOf(aggregation: Aggregation): string {
  return prefixes[aggregation]
}

/** The one value. Adding up takes numbers alone; the average, least and greatest of nothing are null. */
export function summaryOf(items: readonly Item[], { aggregation, field, keepsEmpty, separator }: Summary): JsonValue {
  const all = items.map(({ json }) => fieldValue(json, field))
  const values = all.filter((value): value is JsonValue => value !== undefined && value !== null && value !== "")
  const counted = keepsEmpty ? all : values
  const numbers = values.filter((value) => typeof value === "number")
  const sum = numbers.reduce((total, number) => total + number, 0)
  switch (aggregation) {
    case "append":
      return counted.map((value) => value ?? null)
    case "concatenate":
      return counted.map((value) => (value === undefined ? "undefined" : (asText(value) ?? "null"))).join(separator)
    case "count":
      return counted.length
    case "countUnique":
      return new Set(counted.map((value) => valueKey(value))).size
    case "sum":
      return sum
    case "average":
      return numbers.length === 0 ? null : sum / numbers.length
    case "max":
      return extreme(values, (value, most) => value > most)
    case "min":
      return extreme(values, (value, least) => value < least)
  }
}

function extreme(
  values: readonly JsonValue[],
  isBeyond: (value: number | string, kept: number | string) => boolean,
): JsonValue {
  let kept: number | string | null = null
  for (const value of values) {
    if (typeof value !== "number" && typeof value !== "string") continue
    if (kept === null || isBeyond(value, kept)) kept = value
  }
  return kept
}
