/**
 * Schemas as nodes give them: an example, a JSON Schema as text, or attributes one by one (documented). Where a schema is
 * made from an example, older versions of a node require none of its fields, newer ones all of them.
 */
import { findJsonFault, isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { schemaOfExample } from "../../answers/example-schema.ts"
import { quote } from "../../findings.ts"
import { asBoolean, asText, parseJson } from "../../value-types.ts"
import { type KindContext, NodeFailure } from "../kind.ts"
import { listAt } from "./asking.ts"

/** Whose schema it is; the versions from which on examples require their fields. */
const requiringSince = { parser: 1.3, extractor: 1.2, tool: 1.3 } as const

/** What stands there where nothing is said (documented defaults). */
const defaultExample = '{"state": "California", "cities": ["Los Angeles", "San Francisco", "San Diego"]}'

/** The schema of a node. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function schemaOfNode(context: KindContext, owner: keyof typeof requiringSince): JsonObject {
  const { node } = context
  const type = asText(context.parameter("schemaType", 0))
  if (owner === "extractor" && (type ?? "fromAttributes") === "fromAttributes") return attributesSchema(context)
  if (owner === "parser" && node.typeVersion < 1.2 && type === undefined) {
    return readSchema(context, "jsonSchema", { type: "object" })
  }
  if (type === "manual")
    return readSchema(context, "inputSchema", schemaOfExample(readJson(context, null), { allRequired: false }))
  const example = readJson(context, context.parameter("jsonSchemaExample", 0) ?? null)
  return schemaOfExample(example, { allRequired: node.typeVersion >= requiringSince[owner] })
}

function readJson(context: KindContext, value: unknown): JsonValue {
  const given = value === null || value === "" ? defaultExample : value
  const json = typeof given === "string" ? parseJson(given) : given
  if (json === undefined || findJsonFault(json) !== null) throw unusable(context, "example is no JSON")
  return json as JsonValue
}

function readSchema(context: KindContext, path: string, fallback: JsonObject): JsonObject {
  const value = context.parameter(path, 0)
  if (value === undefined || value === null || value === "") return fallback
  const schema = typeof value === "string" ? parseJson(value) : value
  if (!isJsonObject(schema) || findJsonFault(schema) !== null) throw unusable(context, "schema is no JSON Schema")
  return schema
}

function unusable({ node }: KindContext, what: string): NodeFailure {
  return new NodeFailure("NODE_SETTINGS_INVALID", `The ${what} in ${quote(node.name)}; correct it.`)
}

const attributeTypes: Readonly<Record<string, JsonObject>> = {
  string: { type: "string" },
  number: { type: "number" },
  boolean: { type: "boolean" },
  date: { type: "string", format: "date" },
}

function attributesSchema(context: KindContext): JsonObject {
  const attributes = listAt(context.node.parameters, "attributes", "attributes").map((attribute) => ({
    name: asText(context.resolve(attribute.name ?? "", 0)) ?? "",
    description: asText(context.resolve(attribute.description ?? "", 0)) ?? "",
    type: asText(context.resolve(attribute.type ?? "string", 0)) ?? "string",
    isRequired: asBoolean(context.resolve(attribute.required ?? false, 0)) === true,
  }))
  const named = attributes.filter(({ name }) => name !== "" && name !== "__proto__")
  if (named.length === 0) throw unusable(context, "node names no attribute to look for, or a name that cannot be")
  const properties = named.map(({ name, type, description }) => {
    const form = Object.hasOwn(attributeTypes, type) ? (attributeTypes[type] ?? {}) : {}
    return [name, description === "" ? form : { ...form, description }] as const
  })
  const required = named.filter(({ isRequired }) => isRequired).map(({ name }) => name)
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required }),
  }
}
