/**
 * Date & Time, version 2: gives the present, adds to dates, compares, rounds, formats and takes them apart. Times are in
 * the workflow's time zone, and what is now is the instant of the run.
 */
import { DateTime, type DateTimeUnit } from "luxon"
import type { JsonValue } from "../../json.ts"
import { cutText, pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import { asNumber, asText } from "../value-types.ts"
import { checkedZone, formatDate, isoText, toDate } from "./dates.ts"
import { treatEachItem } from "./each-item.ts"
import { toField } from "./fields.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. A failing item becomes `{error}` where the run goes on by the regular output. */
export const dateTime: PureKind = {
  name: "dateTime",
  types: ["n8n-nodes-base.dateTime"],
  title: "Date & time",
  help: "Gives, changes, compares and formats dates.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
  run(context) {
    requireVersion(context)
    return {
      outputs: treatEachItem(context, {
        work: (item, itemIndex) => {
          const [name, value] = compute(context, itemIndex)
          const kept = context.parameter("options.includeInputFields", itemIndex) === true ? item.json : {}
          const json = { ...kept, [name]: value }
          return { output: 0, items: [{ ...item, json, pairedItem: { item: itemIndex } }] }
        },
        failed: (_item, itemIndex, error) => ({
          output: 0,
          items: [{ json: { error }, pairedItem: { item: itemIndex } }],
        }),
      }),
    }
  },
}

function requireVersion({ node }: KindContext): void {
  if (node.typeVersion >= 2) return
  const message = "Version 1 of the node is not run here; replace it by one of version 2."
  throw new NodeFailure("NODE_SETTINGS_INVALID", message)
}

/** A setting of one item. */
type Says = (path: string) => unknown

/** An operation: the field that it writes where none is named (documented), and the value. */
type Operation = { readonly field: string; compute(says: Says, context: KindContext): JsonValue }

const operations: ReadonlyMap<string, Operation> = new Map([
  ["getCurrentDate", { field: "currentDate", compute: currentDate }],
  ["addToDate", { field: "newDate", compute: (says, context) => shifted(says, context, 1) }],
  ["subtractFromDate", { field: "newDate", compute: (says, context) => shifted(says, context, -1) }],
  ["extractDate", { field: "datePart", compute: datePart }],
  ["formatDate", { field: "formattedDate", compute: formatted }],
  ["getTimeBetweenDates", { field: "timeDifference", compute: timeBetween }],
  ["roundDate", { field: "roundedDate", compute: rounded }],
] satisfies [string, Operation][])

const firstOperation = "getCurrentDate"

function compute(context: KindContext, itemIndex: number): [name: string, value: JsonValue] {
  const says: Says = (path) => context.parameter(path, itemIndex)
  const name = says("operation") ?? firstOperation
  const operation = typeof name === "string" ? operations.get(name) : undefined
  if (operation === undefined) {
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The operation of the node is not known; choose another one.")
  }
  const target = asText(says("outputFieldName")) ?? ""
  const field = toField(target === "" ? operation.field : target, { dotNotation: false })
  return [field.name, operation.compute(says, context)]
}

function currentDate(says: Says, { nowMs, timeZone }: KindContext): JsonValue {
  const wanted = asText(says("options.timezone")) ?? ""
  const now = DateTime.fromMillis(nowMs, { zone: wanted === "" ? timeZone : checkedZone(wanted) })
  return isoText(says("includeTime") === false ? now.startOf("day") : now)
}

function shifted(says: Says, { timeZone }: KindContext, sign: 1 | -1): JsonValue {
  const duration = asNumber(says("duration") ?? 0)
  if (duration === undefined) {
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The duration of the node is no number; correct it.")
  }
  const unit = unitOf(says("timeUnit") ?? "days")
  return isoText(toDate(says("magnitude"), { timeZone }).plus({ [unit]: sign * duration }))
}

function datePart(says: Says, { timeZone }: KindContext): JsonValue {
  const date = toDate(says("date"), { timeZone })
  const part = unitOf(says("part") ?? "month")
  return part === "week" ? date.weekNumber : date.get(part)
}

function formatted(says: Says, { timeZone }: KindContext): JsonValue {
  const value = says("date")
  if (value === null || value === undefined) return null
  const format = says("format") ?? "MM/dd/yyyy"
  const keepsZone = says("options.timezone") !== true
  const date = toDate(value, { timeZone, keepsZone, format: asText(says("options.fromFormat")) })
  return formatDate(date, asText(format === "custom" ? says("customFormat") : format) ?? "")
}

function timeBetween(says: Says, { timeZone }: KindContext): JsonValue {
  const [start, end] = [toDate(says("startDate"), { timeZone }), toDate(says("endDate"), { timeZone })]
  const listed = says("units") ?? ["day"]
  const units = (Array.isArray(listed) ? listed : [listed]).slice(0, 20).map(unitOf)
  const between = end.diff(start, units.length === 0 ? ["day"] : units)
  return says("options.isoString") === true
    ? (between.toISO() ?? "")
    : Object.fromEntries(Object.entries(between.toObject()))
}

function rounded(says: Says, { timeZone }: KindContext): JsonValue {
  const date = toDate(says("date"), { timeZone })
  if ((says("mode") ?? "roundDown") === "roundDown") return isoText(date.startOf(unitOf(says("toNearest") ?? "month")))
  const unit = unitOf(says("to") ?? says("toNearest") ?? "month")
  return isoText(date.plus({ [unit]: 1 }).startOf(unit))
}

const units: readonly DateTimeUnit[] = [
  "year",
  "quarter",
  "month",
  "week",
  "day",
  "hour",
  "minute",
  "second",
  "millisecond",
]

/** A unit by its name, in the singular or the plural. Throws NODE_SETTINGS_INVALID for any other. */
function unitOf(name: unknown): DateTimeUnit {
  const singular = typeof name === "string" ? name.trim().toLowerCase().replace(/s$/, "") : ""
  const unit = units.find((known) => known === singular)
  if (unit !== undefined) return unit
  const shown = cutText(asText(name) ?? "", 60)
  throw new NodeFailure(
    "NODE_SETTINGS_INVALID",
    `There is no unit of time '${shown}'; choose one from year to millisecond.`,
  )
}

function check({ parameters, name, path, typeVersion }: GraphNode): Finding[] {
  const place = pathTo(path, "parameters")
  if (typeVersion < 2) {
    const message = `Replace ${quote(name)} by a node of version 2: version 1 is not run here.`
    return [{ severity: "error", code: "SETTING_UNSUPPORTED", message, node: name, path: pathTo(path, "typeVersion") }]
  }
  const { operation = firstOperation } = parameters
  if (typeof operation === "string" && (operations.has(operation) || operation.startsWith("="))) return []
  const message = `Choose a known operation for ${quote(name)}.`
  return [{ severity: "error", code: "SETTING_INVALID", message, node: name, path: pathTo(place, "operation") }]
}
