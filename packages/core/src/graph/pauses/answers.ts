/**
 * Answers to pauses: whether one fits, and what a text that a person typed means. Pure; the same for every door.
 *
 * What a program sends has to fit the schema as it stands. What a person says in the chat, or types into a form without a
 * script, is text: it is trimmed, taken for one of the choices by value or label without regard to case, and read as the
 * type that the schema asks for.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { findValueFaults, type ValueFault } from "../structured-answer.ts"
import { asBoolean, asNumber } from "../value-types.ts"
import type { PauseChoice, PauseTerms } from "./pause.ts"

/** An answer that was read: its value, or what is wrong with it. */
export type ReadPauseAnswer =
  | { readonly fits: true; readonly value: JsonValue }
  | { readonly fits: false; readonly faults: readonly ValueFault[] }

/** Reads an answer that a program sends. */
export function readAnswerValue(terms: Pick<PauseTerms, "schema">, value: JsonValue): ReadPauseAnswer {
  const faults = terms.schema === null ? [] : findValueFaults(value, terms.schema)
  return faults.length === 0 ? { fits: true, value } : { fits: false, faults }
}

/** Reads what a person says to a question. */
export function readAnswerText(terms: Pick<PauseTerms, "schema" | "choices">, text: string): ReadPauseAnswer {
  const trimmed = text.trim()
  const chosen = terms.choices === null ? undefined : findChoice(terms.choices, trimmed)
  if (terms.choices !== null && chosen === undefined) {
    const labels = terms.choices.map(({ label }) => label).join(", ")
    return { fits: false, faults: [{ path: "", message: `must be one of: ${labels}` }] }
  }
  return readAnswerValue(terms, chosen === undefined ? coerce(trimmed, terms.schema ?? {}) : chosen.value)
}

/**
 * Reads the fields of a form as a browser sends them: texts by name. A field that is left empty is absent, a box that is
 * not ticked is false.
 */
export function readAnswerFields(schema: JsonObject, fields: ReadonlyMap<string, string>): ReadPauseAnswer {
  const answer: Record<string, JsonValue> = {}
  for (const [name, field] of Object.entries(propertiesOf(schema))) {
    const text = fields.get(name)?.trim() ?? ""
    if (field.type === "boolean") setOwn(answer, name, text === "" ? false : (asBoolean(text) ?? true))
    else if (text !== "") setOwn(answer, name, coerce(text, field))
  }
  return readAnswerValue({ schema }, answer)
}

/** The properties of an object schema that are schemas. */
export function propertiesOf(schema: JsonObject): Readonly<Record<string, JsonObject>> {
  const properties = isJsonObject(schema.properties) ? schema.properties : {}
  return Object.fromEntries(
    Object.entries(properties).filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1])),
  )
}

/** Also under a name that objects inherit. */
function setOwn(target: Record<string, JsonValue>, name: string, value: JsonValue): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
}

function findChoice(choices: readonly PauseChoice[], text: string): PauseChoice | undefined {
  const wanted = text.toLowerCase()
  const isNamed = (name: string): boolean => name.trim().toLowerCase() === wanted
  return (
    choices.find(({ value }) => isNamed(typeof value === "string" ? value : JSON.stringify(value))) ??
    choices.find(({ label }) => isNamed(label))
  )
}

/** A text as the type that a schema asks for; the text itself where it cannot be that. */
function coerce(text: string, schema: JsonObject): JsonValue {
  const listed = Array.isArray(schema.enum) ? schema.enum : []
  const chosen = findChoice(
    listed.map((value) => ({ value, label: String(value) })),
    text,
  )
  if (chosen !== undefined) return chosen.value
  switch (schema.type) {
    case "number":
    case "integer":
      return asNumber(text.replace(",", ".")) ?? text
    case "boolean":
      return asBoolean(text) ?? text
    case "object":
    case "array":
      return parsed(text) ?? text
    default:
      return text
  }
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}
