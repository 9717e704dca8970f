/**
 * Methods of maps, sets and objects. A map or set that the expression did not make is copied before it changes. What
 * JavaScript gives as an iterator is a list here.
 */

import { toKey, toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import { type MethodTable, methodTable } from "./method-table.ts"
import { hasMember } from "./operators.ts"

/** Methods of a map. */
export const MAP_METHODS: MethodTable<Map<unknown, unknown>> = methodTable<Map<unknown, unknown>>({
  clear: (run, self) => changeableMap(run, self).clear(),
  delete: (run, self, args) => changeableMap(run, self).delete(hashed(run, args[0])),
  entries: (run, self) => listOf(run, self.entries(), self.size),
  forEach: (run, self, args) => {
    run.charge(self.size)
    for (const [key, value] of [...self]) run.call(args[0], [value, key, self])
  },
  get: (run, self, args) => self.get(hashed(run, args[0])),
  has: (run, self, args) => self.has(hashed(run, args[0])),
  keys: (run, self) => listOf(run, self.keys(), self.size),
  set: (run, self, args) => {
    const map = changeableMap(run, self)
    admitOneMore(run, map.size)
    return map.set(hashed(run, args[0]), args[1])
  },
  values: (run, self) => listOf(run, self.values(), self.size),
})

/** Methods of a set. */
export const SET_METHODS: MethodTable<Set<unknown>> = methodTable<Set<unknown>>({
  add: (run, self, args) => {
    const set = changeableSet(run, self)
    admitOneMore(run, set.size)
    return set.add(hashed(run, args[0]))
  },
  clear: (run, self) => changeableSet(run, self).clear(),
  delete: (run, self, args) => changeableSet(run, self).delete(hashed(run, args[0])),
  entries: (run, self) => listOf(run, self.entries(), self.size),
  forEach: (run, self, args) => {
    run.charge(self.size)
    for (const value of [...self]) run.call(args[0], [value, value, self])
  },
  has: (run, self, args) => self.has(hashed(run, args[0])),
  keys: (run, self) => listOf(run, self.values(), self.size),
  values: (run, self) => listOf(run, self.values(), self.size),
})

/** Methods that every value has; those of its own type, and a field of the same name, come first. */
export const OBJECT_METHODS: MethodTable<unknown> = methodTable<unknown>({
  hasOwnProperty: (run: Evaluation, self: unknown, args: readonly unknown[]) =>
    typeof self === "object" && hasMember(run, toKey(run, args[0]), self),
  toLocaleString: (run: Evaluation, self: unknown) => toText(run, self),
  toString: (run: Evaluation, self: unknown) => toText(run, self),
  valueOf: (_run: Evaluation, self: unknown) => self,
})

/** Names of the methods that change the map or set that they are called on. */
export const CHANGING_COLLECTION_METHODS: ReadonlySet<string> = new Set(["add", "clear", "delete", "set"])

function admitOneMore(run: Evaluation, size: number): void {
  if (size >= EXPRESSION_LIMITS.listLengthMax) run.chargeList(size + 1)
  run.charge(1)
}

/** A text is hashed when it is a key, which costs its length. */
function hashed(run: Evaluation, key: unknown): unknown {
  if (typeof key === "string") run.chargeText(key.length)
  return key
}

function changeableMap(run: Evaluation, map: Map<unknown, unknown>): Map<unknown, unknown> {
  if (run.owns(map)) return map
  run.charge(map.size)
  return run.own(new Map(map))
}

function changeableSet(run: Evaluation, set: Set<unknown>): Set<unknown> {
  if (run.owns(set)) return set
  run.charge(set.size)
  return run.own(new Set(set))
}

function listOf(run: Evaluation, values: Iterable<unknown>, size: number): unknown[] {
  run.chargeList(size)
  const list = [...values]
  for (const value of list) if (Array.isArray(value)) run.own(value)
  return run.own(list)
}
