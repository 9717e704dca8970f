import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { runInMemory } from "../../testing/memory-run.ts"
import type { Item } from "../items.ts"
import { readDefinition } from "../read.ts"
import { validate } from "../validate.ts"

const typed = (name: string, value: JsonValue, type = "string"): JsonObject => ({ name, value, type })

/** The parameters of today's version with these fields. */
const fieldsOf = (...fields: JsonObject[]): JsonObject => ({ assignments: { assignments: fields } })

function run(node: JsonObject, ...items: (JsonObject | Item)[]) {
  const definition = { nodes: [{ name: "Set", type: "n8n-nodes-base.set", ...node }] }
  const given = items.map((item): Item => ("json" in item ? (item as Item) : { json: item as JsonObject }))
  return runInMemory({ definition, start: "Set", items: given })
}
const jsonOf = (parameters: JsonObject, json: JsonObject = {}): JsonValue | undefined =>
  run({ parameters }, json).items[0]?.json
const codeOf = (parameters: JsonObject, json: JsonObject = {}): string =>
  run({ parameters }, json).error?.code ?? "none"

describe("a field", () => {
  it.each<[JsonValue, string, JsonValue | "fails"]>([
    ["text", "string", "text"],
    ["={{ 5 }}", "string", "5"],
    ["={{ true }}", "string", "true"],
    ["={{ [1, {a: 2}] }}", "string", '[1,{"a":2}]'],
    ["= {{ 5 }}", "number", 5],
    ["0x10", "number", 16],
    ["5 apples", "number", "fails"],
    ["Infinity", "number", "fails"],
    ["={{ [5] }}", "number", "fails"],
    ["TRUE", "boolean", true],
    ["0", "boolean", false],
    ["={{ 1 }}", "boolean", true],
    ["={{ 2 }}", "boolean", "fails"],
    ["[1, 2]", "array", [1, 2]],
    ['{"a": 1}', "array", "fails"],
    ['{"a": {"b": 1}}', "object", { a: { b: 1 } }],
    ["[1]", "object", "fails"],
    ["{broken", "object", "fails"],
    ["={{ $json.missing }}", "number", null],
    ["={{ null }}", "array", null],
  ])("of value %j and type %s is %j", (value, type, expected) => {
    const parameters = fieldsOf(typed("f", value, type))
    if (expected === "fails") expect(codeOf(parameters)).toBe("NODE_SETTINGS_INVALID")
    else expect(jsonOf(parameters)).toEqual({ f: expected })
  })

  it("keeps the value as it is where conversion errors are ignored", () => {
    const options = { ignoreConversionErrors: true }
    expect(jsonOf({ ...fieldsOf(typed("f", "x", "number"), typed("g", "={{ [1] }}", "object")), options })).toEqual({
      f: "x",
      g: [1],
    })
  })

  it.each<[string, JsonObject, JsonObject]>([
    ["a.b.c", {}, { a: { b: { c: 1 } } }],
    ["a.b", { a: { x: 0 } }, { a: { x: 0, b: 1 } }],
    ["a.b", { a: "text" }, { a: { b: 1 } }],
    ["a.b", { a: null }, { a: { b: 1 } }],
    ["list[1].v", { list: [{ v: 0 }, { v: 0, w: 0 }] }, { list: [{ v: 0 }, { v: 1, w: 0 }] }],
    ["list[2]", { list: [0] }, { list: [0, null, 1] }],
    ["list.x", { list: [0] }, { list: { x: 1 } }],
    ["['odd key'].x", {}, { "odd key": { x: 1 } }],
    ['a["b c"]', {}, { a: { "b c": 1 } }],
    ["constructor.prototype", {}, { constructor: { prototype: 1 } }],
    ["toString", {}, { toString: 1 }],
  ])("named %s in %j makes %j", (name, json, expected) => {
    const before = JSON.stringify(json)
    expect(jsonOf({ ...fieldsOf(typed(name, 1, "number")), includeOtherFields: true }, json)).toEqual(expected)
    expect(JSON.stringify(json)).toBe(before)
    expect(Object.getPrototypeOf(jsonOf({ ...fieldsOf(typed(name, 1, "number")) }) ?? {})).toBe(Object.prototype)
  })

  it.each([
    "__proto__",
    "__proto__.polluted",
    "a.__proto__.b",
    "a['__proto__']",
    "list[99999999]",
    "..",
    `${"a.".repeat(200)}b`,
  ])("cannot be named %.30s", (name) => {
    expect(codeOf(fieldsOf(typed(name, "x")))).toBe("NODE_SETTINGS_INVALID")
    expect(({} as JsonObject).polluted).toBeUndefined()
  })

  it("may have its name from an expression, and is left out where that is empty", () => {
    expect(jsonOf(fieldsOf(typed("={{ $json.k }}", "v"), typed("", "gone")), { k: "named" })).toEqual({ named: "v" })
  })

  it("sees the input item and not the fields that were written before it", () => {
    expect(jsonOf(fieldsOf(typed("a", "new"), typed("b", "={{ $json.a }}")), { a: "old" })).toEqual({
      a: "new",
      b: "old",
    })
  })
})

describe("other fields", () => {
  const json = { a: 1, b: { c: 2, d: 3 }, "e.f": 4 }
  const base = { ...fieldsOf(typed("x", "y")), includeOtherFields: true }

  it.each<[JsonObject, JsonObject]>([
    [{}, { ...json, x: "y" }],
    [{ includeOtherFields: false }, { x: "y" }],
    [
      { include: "selected", includeFields: "a, b.c,missing" },
      { a: 1, c: 2, x: "y" },
    ],
    [
      { include: "selected", includeFields: ["b"] },
      { b: { c: 2, d: 3 }, x: "y" },
    ],
    [
      { include: "selected", includeFields: "e.f", options: { dotNotation: false } },
      { "e.f": 4, x: "y" },
    ],
    [
      { include: "except", excludeFields: "a, b.c, missing.x" },
      { b: { d: 3 }, "e.f": 4, x: "y" },
    ],
    [
      { include: "except", excludeFields: "" },
      { ...json, x: "y" },
    ],
  ])("%j", (parameters, expected) => {
    expect(jsonOf({ ...base, ...parameters }, json)).toEqual(expected)
  })
})

describe("older versions", () => {
  it("1 and 2 write values by type and keep the rest, unless only what is set is kept", () => {
    const values = {
      string: [{ name: "s", value: "x" }],
      number: [{ name: "n.m", value: 5 }],
      boolean: [{ name: "b", value: true }],
    }
    const written = { s: "x", n: { m: 5 }, b: true }
    for (const typeVersion of [1, 2]) {
      const outcome = (parameters: JsonObject) => run({ typeVersion, parameters }, { kept: 0 }).items[0]?.json
      expect(outcome({ values })).toEqual({ kept: 0, ...written })
      expect(outcome({ values, keepOnlySet: true })).toEqual(written)
    }
  })

  it("3 to 3.2 write fields with a value per type, and keep all others unless they say otherwise", () => {
    const fields = {
      values: [
        { name: "n", type: "numberValue", numberValue: "1" },
        { name: "s", stringValue: "t" },
      ],
    }
    const outcome = (parameters: JsonObject) => run({ typeVersion: 3.2, parameters }, { kept: 0 }).items[0]?.json
    expect(outcome({ fields })).toEqual({ kept: 0, n: 1, s: "t" })
    expect(outcome({ fields, include: "none" })).toEqual({ n: 1, s: "t" })
  })
})

describe("raw JSON", () => {
  const raw = (jsonOutput: JsonValue, json: JsonObject = {}) => jsonOf({ mode: "raw", jsonOutput }, json)
  const rawCode = (jsonOutput: JsonValue, json: JsonObject = {}) => codeOf({ mode: "raw", jsonOutput }, json)

  it("is a text, an object, a template or one expression", () => {
    expect(raw('{"a": 1}')).toEqual({ a: 1 })
    expect(raw({ a: "={{ $json.v }}" }, { v: 2 })).toEqual({ a: 2 })
    expect(raw("={{ {a: $json.v} }}", { v: [3] })).toEqual({ a: [3] })
    expect(raw(" ={{ 1 }}")).toBeUndefined()
    expect(raw('={ "a": {{ $json.v }}, "b": "{{ $json.v }} {{ $json.t }}" }', { v: 4, t: "t" })).toEqual({
      a: 4,
      b: "4 t",
    })
  })

  it("takes a missing value as null outside quotes and as a word inside, also after an escaped quote", () => {
    expect(raw('={ "a": {{ $json.x }}, "b": "{{ $json.x }}", "c": "\\"{{ $json.x }}" }')).toEqual({
      a: null,
      b: "undefined",
      c: '"undefined',
    })
  })

  it.each([
    "[1]",
    '"text"',
    "5",
    "null",
    "{broken",
    "",
    '={ "a": "{{ $json.q }}" }',
    "={{ [1] }}",
    "={{ $json.none }}",
  ])("fails where it is no object: %s", (jsonOutput) => {
    expect(rawCode(jsonOutput, { q: 'say "hi"' })).toBe("NODE_SETTINGS_INVALID")
  })
})

describe("items", () => {
  it("keep their lineage and their files, and each has its own values", () => {
    const file: Item = { json: { n: 1 }, binary: { data: { fileName: "a.txt" } } }
    const node = { parameters: fieldsOf(typed("i", "={{ $itemIndex }}", "number")) }
    expect(run(node, file, { n: 2 }).items).toEqual([
      { json: { i: 0 }, binary: { data: { fileName: "a.txt" } }, pairedItem: { item: 0 } },
      { json: { i: 1 }, pairedItem: { item: 1 } },
    ])
    const without = { parameters: { ...node.parameters, options: { includeBinary: false } } }
    expect(run(without, file).items).toEqual([{ json: { i: 0 }, pairedItem: { item: 0 } }])
  })

  it("are not duplicated beyond what a run can bear", () => {
    const many = { ...fieldsOf(), duplicateItem: true, duplicateCount: 1e9 }
    expect(codeOf(many)).toBe("RUN_ITEMS_EXCEEDED")
    expect(run({ parameters: { ...many, duplicateCount: -3 } }, {}).items).toHaveLength(1)
  })

  it("that fail go to the error output with their fields, where there is one", () => {
    const node = { onError: "continueErrorOutput", parameters: fieldsOf(typed("n", "={{ $json.v }}", "number")) }
    const outputs = run(node, { v: 1 }, { v: "x" }, { v: 3 }).nodes.Set?.[0]?.outputs
    expect(outputs?.[0]).toEqual([{ n: 1 }, { n: 3 }])
    expect(outputs?.[1]).toEqual([{ v: "x", error: expect.stringContaining("'n'") }])
  })
})

describe("checking", () => {
  const check = (parameters: JsonObject) => {
    const read = readDefinition({ nodes: [{ name: "Set", type: "n8n-nodes-base.set", parameters }] })
    return validate(read).map(({ code, path }) => [code, path])
  }

  it("finds fields without a name and JSON that is none", () => {
    expect(check(fieldsOf(typed("a", "b")))).toEqual([])
    expect(check(fieldsOf(typed("", "b"), { value: 1 }))).toEqual([
      ["SETTING_MISSING", "nodes[0].parameters.assignments.assignments[0]"],
      ["SETTING_MISSING", "nodes[0].parameters.assignments.assignments[1]"],
    ])
    expect(check({ mode: "raw", jsonOutput: "[1]" })).toEqual([["SETTING_INVALID", "nodes[0].parameters.jsonOutput"]])
    expect(check({ mode: "raw", jsonOutput: "={{ 1 }}" })).toEqual([])
  })

  it.each<JsonObject>([
    { assignments: 5 },
    { assignments: { assignments: { a: 1 } } },
    { assignments: { assignments: [null, 5, []] } },
    { fields: [], values: "x", mode: {}, include: 5 },
  ])("and running bear settings of any shape: %j", (parameters) => {
    expect(() => check(parameters)).not.toThrow()
    expect(run({ parameters }, {}).status).toBe("success")
  })
})
