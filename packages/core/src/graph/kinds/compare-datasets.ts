/**
 * Compares two inputs. Items belong together where the fields to match are the same; then all their fields are compared.
 *
 *     output 0  only in A      output 1  the same in both      output 2  different      output 3  only in B
 */
import type { JsonObject, JsonValue } from "../../json.ts"
import { editFields } from "../field-path.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item, Outputs, PairedItem } from "../items.ts"
import { type Field, fieldValue, listNames, toField } from "./fields.ts"
import { boundItems } from "./item-bound.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { type FieldPair, matchItems, readFieldPairs } from "./matching.ts"
import { areAlike, type Comparing } from "./value-key.ts"

/** The kind. */
export const compareDatasets: PureKind = {
  name: "compareDatasets",
  types: ["n8n-nodes-base.compareDatasets"],
  title: "Compare datasets",
  help: "Finds what two inputs have in common and in what they differ.",
  group: "data",
  effect: "none",
  inputs: () => [{ name: "Input A" }, { name: "Input B" }],
  outputs: () => [{ name: "in A only" }, { name: "same" }, { name: "different" }, { name: "in B only" }],
  check,
  run: (context) => ({ outputs: compare(context) }),
}

type Settings = {
  readonly pairs: readonly FieldPair[]
  readonly skipped: readonly Field[]
  readonly comparing: Comparing
  readonly resolve: string
  /** With `mix`: the input whose fields count, and those that are taken from the other. */
  readonly prefersFirst: boolean
  readonly exceptions: readonly Field[]
  readonly labels: readonly [string, string]
}

function readSettings(context: KindContext): Settings {
  const says = (path: string): unknown => context.parameter(path, 0)
  const options = { dotNotation: says("options.disableDotNotation") !== true }
  const fieldsOf = (path: string): Field[] => listNames(says(path)).map((name) => toField(name, options))
  const pairs = readFieldPairs(context, "mergeByFields", options)
  if (pairs.length === 0)
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The node names no fields to match; name one pair.")
  const resolve = says("resolve")
  return {
    pairs,
    skipped: fieldsOf("options.skipFields"),
    comparing: { fuzzy: says("fuzzyCompare") === true || says("options.fuzzyCompare") === true },
    resolve: typeof resolve === "string" ? resolve : "includeBoth",
    prefersFirst: says("preferWhenMix") !== "input2",
    exceptions: fieldsOf("exceptWhenMix"),
    labels: context.node.typeVersion < 2 ? ["input1", "input2"] : ["inputA", "inputB"],
  }
}

function compare(context: KindContext): Outputs {
  const [first = [], second = []] = context.inputs
  const settings = readSettings(context)
  const takes = context.parameter("options.multipleMatches", 0) === "all" ? "all" : "first"
  const { comparing, pairs } = settings
  const matches = matchItems([first, second], { pairs, comparing, takes }, boundItems)
  const same: Item[] = []
  const different: Item[] = []
  for (const [index, place] of matches.pairs) {
    const [a, b] = [first[index], second[place]]
    if (a === undefined || b === undefined) continue
    const pairedItem = [
      { item: index, input: 0 },
      { item: place, input: 1 },
    ]
    const differences = differencesOf([a.json, b.json], settings)
    if (differences === null) same.push({ ...(settings.resolve === "preferInput2" ? b : a), pairedItem })
    else different.push(differentItem([a, b], { settings, differences, pairedItem }))
  }
  const only = (input: 0 | 1, places: readonly number[]): Item[] =>
    places.flatMap((index) => {
      const item = (input === 0 ? first : second)[index]
      return item === undefined ? [] : [{ ...item, pairedItem: { item: index, input } }]
    })
  // Of several partners of one item the first alone counts, and the others are left out (documented).
  const onlySecond = matches.unmatchedSecond.filter((index) => !matches.repeated.has(index))
  return [only(0, matches.unmatchedFirst), same, different, only(1, onlySecond)]
}

/** What two items have in common, in what they differ, and what was not compared. */
type Differences = { readonly same: JsonObject; readonly different: JsonObject; readonly skipped: JsonObject }

/** Null where they do not differ. */
function differencesOf([a, b]: readonly [JsonObject, JsonObject], settings: Settings): Differences | null {
  const { skipped, comparing, pairs, labels } = settings
  const [left, right] = [without(a, skipped), without(withFirstNames(b, pairs), skipped)]
  const same: Record<string, JsonValue> = {}
  const different: Record<string, JsonValue> = {}
  const both = (one: JsonValue | undefined, other: JsonValue | undefined): JsonObject => ({
    [labels[0]]: one ?? null,
    [labels[1]]: other ?? null,
  })
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (name === "__proto__") continue
    const [one, other] = [left[name], right[name]]
    if (areAlike(one, other, comparing)) same[name] = one ?? other ?? null
    else different[name] = both(one, other)
  }
  if (Object.keys(different).length === 0) return null
  const entries = skipped.flatMap((field): [string, JsonValue][] => {
    const [one, other] = [fieldValue(a, field), fieldValue(b, field)]
    return one === undefined && other === undefined ? [] : [[field.name, both(one, other)]]
  })
  return { same, different, skipped: Object.fromEntries(entries) }
}

function without(json: JsonObject, fields: readonly Field[]): JsonObject {
  if (fields.length === 0) return json
  const editor = editFields(json)
  for (const { name, steps } of fields) editor.remove(Object.hasOwn(json, name) ? [name] : steps)
  return editor.done()
}

/** Fields that are matched and have different names are the same field: the second item's get the first's names. */
function withFirstNames(json: JsonObject, pairs: readonly FieldPair[]): JsonObject {
  const renamed = pairs.filter(({ first, second }) => first.name !== second.name)
  if (renamed.length === 0) return json
  const editor = editFields(
    without(
      json,
      renamed.map(({ second }) => second),
    ),
  )
  for (const { first, second } of renamed) editor.set(first.steps, fieldValue(json, second) ?? null)
  return editor.done()
}

type Different = {
  readonly settings: Settings
  readonly differences: Differences
  readonly pairedItem: readonly PairedItem[]
}

function differentItem([a, b]: readonly [Item, Item], { settings, differences, pairedItem }: Different): Item {
  const { resolve, prefersFirst, exceptions, pairs } = settings
  if (resolve === "preferInput1") return { ...a, pairedItem }
  if (resolve === "preferInput2") return { ...b, pairedItem }
  if (resolve === "mix") {
    const [kept, other] = prefersFirst ? [a, b] : [b, a]
    const editor = editFields(kept.json)
    for (const field of exceptions) {
      const value = fieldValue(other.json, field)
      if (value === undefined) editor.remove(field.steps)
      else editor.set(field.steps, value)
    }
    return { ...kept, json: editor.done(), pairedItem }
  }
  const keys = pairs.flatMap(({ first }): [string, JsonValue][] => [[first.name, fieldValue(a.json, first) ?? null]])
  const { same, different, skipped } = differences
  const told = { keys: Object.fromEntries(keys), same, different }
  return { json: Object.keys(skipped).length === 0 ? told : { ...told, skipped }, pairedItem }
}

function check({ parameters, name, path }: GraphNode): Finding[] {
  if (parameters.mergeByFields !== undefined) return []
  const message = `Name the fields by which ${quote(name)} matches items.`
  const place = pathTo(pathTo(path, "parameters"), "mergeByFields")
  return [{ severity: "error", code: "SETTING_MISSING", message, node: name, path: place }]
}
