/**
 * Sums up fields over all items, or over groups of items that have the same values, as a pivot table does. Groups come
 * in the order in which their values first appear, field by field (recorded outcome).
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { asText } from "../value-types.ts"
import { type Field, fieldValue, listNames, toField } from "./fields.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"
import { isAggregation, prefixOf, type Summary, summaryOf } from "./summaries.ts"
import { valueKey } from "./value-key.ts"

/** The kind. */
export const summarize: PureKind = {
  name: "summarize",
  types: ["n8n-nodes-base.summarize"],
  title: "Summarize",
  help: "Counts, adds up or joins fields of all items, or of groups of them.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check: (node) => checkSummarize(node),
  run: (context) => ({ outputs: [summarizeItems(context)] }),
}

/** Items with their places in the input. */
type Members = readonly (readonly [index: number, item: Item])[]

/** Groups by the value of one field; each holds its members, or groups by the next field. */
type Group = { readonly value: JsonValue | undefined; readonly members: Members; readonly groups: readonly Group[] }

/** The items made. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function summarizeItems(context: KindContext): readonly Item[] {
  const says = (path: string): unknown => context.parameter(path, 0)
  const options = { dotNotation: says("options.disableDotNotation") !== true }
  const members: Members = [...(context.inputs[0] ?? []).entries()]
  const summaries = readSummaries(context, options)
  const missing = summaries.find(({ field }) => members.every(([, { json }]) => fieldValue(json, field) === undefined))
  if (missing !== undefined) {
    if (says("options.continueIfFieldNotFound") === true) return [{ json: {}, pairedItem: lineageOf(members) }]
    const message = `No item has the field ${quote(missing.field.name)}; correct its name, or let the node go on without it.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
  const fields = listNames(says("fieldsToSplitBy")).map((name) => toField(name, options))
  const rules = {
    fields,
    summaries,
    skipsEmpty: says("options.skipEmptySplitFields") === true,
    asTexts: context.node.typeVersion <= 1,
  }
  const groups = groupBy(members, rules, 0)
  if (says("options.outputFormat") === "singleItem" && fields.length > 0) {
    return [{ json: nested(groups, rules, 0), pairedItem: lineageOf(members) }]
  }
  if (fields.length === 0) return [{ json: summariesOf(members, summaries), pairedItem: lineageOf(members) }]
  return listed(groups, rules, { depth: 0, values: {} })
}

type Rules = {
  readonly fields: readonly Field[]
  readonly summaries: readonly Summary[]
  readonly skipsEmpty: boolean
  /** Version 1 makes texts of the values that items are grouped by. */
  readonly asTexts: boolean
}

function readSummaries(context: KindContext, options: { readonly dotNotation: boolean }): readonly Summary[] {
  const values = context.parameter("fieldsToSummarize.values", 0)
  const entries: readonly unknown[] = Array.isArray(values) ? values : []
  const summaries = entries.flatMap((entry): Summary[] => {
    const name = isJsonObject(entry) ? (asText(entry.field)?.trim() ?? "") : ""
    if (!isJsonObject(entry) || name === "") return []
    const aggregation = entry.aggregation ?? "count"
    if (!isAggregation(aggregation)) {
      throw new NodeFailure("NODE_SETTINGS_INVALID", `There is no such way to summarize ${quote(name)}; choose one.`)
    }
    const separator = separatorOf(entry)
    return [{ aggregation, field: toField(name, options), keepsEmpty: entry.includeEmpty === true, separator }]
  })
  if (summaries.length > 0) return summaries
  throw new NodeFailure("NODE_SETTINGS_INVALID", "The node names no field to summarize; name one.")
}

function separatorOf({ separateBy, customSeparator }: JsonObject): string {
  return separateBy === "other" ? (asText(customSeparator) ?? "") : (asText(separateBy ?? ",") ?? "")
}

function groupBy(members: Members, rules: Rules, depth: number): readonly Group[] {
  const field = rules.fields[depth]
  if (field === undefined) return []
  const found = new Map<string, { value: JsonValue | undefined; members: [number, Item][] }>()
  for (const [index, item] of members) {
    const value = fieldValue(item.json, field)
    const isEmpty = value === undefined || value === null || value === ""
    if (rules.skipsEmpty && isEmpty) continue
    const key = rules.asTexts ? String(asText(value)) : valueKey(value)
    const known = found.get(key)
    if (known === undefined) found.set(key, { value: rules.asTexts ? asText(value) : value, members: [[index, item]] })
    else known.members.push([index, item])
  }
  return [...found.values()].map((group) => ({ ...group, groups: groupBy(group.members, rules, depth + 1) }))
}

/** An item for each of the innermost groups, with the values that make the group. */
function listed(
  groups: readonly Group[],
  rules: Rules,
  outer: { readonly depth: number; readonly values: JsonObject },
): readonly Item[] {
  const depth = outer.depth + 1
  const name = outputName(rules.fields[outer.depth]?.name ?? "")
  return groups.flatMap(({ value, members, groups: inner }): readonly Item[] => {
    const values = { ...outer.values, [name]: value ?? null }
    if (depth < rules.fields.length) return listed(inner, rules, { depth, values })
    return [{ json: { ...summariesOf(members, rules.summaries), ...values }, pairedItem: lineageOf(members) }]
  })
}

/** Objects by the values of the groups, one inside the other. */
function nested(groups: readonly Group[], rules: Rules, depth: number): JsonObject {
  const entries = groups.map(({ value, members, groups: inner }): [string, JsonValue] => [
    String(asText(value)),
    depth + 1 < rules.fields.length ? nested(inner, rules, depth + 1) : summariesOf(members, rules.summaries),
  ])
  return Object.fromEntries(entries)
}

function summariesOf(members: Members, summaries: readonly Summary[]): JsonObject {
  const items = members.map(([, item]) => item)
  return Object.fromEntries(
    summaries.map((summary) => [
      outputName(prefixOf(summary.aggregation) + summary.field.name),
      summaryOf(items, summary),
    ]),
  )
}

/** A field's name as this node writes it: without brackets and quotes, blanks and dots as `_`. */
function outputName(name: string): string {
  return name.replace(/[[\]"]/g, "").replace(/[ .]/g, "_")
}

function lineageOf(members: Members): NonNullable<Item["pairedItem"]> {
  return members.map(([item]) => ({ item }))
}

/** What is wrong with the settings as they stand. */
export function checkSummarize(node: GraphNode): Finding[] {
  const { fieldsToSummarize } = node.parameters
  const values = isJsonObject(fieldsToSummarize) ? fieldsToSummarize.values : fieldsToSummarize
  const path = pathTo(pathTo(node.path, "parameters"), "fieldsToSummarize")
  if (typeof values === "string") return []
  const entries = Array.isArray(values) ? values.filter(isJsonObject) : []
  if (entries.length === 0) {
    const message = `Name the fields that ${quote(node.name)} summarizes.`
    return [{ severity: "error", code: "SETTING_MISSING", message, node: node.name, path }]
  }
  return entries.flatMap(({ aggregation = "count" }, index): Finding[] => {
    if (isAggregation(aggregation) || (typeof aggregation === "string" && aggregation.startsWith("="))) return []
    const message = `Choose a known way to summarize for field ${index + 1} of ${quote(node.name)}.`
    return [
      {
        severity: "error",
        code: "SETTING_INVALID",
        message,
        node: node.name,
        path: pathTo(pathTo(path, "values"), index),
      },
    ]
  })
}
