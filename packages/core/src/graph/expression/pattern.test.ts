/** Regular expressions, compared with the platform: ours run in another engine. */

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are expressions
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { JsonObject } from "../../json.ts"
import { nativeOutcome, ownOutcome } from "../../testing/expression-native.ts"

const DATA: JsonObject = {
  n: 3,
  f: 2.5,
  neg: -1,
  s: "Hello World",
  e: "",
  t: true,
  nul: null,
  list: [3, 1, 2],
  words: ["b", "a", "C", "ä"],
  objs: [
    { id: 1, v: "a" },
    { id: 2, v: "b" },
  ],
  nested: { a: { b: { c: 1 } } },
  text: "The quick brown fox, jumps over 13 lazy dogs.",
  uni: "é😀x",
  mixed: [1, "1", null, true, { a: 1 }, [2]],
}

const EXPRESSIONS: { readonly [topic: string]: readonly string[] } = {
  "regular expressions": [
    "$json.text.match(/o/g)",
    "$json.text.match(/(\\w+) (\\w+)/).slice()",
    "$json.text.match(/(\\w+) (\\w+)/).index",
    "$json.text.match(/zzz/)",
    '$json.text.match("quick").index',
    "$json.text.search(/\\d/)",
    '$json.text.search("zzz")',
    "$json.text.split(/\\W+/)",
    "$json.text.split(/(\\s)/)",
    '"abc".split(/(?:)/)',
    '"abc".split(/(b)/,2)',
    '"".split(/x/)',
    '"".split(/(?:)/)',
    '$json.text.replace(/[aeiou]/g,"*")',
    "$json.text.replace(/(\\w)(\\w*)/g,(m,a,b)=>a.toUpperCase()+b)",
    '$json.text.replace(/(?<first>\\w+) (?<second>\\w+)/,"$<second> $<first>")',
    '$json.text.replace(/(x)?q/,"[$1]")',
    '$json.text.replace(/o/,"$2")',
    '"abc".replace(/b*/g,"-")',
    '"aaa".replace(/a/y,"b")',
    '"baa".replace(/a/y,"b")',
    '/a/y.test("ba")',
    '[..."a1b2".matchAll(/([a-z])(\\d)/g)].map(m=>m[1]+m[2]+m.index)',
    '"aXbX".replaceAll(/x/gi,"-")',
    '/^a.c$/s.test("a\\nc")',
    '/^a.c$/.test("a\\nc")',
    '/^b$/m.test("a\\nb")',
    '/^b/.test("a\\nb")',
    '"a.b*c".replace(/[.*+?^${}()|[\\]\\\\]/g,"\\\\$&")',
    '/\\u0041/.test("A")',
    '/\\x41/.test("A")',
    '/\\p{L}+/u.exec("éa1")[0]',
    "/\\bfox\\b/.test($json.text)",
    '/[\\d-x]/.test("-")',
    '/[^]/.test("\\n")',
    '/[]/.test("a")',
    '/a{2,3}/.exec("aaaa")[0]',
    '/a{2,}?/.exec("aaaa")[0]',
    '/(a)|(b)/.exec("b")',
    '/(?:a|ab)(?:c|bcd)(d*)/.exec("abcd")',
    '/x*/.exec("aaa").index',
    '(r=>[r.test("aa"),r.lastIndex,r.test("aa"),r.lastIndex,r.test("aa")])(/a/g)',
    "/a/g.flags",
    "/a/gi.source",
    "String(/a\\/b/g)",
    'new RegExp("a+","g").source',
    "new RegExp(/a/i).flags",
    'new RegExp(/a/i,"g").flags',
    'new RegExp("[").test("x")',
    '"x".match(/(?<n>x)/).groups.n',
    '/[a-z]+/i.exec("ABC")[0]',
    '/\\s+/.test("\\u00a0")',
    '/\\S/.test("\\u00a0")',
    '"a-b_c d".split(/[-_ ]/)',
    '"2024-05-06".match(/(\\d+)-(\\d+)/).slice(1).map(Number)',
    '/\\//.test("/")',
    '"tel: 555".replace(/\\D/g,"")',
    '/^[\\w.+-]+@[\\w-]+\\.[\\w.]+$/.test("a.b+c@d-e.co.uk")',
    '"aBc".replace(/[A-Z]/g, m => "_"+m.toLowerCase())',
    '"x".replace(/x/, "$0")',
    '"abcabc".replace(/(?<l>b)/g, (m, p1, off, str, groups) => groups.l + off)',
    '/(z)((a+)?(b+)?(c))*/.exec("zaacbbbcac")[0]',
    '/a|ab/.exec("abc")[0]',
    '/((a)|(ab))((c)|(bc))/.exec("abc")',
    '/\\0/.test("\\0")',
    '/[\\b]/.test("\\b")',
    '/\\cA/.test("\\x01")',
    '/\\ud83d\\ude00/.test("😀")',
    '/^.$/u.test("😀")',
    '/[😀]/u.test("😀")',
    '"A".match(/a/i)[0]',
  ],
}

for (const [topic, expressions] of Object.entries(EXPRESSIONS)) {
  describe(`${topic} mean what they mean in JavaScript`, () => {
    test.each(expressions)("%s", (expression) => {
      expect(ownOutcome(expression, DATA)).toBe(nativeOutcome(expression, DATA))
    })
  })
}

const CHARACTERS = ["a", "b", "c", "1", " ", "_", "-", ".", "\\n", "\\x61", "\\.", "{", "}", "a{,2}", "\\/", "é"]
const CLASSES = [
  "\\d",
  "\\w",
  "\\s",
  "\\D",
  "\\W",
  "\\S",
  "[ab]",
  "[^a]",
  "[a-c1]",
  "[\\d_-]",
  "[-a]",
  "[^\\s]",
  "[^]",
  "[.]",
]
const PLACES = ["^", "$", "\\b", "\\B"]

/** Patterns without repetitions of what can be empty, where the two engines differ. */
const patterns: fc.Arbitrary<string> = fc.letrec<{ piece: string; all: string }>((tie) => {
  const single = fc.constantFrom(...CHARACTERS, ...CLASSES)
  return {
    piece: fc.oneof(
      { maxDepth: 3 },
      single,
      fc.constantFrom(...PLACES),
      fc
        .tuple(single, fc.constantFrom("*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}", "{1,3}?"))
        .map((parts) => parts.join("")),
      tie("all").map((all) => `(${all})`),
      tie("all").map((all) => `(?:${all}){2}`),
    ),
    all: fc.oneof(
      { maxDepth: 3 },
      fc.array(tie("piece"), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")),
      fc.tuple(tie("all"), tie("all")).map(([a, b]) => `${a}|${b}`),
    ),
  }
}).all

const subjects = fc
  .array(fc.constantFrom("a", "b", "c", "1", " ", "_", "-", "\n", "B", "A", ".", "é"), { maxLength: 12 })
  .map((parts) => parts.join(""))

test("any pattern that JavaScript knows finds what JavaScript finds", () => {
  fc.assert(
    fc.property(patterns, fc.constantFrom("", "i", "g", "s", "u", "im", "gs", "y"), subjects, (source, flags, text) => {
      const pattern = `new RegExp(${JSON.stringify(source)}, "${flags}")`
      const subject = JSON.stringify(text)
      const expressions = [
        `((m) => m && [m[0], m.index, m.length])(${pattern}.exec(${subject}))`,
        `${subject}.replace(${pattern}, "<$&>")`,
        `${subject}.split(${pattern}).length`,
        `${subject}.search(${pattern})`,
      ]
      for (const expression of expressions) {
        fc.pre(!expression.includes("}}"))
        expect(ownOutcome(expression, {})).toBe(nativeOutcome(expression, {}))
      }
    }),
    { numRuns: 1_000 },
  )
})
