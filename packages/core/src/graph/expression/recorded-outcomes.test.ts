/** Expressions give what n8n was recorded to give for them, item by item. */

import { describe, expect, test } from "vitest"
import { testScope } from "../../testing/expression-scope.ts"
import { type RecordedExpressions, recordedExpressions } from "../../testing/recorded-expressions.ts"
import { ExpressionError } from "./errors.ts"
import { resolveParameter } from "./evaluate.ts"

/** What the node under test does with a field of type text: the rest of it is none of this room's business. */
function asField(type: string, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (type !== "string" || typeof value === "string") return value
  return typeof value === "object" ? JSON.stringify(value) : String(value)
}

function outcomeOf(recorded: RecordedExpressions, itemIndex: number): unknown {
  const scope = testScope({ items: recorded.items, itemIndex, nodes: recorded.nodes ?? {} })
  if (recorded.json !== undefined) return resolveParameter(recorded.json, scope)
  const fields = recorded.fields ?? []
  return Object.fromEntries(
    fields.map(({ name, type, value }) => [name, asField(type, resolveParameter(value, scope))]),
  )
}

describe("a recorded outcome", () => {
  test.each(recordedExpressions)("$id: $title", (recorded) => {
    const outcomes = () => recorded.items.map((_item, itemIndex) => outcomeOf(recorded, itemIndex))
    if (recorded.fails === true) expect(outcomes).toThrow(ExpressionError)
    else expect(JSON.parse(JSON.stringify(outcomes()))).toEqual(recorded.outcome)
  })
})
