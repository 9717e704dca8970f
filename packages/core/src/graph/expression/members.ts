/**
 * Members of values: the one place that knows what `value.name` is. Data has its own fields and elements, each type has
 * the methods of its table, and nothing else exists: no prototype is ever asked.
 *
 * Invariants: 1. Every name that is computed passes `admitName` before it is looked up. 2. Only what the evaluation made
 * is written to.
 */

import { toKey } from "./convert.ts"
import { ExpressionError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import { extensionError } from "./extension-error.ts"
import { LIST_EXTENSIONS } from "./extensions-list.ts"
import { TEXT_EXTENSIONS } from "./extensions-text.ts"
import { DATE_EXTENSIONS, DATE_TIME_EXTENSIONS } from "./extensions-time.ts"
import { BOOLEAN_EXTENSIONS, NUMBER_EXTENSIONS, OBJECT_EXTENSIONS } from "./extensions-values.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import type { Method, MethodTable } from "./method-table.ts"
import { CHANGING_COLLECTION_METHODS, MAP_METHODS, OBJECT_METHODS, SET_METHODS } from "./methods-collection.ts"
import { CHANGING_DATE_METHODS, DATE_METHODS } from "./methods-date.ts"
import { FUNCTION_METHODS } from "./methods-function.ts"
import { CHANGING_LIST_METHODS, LIST_METHODS } from "./methods-list.ts"
import { PATTERN_METHODS } from "./methods-pattern.ts"
import { BOOLEAN_METHODS, NUMBER_METHODS, TEXT_METHODS } from "./methods-text.ts"
import { DATE_TIME_METHODS, DURATION_METHODS, INTERVAL_METHODS } from "./methods-times.ts"
import { forbiddenName } from "./operators.ts"
import { MatchValue, PatternValue } from "./pattern.ts"
import { DateTimeValue, DurationValue, IntervalValue } from "./times.ts"
import { type FieldObject, FunctionValue, isFieldObject, isForbiddenName, SpecialValue, typeError } from "./values.ts"

/** Names of all methods that can change what they are called on. `assign` changes its first argument. */
export const CHANGING_METHODS: ReadonlySet<string> = new Set([
  ...CHANGING_LIST_METHODS,
  ...CHANGING_DATE_METHODS,
  ...CHANGING_COLLECTION_METHODS,
  "assign",
])

/** Refuses a name that leads out of the data; gives it back otherwise. */
export function admitName(name: string): string {
  if (isForbiddenName(name)) throw forbiddenName(name)
  return name
}

/** The member called `name` of any value; undefined where there is none. The name was admitted. */
export function readMember(run: Evaluation, target: unknown, name: string): unknown {
  const own = readOwn(run, target, name)
  if (own !== undefined) return own
  if (target === null || target === undefined) throw noMembers(target, name)
  const method = findMethod(target, name)
  if (method === undefined) return undefined
  return new FunctionValue(name, (inner, args) => method(inner, target, args))
}

/** `target[key]` for a key that was computed. */
export function readComputed(run: Evaluation, target: unknown, key: unknown): unknown {
  if (typeof key === "number") {
    if (Array.isArray(target) && Number.isInteger(key) && key >= 0) return target[key]
    if (typeof target === "string") return run.look(target)[key]
  }
  if (target === null || target === undefined) throw noMembers(target, toKey(run, key))
  return readMember(run, target, admitName(toKey(run, key)))
}

/**
 * Calls the member called `name`. The name was admitted. Methods come before fields where a value of ours has both. An
 * extension method on a value that has it not fails the node; any other method that is not there is a type error.
 */
export function callMember(run: Evaluation, target: unknown, call: MemberCall): unknown {
  const { name, args } = call
  if (target instanceof SpecialValue) {
    const method = findMethod(target, name)
    if (method !== undefined) return method(run, target, args)
  }
  const own = readOwn(run, target, name)
  if (own instanceof FunctionValue) return own.invoke(run, args)
  if (own !== undefined) throw typeError(`${name} is not a function`)
  if (target === null || target === undefined) return callOnNothing(target, name)
  const method = findMethod(target, name)
  if (method !== undefined) return method(run, target, args)
  if (EXTENSION_NAMES.has(name)) throw extensionError(name, "it can not be used on a value of this type.")
  throw typeError(`${name} is not a function`)
}

function callOnNothing(target: null | undefined, name: string): unknown {
  if (name === "isEmpty") return true
  if (name === "isNotEmpty") return false
  if (EXTENSION_NAMES.has(name)) throw extensionError(name, `it can not be used on ${target}. Put ?. before it.`)
  throw noMembers(target, name)
}

/** A call of a member. */
export type MemberCall = { readonly name: string; readonly args: readonly unknown[] }

/** Whether a value has a member of that name that `?.()` would call. */
export function hasCallable(run: Evaluation, target: unknown, name: string): boolean {
  const own = readOwn(run, target, name)
  if (own !== undefined && own !== null) return true
  return target !== null && target !== undefined && own === undefined && findMethod(target, name) !== undefined
}

function noMembers(target: unknown, name: string): unknown {
  return typeError(`Cannot read properties of ${target} (reading '${name}')`)
}

/** Fields, elements and the like: all that is not a method. */
function readOwn(run: Evaluation, target: unknown, name: string): unknown {
  if (typeof target === "string") return readText(run, target, name)
  if (typeof target !== "object" || target === null) return undefined
  if (Array.isArray(target)) return readList(target, name)
  if (target instanceof SpecialValue) return target.read(run, name)
  if (target instanceof Map || target instanceof Set) return name === "size" ? target.size : undefined
  return !(target instanceof Date) && Object.hasOwn(target, name) ? (target as FieldObject)[name] : undefined
}

function readText(run: Evaluation, target: string, name: string): unknown {
  if (name === "length") return target.length
  const index = toIndex(name)
  return index < 0 ? undefined : run.look(target)[index]
}

function readList(target: readonly unknown[], name: string): unknown {
  if (name === "length") return target.length
  const index = toIndex(name)
  if (index >= 0) return target[index]
  if (target instanceof MatchValue && (name === "index" || name === "input" || name === "groups")) return target[name]
  return undefined
}

/** The index that a name spells, -1 where it spells none. */
function toIndex(name: string): number {
  const code = name.charCodeAt(0)
  if (code < 48 || code > 57) return -1
  const index = Number(name)
  return Number.isInteger(index) && String(index) === name ? index : -1
}

/** Names of the methods that the language adds to any type. */
const EXTENSION_NAMES: ReadonlySet<string> = new Set(
  [
    TEXT_EXTENSIONS,
    LIST_EXTENSIONS,
    NUMBER_EXTENSIONS,
    BOOLEAN_EXTENSIONS,
    OBJECT_EXTENSIONS,
    DATE_TIME_EXTENSIONS,
  ].flatMap((table) => [...table.keys()]),
)

/**
 * The methods of one type: the platform's own, then what the language adds. The table is chosen by the type of the value
 * that its methods are called on, which the compiler can not see.
 */
function joined<T>(...tables: readonly MethodTable<T>[]): MethodTable<unknown> {
  const methods = new Map(tables.flatMap((table) => [...table]))
  return methods as unknown as MethodTable<unknown>
}

const TEXTS = joined(TEXT_METHODS, TEXT_EXTENSIONS)
const NUMBERS = joined(NUMBER_METHODS, NUMBER_EXTENSIONS)
const BOOLEANS = joined(BOOLEAN_METHODS, BOOLEAN_EXTENSIONS)
const LISTS = joined(LIST_METHODS, LIST_EXTENSIONS)
const DATES = joined(DATE_METHODS, DATE_EXTENSIONS)
const DATE_TIMES = joined(DATE_TIME_METHODS, DATE_TIME_EXTENSIONS)
const DURATIONS = joined(DURATION_METHODS)
const INTERVALS = joined(INTERVAL_METHODS)
const MAPS = joined(MAP_METHODS)
const SETS = joined(SET_METHODS)
const PATTERNS = joined(PATTERN_METHODS)
const FUNCTIONS = joined(FUNCTION_METHODS)
const OBJECTS = joined(OBJECT_EXTENSIONS)
const NONE: MethodTable<unknown> = new Map()

function methodsOf(target: unknown): MethodTable<unknown> {
  if (typeof target === "string") return TEXTS
  if (typeof target === "number") return NUMBERS
  if (typeof target === "boolean") return BOOLEANS
  if (Array.isArray(target)) return LISTS
  if (target instanceof Date) return DATES
  if (target instanceof Map) return MAPS
  if (target instanceof Set) return SETS
  return target instanceof SpecialValue ? specialMethodsOf(target) : OBJECTS
}

function specialMethodsOf(target: SpecialValue): MethodTable<unknown> {
  if (target instanceof FunctionValue) return FUNCTIONS
  if (target instanceof PatternValue) return PATTERNS
  if (target instanceof DateTimeValue) return DATE_TIMES
  if (target instanceof DurationValue) return DURATIONS
  return target instanceof IntervalValue ? INTERVALS : NONE
}

function findMethod(target: unknown, name: string): Method<unknown> | undefined {
  return methodsOf(target).get(name) ?? OBJECT_METHODS.get(name)
}

/** Writes a member of an object that the expression made. Throws `ExpressionError` for data that it was handed. */
export function writeMember(run: Evaluation, target: unknown, change: { key: unknown; value: unknown }): void {
  if (target === null || target === undefined) throw typeError(`Cannot set properties of ${target}`)
  const name = admitName(toKey(run, change.key))
  if (target instanceof PatternValue && name === "lastIndex") {
    target.lastIndex = typeof change.value === "number" ? change.value : 0
    return
  }
  if (!run.owns(target)) throw readOnly(name)
  if (Array.isArray(target)) writeElement(run, target, { name, value: change.value })
  else if (isFieldObject(target)) target[name] = change.value
  else throw typeError(`Cannot set property ${name}`)
}

function writeElement(run: Evaluation, list: unknown[], change: { name: string; value: unknown }): void {
  const index = change.name === "length" ? -1 : toIndex(change.name)
  if (change.name === "length") {
    const { value } = change
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0) throw typeError("Invalid array length")
    run.chargeList(value)
    list.length = value
  } else if (index >= 0) {
    if (index >= list.length) {
      if (index >= EXPRESSION_LIMITS.listLengthMax) run.chargeList(index + 1)
      run.charge(index + 1 - list.length)
    }
    list[index] = change.value
  } else throw typeError(`A list has no member ${change.name} to set`)
}

/** `delete target[key]`. */
export function deleteMember(run: Evaluation, target: unknown, key: unknown): boolean {
  if (target === null || target === undefined) throw typeError(`Cannot convert ${target} to object`)
  const name = admitName(toKey(run, key))
  if (typeof target !== "object") return true
  if (!run.owns(target)) throw readOnly(name)
  if (Array.isArray(target) && name === "length") return false
  return delete (target as FieldObject)[name]
}

function readOnly(name: string): ExpressionError {
  return new ExpressionError(
    `An expression can not change the data ("${name}"). Make a copy with {...object} or [...list] and change that.`,
  )
}
