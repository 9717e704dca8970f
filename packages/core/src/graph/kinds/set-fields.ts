/** The fields that a Set node writes, as each of its versions lists them. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import type { GraphNode } from "../graph.ts"

/** The types that a field can be given. `as is`: whatever the value is. */
export type FieldType = "string" | "number" | "boolean" | "array" | "object" | "as is"

/** A field to be written; name and value may be expressions. `path` leads to it within the parameters. */
export type SetField = {
  readonly name: JsonValue
  readonly value: JsonValue
  readonly type: FieldType
  readonly path: string
}

/** The fields in their order. Version 1 and 2: `values` by type; 3–3.2: `fields.values`; since 3.3: `assignments`. */
export function listSetFields({ parameters }: GraphNode): readonly SetField[] {
  const assignments = listAt(parameters.assignments, "assignments")
  if (assignments.length > 0) return assignments.map(fromAssignment)
  const fields = listAt(parameters.fields, "values")
  if (fields.length > 0) return fields.map(fromField)
  return Object.keys(firstTypes).flatMap((type) => {
    const list = listAt(parameters.values, type)
    return list.map(([raw, index]) => fromValue(raw, `values.${type}[${index}]`))
  })
}

const firstTypes = { string: "", number: "", boolean: "" }
const laterTypes: ReadonlySet<string> = new Set(["string", "number", "boolean", "array", "object"])

type Numbered = readonly [raw: JsonObject, index: number]

function listAt(holder: JsonValue | undefined, key: string): readonly Numbered[] {
  const list = isJsonObject(holder) ? holder[key] : undefined
  if (!Array.isArray(list)) return []
  return list.flatMap((raw: JsonValue, index): Numbered[] => (isJsonObject(raw) ? [[raw, index]] : []))
}

function fieldType(name: JsonValue | undefined): FieldType {
  return typeof name === "string" && laterTypes.has(name) ? (name as FieldType) : "as is"
}

function fromAssignment([raw, index]: Numbered): SetField {
  const path = `assignments.assignments[${index}]`
  return { name: raw.name ?? "", value: raw.value ?? null, type: fieldType(raw.type ?? "string"), path }
}

/** `{name, type: "numberValue", numberValue: "1"}`; the type where none is said is text (documented default). */
function fromField([raw, index]: Numbered): SetField {
  const key = typeof raw.type === "string" ? raw.type : "stringValue"
  const type = fieldType(key.replace(/Value$/, ""))
  return { name: raw.name ?? "", value: raw[key] ?? null, type, path: `fields.values[${index}]` }
}

function fromValue(raw: JsonObject, path: string): SetField {
  return { name: raw.name ?? "", value: raw.value ?? null, type: "as is", path }
}
