import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { definitionOf } from "../../testing/definitions.ts"
import { findingsOf, runKind, wholeNode } from "../../testing/kind-run.ts"
import { analyseFlow, excludeEachOther } from "../exclusion.ts"
import { readDefinition } from "../read.ts"
import { findKind } from "./table.ts"

const rule = (right: JsonValue, more: JsonObject = {}, options: JsonObject = {}): JsonObject => ({
  conditions: {
    options: { caseSensitive: true, typeValidation: "strict", ...options },
    conditions: [
      { leftValue: "={{ $json.v }}", rightValue: right, operator: { type: "string", operation: "contains" } },
    ],
    combinator: "and",
  },
  ...more,
})
const rulesOf = (rules: JsonObject[], options: JsonObject = {}): JsonObject => ({ rules: { values: rules }, options })
const route = (parameters: JsonObject, values: JsonValue[], node: JsonObject = {}) =>
  runKind(
    { type: "switch", parameters, ...node },
    values.map((v) => ({ v })),
  )
const values = (outcome: { json: readonly (readonly JsonObject[])[] }) =>
  outcome.json.map((items) => items.map(({ v }) => v ?? null))

const namesOf = (parameters: JsonObject, typeVersion = 3.2): readonly string[] => {
  const definition = definitionOf({ Node: { type: "n8n-nodes-base.switch", typeVersion, parameters } })
  const [node] = readDefinition(definition).graph.nodes
  if (node === undefined) throw new Error("no node")
  return (
    findKind("switch")
      ?.outputs(node)
      .map(({ name }) => name) ?? []
  )
}

describe("switch by rules", () => {
  it("sends an item to the output of the first rule that holds, and drops it where none does", () => {
    const outcome = route(rulesOf([rule("a"), rule("b")]), ["b", "ab", "x"])
    expect(values(outcome)).toEqual([["ab"], ["b"]])
    expect(outcome.outputs[1]).toEqual([{ json: { v: "b" }, pairedItem: { item: 0 } }])
  })

  it.each<[JsonObject, JsonValue[][]]>([
    [{ fallbackOutput: "none" }, [["ab"], ["b"]]],
    [{ fallbackOutput: "extra" }, [["ab"], ["b"], ["x"]]],
    [{ fallbackOutput: 0 }, [["ab", "x"], ["b"]]],
    [{ fallbackOutput: "=1" }, [["ab"], ["b", "x"]]],
    [{ allMatchingOutputs: true }, [["ab"], ["b", "ab"]]],
    [{ allMatchingOutputs: true, fallbackOutput: "extra" }, [["ab"], ["b", "ab"], ["x"]]],
  ])("with the options %j", (options, expected) => {
    expect(values(route(rulesOf([rule("a"), rule("b")], options), ["b", "ab", "x"]))).toEqual(expected)
  })

  it("compares without case and with conversion where its options say so", () => {
    expect(values(route(rulesOf([rule("A")], { ignoreCase: true }), ["a"]))).toEqual([["a"]])
    expect(values(route(rulesOf([rule("5")], { looseTypeValidation: true }), [5]))).toEqual([[5]])
    expect(values(route({ ...rulesOf([rule("5")]), looseTypeValidation: true }, [5]))).toEqual([[5]])
    expect(route(rulesOf([rule("5")]), [5]).code).toBe("NODE_SETTINGS_INVALID")
  })

  it("fails as a whole where a value has the wrong type", () => {
    const regular = route(rulesOf([rule("a")]), ["a", 5], { onError: "continueRegularOutput" })
    expect(regular.json).toEqual([[{ error: expect.any(String) }]])
    const apart = route(rulesOf([rule("a")]), ["a", 5], { onError: "continueErrorOutput" })
    expect(apart.json).toEqual([
      [],
      [
        { v: "a", error: expect.any(String) },
        { v: 5, error: expect.any(String) },
      ],
    ])
  })

  it("fails where the fallback names an output that is not there", () => {
    expect(route(rulesOf([rule("a")], { fallbackOutput: 7 }), ["x"]).code).toBe("NODE_SETTINGS_INVALID")
  })
})

describe("switch by number", () => {
  const parameters = { mode: "expression", numberOutputs: 2, output: "={{ $json.v }}" }

  it("sends each item to the output that the expression gives", () => {
    expect(values(route(parameters, [1, 0, "1"]))).toEqual([[0], [1, "1"]])
  })

  it.each([2, -1, 0.5, "x", {}, [[]]])("fails for %j", (value) => {
    expect(route(parameters, [value]).code).toBe("NODE_SETTINGS_INVALID")
    const regular = route(parameters, [1, value, 0], { onError: "continueRegularOutput" })
    expect(regular.json).toEqual([[{ error: expect.any(String) }, { v: 0 }], [{ v: 1 }]])
    const apart = route(parameters, [1, value], { onError: "continueErrorOutput" })
    expect(apart.json).toEqual([[], [{ v: 1 }], [{ v: value, error: expect.any(String) }]])
  })
})

describe("switch of earlier versions", () => {
  it("of version 1 has four outputs, and each rule names its own", () => {
    const parameters = {
      dataType: "string",
      value1: "={{ $json.v }}",
      rules: {
        rules: [
          { value2: "a", output: 3 },
          { operation: "contains", value2: "b" },
        ],
      },
      fallbackOutput: 1,
    }
    expect(values(route(parameters, ["a", "bb", "x"], { typeVersion: 1 }))).toEqual([["bb"], ["x"], [], ["a"]])
  })

  it("of version 2 has an output for each rule", () => {
    const parameters = {
      value1: "={{ $json.v }}",
      rules: { rules: [{ operation: "larger", value2: 5, outputKey: "high" }, { value2: 5 }] },
    }
    expect(values(route(parameters, [5, "6", 1], { typeVersion: 2 }))).toEqual([["6"], [5]])
    expect(namesOf(parameters, 2)).toEqual(["high", "1"])
  })
})

describe("the outputs of switch", () => {
  it("have the names that rules give them", () => {
    const rules = [rule("a", { renameOutput: true, outputKey: "first" }), rule("b", { outputKey: "unused" })]
    expect(namesOf(rulesOf(rules))).toEqual(["first", "1"])
    expect(namesOf(rulesOf(rules, { fallbackOutput: "extra" }))).toEqual(["first", "1", "fallback"])
    expect(namesOf(rulesOf(rules, { fallbackOutput: "extra", renameFallbackOutput: "rest" }))).toEqual([
      "first",
      "1",
      "rest",
    ])
  })

  it.each<[JsonValue, number]>([
    [3, 3],
    ["2", 2],
    [0, 1],
    [-5, 1],
    [1e9, 1_000],
    [{}, 4],
    ["={{ 3 }}", 4],
  ])("are %j in expression mode: %i", (numberOutputs, count) => {
    expect(namesOf({ mode: "expression", numberOutputs })).toHaveLength(count)
  })

  it("are bounded however many rules there are", () => {
    expect(namesOf(rulesOf(new Array<JsonObject>(5_000).fill({}), { fallbackOutput: "extra" }))).toHaveLength(1_000)
  })
})

describe("checking a switch", () => {
  it("finds missing rules, unknown operators and a missing number", () => {
    expect(findingsOf({ type: "switch", parameters: {} })).toEqual([["SETTING_MISSING", "warning", "rules"]])
    const odd = rule("a", { conditions: { conditions: [{ operator: { type: "string", operation: "resembles" } }] } })
    expect(findingsOf({ type: "switch", parameters: rulesOf([rule("a"), odd]) })).toEqual([
      ["SETTING_INVALID", "error", "rules.values[1].conditions.conditions[0]"],
    ])
    expect(findingsOf({ type: "switch", parameters: { mode: "expression" } })).toEqual([
      ["SETTING_MISSING", "warning", "output"],
    ])
  })
})

describe("what lies behind a switch", () => {
  const excludes = (options: JsonObject): boolean => {
    const { graph } = readDefinition(
      definitionOf(
        {
          Start: "manual",
          Switch: wholeNode({ type: "switch", parameters: rulesOf([rule("a"), rule("b")], options) }),
          A: "noOp",
          B: "noOp",
        },
        ["Start > Switch:0 > A", "Switch:1 > B"],
      ),
    )
    const ordinal = (name: string): number => graph.ordinalByName.get(name) ?? -1
    return excludeEachOther(analyseFlow(graph, ordinal("Start")), { node: ordinal("A") }, { node: ordinal("B") })
  }

  it("can not run twice for one item, unless the item may go several ways", () => {
    expect(excludes({})).toBe(true)
    expect(excludes({ allMatchingOutputs: true })).toBe(false)
    expect(excludes({ allMatchingOutputs: "={{ $json.all }}" })).toBe(false)
  })
})
