/**
 * What leaves an expression: plain data and nothing else. Dates leave as ISO texts, functions not at all, and what has no
 * JSON form becomes what JSON makes of it. Data that came in unchanged goes out unchanged, without a copy.
 */

import { ExpressionError, limitError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import { type FieldObject, FunctionValue, SpecialValue } from "./values.ts"

/**
 * The value of a whole expression as plain data. Numbers stay what they are, NaN and infinities included (what they mean is
 * for the caller to say), and so does undefined; inside of lists and objects both are what JSON makes of them.
 * Throws `ExpressionError` for a function, `EXPRESSION_LIMIT` for a value that is too large or holds itself.
 */
export function toResult(run: Evaluation, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  if (value instanceof FunctionValue) throw functionError()
  return new ResultWalk(run).plain(value instanceof SpecialValue ? value.result() : value, 0)
}

/** The refusal of an expression whose value is a function. */
export function functionError(): ExpressionError {
  return new ExpressionError("The expression gives a function. Call it: put () behind its name.")
}

class ResultWalk {
  private readonly run: Evaluation
  private values = 0

  constructor(run: Evaluation) {
    this.run = run
  }

  plain(value: unknown, depth: number): unknown {
    if (typeof value === "number") return Number.isFinite(value) ? value + 0 : null
    if (typeof value === "function" || typeof value === "symbol") return undefined
    if (typeof value !== "object" || value === null) return value
    if (depth > EXPRESSION_LIMITS.valueDepthMax) {
      throw limitError("a result of objects inside objects", `${EXPRESSION_LIMITS.valueDepthMax} levels`)
    }
    if (Array.isArray(value)) return this.list(value, depth)
    if (value instanceof SpecialValue) return this.plain(value.toJSON(), depth + 1)
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
    if (value instanceof Map || value instanceof Set) return {}
    return this.object(value as FieldObject, depth)
  }

  private list(list: readonly unknown[], depth: number): unknown {
    this.count(list.length)
    let copy: unknown[] | null = Object.getPrototypeOf(list) === Array.prototype ? null : [...list]
    for (let index = 0; index < list.length; index++) {
      const value = list[index]
      const plain = this.plain(value, depth + 1) ?? null
      if (Object.is(plain, value)) continue
      copy ??= [...list]
      copy[index] = plain
    }
    return copy ?? list
  }

  private object(object: FieldObject, depth: number): unknown {
    const names = Object.keys(object)
    this.count(names.length)
    let copy: FieldObject | null = null
    for (const name of names) {
      const value = object[name]
      const plain = this.plain(value, depth + 1)
      if (Object.is(plain, value) && plain !== undefined && name !== "__proto__") continue
      copy ??= { ...object }
      if (plain === undefined || name === "__proto__") delete copy[name]
      else copy[name] = plain
    }
    return copy ?? object
  }

  private count(values: number): void {
    this.values += values
    if (this.values > EXPRESSION_LIMITS.resultValuesMax) {
      throw limitError("a result that is too large", `${EXPRESSION_LIMITS.resultValuesMax} values`)
    }
    this.run.charge(values)
  }
}
