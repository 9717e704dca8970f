/**
 * How a Merge node makes one item of several: which input's value counts where fields clash, and whether objects and
 * lists in them are merged too. By default the last input counts and the merge is deep (recorded outcomes).
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import type { Item, PairedItem } from "../items.ts"
import { asText } from "../value-types.ts"
import type { KindContext } from "./kind.ts"

/** An item with its place: the input it came by, and where it stood there. */
export type Placed = { readonly item: Item; readonly input: number; readonly index: number }

/** What a node says about clashes. `preferred`: the input that counts, "suffix": every field keeps its input's number. */
export type Clashes = {
  readonly preferred: number | "suffix"
  readonly isDeep: boolean
  /** A value that is empty (null or the empty text) does not count over one that is not. */
  readonly overridesEmpty: boolean
}

/** Reads it. `otherwise`: the input that counts where the node says nothing. */
export function readClashes(context: KindContext, otherwise: number): Clashes {
  const says = (name: string): unknown => context.parameter(`options.clashHandling.values.${name}`, 0)
  return {
    preferred: preferredInput(asText(says("resolveClash")), context.inputs.length, otherwise),
    isDeep: says("mergeMode") !== "shallowMerge",
    overridesEmpty: says("overrideEmpty") === true,
  }
}

function preferredInput(wanted: string | undefined, inputs: number, otherwise: number): number | "suffix" {
  if (wanted === "addSuffix") return "suffix"
  if (wanted === "preferLast") return inputs - 1
  const number = Number(/^preferInput(\d{1,3})$/.exec(wanted ?? "")?.[1] ?? Number.NaN)
  return number >= 1 && number <= inputs ? number - 1 : otherwise
}

/** One item of several, with the lineage of all. */
export function mergePlaced(placed: readonly Placed[], clashes: Clashes): Item {
  const pairedItem = placed.map(({ input, index }): PairedItem => ({ item: index, input }))
  const ordered = inOrder(placed, clashes.preferred)
  const jsons = ordered.map((one) => (clashes.preferred === "suffix" ? suffixed(one) : one.item.json))
  const json = mergeObjects(jsons, clashes)
  const binaries = ordered.flatMap(({ item }) => (item.binary === undefined ? [] : [item.binary]))
  return binaries.length === 0 ? { json, pairedItem } : { json, binary: Object.assign({}, ...binaries), pairedItem }
}

/** An item that found no partner: as it is, but with suffixes where fields have them. */
export function unmerged(placed: Placed, clashes: Clashes): Item {
  const { item, input, index } = placed
  const json = clashes.preferred === "suffix" ? suffixed(placed) : item.json
  return { ...item, json, pairedItem: { item: index, input } }
}

/** What counts comes last. */
function inOrder(placed: readonly Placed[], preferred: number | "suffix"): readonly Placed[] {
  const isPreferred = ({ input }: Placed): boolean => input === preferred
  return [...placed.filter((one) => !isPreferred(one)), ...placed.filter(isPreferred)]
}

function suffixed({ item, input }: Placed): JsonObject {
  return Object.fromEntries(Object.entries(item.json).map(([name, value]) => [`${name}_${input + 1}`, value]))
}

function mergeObjects(sources: readonly JsonObject[], clashes: Clashes): JsonObject {
  const made: Record<string, JsonValue> = {}
  for (const source of sources) {
    for (const [name, value] of Object.entries(source)) {
      if (name === "__proto__") continue
      const present = Object.hasOwn(made, name) ? made[name] : undefined
      made[name] = present === undefined ? value : mergeValues(present, value, clashes)
    }
  }
  return made
}

function mergeValues(present: JsonValue, value: JsonValue, clashes: Clashes): JsonValue {
  if (clashes.overridesEmpty && (value === null || value === "")) return present
  if (!clashes.isDeep) return value
  if (isJsonObject(present) && isJsonObject(value)) return mergeObjects([present, value], clashes)
  if (!Array.isArray(present) || !Array.isArray(value)) return value
  // Lists are merged place by place.
  const [before, after]: (readonly JsonValue[])[] = [present, value]
  const length = Math.max(before?.length ?? 0, after?.length ?? 0)
  return Array.from({ length }, (_, index) => {
    const [left, right] = [before?.[index], after?.[index]]
    if (left === undefined || right === undefined) return left ?? right ?? null
    return mergeValues(left, right, clashes)
  })
}
