/**
 * Makes several items of one: an item for each value in a list (or an object). A name in dots is written flat, and the
 * list is left out of what is kept of the item (recorded outcomes).
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { editFields } from "../field-path.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { type Field, fieldValue, listNames, toField } from "./fields.ts"
import { boundItems } from "./item-bound.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. */
export const splitOut: PureKind = {
  name: "splitOut",
  types: ["n8n-nodes-base.splitOut"],
  title: "Split out",
  help: "Makes an item of each value in a list.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check: (node) => checkSplitField(node),
  run: (context) => ({ outputs: [splitItems(context)] }),
}

/** What splits the files of an item instead of one of its fields (documented). */
const binaryName = "$binary"

type Settings = {
  readonly fields: readonly Field[]
  /** Names under which values are written, by field; null: the field's own, or no name for an object alone. */
  readonly targets: readonly Field[] | null
  readonly include: unknown
  readonly included: readonly Field[]
  readonly keepsBinary: boolean
}

/** The items of all items of the first input. Throws NODE_SETTINGS_INVALID, RUN_ITEMS_EXCEEDED and ExpressionError. */
export function splitItems(context: KindContext): readonly Item[] {
  const made: Item[] = []
  for (const [itemIndex, item] of (context.inputs[0] ?? []).entries()) {
    const settings = readSettings(context, itemIndex)
    const lists = settings.fields.map((field) => valuesOf(item, field))
    const length = lists.reduce((most, list) => Math.max(most, list.length), 0)
    boundItems(made.length + length)
    const kept = keptOf(item.json, settings)
    for (let place = 0; place < length; place += 1) {
      made.push({ ...splitItem(item, { settings, lists, place, kept }), pairedItem: { item: itemIndex } })
    }
  }
  return made
}

function readSettings(context: KindContext, itemIndex: number): Settings {
  const says = (path: string): unknown => context.parameter(path, itemIndex)
  const options = { dotNotation: says("options.disableDotNotation") !== true }
  const names = listNames(says("fieldToSplitOut"))
  const targets = listNames(says("options.destinationFieldName"))
  if (names.length === 0)
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The node names no field to split out; name one.")
  if (targets.length > 0 && targets.length !== names.length) {
    const message = `The node splits ${names.length} fields out into ${targets.length}; name as many targets as fields.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
  return {
    fields: names.map((name) => toField(name, options)),
    targets: targets.length > 0 ? targets.map((name) => toField(name, { dotNotation: false })) : null,
    include: says("include") ?? "noOtherFields",
    included: listNames(says("fieldsToInclude")).map((name) => toField(name, options)),
    keepsBinary: says("options.includeBinary") === true,
  }
}

/** The values that a field holds: those of a list or an object, else the value alone; none where it is missing. */
function valuesOf(item: Item, field: Field): readonly JsonValue[] {
  if (field.name === binaryName) return Object.entries(item.binary ?? {}).map(([name, file]) => ({ [name]: file }))
  const value = fieldValue(item.json, field)
  if (value === undefined) return []
  if (Array.isArray(value)) return value as readonly JsonValue[]
  return isJsonObject(value) ? Object.values(value) : [value]
}

/** What each new item has of the old one. */
function keptOf(json: JsonObject, { include, included, fields }: Settings): JsonObject {
  if (include === "allOtherFields") {
    const editor = editFields(json)
    for (const field of fields) editor.remove(Object.hasOwn(json, field.name) ? [field.name] : field.steps)
    return editor.done()
  }
  if (include !== "selectedOtherFields") return {}
  const entries = included.flatMap((field): [string, JsonValue][] => {
    const value = fieldValue(json, field)
    return value === undefined ? [] : [[field.name, value]]
  })
  return Object.fromEntries(entries)
}

type Split = {
  readonly settings: Settings
  readonly lists: readonly (readonly JsonValue[])[]
  readonly place: number
  readonly kept: JsonObject
}

function splitItem(item: Item, { settings, lists, place, kept }: Split): Item {
  const { fields, targets, include, keepsBinary } = settings
  let json: JsonObject = kept
  let binary = keepsBinary ? item.binary : undefined
  for (const [index, field] of fields.entries()) {
    const value = lists[index]?.[place]
    if (value === undefined) continue
    const isUnnamed = targets === null && include === "noOtherFields"
    if (field.name === binaryName && isJsonObject(value)) binary = { ...binary, ...value }
    else if (isUnnamed && fields.length === 1 && isJsonObject(value)) json = { ...json, ...value }
    else json = { ...json, [targets?.[index]?.name ?? field.name]: value }
  }
  return binary === undefined ? { json } : { json, binary }
}

/** What is wrong with the field as it stands. */
export function checkSplitField(node: GraphNode): Finding[] {
  const value = node.parameters.fieldToSplitOut
  if (listNames(value).length > 0) return []
  const message = `Name the field that ${quote(node.name)} splits out.`
  const path = pathTo(pathTo(node.path, "parameters"), "fieldToSplitOut")
  return [{ severity: "error", code: "SETTING_MISSING", message, node: node.name, path }]
}
