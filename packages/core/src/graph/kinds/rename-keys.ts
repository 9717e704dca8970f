/** Renames fields: one by one, or all whose names match a regular expression, at any depth. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { replacePattern } from "../conditions/setting-pattern.ts"
import { editFields } from "../field-path.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { asNumber, asText } from "../value-types.ts"
import { type Field, fieldValue, toField } from "./fields.ts"
import type { KindContext, PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. */
export const renameKeys: PureKind = {
  name: "renameKeys",
  types: ["n8n-nodes-base.renameKeys"],
  title: "Rename keys",
  help: "Renames fields, one by one or by a regular expression.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
  run: (context) => ({
    outputs: [
      (context.inputs[0] ?? []).map((item, itemIndex): Item => {
        return { ...item, json: renamed(context, item.json, itemIndex), pairedItem: { item: itemIndex } }
      }),
    ],
  }),
}

function renamed(context: KindContext, json: JsonObject, itemIndex: number): JsonObject {
  const editor = editFields(json)
  for (const { from, to } of readRenames(context, itemIndex)) {
    const value = fieldValue(editor.done(), from)
    if (value === undefined) continue
    editor.remove(Object.hasOwn(editor.done(), from.name) ? [from.name] : from.steps)
    editor.set(to.steps, value)
  }
  return readReplacements(context, itemIndex).reduce(replaceKeys, editor.done())
}

function readRenames(context: KindContext, itemIndex: number): readonly { from: Field; to: Field }[] {
  const listed = context.parameter("keys.key", itemIndex)
  const entries: readonly unknown[] = Array.isArray(listed) ? listed : []
  return entries.flatMap((entry) => {
    const [from, to] = isJsonObject(entry) ? [asText(entry.currentKey) ?? "", asText(entry.newKey) ?? ""] : ["", ""]
    if (from === "" || to === "" || from === to) return []
    return [{ from: toField(from, { dotNotation: true }), to: toField(to, { dotNotation: true }) }]
  })
}

/** A replacement in names. `depth`: levels below the top that it reaches; all where it is negative (documented). */
type Replacement = {
  readonly pattern: string
  readonly replacement: string
  readonly ignoreCase: boolean
  readonly depth: number
}

function readReplacements(context: KindContext, itemIndex: number): readonly Replacement[] {
  const listed = context.parameter("additionalOptions.regexReplacement.replacements", itemIndex)
  const entries: readonly unknown[] = Array.isArray(listed) ? listed : []
  return entries.flatMap((entry): Replacement[] => {
    if (!isJsonObject(entry)) return []
    const pattern = asText(entry.searchRegex) ?? ""
    if (pattern === "") return []
    const options = isJsonObject(entry.options) ? entry.options : {}
    const depth = asNumber(options.depth ?? -1) ?? -1
    const replacement = asText(entry.replaceRegex) ?? ""
    return [{ pattern, replacement, ignoreCase: options.caseInsensitive === true, depth }]
  })
}

/** The object with its names replaced; of two that become the same the later one stays. */
function replaceKeys(json: JsonObject, replacement: Replacement): JsonObject {
  const entries = Object.entries(json).map(([name, value]): [string, JsonValue] => [
    replacePattern(name, replacement.pattern, replacement),
    replaceInside(value, replacement),
  ])
  return Object.fromEntries(entries.filter(([name]) => name !== "__proto__"))
}

function replaceInside(value: JsonValue, replacement: Replacement): JsonValue {
  if (typeof value !== "object" || value === null || replacement.depth === 0) return value
  const below = { ...replacement, depth: replacement.depth - 1 }
  if (isJsonObject(value)) return replaceKeys(value, below)
  return (value as readonly JsonValue[]).map((entry) =>
    isJsonObject(entry) && below.depth !== 0 ? replaceKeys(entry, { ...below, depth: below.depth - 1 }) : entry,
  )
}

function check({ parameters, name, path }: GraphNode): Finding[] {
  const listed = isJsonObject(parameters.keys) ? parameters.keys.key : undefined
  const more = isJsonObject(parameters.additionalOptions) ? parameters.additionalOptions.regexReplacement : undefined
  const replacements = isJsonObject(more) ? more.replacements : undefined
  const isSaid = [listed, replacements].some(
    (list) => typeof list === "string" || (Array.isArray(list) && list.length > 0),
  )
  if (isSaid) return []
  const message = `Say which fields ${quote(name)} renames: it leaves all as they are.`
  const place = pathTo(pathTo(path, "parameters"), "keys")
  return [{ severity: "warning", code: "SETTING_MISSING", message, node: name, path: place }]
}
