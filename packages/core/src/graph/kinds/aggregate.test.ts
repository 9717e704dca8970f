import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const items: JsonObject[] = [
  { a: 1, l: [1, null], n: { v: "x" } },
  { a: null, l: [2] },
  { l: 3, n: { v: "y", w: 1 } },
]
const aggregate = (parameters: JsonObject, given: Parameters<typeof runKind>[1] = items) =>
  runKind({ type: "aggregate", parameters }, given)
const fields = (...list: (string | JsonObject)[]): JsonObject => ({
  fieldsToAggregate: {
    fieldToAggregate: list.map((entry) => (typeof entry === "string" ? { fieldToAggregate: entry } : entry)),
  },
})
const named = (name: string, target: string): JsonObject => ({
  fieldToAggregate: name,
  renameField: true,
  outputFieldName: target,
})

describe("aggregate of fields", () => {
  it.each<[JsonObject, JsonValue]>([
    [fields("a"), { a: [1] }],
    [fields("n.v", "a"), { v: ["x", "y"], a: [1] }],
    [fields(named("n.v", "deep.list")), { deep: { list: ["x", "y"] } }],
    [{ ...fields("l"), options: { mergeLists: true } }, { l: [1, 2, 3] }],
    [{ ...fields("l"), options: { mergeLists: true, keepMissing: true } }, { l: [1, null, 2, 3] }],
    [fields("l"), { l: [[1, null], [2], 3] }],
    [
      { ...fields("a", "n.w"), options: { keepMissing: true } },
      { a: [1, null, null], w: [null, null, 1] },
    ],
    [fields("gone"), { gone: [] }],
    [{ ...fields("n.v"), options: { disableDotNotation: true } }, { "n.v": [] }],
    [{ ...fields(named("a", "x.y")), options: { disableDotNotation: true } }, { "x.y": [1] }],
    [fields({ fieldToAggregate: "a", renameField: true }), { a: [1] }],
  ])("%j gives %j", (parameters, expected) => {
    expect(aggregate(parameters).json).toEqual([[expected]])
  })

  it("has the lineage of all items", () => {
    expect(aggregate(fields("a")).outputs[0]?.[0]?.pairedItem).toEqual([{ item: 0 }, { item: 1 }, { item: 2 }])
  })

  it.each<JsonObject>([
    {},
    fields(),
    fields(""),
    fields("a", named("l", "a")),
    fields("n.v", "v"),
    fields("__proto__"),
    fields(named("a", "__proto__")),
  ])("refuses %j", (parameters) => {
    expect(aggregate(parameters).code).toBe("NODE_SETTINGS_INVALID")
  })
})

describe("aggregate of whole items", () => {
  const whole = { aggregate: "aggregateAllItemData" }

  it.each<[JsonObject, JsonValue]>([
    [{}, { data: items }],
    [{ destinationFieldName: "all" }, { all: items }],
    [
      { include: "specifiedFields", fieldsToInclude: "a, l" },
      { data: [{ a: 1, l: [1, null] }, { a: null, l: [2] }, { l: 3 }] },
    ],
    [{ include: "specifiedFields", fieldsToInclude: "a" }, { data: [{ a: 1 }, { a: null }] }],
    [{ include: "allFieldsExcept", fieldsToExclude: "l,n" }, { data: [{ a: 1 }, { a: null }] }],
  ])("with %j gives %j", (parameters, expected) => {
    expect(aggregate({ ...whole, ...parameters }).json).toEqual([[expected]])
  })

  it("refuses a list without a name", () => {
    for (const destinationFieldName of ["", "__proto__"]) {
      expect(aggregate({ ...whole, destinationFieldName }).code).toBe("NODE_SETTINGS_INVALID")
    }
  })

  it("keeps the files of all where it is asked to, each under a name of its own", () => {
    const [one, two] = [{ fileName: "1" }, { fileName: "2" }]
    const given = [
      { json: {}, binary: { f: one } },
      { json: {}, binary: { f: two, f_1: one } },
    ]
    const files = (options: JsonObject) => aggregate({ ...whole, options }, given).outputs[0]?.[0]?.binary
    expect(files({})).toBeUndefined()
    expect(files({ includeBinaries: true })).toEqual({ f: one, f_1: two, f_1_1: one })
    expect(files({ includeBinaries: true, keepOnlyUnique: true })).toEqual({ f: one, f_1: two })
  })
})

describe("checking an aggregate", () => {
  it("finds that nothing is named", () => {
    expect(findingsOf({ type: "aggregate", parameters: {} })).toEqual([
      ["SETTING_MISSING", "error", "fieldsToAggregate"],
    ])
    expect(findingsOf({ type: "aggregate", parameters: fields("a") })).toEqual([])
    expect(findingsOf({ type: "aggregate", parameters: { aggregate: "aggregateAllItemData" } })).toEqual([])
  })
})
