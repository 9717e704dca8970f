/** `Object`, `Array`, `Map` and `Set`. */

import { fieldNames, fieldValue, putField, toElements, toInteger, toKey } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { constantGlobals, type GlobalTable, membersOf } from "./global-table.ts"
import { admitName } from "./members.ts"
import { entriesOf } from "./methods-list.ts"
import { type FieldObject, FunctionValue, type Invoke, isFieldObject, rangeError, typeError } from "./values.ts"

const objectOf: Invoke = (run, args) => {
  const [value] = args
  return value === null || value === undefined ? run.own({}) : value
}

/** `Object.assign`: changes an object that the expression made; data is copied first and the copy given back. */
const assign: Invoke = (run, args) => {
  const [target, ...sources] = args
  if (!isFieldObject(target)) throw typeError("Object.assign needs an object to assign to")
  const changed = run.owns(target) ? target : copyFields(run, target, run.own({}))
  for (const source of sources) {
    if (source !== null && source !== undefined) copyFields(run, source, changed)
  }
  return changed
}

function copyFields(run: Evaluation, source: unknown, target: FieldObject): FieldObject {
  for (const name of fieldNames(run, source)) putField(target, name, fieldValue(source, name))
  return target
}

const fromEntries: Invoke = (run, args) => {
  const object: FieldObject = {}
  for (const entry of toElements(run, args[0])) {
    if (!Array.isArray(entry)) throw typeError("Object.fromEntries needs a list of pairs")
    putField(object, toKey(run, entry[0]), entry[1])
  }
  return run.own(object)
}

const groupBy: Invoke = (run, args) => {
  const groups = new Map<string, unknown[]>()
  for (const [index, element] of toElements(run, args[0]).entries()) {
    const key = toKey(run, run.call(args[1], [element, index]))
    const group = groups.get(key)
    if (group === undefined) groups.set(key, run.own([element]))
    else group.push(element)
  }
  const object: FieldObject = {}
  for (const [key, group] of groups) putField(object, key, group)
  return run.own(object)
}

const arrayOf: Invoke = (run, args) => {
  const [length] = args
  if (args.length !== 1 || typeof length !== "number") {
    run.chargeList(args.length)
    return run.own([...args])
  }
  if (!Number.isInteger(length) || length < 0) throw rangeError("Invalid array length")
  run.chargeList(length)
  return run.own(new Array<unknown>(length))
}

const arrayFrom: Invoke = (run, args) => {
  const [source, change] = args
  const elements = sourceElements(run, source)
  if (change === undefined) return run.own(elements)
  return run.own(elements.map((element, index) => run.call(change, [element, index])))
}

function sourceElements(run: Evaluation, source: unknown): unknown[] {
  if (isFieldObject(source)) return listLike(run, source)
  const hasElements = typeof source === "object" || typeof source === "string" || source === undefined
  return hasElements ? [...toElements(run, source)] : []
}

function listLike(run: Evaluation, source: FieldObject): unknown[] {
  const length = Math.max(0, toInteger(run, Object.hasOwn(source, "length") ? source.length : 0))
  run.chargeList(length)
  return Array.from({ length }, (_none, index) => (Object.hasOwn(source, index) ? source[String(index)] : undefined))
}

const makeMap: Invoke = (run, args) => {
  const map = new Map<unknown, unknown>()
  if (args[0] === undefined || args[0] === null) return run.own(map)
  const entries = toElements(run, args[0])
  run.chargeList(entries.length)
  for (const entry of entries) {
    if (!Array.isArray(entry)) throw typeError("Map needs a list of pairs")
    map.set(hashed(run, entry[0]), entry[1])
  }
  return run.own(map)
}

const makeSet: Invoke = (run, args) => {
  if (args[0] === undefined || args[0] === null) return run.own(new Set<unknown>())
  const elements = toElements(run, args[0])
  run.chargeList(elements.length)
  for (const element of elements) hashed(run, element)
  return run.own(new Set(elements))
}

function hashed(run: Evaluation, key: unknown): unknown {
  if (typeof key === "string") run.chargeText(key.length)
  return key
}

const needsNew =
  (name: string): Invoke =>
  () => {
    throw typeError(`${name} is made with new ${name}()`)
  }

const isObject = (value: unknown) => (typeof value === "object" && value !== null) || value instanceof FunctionValue

/** Globals of objects and collections. */
export const OBJECT_GLOBALS: GlobalTable = constantGlobals({
  Object: new FunctionValue("Object", objectOf, {
    construct: objectOf,
    isInstance: isObject,
    members: membersOf({
      assign,
      entries: (run, args) => entriesOf(run, args[0]),
      freeze: (_run, args) => args[0],
      fromEntries,
      getOwnPropertyNames: (run, args) => run.own(fieldNames(run, args[0])),
      groupBy,
      hasOwn: (run, args) => {
        const [value] = args
        const hasFields = Array.isArray(value) || isFieldObject(value)
        return hasFields && Object.hasOwn(value, admitName(toKey(run, args[1])))
      },
      is: (_run, args) => Object.is(args[0], args[1]),
      keys: (run, args) => run.own(fieldNames(run, args[0])),
      values: (run, args) => run.own(fieldNames(run, args[0]).map((name) => fieldValue(args[0], name))),
    }),
  }),
  Array: new FunctionValue("Array", arrayOf, {
    construct: arrayOf,
    isInstance: Array.isArray,
    members: membersOf({
      from: arrayFrom,
      isArray: (_run, args) => Array.isArray(args[0]),
      of: (run, args) => run.own([...args]),
    }),
  }),
  Map: new FunctionValue("Map", needsNew("Map"), { construct: makeMap, isInstance: (value) => value instanceof Map }),
  Set: new FunctionValue("Set", needsNew("Set"), { construct: makeSet, isInstance: (value) => value instanceof Set }),
})
