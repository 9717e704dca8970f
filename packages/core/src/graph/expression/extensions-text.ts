/**
 * What the language adds to texts (documented): case, conversion, quoting, encoding. Where a text can not be converted the
 * node fails (recorded), unlike with errors of the language.
 */

import { fromBase64, toBase64, utf8Bytes, utf8Text } from "./base64.ts"
import { toText } from "./convert.ts"
import { type Digest, md5, sha1, sha224, sha256 } from "./digests.ts"
import { sha3, sha384, sha512 } from "./digests-wide.ts"
import type { Evaluation } from "./evaluation.ts"
import { extensionError } from "./extension-error.ts"
import { ADDRESS_EXTENSIONS } from "./extensions-address.ts"
import { MARKUP_EXTENSIONS } from "./extensions-markup.ts"
import { numberToTime, textToTime } from "./extensions-time.ts"
import { parseJson, writeJson } from "./globals-json.ts"
import { type Method, type MethodTable, methodTable } from "./method-table.ts"
import { makeDate } from "./methods-date.ts"
import { guarded, Thrown } from "./values.ts"

/** Steps of each digest: of one block, and for a byte. */
const DIGESTS: ReadonlyMap<string, { readonly digest: Digest; readonly steps: number; readonly stepsPerByte: number }> =
  new Map([
    ["md5", { digest: md5, steps: 200, stepsPerByte: 0.5 }],
    ["sha1", { digest: sha1, steps: 200, stepsPerByte: 0.5 }],
    ["sha224", { digest: sha224, steps: 200, stepsPerByte: 0.5 }],
    ["sha256", { digest: sha256, steps: 200, stepsPerByte: 0.5 }],
    ["sha384", { digest: sha384, steps: 2_500, stepsPerByte: 5 }],
    ["sha512", { digest: sha512, steps: 2_500, stepsPerByte: 5 }],
    ["sha3", { digest: sha3, steps: 2_500, stepsPerByte: 12 }],
  ])

/** Words that stay small inside of a title. */
const SMALL_WORDS = new Set("a an and as at but by for from if in into nor of on or the to with".split(" "))

const FALSE_WORDS = new Set(["false", "no", "0", ""])

/** Characters that no mark can be taken from. */
const ASCII_FORMS: Readonly<Record<string, string>> = {
  ß: "ss",
  ẞ: "SS",
  æ: "ae",
  Æ: "AE",
  œ: "oe",
  Œ: "OE",
  ø: "o",
  Ø: "O",
  đ: "d",
  Đ: "D",
  ð: "d",
  Ð: "D",
  þ: "th",
  Þ: "Th",
  ł: "l",
  Ł: "L",
  ı: "i",
}

function counted(run: Evaluation, text: string): string {
  run.chargeNewText(text.length * 2)
  return text
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)

const toTitleCase: Method<string> = (run, self) => {
  let isFirst = true
  return counted(run, self).replace(/\S+/g, (word) => {
    const isSmall = !isFirst && SMALL_WORDS.has(word.toLowerCase())
    isFirst = false
    return isSmall ? word.toLowerCase() : capital(word)
  })
}

const toSentenceCase: Method<string> = (run, self) => {
  let isStart = true
  return counted(run, self)
    .toLowerCase()
    .replace(/\S+/g, (word) => {
      const cased = isStart ? capital(word) : word
      isStart = /[.!?]$/.test(word)
      return cased
    })
}

const toSnakeCase: Method<string> = (run, self) =>
  counted(run, self)
    .toLowerCase()
    .replace(/[ -]/g, "_")
    .replace(/[^\p{L}\p{N}_]/gu, "")

const replaceSpecialChars: Method<string> = (run, self) => {
  run.chargeNewText(self.length * 4)
  return self
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/[^\0-\x7f]/g, (char) => ASCII_FORMS[char] ?? char)
}

const quote: Method<string> = (run, self, [mark = '"']) => {
  const sign = toText(run, mark)
  if (sign === "") return self
  run.chargeNewText(self.length * 2 + sign.length * 2)
  const escaped = self.split(sign).join(`\\${sign}`)
  run.chargeNewText(escaped.length)
  return `${sign}${escaped}${sign}`
}

const hash: Method<string> = (run, self, [given]) => {
  const name = given === undefined || given === null ? "md5" : toText(run, given).toLowerCase()
  if (name === "base64") return base64Encode(run, self)
  const found = DIGESTS.get(name)
  if (found === undefined) {
    throw extensionError("hash", `"${name}" is not known. Use one of ${[...DIGESTS.keys()].join(", ")}, base64.`)
  }
  run.charge(found.steps + Math.ceil(self.length * 3 * found.stepsPerByte))
  return found.digest(utf8Bytes(self))
}

function base64Encode(run: Evaluation, text: string): string {
  run.chargeNewText(text.length * 4)
  run.charge(text.length)
  return toBase64(utf8Bytes(text))
}

function base64Decode(run: Evaluation, text: string): string {
  run.chargeNewText(text.length)
  run.charge(text.length * 2)
  return utf8Text(fromBase64(text))
}

function readNumber(run: Evaluation, self: string, how: { method: string; read: (text: string) => number }): number {
  run.chargeText(self.length * 4)
  const number = how.read(self)
  if (Number.isNaN(number)) throw extensionError(how.method, "the text is no number. Check it with .isNumeric() first.")
  return number
}

const toInt =
  (method: string): Method<string> =>
  (run, self, [radix]) =>
    readNumber(run, self, { method, read: (text) => Number.parseInt(text, typeof radix === "number" ? radix : 10) })

const toFloat =
  (method: string): Method<string> =>
  (run, self) =>
    readNumber(run, self, { method, read: (text) => Number.parseFloat(text) })

function tryJson(run: Evaluation, text: string): unknown {
  try {
    return parseJson(run, text)
  } catch (error) {
    if (error instanceof Thrown) return undefined
    throw error
  }
}

function isNumeric(run: Evaluation, text: string): boolean {
  run.chargeText(text.length * 4)
  return text.trim() !== "" && !Number.isNaN(Number(text))
}

function urlCoding(run: Evaluation, text: string, change: (text: string) => string): string {
  run.chargeNewText(text.length * 9)
  return guarded(() => change(text))
}

/** What texts have beside the methods of the platform. */
export const TEXT_EXTENSIONS: MethodTable<string> = new Map([
  ...ADDRESS_EXTENSIONS,
  ...MARKUP_EXTENSIONS,
  ...methodTable<string>({
    base64Decode: (run, self) => base64Decode(run, self),
    base64Encode: (run, self) => base64Encode(run, self),
    hash,
    isEmpty: (_run, self) => self === "",
    isNotEmpty: (_run, self) => self !== "",
    isNumeric: (run, self) => isNumeric(run, self),
    parseJson: (run, self) => tryJson(run, self),
    quote,
    replaceSpecialChars,
    toBoolean: (run, self) => !FALSE_WORDS.has(counted(run, self).trim().toLowerCase()),
    toDate: (run, self) => makeDate(run, [self]),
    toDateTime: (run, self, [format]) =>
      /^-?\d{9,}$/.test(self.slice(0, 30)) ? numberToTime(run, Number(self), format) : textToTime(run, self),
    toDecimalNumber: toFloat("toDecimalNumber"),
    toFloat: toFloat("toFloat"),
    toInt: toInt("toInt"),
    toJsonString: (run, self) => writeJson(run, self),
    toNumber: (run, self) => readNumber(run, self, { method: "toNumber", read: numberOf }),
    toSentenceCase,
    toSnakeCase,
    toTitleCase,
    toWholeNumber: toInt("toWholeNumber"),
    urlDecode: (run, self, [all]) => urlCoding(run, self, all === true ? decodeURI : decodeURIComponent),
    urlEncode: (run, self, [all]) => urlCoding(run, self, all === true ? encodeURI : encodeURIComponent),
  }),
])

function numberOf(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text)
}
