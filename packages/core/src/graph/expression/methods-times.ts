/** Methods of `DateTime`, `Duration` and `Interval`: those of luxon that give data, by name. */

import { Duration, Interval } from "luxon"
import { limitError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import type { Method, MethodTable } from "./method-table.ts"
import {
  admitFormats,
  type DateTimeValue,
  type DurationValue,
  type IntervalValue,
  timeCall,
  toTimeArgument,
} from "./times.ts"
import { type FieldObject, rangeError } from "./values.ts"

/** Pieces that an interval is cut into. */
const PIECES_MAX = 10_000

/** Steps for a character of a format. */
const FORMAT_STEPS_PER_CHAR = 40

const words = (text: string): readonly string[] => text.split(" ")

/** Methods that look for a difference unit by unit, and what that takes more than other calls. */
const DIFFERENCES = new Set(["count", "diff", "diffNow", "length", "toDuration", "toRelative", "toRelativeCalendar"])
const DIFFERENCE_STEPS = 400

/** Calls a method of one of the library's objects by its name, which is one of the lists below. */
function call(run: Evaluation, target: object, how: { name: string; args: readonly unknown[] }): unknown {
  if (DIFFERENCES.has(how.name)) run.charge(DIFFERENCE_STEPS)
  const args = how.args.map((value) => toTimeArgument(run, value))
  return timeCall(run, () => {
    const method = (target as FieldObject)[how.name]
    // The name is one of the lists below, so that the library has a method there.
    return (method as (...given: unknown[]) => unknown).apply(target, args)
  })
}

/** Methods whose arguments can not make the library keep a format. */
function plain<T>(names: readonly string[], unwrap: (value: T) => object): [string, Method<T>][] {
  return names.map((name) => [name, (run, self, args) => call(run, unwrap(self), { name, args })])
}

/** Methods whose arguments name languages, zones or formats. */
function formatting<T>(names: readonly string[], unwrap: (value: T) => object): [string, Method<T>][] {
  return names.map((name) => [
    name,
    (run, self, args) => {
      const [first] = args
      const isPattern = name === "toFormat"
      if (isPattern && typeof first === "string") run.charge(first.length * FORMAT_STEPS_PER_CHAR)
      admitFormats(run, isPattern ? args.slice(1) : args)
      return call(run, unwrap(self), { name, args })
    },
  ])
}

const timeOf = (value: DateTimeValue): object => value.time
const spanOf = (value: DurationValue): object => value.span
const stretchOf = (value: IntervalValue): object => value.stretch

/** Methods of a point in time. */
export const DATE_TIME_METHODS: MethodTable<DateTimeValue> = new Map([
  ...plain(
    words(
      "diff diffNow endOf equals get hasSame minus plus set startOf toBSON toHTTP toISO toISODate toISOTime " +
        "toISOWeekDate toJSDate toJSON toLocal toMillis toObject toRFC2822 toSQL toSQLDate toSQLTime toSeconds " +
        "toString toUTC toUnixInteger until valueOf",
    ),
    timeOf,
  ),
  ...formatting(
    words("reconfigure resolvedLocaleOptions setLocale setZone toFormat toLocaleParts toLocaleString toRelative"),
    timeOf,
  ),
  ...formatting(words("toRelativeCalendar"), timeOf),
])

/** Methods of a span. */
export const DURATION_METHODS: MethodTable<DurationValue> = new Map([
  ...plain(
    words(
      "as equals get minus negate normalize plus removeZeros rescale set shiftTo shiftToAll toISO toISOTime toJSON " +
        "toMillis toObject toString valueOf",
    ),
    spanOf,
  ),
  ...formatting(words("reconfigure toFormat toHuman"), spanOf),
])

/** Methods of a stretch between two points. */
export const INTERVAL_METHODS: MethodTable<IntervalValue> = new Map<string, Method<IntervalValue>>([
  ...plain(
    words(
      "abutsEnd abutsStart contains count difference engulfs equals hasSame intersection isAfter isBefore isEmpty " +
        "length overlaps set toDuration toISO toISODate toISOTime toString union",
    ),
    stretchOf,
  ),
  ...formatting(words("toFormat toLocaleString"), stretchOf),
  ["divideEqually", (run, self, args) => divide(run, self, args)],
  ["splitBy", (run, self, args) => split(run, self, args)],
])

/** `interval.divideEqually(n)`: the number of pieces is the argument. */
function divide(run: Evaluation, self: IntervalValue, args: readonly unknown[]): unknown {
  const pieces = typeof args[0] === "number" ? args[0] : Number.NaN
  if (!(pieces >= 1)) throw rangeError("an interval is divided into one piece or more")
  admitPieces(run, pieces)
  return call(run, self.stretch, { name: "divideEqually", args: [Math.trunc(pieces)] })
}

/** `interval.splitBy(duration)`: the library would go on for ever with a span that does not lead forward. */
function split(run: Evaluation, self: IntervalValue, args: readonly unknown[]): unknown {
  const given = toTimeArgument(run, args[0])
  const span = Duration.isDuration(given) ? given : Duration.fromObject(spanFields(given))
  // Units of different signs could lead forward by the calendar of the one month and backward by that of the next.
  const goesBack = Object.values(span.toObject()).some((count) => typeof count === "number" && count < 0)
  const pieceMs = goesBack ? 0 : span.toMillis()
  const lengthMs = self.stretch.isValid ? self.stretch.toDuration().toMillis() : 0
  if (!(pieceMs > 0)) throw rangeError("an interval is split by a span that leads forward")
  admitPieces(run, lengthMs / pieceMs)
  return timeCall(run, () => (Interval.isInterval(self.stretch) ? self.stretch.splitBy(span) : []))
}

function spanFields(value: unknown): FieldObject {
  if (typeof value === "number") return { milliseconds: value }
  return typeof value === "object" && value !== null ? { ...value } : {}
}

function admitPieces(run: Evaluation, pieces: number): void {
  if (!(pieces <= PIECES_MAX)) throw limitError("pieces of an interval", `${PIECES_MAX} pieces`)
  run.charge(Math.ceil(pieces) * PIECE_STEPS)
}

/** Steps of one piece of an interval. */
const PIECE_STEPS = 200

/** A span from what stands in an expression for one: a number of units, an object of units, or a span. */
export function asSpan(value: unknown, unit: unknown): unknown {
  return typeof value === "number" && typeof unit === "string" ? { [unit]: value } : value
}
