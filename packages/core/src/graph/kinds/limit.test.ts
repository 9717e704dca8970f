import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const limit = (parameters: JsonObject) => runKind({ type: "limit", parameters }, [{ n: 1 }, { n: 2 }, { n: 3 }])

describe("limit", () => {
  it.each<[JsonObject, number[]]>([
    [{}, [1]],
    [{ maxItems: 2 }, [1, 2]],
    [{ maxItems: "2", keep: "lastItems" }, [2, 3]],
    [{ keep: "lastItems" }, [3]],
    [{ maxItems: 9, keep: "lastItems" }, [1, 2, 3]],
    [{ maxItems: 0 }, []],
    [{ maxItems: 0, keep: "lastItems" }, []],
    [{ maxItems: -3 }, []],
    [{ maxItems: 1.9 }, [1]],
    [{ maxItems: "={{ 1 + 1 }}" }, [1, 2]],
  ])("with %j lets through %j", (parameters, expected) => {
    expect(limit(parameters).json).toEqual([expected.map((n) => ({ n }))])
  })

  it("keeps lineage", () => {
    expect(limit({ keep: "lastItems" }).outputs).toEqual([[{ json: { n: 3 }, pairedItem: { item: 2 } }]])
  })

  it.each<JsonValue>(["x", {}, [], "={{ 'x' }}"])("fails for %j", (maxItems) => {
    expect(limit({ maxItems }).code).toBe("NODE_SETTINGS_INVALID")
  })

  it("finds what is no number", () => {
    const found = (maxItems: JsonValue) => findingsOf({ type: "limit", parameters: { maxItems } })
    for (const value of ["x", -1, {}, null]) expect(found(value)).toEqual([["SETTING_INVALID", "error", "maxItems"]])
    for (const value of ["=x", 0, "5"]) expect(found(value)).toEqual([])
  })
})
