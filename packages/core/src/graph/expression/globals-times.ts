/** `$now`, `$today`, `DateTime`, `Duration` and `Interval`. */

import { DateTime, Duration, Interval } from "luxon"
import { limitError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import { constantGlobals, type GlobalTable } from "./global-table.ts"
import { admitFormats, DateTimeValue, DurationValue, IntervalValue, timeCall, toTimeArgument } from "./times.ts"
import { type FieldObject, FunctionValue, isFieldObject, typeError } from "./values.ts"

/** The present instant in the zone of the run. */
export function presentTime(run: Evaluation): unknown {
  return timeCall(run, () => DateTime.fromMillis(run.scope.now))
}

function today(run: Evaluation): unknown {
  return timeCall(run, () => DateTime.fromMillis(run.scope.now).startOf("day"))
}

type Static = (run: Evaluation, args: readonly unknown[]) => unknown

/** Calls a static method of one of the library's classes by its name, which is one of the lists below. */
function staticCall(type: object, name: string): Static {
  return (run, args) => {
    admitFormats(run, args.filter(isFieldObject))
    const given = args.map((value) => toTimeArgument(run, value))
    return timeCall(run, () => {
      const method = (type as unknown as FieldObject)[name]
      // The name is one of the lists below, so that the library has a method there.
      return (method as (...values: unknown[]) => unknown).apply(type, given)
    })
  }
}

function staticCalls(type: object, names: string): [string, FunctionValue][] {
  return names.split(" ").map((name) => [name, new FunctionValue(name, staticCall(type, name))])
}

/** Ways in which one piece of a text can be read, for the pieces that are no fixed number of digits. */
const CHOICES: Readonly<Record<string, number>> = { y: 6, yyyyy: 3, u: 9, S: 3, o: 3, X: 20, x: 20, z: 256, Z: 3 }
const SINGLE_CHOICES = 2
/** `D`, `t`, `ff` and the like stand for a whole date or time of a language. */
const MACRO = /^[DTtfF]+$/
const MACRO_CHOICES = 32
const CHOICES_MAX = 100_000

/** Steps of making a pattern of a format, and for each of its characters: names of months are asked for. */
const PATTERN_STEPS = 500
const PATTERN_STEPS_PER_CHAR = 50

/**
 * Admits a format before a text is read by it: the library makes a pattern of it for the platform's engine, which tries
 * every way to share out the characters, and `dhdhdh…` has twice as many with each letter.
 */
function admitPattern(run: Evaluation, format: unknown): void {
  if (typeof format !== "string") throw typeError("a format is a text")
  let ways = 1
  for (const [letters] of format.replace(/'[^']*'/g, "").matchAll(/([A-Za-z])\1*/g)) {
    if (MACRO.test(letters)) ways *= MACRO_CHOICES
    else ways *= CHOICES[letters] ?? (letters.length === 1 ? SINGLE_CHOICES : 1)
    if (ways > CHOICES_MAX) throw limitError("a format of too many parts", "some 15 parts of one letter")
  }
  run.charge(ways + PATTERN_STEPS + format.length * PATTERN_STEPS_PER_CHAR)
}

const fromFormat: Static = (run, args) => {
  admitPattern(run, args[1])
  return staticCall(DateTime, "fromFormat")(run, args)
}

/** `DateTime.DATE_FULL` and the like: options, as plain fields. */
const PRESETS = (
  "DATE_SHORT DATE_MED DATE_MED_WITH_WEEKDAY DATE_FULL DATE_HUGE TIME_SIMPLE TIME_WITH_SECONDS TIME_WITH_SHORT_OFFSET " +
  "TIME_WITH_LONG_OFFSET TIME_24_SIMPLE TIME_24_WITH_SECONDS TIME_24_WITH_SHORT_OFFSET TIME_24_WITH_LONG_OFFSET " +
  "DATETIME_SHORT DATETIME_SHORT_WITH_SECONDS DATETIME_MED DATETIME_MED_WITH_SECONDS DATETIME_MED_WITH_WEEKDAY " +
  "DATETIME_FULL DATETIME_FULL_WITH_SECONDS DATETIME_HUGE DATETIME_HUGE_WITH_SECONDS"
).split(" ")

const DATE_TIME = new FunctionValue(
  "DateTime",
  () => {
    throw typeError("DateTime is not called. Use DateTime.now() or DateTime.fromISO(…)")
  },
  {
    isInstance: (value) => value instanceof DateTimeValue,
    members: new Map<string, unknown>([
      ...staticCalls(
        DateTime,
        "fromHTTP fromISO fromJSDate fromMillis fromObject fromRFC2822 fromSQL fromSeconds local max min now utc",
      ),
      ["fromFormat", new FunctionValue("fromFormat", fromFormat)],
      ["fromString", new FunctionValue("fromString", fromFormat)],
      ["isDateTime", new FunctionValue("isDateTime", (_run, [value]) => value instanceof DateTimeValue)],
      ...PRESETS.map((name): [string, unknown] => [name, (DateTime as unknown as FieldObject)[name]]),
    ]),
  },
)

const DURATION = new FunctionValue(
  "Duration",
  () => {
    throw typeError("Duration is not called. Use Duration.fromObject({ hours: 1 })")
  },
  {
    isInstance: (value) => value instanceof DurationValue,
    members: new Map<string, unknown>([
      ...staticCalls(Duration, "fromISO fromISOTime fromMillis fromObject"),
      ["isDuration", new FunctionValue("isDuration", (_run, [value]) => value instanceof DurationValue)],
    ]),
  },
)

const INTERVAL = new FunctionValue(
  "Interval",
  () => {
    throw typeError("Interval is not called. Use Interval.fromDateTimes(start, end)")
  },
  {
    isInstance: (value) => value instanceof IntervalValue,
    members: new Map<string, unknown>([
      ...staticCalls(Interval, "after before fromDateTimes fromISO"),
      ["isInterval", new FunctionValue("isInterval", (_run, [value]) => value instanceof IntervalValue)],
    ]),
  },
)

/** Globals of time. */
export const TIME_GLOBALS: GlobalTable = new Map([
  ...constantGlobals({ DateTime: DATE_TIME, Duration: DURATION, Interval: INTERVAL }),
  ["$now", presentTime],
  ["$today", today],
])
