/**
 * Dates that settings name, as points in time with a zone. Everything is said to the library: zone, language and instant,
 * so that nothing depends on the machine.
 */
import { DateTime, IANAZone } from "luxon"
import { cutText } from "../findings.ts"
import { asInstant, asText } from "../value-types.ts"
import { NodeFailure } from "./kind.ts"

/** Language of names of months and days. */
const locale = "en-US"
/** Characters of a date or a format (ours). */
const charsMax = 1_000
/** Numbers with fewer digits are seconds, the others milliseconds. */
const millisecondDigits = 12

/** How a date is read. `keepsZone`: a date that names its zone keeps it, instead of moving to `timeZone`. */
export type DateReading = {
  readonly timeZone: string
  readonly keepsZone?: boolean
  /** The format of the text, in the library's tokens. */
  readonly format?: string | undefined
}

/** The date of a value: a text, or seconds or milliseconds since 1970. Throws NODE_SETTINGS_INVALID where it is none. */
export function toDate(value: unknown, reading: DateReading): DateTime {
  const { timeZone, keepsZone = false, format } = reading
  const text = typeof value === "string" ? value.trim() : value
  const found = format === undefined || format === "" ? readPlain(text, timeZone) : readFormat(text, format, timeZone)
  if (found?.isValid !== true) {
    const shown = cutText(asText(value) ?? "", 60)
    throw new NodeFailure(
      "NODE_SETTINGS_INVALID",
      `The date '${shown}' can not be read; correct it, or say its format.`,
    )
  }
  const zone = keepsZone && typeof text === "string" ? ownZone(text) : null
  return (zone === null ? found : found.setZone(zone)).setLocale(locale)
}

function readFormat(value: unknown, format: string, zone: string): DateTime | null {
  const text = asText(value) ?? ""
  if (text.length > charsMax || format.length > charsMax) return null
  return DateTime.fromFormat(text, format, { zone, locale })
}

function readPlain(value: unknown, zone: string): DateTime | null {
  const number = typeof value === "string" && value !== "" ? Number(value) : value
  if (typeof number === "number" && Number.isFinite(number)) {
    const whole = Math.round(number)
    const isSeconds = String(Math.abs(whole)).length < millisecondDigits
    return DateTime.fromMillis(isSeconds ? whole * 1_000 : whole, { zone, locale })
  }
  const instant = asInstant(value, zone)
  if (instant !== undefined) return DateTime.fromMillis(instant, { zone, locale })
  if (typeof value !== "string" || value.length > charsMax) return null
  const iso = DateTime.fromISO(value, { zone, locale })
  return iso.isValid ? iso : readSpelled(value, zone)
}

const spelled = /\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|^\d{1,4}[/.]\d{1,2}[/.]\d{1,4}\b/i

/** Dates in words, and month before day with strokes: as JavaScript reads them, local to the zone. */
function readSpelled(text: string, zone: string): DateTime | null {
  const ms = spelled.test(text) ? Date.parse(`${text} UTC`) : Number.NaN
  return Number.isFinite(ms) ? DateTime.fromMillis(ms, { zone: "UTC" }).setZone(zone, { keepLocalTime: true }) : null
}

/** The zone that a text names at its end; null where it names none. */
function ownZone(text: string): string | null {
  const [, sign = "", hours = "", minutes = "00"] = /T.*([+-])(\d\d):?(\d\d)?$/.exec(text) ?? []
  if (sign !== "") return `UTC${sign}${Number(hours)}:${minutes}`
  return /\dZ$/i.test(text) ? "UTC" : null
}

/** The name of a zone that there is; throws NODE_SETTINGS_INVALID for any other. */
export function checkedZone(name: string): string {
  if (name.length <= 100 && IANAZone.isValidZone(name)) return name
  throw new NodeFailure("NODE_SETTINGS_INVALID", `There is no time zone '${cutText(name, 60)}'; correct its name.`)
}

/** A date in a format of the library's tokens. Throws NODE_SETTINGS_INVALID for one that is too long. */
export function formatDate(date: DateTime, format: string): string {
  if (format.length <= charsMax) return date.toFormat(format)
  throw new NodeFailure("NODE_SETTINGS_INVALID", `A format may have at most ${charsMax} characters; shorten it.`)
}

/** A date as ISO text with its zone. Throws NODE_SETTINGS_INVALID where the arithmetic left the range of dates. */
export function isoText(date: DateTime): string {
  const text = date.toISO()
  if (text !== null) return text
  throw new NodeFailure("NODE_SETTINGS_INVALID", "The date that comes out is out of range; change the duration.")
}
