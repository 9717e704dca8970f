/** Makes one item of all: lists of the values of single fields, or one list of the items themselves. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { editFields, parseFieldPath, plainFieldPath } from "../field-path.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { asText } from "../value-types.ts"
import { type Field, fieldValue, lastStep, listNames, toField } from "./fields.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"
import { valueKey } from "./value-key.ts"

/** The kind. */
export const aggregate: PureKind = {
  name: "aggregate",
  types: ["n8n-nodes-base.aggregate"],
  title: "Aggregate",
  help: "Makes one item of all, with lists of their values.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check: (node) => checkAggregate(node),
  run: (context) => ({ outputs: [[aggregateItems(context)]] }),
}

/** The one item, with the lineage of all. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function aggregateItems(context: KindContext): Item {
  const items = context.inputs[0] ?? []
  const takesWhole = context.parameter("aggregate", 0) === "aggregateAllItemData"
  const json = takesWhole ? wholeItems(context, items) : fieldLists(context, items)
  const pairedItem = items.map((_, item) => ({ item }))
  const binary = context.parameter("options.includeBinaries", 0) === true ? joinFiles(context, items) : {}
  return Object.keys(binary).length > 0 ? { json, binary, pairedItem } : { json, pairedItem }
}

type Aggregated = { readonly field: Field; readonly target: string }

function readFields(context: KindContext, options: { readonly dotNotation: boolean }): readonly Aggregated[] {
  const listed = context.parameter("fieldsToAggregate.fieldToAggregate", 0)
  const entries: readonly unknown[] = Array.isArray(listed) ? listed : []
  const fields = entries.flatMap((entry): Aggregated[] => {
    if (!isJsonObject(entry)) return []
    const name = asText(entry.fieldToAggregate)?.trim() ?? ""
    if (name === "") return []
    const field = toField(name, options)
    const renamed = entry.renameField === true ? asText(entry.outputFieldName)?.trim() : undefined
    return [{ field, target: renamed === undefined || renamed === "" ? lastStep(field) : renamed }]
  })
  if (fields.length === 0)
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The node names no field to aggregate; name one.")
  const targets = fields.map(({ target }) => target)
  const twice = targets.find((target, index) => targets.indexOf(target) !== index)
  if (twice === undefined) return fields
  throw new NodeFailure("NODE_SETTINGS_INVALID", `Two fields are to become ${quote(twice)}; rename one of them.`)
}

function fieldLists(context: KindContext, items: readonly Item[]): JsonObject {
  const dotNotation = context.parameter("options.disableDotNotation", 0) !== true
  const mergesLists = context.parameter("options.mergeLists", 0) === true
  const keepsMissing = context.parameter("options.keepMissing", 0) === true
  const editor = editFields({})
  for (const { field, target } of readFields(context, { dotNotation })) {
    const values = items.map(({ json }) => fieldValue(json, field) ?? null)
    const flat = mergesLists ? values.flatMap((value) => value as JsonValue | JsonValue[]) : values
    const steps = dotNotation ? parseFieldPath(target) : plainFieldPath(target)
    if (steps === null)
      throw new NodeFailure("NODE_SETTINGS_INVALID", `No field can be named ${quote(target)}; rename it.`)
    editor.set(steps, keepsMissing ? flat : flat.filter((value) => value !== null))
  }
  return editor.done()
}

/** The items as objects in one list; of each all fields, or those at its top that are named, or all but those. */
function wholeItems(context: KindContext, items: readonly Item[]): JsonObject {
  const target = asText(context.parameter("destinationFieldName", 0) ?? "data") ?? ""
  const steps = plainFieldPath(target)
  if (steps === null || target === "") {
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The node names no field for its list; name one.")
  }
  const include = context.parameter("include", 0)
  const isPicked = include === "specifiedFields"
  if (!isPicked && include !== "allFieldsExcept") return { [target]: items.map(({ json }) => json) }
  const names = new Set(listNames(context.parameter(isPicked ? "fieldsToInclude" : "fieldsToExclude", 0)))
  const picked = items.map(({ json }) =>
    Object.fromEntries(Object.entries(json).filter(([name]) => names.has(name) === isPicked)),
  )
  return { [target]: picked.filter((json) => Object.keys(json).length > 0) }
}

/** The files of all items; of several of one name the later ones get a number. */
function joinFiles(context: KindContext, items: readonly Item[]): JsonObject {
  const isUnique = context.parameter("options.keepOnlyUnique", 0) === true
  const files: Record<string, JsonValue> = {}
  const seen = new Set<string>()
  const counts = new Map<string, number>()
  for (const [name, file] of items.flatMap(({ binary }) => Object.entries(binary ?? {}))) {
    const key = valueKey(file)
    if (isUnique && seen.has(key)) continue
    seen.add(key)
    let count = counts.get(name) ?? 0
    while (Object.hasOwn(files, numbered(name, count))) count += 1
    counts.set(name, count + 1)
    files[numbered(name, count)] = file
  }
  return files
}

const numbered = (name: string, count: number): string => (count === 0 ? name : `${name}_${count}`)

/** What is wrong with the settings as they stand. */
export function checkAggregate(node: GraphNode): Finding[] {
  const { fieldsToAggregate, aggregate: what } = node.parameters
  const listed = isJsonObject(fieldsToAggregate) ? fieldsToAggregate.fieldToAggregate : fieldsToAggregate
  if (what === "aggregateAllItemData" || (typeof what === "string" && what.startsWith("="))) return []
  if (typeof listed === "string" || (Array.isArray(listed) && listed.length > 0)) return []
  const message = `Name the fields that ${quote(node.name)} aggregates, or let it take whole items.`
  const path = pathTo(pathTo(node.path, "parameters"), "fieldsToAggregate")
  return [{ severity: "error", code: "SETTING_MISSING", message, node: node.name, path }]
}
