import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const split = (parameters: JsonObject, ...items: Parameters<typeof runKind>[1][]) =>
  runKind({ type: "splitOut", parameters }, items.flat())
const item = {
  list: [1, { a: 2 }, null],
  meta: { tags: ["x", "y"], n: 1 },
  "flat.name": ["f"],
  obj: { p: 1, q: { r: 2 } },
}

describe("splitOut", () => {
  it.each<[JsonObject, JsonObject[]]>([
    [{ fieldToSplitOut: "list" }, [{ list: 1 }, { a: 2 }, { list: null }]],
    [{ fieldToSplitOut: "$json.list" }, [{ list: 1 }, { a: 2 }, { list: null }]],
    [{ fieldToSplitOut: "obj" }, [{ obj: 1 }, { r: 2 }]],
    [{ fieldToSplitOut: "meta.n" }, [{ "meta.n": 1 }]],
    [{ fieldToSplitOut: "flat.name" }, [{ "flat.name": "f" }]],
    [{ fieldToSplitOut: "nothing" }, []],
    [{ fieldToSplitOut: "list", options: { destinationFieldName: "v" } }, [{ v: 1 }, { v: { a: 2 } }, { v: null }]],
    [{ fieldToSplitOut: "meta.tags", options: { disableDotNotation: true } }, []],
    [
      { fieldToSplitOut: "list, meta.tags" },
      [{ list: 1, "meta.tags": "x" }, { list: { a: 2 }, "meta.tags": "y" }, { list: null }],
    ],
    [
      { fieldToSplitOut: "list,meta.tags", options: { destinationFieldName: "l,t" } },
      [{ l: 1, t: "x" }, { l: { a: 2 }, t: "y" }, { l: null }],
    ],
    [
      { fieldToSplitOut: "meta.tags", include: "selectedOtherFields", fieldsToInclude: "meta.n, obj.p, gone" },
      [
        { "meta.n": 1, "obj.p": 1, "meta.tags": "x" },
        { "meta.n": 1, "obj.p": 1, "meta.tags": "y" },
      ],
    ],
  ])("with %j gives %j", (parameters, expected) => {
    expect(split(parameters, [item]).json).toEqual([expected])
  })

  it("keeps all other fields, and leaves the list out of them", () => {
    const all = (name: string) => split({ fieldToSplitOut: name, include: "allOtherFields" }, [item]).json[0]
    const { list: _list, ...rest } = item
    expect(all("list")).toEqual([
      { ...rest, list: 1 },
      { ...rest, list: { a: 2 } },
      { ...rest, list: null },
    ])
    const { "flat.name": _flat, ...others } = item
    expect(all("flat.name")).toEqual([{ ...others, "flat.name": "f" }])
    expect(item.list).toHaveLength(3)
  })

  it("keeps lineage, and files where it is asked to", () => {
    const items = [{ l: [] }, { json: { l: [1, 2] }, binary: { f: { fileName: "a" } } }]
    expect(split({ fieldToSplitOut: "l" }, items).outputs).toEqual([
      [
        { json: { l: 1 }, pairedItem: { item: 1 } },
        { json: { l: 2 }, pairedItem: { item: 1 } },
      ],
    ])
    const kept = split({ fieldToSplitOut: "l", options: { includeBinary: true } }, items).outputs[0]
    expect(kept?.[0]?.binary).toEqual({ f: { fileName: "a" } })
  })

  it("splits the files of an item", () => {
    const files = { a: { fileName: "a" }, b: { fileName: "b" } }
    const outcome = split({ fieldToSplitOut: "$binary", include: "allOtherFields" }, [
      { json: { n: 1 }, binary: files },
    ])
    expect(outcome.outputs).toEqual([
      [
        { json: { n: 1 }, binary: { a: files.a }, pairedItem: { item: 0 } },
        { json: { n: 1 }, binary: { b: files.b }, pairedItem: { item: 0 } },
      ],
    ])
  })

  it.each<[JsonObject, string]>([
    [{}, "NODE_SETTINGS_INVALID"],
    [{ fieldToSplitOut: " , " }, "NODE_SETTINGS_INVALID"],
    [{ fieldToSplitOut: "__proto__" }, "NODE_SETTINGS_INVALID"],
    [{ fieldToSplitOut: "a,b", options: { destinationFieldName: "c" } }, "NODE_SETTINGS_INVALID"],
    [{ fieldToSplitOut: "a", options: { destinationFieldName: "__proto__" } }, "NODE_SETTINGS_INVALID"],
  ])("refuses %j", (parameters, code) => {
    expect(split(parameters, [item]).code).toBe(code)
  })

  it("is refused before it makes more items than a run can bear", () => {
    const list: JsonValue[] = new Array(60_000).fill(0)
    expect(split({ fieldToSplitOut: "l" }, [{ l: list }, { l: list }]).code).toBe("RUN_ITEMS_EXCEEDED")
    expect(split({ fieldToSplitOut: "l" }, [{ l: list }]).json[0]).toHaveLength(60_000)
  })

  it("takes a setting of each item's own", () => {
    expect(
      split({ fieldToSplitOut: "={{ $json.by }}" }, [
        { by: "a", a: [1] },
        { by: "b", b: [2] },
      ]).json,
    ).toEqual([[{ a: 1 }, { b: 2 }]])
  })

  it("without a field is worth a finding", () => {
    expect(findingsOf({ type: "splitOut", parameters: {} })).toEqual([["SETTING_MISSING", "error", "fieldToSplitOut"]])
    expect(findingsOf({ type: "splitOut", parameters: { fieldToSplitOut: "={{ 1 }}" } })).toEqual([])
  })
})
