/**
 * Puts items into an order: by fields, by chance, or by code that compares two of them. The code runs in the interpreter
 * of expressions, within its bounds.
 */
import { isJsonObject, type JsonValue } from "../../json.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { asText } from "../value-types.ts"
import { type Field, fieldValue, toField } from "./fields.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"
import { valueKey } from "./value-key.ts"

/** The kind. */
export const sort: PureKind = {
  name: "sort",
  types: ["n8n-nodes-base.sort"],
  title: "Sort",
  help: "Puts items into an order, by fields, by chance or by code.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check: (node) => checkSort(node),
  run: (context) => ({ outputs: [sortItems(context)] }),
}

/** The items in their order. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function sortItems(context: KindContext): readonly Item[] {
  const items = context.inputs[0] ?? []
  return placesInOrder(context, items).flatMap((place) => {
    const item = items[place]
    return item === undefined ? [] : [{ ...item, pairedItem: { item: place } }]
  })
}

function placesInOrder(context: KindContext, items: readonly Item[]): readonly number[] {
  const type = context.parameter("type", 0) ?? "simple"
  if (type === "simple") return byFields(context, items)
  if (type === "random") return byChance(context, items.length)
  if (type === "code") return byCode(context, items.length)
  throw new NodeFailure("NODE_SETTINGS_INVALID", "The node does not say how it sorts; choose simple, random or code.")
}

type SortField = { readonly field: Field; readonly direction: 1 | -1 }

function readFields(context: KindContext): readonly SortField[] {
  const dotNotation = context.parameter("options.disableDotNotation", 0) !== true
  const listed = context.parameter("sortFieldsUi.sortField", 0)
  const entries: readonly unknown[] = Array.isArray(listed) ? listed : []
  const fields = entries.flatMap((entry): SortField[] => {
    const name = isJsonObject(entry) ? (asText(entry.fieldName)?.trim() ?? "") : ""
    if (!isJsonObject(entry) || name === "") return []
    return [{ field: toField(name, { dotNotation }), direction: entry.order === "descending" ? -1 : 1 }]
  })
  if (fields.length > 0) return fields
  throw new NodeFailure("NODE_SETTINGS_INVALID", "The node names no field to sort by; name one.")
}

/** Numbers by size, texts without regard to case; of equal items the earlier stays first (recorded outcomes). */
function byFields(context: KindContext, items: readonly Item[]): readonly number[] {
  const fields = readFields(context)
  const missing = fields.find(({ field }) => items.every(({ json }) => fieldValue(json, field) === undefined))
  if (missing !== undefined && items.length > 0) {
    const message = `No item has the field ${quote(missing.field.name)} to sort by; correct its name.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
  const keys = items.map(({ json }) => fields.map(({ field }) => sortKey(fieldValue(json, field))))
  return [...items.keys()].sort((left, right) => {
    for (const [index, { direction }] of fields.entries()) {
      const order = compareKeys(keys[left]?.[index], keys[right]?.[index])
      if (order !== 0) return order * direction
    }
    return 0
  })
}

/** What is compared: `kind` puts missing values last; values that have no order are compared as texts. */
type SortKey = { readonly isMissing: boolean; readonly value: number | string }

function sortKey(value: JsonValue | undefined): SortKey {
  if (value === undefined || value === null) return { isMissing: true, value: 0 }
  if (typeof value === "number") return { isMissing: false, value }
  if (typeof value === "boolean") return { isMissing: false, value: Number(value) }
  return { isMissing: false, value: typeof value === "string" ? value.toLowerCase() : valueKey(value) }
}

const noKey: SortKey = { isMissing: true, value: 0 }

function compareKeys(left: SortKey = noKey, right: SortKey = noKey): number {
  if (left.isMissing || right.isMissing) return Number(left.isMissing) - Number(right.isMissing)
  if (left.value === right.value) return 0
  if (typeof left.value === typeof right.value) return left.value < right.value ? -1 : 1
  // A number and a text: by size where the text is a number, else numbers first.
  const [a, b] = [Number(left.value), Number(right.value)]
  if (Number.isNaN(a) || Number.isNaN(b)) return typeof left.value === "number" ? -1 : 1
  return a - b
}

/** Each order is as likely as any other; the same again where the run is computed again. */
function byChance(context: KindContext, count: number): readonly number[] {
  const places = Array.from({ length: count }, (_, place) => place)
  for (let last = count - 1; last > 0; last -= 1) {
    const chosen = Math.floor(context.random() * (last + 1))
    const [kept = 0, moved = 0] = [places[last], places[chosen]]
    places[last] = moved
    places[chosen] = kept
  }
  return places
}

/** The code is the body of a function of the items `a` and `b`. An expression ends at `}}`, so that none may be in it. */
function byCode(context: KindContext, count: number): readonly number[] {
  const code = asText(context.parameter("code", 0)) ?? ""
  const body = code.replace(/\}(?=\})/g, "} ")
  const sorted = context.resolve(
    `={{ $input.all().slice(0, ${count}).map((item, place) => ({ item, place })).toSorted((one, other) => ((a, b) => {\n${body}\n} )(one.item, other.item)).map(({ place }) => place) }}`,
    0,
  )
  const places: readonly unknown[] = Array.isArray(sorted) ? sorted : []
  const known = new Set(places)
  if (known.size === count && places.every((place): place is number => typeof place === "number")) return places
  throw new NodeFailure(
    "CODE_ERROR",
    "The code of the node gives no order; let it return a number for any two items a and b.",
  )
}

/** What is wrong with the settings as they stand. */
export function checkSort(node: GraphNode): Finding[] {
  const { type = "simple", sortFieldsUi, code } = node.parameters
  const path = pathTo(node.path, "parameters")
  const listed = isJsonObject(sortFieldsUi) ? sortFieldsUi.sortField : sortFieldsUi
  const isSaid = type === "simple" ? typeof listed === "string" || (Array.isArray(listed) && listed.length > 0) : true
  if (isSaid && (type !== "code" || (typeof code === "string" && code.trim() !== ""))) return []
  const message =
    type === "code" ? `Give ${quote(node.name)} its code.` : `Name the fields that ${quote(node.name)} sorts by.`
  const place = type === "code" ? "code" : "sortFieldsUi"
  return [{ severity: "error", code: "SETTING_MISSING", message, node: node.name, path: pathTo(path, place) }]
}
