/**
 * A JSON Schema in the one form in which models are shown schemas (recorded outcomes): `type` first, then what belongs to
 * it, the description last; objects close with `additionalProperties`. What the form has no words for means "anything"
 * there. Pure.
 *
 *     {"properties":{"a":{"description":"x","type":"string"}},"type":"object"}
 *       -> {"type":"object","properties":{"a":{"type":"string","description":"x"}},"additionalProperties":false}
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"

const dialect = "http://json-schema.org/draft-07/schema#"

/** The schema as text for a prompt. */
export function schemaText(schema: JsonObject): string {
  return JSON.stringify({ ...canonicalSchema(schema), $schema: dialect })
}

/** The schema in the canonical form. Nesting is that of the schema, which its reader has bounded. */
export function canonicalSchema(schema: JsonObject): JsonObject {
  const description = typeof schema.description === "string" ? { description: schema.description } : {}
  const fallback = schema.default === undefined ? {} : { default: schema.default }
  return { ...formOf(schema), ...description, ...fallback }
}

function formOf(schema: JsonObject): JsonObject {
  const { type } = schema
  if (Array.isArray(schema.enum)) return enumForm(schema.enum as readonly JsonValue[])
  if (schema.const !== undefined) return { type: typeOf(schema.const), const: schema.const }
  for (const word of ["anyOf", "oneOf", "allOf"] as const) {
    const variants = schema[word]
    if (!Array.isArray(variants)) continue
    return { [word === "allOf" ? "allOf" : "anyOf"]: (variants as readonly JsonValue[]).map(canonicalPart) }
  }
  if (Array.isArray(type)) return severalTypes(schema, type as readonly JsonValue[])
  if (schema.nullable === true && typeof type === "string") return severalTypes(schema, [type, "null"])
  return typeof type === "string" ? typedForm(schema, type) : impliedForm(schema)
}

/** A schema without a type means what its other words say. */
function impliedForm(schema: JsonObject): JsonObject {
  if (isJsonObject(schema.properties)) return objectForm(schema)
  return schema.items === undefined ? {} : arrayForm(schema)
}

function typedForm(schema: JsonObject, type: string): JsonObject {
  switch (type) {
    case "object":
      return objectForm(schema)
    case "array":
      return arrayForm(schema)
    case "string":
      return { type, ...picked(schema, ["minLength", "maxLength", "format", "pattern"]) }
    case "number":
    case "integer":
      return { type, ...picked(schema, ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"]) }
    case "boolean":
    case "null":
      return { type }
    default:
      return {}
  }
}

/** Of several plain types a list; otherwise each type with what belongs to it. */
function severalTypes(schema: JsonObject, types: readonly JsonValue[]): JsonObject {
  const forms = types.map((type) => (typeof type === "string" ? typedForm(schema, type) : {}))
  const isPlain = forms.every((form) => Object.keys(form).length === 1 && typeof form.type === "string")
  const [only] = forms
  if (only !== undefined && forms.length === 1) return only
  return isPlain ? { type: forms.map(({ type }) => type ?? null) } : { anyOf: forms }
}

function objectForm(schema: JsonObject): JsonObject {
  const { properties, required, additionalProperties: others } = schema
  if (!isJsonObject(properties))
    return { type: "object", additionalProperties: isJsonObject(others) ? canonicalPart(others) : {} }
  const parts = Object.entries(properties).map(([name, part]) => [name, canonicalPart(part)] as const)
  const names = Array.isArray(required)
    ? (required as readonly JsonValue[]).filter((name) => typeof name === "string" && Object.hasOwn(properties, name))
    : []
  return {
    type: "object",
    properties: Object.fromEntries(parts),
    ...(names.length === 0 ? {} : { required: names }),
    additionalProperties: isJsonObject(others) ? canonicalPart(others) : others === true ? {} : false,
  }
}

function arrayForm(schema: JsonObject): JsonObject {
  const items = isJsonObject(schema.items) ? canonicalSchema(schema.items) : {}
  const shown = Object.keys(items).length === 0 ? {} : { items }
  return { type: "array", ...shown, ...picked(schema, ["minItems", "maxItems"]) }
}

function enumForm(values: readonly JsonValue[]): JsonObject {
  const types = [...new Set(values.map(typeOf))]
  return { type: types.length === 1 ? (types[0] ?? "string") : types, enum: [...values] }
}

function typeOf(value: JsonValue): string {
  if (value === null) return "null"
  return Array.isArray(value) ? "array" : typeof value
}

/** A part of a schema; `true` and whatever is no schema stand for anything. */
function canonicalPart(part: JsonValue): JsonObject {
  return isJsonObject(part) ? canonicalSchema(part) : {}
}

function picked(schema: JsonObject, words: readonly string[]): JsonObject {
  return Object.fromEntries(words.flatMap((word) => (schema[word] === undefined ? [] : [[word, schema[word] ?? null]])))
}
