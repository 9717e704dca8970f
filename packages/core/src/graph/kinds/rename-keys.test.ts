import { describe, expect, it } from "vitest"
import type { JsonObject } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const item = { first_name: "A", nested: { sub_name: 1, deep: { x_name: 2 } }, list: [{ in_name: 3 }, "x"] }
const rename = (parameters: JsonObject, json: JsonObject = item) => runKind({ type: "renameKeys", parameters }, [json])
const keys = (...pairs: [string, string][]): JsonObject => ({
  keys: { key: pairs.map(([currentKey, newKey]) => ({ currentKey, newKey })) },
})
const pattern = (searchRegex: string, replaceRegex: string, options: JsonObject = {}): JsonObject => ({
  additionalOptions: { regexReplacement: { replacements: [{ searchRegex, replaceRegex, options }] } },
})

describe("renameKeys", () => {
  it.each<[JsonObject, JsonObject, JsonObject]>([
    [keys(["a", "b"]), { a: 1, c: 2 }, { b: 1, c: 2 }],
    [keys(["a", "b"], ["b", "c"]), { a: 1 }, { c: 1 }],
    [keys(["a.b", "c.d"]), { a: { b: 1, x: 0 } }, { a: { x: 0 }, c: { d: 1 } }],
    [keys(["a.b", "c"]), { "a.b": 1 }, { c: 1 }],
    [keys(["gone", "c"], ["a", "a"], ["a", ""], ["", "x"]), { a: 1 }, { a: 1 }],
    [keys(["a", "b"]), { a: null, b: 2 }, { b: null }],
    [{}, { a: 1 }, { a: 1 }],
  ])("%j makes of %j %j", (parameters, json, expected) => {
    expect(rename(parameters, json).json).toEqual([[expected]])
  })

  it.each<[JsonObject, JsonObject]>([
    [
      pattern("_name", "Name"),
      { firstName: "A", nested: { subName: 1, deep: { xName: 2 } }, list: [{ inName: 3 }, "x"] },
    ],
    [pattern("_name", "", { depth: 0 }), { first: "A", nested: item.nested, list: item.list }],
    [pattern("_name", "", { depth: 1 }), { first: "A", nested: { sub: 1, deep: item.nested.deep }, list: item.list }],
    [
      pattern("(\\w+)_NAME", "$1-x", { caseInsensitive: true, depth: 0 }),
      { "first-x": "A", nested: item.nested, list: item.list },
    ],
    [pattern("^.*$", "__proto__", { depth: 0 }), {}],
    [pattern("", "x"), item],
  ])("by a pattern %j makes %j", (parameters, expected) => {
    expect(rename(parameters).json).toEqual([[expected]])
  })

  it("leaves what it was given as it was, and keeps lineage and files", () => {
    const before = structuredClone(item)
    const outcome = runKind({ type: "renameKeys", parameters: pattern("n", "m") }, [
      {},
      { json: item, binary: { f: {} } },
    ])
    expect(item).toEqual(before)
    expect(outcome.outputs[0]?.[1]).toMatchObject({ binary: { f: {} }, pairedItem: { item: 1 } })
  })

  it.each<JsonObject>([keys(["__proto__", "x"]), keys(["x", "__proto__"]), pattern("(", "x")])(
    "refuses %j",
    (parameters) => {
      expect(rename(parameters).code).toBe("NODE_SETTINGS_INVALID")
    },
  )

  it("can not be held up by a pattern", () => {
    const long = { [`${"a".repeat(10_000)}!`]: 1 }
    expect(rename(pattern("^(a+)+$", "x"), long).code).toBeNull()
    expect(rename(pattern("(?<=a)b", "x")).code).toBe("EXPRESSION_ERROR")
  })

  it("that renames nothing is worth a finding", () => {
    expect(findingsOf({ type: "renameKeys", parameters: {} })).toEqual([["SETTING_MISSING", "warning", "keys"]])
    expect(findingsOf({ type: "renameKeys", parameters: keys(["a", "b"]) })).toEqual([])
    expect(findingsOf({ type: "renameKeys", parameters: pattern("a", "b") })).toEqual([])
  })
})
