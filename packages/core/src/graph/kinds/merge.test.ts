import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { definitionOf } from "../../testing/definitions.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"
import { readDefinition } from "../read.ts"
import { findKind } from "./table.ts"

const left = [
  { id: 1, name: "Ann", x: { p: 1 }, l: [1, 2] },
  { id: 2, name: "Bob", x: { p: 2 } },
]
const right = [
  { id: 2, name: "Bo", x: { q: 5 } },
  { id: 3, name: "" },
  { id: 2, name: null },
]
const combine = (
  parameters: JsonObject,
  [first, second]: readonly [JsonObject[], JsonObject[]] = [left, right],
  version = 3,
) => runKind({ type: "merge", typeVersion: version, parameters: { mode: "combine", ...parameters } }, first, second)
const byId = (more: JsonObject = {}, options: JsonObject = {}) => ({ fieldsToMatchString: "id", ...more, options })
const clash = (values: JsonObject): JsonObject => ({ clashHandling: { values } })

describe("merge by fields", () => {
  const bo = { id: 2, name: "Bo", x: { p: 2, q: 5 } }
  const none = { id: 2, name: null, x: { p: 2 } }

  it.each<[string, JsonObject, JsonObject, JsonObject[]]>([
    ["matches", {}, {}, [bo, none]],
    ["matches of input 1, once", { outputDataFrom: "input1" }, {}, [left[1] ?? {}]],
    ["matches of input 2", { outputDataFrom: "input2" }, {}, [right[0] ?? {}, right[2] ?? {}]],
    ["the first match", {}, { multipleMatches: "first" }, [bo]],
    ["everything", { joinMode: "keepEverything" }, {}, [bo, none, left[0] ?? {}, right[1] ?? {}]],
    ["input 1 enriched", { joinMode: "enrichInput1" }, {}, [bo, none, left[0] ?? {}]],
    [
      "input 2 enriched, whose fields give way",
      { joinMode: "enrichInput2" },
      {},
      [{ id: 2, name: "Bob", x: { p: 2, q: 5 } }, { id: 2, name: "Bob", x: { p: 2 } }, right[1] ?? {}],
    ],
    [
      "what has no partner, with its source",
      { joinMode: "keepNonMatches" },
      {},
      [
        { ...left[0], _source: "input1" },
        { ...right[1], _source: "input2" },
      ],
    ],
    ["what has no partner in input 1", { joinMode: "keepNonMatches", outputDataFrom: "input1" }, {}, [left[0] ?? {}]],
    ["what has no partner in input 2", { joinMode: "keepNonMatches", outputDataFrom: "input2" }, {}, [right[1] ?? {}]],
  ])("keeps %s", (...[, parameters, options, expected]) => {
    expect(combine(byId(parameters, options)).json).toEqual([expected])
  })

  it.each<[JsonObject, JsonObject]>([
    [{ resolveClash: "preferInput1" }, { id: 2, name: "Bob", x: { p: 2, q: 5 } }],
    [{ resolveClash: "preferInput2" }, { id: 2, name: "Bo", x: { p: 2, q: 5 } }],
    [{ resolveClash: "preferLast" }, { id: 2, name: "Bo", x: { p: 2, q: 5 } }],
    [{ mergeMode: "shallowMerge" }, { id: 2, name: "Bo", x: { q: 5 } }],
    [
      { mergeMode: "shallowMerge", resolveClash: "preferInput1" },
      { id: 2, name: "Bob", x: { p: 2 } },
    ],
    [{ resolveClash: "addSuffix" }, { id_1: 2, name_1: "Bob", x_1: { p: 2 }, id_2: 2, name_2: "Bo", x_2: { q: 5 } }],
  ])("handles clashes as said: %j", (values, expected) => {
    expect(combine(byId({}, { ...clash(values), multipleMatches: "first" })).json).toEqual([[expected]])
  })

  it("lets no empty value count over another one where that is wished", () => {
    const outcome = combine(byId({}, clash({ overrideEmpty: true })))
    expect(outcome.json[0]?.[1]).toEqual({ id: 2, name: "Bob", x: { p: 2 } })
  })

  it("gives the fields of unmatched items their suffix too", () => {
    const options = clash({ resolveClash: "addSuffix" })
    const outcome = combine(byId({ joinMode: "keepEverything" }, options), [
      [{ id: 1 }, { id: 5 }],
      [{ id: 1 }, { id: 6 }],
    ])
    expect(outcome.json).toEqual([[{ id_1: 1, id_2: 1 }, { id_1: 5 }, { id_2: 6 }]])
  })

  it("merges lists place by place, and lets a value of another type take the place", () => {
    const first = [{ id: 1, l: [1, { a: 1 }, 3], m: [1], o: { a: 1 } }]
    const second = [{ id: 1, l: [9, { b: 2 }], m: { a: 1 }, o: [1] }]
    expect(combine(byId(), [first, second]).json).toEqual([[{ id: 1, l: [9, { a: 1, b: 2 }, 3], m: { a: 1 }, o: [1] }]])
  })

  it("keeps lineage to both items, and to the one where there is but one", () => {
    const outcome = combine(byId({ joinMode: "keepEverything" }))
    expect(outcome.outputs[0]?.map(({ pairedItem }) => pairedItem)).toEqual([
      [
        { item: 1, input: 0 },
        { item: 0, input: 1 },
      ],
      [
        { item: 1, input: 0 },
        { item: 2, input: 1 },
      ],
      { item: 0, input: 0 },
      { item: 1, input: 1 },
    ])
  })

  it.each<[JsonValue, JsonValue, boolean, boolean]>([
    [1, "1", false, true],
    [true, "true", false, true],
    [null, null, true, true],
    [null, "", false, true],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true, true],
    [[1, 2], [2, 1], false, false],
    ["a", "A", false, false],
    [0, false, false, false],
  ])("compares %j and %j strictly and fuzzily", (...[one, other, strict, fuzzy]) => {
    const count = (options: JsonObject) =>
      combine({ fieldsToMatchString: "k", options }, [[{ k: one }], [{ k: other }]]).json[0]?.length
    expect(count({})).toBe(strict ? 1 : 0)
    expect(count({ fuzzyCompare: true })).toBe(fuzzy ? 1 : 0)
  })

  it("matches by several fields, nested ones, and none where a field is missing", () => {
    const first = [{ a: { b: 1 }, c: 1 }, { a: { b: 1 } }]
    const second = [
      { a: { b: 1 }, c: 1, d: 1 },
      { a: { b: 1 }, d: 2 },
    ]
    const outcome = combine({ fieldsToMatchString: "a.b, c" }, [first, second])
    expect(outcome.json).toEqual([[{ a: { b: 1 }, c: 1, d: 1 }]])
    expect(combine({ fieldsToMatchString: "a.b", options: { disableDotNotation: true } }, [first, second]).code).toBe(
      "NODE_SETTINGS_INVALID",
    )
    const flat = combine({ fieldsToMatchString: "a.b", options: { disableDotNotation: true } }, [
      [{ "a.b": 1 }],
      [{ "a.b": 1, c: 2 }],
    ])
    expect(flat.json).toEqual([[{ "a.b": 1, c: 2 }]])
  })

  it("matches fields of different names, and in version 2 takes them from one place", () => {
    const pairs = { mergeByFields: { values: [{ field1: "id", field2: "owner" }] } }
    const second = [{ owner: 2, v: "x" }]
    const expected = [[{ id: 2, name: "Bob", x: { p: 2 }, owner: 2, v: "x" }]]
    expect(combine({ advanced: true, ...pairs }, [left, second]).json).toEqual(expected)
    expect(combine({ combinationMode: "mergeByFields", ...pairs }, [left, second], 2).json).toEqual(expected)
  })

  it("fails where no field is named, none has it, or the output type is unknown", () => {
    for (const parameters of [{}, { fieldsToMatchString: " , " }, { advanced: true }, byId({ joinMode: "other" })]) {
      expect(combine(parameters).code, JSON.stringify(parameters)).toBe("NODE_SETTINGS_INVALID")
    }
    expect(combine({ fieldsToMatchString: "nobody" }).message).toContain("'nobody'")
  })

  it.each<[JsonObject, number, number]>([
    [{}, 0, 0],
    [{ joinMode: "keepEverything" }, 2, 3],
    [{ joinMode: "enrichInput1" }, 2, 0],
    [{ joinMode: "enrichInput2" }, 0, 3],
    [{ joinMode: "keepNonMatches" }, 2, 3],
    [{ joinMode: "keepNonMatches", outputDataFrom: "input1" }, 2, 0],
    [{ joinMode: "keepNonMatches", outputDataFrom: "input2" }, 0, 3],
  ])("with %j and nothing on the other side gives %i items of input 1, %i of input 2", (parameters, first, second) => {
    expect(combine(byId(parameters), [left, []]).json[0]).toHaveLength(first)
    expect(combine(byId(parameters), [[], right]).json[0]).toHaveLength(second)
  })

  it("is refused before it makes more items than a run can bear", () => {
    const many = Array.from({ length: 400 }, () => ({ id: 1 }))
    expect(combine(byId(), [many, many]).code).toBe("RUN_ITEMS_EXCEEDED")
    expect(combine(byId({}, { multipleMatches: "first" }), [many, many]).json[0]).toHaveLength(400)
  })
})

describe("merge by position", () => {
  const three = (options: JsonObject) =>
    runKind(
      { type: "merge", parameters: { mode: "combine", combineBy: "combineByPosition", numberInputs: 3, options } },
      [{ a: 1, v: 1 }, { a: 2 }],
      [{ b: 1, v: 2 }],
      [{ c: 1, v: 3 }, { c: 2 }, { c: 3 }],
    )

  it("takes as many as the shortest input has, or as the longest", () => {
    expect(three({}).json).toEqual([[{ a: 1, b: 1, c: 1, v: 3 }]])
    expect(three({ includeUnpaired: true }).json).toEqual([[{ a: 1, b: 1, c: 1, v: 3 }, { a: 2, c: 2 }, { c: 3 }]])
    expect(three({ includeUnpaired: true }).outputs[0]?.[1]?.pairedItem).toEqual([
      { item: 1, input: 0 },
      { item: 1, input: 2 },
    ])
  })

  it("prefers any input that is named, and numbers all where that is wished", () => {
    expect(three(clash({ resolveClash: "preferInput2" })).json[0]?.[0]?.v).toBe(2)
    expect(three(clash({ resolveClash: "preferInput9" })).json[0]?.[0]?.v).toBe(3)
    expect(three(clash({ resolveClash: "addSuffix" })).json).toEqual([
      [{ a_1: 1, v_1: 1, b_2: 1, v_2: 2, c_3: 1, v_3: 3 }],
    ])
  })
})

describe("merge of all combinations", () => {
  it("makes each pair, with both lineages", () => {
    const outcome = combine({ combineBy: "combineAll" }, [
      [{ a: 1 }, { a: 2 }],
      [{ b: 1 }, { b: 2 }],
    ])
    expect(outcome.json).toEqual([
      [
        { a: 1, b: 1 },
        { a: 1, b: 2 },
        { a: 2, b: 1 },
        { a: 2, b: 2 },
      ],
    ])
    expect(outcome.outputs[0]?.[2]?.pairedItem).toEqual([
      { item: 1, input: 0 },
      { item: 0, input: 1 },
    ])
    expect(combine({ combineBy: "combineAll" }, [[{ a: 1 }], []]).json).toEqual([[]])
    expect(combine({ combinationMode: "multiplex" }, [[{ a: 1 }], [{ b: 1 }]], 2).json).toEqual([[{ a: 1, b: 1 }]])
  })

  it("is refused before it makes more items than a run can bear", () => {
    const many = Array.from({ length: 317 }, (_, a) => ({ a }))
    expect(combine({ combineBy: "combineAll" }, [many, many]).code).toBe("RUN_ITEMS_EXCEEDED")
  })
})

describe("merge that chooses a branch", () => {
  const choose = (parameters: JsonObject, version = 3) =>
    runKind(
      { type: "merge", typeVersion: version, parameters: { mode: "chooseBranch", ...parameters } },
      [{ a: 1 }],
      [{ b: 1 }, { b: 2 }],
    )

  it.each<[JsonObject, number, JsonObject[]]>([
    [{}, 3, [{ a: 1 }]],
    [{ useDataOfInput: 2 }, 3, [{ b: 1 }, { b: 2 }]],
    [{ useDataOfInput: "2" }, 3, [{ b: 1 }, { b: 2 }]],
    [{ output: "empty" }, 3, [{}]],
    [{}, 2, [{ a: 1 }]],
    [{ output: "input2" }, 2.1, [{ b: 1 }, { b: 2 }]],
  ])("with %j in version %d", (parameters, version, expected) => {
    expect(choose(parameters, version).json).toEqual([expected])
  })

  it.each([0, 3, -1, 1.5, "x", {}, null, [1]])("fails for input %j, but for none", (useDataOfInput) => {
    expect(choose({ useDataOfInput }).code).toBe(useDataOfInput === null ? null : "NODE_SETTINGS_INVALID")
  })
})

describe("checking a merge", () => {
  it.each<[JsonObject, number, string[]]>([
    [{}, 3, []],
    [{ mode: "combineBySql" }, 3, ["SETTING_UNSUPPORTED"]],
    [{ mode: "mergeByKey" }, 1, ["SETTING_UNSUPPORTED"]],
    [{ mode: "combine" }, 3, ["SETTING_MISSING"]],
    [{ mode: "combine", fieldsToMatchString: "id" }, 3, []],
    [{ mode: "combine", advanced: true }, 3, ["SETTING_MISSING"]],
    [{ mode: "combine", combineBy: "other" }, 3, ["SETTING_UNSUPPORTED"]],
    [{ mode: "combine", combineBy: "combineAll" }, 3, []],
    [{ mode: "=combine" }, 3, []],
    [{ mode: 5 }, 3, ["SETTING_UNSUPPORTED"]],
  ])("%j in version %d finds %j", (parameters, typeVersion, codes) => {
    expect(findingsOf({ type: "merge", typeVersion, parameters }).map(([code]) => code)).toEqual(codes)
  })

  it("says in the failure what the finding said before", () => {
    for (const mode of ["combineBySql", "other", 5, ["x"]]) {
      const outcome = runKind({ type: "merge", parameters: { mode } }, left, right)
      expect(outcome.code).toBe("NODE_SETTINGS_INVALID")
    }
  })

  it.each([
    [{}, 2],
    [{ numberInputs: 4 }, 4],
    [{ numberInputs: "3" }, 3],
    [{ numberInputs: 1_000_000 }, 10],
    [{ numberInputs: -1 }, 2],
    [{ numberInputs: {} }, 2],
    [{ numberInputs: [{ toString: "x" }] }, 2],
    [{ numberInputs: null }, 2],
  ])("%j has %i inputs", (parameters, count) => {
    const [node] = readDefinition(definitionOf({ Merge: { type: "merge", parameters } })).graph.nodes
    if (node === undefined) throw new Error("no node")
    expect(findKind("merge")?.inputs(node)).toHaveLength(count)
    expect(findKind("merge")?.inputs({ ...node, typeVersion: 2.1 })).toHaveLength(2)
  })
})
