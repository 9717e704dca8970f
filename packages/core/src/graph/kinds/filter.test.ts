import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const isOver = (limit: JsonValue, options: JsonObject = {}): JsonObject => ({
  conditions: {
    options: { caseSensitive: true, typeValidation: "strict", ...options },
    conditions: [{ leftValue: "={{ $json.v }}", rightValue: limit, operator: { type: "number", operation: "gt" } }],
    combinator: "and",
  },
})

describe("filter", () => {
  it("keeps items with their lineage, their files and their order", () => {
    const items = [{ json: { v: 9 }, binary: { a: {} } }, { v: 1 }, { v: 7 }]
    expect(runKind({ type: "filter", parameters: isOver(5) }, items).outputs).toEqual([
      [
        { json: { v: 9 }, binary: { a: {} }, pairedItem: { item: 0 } },
        { json: { v: 7 }, pairedItem: { item: 2 } },
      ],
    ])
  })

  it("sees the first item alone with executeOnce", () => {
    const node = { type: "filter", executeOnce: true, parameters: isOver(5) }
    expect(runKind(node, [{ v: 1 }, { v: 9 }]).json).toEqual([[]])
    expect(runKind({ ...node, alwaysOutputData: true }, [{ v: 1 }, { v: 9 }]).json).toEqual([[{}]])
  })

  it.each([
    ["stopWorkflow", "NODE_SETTINGS_INVALID", []],
    ["continueRegularOutput", null, [[{ v: 6 }]]],
    ["continueErrorOutput", null, [[{ v: 6 }], [{ v: "x", error: expect.any(String) }]]],
  ] as const)("with a value of the wrong type and %s", (onError, code, json) => {
    const outcome = runKind({ type: "filter", onError, parameters: isOver(5) }, [{ v: 6 }, { v: "x" }, { v: 4 }])
    expect(outcome.code).toBe(code)
    expect(outcome.json).toEqual(json)
  })

  it("converts types where its own option or that of the filter says so", () => {
    const kept = (parameters: JsonObject) => runKind({ type: "filter", parameters }, [{ v: "6" }]).json
    expect(kept(isOver(5, { typeValidation: "loose" }))).toEqual([[{ v: "6" }]])
    expect(kept({ ...isOver(5), looseTypeValidation: true })).toEqual([[{ v: "6" }]])
    expect(kept({ ...isOver(5), options: { looseTypeValidation: true } })).toEqual([[{ v: "6" }]])
  })

  it("of version 1 joins its lists by AND unless it says OR", () => {
    const conditions = {
      number: [{ value1: "={{ $json.v }}", operation: "larger", value2: 5 }],
      string: [{ value1: "={{ $json.s }}", value2: "a" }],
    }
    const items = [
      { v: 6, s: "b" },
      { v: 6, s: "a" },
      { v: 1, s: "b" },
    ]
    const kept = (parameters: JsonObject) => runKind({ type: "filter", typeVersion: 1, parameters }, items).json[0]
    expect(kept({ conditions })).toEqual([items[1]])
    expect(kept({ conditions, combineConditions: "OR" })).toEqual(items.slice(0, 2))
  })

  it("without conditions lets everything through, and a finding says so", () => {
    expect(runKind({ type: "filter", parameters: {} }, [{ a: 1 }]).json).toEqual([[{ a: 1 }]])
    expect(findingsOf({ type: "filter", parameters: {} })).toEqual([["SETTING_MISSING", "warning", "conditions"]])
  })
})
