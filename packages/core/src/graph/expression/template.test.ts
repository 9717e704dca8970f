/** Texts with expressions in them: where an expression begins and ends, and what the parts give together. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are expressions

import { describe, expect, test } from "vitest"
import { testScope } from "../../testing/expression-scope.ts"
import { ExpressionError } from "./errors.ts"
import { resolveParameter } from "./evaluate.ts"

const item = {
  name: "Ada",
  age: 36,
  ok: true,
  none: null,
  zero: 0,
  no: false,
  empty: "",
  tags: ["x", ["y", null]],
  address: { city: "London" },
}

function resolve(text: string): unknown {
  return resolveParameter(text, testScope({ items: [item] }))
}

function refusal(text: string): ExpressionError {
  try {
    resolve(text)
  } catch (error) {
    if (error instanceof ExpressionError) return error
    throw error
  }
  throw new Error(`Nothing was refused: ${text}`)
}

describe("a text", () => {
  test.each([
    ["plain", "plain"],
    ["{{ $json.name }}", "{{ $json.name }}"],
    [" ={{ $json.name }}", " ={{ $json.name }}"],
    ["=", ""],
    ["=plain", "plain"],
    ["==x", "=x"],
    ["=a } b { c", "a } b { c"],
    ["=a }} b", "a }} b"],
    ["=cost: ${{ $json.age }}", "cost: $36"],
    ["={{ $json.name }} {{ $json.age }}", "Ada 36"],
    ["={{ $json.name }}{{ $json.age }}", "Ada36"],
    ["=  {{ $json.age }}", "  36"],
    ["={{ $json.age }} ", "36 "],
    ["=\n{{ $json.age }}", "\n36"],
    ["=a{{'b'}}c{{'d'}}e", "abcde"],
  ])("%j gives the text %j", (text, expected) => {
    expect(resolve(text)).toBe(expected)
  })

  test.each([
    ["$json.age", "36"],
    ["$json.ok", "true"],
    ["$json.none", ""],
    ["$json.missing", ""],
    ["$json.missing.deeper", ""],
    ["$json.none.x", ""],
    ["$json.zero", "0"],
    ["$json.no", "false"],
    ["$json.empty", ""],
    ["0 / 0", ""],
    ["1 / 0", "Infinity"],
    ["-0", "0"],
    ["$json.tags", "x,y,"],
    ["$json.address", "[object Object]"],
    ["[$json.address, null, [1, [2]]]", "[object Object],,1,2"],
    ["new Date('2024-05-01T08:30:00Z')", "Wed May 01 2024 08:30:00 GMT+0000 (Coordinated Universal Time)"],
    ["new Map([[1, 2]])", "[object Map]"],
    ["/a/g", "/a/g"],
    ["new Error('x')", "Error: x"],
    ["(() => { throw 1 })()", ""],
  ])("has %s inserted as %j", (expression, inserted) => {
    expect(resolve(`=<{{ ${expression} }}>`)).toBe(`<${inserted}>`)
  })

  test("goes on with the next expression after one that failed", () => {
    expect(resolve("={{ nope }}-{{ null.x }}-{{ $json.name }}")).toBe("--Ada")
  })

  test("shares its bounds among its expressions", () => {
    const half = "{{ 'a'.repeat(3000000).length }}"
    expect(resolve(`=${half}.${half}`)).toBe("3000000.3000000")
    expect(refusal(`=${half.repeat(8)}`).code).toBe("EXPRESSION_LIMIT")
    expect(refusal("={{ 'a'.repeat(3000000) }}{{ 'b'.repeat(3000000) }}").code).toBe("EXPRESSION_LIMIT")
  })
})

describe("an expression alone", () => {
  test.each([
    ["$json.age", 36],
    ["$json.ok", true],
    ["$json.none", null],
    ["$json.address", { city: "London" }],
    ["$json.tags", ["x", ["y", null]]],
    ["$json", item],
    ["$json.address.city", "London"],
    ["$json['address']['city']", "London"],
    ["$json.name.length", 3],
    ["$json.tags[1][0]", "y"],
    ["$json.tags.length", 2],
    ["$json.address.toString()", "[object Object]"],
    ["$json.missing.deeper", null],
    ["$json.none.deeper", null],
    ["$json.name.deeper.still", null],
  ])("keeps the type of %s", (expression, value) => {
    expect(resolve(`={{ ${expression} }}`)).toEqual(value)
    expect(resolve(`={{${expression}}}`)).toEqual(value)
    expect(resolve(`={{ (${expression}) }}`)).toEqual(value)
  })

  test("is undefined where a field is missing, and null where reading it failed", () => {
    expect(resolve("={{ $json.missing }}")).toBeUndefined()
    expect(resolve("={{ $json.missing?.deeper }}")).toBeUndefined()
    expect(resolve("={{ $json.missing.deeper }}")).toBeNull()
    expect(resolve("={{ nope }}")).toBeNull()
    expect(resolve("={{ (() => { throw new Error('x') })() }}")).toBeNull()
  })

  test("gives data that was not changed as it is, without a copy", () => {
    expect(resolve("={{ $json.address }}")).toBe(item.address)
    expect(resolve("={{ [$json.address][0] }}")).toBe(item.address)
  })

  test("gives only what JSON can say", () => {
    const expression =
      "{ d: new Date(0), bad: new Date(NaN), n: NaN, i: -1 / 0, z: -0, u: undefined, f: () => 1, l: [undefined, () => 1], " +
      "e: new Error('x'), r: /x/, m: new Map([[1, 2]]), s: new Set([1]), x: 'a'.match(/a/), h: $input }"
    expect(resolve(`={{ ${expression} }}`)).toStrictEqual({
      d: "1970-01-01T00:00:00.000Z",
      bad: null,
      n: null,
      i: null,
      z: 0,
      l: [null, null],
      e: {},
      r: {},
      m: {},
      s: {},
      x: ["a"],
      h: {},
    })
    expect(resolve("={{ new Date(0) }}")).toBe("1970-01-01T00:00:00.000Z")
    expect(resolve("={{ [1, , 3] }}")).toStrictEqual([1, null, 3])
  })

  test("may not be a function", () => {
    expect(refusal("={{ $json.name.trim }}").message).toContain("Call it")
    expect(refusal("={{ () => 1 }}").code).toBe("EXPRESSION_ERROR")
    expect(refusal("=a {{ Math.max }}").code).toBe("EXPRESSION_ERROR")
  })
})

describe("the end of an expression", () => {
  test("is the first pair of closing braces, wherever it stands", () => {
    expect(refusal("={{ {a:{b:1}} }}").code).toBe("EXPRESSION_ERROR")
    expect(refusal("={{ '}}' }}").code).toBe("EXPRESSION_ERROR")
    expect(resolve("={{ {a:{b:1} } }}")).toEqual({ a: { b: 1 } })
    expect(resolve("={{ '} }' }}")).toBe("} }")
  })

  test("is the end of the text where nothing closes it", () => {
    expect(resolve("={{ $json.name")).toBe("Ada")
    expect(resolve("=x {{ $json.name")).toBe("x Ada")
    expect(refusal("={{ $json.name }").code).toBe("EXPRESSION_ERROR")
  })

  test.each(["={{}}", "={{ }}", "=a{{}}b", "={{", "=a {{ ", "={{ ; }}", "={{ /* only a note */ }}", "={{ // note }}"])(
    "needs something before it: %j",
    (text) => {
      expect(refusal(text).code).toBe("EXPRESSION_ERROR")
    },
  )

  test.each([
    ["={{ $json.age; }}", 36],
    ["={{ $json.age ;; }}", 36],
    ["={{ 1, 2 }}", 2],
    ["={{ /* note */ $json.age /* end */ }}", 36],
    ["={{ $json.age // years }}", 36],
    ["={{\n  $json.tags\n    .length\n}}", 2],
    ["={{ { a: 1 } }}", { a: 1 }],
    ["={{ {} }}", {}],
    ["={{ (1) }}", 1],
    ["={{ ((1), (2)) }}", 2],
  ])("may follow a semicolon or a note: %j", (text, value) => {
    expect(resolve(text)).toEqual(value)
  })

  test.each(["={{ const x = 1; x + 1 }}", "={{ 1; 2 }}", "={{ 1 2 }}", "={{ $json. }}", "={{ ) }}", "={{ if (1) 2 }}"])(
    "may not follow a second statement or a mistake: %j",
    (text) => {
      expect(refusal(text).message).toContain("line 1, column")
    },
  )
})

describe("the bounds of a text", () => {
  test("are its length, the number of its expressions and the length of each", () => {
    expect(resolve(`=${"a".repeat(1_000_000)}`)).toHaveLength(1_000_000)
    expect(refusal(`=${"a".repeat(1_000_001)}`).code).toBe("EXPRESSION_LIMIT")
    expect(resolve(`=${"{{1}}".repeat(1_000)}`)).toBe("1".repeat(1_000))
    expect(refusal(`=${"{{1}}".repeat(1_001)}`).code).toBe("EXPRESSION_LIMIT")
    expect(resolve(`={{"${"a".repeat(32_764)}"}}`)).toHaveLength(32_764)
    expect(refusal(`={{"${"a".repeat(32_768)}"}}`).code).toBe("EXPRESSION_LIMIT")
  })

  test("hold for the code of its expressions together", () => {
    const part = `{{ "${"a".repeat(30_000)}".length }}`
    expect(resolve(`=${part.repeat(4)}`)).toBe("30000".repeat(4))
    expect(refusal(`=${part.repeat(5)}`).code).toBe("EXPRESSION_LIMIT")
  })

  test("hold for the regular expressions in it together", () => {
    const pattern = "{{ /a{900}/.test('a') }}"
    expect(resolve(`=${pattern.repeat(10)}`)).toBe("false".repeat(10))
    expect(refusal(`=${pattern.repeat(12)}`).code).toBe("EXPRESSION_LIMIT")
  })
})
