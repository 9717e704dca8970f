/**
 * Values as another type, for settings and conditions that name a type. `undefined` says that a value cannot be one.
 * The rules are those of the recorded outcomes; where they are silent, JavaScript's own conversion decides.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { fromLocalFields } from "./expression/zone.ts"

const trueWords: ReadonlySet<string> = new Set(["true", "1", "yes", "on"])
const falseWords: ReadonlySet<string> = new Set(["false", "0", "no", "off", ""])

/** A value as text: lists and objects become JSON; a date becomes JSON text with its quotes (recorded outcome). */
export function asText(value: unknown): string | undefined {
  if (typeof value === "string") return value
  if (typeof value === "object" && value !== null) return JSON.stringify(value)
  return value === null || value === undefined ? undefined : String(value)
}

/** A value as a finite number. */
export function asNumber(value: unknown): number | undefined {
  const isNumeric = typeof value === "number" || typeof value === "string" || typeof value === "boolean"
  const number = isNumeric ? Number(value) : Number.NaN
  return Number.isFinite(number) ? number : undefined
}

/** A value as a truth value: 1, 0 and their words. */
export function asBoolean(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value
  if (typeof value !== "string" && typeof value !== "number") return undefined
  const word = String(value).trim().toLowerCase()
  if (trueWords.has(word)) return true
  return falseWords.has(word) ? false : undefined
}

/** A value as a list: a list, or JSON text of one. */
export function asList(value: unknown): readonly unknown[] | undefined {
  const list = typeof value === "string" ? parseJson(value) : value
  return Array.isArray(list) ? list : undefined
}

/** A value as an object that is no list: one, or JSON text of one. */
export function asObject(value: unknown): JsonObject | undefined {
  const object = typeof value === "string" ? parseJson(value) : value
  return isJsonObject(object) && !(object instanceof Date) ? object : undefined
}

/** The value of JSON text; undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Broken JSON is an answer here, not a fault: the caller says what it means.
    return undefined
  }
}

const isoDate =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?$/i
/** Other spellings are taken only with a zone, since without one they would mean the zone of the process. */
const zonedDate = /(?:GMT|UTC?|Z|[+-]\d{4})\s*(?:\([^)]*\))?$/

/** A value as an instant in milliseconds: a date, milliseconds, or a text; without a zone it is local to `timeZone`. */
export function asInstant(value: unknown, timeZone: string): number | undefined {
  if (value instanceof Date) return finite(value.getTime())
  if (typeof value === "number") return finite(value)
  if (typeof value !== "string" || value.length > 100) return undefined
  const text = value.trim()
  const parts = isoDate.exec(text)
  if (parts === null) return zonedDate.test(text) ? finite(Date.parse(text)) : undefined
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "0", zone] = parts
  const ms = Math.floor(Number(`0.${fraction}`) * 1000)
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), ms)
  // The 31st of February rolls over: such a text is no date.
  if (new Date(local).getUTCDate() !== Number(day) || new Date(local).getUTCMonth() + 1 !== Number(month)) {
    return undefined
  }
  return zone === undefined ? fromLocalFields(timeZone, local) : local - offsetMs(zone)
}

function finite(number: number): number | undefined {
  return Number.isFinite(number) ? number : undefined
}

function offsetMs(zone: string): number {
  if (zone.toUpperCase() === "Z") return 0
  const digits = zone.replace(":", "")
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5) || "0")
  return (digits.startsWith("-") ? -minutes : minutes) * 60_000
}

/** A resolved value as JSON: what is missing or no number is null, a date its ISO text. */
export function asJson(value: unknown): JsonValue {
  if (value === undefined || Number.isNaN(value)) return null
  if (value instanceof Date) return Number.isFinite(value.getTime()) ? value.toISOString() : null
  // What an expression gives is JSON but for these.
  return value as JsonValue
}
