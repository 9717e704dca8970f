import { describe, expect, it } from "vitest"
import type { JsonObject } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const left = [
  { id: 1, v: "same", w: 1 },
  { id: 2, v: "left", w: 1 },
  { id: 3, v: "only left" },
]
const right = [
  { id: 1, v: "same", w: 1 },
  { id: 2, v: "right", x: 9 },
  { id: 2, v: "left", w: 1 },
  { id: 4, v: "only right" },
]
const compare = (
  parameters: JsonObject,
  [first, second]: readonly [JsonObject[], JsonObject[]] = [left, right],
  typeVersion = 2.3,
) =>
  runKind(
    {
      type: "compareDatasets",
      typeVersion,
      parameters: { mergeByFields: { values: [{ field1: "id", field2: "id" }] }, ...parameters },
    },
    first,
    second,
  )
const different = (parameters: JsonObject) => compare(parameters).json[2]

describe("compareDatasets", () => {
  it("has an output for what is only in A, the same, different, and only in B", () => {
    const outcome = compare({})
    expect(outcome.json).toEqual([
      [left[2]],
      [left[0]],
      [
        {
          keys: { id: 2 },
          same: { id: 2 },
          different: {
            v: { inputA: "left", inputB: "right" },
            w: { inputA: 1, inputB: null },
            x: { inputA: null, inputB: 9 },
          },
        },
      ],
      [right[3]],
    ])
    expect(outcome.outputs.map((items) => items[0]?.pairedItem)).toEqual([
      { item: 2, input: 0 },
      [
        { item: 0, input: 0 },
        { item: 0, input: 1 },
      ],
      [
        { item: 1, input: 0 },
        { item: 1, input: 1 },
      ],
      { item: 3, input: 1 },
    ])
  })

  it("takes all matches where it is asked to", () => {
    const outcome = compare({ options: { multipleMatches: "all" } })
    expect(outcome.json.map((items) => items.length)).toEqual([1, 2, 1, 1])
  })

  it.each<[JsonObject, JsonObject]>([
    [{ resolve: "preferInput1" }, left[1] ?? {}],
    [{ resolve: "preferInput2" }, right[1] ?? {}],
    [
      { resolve: "mix", preferWhenMix: "input1", exceptWhenMix: "v, w" },
      { id: 2, v: "right" },
    ],
    [
      { resolve: "mix", preferWhenMix: "input2", exceptWhenMix: "w" },
      { id: 2, v: "right", x: 9, w: 1 },
    ],
  ])("with %j gives of different items %j", (parameters, expected) => {
    expect(different(parameters)).toEqual([expected])
  })

  it("leaves fields out of the comparison, and tells them apart", () => {
    const outcome = compare({ options: { skipFields: "v, w" } })
    expect(outcome.json[2]).toEqual([
      {
        keys: { id: 2 },
        same: { id: 2 },
        different: { x: { inputA: null, inputB: 9 } },
        skipped: { v: { inputA: "left", inputB: "right" }, w: { inputA: 1, inputB: null } },
      },
    ])
    expect(compare({ options: { skipFields: "v, w, x" } }).json.map((items) => items.length)).toEqual([1, 2, 0, 1])
  })

  it("compares loosely where it is asked to", () => {
    const counts = (parameters: JsonObject) =>
      compare(parameters, [[{ id: 1, v: 3 }], [{ id: "1", v: "3", e: null }]]).json.map((items) => items.length)
    expect(counts({})).toEqual([1, 0, 0, 1])
    expect(counts({ fuzzyCompare: true })).toEqual([0, 1, 0, 0])
    expect(counts({ options: { fuzzyCompare: true } })).toEqual([0, 1, 0, 0])
  })

  it("takes fields of different names for one", () => {
    const parameters = { mergeByFields: { values: [{ field1: "id", field2: "u.key" }] } }
    expect(compare(parameters, [[{ id: 1, u: {} }], [{ u: { key: 1 } }]]).json[1]).toHaveLength(1)
  })

  it("names the inputs by numbers in version 1", () => {
    expect(compare({}, [[{ id: 1, v: 1 }], [{ id: 1, v: 2 }]], 1).json[2]?.[0]?.different).toEqual({
      v: { input1: 1, input2: 2 },
    })
  })

  it("refuses what names no fields, or one that nobody has", () => {
    expect(compare({ mergeByFields: {} }).code).toBe("NODE_SETTINGS_INVALID")
    expect(compare({ mergeByFields: { values: [{ field1: "id", field2: "gone" }] } }).code).toBe(
      "NODE_SETTINGS_INVALID",
    )
    expect(findingsOf({ type: "compareDatasets", parameters: {} })).toEqual([
      ["SETTING_MISSING", "error", "mergeByFields"],
    ])
  })

  it("is refused before it makes more items than a run can bear", () => {
    const many = Array.from({ length: 400 }, () => ({ id: 1 }))
    expect(compare({ options: { multipleMatches: "all" } }, [many, many]).code).toBe("RUN_ITEMS_EXCEEDED")
    expect(compare({}, [many, many]).json.map((items) => items.length)).toEqual([0, 400, 0, 0])
  })
})
