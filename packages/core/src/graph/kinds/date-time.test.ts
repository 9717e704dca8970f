import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { definitionOf } from "../../testing/definitions.ts"
import { findingsOf, runKind, wholeNode } from "../../testing/kind-run.ts"
import { runInMemory } from "../../testing/memory-run.ts"

const date = "2024-01-31T10:20:30.000Z"
/** The field that an operation writes, in a time zone. */
function compute(parameters: JsonObject, timezone = "UTC", json: JsonObject = {}): JsonValue | undefined {
  const definition = { ...definitionOf({ Node: wholeNode({ type: "dateTime", parameters }) }), settings: { timezone } }
  const outcome = runInMemory({ definition, start: "Node", items: [{ json }] })
  if (outcome.error !== null) return outcome.error.code
  return Object.values(outcome.items[0]?.json ?? {})[0]
}
const berlin = "Europe/Berlin"

describe("the current date", () => {
  it("is the instant of the run, in the workflow's zone or another", () => {
    expect(compute({})).toBe("2023-11-14T22:13:20.000Z")
    expect(compute({}, berlin)).toBe("2023-11-14T23:13:20.000+01:00")
    expect(compute({ includeTime: false }, berlin)).toBe("2023-11-14T00:00:00.000+01:00")
    expect(compute({ options: { timezone: "Asia/Tokyo" } }, berlin)).toBe("2023-11-15T07:13:20.000+09:00")
    expect(compute({ options: { timezone: "Nowhere/Else" } })).toBe("NODE_SETTINGS_INVALID")
  })
})

describe("adding and subtracting", () => {
  it.each<[string, string, JsonValue, string, string]>([
    ["addToDate", "months", 1, "UTC", "2024-02-29T10:20:30.000Z"],
    ["addToDate", "days", "2", "UTC", "2024-02-02T10:20:30.000Z"],
    ["addToDate", "quarters", 1, "UTC", "2024-04-30T10:20:30.000Z"],
    ["addToDate", "hours", -1, "UTC", "2024-01-31T09:20:30.000Z"],
    ["subtractFromDate", "years", 1, "UTC", "2023-01-31T10:20:30.000Z"],
    ["subtractFromDate", "weeks", 1, berlin, "2024-01-24T11:20:30.000+01:00"],
    ["addToDate", "days", 61, berlin, "2024-04-01T11:20:30.000+02:00"],
    ["addToDate", "years", 1e9, "UTC", "NODE_SETTINGS_INVALID"],
    ["addToDate", "days", "x", "UTC", "NODE_SETTINGS_INVALID"],
    ["addToDate", "lunches", 1, "UTC", "NODE_SETTINGS_INVALID"],
  ])("%s of %s %j in %s gives %s", (...[operation, timeUnit, duration, zone, expected]) => {
    expect(compute({ operation, magnitude: date, timeUnit, duration }, zone)).toBe(expected)
  })
})

describe("formatting", () => {
  it.each<[JsonObject, string, JsonValue]>([
    [{}, "UTC", "01/31/2024"],
    [{ format: "MMMM dd yyyy" }, "UTC", "January 31 2024"],
    [{ format: "X" }, "UTC", "1706696430"],
    [{ format: "custom", customFormat: "EEEE d.M. HH:mm ZZ" }, "UTC", "Wednesday 31.1. 10:20 +00:00"],
    [{ format: "custom", customFormat: "HH:mm" }, berlin, "10:20"],
    [{ format: "custom", customFormat: "HH:mm", options: { timezone: true } }, berlin, "11:20"],
    [{ date: "2024-01-31T10:20:30+05:30", format: "custom", customFormat: "HH:mm ZZ" }, berlin, "10:20 +05:30"],
    [{ date: "2024-01-31 10:20", format: "custom", customFormat: "HH:mm ZZ" }, berlin, "10:20 +01:00"],
    [{ date: "31.1.2024", format: "yyyy-MM-dd", options: { fromFormat: "d.M.yyyy" } }, "UTC", "2024-01-31"],
    [{ date: null }, "UTC", null],
    [{ date: "x", options: { fromFormat: "yyyy" } }, "UTC", "NODE_SETTINGS_INVALID"],
    [{ format: "custom", customFormat: "y".repeat(2_000) }, "UTC", "NODE_SETTINGS_INVALID"],
  ])("%j in %s gives %j", (parameters, zone, expected) => {
    expect(compute({ operation: "formatDate", date, ...parameters }, zone)).toBe(expected)
  })
})

describe("dates", () => {
  it.each<[JsonValue, string]>([
    [1706696430, "2024-01-31T10:20:30.000Z"],
    ["1706696430", "2024-01-31T10:20:30.000Z"],
    [1706696430123, "2024-01-31T10:20:30.123Z"],
    [0, "1970-01-01T00:00:00.000Z"],
    ["2024-01-31", "2024-01-31T00:00:00.000Z"],
    ["2024-W05-3", "2024-01-31T00:00:00.000Z"],
    ["January 31, 2024 10:20", "2024-01-31T10:20:00.000Z"],
    ["1/31/2024", "2024-01-31T00:00:00.000Z"],
    ["Wed, 31 Jan 2024 10:20:30 GMT", "2024-01-31T10:20:30.000Z"],
    ["={{ new Date('2024-01-31') }}", "2024-01-31T00:00:00.000Z"],
    ["={{ DateTime.fromISO('2024-01-31T10:00:00+02:00') }}", "2024-01-31T08:00:00.000Z"],
  ])("%j is read", (value, expected) => {
    expect(compute({ operation: "addToDate", magnitude: value, duration: 0 })).toBe(expected)
  })

  it("in words are local to the workflow's zone", () => {
    const parameters = { operation: "addToDate", magnitude: "Jan 31 2024 10:20", duration: 0 }
    expect(compute(parameters, berlin)).toBe("2024-01-31T10:20:00.000+01:00")
  })

  it.each<JsonValue>(["tomorrow", "", "x 5", "2024-13-01", null, {}, [], true, "9".repeat(5_000), 1e300])(
    "%.20j is none",
    (value) => {
      expect(compute({ operation: "extractDate", date: value })).toBe("NODE_SETTINGS_INVALID")
    },
  )
})

describe("parts, rounding and differences", () => {
  it.each<[JsonObject, JsonValue]>([
    [{ operation: "extractDate", date }, 1],
    [{ operation: "extractDate", date, part: "week" }, 5],
    [{ operation: "extractDate", date, part: "minute" }, 20],
    [{ operation: "roundDate", date }, "2024-01-01T00:00:00.000Z"],
    [{ operation: "roundDate", date, toNearest: "hour" }, "2024-01-31T10:00:00.000Z"],
    [{ operation: "roundDate", date, mode: "roundUp" }, "2024-02-01T00:00:00.000Z"],
    [{ operation: "roundDate", date, mode: "roundUp", toNearest: "day" }, "2024-02-01T00:00:00.000Z"],
    [{ operation: "getTimeBetweenDates", startDate: "2024-01-01", endDate: "2024-01-03T12:00:00Z" }, { days: 2.5 }],
    [
      {
        operation: "getTimeBetweenDates",
        startDate: "2024-01-01",
        endDate: "2025-04-14",
        units: ["year", "month", "day"],
      },
      { years: 1, months: 3, days: 13 },
    ],
    [
      {
        operation: "getTimeBetweenDates",
        startDate: "2024-01-01",
        endDate: "2025-04-14",
        units: ["year", "month", "day"],
        options: { isoString: true },
      },
      "P1Y3M13D",
    ],
    [
      { operation: "getTimeBetweenDates", startDate: "2024-01-01", endDate: "2024-01-02", units: ["lunch"] },
      "NODE_SETTINGS_INVALID",
    ],
    [{ operation: "other" }, "NODE_SETTINGS_INVALID"],
  ])("%j gives %j", (parameters, expected) => {
    expect(compute(parameters)).toEqual(expected)
  })
})

describe("dateTime", () => {
  const add = { operation: "addToDate", magnitude: "={{ $json.d }}", duration: 1 }

  it("writes one field, or all of the item and one more", () => {
    const run = (parameters: JsonObject) =>
      runKind({ type: "dateTime", parameters }, [{ json: { d: date, n: 1 }, binary: { f: {} } }]).outputs[0]?.[0]
    const newDate = "2024-02-01T10:20:30.000Z"
    expect(run(add)).toEqual({ json: { newDate }, binary: { f: {} }, pairedItem: { item: 0 } })
    const whole = { ...add, outputFieldName: "a.b", options: { includeInputFields: true } }
    expect(run(whole)?.json).toEqual({ d: date, n: 1, "a.b": newDate })
  })

  it.each([
    ["stopWorkflow", []],
    ["continueRegularOutput", [[{ error: expect.any(String) }, { newDate: "2024-02-01T10:20:30.000Z" }]]],
    ["continueErrorOutput", [[{ newDate: "2024-02-01T10:20:30.000Z" }], [{ d: "x", error: expect.any(String) }]]],
  ])("with a bad date and %s", (onError, expected) => {
    expect(runKind({ type: "dateTime", onError, parameters: add }, [{ d: "x" }, { d: date }]).json).toEqual(expected)
  })

  it("of version 1 is not run, and a finding says so", () => {
    expect(runKind({ type: "dateTime", typeVersion: 1, parameters: {} }, [{}]).code).toBe("NODE_SETTINGS_INVALID")
    expect(findingsOf({ type: "dateTime", typeVersion: 1, parameters: {} })[0]?.[0]).toBe("SETTING_UNSUPPORTED")
    expect(findingsOf({ type: "dateTime", parameters: { operation: "x" } })).toEqual([
      ["SETTING_INVALID", "error", "operation"],
    ])
  })
})
