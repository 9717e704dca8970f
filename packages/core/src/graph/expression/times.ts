/**
 * Points in time, spans and stretches of time: `DateTime`, `Duration` and `Interval` of luxon, wrapped so that an
 * expression sees the members that are listed here and nothing of the objects themselves.
 *
 * Invariants: 1. Every call of the library goes through `timeCall`, which lends it the run's own clock, zone and language
 * and takes them back: nothing depends on the machine. 2. What comes out is wrapped, what goes in is unwrapped or plain.
 * 3. The library keeps formats by what they were made from, for ever; who could make many of them is counted, and the
 * library's stores are emptied before they grow large.
 */

import { DateTime, Duration, Interval, Settings } from "luxon"
import type { Evaluation } from "./evaluation.ts"
import { type FieldObject, guarded, isFieldObject, SpecialValue, typeError } from "./values.ts"

const DEFAULT_LOCALE = "en-US"

/** Steps of one call of the library: most ask the platform for the offset of a zone, some more than once. */
const CALL_STEPS = 100

/** Steps of a call with options or a language that this evaluation has not used yet. */
const NEW_FORMAT_STEPS = 3_000

/** Different options, languages and zones after which the library forgets its formats. */
const FORMATS_MAX = 300

/** Characters of a text that is read as a time or used as a format: longer ones are none. */
const TIME_CHARS_MAX = 1_000

let formatsSeen = new Set<string>()

/** A point in time with its zone. */
export class DateTimeValue extends SpecialValue {
  readonly time: DateTime

  constructor(time: DateTime) {
    super()
    this.time = time
  }

  read(run: Evaluation, key: string): unknown {
    if (key === "zone") return { zoneName: this.time.zoneName, valid: this.time.isValid }
    return DATE_TIME_FIELDS.has(key) ? readField(run, this.time, key) : undefined
  }

  override text(): string {
    return this.time.toString()
  }

  override number(): number {
    return this.time.valueOf()
  }

  /** The library's objects are numbers to every operator, `+` with a text included. */
  override primitive(): number {
    return this.time.valueOf()
  }

  override toJSON(): unknown {
    return this.time.toJSON()
  }

  override result(): unknown {
    return this.time.toString()
  }
}

/** A span of time: two hours, one month. */
export class DurationValue extends SpecialValue {
  readonly span: Duration

  constructor(span: Duration) {
    super()
    this.span = span
  }

  read(run: Evaluation, key: string): unknown {
    return DURATION_FIELDS.has(key) ? readField(run, this.span, key) : undefined
  }

  override text(): string {
    return this.span.toString() ?? "Invalid Duration"
  }

  override number(): number {
    return this.span.valueOf()
  }

  override primitive(): number {
    return this.span.valueOf()
  }

  override toJSON(): unknown {
    return this.span.toJSON()
  }
}

/** The time between two points. */
export class IntervalValue extends SpecialValue {
  readonly stretch: Interval

  constructor(stretch: Interval) {
    super()
    this.stretch = stretch
  }

  read(run: Evaluation, key: string): unknown {
    return INTERVAL_FIELDS.has(key) ? readField(run, this.stretch, key) : undefined
  }

  override text(): string {
    return this.stretch.toString()
  }

  override toJSON(): unknown {
    return this.stretch.isValid ? this.stretch.toISO() : null
  }
}

const names = (text: string): ReadonlySet<string> => new Set(text.split(" "))

const DATE_TIME_FIELDS = names(
  "year month day hour minute second millisecond quarter weekday weekNumber weekYear ordinal localWeekday " +
    "localWeekNumber localWeekYear monthShort monthLong weekdayShort weekdayLong zoneName offset offsetNameShort " +
    "offsetNameLong isOffsetFixed isInDST isInLeapYear daysInMonth daysInYear weeksInWeekYear weeksInLocalWeekYear " +
    "isWeekend isValid invalidReason invalidExplanation locale numberingSystem outputCalendar",
)

const DURATION_FIELDS = names(
  "years quarters months weeks days hours minutes seconds milliseconds isValid invalidReason invalidExplanation " +
    "locale numberingSystem",
)

const INTERVAL_FIELDS = names("start end lastDateTime isValid invalidReason invalidExplanation")

/** Fields for which the platform is asked about a zone or language several times, and what that takes. */
const COSTLY_FIELDS = names("isInDST offsetNameShort offsetNameLong monthShort monthLong weekdayShort weekdayLong")
const COSTLY_FIELD_STEPS = 200

function readField(run: Evaluation, target: object, key: string): unknown {
  if (COSTLY_FIELDS.has(key)) run.charge(COSTLY_FIELD_STEPS)
  // The name is one of a list of the library's getters.
  return timeCall(run, () => (target as FieldObject)[key])
}

/** Runs a call of the library with the run's clock, zone and language, and wraps what it gives. */
export function timeCall(run: Evaluation, call: () => unknown): unknown {
  run.charge(CALL_STEPS)
  const { now, defaultZone, defaultLocale } = Settings
  Settings.now = () => run.scope.now
  Settings.defaultZone = run.scope.timeZone
  Settings.defaultLocale = DEFAULT_LOCALE
  try {
    return wrapTime(run, guarded(call))
  } finally {
    Settings.now = now
    Settings.defaultZone = defaultZone
    Settings.defaultLocale = defaultLocale
  }
}

function wrapTime(run: Evaluation, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  if (DateTime.isDateTime(value)) return new DateTimeValue(value)
  if (Duration.isDuration(value)) return new DurationValue(value)
  if (Interval.isInterval(value)) return new IntervalValue(value)
  if (value instanceof Date) return run.own(new Date(value.getTime()))
  if (Array.isArray(value)) return run.own(value.map((element) => wrapTime(run, element)))
  return run.own({ ...value })
}

/** An argument as the library takes it: its own objects, dates, plain options, short texts. */
export function toTimeArgument(run: Evaluation, value: unknown): unknown {
  if (value instanceof DateTimeValue) return value.time
  if (value instanceof DurationValue) return value.span
  if (value instanceof IntervalValue) return value.stretch
  if (value instanceof Date || typeof value !== "object" || value === null) return shortArgument(value)
  if (Array.isArray(value)) {
    run.chargeList(value.length)
    return value.map((element) => toTimeArgument(run, element))
  }
  if (!isFieldObject(value)) throw typeError("this value is no argument for a time")
  return timeOptions(run, value)
}

function shortArgument(value: unknown): unknown {
  if (typeof value === "string" && value.length > TIME_CHARS_MAX) throw typeError("the text is too long for a time")
  return value
}

function timeOptions(run: Evaluation, value: FieldObject): FieldObject {
  const options: FieldObject = {}
  const entries = Object.entries(value)
  run.charge(entries.length)
  for (const [name, field] of entries) {
    if (name === "__proto__" || name === "matrix") continue
    if (field instanceof DateTimeValue) options[name] = field.time
    else if (typeof field !== "object" || field === null) options[name] = shortArgument(field)
  }
  return options
}

/** Counts the options and languages of a call that may make the library keep a format. */
export function admitFormats(run: Evaluation, args: readonly unknown[]): void {
  const key = JSON.stringify(args.filter((value) => typeof value === "string" || isFieldObject(value)))
  if (key === "[]") return
  run.once(`time ${key}`, () => {
    run.charge(NEW_FORMAT_STEPS)
    formatsSeen.add(key)
    return true
  })
  if (formatsSeen.size <= FORMATS_MAX) return
  Settings.resetCaches()
  formatsSeen = new Set([key])
}
