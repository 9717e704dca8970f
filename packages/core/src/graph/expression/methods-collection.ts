/**
 * Methods of maps, sets and objects. A map or set that the expression did not make is copied before it changes. What
 * JavaScript gives as an iterator is a list here.
 */

import { toKey, toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { type MethodTable, methodTable } from "./method-table.ts"
import { hasMember } from "./operators.ts"
import type { FieldObject } from "./values.ts"

/** Methods of a map. */
export const MAP_METHODS: MethodTable<Map<unknown, unknown>> = methodTable<Map<unknown, unknown>>({
  clear: (run, self) => changeableMap(run, self).clear(),
  delete: (run, self, args) => changeableMap(run, self).delete(hashed(run, args[0])),
  entries: (run, self) => listOf(run, self.entries(), self.size),
  forEach: (run, self, args) => {
    for (const [key, value] of [...self]) run.call(args[0], [value, key, self])
  },
  get: (run, self, args) => self.get(hashed(run, args[0])),
  has: (run, self, args) => self.has(hashed(run, args[0])),
  keys: (run, self) => listOf(run, self.keys(), self.size),
  set: (run, self, args) => {
    const map = changeableMap(run, self)
    run.chargeList(1)
    if (map.size % GROWTH_STEP === 0) admitSize(run, map.size + 1)
    return map.set(hashed(run, args[0]), args[1])
  },
  values: (run, self) => listOf(run, self.values(), self.size),
})

/** Methods of a set. */
export const SET_METHODS: MethodTable<Set<unknown>> = methodTable<Set<unknown>>({
  add: (run, self, args) => {
    const set = changeableSet(run, self)
    run.chargeList(1)
    if (set.size % GROWTH_STEP === 0) admitSize(run, set.size + 1)
    return set.add(hashed(run, args[0]))
  },
  clear: (run, self) => changeableSet(run, self).clear(),
  delete: (run, self, args) => changeableSet(run, self).delete(hashed(run, args[0])),
  entries: (run, self) => listOf(run, self.entries(), self.size),
  forEach: (run, self, args) => {
    for (const value of [...self]) run.call(args[0], [value, value, self])
  },
  has: (run, self, args) => self.has(hashed(run, args[0])),
  keys: (run, self) => listOf(run, self.values(), self.size),
  values: (run, self) => listOf(run, self.values(), self.size),
})

/** Methods of an object with fields. A field of the same name comes first. */
export const OBJECT_METHODS: MethodTable<FieldObject> = methodTable<FieldObject>({
  hasOwnProperty: (run, self, args) => hasMember(run, toKey(run, args[0]), self),
  toLocaleString: (run, self) => toText(run, self),
  toString: (run, self) => toText(run, self),
  valueOf: (_run, self) => self,
})

const GROWTH_STEP = 1_000

function admitSize(run: Evaluation, size: number): void {
  run.chargeList(size)
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
