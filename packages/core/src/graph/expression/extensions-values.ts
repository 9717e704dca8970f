/** What the language adds to numbers, truth values and objects (documented). */

import { fieldNames, fieldValue, putField, toInteger, toKey, toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { extensionError } from "./extension-error.ts"
import { numberToTime } from "./extensions-time.ts"
import { localeChoice, numberFormatOf } from "./formats.ts"
import { isEmptyValue } from "./globals-choices.ts"
import { writeJson } from "./globals-json.ts"
import { type Method, type MethodTable, methodTable } from "./method-table.ts"
import { findText } from "./text-search.ts"
import { type FieldObject, guarded } from "./values.ts"

/** Digits behind the point that a number can be rounded to. */
const DECIMALS_MAX = 100

function wholeNumber(value: number, method: string): number {
  if (!Number.isInteger(value)) throw extensionError(method, "the number has to be a whole number.")
  return value
}

const round: Method<number> = (run, self, args) => {
  const decimals = Math.max(0, Math.min(DECIMALS_MAX, toInteger(run, args[0])))
  const factor = 10 ** decimals
  const scaled = self * factor
  return Number.isFinite(scaled) ? Math.round(scaled) / factor : self
}

/** What numbers have beside the methods of the platform. Zero counts as empty (recorded). */
export const NUMBER_EXTENSIONS: MethodTable<number> = methodTable<number>({
  abs: (_run, self) => Math.abs(self),
  ceil: (_run, self) => Math.ceil(self),
  floor: (_run, self) => Math.floor(self),
  format: (run, self, args) =>
    numberFormatOf(run, localeChoice(run, { locale: args[0], options: args[1] })).format(self),
  isEmpty: (_run, self) => !self,
  isEven: (_run, self) => wholeNumber(self, "isEven") % 2 === 0,
  isInteger: (_run, self) => Number.isInteger(self),
  isNotEmpty: (_run, self) => Boolean(self),
  isOdd: (_run, self) => wholeNumber(self, "isOdd") % 2 !== 0,
  round,
  toBoolean: (_run, self) => self !== 0,
  toDateTime: (run, self, args) => numberToTime(run, self, args[0]),
  toFloat: (_run, self) => self,
  toInt: (_run, self) => Math.trunc(self),
  toNumber: (_run, self) => self,
})

const asNumber = ((_run, self) => (self ? 1 : 0)) satisfies Method<boolean>

/** What truth values have beside the methods of the platform. */
export const BOOLEAN_EXTENSIONS: MethodTable<boolean> = methodTable<boolean>({
  isEmpty: ((_run, self) => !self) satisfies Method<boolean>,
  isNotEmpty: ((_run, self) => self) satisfies Method<boolean>,
  toBoolean: ((_run, self) => self) satisfies Method<boolean>,
  toFloat: asNumber,
  toInt: asNumber,
  toNumber: asNumber,
})

function fieldsWhere(
  run: Evaluation,
  source: FieldObject,
  keeps: (name: string, value: unknown) => boolean,
): FieldObject {
  const kept: FieldObject = {}
  for (const name of fieldNames(run, source)) {
    const value = fieldValue(source, name)
    if (keeps(name, value)) putField(kept, name, value)
  }
  return run.own(kept)
}

/** Whether a field is a text with another text in it. */
function containing(run: Evaluation, value: unknown, part: string): boolean {
  return typeof value === "string" && findText(run, value, { part, from: 0 }) >= 0
}

function partOf(run: Evaluation, value: unknown, method: string): string {
  if (typeof value !== "string" || value === "") throw extensionError(method, "give it the text to look for.")
  return toText(run, value)
}

/** Fields as they stand in an address: blanks become `+`. */
function urlEncode(run: Evaluation, self: FieldObject): string {
  const pairs = fieldNames(run, self).map((name) => {
    const value = toText(run, fieldValue(self, name))
    run.chargeNewText((name.length + value.length) * 9)
    return `${formEncode(name)}=${formEncode(value)}`
  })
  return pairs.join("&")
}

function formEncode(text: string): string {
  const escaped = guarded(() => encodeURIComponent(text))
  return escaped
    .replaceAll("%20", "+")
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** What objects have beside the methods of the platform. */
export const OBJECT_EXTENSIONS: MethodTable<FieldObject> = methodTable<FieldObject>({
  compact: (run, self) => fieldsWhere(run, self, (_name, value) => !isEmptyValue(value)),
  hasField: (run, self, args) => Object.hasOwn(self, toKey(run, args[0])),
  isEmpty: (_run, self) => Object.keys(self).length === 0,
  isNotEmpty: (_run, self) => Object.keys(self).length > 0,
  keepFieldsContaining: (run, self, args) => {
    const part = partOf(run, args[0], "keepFieldsContaining")
    return fieldsWhere(run, self, (_name, value) => containing(run, value, part))
  },
  keys: (run, self) => run.own(fieldNames(run, self)),
  removeField: (run, self, args) => {
    const removed = toKey(run, args[0])
    return fieldsWhere(run, self, (name) => name !== removed)
  },
  removeFieldsContaining: (run, self, args) => {
    const part = partOf(run, args[0], "removeFieldsContaining")
    return fieldsWhere(run, self, (_name, value) => !containing(run, value, part))
  },
  toJsonString: (run, self) => writeJson(run, self),
  urlEncode: (run, self) => urlEncode(run, self),
  values: (run, self) => run.own(fieldNames(run, self).map((name) => fieldValue(self, name))),
})
