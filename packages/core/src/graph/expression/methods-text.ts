/** Methods of texts, numbers and truth values. */

import { toInteger, toNumber, toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { collatorOf, localeChoice, numberFormatOf } from "./formats.ts"
import { type Method, type MethodTable, methodTable } from "./method-table.ts"
import { TEXT_PATTERN_METHODS } from "./methods-pattern.ts"
import { PatternValue } from "./pattern.ts"
import { findLastText, findText } from "./text-search.ts"
import { guarded, rangeError, typeError } from "./values.ts"

/** Methods of a text. Indexes are UTF-16 units, as in JavaScript. */
export const TEXT_METHODS: MethodTable<string> = new Map([
  ...TEXT_PATTERN_METHODS,
  ...methodTable<string>({
    at: (run, self, args) => run.look(self).at(toInteger(run, args[0])),
    charAt: (run, self, args) => run.look(self).charAt(toInteger(run, args[0])),
    charCodeAt: (run, self, args) => run.look(self).charCodeAt(toInteger(run, args[0])),
    codePointAt: (run, self, args) => run.look(self).codePointAt(toInteger(run, args[0])),
    concat: (run, self, args) => {
      run.charge(args.length)
      const parts = [self, ...args.map((part) => toText(run, part))]
      run.chargeNewText(parts.reduce((sum, part) => sum + part.length, 0))
      return parts.join("")
    },
    endsWith: (run, self, args) => run.look(self).endsWith(plainText(run, args[0]), optionalInteger(run, args[1])),
    includes: (run, self, args) =>
      findText(run, self, { part: plainText(run, args[0]), from: toInteger(run, args[1]) }) >= 0,
    indexOf: (run, self, args) => findText(run, self, { part: toText(run, args[0]), from: toInteger(run, args[1]) }),
    lastIndexOf: (run, self, args) =>
      findLastText(run, self, { part: toText(run, args[0]), from: toInteger(run, args[1], Number.POSITIVE_INFINITY) }),
    localeCompare: (run, self, args) => {
      const collator = collatorOf(run, localeChoice(run, { locale: args[1], options: args[2] }))
      const other = toText(run, args[0])
      run.chargeText((self.length + other.length) * COLLATION_WEIGHT)
      return collator.compare(self, other)
    },
    normalize: (run, self, args) => {
      const form = args[0] === undefined ? "NFC" : toText(run, args[0])
      run.chargeNewText(self.length * (form.startsWith("NFK") ? COMPATIBLE_GROWTH : COMPOSED_GROWTH))
      return guarded(() => self.normalize(form))
    },
    padEnd: (run, self, args) => padded(run, self, { args, side: "padEnd" }),
    padStart: (run, self, args) => padded(run, self, { args, side: "padStart" }),
    repeat: (run, self, args) => {
      const times = toInteger(run, args[0])
      if (times < 0 || times === Infinity) throw rangeError("Invalid count value")
      run.chargeNewText(self.length * times)
      return self.repeat(self === "" ? 0 : times)
    },
    slice: (run, self, args) => run.look(self).slice(toInteger(run, args[0]), optionalInteger(run, args[1])),
    startsWith: (run, self, args) => run.look(self).startsWith(plainText(run, args[0]), toInteger(run, args[1])),
    substr: (run, self, args) => {
      const start = toInteger(run, args[0])
      const from = start < 0 ? Math.max(0, self.length + start) : start
      return run.look(self).slice(from, from + Math.max(0, toInteger(run, args[1], self.length)))
    },
    substring: (run, self, args) => run.look(self).substring(toInteger(run, args[0]), optionalInteger(run, args[1])),
    toLocaleLowerCase: (run, self) => cased(run, self, "toLowerCase"),
    toLocaleUpperCase: (run, self) => cased(run, self, "toUpperCase"),
    toLowerCase: (run, self) => cased(run, self, "toLowerCase"),
    toUpperCase: (run, self) => cased(run, self, "toUpperCase"),
    toString: (_run: Evaluation, self: string) => self,
    trim: (run, self) => searched(run, self).trim(),
    trimEnd: (run, self) => searched(run, self).trimEnd(),
    trimStart: (run, self) => searched(run, self).trimStart(),
    toWellFormed: (run, self) => {
      run.chargeNewText(self.length)
      return self.replace(/[\ud800-\udfff]/gu, "\ufffd")
    },
    isWellFormed: (run, self) => !/[\ud800-\udfff]/u.test(searched(run, self)),
    valueOf: (_run: Evaluation, self: string) => self,
  }),
])

/** Methods of a number. */
export const NUMBER_METHODS: MethodTable<number> = methodTable<number>({
  toExponential: (run, self, args) => digits(run, () => self.toExponential(optionalInteger(run, args[0]))),
  toFixed: (run, self, args) => digits(run, () => self.toFixed(toInteger(run, args[0]))),
  toLocaleString: (run: Evaluation, self: number, args: readonly unknown[]) => {
    const format = numberFormatOf(run, localeChoice(run, { locale: args[0], options: args[1] }))
    return format.format(self)
  },
  toPrecision: (run, self, args) => digits(run, () => self.toPrecision(optionalInteger(run, args[0]))),
  toString: (run: Evaluation, self: number, args: readonly unknown[]) =>
    args[0] === undefined ? String(self) : digits(run, () => self.toString(optionalInteger(run, args[0]))),
  valueOf: (_run: Evaluation, self: number) => self,
})

/** Methods of true and false. */
export const BOOLEAN_METHODS: MethodTable<boolean> = methodTable<boolean>({
  toString: ((_run, self) => String(self)) satisfies Method<boolean>,
  valueOf: ((_run, self) => self) satisfies Method<boolean>,
})

/** How much more the order of a language costs than that of character codes. */
const COLLATION_WEIGHT = 8

/** How much longer a text can become when its characters are composed or taken apart, and when they are replaced. */
const COMPOSED_GROWTH = 4
const COMPATIBLE_GROWTH = 18

/** A whole number, or undefined where none is given. */
export function optionalInteger(run: Evaluation, value: unknown): number | undefined {
  return value === undefined ? undefined : toInteger(run, value)
}

/** Up to a thousand digits are worked out one by one. */
function digits(run: Evaluation, write: () => string): string {
  run.charge(DIGITS_STEPS)
  return guarded(write)
}

const DIGITS_STEPS = 50

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
  const text = self[how]()
  // A few characters become two or three.
  if (text.length > self.length) run.chargeNewText(text.length - self.length)
  return text
}

type Padding = { readonly args: readonly unknown[]; readonly side: "padStart" | "padEnd" }

function padded(run: Evaluation, self: string, { args, side }: Padding): string {
  const length = Math.max(self.length, toNumber(run, args[0]) || 0)
  const filler = args[1] === undefined ? " " : toText(run, args[1])
  if (filler !== "") run.chargeNewText(length)
  return filler === "" ? self : self[side](length, filler)
}
