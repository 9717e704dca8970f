/**
 * The items that a result of code makes, checked as n8n does (recorded outcomes): a plain object or a list of them is
 * wrapped; where one entry is an item (it has `json`, `binary` or `pairedItem`), all have to be; null gives none.
 *
 * Lineage: what an item says itself, else item by item where as many come out as went in, else the only item that went in;
 * otherwise it is lost, and `$('Node').item` fails later.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import type { Item, PairedItem } from "../items.ts"
import type { CodeValue } from "./outcome.ts"

/** Items, or what is wrong with the result: a sentence for whoever wrote the code. */
export type ReadItems = { readonly items: readonly Item[] } | { readonly fault: string }

/** The keys that make an object an item. */
const itemKeys = ["json", "binary", "pairedItem"] as const
/** What may stand beside them; it is not kept. */
const knownKeys: ReadonlySet<string> = new Set([...itemKeys, "error", "index"])

const noItems = "The code does not return items: return a list of objects, one for each item."

/** The items of code that ran once for all of them. `inputCount`: how many items it was given. */
export function readAllItems({ type, value }: CodeValue, inputCount: number): ReadItems {
  if (type === "null") return { items: [] }
  const entries: readonly JsonValue[] | null =
    type === "list" && Array.isArray(value) ? value : type === "object" ? [value] : null
  if (entries === null || !entries.every(isJsonObject)) return { fault: noItems }
  const areItems = entries.some((entry) => itemKeys.some((key) => Object.hasOwn(entry, key)))
  const items: Item[] = []
  for (const [index, entry] of entries.entries()) {
    const fault = areItems ? faultOf(entry, index) : null
    if (fault !== null) return { fault }
    const item = areItems ? toItem(entry) : { json: entry }
    const own = areItems ? readPaired(entry.pairedItem) : undefined
    const paired = own ?? linked(index, { inputCount, outputCount: entries.length })
    items.push(paired === undefined ? item : { ...item, pairedItem: paired })
  }
  return { items }
}

/** The item of code that ran for one item; none for null. `itemIndex`: its place. */
export function readOneItem({ type, value }: CodeValue, itemIndex: number): ReadItems {
  if (type === "null") return { items: [] }
  if (type === "undefined") {
    return { fault: `The code returns nothing for item ${itemIndex}: return an object, or null to leave the item out.` }
  }
  if (type !== "object" || !isJsonObject(value)) {
    return { fault: `The code does not return an object for item ${itemIndex}: return one object, not a list or text.` }
  }
  const isItem = itemKeys.some((key) => Object.hasOwn(value, key))
  const fault = isItem ? faultOf(value, itemIndex) : null
  if (fault !== null) return { fault }
  return { items: [{ ...(isItem ? toItem(value) : { json: value }), pairedItem: { item: itemIndex } }] }
}

function faultOf(entry: JsonObject, index: number): string | null {
  const unknown = Object.keys(entry).find((key) => !knownKeys.has(key))
  if (unknown !== undefined) {
    return `Item ${index} has the key '${unknown.slice(0, 60)}' beside its json: put the data of an item into its json.`
  }
  if (!isJsonObject(entry.json)) return `The json of item ${index} is not an object: give each item a json object.`
  if (entry.binary !== undefined && entry.binary !== null && !isJsonObject(entry.binary)) {
    return `The binary of item ${index} is not an object: give it an object, or leave it out.`
  }
  return null
}

function toItem({ json, binary }: JsonObject): Item {
  const data = isJsonObject(json) ? json : {}
  return isJsonObject(binary) ? { json: data, binary } : { json: data }
}

function linked(index: number, counts: { inputCount: number; outputCount: number }): PairedItem | undefined {
  if (counts.inputCount === counts.outputCount) return { item: index }
  return counts.inputCount === 1 ? { item: 0 } : undefined
}

/** Lineage as code may write it: a number, `{item, input?}`, or a list of either. Undefined where it is none of these. */
function readPaired(value: JsonValue | undefined): Item["pairedItem"] {
  if (Array.isArray(value)) {
    const pairs = value.map(readPair).filter((pair) => pair !== undefined)
    return pairs.length > 0 ? pairs : undefined
  }
  return readPair(value)
}

function readPair(value: JsonValue | undefined): PairedItem | undefined {
  const pair = typeof value === "number" ? { item: value } : value
  if (!isJsonObject(pair) || !isPlace(pair.item)) return undefined
  return isPlace(pair.input) ? { item: pair.item, input: pair.input } : { item: pair.item }
}

function isPlace(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0
}
