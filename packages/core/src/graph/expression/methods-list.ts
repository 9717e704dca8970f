/**
 * Methods of lists. Those that change a list change only lists that the expression made itself; a list from the data is
 * copied first, and the copy is what is changed and given back (ours: the data is never altered).
 */

import { fieldNames, joinList, toElements, toInteger, toText } from "./convert.ts"
import { limitError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import { type Method, type MethodTable, methodTable } from "./method-table.ts"
import { optionalInteger } from "./methods-text.ts"
import { strictEquals } from "./operators.ts"
import { FunctionValue, typeError } from "./values.ts"

type List = readonly unknown[]
/** How many arguments a native call is given at once: more would exhaust its stack. */
const NATIVE_ARGUMENTS_MAX = 10_000

type Callback = (value: unknown, index: number) => unknown

/** Methods that leave the list as it is. */
const READING: MethodTable<List> = methodTable<List>({
  at: (run, self, args) => self.at(toInteger(run, args[0])),
  concat: (run, self, args) => {
    const length = args.reduce((sum: number, part) => sum + (Array.isArray(part) ? part.length : 1), self.length)
    run.chargeList(length)
    const joined: unknown[] = [...self]
    for (const part of args) {
      if (!Array.isArray(part)) joined.push(part)
      else for (const value of part) joined.push(value)
    }
    return run.own(joined)
  },
  entries: (run, self) => run.own(Array.from(toElements(run, self), (value, index) => run.own([index, value]))),
  every: (run, self, args) => self.every(callback(run, self, args)),
  filter: (run, self, args) => run.own(self.filter(callback(run, self, args))),
  find: (run, self, args) => self.find(callback(run, self, args)),
  findIndex: (run, self, args) => self.findIndex(callback(run, self, args)),
  findLast: (run, self, args) => self.findLast(callback(run, self, args)),
  findLastIndex: (run, self, args) => self.findLastIndex(callback(run, self, args)),
  flat: (run, self, args) => run.own(flatten(run, self, toInteger(run, args[0], 1))),
  flatMap: (run, self, args) => run.own(flatten(run, self.map(callback(run, self, args)), 1)),
  forEach: (run, self, args) => self.forEach(callback(run, self, args)),
  includes: (run, self, args) => {
    const start = toInteger(run, args[1])
    const sought = args[0]
    for (let index = start < 0 ? Math.max(0, self.length + start) : start; index < self.length; index++) {
      if (same(run, self[index], sought)) return true
    }
    return false
  },
  indexOf: (run, self, args) => {
    run.charge(self.length)
    const start = toInteger(run, args[1])
    const from = start < 0 ? self.length + start : start
    return self.findIndex((value, index) => index >= from && strictEquals(run, value, args[0]))
  },
  join: (run, self, args) => joinList(run, self, args[0] === undefined ? "," : toText(run, args[0])),
  keys: (run, self) => run.own(Array.from(toElements(run, self), (_value, index) => index)),
  lastIndexOf: (run, self, args) => {
    run.charge(self.length)
    const start = toInteger(run, args[1], self.length - 1)
    const last = start < 0 ? self.length + start : start
    return self.findLastIndex((value, index) => index <= last && strictEquals(run, value, args[0]))
  },
  map: (run, self, args) => run.own(self.map(callback(run, self, args))),
  reduce: (run, self, args) => fold(run, self, { args, reverse: false }),
  reduceRight: (run, self, args) => fold(run, self, { args, reverse: true }),
  slice: (run, self, args) => {
    run.charge(self.length)
    return run.own(self.slice(toInteger(run, args[0]), optionalInteger(run, args[1])))
  },
  some: (run, self, args) => self.some(callback(run, self, args)),
  toReversed: (run, self) => run.own([...toElements(run, self)].reverse()),
  toSorted: (run, self, args) => run.own(sorted(run, copyOf(run, self), args[0])),
  toSpliced: (run, self, args) => {
    const copy = copyOf(run, self)
    splice(run, copy, args)
    return run.own(copy)
  },
  toString: (run: Evaluation, self: List) => joinList(run, self, ","),
  values: (run, self) => run.own([...toElements(run, self)]),
  with: (run, self, args) => {
    const index = toInteger(run, args[0])
    const copy = copyOf(run, self)
    const at = index < 0 ? copy.length + index : index
    if (at < 0 || at >= copy.length) throw typeError("Invalid index")
    copy[at] = args[1]
    return run.own(copy)
  },
})

/** Methods that change the list. `self` is a list that may be changed. */
const CHANGING: MethodTable<unknown[]> = methodTable<unknown[]>({
  copyWithin: (run, self, args) => {
    run.charge(self.length)
    return self.copyWithin(toInteger(run, args[0]), toInteger(run, args[1]), optionalInteger(run, args[2]))
  },
  fill: (run, self, args) => {
    run.charge(self.length)
    return self.fill(args[0], toInteger(run, args[1]), optionalInteger(run, args[2]))
  },
  pop: (_run, self) => self.pop(),
  push: (run, self, args) => {
    admitGrowth(run, self, args.length)
    for (const value of args) self.push(value)
    return self.length
  },
  reverse: (run, self) => {
    run.charge(self.length)
    return self.reverse()
  },
  shift: (run, self) => {
    run.chargeText(self.length)
    return self.shift()
  },
  sort: (run, self, args) => sorted(run, self, args[0]),
  splice: (run, self, args) => run.own(splice(run, self, args)),
  unshift: (run, self, args) => {
    admitGrowth(run, self, args.length)
    run.charge(self.length)
    for (let index = args.length - 1; index >= 0; index--) {
      run.chargeText(self.length)
      self.unshift(args[index])
    }
    return self.length
  },
})

/** Methods of a list. */
export const LIST_METHODS: MethodTable<List> = new Map([
  ...READING,
  ...[...CHANGING].map(([name, method]): [string, Method<List>] => [
    name,
    (run, self, args) => method(run, run.owns(self) ? (self as unknown[]) : copyOf(run, self), args),
  ]),
])

/** Names of the methods that change the list that they are called on. */
export const CHANGING_LIST_METHODS: ReadonlySet<string> = new Set(CHANGING.keys())

/** A callback of an expression as the native methods want it. Each call counts its own work. */
function callback(run: Evaluation, self: List, args: List): Callback {
  const callee = functionOf(args)
  run.charge(self.length)
  return (value, index) => callee.invoke(run, [value, index, self])
}

function functionOf(args: List): FunctionValue {
  const callee = args[0]
  if (!(callee instanceof FunctionValue)) throw typeError("a list method needs a function")
  return callee
}

function copyOf(run: Evaluation, self: List): unknown[] {
  run.charge(self.length)
  return run.own([...self])
}

function admitGrowth(run: Evaluation, self: List, count: number): void {
  if (self.length + count > EXPRESSION_LIMITS.listLengthMax) run.chargeList(self.length + count)
  run.charge(count)
}

/** Equal as `includes` sees it: NaN is found. */
function same(run: Evaluation, left: unknown, right: unknown): boolean {
  run.charge(1)
  return strictEquals(run, left, right) || (Number.isNaN(left) && Number.isNaN(right))
}

function fold(run: Evaluation, self: List, how: { args: List; reverse: boolean }): unknown {
  const callee = functionOf(how.args)
  run.charge(self.length)
  const ordered = how.reverse ? [...self].reverse() : self
  const hasStart = how.args.length > 1
  if (!hasStart && ordered.length === 0) throw typeError("Reduce of empty array with no initial value")
  let total = hasStart ? how.args[1] : ordered[0]
  for (let position = hasStart ? 0 : 1; position < ordered.length; position++) {
    const index = how.reverse ? ordered.length - 1 - position : position
    total = callee.invoke(run, [total, ordered[position], index, self])
  }
  return total
}

function flatten(run: Evaluation, self: List, depth: number): unknown[] {
  const flat: unknown[] = []
  const visit = (list: List, level: number): void => {
    if (level > EXPRESSION_LIMITS.valueDepthMax) {
      throw limitError("lists inside lists", `${EXPRESSION_LIMITS.valueDepthMax} levels`)
    }
    run.charge(list.length + 1)
    for (const value of list) {
      if (Array.isArray(value) && level < depth) visit(value, level + 1)
      else {
        if (flat.length >= EXPRESSION_LIMITS.listLengthMax) run.chargeList(flat.length + 1)
        flat.push(value)
      }
    }
  }
  visit(self, 0)
  return flat
}

/** Sorts in place: by the comparer, or as texts. The texts are made once for each element. */
function sorted(run: Evaluation, list: unknown[], comparer: unknown): unknown[] {
  run.charge(list.length)
  if (comparer !== undefined && !(comparer instanceof FunctionValue)) throw typeError("sort needs a function")
  if (comparer !== undefined) {
    return list.sort((a, b) => {
      const answer = comparer.invoke(run, [a, b])
      return typeof answer === "number" ? answer : Number(toText(run, answer))
    })
  }
  const texts = list.map((value) => ({ value, text: value === undefined ? "" : toText(run, value) }))
  texts.sort((a, b) => {
    if (a.value === undefined || b.value === undefined) return a.value === b.value ? 0 : a.value === undefined ? 1 : -1
    run.charge(1)
    run.chargeText(Math.min(a.text.length, b.text.length))
    return a.text < b.text ? -1 : a.text > b.text ? 1 : 0
  })
  for (const [index, { value }] of texts.entries()) list[index] = value
  return list
}

function splice(run: Evaluation, list: unknown[], args: List): unknown[] {
  admitGrowth(run, list, Math.max(0, args.length - 2))
  run.charge(list.length)
  if (args.length === 0) return []
  const start = toInteger(run, args[0])
  const count = args.length === 1 ? Infinity : toInteger(run, args[1])
  const added = args.slice(2)
  if (added.length <= NATIVE_ARGUMENTS_MAX) return list.splice(start, count, ...added)
  throw limitError("arguments of splice", `${NATIVE_ARGUMENTS_MAX} elements`)
}

/** The fields of an object or the elements of a list as pairs, each a new list. */
export function entriesOf(run: Evaluation, value: unknown): unknown[] {
  const names = fieldNames(run, value)
  return run.own(names.map((name) => run.own([name, (value as Record<string, unknown>)[name]])))
}
