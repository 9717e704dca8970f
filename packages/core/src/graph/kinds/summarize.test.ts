import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const items: JsonObject[] = [
  { team: "red", city: "X", score: 10, name: "Ann", u: { v: 1 } },
  { team: "blue", city: "Y", score: 5, name: "Bob", u: { v: 2 } },
  { team: "red", city: "Y", score: null, name: "" },
  { team: "red", city: "X", score: "7", name: "Ann" },
]
const summarize = (parameters: JsonObject, node: JsonObject = {}) =>
  runKind({ type: "summarize", parameters, ...node }, items)
const values = (...list: JsonObject[]): JsonObject => ({ fieldsToSummarize: { values: list } })
const way = (aggregation: string, field: string, more: JsonObject = {}): JsonObject => ({ aggregation, field, ...more })
const allEmpty = { includeEmpty: true }

describe("a summary", () => {
  it.each<[JsonObject, string, JsonValue]>([
    [way("append", "name"), "appended_name", ["Ann", "Bob", "Ann"]],
    [way("append", "name", allEmpty), "appended_name", ["Ann", "Bob", "", "Ann"]],
    [way("append", "u.v", allEmpty), "appended_u_v", [1, 2, null, null]],
    [way("average", "score"), "average_score", 7.5],
    [way("average", "name"), "average_name", null],
    [way("concatenate", "name"), "concatenated_name", "Ann,Bob,Ann"],
    [way("concatenate", "name", { separateBy: "\n" }), "concatenated_name", "Ann\nBob\nAnn"],
    [
      way("concatenate", "name", { separateBy: "other", customSeparator: " / " }),
      "concatenated_name",
      "Ann / Bob / Ann",
    ],
    [way("concatenate", "u.v", allEmpty), "concatenated_u_v", "1,2,undefined,undefined"],
    [way("concatenate", "u"), "concatenated_u", '{"v":1},{"v":2}'],
    [way("count", "score"), "count_score", 3],
    [way("count", "score", allEmpty), "count_score", 4],
    [way("countUnique", "name"), "unique_count_name", 2],
    [way("countUnique", "name", allEmpty), "unique_count_name", 3],
    [way("countUnique", "u"), "unique_count_u", 2],
    [way("max", "u.v"), "max_u_v", 2],
    [way("min", "score"), "min_score", 5],
    [way("min", "name"), "min_name", "Ann"],
    [way("sum", "score"), "sum_score", 15],
    [{ field: "name" }, "count_name", 3],
  ])("%j is %s: %j", (summary, name, expected) => {
    expect(summarize(values(summary)).json).toEqual([[{ [name]: expected }]])
  })

  it("by fields has an item for each group, in the order in which groups appear, with its lineage", () => {
    const outcome = summarize({ ...values(way("count", "name", allEmpty)), fieldsToSplitBy: "team, city" })
    expect(outcome.outputs).toEqual([
      [
        { json: { team: "red", city: "X", count_name: 2 }, pairedItem: [{ item: 0 }, { item: 3 }] },
        { json: { team: "red", city: "Y", count_name: 1 }, pairedItem: [{ item: 2 }] },
        { json: { team: "blue", city: "Y", count_name: 1 }, pairedItem: [{ item: 1 }] },
      ],
    ])
  })

  it("in one item has objects inside objects", () => {
    const options = { outputFormat: "singleItem" }
    const summary = values(way("sum", "score"))
    expect(summarize({ ...summary, fieldsToSplitBy: "team,city", options }).json).toEqual([
      [{ red: { X: { sum_score: 10 }, Y: { sum_score: 0 } }, blue: { Y: { sum_score: 5 } } }],
    ])
    expect(summarize({ ...summary, fieldsToSplitBy: "", options }).json).toEqual([[{ sum_score: 15 }]])
  })

  it("groups by values of any type, as texts in version 1, and skips empty ones where it is asked to", () => {
    const by = (node: JsonObject, options: JsonObject = {}) =>
      summarize({ ...values(way("count", "team")), fieldsToSplitBy: "score", options }, node).json[0]?.map(
        ({ score }) => score,
      )
    expect(by({})).toEqual([10, 5, null, "7"])
    expect(by({ typeVersion: 1 })).toEqual(["10", "5", null, "7"])
    expect(by({}, { skipEmptySplitFields: true })).toEqual([10, 5, "7"])
    const nested = summarize({ ...values(way("count", "team")), fieldsToSplitBy: "u.v" }).json[0]
    expect(nested).toEqual([
      { u_v: 1, count_team: 1 },
      { u_v: 2, count_team: 1 },
      { u_v: null, count_team: 2 },
    ])
  })

  it("writes blanks and dots in names as lines, and reads dots as names where it is told to", () => {
    const parameters = values(way("sum", "a b.c"))
    const read = (options: JsonObject) =>
      runKind({ type: "summarize", parameters: { ...parameters, options } }, [{ "a b": { c: 1 } }, { "a b": { c: 2 } }])
    expect(read({}).json).toEqual([[{ sum_a_b_c: 3 }]])
    expect(read({ disableDotNotation: true }).code).toBe("NODE_SETTINGS_INVALID")
  })

  it("of a field that no item has fails, or gives an empty item where it is asked to", () => {
    expect(summarize(values(way("sum", "gone"))).code).toBe("NODE_SETTINGS_INVALID")
    const going = { ...values(way("sum", "gone")), options: { continueIfFieldNotFound: true } }
    expect(summarize(going).json).toEqual([[{}]])
  })

  it.each<JsonObject>([
    {},
    values(),
    values(way("median", "a")),
    values(way("sum", "")),
    values(way("sum", "__proto__")),
  ])("is refused for %j", (parameters) => {
    expect(summarize(parameters).code).toBe("NODE_SETTINGS_INVALID")
  })
})

describe("checking a summary", () => {
  it("finds missing fields and unknown ways", () => {
    const found = (parameters: JsonObject) => findingsOf({ type: "summarize", parameters })
    expect(found({})).toEqual([["SETTING_MISSING", "error", "fieldsToSummarize"]])
    expect(found(values(way("sum", "a"), way("median", "a")))).toEqual([
      ["SETTING_INVALID", "error", "fieldsToSummarize.values[1]"],
    ])
  })
})
