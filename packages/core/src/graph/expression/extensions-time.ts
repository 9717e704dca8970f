/** What the language adds to dates and points in time (documented), and how texts and numbers become points in time. */

import { DateTime } from "luxon"
import { toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { extensionError } from "./extension-error.ts"
import { presentTime } from "./globals-times.ts"
import type { Method, MethodTable } from "./method-table.ts"
import { asSpan, DATE_TIME_METHODS } from "./methods-times.ts"
import { DateTimeValue, DurationValue, timeCall } from "./times.ts"

/** Characters of a text that may be a time. */
const TIME_CHARS_MAX = 1_000

/** Days from the first of a spreadsheet to 1970. */
const SPREADSHEET_DAYS = 25_569
const DAY_MS = 86_400_000

function calledOn(run: Evaluation, time: DateTimeValue, call: { name: string; args: readonly unknown[] }): unknown {
  return DATE_TIME_METHODS.get(call.name)?.(run, time, call.args)
}

/** A text in ISO, HTTP, RFC 2822 or SQL form as a point in time. Fails the node for any other text. */
export function textToTime(run: Evaluation, text: string): DateTimeValue {
  if (text.length <= TIME_CHARS_MAX) {
    for (const read of [DateTime.fromISO, DateTime.fromHTTP, DateTime.fromRFC2822, DateTime.fromSQL]) {
      const found = timeCall(run, () => read.call(DateTime, text.trim(), { setZone: false }))
      if (found instanceof DateTimeValue && found.time.isValid) return found
    }
  }
  throw extensionError("toDateTime", "the text is no date. Use DateTime.fromFormat(text, format) for other forms.")
}

/** A number as a point in time: milliseconds since 1970 unless the format says seconds, microseconds or a spreadsheet. */
export function numberToTime(run: Evaluation, value: number, format: unknown): unknown {
  const unit = format === undefined || format === null ? "ms" : toText(run, format)
  const readers: Readonly<Record<string, number>> = {
    ms: value,
    s: value * 1_000,
    us: value / 1_000,
    excel: (value - SPREADSHEET_DAYS) * DAY_MS,
  }
  const atMs = Object.hasOwn(readers, unit) ? readers[unit] : undefined
  if (atMs === undefined) throw extensionError("toDateTime", 'the format is one of "ms", "s", "us" and "excel".')
  return timeCall(run, () => DateTime.fromMillis(Math.round(atMs)))
}

/** A point in time from whatever may stand for one beside a point in time. */
function toTime(run: Evaluation, value: unknown): DateTimeValue {
  if (value instanceof DateTimeValue) return value
  if (value instanceof Date) return ofDate(run, value)
  if (typeof value === "number") return numberToTime(run, value, "ms") as DateTimeValue
  return textToTime(run, toText(run, value))
}

function ofDate(run: Evaluation, date: Date): DateTimeValue {
  // A call that makes a point in time gives one.
  return timeCall(run, () => DateTime.fromMillis(date.getTime())) as DateTimeValue
}

/** Names of parts that luxon calls otherwise. */
const PARTS: ReadonlyMap<string, string> = new Map([
  ["week", "weekNumber"],
  ["weekNumber", "weekNumber"],
  ["yearDayNumber", "ordinal"],
])

const UNITS = "millisecond second minute hour day week month quarter year".split(" ")

function extract(run: Evaluation, time: DateTimeValue, part: unknown): unknown {
  const name = part === undefined ? "week" : toText(run, part)
  const singular = UNITS.includes(name.replace(/s$/, "")) ? name.replace(/s$/, "") : name
  return calledOn(run, time, { name: "get", args: [PARTS.get(singular) ?? singular] })
}

/** The span from another point in time to this one: a number of one unit, or an object of several (recorded). */
function diffTo(run: Evaluation, time: DateTimeValue, other: { from: unknown; units: unknown }): unknown {
  const { units = "days" } = other
  const list = Array.isArray(units) ? units : [units]
  const span = calledOn(run, time, { name: "diff", args: [toTime(run, other.from), list] })
  if (!(span instanceof DurationValue)) return undefined
  const fields = timeCall(run, () => span.span.toObject())
  const [first] = list
  return Array.isArray(units) ? fields : timeCall(run, () => span.span.as(toText(run, first) as "days"))
}

function isBetween(run: Evaluation, time: DateTimeValue, bounds: readonly unknown[]): boolean {
  const [first, second] = [toTime(run, bounds[0]), toTime(run, bounds[1])].map((bound) => bound.number())
  const at = time.number()
  return first !== undefined && second !== undefined && Math.min(first, second) < at && at < Math.max(first, second)
}

function isInLast(run: Evaluation, time: DateTimeValue, span: { count: unknown; unit: unknown }): boolean {
  const now = presentTime(run)
  if (!(now instanceof DateTimeValue)) return false
  const { count = 0, unit = "minutes" } = span
  const start = calledOn(run, now, { name: "minus", args: [asSpan(count, unit)] })
  return start instanceof DateTimeValue && start.number() <= time.number() && time.number() <= now.number()
}

/** What points in time have beside luxon's methods. Some have the name of one, and take more forms. */
export const DATE_TIME_EXTENSIONS: MethodTable<DateTimeValue> = new Map<string, Method<DateTimeValue>>([
  ["beginningOf", (run, self, [unit = "week"]) => calledOn(run, self, { name: "startOf", args: [unit] })],
  ["diffTo", (run, self, [from, units]) => diffTo(run, self, { from, units })],
  ["diffToNow", (run, self, [units]) => diffTo(run, self, { from: presentTime(run), units })],
  ["endOfMonth", (run, self) => calledOn(run, self, { name: "endOf", args: ["month"] })],
  ["extract", (run, self, [part]) => extract(run, self, part)],
  ["format", (run, self, [format = "yyyy-MM-dd", options]) => formatted(run, self, [format, options])],
  ["isBetween", isBetween],
  ["isDst", (run, self) => self.read(run, "isInDST")],
  ["isEmpty", () => false],
  ["isInLast", (run, self, [count, unit]) => isInLast(run, self, { count, unit })],
  ["isNotEmpty", () => true],
  ["isWeekend", (run, self) => self.read(run, "isWeekend")],
  ["minus", (run, self, [count, unit]) => calledOn(run, self, { name: "minus", args: [asSpan(count, unit)] })],
  ["plus", (run, self, [count, unit]) => calledOn(run, self, { name: "plus", args: [asSpan(count, unit)] })],
  ["toDateTime", (_run, self) => self],
])

function formatted(run: Evaluation, time: DateTimeValue, args: readonly unknown[]): unknown {
  return calledOn(run, time, { name: "toFormat", args: args.filter((value) => value !== undefined) })
}

/** Extensions that give a date back where they were asked of a date. */
const KEEPS_KIND = new Set(["beginningOf", "endOfMonth", "minus", "plus"])

/** The same for dates of the platform. */
export const DATE_EXTENSIONS: MethodTable<Date> = new Map(
  [...DATE_TIME_EXTENSIONS].map(([name, method]): [string, Method<Date>] => [
    name,
    (run, self, args) => {
      const value = method(run, ofDate(run, self), args)
      return KEEPS_KIND.has(name) && value instanceof DateTimeValue ? run.own(new Date(value.number())) : value
    },
  ]),
)
