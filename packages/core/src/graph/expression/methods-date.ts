/** Methods of dates. Local fields are those of the scope's time zone; a date from the data is copied before it changes. */

import { DATE_TEXT_STEPS, toNumber, toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { type DateParts, dateFormatOf, localeChoice } from "./formats.ts"
import { type Method, type MethodTable, methodTable } from "./method-table.ts"
import { guarded } from "./values.ts"
import { dateDayText, dateTimeText, fromLocalFields, toLocalFields, zoneOffsetMs } from "./zone.ts"

const GETTERS: readonly [string, (date: Date) => number][] = [
  ["FullYear", (date) => date.getUTCFullYear()],
  ["Month", (date) => date.getUTCMonth()],
  ["Date", (date) => date.getUTCDate()],
  ["Day", (date) => date.getUTCDay()],
  ["Hours", (date) => date.getUTCHours()],
  ["Minutes", (date) => date.getUTCMinutes()],
  ["Seconds", (date) => date.getUTCSeconds()],
  ["Milliseconds", (date) => date.getUTCMilliseconds()],
]

type Numbers = [number, ...number[]]

const SETTERS: readonly [string, (date: Date, values: Numbers) => number][] = [
  ["FullYear", (date, [year, ...rest]) => date.setUTCFullYear(year, ...rest.slice(0, 2))],
  ["Month", (date, [month, ...rest]) => date.setUTCMonth(month, ...rest.slice(0, 1))],
  ["Date", (date, [day]) => date.setUTCDate(day)],
  ["Hours", (date, [hours, ...rest]) => date.setUTCHours(hours, ...rest.slice(0, 3))],
  ["Minutes", (date, [minutes, ...rest]) => date.setUTCMinutes(minutes, ...rest.slice(0, 2))],
  ["Seconds", (date, [seconds, ...rest]) => date.setUTCSeconds(seconds, ...rest.slice(0, 1))],
  ["Milliseconds", (date, [value]) => date.setUTCMilliseconds(value)],
]

/** Steps of asking the platform for the offset of a zone at an instant. */
const OFFSET_STEPS = 50

function chargeOffsets(run: Evaluation, count: number): void {
  if (run.scope.timeZone !== "UTC") run.charge(OFFSET_STEPS * count)
}

function fromLocal(run: Evaluation, localMs: number): number {
  chargeOffsets(run, 3)
  return fromLocalFields(run.scope.timeZone, localMs)
}

function local(run: Evaluation, date: Date): Date {
  chargeOffsets(run, 1)
  return toLocalFields(run.scope.timeZone, date.getTime())
}

function changeable(run: Evaluation, date: Date): Date {
  return run.owns(date) ? date : new Date(date.getTime())
}

function numbers(run: Evaluation, args: readonly unknown[]): Numbers {
  const [first, ...rest] = args.map((value) => toNumber(run, value))
  return [first ?? Number.NaN, ...rest]
}

const FIELD_METHODS: [string, Method<Date>][] = [
  ...GETTERS.flatMap(([field, read]): [string, Method<Date>][] => [
    [`getUTC${field}`, (_run, self) => read(self)],
    [`get${field}`, (run, self) => read(local(run, self))],
  ]),
  ...SETTERS.flatMap(([field, write]): [string, Method<Date>][] => [
    [`setUTC${field}`, (run, self, args) => write(changeable(run, self), numbers(run, args))],
    [
      `set${field}`,
      (run, self, args) => {
        const fields = local(run, self)
        write(fields, numbers(run, args))
        return changeable(run, self).setTime(fromLocal(run, fields.getTime()))
      },
    ],
  ]),
]

/** Names of the methods that change the date that they are called on. */
export const CHANGING_DATE_METHODS: ReadonlySet<string> = new Set([
  "setTime",
  ...SETTERS.flatMap(([field]) => [`set${field}`, `setUTC${field}`]),
])

/** Methods of a date. */
export const DATE_METHODS: MethodTable<Date> = new Map([
  ...FIELD_METHODS,
  ...methodTable<Date>({
    getTime: (_run, self) => self.getTime(),
    getTimezoneOffset: (run, self) => {
      chargeOffsets(run, 1)
      return -zoneOffsetMs(run.scope.timeZone, self.getTime()) / 60_000 + 0
    },
    setTime: (run, self, args) => changeable(run, self).setTime(toNumber(run, args[0])),
    toDateString: (run, self) => {
      chargeOffsets(run, 1)
      return dateDayText(run.scope.timeZone, self.getTime())
    },
    toISOString: (_run, self) => guarded(() => self.toISOString()),
    toJSON: (_run, self) => self.toJSON(),
    toLocaleDateString: (run, self, args) => localized(run, self, { args, parts: "date" }),
    toLocaleString: (run: Evaluation, self: Date, args: readonly unknown[]) =>
      localized(run, self, { args, parts: "both" }),
    toLocaleTimeString: (run, self, args) => localized(run, self, { args, parts: "time" }),
    toString: (run: Evaluation, self: Date) => toText(run, self),
    toTimeString: (run, self) => {
      run.charge(DATE_TEXT_STEPS)
      return dateTimeText(run.scope.timeZone, self.getTime())
    },
    toUTCString: (_run, self) => self.toUTCString(),
    valueOf: (_run: Evaluation, self: Date) => self.getTime(),
  }),
])

function localized(run: Evaluation, self: Date, how: { args: readonly unknown[]; parts: DateParts }): string {
  if (Number.isNaN(self.getTime())) return "Invalid Date"
  const choice = localeChoice(run, { locale: how.args[0], options: how.args[1] })
  return dateFormatOf(run, choice, how.parts).format(self)
}

/** A text without a zone after its time, which means local time. */
const LOCAL_ISO = /^[+-]?\d{4,6}-\d\d(?:-\d\d)?T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?$/

/** A date alone in ISO form is UTC; other forms that name a zone mean that zone. */
const NAMES_ZONE = /^[+-]?\d{4,6}(?:-\d\d){0,2}$|(?:\d ?Z|GMT|UTC?|[ECMP][SD]T|[+-]\d\d:?\d\d)\s*(?:\([^)]{0,60}\))?$/i

/** The instant that a text means, in milliseconds since 1970; NaN where it means none. */
export function parseDate(run: Evaluation, source: string): number {
  if (source.length > DATE_CHARS_MAX) return Number.NaN
  run.charge(DATE_PARSE_STEPS)
  if (LOCAL_ISO.test(source)) return fromLocal(run, Date.parse(`${source}Z`))
  const parsed = Date.parse(source)
  if (Number.isNaN(parsed) || NAMES_ZONE.test(source)) return parsed
  // The native parser took the fields as local to the process; they are read back and placed in the scope's zone.
  const read = new Date(parsed)
  const fields = Date.UTC(
    read.getFullYear(),
    read.getMonth(),
    read.getDate(),
    read.getHours(),
    read.getMinutes(),
    read.getSeconds(),
    read.getMilliseconds(),
  )
  return fromLocal(run, fields)
}

const DATE_CHARS_MAX = 200
const DATE_PARSE_STEPS = 20

/** What the constructor of dates makes of its arguments. */
export function makeDate(run: Evaluation, args: readonly unknown[]): Date {
  return run.own(new Date(instantOf(run, args)))
}

function instantOf(run: Evaluation, args: readonly unknown[]): number {
  if (args.length === 0) return run.scope.now
  if (args.length > 1) return fromLocal(run, utcOf(run, args))
  const [value] = args
  if (value instanceof Date) return value.getTime()
  if (typeof value === "string") return parseDate(run, value)
  return Array.isArray(value) ? parseDate(run, toText(run, value)) : toNumber(run, value)
}

/** `Date.UTC` of a list of arguments. */
export function utcOf(run: Evaluation, args: readonly unknown[]): number {
  const [year, month = 0, ...rest] = numbers(run, args)
  return Date.UTC(year, month, ...rest.slice(0, 5))
}
