/** Small functions that save a line: `$if`, `$ifEmpty`, `$min`, `$max`, `$sum`, `$average`, `$not`, and `$jmespath`. */

import { toNumber, toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { constantGlobals, type GlobalTable } from "./global-table.ts"
import { foldNumbers } from "./globals-numbers.ts"
import { runQuery } from "./query.ts"
import { FunctionValue, type Invoke, isFieldObject, typeError } from "./values.ts"

/** True for null, undefined, the empty text, an empty list and an object without fields (recorded: 0 is not empty). */
export function isEmptyValue(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true
  if (Array.isArray(value)) return value.length === 0
  return isFieldObject(value) && Object.keys(value).length === 0
}

/** The numbers of a call: its arguments, or the elements where a list is its only argument. */
function numbersOf(args: readonly unknown[]): readonly unknown[] {
  const [only] = args
  return args.length === 1 && Array.isArray(only) ? only : args
}

function sum(run: Evaluation, args: readonly unknown[]): number {
  run.charge(args.length)
  return args.reduce((total: number, value) => total + toNumber(run, value), 0)
}

const query: Invoke = (run, [data, text]) => {
  if (typeof text !== "string") throw typeError("$jmespath() needs the data and a query")
  return runQuery(run, data, toText(run, text))
}

/** Globals that choose, count and search. */
export const CHOICE_GLOBALS: GlobalTable = constantGlobals({
  $if: new FunctionValue("$if", (_run, [condition, then, otherwise = false]) => (condition ? then : otherwise)),
  $ifEmpty: new FunctionValue("$ifEmpty", (_run, [value, fallback]) => (isEmptyValue(value) ? fallback : value)),
  $jmesPath: new FunctionValue("$jmesPath", query),
  $jmespath: new FunctionValue("$jmespath", query),
  $not: new FunctionValue("$not", (_run, [value]) => !value),
  $min: new FunctionValue("$min", (run, args) => foldNumbers(run, numbersOf(args), "min")),
  $max: new FunctionValue("$max", (run, args) => foldNumbers(run, numbersOf(args), "max")),
  $sum: new FunctionValue("$sum", (run, args) => sum(run, numbersOf(args))),
  $average: new FunctionValue("$average", (run, args) => sum(run, numbersOf(args)) / numbersOf(args).length),
})
