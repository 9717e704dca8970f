import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const sort = (parameters: JsonObject, items: JsonObject[], node: JsonObject = {}) =>
  runKind({ type: "sort", parameters, ...node }, items)
const by = (...fields: string[]): JsonObject => ({
  sortFieldsUi: {
    sortField: fields.map((name) => ({
      fieldName: name.replace("-", ""),
      order: name.startsWith("-") ? "descending" : "ascending",
    })),
  },
})
const ordered = (parameters: JsonObject, values: JsonValue[]) =>
  sort(
    parameters,
    values.map((v) => ({ v })),
  ).json[0]?.map(({ v }) => v)

describe("sort by fields", () => {
  it.each<[string, JsonValue[], JsonValue[]]>([
    ["v", [10, 9, 2, -1], [-1, 2, 9, 10]],
    ["-v", [10, 9, 2], [10, 9, 2]],
    ["v", ["b", "A", "a", "B"], ["A", "a", "b", "B"]],
    ["-v", ["b", "A", "a", "B"], ["b", "B", "A", "a"]],
    ["v", [3, null, 1], [1, 3, null]],
    ["v", [true, false], [false, true]],
    ["v", ["10", 9, "x"], [9, "10", "x"]],
    ["v", [{ b: 1 }, { a: 1 }], [{ a: 1 }, { b: 1 }]],
  ])("%s puts %j in the order %j", (field, values, expected) => {
    expect(ordered(by(field), values)).toEqual(expected)
  })

  it("goes by the next field where one is the same, and keeps the order where all are", () => {
    const items = [
      { a: 1, b: "x", n: 1 },
      { a: 1, b: "y", n: 2 },
      { a: 0, b: "z", n: 3 },
      { a: 1, b: "X", n: 4 },
    ]
    expect(sort(by("-a", "b"), items).json[0]?.map(({ n }) => n)).toEqual([1, 4, 2, 3])
    expect(sort(by("a"), items).outputs[0]?.map(({ pairedItem }) => pairedItem)).toEqual([
      { item: 2 },
      { item: 0 },
      { item: 1 },
      { item: 3 },
    ])
  })

  it("reads nested fields, or names with dots where it is told to", () => {
    const items = [
      { u: { n: 2 }, "u.n": 1 },
      { u: { n: 1 }, "u.n": 2 },
    ]
    expect(sort({ ...by("u.n"), options: { disableDotNotation: true } }, items).json[0]).toEqual(items)
    expect(sort(by("u.n"), [{ u: { n: 2 } }, { u: { n: 1 } }]).json[0]).toEqual([{ u: { n: 1 } }, { u: { n: 2 } }])
  })

  it.each<JsonObject>([{}, by(), by(""), by("gone"), by("__proto__"), { type: "other" }, { type: 5 }])(
    "refuses %j",
    (parameters) => {
      expect(sort(parameters, [{ v: 1 }]).code).toBe("NODE_SETTINGS_INVALID")
    },
  )

  it("bears values with a conversion of their own", () => {
    expect(ordered(by("v"), [{ toString: 1, valueOf: 2 }, { toString: 0 }])).toHaveLength(2)
  })
})

describe("sort by chance", () => {
  it("keeps every item, and gives the same order where the run is computed again", () => {
    const values = Array.from({ length: 50 }, (_, index) => index)
    const order = ordered({ type: "random" }, values)
    expect(order).not.toEqual(values)
    expect(order?.toSorted((a, b) => Number(a) - Number(b))).toEqual(values)
    expect(ordered({ type: "random" }, values)).toEqual(order)
  })
})

describe("sort by code", () => {
  const code = (text: string) => ({ type: "code", code: text })

  it("runs the code for two items", () => {
    expect(ordered(code("return b.json.v - a.json.v"), [1, 3, 2])).toEqual([3, 2, 1])
    expect(ordered(code("const f = (o) => { return {w: {x: o.json.v}}}; return f(a).w.x - f(b).w.x"), [2, 1])).toEqual([
      1, 2,
    ])
  })

  it("sees only the first item with executeOnce", () => {
    const outcome = sort(code("return 1"), [{ v: 1 }, { v: 2 }], { executeOnce: true })
    expect(outcome.json).toEqual([[{ v: 1 }]])
  })

  it.each(["return a.json.v.x.y - 1", "throw new Error('x')", "return ((("])("fails clearly: %s", (text) => {
    expect(sort(code(text), [{ v: null }, { v: 2 }]).code).toMatch(/^(CODE_ERROR|EXPRESSION_ERROR)$/)
  })

  it("is kept within the bounds of expressions", () => {
    expect(sort(code("while (true) {}"), [{ v: 1 }, { v: 2 }]).code).toBe("EXPRESSION_LIMIT")
  })
})

describe("checking a sort", () => {
  it("finds missing fields and missing code", () => {
    expect(findingsOf({ type: "sort", parameters: {} })).toEqual([["SETTING_MISSING", "error", "sortFieldsUi"]])
    expect(findingsOf({ type: "sort", parameters: { type: "code" } })).toEqual([["SETTING_MISSING", "error", "code"]])
    expect(findingsOf({ type: "sort", parameters: { type: "random" } })).toEqual([])
  })
})
