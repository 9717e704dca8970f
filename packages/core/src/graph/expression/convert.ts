/**
 * How values turn into other types. Everything that could recurse or grow counts first: a list that holds itself, or
 * that holds the same list a thousand times, is a small value and a giant text.
 */

import { limitError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import { FunctionValue, isFieldObject, SpecialValue, typeError } from "./values.ts"
import { dateText } from "./zone.ts"

/** A value as text, as `String(value)` gives it. */
export function toText(run: Evaluation, value: unknown): string {
  return typeof value === "string" ? value : textAtDepth(run, value, 0)
}

/** The elements of a list as one text; null and undefined are empty. */
export function joinList(run: Evaluation, list: readonly unknown[], separator: string): string {
  return joinAtDepth(run, list, { separator, depth: 0 })
}

type Joining = { readonly separator: string; readonly depth: number }

function joinAtDepth(run: Evaluation, list: readonly unknown[], { separator, depth }: Joining): string {
  if (depth > EXPRESSION_LIMITS.valueDepthMax) {
    throw limitError("lists inside lists", `${EXPRESSION_LIMITS.valueDepthMax} levels`)
  }
  run.charge(list.length + 1)
  const parts: string[] = []
  let chars = Math.max(0, list.length - 1) * separator.length
  for (const value of list) {
    const part = value === null || value === undefined ? "" : textAtDepth(run, value, depth + 1)
    chars += part.length
    if (chars > EXPRESSION_LIMITS.textCharsMax) run.chargeNewText(chars)
    parts.push(part)
  }
  run.chargeNewText(chars)
  return parts.join(separator)
}

/** Steps of writing a date, which asks for the name and, more than once, for the offset of its zone. */
export const DATE_TEXT_STEPS = 200

function textAtDepth(run: Evaluation, value: unknown, depth: number): string {
  if (typeof value === "string") return value
  if (typeof value !== "object" || value === null) return String(value)
  if (Array.isArray(value)) return joinAtDepth(run, value, { separator: ",", depth })
  if (value instanceof Date) {
    run.charge(DATE_TEXT_STEPS)
    return dateText(run.scope.timeZone, value.getTime())
  }
  if (value instanceof SpecialValue) return value.text(run)
  if (value instanceof Map) return "[object Map]"
  return value instanceof Set ? "[object Set]" : "[object Object]"
}

/** A value as a number, as unary plus gives it. */
export function toNumber(run: Evaluation, value: unknown): number {
  if (typeof value === "number") return value
  if (typeof value === "string") {
    run.chargeText(value.length * 4)
    return Number(value)
  }
  if (typeof value !== "object" || value === null) return Number(value)
  if (value instanceof Date) return value.getTime()
  if (value instanceof SpecialValue) return value.number()
  return Array.isArray(value) ? Number(toText(run, value)) : Number.NaN
}

/** A whole number for an index or a count: NaN is 0, fractions are cut; infinities stay. */
export function toInteger(run: Evaluation, value: unknown, fallback = 0): number {
  if (value === undefined) return fallback
  const number = Math.trunc(toNumber(run, value))
  return Number.isNaN(number) ? 0 : number
}

/** A value as a primitive: dates become text unless a number is wanted, other objects become text. */
export function toPrimitive(run: Evaluation, value: unknown, wanted: "number" | "any"): unknown {
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Date) return wanted === "number" ? value.getTime() : toText(run, value)
  return value instanceof SpecialValue ? value.primitive(run, wanted) : toText(run, value)
}

/** The name of a member that a computed key means. Texts and numbers only; anything else by its text. */
export function toKey(run: Evaluation, value: unknown): string {
  if (typeof value === "number") return String(value)
  const key = toText(run, value)
  run.chargeText(key.length)
  return key
}

/** What `typeof` answers. */
export function typeName(value: unknown): string {
  return value instanceof FunctionValue ? "function" : typeof value
}

/** The elements that spread, `for … of`, destructuring and `Array.from` see. A list is given as it is, not copied. */
export function toElements(run: Evaluation, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) {
    run.charge(value.length)
    return value
  }
  if (typeof value === "string") {
    run.chargeList(value.length)
    return [...value]
  }
  if (value instanceof Set || value instanceof Map) {
    run.charge(value.size)
    return value instanceof Set ? [...value] : [...value].map((entry) => run.own(entry))
  }
  throw typeError(`${value === null ? "null" : typeName(value)} is not iterable`)
}

/** Steps of listing one name, and of what is usually done with it. */
const NAME_STEPS = 3

/** The names of an object's own fields; a list has its indexes, a text too, other values none. */
export function fieldNames(run: Evaluation, value: unknown): string[] {
  if (value === null || value === undefined) throw typeError("Cannot convert undefined or null to object")
  if (Array.isArray(value) || typeof value === "string") {
    run.chargeList(value.length)
    run.charge(value.length * (NAME_STEPS - 1))
    return Object.keys(value)
  }
  if (!isFieldObject(value)) return []
  const names = Object.keys(value)
  run.charge(names.length * NAME_STEPS)
  return names
}

/** The value of an own field that `fieldNames` named. */
export function fieldValue(value: unknown, name: string): unknown {
  return (value as Record<string, unknown>)[name]
}

/** Puts a field into an object made in this evaluation; a `__proto__` field from data is left out. */
export function putField(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") target[name] = value
}
