/** The smallest value that a JSON Schema allows, for answers of the demo model. Pure. */
import { isJsonObject, type JsonObject, type JsonValue } from "@brevet/core/json"

const depthMax = 12

/**
 * A value for the common keywords: const, enum, default, examples, type, properties, required, items, minItems,
 * minimum, minLength, format, anyOf, oneOf, allOf and `$ref` into the schema itself. `text` is taken for free strings.
 */
export function exampleOf(schema: JsonObject, text: string): JsonValue {
  return make(schema, { root: schema, text, depth: 0 })
}

type Place = { readonly root: JsonObject; readonly text: string; readonly depth: number }

function make(schema: JsonValue | undefined, place: Place): JsonValue {
  if (!isJsonObject(schema) || place.depth > depthMax) return null
  const inner = { ...place, depth: place.depth + 1 }
  if (typeof schema.$ref === "string") return make(resolve(schema.$ref, place.root), inner)
  const fixed = fixedValueOf(schema)
  if (fixed !== undefined) return fixed
  for (const alternatives of [schema.anyOf, schema.oneOf]) {
    if (Array.isArray(alternatives) && alternatives.length > 0) return make(alternatives[0], inner)
  }
  if (Array.isArray(schema.allOf)) {
    const { allOf, ...own } = schema
    const parts = [own, ...(allOf as readonly JsonValue[])].map((part) => make(part, inner)).filter(isJsonObject)
    return Object.assign({}, ...parts) as JsonObject
  }
  return valueOfType(schema, inner)
}

function fixedValueOf(schema: JsonObject): JsonValue | undefined {
  if (schema.const !== undefined) return schema.const
  for (const list of [schema.enum, schema.examples]) if (Array.isArray(list) && list.length > 0) return list[0]
  return schema.default
}

function valueOfType(schema: JsonObject, place: Place): JsonValue {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === "object" || isJsonObject(schema.properties)) return objectOf(schema, place)
  switch (type) {
    case "array":
      return Array.from({ length: Math.min(countOf(schema.minItems), 20) }, () => make(schema.items, place))
    case "integer":
    case "number":
      return numberOf(schema)
    case "boolean":
      return true
    case "null":
      return null
    case "string":
      return stringOf(schema, place.text)
    default:
      return schema.type === undefined && place.depth === 1 ? {} : place.text
  }
}

function objectOf(schema: JsonObject, place: Place): JsonObject {
  const properties = isJsonObject(schema.properties) ? schema.properties : {}
  const required: readonly JsonValue[] = Array.isArray(schema.required) ? schema.required : Object.keys(properties)
  const names = required.filter((name): name is string => typeof name === "string")
  return Object.fromEntries(names.map((name) => [name, make(properties[name] ?? { type: "string" }, place)]))
}

function numberOf(schema: JsonObject): number {
  if (typeof schema.minimum === "number") return schema.type === "integer" ? Math.ceil(schema.minimum) : schema.minimum
  if (typeof schema.exclusiveMinimum === "number") return Math.floor(schema.exclusiveMinimum) + 1
  return typeof schema.maximum === "number" ? Math.min(1, schema.maximum) : 1
}

const formats: { readonly [format: string]: string | undefined } = {
  date: "2025-01-01",
  time: "12:00:00Z",
  "date-time": "2025-01-01T12:00:00Z",
  email: "demo@example.com",
  uri: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
}

function stringOf(schema: JsonObject, text: string): string {
  const known = typeof schema.format === "string" ? formats[schema.format] : undefined
  const value = known ?? text
  const longest = typeof schema.maxLength === "number" ? value.slice(0, Math.max(0, schema.maxLength)) : value
  return longest.padEnd(Math.min(countOf(schema.minLength), 1_000), ".")
}

function countOf(value: JsonValue | undefined): number {
  return typeof value === "number" && value > 0 ? Math.trunc(value) : 0
}

/** `#/a/b` in the schema itself; anything else is unknown. */
function resolve(reference: string, root: JsonObject): JsonValue | undefined {
  if (!reference.startsWith("#/")) return reference === "#" ? root : undefined
  let value: JsonValue | undefined = root
  for (const step of reference.slice(2).split("/")) {
    if (!isJsonObject(value)) return undefined
    value = value[step.replaceAll("~1", "/").replaceAll("~0", "~")]
  }
  return value
}
