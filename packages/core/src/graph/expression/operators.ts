/** The operators of the language over our values. */

import { toKey, toNumber, toPrimitive, toText } from "./convert.ts"
import { ExpressionError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import { FunctionValue, isFieldObject, isForbiddenName, SpecialValue, typeError } from "./values.ts"

/** What a binary operator does with two values. */
export type BinaryOperation = (run: Evaluation, left: unknown, right: unknown) => unknown

/** `+`: numbers add, everything else joins as text. */
export function add(run: Evaluation, left: unknown, right: unknown): unknown {
  if (typeof left === "number" && typeof right === "number") return left + right
  const a = toPrimitive(run, left, "any")
  const b = toPrimitive(run, right, "any")
  if (typeof a !== "string" && typeof b !== "string") return toNumber(run, a) + toNumber(run, b)
  return run.join(toText(run, a), toText(run, b))
}

/** `===`. */
export function strictEquals(run: Evaluation, left: unknown, right: unknown): boolean {
  if (typeof left === "string" && typeof right === "string") run.chargeText(Math.min(left.length, right.length))
  return left === right
}

/** `==`: null and undefined are equal; an object beside a primitive becomes one. */
export function looseEquals(run: Evaluation, left: unknown, right: unknown): boolean {
  const leftIsObject = typeof left === "object" && left !== null
  const rightIsObject = typeof right === "object" && right !== null
  if (leftIsObject === rightIsObject) {
    if (leftIsObject || typeof left === typeof right) return strictEquals(run, left, right)
  }
  if (left === null || left === undefined) return right === null || right === undefined
  if (right === null || right === undefined) return false
  const a = toPrimitive(run, left, "any")
  const b = toPrimitive(run, right, "any")
  if (typeof a === typeof b) return strictEquals(run, a, b)
  return toNumber(run, a) === toNumber(run, b)
}

/** -1, 0, 1, or NaN where the two can not be compared. Texts compare by code units, everything else as numbers. */
export function compare(run: Evaluation, left: unknown, right: unknown): number {
  if (typeof left === "number" && typeof right === "number") return order(left, right)
  const a = toPrimitive(run, left, "number")
  const b = toPrimitive(run, right, "number")
  if (typeof a === "string" && typeof b === "string") {
    run.chargeText(Math.min(run.look(a).length, run.look(b).length))
    return a < b ? -1 : a > b ? 1 : 0
  }
  return order(toNumber(run, a), toNumber(run, b))
}

function order(left: number, right: number): number {
  if (left < right) return -1
  if (left > right) return 1
  return left === right ? 0 : Number.NaN
}

/** `in`: own fields and indexes only, since nothing else exists here. */
export function hasMember(run: Evaluation, key: unknown, object: unknown): boolean {
  if (typeof object !== "object" || object === null) throw typeError("the right side of 'in' is not an object")
  const name = toKey(run, key)
  if (isForbiddenName(name)) throw forbiddenName(name)
  if (object instanceof SpecialValue) return object.read(run, name) !== undefined
  return (Array.isArray(object) || isFieldObject(object)) && Object.hasOwn(object, name)
}

/** `instanceof`, for the classes that expressions know. */
export function isInstance(value: unknown, type: unknown): boolean {
  if (!(type instanceof FunctionValue)) throw typeError("the right side of 'instanceof' is not callable")
  return type.parts.isInstance?.(value) ?? false
}

/** The refusal of a name that leads out of the data. */
export function forbiddenName(name: string): ExpressionError {
  return new ExpressionError(`An expression can not use "${name}". Remove it; only the data itself can be read.`)
}

function arithmetic(operation: (left: number, right: number) => number): BinaryOperation {
  return (run, left, right) => {
    if (typeof left === "number" && typeof right === "number") return operation(left, right)
    return operation(toNumber(run, left), toNumber(run, right))
  }
}

/** Every binary operator by its sign. */
export const BINARY_OPERATIONS: ReadonlyMap<string, BinaryOperation> = new Map<string, BinaryOperation>([
  ["+", add],
  ["-", arithmetic((a, b) => a - b)],
  ["*", arithmetic((a, b) => a * b)],
  ["/", arithmetic((a, b) => a / b)],
  ["%", arithmetic((a, b) => a % b)],
  ["**", arithmetic((a, b) => a ** b)],
  ["|", arithmetic((a, b) => a | b)],
  ["&", arithmetic((a, b) => a & b)],
  ["^", arithmetic((a, b) => a ^ b)],
  ["<<", arithmetic((a, b) => a << b)],
  [">>", arithmetic((a, b) => a >> b)],
  [">>>", arithmetic((a, b) => a >>> b)],
  ["===", strictEquals],
  ["!==", (run, a, b) => !strictEquals(run, a, b)],
  ["==", looseEquals],
  ["!=", (run, a, b) => !looseEquals(run, a, b)],
  ["<", (run, a, b) => compare(run, a, b) < 0],
  [">", (run, a, b) => compare(run, a, b) > 0],
  ["<=", (run, a, b) => compare(run, a, b) <= 0],
  [">=", (run, a, b) => compare(run, a, b) >= 0],
  ["in", hasMember],
  ["instanceof", (_run, a, b) => isInstance(a, b)],
])
