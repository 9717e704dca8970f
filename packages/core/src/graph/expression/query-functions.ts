/** The functions of JMESPath. Arguments of a wrong type are errors of the language. */

import { fieldNames, fieldValue, putField, toText } from "./convert.ts"
import { limitError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import { writeJson } from "./globals-json.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import { LIST_METHODS } from "./methods-list.ts"
import { compare, strictEquals } from "./operators.ts"
import { findText } from "./text-search.ts"
import { type FieldObject, isFieldObject, SpecialValue, typeError } from "./values.ts"

/** `&field`: a part of the query that a function applies to elements. An expression that gets hold of one sees nothing. */
export class QueryReference extends SpecialValue {
  readonly find: (value: unknown) => unknown

  constructor(find: (value: unknown) => unknown) {
    super()
    this.find = find
  }

  read(): unknown {
    return undefined
  }
}

/** A function of the query language. */
export type QueryFunction = (run: Evaluation, args: readonly unknown[]) => unknown

/** Equal as JMESPath sees it: by value, all the way down. */
export function deepEquals(run: Evaluation, left: unknown, right: unknown): boolean {
  return equalsAtDepth(run, [left, right], 0)
}

function equalsAtDepth(run: Evaluation, pair: readonly [unknown, unknown], depth: number): boolean {
  const [left, right] = pair
  run.charge(1)
  if (depth > EXPRESSION_LIMITS.valueDepthMax) {
    throw limitError("values inside values", `${EXPRESSION_LIMITS.valueDepthMax} levels`)
  }
  if (strictEquals(run, left, right)) return true
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false
    return left.every((element, index) => equalsAtDepth(run, [element, right[index]], depth + 1))
  }
  if (!isFieldObject(left) || !isFieldObject(right)) return false
  const names = fieldNames(run, left)
  if (names.length !== Object.keys(right).length) return false
  return names.every((name) => Object.hasOwn(right, name) && equalsAtDepth(run, [left[name], right[name]], depth + 1))
}

/** What JMESPath calls the type of a value. */
function typeOf(value: unknown): string {
  if (value === null || value === undefined) return "null"
  if (Array.isArray(value)) return "array"
  if (value instanceof QueryReference) return "expref"
  return isFieldObject(value) ? "object" : typeof value
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw typeError(`a list was expected, not ${typeOf(value)}`)
  return value
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw typeError(`a text was expected, not ${typeOf(value)}`)
  return value
}

function numberOf(value: unknown): number {
  if (typeof value !== "number") throw typeError(`a number was expected, not ${typeOf(value)}`)
  return value
}

function objectOf(value: unknown): FieldObject {
  if (!isFieldObject(value)) throw typeError(`an object was expected, not ${typeOf(value)}`)
  return value
}

function referenceOf(value: unknown): (of: unknown) => unknown {
  if (!(value instanceof QueryReference)) throw typeError("a reference (&field) was expected")
  return value.find
}

function numbersOf(run: Evaluation, value: unknown): readonly number[] {
  const list = listOf(value)
  run.charge(list.length)
  return list.map(numberOf)
}

/** A list of texts or a list of numbers. */
function comparableList(run: Evaluation, value: unknown): readonly unknown[] {
  const list = listOf(value)
  run.charge(list.length)
  const kind = typeof list[0]
  for (const element of list) {
    if (typeof element !== kind || (kind !== "number" && kind !== "string")) {
      throw typeError("a list of numbers or a list of texts was expected")
    }
  }
  return list
}

/** The last of the elements when they are in this order; null where there are none. */
function extreme(run: Evaluation, list: readonly unknown[], sign: 1 | -1): unknown {
  let found: unknown = null
  for (const [index, element] of list.entries()) {
    if (index === 0 || compare(run, element, found) * sign > 0) found = element
  }
  return found
}

function extremeBy(run: Evaluation, args: readonly unknown[], sign: 1 | -1): unknown {
  const keyOf = referenceOf(args[1])
  let found: { key: unknown; element: unknown } | null = null
  for (const element of listOf(args[0])) {
    const key = keyOf(element)
    if (typeof key !== "number" && typeof key !== "string") throw typeError("keys have to be numbers or texts")
    if (found === null || compare(run, key, found.key) * sign > 0) found = { key, element }
  }
  return found === null ? null : found.element
}

function sortBy(run: Evaluation, args: readonly unknown[]): unknown[] {
  const keyOf = referenceOf(args[1])
  const keyed = listOf(args[0]).map((element) => ({ key: keyOf(element), element }))
  comparableList(
    run,
    keyed.map(({ key }) => key),
  )
  keyed.sort((a, b) => {
    run.charge(1)
    return compare(run, a.key, b.key)
  })
  return run.own(keyed.map(({ element }) => element))
}

function merge(run: Evaluation, args: readonly unknown[]): unknown {
  const merged: FieldObject = {}
  for (const part of args) {
    const source = objectOf(part)
    for (const name of fieldNames(run, source)) putField(merged, name, fieldValue(source, name))
  }
  return run.own(merged)
}

function contains(run: Evaluation, args: readonly unknown[]): boolean {
  const [where, what] = args
  if (typeof where === "string") return typeof what === "string" && findText(run, where, { part: what, from: 0 }) >= 0
  run.charge(listOf(where).length)
  return listOf(where).some((element) => strictEquals(run, element, what))
}

function reverse(run: Evaluation, value: unknown): unknown {
  if (typeof value !== "string") return LIST_METHODS.get("toReversed")?.(run, listOf(value), [])
  run.chargeNewText(value.length)
  run.chargeList(value.length)
  return value.split("").reverse().join("")
}

function sizeOf(run: Evaluation, value: unknown): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length
  return fieldNames(run, objectOf(value)).length
}

function sum(run: Evaluation, value: unknown): number {
  return numbersOf(run, value).reduce((total, element) => total + element, 0)
}

function toNumberOrNull(run: Evaluation, value: unknown): number | null {
  if (typeof value === "number") return value
  if (typeof value !== "string") return null
  run.chargeText(value.length * 4)
  const number = Number(value)
  return Number.isNaN(number) ? null : number
}

/** Every function by its name. */
export const QUERY_FUNCTIONS: ReadonlyMap<string, QueryFunction> = new Map<string, QueryFunction>([
  ["abs", (_run, [value]) => Math.abs(numberOf(value))],
  ["avg", (run, [list]) => (listOf(list).length === 0 ? null : sum(run, list) / listOf(list).length)],
  ["ceil", (_run, [value]) => Math.ceil(numberOf(value))],
  ["contains", contains],
  ["ends_with", (run, [text, end]) => run.look(textOf(text)).endsWith(textOf(end))],
  ["floor", (_run, [value]) => Math.floor(numberOf(value))],
  ["join", (run, [glue, list]) => LIST_METHODS.get("join")?.(run, listOf(list).map(textOf), [textOf(glue)])],
  ["keys", (run, [value]) => run.own(fieldNames(run, objectOf(value)))],
  ["length", (run, [value]) => sizeOf(run, value)],
  [
    "map",
    (run, [reference, list]) => {
      run.charge(listOf(list).length)
      return run.own(listOf(list).map(referenceOf(reference)))
    },
  ],
  ["max", (run, [list]) => extreme(run, comparableList(run, list), 1)],
  ["max_by", (run, args) => extremeBy(run, args, 1)],
  ["merge", merge],
  ["min", (run, [list]) => extreme(run, comparableList(run, list), -1)],
  ["min_by", (run, args) => extremeBy(run, args, -1)],
  ["not_null", (_run, args) => args.find((value) => value !== null && value !== undefined) ?? null],
  ["reverse", (run, [value]) => reverse(run, value)],
  ["sort", (run, [list]) => LIST_METHODS.get("toSorted")?.(run, comparableList(run, list), [])],
  ["sort_by", sortBy],
  ["starts_with", (run, [text, start]) => run.look(textOf(text)).startsWith(textOf(start))],
  ["sum", (run, [list]) => sum(run, list)],
  ["to_array", (run, [value]) => (Array.isArray(value) ? value : run.own([value]))],
  ["to_number", (run, [value]) => toNumberOrNull(run, value)],
  ["to_string", (run, [value]) => (typeof value === "string" ? value : (writeJson(run, value) ?? toText(run, value)))],
  ["type", (_run, [value]) => typeOf(value)],
  [
    "values",
    (run, [value]) => {
      const object = objectOf(value)
      return run.own(fieldNames(run, object).map((name) => fieldValue(object, name)))
    },
  ],
])
