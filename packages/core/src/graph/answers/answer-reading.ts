/**
 * Answers of models as values of a schema (the workflow language, §3 output parsers): found in the text, checked, and cut
 * to the fields that the schema knows, as the recorded outcomes do.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { checkValue, type ReadAnswer } from "../structured-answer.ts"
import { jsonInText } from "./json-text.ts"

/** Reads an answer by a schema. */
export function readBySchema(text: string, schema: JsonObject): ReadAnswer {
  const value = jsonInText(text)
  if (value === undefined) return { fits: false, complaint: "The answer is not JSON." }
  return fitToSchema(value, schema)
}

/** The value as the schema wants it, or what is wrong with it. */
export function fitToSchema(value: JsonValue, schema: JsonObject): ReadAnswer {
  const checked = checkValue(value, schema)
  return checked.fits ? { fits: true, value: knownFields(value, schema) } : checked
}

/** Objects without the fields that the schema does not name, unless it lets others in. */
function knownFields(value: JsonValue, schema: JsonValue | undefined): JsonValue {
  if (!isJsonObject(schema)) return value
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((element) => knownFields(element, schema.items))
  const { properties, additionalProperties: others, patternProperties } = schema
  if (!isJsonObject(value) || !isJsonObject(properties)) return value
  const isOpen = others === true || isJsonObject(others) || isJsonObject(patternProperties)
  const kept = Object.entries(value).filter(([name]) => isOpen || Object.hasOwn(properties, name))
  return Object.fromEntries(
    kept.map(([name, part]) => [name, Object.hasOwn(properties, name) ? knownFields(part, properties[name]) : part]),
  )
}
