/** Dates of the platform in expressions, compared with the platform while it believes to be in other parts of the world. */

import fc from "fast-check"
import { afterAll, describe, expect, test } from "vitest"
import { testScope } from "../../testing/expression-scope.ts"
import { resolveParameter } from "./evaluate.ts"

const zoneBefore = process.env.TZ
const ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"]

afterAll(() => {
  if (zoneBefore === undefined) delete process.env.TZ
  else process.env.TZ = zoneBefore
})

/** Evaluates both here and on the platform, with `$json.a` and so on as the numbers. */
function both(expression: string, timeZone: string, numbers: readonly number[]): { own: unknown; native: unknown } {
  const json = Object.fromEntries(numbers.map((number, index) => ["abcdefg".charAt(index), number]))
  process.env.TZ = timeZone
  const evaluate = new Function("$json", `try { return (${expression}) } catch { return null }`)
  const native: unknown = evaluate(json)
  return { own: resolveParameter(`={{ ${expression} }}`, testScope({ items: [json], timeZone })), native }
}

const shown = (value: unknown) => (typeof value === "number" ? String(value) : JSON.stringify(value))

const instants = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2037, 11) })

describe.each(ZONES)("in %s", (timeZone) => {
  test("the fields of an instant are those of the local clock", () => {
    const expression =
      "(d => [d.getFullYear(), d.getMonth(), d.getDate(), d.getDay(), d.getHours(), d.getMinutes(), d.getSeconds(), " +
      "d.getMilliseconds(), d.getTimezoneOffset(), d.getUTCHours(), String(d), d.toDateString(), d.toTimeString(), " +
      "d.toISOString(), d.toUTCString(), d.toJSON(), d.toLocaleString('de'), d.toLocaleDateString('en-US'), " +
      "d.toLocaleTimeString('en-GB'), d.toLocaleString('en-US', { month: 'long' })])(new Date($json.a))"
    fc.assert(
      fc.property(instants, (instant) => {
        const { own, native } = both(expression, timeZone, [instant])
        expect(own).toEqual(native)
      }),
      { numRuns: 60 },
    )
  })

  test("fields make the instant that they make on the platform", () => {
    const fields = fc.tuple(
      fc.integer({ min: 1980, max: 2037 }),
      fc.integer({ min: -5, max: 20 }),
      fc.integer({ min: -40, max: 70 }),
      fc.integer({ min: -30, max: 60 }),
      fc.integer({ min: 0, max: 59 }),
    )
    const expression = "new Date($json.a, $json.b, $json.c, $json.d, $json.e).getTime()"
    fc.assert(
      fc.property(fields, (numbers) => {
        const { own, native } = both(expression, timeZone, numbers)
        expect(own).toBe(native)
      }),
      { numRuns: 200 },
    )
  })

  test("changing a field goes by the local clock", () => {
    const expression =
      "(() => { const d = new Date($json.a); return [d.setHours($json.b), d.setDate($json.c), d.setMonth($json.d), " +
      "d.setMinutes($json.e), d.setFullYear(2001), d.setUTCHours($json.b, 5), d.getTime()] })()"
    fc.assert(
      fc.property(
        instants,
        fc.array(fc.integer({ min: -40, max: 70 }), { minLength: 4, maxLength: 4 }),
        (instant, numbers) => {
          const { own, native } = both(expression, timeZone, [instant, ...numbers])
          expect(own).toEqual(native)
        },
      ),
      { numRuns: 100 },
    )
  })

  test.each([
    "'2024-05-01'",
    "'2024-05-01T10:00'",
    "'2024-05-01T10:00:00.123'",
    "'2024-05-01T10:00:00Z'",
    "'2024-05-01T10:00:00+05:30'",
    "'2024-05'",
    "'2024'",
    "'2024-03-31T02:30'",
    "'2024-10-27T02:30'",
    "'May 1, 2024'",
    "'May 1, 2024 10:00'",
    "'1 May 2024 10:00 GMT'",
    "'Wed, 01 May 2024 10:00:00 GMT+0200'",
    "'Wed May 01 2024 08:30:00 GMT+0200 (Central European Summer Time)'",
    "'2024/05/01'",
    "'05/01/2024 10:00 PM'",
    "'01.05.2024'",
    "'nonsense'",
    "''",
    "'1'",
    "1714556400000",
    "'1714556400000'",
    "1e20",
    "NaN",
    "null",
    "undefined",
    "true",
    "[]",
    "[2024]",
    "({})",
    "new Date(5)",
    "'2024-13-45'",
    "'+012024-05-01T00:00'",
    "' 2024-05-01 '",
    "'2024-05-01 10:00:00'",
    "'2024-05-01T25:00'",
  ])("new Date(%s) is what it is on the platform", (argument) => {
    const { own, native } = both(`new Date(${argument}).getTime()`, timeZone, [])
    expect(shown(own)).toBe(shown(native))
    const parsed = both(`Date.parse(${argument})`, timeZone, [])
    expect(shown(parsed.own)).toBe(shown(parsed.native))
  })
})

test("dates far away and dates that are none behave", () => {
  for (const expression of [
    "new Date(8.64e15).toISOString()",
    "new Date(8.64e15 + 1).getTime()",
    "new Date(-62198755200000).toISOString()",
    "String(new Date(NaN))",
    "new Date(NaN).toISOString()",
    "new Date(NaN).toJSON()",
    "new Date(NaN).getHours()",
    "new Date(NaN).toLocaleString()",
    "new Date(99, 0).getFullYear()",
    "Date.UTC(99, 0)",
    "Date.UTC()",
    "new Date(2024, 0, 1, 0, 0, 0, 0.9).getMilliseconds()",
    "typeof Date()",
  ]) {
    const { own, native } = both(expression, "UTC", [])
    expect(shown(own), expression).toBe(shown(native))
  }
})
