/** The door of the room: values with expressions anywhere inside, checks without running, budgets. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are expressions

import { describe, expect, test } from "vitest"
import type { JsonValue } from "../../json.ts"
import { TEST_NOW_MS, type TestPlace, testScope } from "../../testing/expression-scope.ts"
import { ExpressionError } from "./errors.ts"
import { checkExpressions, isExpression, resolveParameter } from "./evaluate.ts"

const people = [
  { id: 1, name: "Ann", score: 10 },
  { id: 2, name: "Bob", score: 5 },
  { id: 3, name: "Cid", score: 7 },
]

function resolve(value: JsonValue, place: TestPlace = { items: people, itemIndex: 1 }): unknown {
  return resolveParameter(value, testScope(place))
}

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof ExpressionError) return error.code
    throw error
  }
  return "no error"
}

test("an expression is a text that begins with the equals sign", () => {
  expect(isExpression("={{ 1 }}")).toBe(true)
  expect(isExpression("=")).toBe(true)
  expect(isExpression("")).toBe(false)
  expect(isExpression(" =1")).toBe(false)
})

describe("a value", () => {
  test("without expressions is given back as it is", () => {
    const value = { a: [1, "x", { b: null }], c: "{{ 1 }}" }
    expect(resolve(value)).toBe(value)
    expect(resolve(null)).toBeNull()
    expect(resolve(5)).toBe(5)
    expect(resolve(false)).toBe(false)
    expect(resolve("text")).toBe("text")
  })

  test("has the expressions inside of it resolved, in lists and objects, and the rest shared", () => {
    const rest = { deep: [1, 2] }
    const value = { list: ["={{ $json.id }}", "plain", { x: "=#{{ $json.name }}" }], rest, gone: "={{ $json.nope }}" }
    const resolved = resolve(value) as typeof value
    expect(resolved).toEqual({ list: [2, "plain", { x: "#Bob" }], rest, gone: undefined })
    expect(resolved.rest).toBe(rest)
    expect(Object.keys(resolved)).toEqual(["list", "rest", "gone"])
    expect(value.list[0]).toBe("={{ $json.id }}")
  })

  test("is resolved anew for each item", () => {
    const value = { name: "={{ $json.name }}", at: "={{ $itemIndex }}" }
    expect(people.map((_person, itemIndex) => resolve(value, { items: people, itemIndex }))).toEqual([
      { name: "Ann", at: 0 },
      { name: "Bob", at: 1 },
      { name: "Cid", at: 2 },
    ])
  })

  test("keeps keys that look like expressions, and drops a key that would be a prototype", () => {
    expect(resolve({ "={{ 1 }}": "={{ 1 }}" })).toEqual({ "={{ 1 }}": 1 })
    const hostile = JSON.parse('{"__proto__": {"polluted": "={{ 1 }}"}, "a": "={{ 1 }}"}') as JsonValue
    expect(Object.keys(resolve(hostile) as object)).toEqual(["a"])
  })

  test("that is nested too deeply is refused", () => {
    let value: JsonValue = "={{ 1 }}"
    for (let level = 0; level < 5_000; level++) value = [value]
    expect(codeOf(() => resolve(value))).toBe("EXPRESSION_LIMIT")
  })

  test("that is wrong is refused each time, with a message for its author", () => {
    const value = { a: "={{ $json. }}" }
    for (const turn of [1, 2]) {
      expect(
        codeOf(() => resolve(value)),
        `turn ${turn}`,
      ).toBe("EXPRESSION_ERROR")
      expect(
        codeOf(() => resolve("={{ $json. }}")),
        `turn ${turn}`,
      ).toBe("EXPRESSION_ERROR")
    }
    expect(() => resolve(value)).toThrow(/syntax error at line 1, column 9/)
  })
})

describe("what a run hands in", () => {
  test.each<[string, unknown]>([
    ["$json.name", "Bob"],
    ["$input.item.json.name", "Bob"],
    ["$input.first().json.name", "Ann"],
    ["$input.last().json.name", "Cid"],
    ["$input.all().length", 3],
    ["$input.all().map((i) => i.json.name).join('-')", "Ann-Bob-Cid"],
    ["$input.all()[$itemIndex - 1].json.name", "Ann"],
    ["$input.item.pairedItem.item", 1],
    ["$itemIndex + $runIndex", 1],
    ["$items().length", 3],
    ["$workflow.name", "My workflow é"],
    ["$workflow.active", false],
    ["typeof $workflow.id + typeof $execution.id + typeof $execution.resumeUrl", "stringstringstring"],
    ["$execution.mode", "test"],
    ["$prevNode.name", "Start"],
    ["$vars", {}],
    ["$vars.NOPE", undefined],
    ["$env.HOME", undefined],
    ["$nodeVersion", 3.4],
    ["$nodeId", "n1"],
    ["$binary", {}],
    ["$parameter.mode", "raw"],
  ])("%s", (expression, value) => {
    const place = { items: people, itemIndex: 1, parameters: { mode: "raw" } }
    expect(resolve(`={{ ${expression} }}`, place)).toEqual(value)
  })

  test("time and chance are the run's own", () => {
    const time = "={{ [new Date().toISOString(), Date.now(), +new Date(), Math.random(), Math.random()] }}"
    const expected = [new Date(TEST_NOW_MS).toISOString(), TEST_NOW_MS, TEST_NOW_MS, 0, 0.1]
    expect(resolve(time)).toEqual(expected)
    expect(resolve(time)).toEqual(expected)
  })

  test("local time is that of the run's zone", () => {
    const place = { timeZone: "Asia/Tokyo", nowMs: Date.UTC(2024, 0, 1, 20) }
    expect(resolve("={{ new Date().getDate() }}", place)).toBe(2)
    expect(resolve("={{ new Date(2024, 0, 1).toISOString() }}", place)).toBe("2023-12-31T15:00:00.000Z")
    expect(resolve("={{ new Date('2024-01-01T00:00').getTimezoneOffset() }}", place)).toBe(-540)
    expect(resolve("={{ String(new Date(0)) }}", place)).toBe("Thu Jan 01 1970 09:00:00 GMT+0900 (Japan Standard Time)")
    expect(resolve("={{ new Date(0).toLocaleString() }}", place)).toBe("1/1/1970, 9:00:00 AM")
    const lapse = { timeZone: "Europe/Berlin" }
    expect(resolve("={{ new Date(2024, 2, 31, 2, 30).toISOString() }}", lapse)).toBe("2024-03-31T01:30:00.000Z")
    expect(resolve("={{ new Date(2024, 9, 27, 12).toISOString() }}", lapse)).toBe("2024-10-27T11:00:00.000Z")
    expect(resolve("={{ new Date(0).getHours() }}", { timeZone: "No/Where" })).toBeNull()
  })

  test("a date changes only where the expression made it", () => {
    expect(resolve("={{ (() => { const d = new Date(0); d.setUTCDate(5); return d })() }}")).toBe(
      "1970-01-05T00:00:00.000Z",
    )
    expect(resolve("={{ new Date(new Date(0).setHours(25, 30)).toISOString() }}")).toBe("1970-01-02T01:30:00.000Z")
  })
})

describe("another node", () => {
  const place: TestPlace = {
    items: people,
    itemIndex: 1,
    nodes: {
      Data: { items: people, lineage: [2, 1, 0], params: { keep: "lastItems" } },
      Later: {},
      "A 'b'": { items: [] },
    },
  }

  test.each<[string, unknown]>([
    ["$('Data').item.json.name", "Bob"],
    ["$('Data').itemMatching(0).json.name", "Cid"],
    ["$('Data').pairedItem(2).json.name", "Ann"],
    ["$('Data').first().json.name", "Ann"],
    ["$('Data').last().json.name", "Cid"],
    ["$('Data').all()[2].json.name", "Cid"],
    ["$('Data').all()[$itemIndex + 5]?.json.name ?? 'end'", "end"],
    ["$('Data').params.keep", "lastItems"],
    ["$('Data').isExecuted", true],
    ["$('Later').isExecuted", false],
    ["$('Later').isExecuted ? $('Later').first() : 'guarded'", "guarded"],
    ["$node['Data'].json.name", "Bob"],
    ["$node.Data.json.name", "Bob"],
    ["$node['Data'].parameter.keep", "lastItems"],
    ["$node['Data'].runIndex", 0],
    ["$('Data').context.noItemsLeft", undefined],
    ["$node['Data'].context", {}],
    ["$items('Data').length", 3],
    ["$items('Data')[0].json.id", 1],
    ["$(`Data`).first().json.id", 1],
    ["$(\"A 'b'\").first()", undefined],
    ["$('Da' + 'ta').first().json.id", 1],
  ])("is read by %s", (expression, value) => {
    expect(resolve(`={{ ${expression} }}`, place)).toEqual(value)
  })

  test.each([
    "$('Later').first().json.x",
    "$('Later')?.first()?.json?.x",
    "$('Later').all()",
    "$('Later').item",
    "$('Nobody').isExecuted",
    "$('Nobody')",
    "$node['Nobody'].json",
    "$items('Later')",
    "(() => { try { return $('Later').first() } catch { return 1 } })()",
    "$(\"A 'b'\").item",
    "$node[\"A 'b'\"].json",
  ])("fails the node where it is not there: %s", (expression) => {
    expect(codeOf(() => resolve(`={{ ${expression} }}`, place))).toBe("EXPRESSION_ERROR")
    expect(codeOf(() => resolve(`=text {{ ${expression} }}`, place))).toBe("EXPRESSION_ERROR")
  })
})

describe("small choices", () => {
  test.each<[string, unknown]>([
    ["$if(1 > 0, 'yes', 'no')", "yes"],
    ["$if(false, 1)", false],
    ["$ifEmpty('', 'fallback')", "fallback"],
    ["$ifEmpty(0, 9)", 0],
    ["$ifEmpty(false, 9)", false],
    ["$ifEmpty([], 'none')", "none"],
    ["$ifEmpty({}, 'obj')", "obj"],
    ["$ifEmpty(null, 'was null')", "was null"],
    ["$ifEmpty(undefined, 1)", 1],
    ["$min(3, 1, 2)", 1],
    ["$max(3, 1, 2)", 3],
    ["$max([4, 9])", 9],
    ["$sum(1, 2, 3)", 6],
    ["$average(1, 2, 6)", 3],
    ["$not(true)", false],
  ])("%s", (expression, value) => {
    expect(resolve(`={{ ${expression} }}`)).toEqual(value)
  })

  test("$fromAI is for tools that a model calls", () => {
    expect(codeOf(() => resolve("={{ $fromAI('city') }}"))).toBe("EXPRESSION_ERROR")
    const scope = { ...testScope(), fromAi: (key: string) => (key === "city" ? "Rome" : undefined) }
    expect(resolveParameter("={{ $fromAI('city', 'where to', 'string') }}", scope)).toBe("Rome")
    expect(resolveParameter("={{ $fromAi('country', '', 'string', 'Italy') }}", scope)).toBe("Italy")
  })
})

describe("work", () => {
  test("is counted together where expressions share a budget", () => {
    const work = { stepsLeft: 40_000 }
    const scope = { ...testScope({ items: people }), work }
    const loop = "={{ (() => { let s = 0; for (let i = 0; i < 1000; i++) s += i; return s })() }}"
    expect(resolveParameter(loop, scope)).toBe(499_500)
    const used = 40_000 - work.stepsLeft
    expect(used).toBeGreaterThan(1_000)
    let turns = 1
    while (codeOf(() => resolveParameter(loop, scope)) === "no error") turns++
    expect(turns).toBe(Math.floor(40_000 / used))
    expect(work.stepsLeft).toBeLessThan(used)
    expect(resolveParameter("={{ $json.name }}", scope)).toBe("Ann")
    expect(codeOf(() => resolveParameter(loop, scope))).toBe("EXPRESSION_LIMIT")
  })

  test("of compiling is done once for one execution, for right and for wrong expressions", () => {
    const templates = new Map()
    const scope = { ...testScope({ items: people }), work: { stepsLeft: 1_000_000, templates } }
    for (const turn of [1, 2]) {
      expect(resolveParameter("={{ $json.id + 1 }}", scope), `turn ${turn}`).toBe(2)
      expect(
        codeOf(() => resolveParameter("={{ $json.id + }}", scope)),
        `turn ${turn}`,
      ).toBe("EXPRESSION_ERROR")
    }
    expect([...templates.keys()]).toEqual(["={{ $json.id + 1 }}", "={{ $json.id + }}"])
  })

  test("costs the same the first time and the hundredth", () => {
    const costs = new Set<number>()
    const expression = "={{ $json.name.replace(new RegExp('n+', 'g'), 'm') + (1234.5).toLocaleString('de') }}"
    for (let turn = 0; turn < 100; turn++) {
      const work = { stepsLeft: 1_000_000 }
      expect(resolveParameter(expression, { ...testScope({ items: people }), work })).toBe("Am1.234,5")
      costs.add(work.stepsLeft)
    }
    expect(costs.size).toBe(1)
  })
})

describe("a check", () => {
  const known = { hasNode: (name: string) => name === "Data" }

  test("finds nothing wrong with what is right", () => {
    expect(checkExpressions({ a: "={{ $('Data').item.json.x }}", b: ["x", 1, null] }, known)).toEqual([])
    expect(checkExpressions("={{ $(name).first() }} {{ nope.x.y }}", known)).toEqual([])
    expect(checkExpressions("{{ $json. }}", known)).toEqual([])
  })

  test("tells where which expression is wrong, and how", () => {
    const faults = checkExpressions(
      { list: [{ value: "={{ $json. }}" }, { value: "fine" }], deep: { er: "=a {{ }} b" }, c: "={{ ''.constructor }}" },
      known,
    )
    expect(faults.map(({ path, reason, code }) => [path, reason, code])).toEqual([
      ["list.0.value", "invalid", "EXPRESSION_ERROR"],
      ["deep.er", "invalid", "EXPRESSION_ERROR"],
      ["c", "invalid", "EXPRESSION_ERROR"],
    ])
    expect(faults[0]?.message).toContain("line 1, column 9")
    expect(faults[2]?.message).toContain("constructor")
  })

  test("tells of nodes that are named and not there", () => {
    const value = {
      a: "={{ $('Data').first().json.x + $('Dta').first().json.x }}",
      b: '={{ $node["Old"].json.x }} {{ $node.Other.json }}',
      c: "={{ $items('Gone').length }} {{ $(`Data`).all() }}",
    }
    const faults = checkExpressions(value, known)
    expect(faults.map(({ path, reason, nodeName }) => [path, reason, nodeName])).toEqual([
      ["a", "unknown node", "Dta"],
      ["b", "unknown node", "Old"],
      ["b", "unknown node", "Other"],
      ["c", "unknown node", "Gone"],
    ])
  })

  test("tells of what would be too much", () => {
    const faults = checkExpressions(
      [`={{ ${"[".repeat(500)}${"]".repeat(500)} }}`, "={{ /(a{900}){900}/.test('') }}"],
      known,
    )
    expect(faults.map(({ path, code }) => [path, code])).toEqual([
      ["0", "EXPRESSION_LIMIT"],
      ["1", "EXPRESSION_LIMIT"],
    ])
  })
})
