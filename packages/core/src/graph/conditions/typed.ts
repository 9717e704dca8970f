/**
 * The two sides of a condition as values of its type. Strict: they have to be of it. Loose: they are converted, and what
 * cannot be is a failure all the same (recorded outcome). A missing value is undefined and never a failure.
 */
import { cutText } from "../findings.ts"
import { NodeFailure } from "../kinds/kind.ts"
import { asBoolean, asInstant, asList, asNumber, asObject, asText } from "../value-types.ts"
import type { ValueType } from "./operators.ts"

/** How the sides are taken. `timeZone` is that of dates without one. */
export type Typing = { readonly loose: boolean; readonly timeZone: string }

const titles: Readonly<Record<ValueType, string>> = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
  dateTime: "a date",
  array: "a list",
  object: "an object",
  any: "a value",
}

/** The value in the type. `place` says in a failure whose value it was: "left value of condition 1, item 0". */
export function typedValue(value: unknown, type: ValueType, options: Typing & { readonly place: string }): unknown {
  if (value === undefined || value === null || Number.isNaN(value)) return undefined
  const typed = options.loose ? converted(value, type, options.timeZone) : checked(value, type, options.timeZone)
  if (typed !== undefined) return typed
  const shown = cutText(asText(value) ?? "", 60)
  const way = options.loose
    ? "it cannot be converted"
    : "change the value, or switch on the conversion of types in the node"
  throw new NodeFailure("NODE_SETTINGS_INVALID", `The ${options.place} is '${shown}' and not ${titles[type]}: ${way}.`)
}

function checked(value: unknown, type: ValueType, timeZone: string): unknown {
  switch (type) {
    case "any":
      return value
    case "array":
      return Array.isArray(value) ? value : undefined
    case "object":
      return typeof value === "object" ? asObject(value) : undefined
    case "dateTime":
      return asInstant(value, timeZone)
    default:
      // The names of the types that are left are those of `typeof`.
      return typeof value === type ? value : undefined
  }
}

function converted(value: unknown, type: ValueType, timeZone: string): unknown {
  switch (type) {
    case "any":
      return value
    case "string":
      return asText(value)
    case "number":
      return asNumber(value)
    case "boolean":
      return asBoolean(value)
    case "dateTime":
      return asInstant(value, timeZone)
    case "array":
      return asList(value)
    case "object":
      return asObject(value)
  }
}
