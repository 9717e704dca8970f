/**
 * Which items of one input belong to which of another: those whose fields have the same values (Merge, Compare Datasets).
 * One look-up per item, so that it takes as long as the inputs are long.
 */
import { isJsonObject } from "../../json.ts"
import { quote } from "../findings.ts"
import type { Item } from "../items.ts"
import { type Field, fieldValue, toField } from "./fields.ts"
import { type KindContext, NodeFailure } from "./kind.ts"
import { type Comparing, valueKey } from "./value-key.ts"

/** Fields that have to be the same: one of the first input, one of the second. */
export type FieldPair = { readonly first: Field; readonly second: Field }

/** The pairs of fields in a setting `{values: [{field1, field2}]}`. Throws NODE_SETTINGS_INVALID where there is none. */
export function readFieldPairs(
  context: KindContext,
  path: string,
  options: { readonly dotNotation: boolean },
): readonly FieldPair[] {
  const listed = context.parameter(`${path}.values`, 0)
  const entries: readonly unknown[] = Array.isArray(listed) ? listed : []
  return entries.flatMap((entry): FieldPair[] => {
    const [first, second] = isJsonObject(entry) ? [entry.field1, entry.field2] : []
    if (typeof first !== "string" || typeof second !== "string" || first === "" || second === "") return []
    return [{ first: toField(first.trim(), options), second: toField(second.trim(), options) }]
  })
}

/** Places in the two inputs that belong together, and those that found no partner. */
export type Matches = {
  /** In the order of the first input, then of the second. */
  readonly pairs: readonly (readonly [first: number, second: number])[]
  readonly unmatchedFirst: readonly number[]
  readonly unmatchedSecond: readonly number[]
  /** Of those, the ones that have a partner and were not taken, since another one came first. */
  readonly repeated: ReadonlySet<number>
}

/** How items are matched. `takes`: of several partners all, or the first alone. */
export type Matching = {
  readonly pairs: readonly FieldPair[]
  readonly comparing: Comparing
  readonly takes: "all" | "first"
}

/**
 * Matches two inputs. An item without one of the fields matches nothing. `onCount` is told the number of pairs before
 * they are made, and may refuse them. Throws NODE_SETTINGS_INVALID where no item of an input has one of the fields.
 */
export function matchItems(
  [first, second]: readonly [readonly Item[], readonly Item[]],
  { pairs, comparing, takes }: Matching,
  onCount: (count: number) => void,
): Matches {
  requireFields(
    first,
    pairs.map((pair) => pair.first),
    1,
  )
  requireFields(
    second,
    pairs.map((pair) => pair.second),
    2,
  )
  const firstKeys = first.map((item) =>
    keyOf(
      item,
      pairs.map((pair) => pair.first),
      comparing,
    ),
  )
  const secondKeys = second.map((item) =>
    keyOf(
      item,
      pairs.map((pair) => pair.second),
      comparing,
    ),
  )
  const places = placesByKey(secondKeys)
  const partners = firstKeys.map((key) => {
    const found = (key === null ? undefined : places.get(key)) ?? []
    return takes === "first" ? found.slice(0, 1) : found
  })
  onCount(partners.reduce((sum, found) => sum + found.length, 0))
  const matched = new Set(partners.flat())
  const unmatchedSecond = [...second.keys()].filter((index) => !matched.has(index))
  const wanted = new Set(firstKeys)
  return {
    pairs: partners.flatMap((found, index) => found.map((place) => [index, place] as const)),
    unmatchedFirst: [...first.keys()].filter((index) => (partners[index]?.length ?? 0) === 0),
    unmatchedSecond,
    repeated: new Set(
      unmatchedSecond.filter((index) => secondKeys[index] !== null && wanted.has(secondKeys[index] ?? null)),
    ),
  }
}

function placesByKey(keys: readonly (string | null)[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>()
  for (const [index, key] of keys.entries()) {
    if (key === null) continue
    const known = places.get(key)
    if (known === undefined) places.set(key, [index])
    else known.push(index)
  }
  return places
}

function keyOf({ json }: Item, fields: readonly Field[], comparing: Comparing): string | null {
  const keys: string[] = []
  for (const field of fields) {
    const value = fieldValue(json, field)
    if (value === undefined) return null
    keys.push(valueKey(value, comparing))
  }
  return keys.length === 1 ? (keys[0] ?? "") : JSON.stringify(keys)
}

function requireFields(items: readonly Item[], fields: readonly Field[], input: number): void {
  const missing = fields.find((field) => items.every(({ json }) => fieldValue(json, field) === undefined))
  if (missing === undefined || items.length === 0) return
  const message = `No item of input ${input} has the field ${quote(missing.name)}; correct the name of the field to match.`
  throw new NodeFailure("NODE_SETTINGS_INVALID", message)
}
