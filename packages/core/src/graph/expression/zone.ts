/**
 * Local time in a named zone. Dates in an expression are local to the scope's zone and never to the zone of the process,
 * so that a run means the same on every machine.
 */

import { guarded } from "./values.ts"

const FORMATS_MAX = 200
const formats = new Map<string, Intl.DateTimeFormat>()

/** Milliseconds that local time in the zone is ahead of UTC at an instant. A zone that is not known throws. */
export function zoneOffsetMs(timeZone: string, atMs: number): number {
  if (timeZone === "UTC" || !Number.isFinite(atMs)) return 0
  const parts: Record<string, number> = {}
  for (const { type, value } of formatOf(timeZone).formatToParts(atMs)) parts[type] = Number(value)
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  const local = Date.UTC(year, month - 1, day, hour, minute, second)
  return local - Math.floor(atMs / 1000) * 1000
}

/** A date whose UTC fields are the local fields of the instant. */
export function toLocalFields(timeZone: string, atMs: number): Date {
  return new Date(atMs + zoneOffsetMs(timeZone, atMs))
}

/**
 * The instant at which local clocks show what the UTC fields of `localMs` say. Where clocks are put back it is the first of
 * the two, where they are put forward it is what they would show if they had not been, as the language says.
 */
export function fromLocalFields(timeZone: string, localMs: number): number {
  const before = zoneOffsetMs(timeZone, localMs - DAY_MS)
  const after = zoneOffsetMs(timeZone, localMs + DAY_MS)
  if (before === after || zoneOffsetMs(timeZone, localMs - before) === before) return localMs - before
  return zoneOffsetMs(timeZone, localMs - after) === after ? localMs - after : localMs - before
}

const DAY_MS = 86_400_000

/** `Z` for UTC, else `+02:00`; `separator` is what stands between hours and minutes. */
export function offsetText(timeZone: string, atMs: number, separator = ":"): string {
  const minutes = Math.round(zoneOffsetMs(timeZone, atMs) / 60_000)
  const sign = minutes < 0 ? "-" : "+"
  return `${sign}${pad(Math.floor(Math.abs(minutes) / 60), 2)}${separator}${pad(Math.abs(minutes) % 60, 2)}`
}

/** A number with leading zeros. */
export function pad(value: number, width: number): string {
  return String(value).padStart(width, "0")
}

/** A date as the language writes it: `Wed May 01 2024 08:30:00 GMT+0000 (Coordinated Universal Time)`. */
export function dateText(timeZone: string, atMs: number): string {
  if (!Number.isFinite(atMs)) return "Invalid Date"
  return `${dateDayText(timeZone, atMs)} ${dateTimeText(timeZone, atMs)}`
}

/** The first half of `dateText`: `Wed May 01 2024`. */
export function dateDayText(timeZone: string, atMs: number): string {
  if (!Number.isFinite(atMs)) return "Invalid Date"
  const [day = "", date, month, year] = toLocalFields(timeZone, atMs).toUTCString().split(" ")
  return `${day.replace(",", "")} ${month} ${date} ${year}`
}

/** The second half of `dateText`: `08:30:00 GMT+0000 (Coordinated Universal Time)`. */
export function dateTimeText(timeZone: string, atMs: number): string {
  if (!Number.isFinite(atMs)) return "Invalid Date"
  const clock = toLocalFields(timeZone, atMs).toUTCString().split(" ")[4]
  const name = nameFormatOf(timeZone)
    .formatToParts(atMs)
    .find((part) => part.type === "timeZoneName")?.value
  return `${clock} GMT${offsetText(timeZone, atMs, "")} (${name})`
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  return keptFormat(`fields ${timeZone}`, {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  })
}

function nameFormatOf(timeZone: string): Intl.DateTimeFormat {
  return keptFormat(`name ${timeZone}`, { timeZone, timeZoneName: "long" })
}

function keptFormat(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const known = formats.get(key)
  if (known !== undefined) return known
  const format = guarded(() => new Intl.DateTimeFormat("en-US", options))
  if (formats.size >= FORMATS_MAX) formats.clear()
  formats.set(key, format)
  return format
}
