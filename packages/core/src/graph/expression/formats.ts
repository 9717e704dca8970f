/**
 * Formats and orders of the languages of the world, from the platform's own tables. Making one costs as much as some
 * hundred uses, so they are kept; what an evaluation is charged for does not depend on what is kept already.
 */

import { toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { guarded, isFieldObject } from "./values.ts"

/** What stands where no language is named, on every machine. */
const DEFAULT_LOCALE = "en-US"

/** Formats kept in memory, of all kinds together. */
const KEPT_MAX = 200

/** Steps of making one. */
const MAKING_STEPS = 3_000

/** Steps of using one, beside the text that it looks at. */
const USING_STEPS = 30

type Options = Record<string, string | number | boolean>

/** The locale and the options of a `toLocale…` call; only plain fields of the options count. */
export type LocaleChoice = { readonly locale: string; readonly options: Options; readonly key: string }

const kept = new Map<string, unknown>()

/** Reads the arguments `(locale?, options?)`. A list of locales means its first. */
export function localeChoice(run: Evaluation, given: { locale: unknown; options: unknown }): LocaleChoice {
  const wanted = Array.isArray(given.locale) ? given.locale[0] : given.locale
  const options: Options = {}
  if (isFieldObject(given.options)) {
    const entries = Object.entries(given.options)
    run.charge(entries.length)
    for (const [name, value] of entries) {
      if (name === "__proto__") continue
      if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") options[name] = value
    }
  }
  const locale = wanted === undefined || wanted === null ? DEFAULT_LOCALE : toText(run, wanted)
  const key = JSON.stringify([locale, options])
  run.chargeText(key.length)
  return { locale, options, key }
}

/** The order of texts in a language. */
export function collatorOf(run: Evaluation, choice: LocaleChoice): Intl.Collator {
  return keptFormat(run, `order ${choice.key}`, () => new Intl.Collator(choice.locale, choice.options))
}

/** Numbers as a language writes them. */
export function numberFormatOf(run: Evaluation, choice: LocaleChoice): Intl.NumberFormat {
  return keptFormat(run, `number ${choice.key}`, () => new Intl.NumberFormat(choice.locale, choice.options))
}

/** Which fields of a date are written where the options name none. */
export type DateParts = "date" | "time" | "both"

const DATE_FIELDS: Options = { year: "numeric", month: "numeric", day: "numeric" }
const TIME_FIELDS: Options = { hour: "numeric", minute: "numeric", second: "numeric" }
const NAMED_DATE = ["weekday", "year", "month", "day"]
const NAMED_TIME = ["dayPeriod", "hour", "minute", "second", "fractionalSecondDigits"]
const STYLES = ["dateStyle", "timeStyle"]

/** Dates as a language writes them, in the scope's zone unless the options name another. */
export function dateFormatOf(run: Evaluation, choice: LocaleChoice, parts: DateParts): Intl.DateTimeFormat {
  const zoned = { timeZone: run.scope.timeZone, ...choice.options }
  const options = { ...defaultFields(choice.options, parts), ...zoned }
  const key = `date ${parts} ${run.scope.timeZone} ${choice.key}`
  return keptFormat(run, key, () => new Intl.DateTimeFormat(choice.locale, options))
}

/** The fields that the language adds by itself where the options name none of the kind that is wanted. */
function defaultFields(options: Options, parts: DateParts): Options {
  const names = (fields: readonly string[]) => fields.some((field) => options[field] !== undefined)
  if (names(STYLES)) return {}
  const isDateNamed = names(NAMED_DATE)
  const isTimeNamed = names(NAMED_TIME)
  if (parts === "date") return isDateNamed ? {} : DATE_FIELDS
  if (parts === "time") return isTimeNamed ? {} : TIME_FIELDS
  return isDateNamed || isTimeNamed ? {} : { ...DATE_FIELDS, ...TIME_FIELDS }
}

function keptFormat<T>(run: Evaluation, key: string, make: () => T): T {
  run.charge(USING_STEPS)
  return run.once(key, () => {
    run.charge(MAKING_STEPS)
    const known = kept.get(key)
    // The key names the kind, so that what is kept under it was made by the same call.
    if (known !== undefined) return known as T
    const made = guarded(make)
    if (kept.size >= KEPT_MAX) kept.clear()
    kept.set(key, made)
    return made
  })
}
