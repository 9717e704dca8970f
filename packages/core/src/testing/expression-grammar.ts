/**
 * Random expressions for the tests of this room. `comparable` makes such that mean the same in JavaScript as here, so that
 * the two can be compared; `hostile` puts together whatever the grammar allows, names that lead out of the data included.
 */

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are expressions
import fc from "fast-check"
import type { JsonObject } from "../json.ts"

/** The data that random expressions read. */
export const GRAMMAR_DATA: JsonObject = {
  n: 7,
  f: -2.5,
  s: "Hello, World",
  e: "",
  t: true,
  nul: null,
  list: [3, 1, 2, 10],
  words: ["pear", "Apple", "fig"],
  objs: [
    { id: 1, v: "a", tags: ["x"] },
    { id: 2, v: "b", tags: [] },
  ],
  deep: { a: { b: { c: [1, { d: "end" }] } } },
  mixed: [1, "1", null, true, { a: 1 }, [2, [3]]],
}

const pick = (...texts: readonly string[]) => fc.constantFrom(...texts)
const words = (text: string) => text.split(" ")

const ANY_PATHS = words("$json $json.nul $json.nope $json.nope?.x $json.deep $json.objs[0] $json.mixed[4] $json.t x i")
const NUMBER_PATHS = words("$json.n $json.f $json.list[1] $json.objs[0].id $json.list.length i")
const TEXT_PATHS = [...words('$json.s $json.e $json.words[0] $json["s"] $json.objs[1].v'), "$json.deep.a.b.c[1].d"]
const LIST_PATHS = words("$json.list $json.words $json.objs $json.mixed $json.objs[1].tags $json.deep.a.b.c")

const NUMBERS = words("0 1 -1 2 0.5 7 100 1e21 NaN Infinity")
const TEXTS = ['""', '"a"', '"l"', '", "', '"10"', '" x "', '"éß"', '"Hello"', '"id"', '"o, W"']
const BINARY = words("+ - * / % == != === !== < > <= >= | & ^ << >> >>>")
const UNARY = ["-", "+", "!", "~", "typeof ", "void "]
const PATTERNS = words("/o/ /[a-z]+/g /(l)(o)?/ /\\s/g /^h/i /\\d+/g /,|x/ /(?:)/g /b*/g /.$/")

const TEXT_TO_TEXT = words(
  "toUpperCase() toLowerCase() trim() toString() valueOf() at(-1) charAt(1) slice(1) repeat(2)",
)
const TEXT_TO_NUMBER = words("length charCodeAt(0) indexOf('l') lastIndexOf('l') search(/o/) codePointAt(0)")
const LIST_TO_LIST = words("toReversed() toSorted() flat() slice(1) slice(-2) filter(Boolean) concat() valueOf()")
const CALLBACKS = words("map filter flatMap toSorted")
const TESTS = words("find findIndex findLast findLastIndex some every forEach")
const NUMERIC = words("Math.max Math.min Math.round Math.floor Math.abs Math.trunc Number parseInt parseFloat")

type Sorts = { any: string; text: string; number: string; list: string; flag: string }

/** Expressions with the same meaning in JavaScript. Most are of the sort that their place wants, so that values come out. */
export const comparable: fc.Arbitrary<string> = fc.letrec<Sorts & { whole: string }>((tie) => {
  const { any, text, number, list, flag } = {
    any: tie("any"),
    text: tie("text"),
    number: tie("number"),
    list: tie("list"),
    flag: tie("flag"),
  }
  const build = (...parts: readonly (string | fc.Arbitrary<string>)[]) =>
    fc.tuple(...parts.map((part) => (typeof part === "string" ? fc.constant(part) : part))).map((made) => made.join(""))
  const choice = { maxDepth: 5, withCrossShrink: true }
  return {
    // The names that the parts use are always bound.
    whole: build("((x, i) => ", any, ")($json.words, 1)"),
    flag: fc.oneof(
      choice,
      pick("true", "false", "$json.t"),
      build("(", any, " ", pick(...BINARY.slice(5, 13)), " ", any, ")"),
      build("!", any),
      build("(", text, ").includes(", text, ")"),
      build("(", text, ").startsWith(", text, ", ", number, ")"),
      build("(", list, ").includes(", any, ")"),
      build("(", pick(...PATTERNS), ").test(", text, ")"),
      build("Array.isArray(", any, ")"),
    ),
    number: fc.oneof(
      choice,
      pick(...NUMBERS, ...NUMBER_PATHS),
      build("(", any, " ", pick(...BINARY), " ", any, ")"),
      build("(", number, " ", pick(...BINARY), " ", number, ")"),
      build(pick(...UNARY.slice(0, 4)), "(", any, ")"),
      build("(", text, ").", pick(...TEXT_TO_NUMBER)),
      build("(", list, ").length"),
      build("(", list, ").indexOf(", any, ", ", number, ")"),
      build(pick(...NUMERIC), "(", any, ", ", number, ")"),
      build("(", list, ").reduce((x, i) => ", any, ", ", number, ")"),
      build("(", number, ").toFixed(2) * 1"),
    ),
    text: fc.oneof(
      choice,
      pick(...TEXTS, ...TEXT_PATHS),
      build("(", text, " + ", any, ")"),
      build("String(", any, ")"),
      build("(typeof ", any, ")"),
      build("`<${", any, "}|${", any, "}>`"),
      build("(", text, ").", pick(...TEXT_TO_TEXT)),
      build("(", text, ").", pick("slice", "substring", "substr"), "(", number, ", ", number, ")"),
      build("(", text, ").", pick("padStart", "padEnd"), "(", pick("0", "7", "12"), ", ", text, ")"),
      build("(", text, ").", pick("replace", "replaceAll"), "(", text, ", ", text, ")"),
      build("(", text, ").replace(", pick(...PATTERNS), ", ", text, ")"),
      build("(", text, ").replace(", pick(...PATTERNS), ", (x, i) => ", any, ")"),
      build("(", list, ").join(", text, ")"),
      build("JSON.stringify(", any, ")"),
      build('(() => { let x = ""; for (const i of ', list, ") x += ", any, "; return x })()"),
    ),
    list: fc.oneof(
      choice,
      pick(...LIST_PATHS, "[]", "[3, 1, 2]", '["b", "a"]'),
      fc.array(any, { maxLength: 3 }).map((parts) => `[${parts.join(", ")}]`),
      build("[...", list, ", ", any, "]"),
      build("(", list, ").", pick(...LIST_TO_LIST)),
      build("(", list, ").", pick(...CALLBACKS), "((x, i) => ", any, ")"),
      build("(", list, ").concat(", any, ")"),
      build("(", list, ").toSpliced(", number, ", ", number, ", ", any, ")"),
      build("(", list, ").with(0, ", any, ")"),
      build("(", text, ").split(", fc.oneof(text, pick(...PATTERNS)), ")"),
      build("(", text, ").match(", pick(...PATTERNS), ")"),
      build("Object.", pick("keys", "values", "entries"), "(", any, ")"),
      build("(() => { const x = []; for (let i = 0; i < 3; i++) x.push(", any, "); return x })()"),
      build("(([i, ...x]) => x)(", list, ")"),
    ),
    any: fc.oneof(
      choice,
      pick(...ANY_PATHS, "null", "undefined", "({})"),
      text,
      number,
      list,
      flag,
      build("(", any, " ", pick("&&", "||", "??"), " (", any, "))"),
      build("(", flag, " ? ", any, " : ", any, ")"),
      build("(", any, ").", pick("length", "id", "v", "a", "s")),
      build("(", any, ')?.["', pick("length", "id", "0"), '"]'),
      build("(", list, ")[", number, "]"),
      build("(", list, ").", pick(...TESTS), "((x, i) => ", any, ")"),
      build("({ ...", any, ", id: ", any, " })"),
      build("(({ id, ...x }, i = ", any, ") => [id, x, i])(", any, ")"),
      build("(() => { try { return ", any, " } catch { return ", any, " } })()"),
      build("(() => { switch (", any, ") { case ", any, ": return 1; default: return ", any, " } })()"),
    ),
  }
}).whole

const DATA_PATHS = [...ANY_PATHS, ...TEXT_PATHS, ...LIST_PATHS]

const NAMES = [
  ...words(
    "$json $input $node $items $ $execution $vars $now $today DateTime Duration Interval $jmespath $if JSON Math",
  ),
  ...words("Object Array String Number Date Map Set RegExp Error Function eval globalThis process require this self"),
  ...words("window constructor Symbol Proxy Reflect Promise"),
]

const MEMBERS = [
  ...words("constructor __proto__ prototype call apply bind toString valueOf map then all first item json name zone c"),
  ...words(
    "__defineGetter__ __lookupGetter__ hasOwnProperty length push sort replace repeat padStart join from loc ts",
  ),
  ...words("keys values entries assign create defineProperty getPrototypeOf raw species caller arguments mainModule"),
  ...words(
    "plus minus diff toFormat setZone setLocale startOf splitBy divideEqually fromISO fromObject fromFormat until",
  ),
  ...words("hash removeMarkdown unique chunk pluck sum toDateTime toTitleCase isEmpty format urlEncode toJsonString"),
]

/** Expressions of any meaning. */
export const hostile: fc.Arbitrary<string> = fc.letrec<{ value: string; name: string; member: string }>((tie) => {
  const value = tie("value")
  const member = tie("member")
  return {
    name: fc.constantFrom(...NAMES),
    member: fc.constantFrom(...MEMBERS),
    value: fc.oneof(
      { maxDepth: 6 },
      tie("name"),
      fc.constantFrom(...DATA_PATHS, ...NUMBERS, ...TEXTS, "1e9", "/a+/g", "/(x+x+)+y/", "-1", "[]", "({})", "null"),
      fc.tuple(value, member).map(([a, name]) => `(${a}).${name}`),
      fc.tuple(value, member).map(([a, name]) => `(${a})?.["${name}"]`),
      fc.tuple(value, value).map(([a, b]) => `(${a})[${b}]`),
      fc.tuple(value, fc.array(value, { maxLength: 3 })).map(([a, args]) => `(${a})(${args.join(", ")})`),
      fc.tuple(value, member, value).map(([a, name, b]) => `(${a}).${name}(${b})`),
      fc.tuple(value, member, value).map(([a, name, b]) => `(${a}).${name}(x => ${b})`),
      fc.tuple(value, value).map(([a, b]) => `new (${a})(${b})`),
      fc.tuple(value, member, value).map(([a, name, b]) => `((${a}).${name} = ${b})`),
      fc.tuple(value, value, value).map(([a, b, c]) => `((${a})[${b}] = ${c})`),
      fc
        .tuple(fc.constantFrom(...BINARY, "in", "instanceof", "**"), value, value)
        .map(([o, a, b]) => `((${a}) ${o} (${b}))`),
      fc.tuple(fc.constantFrom(...UNARY, "delete ", "await ", "yield ", "new "), value).map(([o, a]) => `(${o}(${a}))`),
      fc.tuple(value, value).map(([a, b]) => `[...(${a}), ...(${b})]`),
      fc.tuple(value, value, value).map(([a, b, c]) => `({ [${a}]: ${b}, ...(${c}) })`),
      fc.tuple(value, value).map(([a, b]) => `\`\${${a}}\${${b}}\``),
      fc.tuple(member, value, value).map(([name, a, b]) => `(({ ${name}: x = ${a} }) => x)(${b})`),
      value.map((a) => `(() => { while (true) { ${a}; } })()`),
      fc.tuple(value, value).map(([a, b]) => `(() => { for (const x of ${a}) { ${b}; } })()`),
      fc
        .tuple(value, value)
        .map(([a, b]) => `(() => { try { ${a}; } catch (e) { return ${b}; } finally { ${a}; } })()`),
      fc.tuple(value, value).map(([a, b]) => `(function f(x) { return f(${a}) + ${b}; })(1)`),
      value.map((a) => `(() => { let s = "ab"; while (true) { s += s; ${a}; } })()`),
    ),
  }
}).value

/** Texts that are made of pieces of the grammar, mostly wrong. */
export const scraps: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.constantFrom(
        ...NAMES,
        ...MEMBERS,
        ..."( ) [ ] { } . , ; => ? : ` ${ \" ' / \\ {{ }} = ?. ... /* */ // \n \0".split(" "),
      ),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(""))
