import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const items = [
  { n: 2, l: [1, 2] },
  { n: 1, l: [] },
  { n: 2, l: [1, 2] },
]

describe("itemLists", () => {
  it.each<[JsonObject, JsonValue[]]>([
    [{ fieldToSplitOut: "l" }, [{ l: 1 }, { l: 2 }, { l: 1 }, { l: 2 }]],
    [
      { operation: "concatenateItems", fieldsToAggregate: { fieldToAggregate: [{ fieldToAggregate: "n" }] } },
      [{ n: [2, 1, 2] }],
    ],
    [{ operation: "aggregateItems", aggregate: "aggregateAllItemData", destinationFieldName: "all" }, [{ all: items }]],
    [{ operation: "removeDuplicates" }, items.slice(0, 2)],
    [
      { operation: "sort", sortFieldsUi: { sortField: [{ fieldName: "n" }] } },
      [items[1] ?? {}, items[0] ?? {}, items[2] ?? {}],
    ],
    [{ operation: "limit", maxItems: 1, keep: "lastItems" }, [items[2] ?? {}]],
    [{ operation: "summarize", fieldsToSummarize: { values: [{ aggregation: "sum", field: "n" }] } }, [{ sum_n: 5 }]],
  ])("%j does what the node of its own does", (parameters, expected) => {
    expect(runKind({ type: "itemLists", parameters }, items).json).toEqual([expected])
    expect(findingsOf({ type: "itemLists", parameters })).toEqual([])
  })

  it.each<JsonValue>(["other", 5, {}, "constructor", null])("refuses the operation %j", (operation) => {
    const isNone = operation === null
    const outcome = runKind({ type: "itemLists", parameters: { operation, fieldToSplitOut: "l" } }, items)
    expect(outcome.code).toBe(isNone ? null : "NODE_SETTINGS_INVALID")
    if (!isNone)
      expect(findingsOf({ type: "itemLists", parameters: { operation } })).toEqual([
        ["SETTING_INVALID", "error", "operation"],
      ])
  })

  it("finds what its operation lacks", () => {
    expect(findingsOf({ type: "itemLists", parameters: {} })).toEqual([["SETTING_MISSING", "error", "fieldToSplitOut"]])
    expect(findingsOf({ type: "itemLists", parameters: { operation: "sort" } })).toEqual([
      ["SETTING_MISSING", "error", "sortFieldsUi"],
    ])
  })
})
