/** `String`, `RegExp`, `Date`, the errors, and the functions that write texts for addresses. */

import { toNumber, toText } from "./convert.ts"
import { constantGlobals, type GlobalTable, membersOf } from "./global-table.ts"
import { makeDate, parseDate, utcOf } from "./methods-date.ts"
import { PatternValue, preparePattern } from "./pattern.ts"
import { ErrorValue, FunctionValue, guarded, type Invoke } from "./values.ts"

/** Characters that one character becomes at the most in an address: three bytes, each as `%XX`. */
const ESCAPED_CHARS = 9

const ERROR_KINDS = ["Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"]

const stringOf: Invoke = (run, args) => (args.length === 0 ? "" : toText(run, args[0]))

const fromCodes =
  (code: (value: number) => string): Invoke =>
  (run, args) => {
    run.chargeNewText(args.length * 2)
    return guarded(() => args.map((value) => code(toNumber(run, value))).join(""))
  }

const patternOf: Invoke = (run, args) => {
  const [source, flags] = args
  const text =
    source instanceof PatternValue ? source.compiled.source : source === undefined ? "(?:)" : toText(run, source)
  const inherited = source instanceof PatternValue ? source.compiled.flags : ""
  return new PatternValue(preparePattern(run, text, flags === undefined ? inherited : toText(run, flags)))
}

function escaping(name: string, change: (text: string) => string, growth: number): FunctionValue {
  return new FunctionValue(name, (run, args) => {
    const text = toText(run, args[0])
    run.chargeNewText(text.length * growth)
    return guarded(() => change(text))
  })
}

function errorClass(kind: string): FunctionValue {
  const make: Invoke = (run, args) => new ErrorValue(kind, args[0] === undefined ? "" : toText(run, args[0]))
  const isInstance = (value: unknown) => value instanceof ErrorValue && (kind === "Error" || value.kind === kind)
  return new FunctionValue(kind, make, { construct: make, isInstance })
}

/** Globals of texts, patterns, dates and errors. */
export const TEXT_GLOBALS: GlobalTable = constantGlobals({
  String: new FunctionValue("String", stringOf, {
    construct: stringOf,
    members: membersOf({
      fromCharCode: fromCodes((value) => String.fromCharCode(value)),
      fromCodePoint: fromCodes((value) => String.fromCodePoint(value)),
    }),
  }),
  RegExp: new FunctionValue("RegExp", patternOf, {
    construct: patternOf,
    isInstance: (value) => value instanceof PatternValue,
  }),
  Date: new FunctionValue("Date", (run) => toText(run, new Date(run.scope.now)), {
    construct: makeDate,
    isInstance: (value) => value instanceof Date,
    members: membersOf({
      UTC: utcOf,
      now: (run) => run.scope.now,
      parse: (run, args) => parseDate(run, toText(run, args[0])),
    }),
  }),
  ...Object.fromEntries(ERROR_KINDS.map((kind) => [kind, errorClass(kind)])),
  encodeURIComponent: escaping("encodeURIComponent", encodeURIComponent, ESCAPED_CHARS),
  encodeURI: escaping("encodeURI", encodeURI, ESCAPED_CHARS),
  decodeURIComponent: escaping("decodeURIComponent", decodeURIComponent, 1),
  decodeURI: escaping("decodeURI", decodeURI, 1),
})
