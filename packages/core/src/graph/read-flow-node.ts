/** Nodes in React Flow's form `{id, type, data}`: what n8n writes on the node itself stands in `data` there. */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { kindOfType } from "./kinds/type-names.ts"

/** Fields of a node that `data` may hold. */
const nodeFields = [
  "typeVersion",
  "disabled",
  "credentials",
  "onError",
  "continueOnFail",
  "retryOnFail",
  "maxTries",
  "waitBetweenTries",
  "alwaysOutputData",
  "executeOnce",
] as const

/** Fields of `data` that say what a node is and not what it does. */
const notParameters: ReadonlySet<string> = new Set([...nodeFields, "label", "name", "type", "kind", "parameters"])

/** The node in n8n's form; one that is in it already is given back as it is. */
export function flattenNode(raw: JsonObject): JsonObject {
  const { data } = raw
  if (!isJsonObject(data) || isJsonObject(raw.parameters)) return raw
  const fields: Record<string, JsonValue> = { ...raw, type: typeOf(raw, data), parameters: parametersOf(data) }
  const name = [raw.name, data.name, data.label, data.title].find((text) => typeof text === "string" && text !== "")
  if (name !== undefined) fields.name = name
  for (const field of nodeFields) {
    const value = raw[field] ?? data[field]
    if (value !== undefined) fields[field] = value
  }
  return fields
}

/** The node's type, or the one in `data` where the node's only says how it is drawn. */
function typeOf(raw: JsonObject, data: JsonObject): JsonValue {
  const types = [raw.type, data.type, data.kind].filter((type): type is string => typeof type === "string")
  return types.find((type) => kindOfType(type) !== null) ?? types[0] ?? ""
}

function parametersOf(data: JsonObject): JsonObject {
  if (isJsonObject(data.parameters)) return data.parameters
  if (isJsonObject(data.config)) return data.config
  return Object.fromEntries(Object.entries(data).filter(([key]) => !notParameters.has(key)))
}
