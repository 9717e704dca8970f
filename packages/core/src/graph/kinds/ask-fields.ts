/** The fields of an Ask node as a JSON Schema of the answer (the workflow language, §5 "Ask"). */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import type { PauseChoice } from "../pauses/pause.ts"
import { findSchemaFault } from "../structured-answer.ts"
import { asBoolean, asList, asObject, asText } from "../value-types.ts"
import { NodeFailure } from "./kind.ts"

/** Fields and choices that a node may have (ours): what a person can look through. */
const fieldsMax = 100
const choicesMax = 500

/** The schema that `fields` make; null where there are none. Throws NODE_SETTINGS_INVALID. */
export function schemaOfFields(value: unknown): JsonObject | null {
  if (value === undefined || value === null || value === "") return null
  const fields = asList(value)
  if (fields === undefined) throw invalid("fields must be a list.")
  if (fields.length === 0) return null
  if (fields.length > fieldsMax) throw invalid(`There may be ${fieldsMax} fields at most.`)
  const properties: [string, JsonObject][] = []
  const required: string[] = []
  for (const field of fields) {
    const given = isJsonObject(field) ? field : {}
    const name = (asText(given.name) ?? "").trim()
    if (name === "" || properties.some(([known]) => known === name)) {
      throw invalid("Each field needs a name of its own.")
    }
    properties.push([name, schemaOfField(given)])
    if (asBoolean(given.required) === true) required.push(name)
  }
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  }
}

function schemaOfField(field: JsonObject): JsonObject {
  const label = asText(field.label)
  const title: JsonObject = label === undefined || label === "" ? {} : { title: label }
  const type = (asText(field.type) ?? "text").toLowerCase()
  const isRequired = asBoolean(field.required) === true
  switch (type) {
    case "text":
    case "string":
      return { ...title, type: "string", ...(isRequired ? { minLength: 1 } : {}) }
    case "number":
      return { ...title, type: "number" }
    case "boolean":
      return { ...title, type: "boolean" }
    case "date":
      return { ...title, type: "string", format: "date" }
    case "choice": {
      const choices = choicesOf(field.options)
      if (choices === null) throw invalid("A field of the type choice needs options.")
      return { ...title, enum: choices.map(({ value }) => value) }
    }
    default:
      throw invalid("The type of a field must be text, number, boolean, date or choice.")
  }
}

/** The choices that a list gives: texts, or values with labels; null where there are none. Throws NODE_SETTINGS_INVALID. */
export function choicesOf(value: unknown): readonly PauseChoice[] | null {
  if (value === undefined || value === null || value === "") return null
  const list = asList(value)
  if (list === undefined) throw invalid("choices must be a list.")
  if (list.length > choicesMax) throw invalid(`There may be ${choicesMax} choices at most.`)
  const choices = list.map(choiceOf)
  return choices.length === 0 ? null : choices
}

function choiceOf(entry: unknown): PauseChoice {
  const value = (isJsonObject(entry) ? (entry.value ?? entry.label) : entry) as JsonValue | undefined
  const isScalar = typeof value === "string" || typeof value === "number" || typeof value === "boolean"
  if (!isScalar || value === "") throw invalid("Each choice must be a text, or have a value.")
  const label = isJsonObject(entry) ? asText(entry.label) : undefined
  return { value, label: label === undefined || label === "" ? String(value) : label }
}

/** A JSON Schema that a node gives; null where it gives none. Throws NODE_SETTINGS_INVALID. */
export function givenSchema(value: unknown): JsonObject | null {
  if (value === undefined || value === null || value === "") return null
  const schema = asObject(value) as JsonObject | undefined
  if (schema === undefined) throw invalid("schema must be a JSON Schema.")
  const fault = findSchemaFault(schema)
  if (fault !== null) throw invalid(fault)
  return schema
}

function invalid(message: string): NodeFailure {
  return new NodeFailure("NODE_SETTINGS_INVALID", `The question cannot be asked: ${message}`)
}
