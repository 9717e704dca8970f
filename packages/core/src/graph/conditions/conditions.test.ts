import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { runInMemory } from "../../testing/memory-run.ts"
import { recordedTables } from "../../testing/recorded.ts"
import { checkFilter } from "./conditions.ts"

type Options = {
  readonly typeValidation?: "strict" | "loose"
  readonly caseSensitive?: boolean
  readonly combinator?: string
}
type Rule = { readonly left: JsonValue; readonly right?: JsonValue; readonly operator: JsonObject }

/** Whether an item passes an If with these conditions; the code of the failure where it fails. */
function judge(json: JsonObject, rules: readonly Rule[], options: Options = {}): boolean | string {
  const { typeValidation = "strict", caseSensitive = true, combinator = "and" } = options
  const conditions = {
    options: { caseSensitive, typeValidation, version: 2 },
    combinator,
    conditions: rules.map(({ left, right, operator }) => ({ leftValue: left, rightValue: right ?? "", operator })),
  }
  const node = { name: "If", type: "n8n-nodes-base.if", typeVersion: 2.2, parameters: { conditions } }
  const outcome = runInMemory({ definition: { nodes: [node] }, start: "If", items: [{ json }] })
  if (outcome.error !== null) return outcome.error.code
  return outcome.nodes.If?.[0]?.outputs[0]?.length === 1
}

const operator = (type: string, operation: string, rightType?: string): JsonObject => ({
  type,
  operation,
  ...(rightType === undefined ? {} : { rightType }),
})

describe("a recorded truth table", () => {
  const rules = recordedTables.flatMap((table) => table.rules.map((rule) => ({ table, rule })))

  it.each(rules.map(({ table, rule }) => [table.title, rule.name, { table, rule }] as const))(
    "is kept: %s, %s",
    (_title, _name, { table, rule }) => {
      const { typeValidation, left, right, holds } = rule
      expect(judge(table.item, [{ left, right, operator: rule.operator }], { typeValidation })).toBe(holds)
    },
  )

  it("has sixty-one rules in all", () => {
    expect(rules).toHaveLength(61)
  })
})

describe("a value that is there or not", () => {
  it.each([
    ["null", null, false, true],
    ["what is missing", undefined, false, true],
    ["an empty text", "", true, true],
    ["a text", "x", true, false],
    ["0", 0, true, false],
    ["false", false, true, false],
    ["an empty list", [], true, true],
    ["a list", [1], true, false],
    ["an empty object", {}, true, true],
    ["an object", { a: 1 }, true, false],
  ] as const)("%s", (...[, value, exists, empty]) => {
    const json: JsonObject = value === undefined ? {} : { v: value }
    const left = "={{ $json.v }}"
    const type = Array.isArray(value) ? "array" : value === null || value === undefined ? "string" : typeof value
    expect(judge(json, [{ left, operator: operator(type, "exists") }])).toBe(exists)
    expect(judge(json, [{ left, operator: operator(type, "notExists") }])).toBe(!exists)
    expect(judge(json, [{ left, operator: operator(type, "empty") }])).toBe(empty)
    expect(judge(json, [{ left, operator: operator(type, "notEmpty") }])).toBe(!empty)
  })

  it("can be asked of a value of any type, but for emptiness, which asks for the type", () => {
    const left = "={{ $json.v }}"
    expect(judge({ v: "text" }, [{ left, operator: operator("number", "exists") }])).toBe(true)
    expect(judge({ v: "text" }, [{ left, operator: operator("array", "empty") }])).toBe("NODE_SETTINGS_INVALID")
  })
})

describe("case", () => {
  it("counts, unless the filter says that it does not: for texts, patterns and texts in lists", () => {
    const rules: [JsonValue, JsonValue, JsonObject][] = [
      ["Ann", "ANN", operator("string", "equals")],
      ["Ann", "aNN", operator("string", "contains")],
      ["Ann", "AN", operator("string", "startsWith")],
      ["Ann", "NN", operator("string", "endsWith")],
      ["Ann", "^aN", operator("string", "regex")],
      ["={{ ['Ann'] }}", "ANN", operator("array", "contains", "any")],
    ]
    for (const [left, right, op] of rules) {
      expect(judge({}, [{ left, right, operator: op }]), JSON.stringify(op)).toBe(false)
      expect(judge({}, [{ left, right, operator: op }], { caseSensitive: false }), JSON.stringify(op)).toBe(true)
    }
  })

  it("of a class in a pattern is left alone where case does not count", () => {
    expect(
      judge({}, [{ left: "7", right: "^\\D$", operator: operator("string", "regex") }], { caseSensitive: false }),
    ).toBe(false)
  })
})

describe("several conditions", () => {
  const yes: Rule = { left: "a", right: "a", operator: operator("string", "equals") }
  const no: Rule = { left: "a", right: "b", operator: operator("string", "equals") }
  const wrong: Rule = { left: "={{ 5 }}", right: "a", operator: operator("string", "equals") }

  it.each([
    [[], "and", true],
    [[], "or", true],
    [[yes, yes], "and", true],
    [[yes, no], "and", false],
    [[no, yes], "or", true],
    [[no, no], "or", false],
    [[no, yes], "neither word", false],
  ] as const)("%j joined by %s: %s", (rules, combinator, expected) => {
    expect(judge({}, rules, { combinator })).toBe(expected)
  })

  it("are compared until the answer is known, so that a wrong type after it does not fail", () => {
    expect(judge({}, [yes, wrong], { combinator: "or" })).toBe(true)
    expect(judge({}, [no, wrong])).toBe(false)
    expect(judge({}, [wrong, yes], { combinator: "or" })).toBe("NODE_SETTINGS_INVALID")
  })

  it("all have their expressions resolved, so that a failing one fails whatever the others say", () => {
    const failing: Rule = { left: "={{ $('Nope').first() }}", right: "a", operator: operator("string", "equals") }
    expect(judge({}, [yes, failing], { combinator: "or" })).toBe("EXPRESSION_ERROR")
  })
})

describe("strict types", () => {
  it.each([
    ["a text as number", "5", "number", "gt"],
    ["a number as text", "={{ 5 }}", "string", "equals"],
    ["a text as truth", "true", "boolean", "true"],
    ["a number as truth", "={{ 1 }}", "boolean", "true"],
    ["JSON text as list", "[1]", "array", "notEmpty"],
    ["a list as object", "={{ [1] }}", "object", "notEmpty"],
    ["no date", "tomorrow", "dateTime", "after"],
  ])("refuse %s", (...[, left, type, operation]) => {
    expect(judge({}, [{ left, right: "={{ 1 }}", operator: operator(type, operation) }])).toBe("NODE_SETTINGS_INVALID")
  })

  it("ask for a list on the right of a list operator that does not say another type", () => {
    const left = "={{ ['a'] }}"
    expect(judge({}, [{ left, right: "a", operator: operator("array", "contains") }])).toBe("NODE_SETTINGS_INVALID")
  })

  it("never refuse a missing left value, a NaN among them", () => {
    for (const left of ["={{ $json.nothing }}", "={{ null }}", "={{ NaN }}"]) {
      expect(judge({}, [{ left, right: "={{ 1 }}", operator: operator("number", "lt") }])).toBe(false)
      expect(judge({}, [{ left, right: "={{ 1 }}", operator: operator("number", "notEquals") }])).toBe(true)
    }
  })
})

describe("loose types", () => {
  it.each([
    ["12 as text is a number", "={{ '12' }}", "={{ 12 }}", operator("number", "equals"), true],
    ["blanks around a number", "={{ ' 12 ' }}", "={{ 12 }}", operator("number", "equals"), true],
    ["an object as text is its JSON", "={{ {a: 1} }}", '{"a":1}', operator("string", "equals"), true],
    ["no is false", "no", "", operator("boolean", "false"), true],
    ["0 is false", "={{ 0 }}", "", operator("boolean", "false"), true],
    ["true equals its word", "={{ true }}", "TRUE", operator("boolean", "equals"), true],
    ["a list as text has its length", "[1,2,3]", "3", operator("array", "lengthEquals", "number"), true],
  ] as const)("%s", (...[, left, right, op, holds]) => {
    expect(judge({}, [{ left, right, operator: op }], { typeValidation: "loose" })).toBe(holds)
  })

  it.each([
    ["a word as number", "x", "number", "gt"],
    ["infinity as number", "Infinity", "number", "gt"],
    ["another word as truth", "maybe", "boolean", "true"],
    ["broken JSON as list", "[1,", "array", "notEmpty"],
    ["a list's JSON as object", "[1]", "object", "notEmpty"],
  ])("still refuse %s", (...[, left, type, operation]) => {
    const rule = { left, right: "={{ 1 }}", operator: operator(type, operation) }
    expect(judge({}, [rule], { typeValidation: "loose" })).toBe("NODE_SETTINGS_INVALID")
  })
})

describe("dates", () => {
  const same = (left: JsonValue, right: JsonValue): boolean | string =>
    judge({}, [{ left, right, operator: operator("dateTime", "equals") }])

  it("are instants, however they are written", () => {
    expect(same("2024-05-10T12:00:00Z", "2024-05-10T14:00:00+02:00")).toBe(true)
    expect(same("2024-05-10T12:00:00.5Z", "2024-05-10 12:00:00,500z")).toBe(true)
    expect(same("Fri, 10 May 2024 12:00:00 GMT", "2024-05-10T12:00:00Z")).toBe(true)
    expect(same("={{ 1715342400000 }}", "2024-05-10T12:00:00Z")).toBe(true)
    expect(same("2024-05-10", "2024-05-10T00:00:00+0000")).toBe(true)
  })

  it("without a zone are local to the workflow's time zone, not to that of the process", () => {
    const conditions = {
      options: { caseSensitive: true, typeValidation: "strict" },
      combinator: "and",
      conditions: [
        { leftValue: "2024-07-01T12:00", rightValue: "2024-07-01T10:00:00Z", operator: operator("dateTime", "equals") },
      ],
    }
    const node = { name: "If", type: "n8n-nodes-base.if", typeVersion: 2.2, parameters: { conditions } }
    const definition = { nodes: [node], settings: { timezone: "Europe/Berlin" } }
    expect(runInMemory({ definition, start: "If" }).nodes.If?.[0]?.outputs[0]).toHaveLength(1)
  })

  it.each(["2024-02-30", "2024-13-01", "10.5.2024", "5", "", "2024-05-10T25:00:00Z"])("%j is none", (text) => {
    expect(same(text, "2024-05-10")).toBe("NODE_SETTINGS_INVALID")
  })
})

describe("patterns", () => {
  const matches = (left: string, right: string): boolean | string =>
    judge({}, [{ left, right, operator: operator("string", "regex") }])

  it("are a source, or a source with flags between slashes", () => {
    expect(matches("a\nb", "/^b$/m")).toBe(true)
    expect(matches("a\nb", "^b$")).toBe(false)
    expect(matches("a/b", "a/b")).toBe(true)
    expect(matches("HELLO", "/hello/i")).toBe(true)
  })

  it("that are broken fail the node, and so do those that the linear engine refuses", () => {
    expect(matches("a", "(")).toBe("NODE_SETTINGS_INVALID")
    expect(matches("a", "(?<=a)b")).toBe("EXPRESSION_ERROR")
  })

  it("cannot hold up the process", () => {
    expect(matches(`${"a".repeat(50_000)}!`, "^(a+)+$")).toBe(false)
  })
})

describe("checking a filter", () => {
  const place = { node: "If", path: "nodes[0].parameters.conditions" }

  it("finds operators that are none, each at its place", () => {
    const filter = {
      conditions: [
        { operator: operator("string", "equals") },
        { operator: operator("string", "resembles") },
        { operator: operator("colour", "equals") },
        "no condition",
        {},
      ],
    }
    expect(checkFilter(filter, place).map(({ code, severity, path }) => [code, severity, path])).toEqual([
      ["SETTING_INVALID", "error", "nodes[0].parameters.conditions.conditions[1]"],
      ["SETTING_INVALID", "error", "nodes[0].parameters.conditions.conditions[2]"],
      ["SETTING_INVALID", "error", "nodes[0].parameters.conditions.conditions[3]"],
    ])
  })

  it.each([undefined, null, 5, "x", [], {}, { conditions: "x" }])("says that %j has none", (filter) => {
    expect(checkFilter(filter, place)).toMatchObject([{ code: "SETTING_MISSING", severity: "warning" }])
  })
})
