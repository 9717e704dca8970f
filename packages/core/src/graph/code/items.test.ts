import { describe, expect, it } from "vitest"
import type { JsonValue } from "../../json.ts"
import { readAllItems, readOneItem } from "./items.ts"
import type { CodeValue } from "./outcome.ts"

/** A value as the sandbox describes it. */
function described(value: JsonValue | undefined): CodeValue {
  if (value === undefined) return { type: "undefined", value: null }
  if (value === null) return { type: "null", value: null }
  if (typeof value !== "object") return { type: "other", value: null }
  return { type: Array.isArray(value) ? "list" : "object", value }
}

const all = (value: JsonValue | undefined, inputCount = 0) => readAllItems(described(value), inputCount)
const one = (value: JsonValue | undefined, itemIndex = 0) => readOneItem(described(value), itemIndex)
const fault = { fault: expect.stringMatching(/\.$/) }

describe("the result of code that runs once for all items", () => {
  it.each([
    ["null gives none", null, []],
    ["an empty list gives none", [], []],
    ["a plain object is wrapped", { a: 1 }, [{ json: { a: 1 } }]],
    ["plain objects are wrapped", [{ a: 1 }, { b: 2 }], [{ json: { a: 1 } }, { json: { b: 2 } }]],
    ["an item is taken as it is", { json: { a: 1 } }, [{ json: { a: 1 } }]],
    ["items keep their binary data", [{ json: {}, binary: { f: {} } }], [{ json: {}, binary: { f: {} } }]],
    ["binary that is null is none", [{ json: {}, binary: null }], [{ json: {} }]],
    ["an error beside the json is not kept", [{ json: {}, error: "x" }], [{ json: {} }]],
    ["a plain object may have an error", [{ error: "x" }], [{ json: { error: "x" } }]],
    ["an empty object is an item", [{}], [{ json: {} }]],
    ["keys that objects inherit are data", [{ constructor: 1 }], [{ json: { constructor: 1 } }]],
  ] as const)("%s", (_what, value, items) => {
    expect(all(value as JsonValue, 9)).toEqual({ items })
  })

  it.each([
    ["nothing", undefined],
    ["a text", "text"],
    ["a number", 7],
    ["a list of numbers", [1, 2]],
    ["a list with null in it", [{ a: 1 }, null]],
    ["a list of lists", [[{ a: 1 }]]],
    ["an item beside plain objects", [{ json: { a: 1 } }, { b: 2 }]],
    ["a plain object beside items", [{ b: 2 }, { json: { a: 1 } }]],
    ["an item with a key of its own", [{ json: { a: 1 }, other: 2 }]],
    ["json that is a text", [{ json: "{}" }]],
    ["json that is a list", [{ json: [] }]],
    ["json that is null", { json: null }],
    ["binary without json", [{ binary: {} }]],
    ["binary that is a list", [{ json: {}, binary: [] }]],
  ] as const)("is refused where it is %s", (_what, value) => {
    expect(all(value as JsonValue | undefined)).toEqual(fault)
  })

  it("keeps lineage item by item where as many come out as went in", () => {
    expect(all([{ a: 1 }, { a: 2 }], 2)).toEqual({
      items: [
        { json: { a: 1 }, pairedItem: { item: 0 } },
        { json: { a: 2 }, pairedItem: { item: 1 } },
      ],
    })
  })

  it("leads back to the only item that went in, and loses lineage otherwise", () => {
    const paired = { items: [0, 1].map(() => ({ json: {}, pairedItem: { item: 0 } })) }
    expect(all([{}, {}], 1)).toEqual(paired)
    expect(all([{}, {}], 3)).toEqual({ items: [{ json: {} }, { json: {} }] })
  })

  it.each([
    [2, { item: 2 }],
    [{ item: 1 }, { item: 1 }],
    [
      { item: 1, input: 1 },
      { item: 1, input: 1 },
    ],
    [{ item: 1, input: "x", other: 1 }, { item: 1 }],
    [
      [0, { item: 3 }, "x"],
      [{ item: 0 }, { item: 3 }],
    ],
  ] as const)("takes the lineage that an item says itself: %j", (pairedItem, expected) => {
    expect(all([{ json: {}, pairedItem } as unknown as JsonValue, { json: {} }], 5)).toEqual({
      items: [{ json: {}, pairedItem: expected }, { json: {} }],
    })
  })

  it.each([-1, 1.5, "0", null, [], {}, { item: -1 }, ["x"], true])(
    "leaves out lineage that is none: %j",
    (pairedItem) => {
      expect(all([{ json: {}, pairedItem } as JsonValue], 1)).toEqual({
        items: [{ json: {}, pairedItem: { item: 0 } }],
      })
    },
  )
})

describe("the result of code that runs for one item", () => {
  it("is one item or none, paired with the item that it is for, whatever it says itself", () => {
    expect(one(null)).toEqual({ items: [] })
    expect(one({ a: 1 }, 3)).toEqual({ items: [{ json: { a: 1 }, pairedItem: { item: 3 } }] })
    expect(one({ json: { a: 1 }, pairedItem: 0 }, 3)).toEqual({ items: [{ json: { a: 1 }, pairedItem: { item: 3 } }] })
  })

  it.each([undefined, "text", 7, true, [], [{ json: {} }], { json: 1 }, { json: {}, more: 1 }, { binary: {} }])(
    "is refused where it is %j",
    (value) => {
      expect(one(value as JsonValue | undefined, 4)).toEqual({ fault: expect.stringContaining("4") })
    },
  )

  it("is refused where the words and the value do not go together", () => {
    expect(readOneItem({ type: "object", value: [] }, 0)).toEqual(fault)
    expect(readAllItems({ type: "list", value: {} }, 0)).toEqual(fault)
    expect(readAllItems({ type: "object", value: "a date becomes text" }, 0)).toEqual(fault)
  })
})
