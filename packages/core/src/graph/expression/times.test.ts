/** `DateTime`, `Duration` and `Interval` in expressions: luxon's meaning, the run's clock and zone, and bounds. */

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are expressions
import { Settings } from "luxon"
import { describe, expect, test } from "vitest"
import { TEST_NOW_MS, type TestPlace, testScope } from "../../testing/expression-scope.ts"
import { ExpressionError } from "./errors.ts"
import { resolveParameter } from "./evaluate.ts"

function evaluate(expression: string, place: TestPlace = {}): unknown {
  return resolveParameter(`={{ ${expression} }}`, testScope(place))
}

function failureOf(expression: string): string {
  try {
    return `no failure: ${JSON.stringify(evaluate(expression))}`
  } catch (error) {
    return error instanceof ExpressionError ? error.code : `not ours: ${String(error)}`
  }
}

const DT = "DateTime.fromISO('2024-05-15T10:20:30Z')"

describe("a point in time", () => {
  test.each<[string, unknown]>([
    [`[${DT}.year, ${DT}.month, ${DT}.weekday, ${DT}.weekNumber, ${DT}.quarter]`, [2024, 5, 3, 20, 2]],
    [`[${DT}.monthLong, ${DT}.weekdayShort, ${DT}.zoneName, ${DT}.offset]`, ["May", "Wed", "UTC", 0]],
    [`${DT}.setLocale('de').monthLong`, "Mai"],
    [`${DT}.zone`, { zoneName: "UTC", valid: true }],
    [`${DT}.toISO()`, "2024-05-15T10:20:30.000Z"],
    [`${DT}.toISO({ suppressMilliseconds: true })`, "2024-05-15T10:20:30Z"],
    [`${DT}.toFormat("dd LLL yyyy 'at' HH:mm")`, "15 May 2024 at 10:20"],
    [`${DT}.format('yyyy/LL/dd')`, "2024/05/15"],
    [`${DT}.toLocaleString(DateTime.DATE_FULL)`, "May 15, 2024"],
    [`${DT}.setLocale('fr').toLocaleString({ month: 'long', day: 'numeric' })`, "15 mai"],
    [`${DT}.plus({ months: 1 }).minus(1, 'days').toISODate()`, "2024-06-14"],
    [`${DT}.plus(2, 'days').toISODate()`, "2024-05-17"],
    [`${DT}.minus(Duration.fromObject({ hours: 11 })).toISODate()`, "2024-05-14"],
    [`${DT}.set({ year: 1982, month: 10 }).toISODate()`, "1982-10-15"],
    [`${DT}.startOf('month').toISO()`, "2024-05-01T00:00:00.000Z"],
    [`${DT}.beginningOf('month').toISO()`, "2024-05-01T00:00:00.000Z"],
    [`${DT}.endOfMonth().toISO()`, "2024-05-31T23:59:59.999Z"],
    [`${DT}.setZone('America/New_York').toISO()`, "2024-05-15T06:20:30.000-04:00"],
    [`${DT}.setZone('UTC+2').hour`, 12],
    [`${DT}.setZone('No/Where').isValid`, false],
    [
      `[${DT}.extract('month'), ${DT}.extract('weeks'), ${DT}.extract('yearDayNumber'), ${DT}.extract()]`,
      [5, 20, 136, 20],
    ],
    ["DateTime.fromISO('2024-05-18').isWeekend()", true],
    ["DateTime.fromISO('2024-05-18').isWeekend", true],
    ["DateTime.fromISO('2024-05-15').diffTo('2024-05-20', 'days')", -5],
    ["DateTime.fromISO('2024-05-15').diffTo('2024-05-20', ['days', 'hours'])", { days: -5, hours: 0 }],
    ["DateTime.fromISO('2024-05-15').diffTo('2024-05-20')", -5],
    ["$now.minus({ hours: 36 }).diffToNow('days')", -1.5],
    ["DateTime.fromISO('2024-05-15').isBetween('2024-05-01', '2024-06-01')", true],
    ["DateTime.fromISO('2024-05-15').isBetween('2024-06-01', '2024-07-01')", false],
    ["$now.minus({ minutes: 5 }).isInLast(10, 'minutes')", true],
    ["$now.minus({ minutes: 15 }).isInLast(10, 'minutes')", false],
    [`${DT}.diff(DateTime.fromISO('2024-05-01T10:20:30Z'), 'days').days`, 14],
    [`${DT}.hasSame(DateTime.fromISO('2024-05-01'), 'month')`, true],
    [`${DT} > DateTime.fromISO('2024-05-01')`, true],
    [`${DT} - DateTime.fromISO('2024-05-15T10:20:29Z')`, 1_000],
    [`+${DT} === ${DT}.toMillis()`, true],
    [`\`at \${${DT}}\``, "at 2024-05-15T10:20:30.000Z"],
    [`JSON.stringify({ at: ${DT} })`, '{"at":"2024-05-15T10:20:30.000Z"}'],
    [`${DT}.toJSDate().toISOString()`, "2024-05-15T10:20:30.000Z"],
    [`new Date(${DT}).getTime() === ${DT}.toMillis()`, true],
    [`new Date('2024-05-15').plus(1, 'days')`, "2024-05-16T00:00:00.000Z"],
    [`new Date('2024-05-15').format('dd.LL.')`, "15.05."],
    [`new Date('2024-05-15').toDateTime().isValid`, true],
    [`[DateTime.isDateTime(${DT}), DateTime.isDateTime(new Date()), ${DT} instanceof DateTime]`, [true, false, true]],
    ["DateTime.fromFormat('03/04/2024', 'dd/MM/yyyy').toISODate()", "2024-04-03"],
    ["DateTime.fromFormat('4 mai 2024', 'd MMMM yyyy', { locale: 'fr' }).toISODate()", "2024-05-04"],
    ["DateTime.fromSeconds(0).toISO()", "1970-01-01T00:00:00.000Z"],
    ["DateTime.fromObject({ year: 2024, month: 2, day: 29 }).toISODate()", "2024-02-29"],
    ["DateTime.fromSQL('2024-05-15 10:00').toISO()", "2024-05-15T10:00:00.000Z"],
    ["DateTime.local(2024, 5, 15).toISO()", "2024-05-15T00:00:00.000Z"],
    ["DateTime.utc(2024).toISO()", "2024-01-01T00:00:00.000Z"],
    [`DateTime.max(${DT}, $now).toMillis() === $now.toMillis()`, true],
    ["DateTime.fromISO('bad')", "Invalid DateTime"],
    ["[DateTime.fromISO('bad')]", [null]],
    ["DateTime.fromISO('bad').isValid", false],
    ["DateTime.fromISO('bad').toISO()", null],
    ["DateTime.fromISO('bad').invalidReason", "unparsable"],
    ["typeof $now + typeof $now.toISO + typeof $now.nope", "objectfunctionundefined"],
    ["$now.nope()", null],
    ["DateTime()", null],
    ["new DateTime()", null],
    ["Object.keys($now)", []],
    ["({ ...$now })", {}],
  ])("%s", (expression, value) => {
    expect(evaluate(expression)).toEqual(value)
  })

  test("is the run's own now, in the run's zone and in one language, on every machine", () => {
    const place = { timeZone: "Asia/Tokyo", nowMs: Date.UTC(2024, 0, 1, 20) }
    expect(evaluate("$now", place)).toBe("2024-01-02T05:00:00.000+09:00")
    expect(evaluate("DateTime.now().toISO()", place)).toBe("2024-01-02T05:00:00.000+09:00")
    expect(evaluate("$today.toISO()", place)).toBe("2024-01-02T00:00:00.000+09:00")
    expect(evaluate("DateTime.fromISO('2024-05-01').toISO()", place)).toBe("2024-05-01T00:00:00.000+09:00")
    expect(evaluate("DateTime.fromFormat('10:00', 'HH:mm').toISO()", place)).toBe("2024-01-02T10:00:00.000+09:00")
    expect(evaluate("'2024-05-01'.toDateTime().toISO()", place)).toBe("2024-05-01T00:00:00.000+09:00")
    expect(evaluate("$now.plus({ days: 1 }).toRelative()", place)).toBe("in 1 day")
    expect(evaluate("$now.monthLong + $now.locale", place)).toBe("Januaryen-US")
    expect(evaluate("$now.diffNow().toMillis()", place)).toBe(0)
    expect(evaluate("$now.toUTC().toISO()", place)).toBe("2024-01-01T20:00:00.000Z")
    expect(evaluate("$now.toUTC().toLocal().zoneName", place)).toBe("Asia/Tokyo")
    expect(evaluate("$now.toMillis()")).toBe(TEST_NOW_MS)
  })

  test("leaves the library's settings as they were, also after an error", () => {
    const before = [Settings.now, Settings.defaultZone.name, Settings.defaultLocale]
    evaluate("$now.setLocale('de').toISO()", { timeZone: "Asia/Tokyo" })
    evaluate("DateTime.fromObject({ nonsense: 1 })", { timeZone: "Asia/Tokyo" })
    evaluate("$now.year", { timeZone: "No/Where" })
    expect([Settings.now, Settings.defaultZone.name, Settings.defaultLocale]).toEqual(before)
  })
})

describe("a span and a stretch of time", () => {
  test.each<[string, unknown]>([
    ["Duration.fromObject({ hours: 2 })", "PT2H"],
    ["`${Duration.fromObject({ hours: 2 })}`", "PT2H"],
    ["Duration.fromISO('P1DT2H').as('hours')", 26],
    ["Duration.fromMillis(3723000).toFormat('hh:mm:ss')", "01:02:03"],
    ["Duration.fromObject({ hours: 36 }).shiftTo('days', 'hours').toObject()", { days: 1, hours: 12 }],
    ["Duration.fromObject({ minutes: 90 }).plus({ minutes: 30 }).as('hours')", 2],
    ["Duration.fromObject({ days: 1, hours: 2 }).toHuman()", "1 day, 2 hours"],
    ["Duration.fromObject({ hours: 1 }) < Duration.fromObject({ hours: 2 })", true],
    ["Duration.isDuration(Duration.fromMillis(1))", true],
    ["Duration.fromISO('bad').isValid", false],
    ["Interval.fromDateTimes(DateTime.utc(2024), DateTime.utc(2025)).length('days')", 366],
    ["Interval.fromDateTimes(DateTime.utc(2024), DateTime.utc(2025)).contains(DateTime.utc(2024, 6))", true],
    ["Interval.fromDateTimes(DateTime.utc(2024), DateTime.utc(2024, 1, 3)).splitBy({ days: 1 }).length", 2],
    ["Interval.fromDateTimes(DateTime.utc(2024), DateTime.utc(2024, 1, 3)).divideEqually(4).length", 4],
    ["Interval.after(DateTime.utc(2024), { days: 1 }).end.toISODate()", "2024-01-02"],
    ["Interval.fromISO('2024-01-01/2024-02-01').toISODate()", "2024-01-01/2024-02-01"],
    [
      "[Interval.fromDateTimes(DateTime.utc(2024), DateTime.utc(2025))]",
      ["2024-01-01T00:00:00.000Z/2025-01-01T00:00:00.000Z"],
    ],
    ["DateTime.utc(2024).until(DateTime.utc(2025)).count('months')", 12],
  ])("%s", (expression, value) => {
    expect(evaluate(expression)).toEqual(value)
  })
})

describe("the bounds of time", () => {
  const long = "Interval.fromDateTimes(DateTime.utc(1), DateTime.utc(9999))"

  test.each([
    `${long}.splitBy({ milliseconds: 1 })`,
    `${long}.splitBy({ days: 1e-9 })`,
    `${long}.divideEqually(1e9)`,
    "DateTime.fromFormat('1'.repeat(60) + 'x', 'dhdhdhdhdhdhdhdhdhdhdhdhdhdhdhdh')",
    "DateTime.fromFormat('x'.repeat(900), 'z z z')",
    "DateTime.fromFormat('x', 'FFFF FFFF FFFF FFFF')",
    "(() => { for (let i = 0; ; i++) $now.setLocale(`en-x-a${i}`).toLocaleString() })()",
    "(() => { for (let i = 0; ; i++) $now.setZone(`UTC+${i % 14}:${i % 60}`) })()",
    "(() => { while (true) $now.plus({ days: 1 }) })()",
    "(() => { while (true) $now.toFormat('FFFF '.repeat(190)) })()",
    "(() => { while (true) DateTime.fromRFC2822('('.repeat(900)) })()",
  ])("hold for %s", (expression) => {
    expect(failureOf(expression)).toBe("EXPRESSION_LIMIT")
  })

  test.each([
    `${long}.splitBy({ days: -1 })`,
    `${long}.splitBy({ months: -1, days: 30.2 })`,
    `${long}.splitBy({})`,
    `${long}.splitBy(0)`,
    `${long}.divideEqually(-1)`,
    "$now.toFormat('x'.repeat(2000))",
    "DateTime.fromISO('1'.repeat(5000))",
    "$now.plus({ days: 'x' })",
    "$now.plus(new Map())",
    "$now.setLocale('!!').monthLong",
  ])("make nothing of %s", (expression) => {
    expect(evaluate(expression) ?? null).toBeNull()
  })

  test.each([
    "$now.constructor",
    "$now.plus.constructor",
    "DateTime.constructor",
    "DateTime.prototype",
    "$now.__proto__",
    "$now['constructor']['fromISO']",
    "Duration.fromMillis(1).constructor",
    "(({ constructor: c }) => c)($now)",
    "$now.year = 1",
    "DateTime.now = () => 1",
  ])("keep what is behind out of reach: %s", (expression) => {
    expect(failureOf(expression)).toBe("EXPRESSION_ERROR")
  })

  test.each([
    "$now.ts",
    "$now.c",
    "$now.loc",
    "$now._zone",
    "$now.zone.offset",
    "DateTime.fromISO.ts",
    "$now.zone.name",
  ])("show nothing that is not listed: %s", (expression) => {
    expect(evaluate(expression)).toBeUndefined()
  })
})
