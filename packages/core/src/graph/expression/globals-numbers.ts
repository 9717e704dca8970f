/** `Math`, `Number`, `Boolean` and the functions that read numbers from texts. */

import { toNumber, toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { constantGlobals, type GlobalTable, membersOf, namespaceOf } from "./global-table.ts"
import { FunctionValue, type Invoke } from "./values.ts"

/** Functions of one number. */
const OF_ONE: { readonly [name: string]: (value: number) => number } = {
  abs: Math.abs,
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atanh: Math.atanh,
  cbrt: Math.cbrt,
  ceil: Math.ceil,
  clz32: Math.clz32,
  cos: Math.cos,
  cosh: Math.cosh,
  exp: Math.exp,
  expm1: Math.expm1,
  floor: Math.floor,
  fround: Math.fround,
  log: Math.log,
  log10: Math.log10,
  log1p: Math.log1p,
  log2: Math.log2,
  round: Math.round,
  sign: Math.sign,
  sin: Math.sin,
  sinh: Math.sinh,
  sqrt: Math.sqrt,
  tan: Math.tan,
  tanh: Math.tanh,
  trunc: Math.trunc,
}

/** Functions of two numbers. */
const OF_TWO: { readonly [name: string]: (left: number, right: number) => number } = {
  atan2: Math.atan2,
  imul: Math.imul,
  pow: Math.pow,
}

/** Functions of any count of numbers: the start, and what each number does to it. */
const OF_MANY: { readonly [name: string]: { start: number; next: (total: number, value: number) => number } } = {
  max: { start: -Infinity, next: (total, value) => Math.max(total, value) },
  min: { start: Infinity, next: (total, value) => Math.min(total, value) },
  hypot: { start: 0, next: (total, value) => Math.hypot(total, value) },
}

/** The greatest, the least and so on of the arguments of a call. Counted, since the arguments may be a spread list. */
export function foldNumbers(run: Evaluation, args: readonly unknown[], name: "max" | "min" | "hypot"): number {
  run.charge(args.length)
  const { start, next } = OF_MANY[name] ?? { start: 0, next: () => 0 }
  return args.reduce((total: number, value) => next(total, toNumber(run, value)), start)
}

const MATH_FUNCTIONS: { readonly [name: string]: Invoke } = {
  ...Object.fromEntries(
    Object.entries(OF_ONE).map(([name, call]): [string, Invoke] => [name, (run, args) => call(toNumber(run, args[0]))]),
  ),
  ...Object.fromEntries(
    Object.entries(OF_TWO).map(([name, call]): [string, Invoke] => [
      name,
      (run, args) => call(toNumber(run, args[0]), toNumber(run, args[1])),
    ]),
  ),
  max: (run, args) => foldNumbers(run, args, "max"),
  min: (run, args) => foldNumbers(run, args, "min"),
  hypot: (run, args) => foldNumbers(run, args, "hypot"),
  random: (run) => run.scope.random(),
}

const MATH_VALUES = {
  E: Math.E,
  LN10: Math.LN10,
  LN2: Math.LN2,
  LOG10E: Math.LOG10E,
  LOG2E: Math.LOG2E,
  PI: Math.PI,
  SQRT1_2: Math.SQRT1_2,
  SQRT2: Math.SQRT2,
}

const parseIntInvoke: Invoke = (run, args) => {
  const text = toText(run, args[0])
  run.chargeText(text.length)
  return Number.parseInt(text, args[1] === undefined ? undefined : toNumber(run, args[1]))
}

const parseFloatInvoke: Invoke = (run, args) => {
  const text = toText(run, args[0])
  run.chargeText(text.length)
  return Number.parseFloat(text)
}

const numberOf: Invoke = (run, args) => (args.length === 0 ? 0 : toNumber(run, args[0]))
const booleanOf: Invoke = (_run, args) => Boolean(args[0])

/** Globals of numbers and truth values. */
export const NUMBER_GLOBALS: GlobalTable = constantGlobals({
  Math: namespaceOf("Math", membersOf(MATH_FUNCTIONS, MATH_VALUES)),
  Number: new FunctionValue("Number", numberOf, {
    construct: numberOf,
    members: membersOf(
      {
        isFinite: (_run, args) => Number.isFinite(args[0]),
        isInteger: (_run, args) => Number.isInteger(args[0]),
        isNaN: (_run, args) => Number.isNaN(args[0]),
        isSafeInteger: (_run, args) => Number.isSafeInteger(args[0]),
        parseFloat: parseFloatInvoke,
        parseInt: parseIntInvoke,
      },
      {
        EPSILON: Number.EPSILON,
        MAX_SAFE_INTEGER: Number.MAX_SAFE_INTEGER,
        MAX_VALUE: Number.MAX_VALUE,
        MIN_SAFE_INTEGER: Number.MIN_SAFE_INTEGER,
        MIN_VALUE: Number.MIN_VALUE,
        NEGATIVE_INFINITY: Number.NEGATIVE_INFINITY,
        NaN: Number.NaN,
        POSITIVE_INFINITY: Number.POSITIVE_INFINITY,
      },
    ),
  }),
  Boolean: new FunctionValue("Boolean", booleanOf, { construct: booleanOf }),
  parseInt: new FunctionValue("parseInt", parseIntInvoke),
  parseFloat: new FunctionValue("parseFloat", parseFloatInvoke),
  isNaN: new FunctionValue("isNaN", (run, args) => Number.isNaN(toNumber(run, args[0]))),
  isFinite: new FunctionValue("isFinite", (run, args) => Number.isFinite(toNumber(run, args[0]))),
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  undefined: undefined,
})
