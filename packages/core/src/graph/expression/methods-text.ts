/** Methods of texts, numbers and truth values. */

import { toInteger, toNumber, toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { type MethodTable, methodTable } from "./method-table.ts"
import { TEXT_PATTERN_METHODS } from "./methods-pattern.ts"
import { PatternValue } from "./pattern.ts"
import { guarded, isFieldObject, rangeError, typeError } from "./values.ts"

/** Methods of a text. Indexes are UTF-16 units, as in JavaScript. */
export const TEXT_METHODS: MethodTable<string> = new Map([
  ...TEXT_PATTERN_METHODS,
  ...methodTable<string>({
    at: (run, self, args) => self.at(toInteger(run, args[0])),
    charAt: (run, self, args) => self.charAt(toInteger(run, args[0])),
    charCodeAt: (run, self, args) => self.charCodeAt(toInteger(run, args[0])),
    codePointAt: (run, self, args) => self.codePointAt(toInteger(run, args[0])),
    concat: (run, self, args) => {
      const parts = args.map((part) => toText(run, part))
      run.chargeNewText(parts.reduce((sum, part) => sum + part.length, self.length))
      return self.concat(...parts)
    },
    endsWith: (run, self, args) => self.endsWith(plainText(run, args[0]), optionalInteger(run, args[1])),
    includes: (run, self, args) => searched(run, self).includes(plainText(run, args[0]), toInteger(run, args[1])),
    indexOf: (run, self, args) => searched(run, self).indexOf(toText(run, args[0]), toInteger(run, args[1])),
    lastIndexOf: (run, self, args) =>
      searched(run, self).lastIndexOf(toText(run, args[0]), args[1] === undefined ? Infinity : toInteger(run, args[1])),
    localeCompare: (run, self, args) => {
      run.charge(LOCALE_STEPS)
      return guarded(() => searched(run, self).localeCompare(toText(run, args[0]), ...localeArguments(run, args)))
    },
    normalize: (run, self, args) => {
      run.chargeNewText(self.length * 3)
      return guarded(() => self.normalize(args[0] === undefined ? "NFC" : toText(run, args[0])))
    },
    padEnd: (run, self, args) => padded(run, self, args, "padEnd"),
    padStart: (run, self, args) => padded(run, self, args, "padStart"),
    repeat: (run, self, args) => {
      const times = toInteger(run, args[0])
      if (times < 0 || times === Infinity) throw rangeError("Invalid count value")
      run.chargeNewText(self.length * times)
      return self.repeat(self === "" ? 0 : times)
    },
    slice: (run, self, args) => self.slice(toInteger(run, args[0]), optionalInteger(run, args[1])),
    startsWith: (run, self, args) => self.startsWith(plainText(run, args[0]), toInteger(run, args[1])),
    substr: (run, self, args) => {
      const start = toInteger(run, args[0])
      const from = start < 0 ? Math.max(0, self.length + start) : start
      return self.slice(from, from + Math.max(0, toInteger(run, args[1], self.length)))
    },
    substring: (run, self, args) => self.substring(toInteger(run, args[0]), optionalInteger(run, args[1])),
    toLocaleLowerCase: (run, self) => cased(run, self, "toLowerCase"),
    toLocaleUpperCase: (run, self) => cased(run, self, "toUpperCase"),
    toLowerCase: (run, self) => cased(run, self, "toLowerCase"),
    toUpperCase: (run, self) => cased(run, self, "toUpperCase"),
    toString: (_run, self) => self,
    trim: (run, self) => searched(run, self).trim(),
    trimEnd: (run, self) => searched(run, self).trimEnd(),
    trimStart: (run, self) => searched(run, self).trimStart(),
    isWellFormed: (run, self) => !/[\ud800-\udfff]/u.test(searched(run, self)),
    valueOf: (_run, self) => self,
  }),
])

/** Methods of a number. */
export const NUMBER_METHODS: MethodTable<number> = methodTable<number>({
  toExponential: (run, self, args) => guarded(() => self.toExponential(optionalInteger(run, args[0]))),
  toFixed: (run, self, args) => guarded(() => self.toFixed(toInteger(run, args[0]))),
  toLocaleString: (run, self, args) => {
    run.charge(LOCALE_STEPS)
    return guarded(() => self.toLocaleString(...localeArguments(run, [undefined, ...args])))
  },
  toPrecision: (run, self, args) => guarded(() => self.toPrecision(optionalInteger(run, args[0]))),
  toString: (run, self, args) => guarded(() => self.toString(optionalInteger(run, args[0]))),
  valueOf: (_run, self) => self,
})

/** Methods of true and false. */
export const BOOLEAN_METHODS: MethodTable<boolean> = methodTable<boolean>({
  toString: (_run, self) => String(self),
  valueOf: (_run, self) => self,
})

/** Steps of a call that makes a formatter or collator of the language's own. */
export const LOCALE_STEPS = 1_000

const DEFAULT_LOCALE = "en-US"

/** The locale and the options of a `toLocale…` call: `args[1]` and `args[2]`; only plain fields of the options count. */
export function localeArguments(
  run: Evaluation,
  args: readonly unknown[],
): [string, Record<string, string | number | boolean>] {
  const locale = Array.isArray(args[1]) ? args[1][0] : args[1]
  const options: Record<string, string | number | boolean> = {}
  if (isFieldObject(args[2])) {
    for (const [name, value] of Object.entries(args[2])) {
      if (name === "__proto__") continue
      if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") options[name] = value
    }
  }
  return [locale === undefined || locale === null ? DEFAULT_LOCALE : toText(run, locale), options]
}

/** A whole number, or undefined where none is given. */
export function optionalInteger(run: Evaluation, value: unknown): number | undefined {
  return value === undefined ? undefined : toInteger(run, value)
}

function searched(run: Evaluation, text: string): string {
  run.chargeText(text.length)
  return text
}

function plainText(run: Evaluation, value: unknown): string {
  if (value instanceof PatternValue) throw typeError("the argument must not be a regular expression")
  const text = toText(run, value)
  run.chargeText(text.length)
  return text
}

function cased(run: Evaluation, self: string, how: "toLowerCase" | "toUpperCase"): string {
  run.chargeNewText(self.length)
  return self[how]()
}

function padded(run: Evaluation, self: string, args: readonly unknown[], side: "padStart" | "padEnd"): string {
  const length = Math.max(self.length, toNumber(run, args[0]) || 0)
  const filler = args[1] === undefined ? " " : toText(run, args[1])
  if (filler !== "") run.chargeNewText(length)
  return filler === "" ? self : self[side](length, filler)
}
