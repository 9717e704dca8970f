/** `$jmespath`: the meaning of the library, our own evaluation, and its bounds. */

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are expressions
import jmespath from "jmespath"
import { describe, expect, test } from "vitest"
import type { JsonObject } from "../../json.ts"
import { testScope } from "../../testing/expression-scope.ts"
import { ExpressionError } from "./errors.ts"
import { resolveParameter } from "./evaluate.ts"

const DATA: JsonObject = {
  people: [
    { name: "Bob", age: 20, other: "foo", tags: ["a", "b"] },
    { name: "Fred", age: 25, other: "bar", tags: [] },
    { name: "George", age: 30, other: "baz", tags: ["c"] },
  ],
  nested: { a: { x: 1, y: [1, [2, [3]]] }, b: { x: 2 } },
  "odd key": 5,
  text: "hello world",
  numbers: [3, 1, 2],
  words: ["b", "c", "a"],
  none: null,
  yes: true,
}

function libraryOutcome(query: string): unknown {
  try {
    const found: unknown = jmespath.search(DATA, query)
    return found ?? null
  } catch {
    return null
  }
}

function evaluate(query: string): unknown {
  return resolveParameter(`={{ $jmespath($json, ${JSON.stringify(query)}) }}`, testScope({ items: [DATA] }))
}

function failureOf(expression: string): string {
  try {
    return `no failure: ${JSON.stringify(resolveParameter(`={{ ${expression} }}`, testScope({ items: [DATA] })))}`
  } catch (error) {
    return error instanceof ExpressionError ? error.code : `not ours: ${String(error)}`
  }
}

test.each([
  "people[*].name",
  "people[0].name",
  "people[-1].age",
  "people[9]",
  "people[0:2].name",
  "people[::-1].name",
  "people[::2].name",
  "people[5:1:-2].name",
  "people[?age > `20`].name",
  "people[?age > `20`].[name, age]",
  "people[?age > `20`].name | [0]",
  "people[?age >= `25` && other == 'bar'].name",
  "people[?age < `25` || other != 'bar'].name",
  "people[?!(name == 'Bob')].name",
  "people[?tags].name",
  "people[].tags[]",
  "people[*].tags[]",
  "people[*].{n: name, a: age}",
  "nested.*.x",
  "nested.a.y[]",
  "nested.a.y[][]",
  "nested.a.nope.deeper",
  '"odd key"',
  "nope",
  "none",
  "none.x",
  "text.x",
  "@",
  '`[1, {"a": 2}]`',
  "'raw'",
  "length(people)",
  "length(text)",
  "length(nested)",
  "keys(nested)",
  "values(nested)",
  "sort(numbers)",
  "sort(words)",
  "sort_by(people, &age)[*].name",
  "sort_by(people, &name)[-1].name",
  "max(numbers)",
  "min(words)",
  "max_by(people, &age).name",
  "min_by(people, &age).name",
  "sum(numbers)",
  "avg(numbers)",
  "abs(`-3`)",
  "ceil(`1.2`)",
  "floor(`1.8`)",
  "join('-', words)",
  "contains(text, 'world')",
  "contains(numbers, `2`)",
  "starts_with(text, 'hello')",
  "ends_with(text, 'world')",
  "reverse(numbers)",
  "reverse(text)",
  "map(&age, people)",
  "merge(nested.a, nested.b)",
  "not_null(none, nope, text)",
  "to_array(text)",
  "to_array(numbers)",
  "to_string(numbers)",
  "to_number('12')",
  "to_number('x')",
  "type(people)",
  "type(none)",
  "people[?contains(tags, 'c')].name",
  "people[*].age | sum(@)",
  "[people[0].name, nested.a.x]",
  "{first: people[0].name, all: length(people)}",
  "people[*].[name, age][]",
  "yes && text",
  "none || 'fallback'",
  "!none",
  "nested.a == nested.a",
  "nested.a == nested.b",
  "numbers == `[3, 1, 2]`",
  "sum(words)",
  "nope(numbers)",
  "sort_by(people, &tags)",
  "length()",
  "people[",
  "a b",
  "=",
  "people[?",
  "",
  "constructor",
  "toString",
  "nested.constructor.name",
  "people[0].hasOwnProperty",
])("a query finds what the library finds: %s", (query) => {
  const expected = libraryOutcome(query)
  // Prototypes are no part of the data, whatever the library says.
  expect(evaluate(query)).toEqual(typeof expected === "function" ? null : JSON.parse(JSON.stringify(expected)))
})

describe("a query", () => {
  test("reads lists and whatever else it is handed, and nothing behind it", () => {
    const scope = testScope({ items: [DATA] })
    expect(resolveParameter("={{ $jmespath($json.people, '[*].age') }}", scope)).toEqual([20, 25, 30])
    expect(resolveParameter("={{ $jmespath(undefined, 'a') }}", scope)).toBeNull()
    expect(resolveParameter("={{ $jmespath('text', 'length(@)') }}", scope)).toBe(4)
    expect(
      resolveParameter("={{ $jmespath({ f: () => 1, d: new Date(0), n: $now }, '[f.x, d.x, n.x]') }}", scope),
    ).toEqual([null, null, null])
    expect(resolveParameter("={{ $jmespath($json, 'to_array(&a)')[0].find }}", scope)).toBeUndefined()
    expect(resolveParameter("={{ $jmespath($json, 'not_null(&a)') }}", scope) ?? null).toBeNull()
    expect(resolveParameter("={{ $jmespath($json, 'nested') === $json.nested }}", scope)).toBe(true)
    expect(resolveParameter("={{ $jmespath($json) }}", scope)).toBeNull()
    expect(resolveParameter("={{ $jmespath($json, '__proto__') }}", scope)).toBeNull()
    expect(resolveParameter("={{ $jmespath({}, '{\"__proto__\": `1`, a: `2`}') }}", scope)).toEqual({ a: 2 })
  })

  test.each([
    "$jmespath($json, `[@, @]${' | [@, @]'.repeat(60)} | to_string(@)`)",
    "$jmespath([1], `@${' | [@, @][]'.repeat(60)}`)",
    "$jmespath($json, `a${'.a'.repeat(1000)}`)",
    "$jmespath($json, 'a'.repeat(6000))",
    "$jmespath($json, `${'{a: @, b: @} | '.repeat(60)}@`)",
    "$jmespath([...Array(3000).keys()], '[?[*] == `1`]').length + $jmespath([...Array(3000).keys()], '[*] | map(&sort([`1`, `2`]), @)').map((x) => $jmespath([...Array(3000).keys()], 'sort(@)'))",
  ])("is bounded: %s", (expression) => {
    expect(failureOf(expression)).toBe("EXPRESSION_LIMIT")
  })
})
