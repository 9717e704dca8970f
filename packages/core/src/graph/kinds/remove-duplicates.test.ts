import { describe, expect, it } from "vitest"
import type { JsonObject } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const items: JsonObject[] = [
  { id: 1, n: "a", u: { x: 1 } },
  { id: 2, n: "b", u: { x: 1 } },
  { u: { x: 1 }, n: "a", id: 1 },
  { id: 1, n: "c" },
  { id: 3, n: null },
]
const unique = (parameters: JsonObject, typeVersion = 2) =>
  runKind({ type: "removeDuplicates", typeVersion, parameters }, items)
const places = (parameters: JsonObject, version?: number) =>
  unique(parameters, version).outputs[0]?.map(({ pairedItem }) => (pairedItem as { item: number }).item)

describe("removeDuplicates", () => {
  it.each<[JsonObject, number[]]>([
    [{}, [0, 1, 3, 4]],
    [{ compare: "selectedFields", fieldsToCompare: "id" }, [0, 1, 4]],
    [{ compare: "selectedFields", fieldsToCompare: ["id"] }, [0, 1, 4]],
    [{ compare: "selectedFields", fieldsToCompare: { fields: [{ fieldName: "id" }, 5] } }, [0, 1, 4]],
    [{ compare: "selectedFields", fieldsToCompare: "id, n" }, [0, 1, 3, 4]],
    [{ compare: "selectedFields", fieldsToCompare: "u.x" }, [0, 3]],
    [{ compare: "allFieldsExcept", fieldsToExclude: "id,u" }, [0, 1, 3, 4]],
    [{ compare: "allFieldsExcept", fieldsToExclude: "n, u" }, [0, 1, 4]],
  ])("with %j keeps the items %j", (parameters, expected) => {
    expect(places(parameters)).toEqual(expected)
    expect(places(parameters, 1.1)).toEqual(expected)
  })

  it("removes what was not compared where it is asked to, and keeps lineage all the same", () => {
    const options = { removeOtherFields: true }
    expect(unique({ compare: "selectedFields", fieldsToCompare: "u.x", options }).outputs).toEqual([
      [
        { json: { u: { x: 1 } }, pairedItem: { item: 0 } },
        { json: {}, pairedItem: { item: 3 } },
      ],
    ])
    expect(unique({ compare: "allFieldsExcept", fieldsToExclude: "n,u", options }).json[0]?.[0]).toEqual({ id: 1 })
  })

  it("refuses a field of several types, but not one that is missing", () => {
    const of = (...values: JsonObject[]) => runKind({ type: "removeDuplicates", parameters: {} }, values)
    expect(of({ v: 1 }, { v: "1" }).code).toBe("NODE_SETTINGS_INVALID")
    expect(of({ v: 1 }, { v: null }, {}).json[0]).toHaveLength(3)
  })

  it.each<JsonObject>([
    { compare: "other" },
    { compare: 5 },
    { compare: "selectedFields" },
    { compare: "allFieldsExcept", fieldsToExclude: ", " },
    { compare: "selectedFields", fieldsToCompare: "__proto__" },
    { operation: "removeItemsSeenInPreviousExecutions" },
    { operation: "clearDeduplicationHistory" },
    { operation: {} },
  ])("refuses %j", (parameters) => {
    expect(unique(parameters).code).toBe("NODE_SETTINGS_INVALID")
  })

  it("finds what it can not do and what is missing", () => {
    const found = (parameters: JsonObject) => findingsOf({ type: "removeDuplicates", parameters })
    expect(found({})).toEqual([])
    expect(found({ operation: "clearDeduplicationHistory" })).toEqual([["SETTING_UNSUPPORTED", "error", "operation"]])
    expect(found({ compare: "selectedFields" })).toEqual([["SETTING_MISSING", "error", "fieldsToCompare"]])
  })

  it("takes a moment for many items", () => {
    const many = Array.from({ length: 50_000 }, (_, index) => ({ v: index % 1_000, w: `${index % 7}` }))
    expect(runKind({ type: "removeDuplicates", parameters: {} }, many).json[0]).toHaveLength(7_000)
  })
})
