/** Properties of every expression whatever: it means what JavaScript means, it ends, and nothing else comes out of it. */

import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { JsonValue } from "../../json.ts"
import { comparable, GRAMMAR_DATA, hostile, scraps } from "../../testing/expression-grammar.ts"
import { nativeOutcome, ownOutcome } from "../../testing/expression-native.ts"
import { testScope } from "../../testing/expression-scope.ts"
import { ExpressionError } from "./errors.ts"
import { checkExpressions, resolveParameter } from "./evaluate.ts"

/** True for what JSON could have given: nothing that behaves, nothing with a prototype of its own. */
function isPlain(value: unknown, depth = 0): boolean {
  if (depth > 200) return false
  if (value === null) return true
  if (typeof value !== "object") return ["string", "number", "boolean"].includes(typeof value)
  const prototype: unknown = Object.getPrototypeOf(value)
  const expected = Array.isArray(value) ? Array.prototype : Object.prototype
  return prototype === expected && Object.values(value).every((child) => isPlain(child, depth + 1))
}

function outcome(text: string): unknown {
  try {
    const scope = testScope({ items: [GRAMMAR_DATA], nodes: { A: { items: [GRAMMAR_DATA] } }, workSteps: 300_000 })
    return resolveParameter(text, scope)
  } catch (error) {
    if (error instanceof ExpressionError) return error.code
    throw error
  }
}

describe("an expression, whatever it is", () => {
  test("means what it means in JavaScript", () => {
    fc.assert(
      fc.property(comparable, (expression) => {
        const own = ownOutcome(expression, GRAMMAR_DATA)
        fc.pre(!own.includes("uses too much"))
        // Braces that close twice end an expression here, which is a rule of templates and not of the language.
        fc.pre(!expression.includes("}}"))
        expect(own).toBe(nativeOutcome(expression, GRAMMAR_DATA))
      }),
      { numRuns: 700 },
    )
  })

  test("gives plain data or an error of ours, and leaves the data as it was", () => {
    const before = JSON.stringify(GRAMMAR_DATA)
    fc.assert(
      fc.property(hostile, (expression) => {
        const value = outcome(`={{ ${expression} }}`)
        expect(value === undefined || isPlain(value)).toBe(true)
      }),
      { numRuns: 700 },
    )
    expect(JSON.stringify(GRAMMAR_DATA)).toBe(before)
  })

  test("gives a text or an error of ours where text stands around it", () => {
    fc.assert(
      fc.property(hostile, (expression) => {
        expect(typeof outcome(`=a {{ ${expression} }} b`)).toBe("string")
      }),
      { numRuns: 500 },
    )
  })

  test("may be no expression at all", () => {
    fc.assert(
      fc.property(scraps, (text) => {
        const value = outcome(`=${text}`)
        expect(value === undefined || isPlain(value)).toBe(true)
        expect(Array.isArray(checkExpressions(`={{${text}}}`, { hasNode: () => true }))).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  test("gives the same a second time", () => {
    fc.assert(
      fc.property(hostile, (expression) => {
        const first = outcome(`={{ ${expression} }}`)
        expect(outcome(`={{ ${expression} }}`)).toEqual(first)
      }),
      { numRuns: 500 },
    )
  })
})

test("any JSON value resolves to plain data of the same shape, and without expressions to itself", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = value as JsonValue
      const hasExpression = JSON.stringify(json).includes('"=')
      fc.pre(!hasExpression)
      expect(resolveParameter(json, testScope())).toBe(json)
    }),
    { numRuns: 300 },
  )
})
