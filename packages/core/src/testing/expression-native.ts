/** What the platform itself makes of an expression, for tests that compare: the expressions are written in the tests. */

import { resolveParameter } from "../graph/expression/evaluate.ts"
import type { JsonObject } from "../json.ts"
import { testScope } from "./expression-scope.ts"

/** The value as JSON shows it; null where the platform throws, since that is what an error of the language gives. */
export function nativeOutcome(expression: string, data: JsonObject): string {
  try {
    const evaluate = new Function("$json", `return (${expression})`)
    return shown(evaluate(structuredClone(data)))
  } catch {
    return shown(null)
  }
}

/** The same of our own evaluation. An `ExpressionError` is shown by its words, so that it never counts as a value. */
export function ownOutcome(expression: string, data: JsonObject): string {
  try {
    return shown(resolveParameter(`={{ ${expression} }}`, testScope({ items: [data], timeZone: ownZone() })))
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Undefined counts as null; numbers that JSON does not know are shown by name where they are the whole value. */
function shown(value: unknown): string {
  if (typeof value === "number") return String(value)
  return JSON.stringify(value) ?? "null"
}

/** The zone that the platform takes for local time. */
function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}
