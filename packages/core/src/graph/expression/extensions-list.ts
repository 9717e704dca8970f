/** What the language adds to lists (documented). Whatever is no number among numbers fails the node (recorded). */

import { fieldNames, fieldValue, putField, toElements, toInteger, toKey, toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { extensionError } from "./extension-error.ts"
import { isEmptyValue } from "./globals-choices.ts"
import { writeJson } from "./globals-json.ts"
import { type Method, type MethodTable, methodTable } from "./method-table.ts"
import { type FieldObject, isFieldObject } from "./values.ts"

type List = readonly unknown[]

function numbersOf(run: Evaluation, list: List, method: string): readonly number[] {
  run.charge(list.length)
  return list.map((value) => {
    if (typeof value === "number") return value
    throw extensionError(method, "every element has to be a number. Convert texts with .map(Number) first.")
  })
}

function sum(run: Evaluation, list: List, method: string): number {
  return numbersOf(run, list, method).reduce((total, value) => total + value, 0)
}

/**
 * What an element counts as when duplicates are looked for: its JSON with the fields in order, or that of the fields named.
 * Values without JSON are told apart by their type alone.
 */
function identityOf(run: Evaluation, value: unknown, keys: readonly string[]): string {
  run.charge(IDENTITY_STEPS)
  if (typeof value === "string") return `"${value}`
  if (isFieldObject(value)) {
    const names = keys.length > 0 ? keys : fieldNames(run, value).sort()
    return names.map((name) => `${name}:${identityOf(run, fieldOf(value, name), [])}`).join(",")
  }
  return `${typeof value} ${writeJson(run, value)}`
}

/** Steps of working out one identity, beside what its JSON takes. */
const IDENTITY_STEPS = 10

function fieldOf(value: FieldObject, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}

function unique(run: Evaluation, list: List, keys: readonly string[]): unknown[] {
  const seen = new Set<string>()
  run.charge(list.length)
  const kept = list.filter((value) => {
    const identity = identityOf(run, value, keys)
    run.chargeText(identity.length)
    if (seen.has(identity)) return false
    seen.add(identity)
    return true
  })
  return run.own(kept)
}

const withoutDuplicates: Method<List> = (run, self, args) => {
  const keys = args.flatMap((key) => (Array.isArray(key) ? key : [key])).map((key) => toText(run, key))
  return unique(
    run,
    self,
    keys.flatMap((key) => key.split(",").map((part) => part.trim())),
  )
}

function identities(run: Evaluation, list: List): ReadonlySet<string> {
  return new Set(list.map((value) => identityOf(run, value, [])))
}

function otherList(value: unknown, method: string): List {
  if (Array.isArray(value)) return value
  throw extensionError(method, "give it the other list.")
}

const chunk: Method<List> = (run, self, args) => {
  const size = toInteger(run, args[0])
  if (typeof args[0] !== "number" || size < 1) throw extensionError("chunk", "the length is a number from 1 on.")
  run.charge(self.length)
  const chunks: unknown[] = []
  for (let from = 0; from < self.length; from += size) chunks.push(run.own(self.slice(from, from + size)))
  return run.own(chunks)
}

const pluck: Method<List> = (run, self, args) => {
  const names = args.map((name) => toKey(run, name))
  run.charge(self.length * (names.length + 1))
  if (names.length === 0) return self
  const rows = self.filter(isFieldObject).map((object) => names.map((name) => fieldOf(object, name)))
  const [only] = names
  if (names.length === 1 && only !== undefined) return run.own(rows.flat().filter((value) => value !== undefined))
  return run.own(rows.filter((row) => row.some((value) => value !== undefined)).map((row) => run.own(row)))
}

const smartJoin: Method<List> = (run, self, args) => {
  const [keyField, valueField] = [toKey(run, args[0]), toKey(run, args[1])]
  run.charge(self.length * 4)
  const object: FieldObject = {}
  for (const element of self) {
    if (!isFieldObject(element)) continue
    const [key, value] = [fieldOf(element, keyField), fieldOf(element, valueField)]
    if (key !== undefined && value !== undefined) putField(object, toKey(run, key), value)
  }
  return run.own(object)
}

const renameKeys: Method<List> = (run, self, args) => {
  const renamed = new Map<string, string>()
  for (let at = 0; at + 1 < args.length; at += 2) renamed.set(toKey(run, args[at]), toKey(run, args[at + 1]))
  run.charge(self.length)
  return run.own(self.map((element) => (isFieldObject(element) ? renameFields(run, element, renamed) : element)))
}

function renameFields(run: Evaluation, source: FieldObject, renamed: ReadonlyMap<string, string>): FieldObject {
  const object: FieldObject = {}
  for (const name of fieldNames(run, source)) putField(object, renamed.get(name) ?? name, fieldValue(source, name))
  return run.own(object)
}

/** What lists have beside the methods of the platform. */
export const LIST_EXTENSIONS: MethodTable<List> = methodTable<List>({
  append: (run, self, args) => {
    run.chargeList(self.length + args.length)
    return run.own([...self, ...toElements(run, args)])
  },
  average: (run, self) => (self.length === 0 ? 0 : sum(run, self, "average") / self.length),
  chunk,
  compact: (run, self) => {
    run.charge(self.length)
    return run.own(self.filter((value) => !isEmptyValue(value)))
  },
  difference: (run, self, args) => {
    const others = identities(run, otherList(args[0], "difference"))
    return run.own(self.filter((value) => !others.has(identityOf(run, value, []))))
  },
  first: (_run, self) => self[0],
  intersection: (run, self, args) => {
    const others = identities(run, otherList(args[0], "intersection"))
    return unique(
      run,
      self.filter((value) => others.has(identityOf(run, value, []))),
      [],
    )
  },
  isEmpty: (_run, self) => self.length === 0,
  isNotEmpty: (_run, self) => self.length > 0,
  last: (_run, self) => self.at(-1),
  max: (run, self) => numbersOf(run, self, "max").reduce((most, value) => Math.max(most, value), -Infinity),
  min: (run, self) => numbersOf(run, self, "min").reduce((least, value) => Math.min(least, value), Infinity),
  pluck,
  randomItem: (run, self) => self[Math.floor(run.scope.random() * self.length)],
  removeDuplicates: withoutDuplicates,
  renameKeys,
  smartJoin,
  sum: (run, self) => sum(run, self, "sum"),
  toJsonString: (run, self) => writeJson(run, self),
  union: (run, self, args) => {
    const other = otherList(args[0], "union")
    run.chargeList(self.length + other.length)
    return unique(run, [...self, ...other], [])
  },
  unique: withoutDuplicates,
})
