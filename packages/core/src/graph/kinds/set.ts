/**
 * Edit Fields: writes fields into each item, by a list of fields (manual) or as one JSON object (raw).
 * Versions 1, 2 and 3.x; what they differ in is in `set-fields.ts` and `set-include.ts`.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { editFields, parseFieldPath, plainFieldPath } from "../field-path.ts"
import { cutText, pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { asBoolean, asJson, asList, asNumber, asObject, asText, parseJson } from "../value-types.ts"
import { treatEachItem } from "./each-item.ts"
import { boundItems } from "./item-bound.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"
import { type FieldType, listSetFields, type SetField } from "./set-fields.ts"
import { includedFields, keptFields } from "./set-include.ts"
import { resolveJsonTemplate } from "./set-json.ts"

/** The kind. A failing item becomes `{error}` where the run goes on by the regular output (recorded outcome). */
export const set: PureKind = {
  name: "set",
  types: ["n8n-nodes-base.set"],
  title: "Edit fields (Set)",
  help: "Writes fields into each item, one by one or as a JSON object.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
  run(context) {
    const copies = copiesOf(context)
    const fields = listSetFields(context.node)
    const paths: Paths = new Map()
    return {
      outputs: treatEachItem(context, {
        work(item, itemIndex) {
          const made: Item = { ...edit(context, item, { fields, paths, itemIndex }), pairedItem: { item: itemIndex } }
          return { output: 0, items: copies === 1 ? [made] : Array.from({ length: copies }, () => made) }
        },
        failed: (_item, itemIndex, error) => ({
          output: 0,
          items: [{ json: { error }, pairedItem: { item: itemIndex } }],
        }),
      }),
    }
  },
}

/** How often each item is put out: once, and once more for each duplicate that the node asks for. */
function copiesOf(context: KindContext): number {
  if (context.node.parameters.duplicateItem !== true) return 1
  const duplicates = asNumber(context.parameter("duplicateCount", 0) ?? 0) ?? 0
  const copies = 1 + Math.max(0, Math.trunc(duplicates))
  boundItems(copies * (context.inputs[0]?.length ?? 0))
  return copies
}

/** The steps of names that were written before: mostly the same for every item. */
type Paths = Map<string, readonly string[] | null>

/** Names that are kept: those of expressions may be as many as there are items. */
const pathsKeptMax = 1_000

type Work = { readonly fields: readonly SetField[]; readonly paths: Paths; readonly itemIndex: number }

function edit(context: KindContext, item: Item, { fields, paths, itemIndex }: Work): Pick<Item, "json" | "binary"> {
  const dotNotation = context.parameter("options.dotNotation", itemIndex) !== false
  const included = includedFields(context, itemIndex)
  const kept = keptFields(context, item.json, { included, dotNotation, itemIndex })
  const isRaw = context.parameter("mode", itemIndex) === "raw"
  const json = isRaw
    ? { ...kept, ...rawObject(context, itemIndex) }
    : writeFields(context, kept, { fields, paths, itemIndex, dotNotation })
  const keepsBinary = item.binary !== undefined && context.parameter("options.includeBinary", itemIndex) !== false
  return keepsBinary && item.binary !== undefined ? { json, binary: item.binary } : { json }
}

function writeFields(context: KindContext, kept: JsonObject, work: Work & { dotNotation: boolean }): JsonObject {
  const { fields, paths, itemIndex, dotNotation } = work
  const ignores = [
    context.parameter("options.ignoreConversionErrors", itemIndex),
    context.node.parameters.ignoreConversionErrors,
  ]
  const editor = editFields(kept)
  for (const field of fields) {
    const name = asText(context.resolve(field.name, itemIndex)) ?? ""
    if (name === "") continue
    const steps = dotNotation ? stepsOf(paths, name) : plainFieldPath(name)
    if (steps === null)
      throw new NodeFailure("NODE_SETTINGS_INVALID", `No field can be named ${quote(name)}; rename it.`)
    const value = asTyped(context.resolve(field.value, itemIndex), field.type)
    if (value !== undefined) editor.set(steps, value)
    else if (ignores.includes(true)) editor.set(steps, asJson(context.resolve(field.value, itemIndex)))
    else throw conversionFailure(context.resolve(field.value, itemIndex), { name, type: field.type, itemIndex })
  }
  return editor.done()
}

function stepsOf(paths: Paths, name: string): readonly string[] | null {
  const known = paths.get(name)
  if (known !== undefined) return known
  const steps = parseFieldPath(name)
  if (paths.size < pathsKeptMax) paths.set(name, steps)
  return steps
}

/** The value in its type; a missing value is null in every type (recorded outcome). `undefined`: it does not fit. */
function asTyped(value: unknown, type: FieldType): JsonValue | undefined {
  if (value === null || value === undefined) return null
  switch (type) {
    case "string":
      return asText(value)
    case "number":
      return asNumber(value)
    case "boolean":
      return asBoolean(value)
    case "array":
      return asList(value) as JsonValue | undefined
    case "object":
      return asObject(value)
    case "as is":
      return asJson(value)
  }
}

function conversionFailure(value: unknown, field: { name: string; type: FieldType; itemIndex: number }): NodeFailure {
  const shown = cutText(asText(value) ?? "", 60)
  const message = `The field ${quote(field.name)} should be of type ${field.type}, and '${shown}' cannot be converted (item ${field.itemIndex}). Change its value or its type.`
  return new NodeFailure("NODE_SETTINGS_INVALID", message)
}

function rawObject(context: KindContext, itemIndex: number): JsonObject {
  const template = context.node.parameters.jsonOutput ?? {}
  const value =
    typeof template === "string"
      ? resolveJsonTemplate(context, template, itemIndex)
      : context.resolve(template, itemIndex)
  const object = asObject(value)
  if (object !== undefined) return object
  throw new NodeFailure(
    "NODE_SETTINGS_INVALID",
    `The JSON of the node is not a JSON object (item ${itemIndex}); correct it.`,
  )
}

function check(node: GraphNode): Finding[] {
  const { parameters, name } = node
  const path = pathTo(node.path, "parameters")
  if (parameters.mode === "raw") return checkRaw(node, pathTo(path, "jsonOutput"))
  return listSetFields(node).flatMap((field): Finding[] => {
    if (field.name !== "" && typeof field.name === "string") return []
    const message = `Give every field of ${quote(name)} a name: one without is left out.`
    return [{ severity: "warning", code: "SETTING_MISSING", message, node: name, path: `${path}.${field.path}` }]
  })
}

function checkRaw(node: GraphNode, path: string): Finding[] {
  const value = node.parameters.jsonOutput
  const isTemplate = typeof value === "string" && value.startsWith("=")
  const literal = typeof value === "string" ? parseJson(value) : value
  if (isTemplate || value === undefined || isJsonObject(literal)) return []
  const message = `Correct the JSON of ${quote(node.name)}: it has to be one JSON object.`
  return [{ severity: "error", code: "SETTING_INVALID", message, node: node.name, path }]
}
