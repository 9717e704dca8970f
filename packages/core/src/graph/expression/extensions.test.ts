/** The methods that the language adds to values, as they are documented and as they were recorded. */

import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { testScope } from "../../testing/expression-scope.ts"
import { fromBase64, toBase64, utf8Bytes, utf8Text } from "./base64.ts"
import { md5, sha1, sha224, sha256 } from "./digests.ts"
import { sha3, sha384, sha512 } from "./digests-wide.ts"
import { ExpressionError } from "./errors.ts"
import { resolveParameter } from "./evaluate.ts"

const item = {
  none: null,
  name: "Ada Lovelace",
  tags: ["x", "y", "z"],
  people: [
    { name: "Nathan", age: 42 },
    { name: "Jan", city: "Berlin" },
  ],
  address: { city: "London", geo: { lat: 51.5 } },
}

function evaluate(expression: string): unknown {
  return resolveParameter(`={{ ${expression} }}`, testScope({ items: [item] }))
}

function failureOf(expression: string): string {
  try {
    return `no failure: ${JSON.stringify(evaluate(expression))}`
  } catch (error) {
    return error instanceof ExpressionError ? error.code : `not ours: ${String(error)}`
  }
}

describe("a text", () => {
  test.each<[string, unknown]>([
    ["'the quick brown FOX'.toTitleCase()", "The Quick Brown FOX"],
    ["'a tale of the city'.toTitleCase()", "A Tale of the City"],
    ["'hello WORLD'.toSentenceCase()", "Hello world"],
    ["'quick! brown FOX'.toSentenceCase()", "Quick! Brown fox"],
    ["'Hello World-again'.toSnakeCase()", "hello_world_again"],
    ["'quick brown $FOX'.toSnakeCase()", "quick_brown_fox"],
    ["'Crème Brûlée ß Ø'.replaceSpecialChars()", "Creme Brulee ss O"],
    ["'<p>Hi <b>you</b></p>'.removeTags()", "Hi you"],
    ["'a < b and c'.removeTags()", "a < b and c"],
    ["'# Title\\n**bold** [l](http://x.y)'.removeMarkdown()", "Title\nbold l"],
    ["'*bold*, [link]()'.removeMarkdown()", "bold, link"],
    ["'- one\\n- two\\n> said\\n`code` ~~gone~~ ![i](u)'.removeMarkdown()", "one\ntwo\nsaid\ncode gone i"],
    ["'snake_case_stays'.removeMarkdown()", "snake_case_stays"],
    [`"it's".quote()`, `"it's"`],
    [`"a".quote("'")`, "'a'"],
    [`'Nathan says "hi"'.quote()`, '"Nathan says \\"hi\\""'],
    ["'mail ada@example.com now'.extractEmail()", "ada@example.com"],
    ["'none here'.extractEmail()", undefined],
    ["'see https://example.com/a?b=1 ok'.extractUrl()", "https://example.com/a?b=1"],
    ["'see (https://example.com/a).'.extractUrl()", "https://example.com/a"],
    ["'nothing'.extractUrl()", undefined],
    ["'https://www.example.com/a/b?x=1'.extractDomain()", "www.example.com"],
    ["'https://user:secret@example.com:8080/a'.extractDomain()", "example.com"],
    ["'ada@mail.example.com'.extractDomain()", "mail.example.com"],
    ["'example.com/path'.extractDomain()", "example.com"],
    ["'hello'.extractDomain()", undefined],
    ["'https://example.com/a/b?x=1#h'.extractUrlPath()", "/a/b"],
    ["'https://example.com'.extractUrlPath()", "/"],
    ["'nope'.extractUrlPath()", undefined],
    ["'ada@example.com'.isEmail()", true],
    [`"It's me@example.com".isEmail()`, false],
    ["'ada@localhost'.isEmail()", false],
    ["'https://n8n.io'.isUrl()", true],
    ["'n8n.io'.isUrl()", false],
    ["'n8n.io'.isDomain()", true],
    ["'http://n8n.io'.isDomain()", false],
    ["'hello'.isDomain()", false],
    ["'12.5'.isNumeric()", true],
    ["'123E23'.isNumeric()", true],
    ["'12a'.isNumeric()", false],
    ["' '.isNumeric()", false],
    ["''.isEmpty()", true],
    ["' '.isEmpty()", false],
    ["'x'.isNotEmpty()", true],
    ["'12.7'.toInt()", 12],
    ["'ff'.toInt(16)", 255],
    ["'1.23E10'.toNumber()", 12_300_000_000],
    ["'3.5 kg'.toFloat()", 3.5],
    ["['true', 'FALSE', '0', 'No', 'hello', ''].map((s) => s.toBoolean())", [true, false, false, false, true, false]],
    [`'{"name":"Nathan"}'.parseJson()`, { name: "Nathan" }],
    [`"{'name':1}".parseJson()`, undefined],
    [`'a"b\\n'.toJsonString()`, '"a\\"b\\n"'],
    ["'name=Nathan Automat'.urlEncode()", "name%3DNathan%20Automat"],
    ["'name=Nathan Automat'.urlEncode(true)", "name=Nathan%20Automat"],
    ["'name%3DNathan%20Automat'.urlDecode()", "name=Nathan Automat"],
    ["'name%3DNathan%20Automat'.urlDecode(true)", "name%3DNathan Automat"],
    ["'%'.urlDecode()", null],
    ["'héllo €'.base64Encode()", "aMOpbGxvIOKCrA=="],
    ["'aMOpbGxvIOKCrA=='.base64Decode()", "héllo €"],
    ["'hello'.hash()", "5d41402abc4b2a76b9719d911017c592"],
    ["'hello'.hash('SHA1')", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"],
    ["'hello'.hash('base64')", "aGVsbG8="],
    ["'2024-03-29T18:06:31.798+01:00'.toDateTime().toUTC().toISO()", "2024-03-29T17:06:31.798Z"],
    ["'Fri, 29 Mar 2024 18:08:01 +0100'.toDateTime().toMillis()", 1_711_732_081_000],
    ["'Sun, 06 Nov 1994 08:49:37 GMT'.toDateTime().toMillis()", 784_111_777_000],
    ["'2024-03-29 18:08:01'.toDateTime().toISO()", "2024-03-29T18:08:01.000Z"],
    ["'20240329'.toDateTime().toISODate()", "2024-03-29"],
    ["'1711732132990'.toDateTime().toMillis()", 1_711_732_132_990],
  ])("%s", (expression, value) => {
    expect(evaluate(expression)).toEqual(value)
  })

  test("has the digests of the platform", () => {
    const digests = { md5, sha1, sha224, sha256, sha384, sha512, "sha3-512": sha3 }
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        for (const [name, digest] of Object.entries(digests)) {
          expect(digest(utf8Bytes(text)), name).toBe(createHash(name).update(text).digest("hex"))
        }
      }),
      { numRuns: 60 },
    )
  })

  test("goes to bytes and base64 and back as on the platform", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: "binary" }), (bytes, text) => {
        expect(utf8Text(bytes)).toBe(Buffer.from(bytes).toString("utf8"))
        expect(Buffer.from(utf8Bytes(text)).equals(Buffer.from(text))).toBe(true)
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"))
        expect(Buffer.from(fromBase64(toBase64(bytes))).equals(Buffer.from(bytes))).toBe(true)
        expect(Buffer.from(fromBase64(Buffer.from(bytes).toString("base64url"))).equals(Buffer.from(bytes))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

describe("a list", () => {
  test.each<[string, unknown]>([
    ["$json.tags.first() + $json.tags.last()", "xz"],
    ["[].first()", undefined],
    ["[].isEmpty()", true],
    ["[1].isNotEmpty()", true],
    ["[1, 2, 2, 3, 1].unique()", [1, 2, 3]],
    ["[{ a: 1, b: 2 }, { b: 2, a: 1 }, { a: 1 }].unique()", [{ a: 1, b: 2 }, { a: 1 }]],
    ["[{ a: 1, b: 2 }, { a: 1, b: 3 }].unique('a')", [{ a: 1, b: 2 }]],
    ["[{ a: 1, b: 2 }, { a: 1, b: 3 }].removeDuplicates('a,b').length", 2],
    ["[1, '1', true, null].unique().length", 4],
    ["[1, 2, 3, 4, 5].chunk(2)", [[1, 2], [3, 4], [5]]],
    ["$json.people.pluck('name')", ["Nathan", "Jan"]],
    ["$json.people.pluck('age')", [42]],
    [
      "[{ id: 1, v: 'a' }, { id: 2, v: 'b' }, 5].pluck('id', 'v')",
      [
        [1, "a"],
        [2, "b"],
      ],
    ],
    ["[1, 2, 3].sum()", 6],
    ["[1, 2, 6].average()", 3],
    ["[3, 1, 2].max() - [3, 1, 2].min()", 2],
    ["[0, null, '', undefined, false, 'a', {}].compact()", [0, false, "a"]],
    ["[9, 0].append(1, 0)", [9, 0, 1, 0]],
    ["[1, 2, 3].difference([2, 3])", [1]],
    ["[1, 2, { a: 1 }].intersection([2, 3, { a: 1 }])", [2, { a: 1 }]],
    ["[1, 2].union([2, 3])", [1, 2, 3]],
    ["[{ name: 'bob', x: 1 }, 5].renameKeys('name', 'first', 'x', 'y')", [{ first: "bob", y: 1 }, 5]],
    [
      "[{ field: 'age', value: 2 }, { field: 'city', value: 'Berlin' }].smartJoin('field', 'value')",
      { age: 2, city: "Berlin" },
    ],
    ["['a', 'b', 'c'].randomItem()", "a"],
    ["$json.tags.toJsonString()", '["x","y","z"]'],
  ])("%s", (expression, value) => {
    expect(evaluate(expression)).toEqual(value)
  })
})

describe("numbers, truth values and objects", () => {
  test.each<[string, unknown]>([
    ["(2.567).round(1)", 2.6],
    ["(2.5).round()", 3],
    ["(1e300).round(200)", 1e300],
    ["[(2.1).ceil(), (-2.1).floor(), (-5).abs()]", [3, -3, 5]],
    ["[(4).isEven(), (3).isOdd(), (3.5).isInteger()]", [true, true, false]],
    [
      "[(0).toBoolean(), (5).toBoolean(), (0).isEmpty(), (5).isEmpty(), (5).isNotEmpty()]",
      [false, true, true, false, true],
    ],
    ["(1234567.891).format()", "1,234,567.891"],
    ["(123456.789).format('de-DE', { style: 'currency', currency: 'EUR' })", "123.456,79\u00a0€"],
    ["(1714556400000).toDateTime().toISO()", "2024-05-01T09:40:00.000Z"],
    ["(1714556400).toDateTime('s').toISO()", "2024-05-01T09:40:00.000Z"],
    ["(45345).toDateTime('excel').toISO()", "2024-02-23T00:00:00.000Z"],
    ["[true.toInt(), false.toNumber(), true.toString(), false.toBoolean()]", [1, 0, "true", false]],
    ["$json.address.keys()", ["city", "geo"]],
    ["$json.address.geo.values()", [51.5]],
    ["[({}).isEmpty(), $json.address.isNotEmpty()]", [true, true]],
    ["[$json.address.hasField('city'), $json.address.hasField('City')]", [true, false]],
    ["$json.address.removeField('city')", { geo: { lat: 51.5 } }],
    ["({ a: null, b: '', c: 1, d: undefined }).compact()", { c: 1 }],
    ["({ a: 'x y', b: 2 }).urlEncode()", "a=x+y&b=2"],
    ['({ a: "é&(!)~\'*" }).urlEncode()', "a=%C3%A9%26%28%21%29%7E%27*"],
    ["({ a: 'keep me', b: 'drop', c: 3 }).keepFieldsContaining('keep')", { a: "keep me" }],
    ["({ a: 'keep me', b: 'drop', c: 3 }).removeFieldsContaining('keep')", { b: "drop", c: 3 }],
    ["$json.address.geo.toJsonString()", '{"lat":51.5}'],
    ["$json.address.merge({})", null],
    ["$json.address.city", "London"],
    ["({ keys: () => 'own' }).keys()", "own"],
    ["[...new Map([['k', 1]]).keys()]", ["k"]],
  ])("%s", (expression, value) => {
    expect(evaluate(expression)).toEqual(value)
  })
})

describe("an added method", () => {
  test.each([
    "'not a number'.toInt()",
    "'12px'.toNumber()",
    "''.toNumber()",
    "'x'.toFloat()",
    "'soon'.toDateTime()",
    "'a'.hash('crc32')",
    "[1, 2, '3'].sum()",
    "[1, null].average()",
    "['a'].max()",
    "[1].chunk(0)",
    "[1].chunk()",
    "[1].difference(5)",
    "(2.5).isEven()",
    "(1).toDateTime('days')",
    "({ a: 'x' }).keepFieldsContaining('')",
    "$json.missing.toTitleCase()",
    "$json.none.first()",
    "$json.missing.keys()",
    "(5).toTitleCase()",
    "'abc'.sum()",
    "$json.address.first()",
    "$json.tags.toTitleCase()",
    "true.round()",
    "(() => { try { return $json.missing.sum() } catch { return 1 } })()",
  ])("fails the node where it can not be done: %s", (expression) => {
    expect(failureOf(expression)).toBe("EXPRESSION_ERROR")
  })

  test.each<[string, unknown]>([
    ["$json.missing.isEmpty()", true],
    ["$json.none.isEmpty()", true],
    ["$json.missing.isNotEmpty()", false],
    ["$json.missing?.toTitleCase()", undefined],
    ["$json.name.noSuchMethod()", null],
    ["$json.name.toCamelCase?.()", undefined],
    ["$json.missing.toUpperCase()", null],
    ["typeof 'a'.hash", "function"],
  ])("that is not there or asked of nothing: %s", (expression, value) => {
    expect(evaluate(expression)).toEqual(value)
  })
})
