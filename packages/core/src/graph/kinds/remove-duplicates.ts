/**
 * Keeps the first of all items that are the same, by all fields, all but some, or some. What was seen in earlier
 * executions is not kept here, so that a node that asks for it fails.
 */
import type { JsonObject, JsonValue } from "../../json.ts"
import { editFields } from "../field-path.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { type Field, fieldValue, listNames, toField } from "./fields.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"
import { valueKey } from "./value-key.ts"

/** The kind. */
export const removeDuplicates: PureKind = {
  name: "removeDuplicates",
  types: ["n8n-nodes-base.removeDuplicates"],
  title: "Remove duplicates",
  help: "Keeps the first of all items that are the same.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check: (node) => [...checkOperation(node), ...checkCompared(node)],
  run(context) {
    const operation = context.parameter("operation", 0) ?? withinInput
    if (context.node.typeVersion < 2 || operation === withinInput) return { outputs: [uniqueItems(context)] }
    throw new NodeFailure(
      "NODE_SETTINGS_INVALID",
      "What earlier executions saw is not kept here; compare the items of the input alone.",
    )
  },
}

const withinInput = "removeDuplicateInputItems"

/** The items that are kept, each with its own lineage. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function uniqueItems(context: KindContext): readonly Item[] {
  const items = context.inputs[0] ?? []
  const settings = readSettings(context, items)
  for (const field of settings.fields) requireOneType(items, field)
  const seen = new Set<string>()
  return items.flatMap((item, index): Item[] => {
    const key = JSON.stringify(settings.fields.map((field) => valueKey(fieldValue(item.json, field))))
    if (seen.has(key)) return []
    seen.add(key)
    const pairedItem = { item: index }
    if (!settings.removesOthers) return [{ ...item, pairedItem }]
    return [{ ...item, json: comparedPart(item.json, settings), pairedItem }]
  })
}

type Settings = { readonly fields: readonly Field[]; readonly removesOthers: boolean }

function readSettings(context: KindContext, items: readonly Item[]): Settings {
  const says = (path: string): unknown => context.parameter(path, 0)
  const options = { dotNotation: says("options.disableDotNotation") !== true }
  const compare = says("compare") ?? "allFields"
  const every = new Set(items.flatMap(({ json }) => Object.keys(json)))
  const all = [...every].flatMap((name) => (name === "__proto__" ? [] : [toField(name, { dotNotation: false })]))
  if (compare === "allFields") return { fields: all, removesOthers: false }
  const removesOthers = says("options.removeOtherFields") === true
  if (compare === "allFieldsExcept") {
    const names = new Set(required(listNames(says("fieldsToExclude"))))
    return { fields: all.filter(({ name }) => !names.has(name)), removesOthers }
  }
  if (compare === "selectedFields") {
    const names = required(listNames(says("fieldsToCompare")))
    return { fields: names.map((name) => toField(name, options)), removesOthers }
  }
  throw new NodeFailure(
    "NODE_SETTINGS_INVALID",
    "The node does not say what it compares; choose all fields, all but some, or some.",
  )
}

function required(names: readonly string[]): readonly string[] {
  if (names.length > 0) return names
  throw new NodeFailure("NODE_SETTINGS_INVALID", "The node names no fields to compare or to leave out; name one.")
}

/** Values of several types in one field are refused (recorded outcome); what is missing has none. */
function requireOneType(items: readonly Item[], field: Field): void {
  let type: string | undefined
  for (const { json } of items) {
    const value = fieldValue(json, field)
    if (value === undefined || value === null) continue
    type ??= typeof value
    if (type === typeof value) continue
    const message = `The field ${quote(field.name)} holds values of several types; make them of one type before they are compared.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
}

function comparedPart(json: JsonObject, { fields }: Settings): JsonObject {
  const editor = editFields({})
  for (const field of fields) {
    const value: JsonValue | undefined = fieldValue(json, field)
    if (value !== undefined) editor.set(Object.hasOwn(json, field.name) ? [field.name] : field.steps, value)
  }
  return editor.done()
}

function checkOperation({ parameters, name, path, typeVersion }: GraphNode): Finding[] {
  const { operation = withinInput } = parameters
  if (typeVersion < 2 || operation === withinInput) return []
  const message = `Let ${quote(name)} compare the items of its input: what earlier executions saw is not kept here.`
  const place = pathTo(pathTo(path, "parameters"), "operation")
  return [{ severity: "error", code: "SETTING_UNSUPPORTED", message, node: name, path: place }]
}

/** What is wrong with the compared fields as they stand. */
export function checkCompared({ parameters, name, path }: GraphNode): Finding[] {
  const fields = new Map([
    ["selectedFields", "fieldsToCompare"],
    ["allFieldsExcept", "fieldsToExclude"],
  ])
  const field = typeof parameters.compare === "string" ? fields.get(parameters.compare) : undefined
  if (field === undefined || listNames(parameters[field]).length > 0) return []
  const message = `Name the fields in ${field} of ${quote(name)}.`
  const place = pathTo(pathTo(path, "parameters"), field)
  return [{ severity: "error", code: "SETTING_MISSING", message, node: name, path: place }]
}
