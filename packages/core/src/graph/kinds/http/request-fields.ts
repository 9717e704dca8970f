/** Names and values in the settings of a request: lists of fields, or JSON, for queries, headers and bodies. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { editFields, parseFieldPath } from "../../field-path.ts"
import { quote } from "../../findings.ts"
import { asJson, asText, parseJson } from "../../value-types.ts"
import { NodeFailure } from "../kind.ts"
import type { FormPart, Pair } from "./request.ts"

/** A field as a setting lists it, its expressions resolved. `value` undefined: its expression gave nothing. */
export type Field = { readonly name: string; readonly value: unknown; readonly settings: JsonObject }

/** How lists are written in a query: `a[0]=1`, `a[]=1`, `a=1&a=2` (documented). */
export type ListForm = "indices" | "brackets" | "repeat"

/** Fields of a request, whatever their number in the settings (ours). */
const fieldsMax = 10_000

/** The fields of a resolved list; entries without a name are left out. */
export function readFields(list: unknown): readonly Field[] {
  if (!Array.isArray(list)) return []
  return list.slice(0, fieldsMax).flatMap((entry: unknown): Field[] => {
    if (!isJsonObject(entry)) return []
    const name = asText(entry.name) ?? ""
    return name === "" ? [] : [{ name, value: entry.value, settings: entry }]
  })
}

/** The value of a setting that holds JSON: as text, or as the object itself. Throws NODE_SETTINGS_INVALID. */
export function readJsonSetting(value: unknown, label: string): JsonValue | undefined {
  if (typeof value !== "string") return value === undefined ? undefined : asJson(value)
  if (value.trim() === "") return undefined
  const parsed = parseJson(value)
  if (parsed !== undefined) return parsed as JsonValue
  throw new NodeFailure("NODE_SETTINGS_INVALID", `The value in the "${label}" field is not valid JSON.`)
}

/** The same, where only an object will do. Throws NODE_SETTINGS_INVALID. */
export function readObjectSetting(value: unknown, label: string): JsonObject {
  const json = readJsonSetting(value, label) ?? {}
  if (isJsonObject(json)) return json
  throw new NodeFailure("NODE_SETTINGS_INVALID", `The value in the "${label}" field has to be a JSON object.`)
}

/** A query of fields: a repeated name keeps its last value (recorded outcome), and what is missing is left out. */
export function fieldsAsObject(fields: readonly Field[]): JsonObject {
  const given = fields.filter(({ name, value }) => value !== undefined && name !== "__proto__")
  return Object.fromEntries(given.map(({ name, value }) => [name, asJson(value)]))
}

/** A body of fields: names in dots nest, what is missing is left out, null is kept (recorded outcomes). */
export function fieldsAsBody(fields: readonly Field[]): JsonObject {
  const editor = editFields({})
  for (const { name, value } of fields) {
    if (value === undefined) continue
    const steps = parseFieldPath(name)
    if (steps === null) {
      throw new NodeFailure("NODE_SETTINGS_INVALID", `No field can be named ${quote(name)}; correct the name.`)
    }
    editor.set(steps, asJson(value))
  }
  return editor.done()
}

/** An object as the pairs of a query: lists in a form, objects in brackets, null as nothing behind the sign. */
export function queryPairs(object: JsonObject, form: ListForm): readonly Pair[] {
  const pairs: Pair[] = []
  const add = (name: string, value: JsonValue): void => {
    if (pairs.length >= fieldsMax)
      throw new NodeFailure("NODE_SETTINGS_INVALID", `A query or form has at most ${fieldsMax} fields.`)
    if (Array.isArray(value)) {
      for (const [index, entry] of (value as readonly JsonValue[]).entries()) add(listName(name, index, form), entry)
    } else if (isJsonObject(value)) {
      for (const [key, entry] of Object.entries(value)) add(`${name}[${key}]`, entry)
    } else pairs.push([name, value === null ? "" : String(value)])
  }
  for (const [name, value] of Object.entries(object)) add(name, value)
  return pairs
}

function listName(name: string, index: number, form: ListForm): string {
  return form === "indices" ? `${name}[${index}]` : form === "brackets" ? `${name}[]` : name
}

/** The fields of a form: a repeated name keeps its last value, lists and objects are written as in a query by index. */
export function formPairs(fields: readonly Field[]): readonly Pair[] {
  return queryPairs(fieldsAsObject(fields), "indices")
}

/** Parts of form data: texts, and files of the item by the name of their field. */
export function formParts(fields: readonly Field[]): readonly FormPart[] {
  return fields.flatMap(({ name, value, settings }): FormPart[] => {
    const kind = settings.parameterType
    if (kind === "formBinaryData") return [{ name, file: (asText(settings.inputDataFieldName) ?? "").trim() || "data" }]
    if (value === undefined) return []
    return [{ name, text: value === null ? "" : (asText(value) ?? "") }]
  })
}

/** Headers of an object; what is missing or null is left out. */
export function headerPairs(object: JsonObject): readonly Pair[] {
  return Object.entries(object).flatMap(([name, value]): Pair[] => {
    const text = asText(value)
    return text === undefined ? [] : [[name.trim(), text]]
  })
}

/** Headers in which a later one takes the place of an earlier one of the same name. */
export function mergeHeaders(...lists: readonly (readonly Pair[])[]): readonly Pair[] {
  const byName = new Map<string, Pair>()
  for (const pair of lists.flat()) byName.set(pair[0].toLowerCase(), pair)
  return [...byName.values()]
}
