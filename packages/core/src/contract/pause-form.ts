/**
 * What the form of a pause's answer page asks for: its fields, made from the schema of the answer. Fields are named as the
 * schema's properties are; a question's is `answer`.
 */
import { propertiesOf } from "../graph/pauses/answers.ts"
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import type { PauseView } from "./pauses.ts"

/** A field of a form. `help`: what is to be known before it is filled in. */
export type FormField = {
  readonly name: string
  readonly label: string
  readonly input: "line" | "text" | "number" | "date" | "email" | "tick" | "choice" | "json"
  readonly isRequired: boolean
  readonly choices: readonly { readonly value: string; readonly label: string }[]
  readonly help: string | null
}

/** The form of a pause that a page can show. */
export function formOf(
  pause: Pick<PauseView, "kind" | "message" | "title" | "schema" | "choices">,
): readonly FormField[] {
  const schema = pause.schema ?? {}
  if (pause.kind === "question") {
    const field = fieldOf("answer", schema, { isRequired: true })
    const choices = pause.choices?.map(({ value, label }) => ({ value: textOf(value), label }))
    const label = "Your answer"
    return [
      choices === undefined
        ? { ...field, label: labelOf(schema) ?? label }
        : { ...field, label, input: "choice", choices },
    ]
  }
  const properties = Object.entries(propertiesOf(schema))
  if (properties.length === 0) {
    return [{ ...fieldOf("answer", { type: "object" }, { isRequired: true }), label: "Your answer as JSON" }]
  }
  const required = Array.isArray(schema.required) ? schema.required : []
  return properties.map(([name, property]) => fieldOf(name, property, { isRequired: required.includes(name) }))
}

function fieldOf(name: string, schema: JsonObject, { isRequired }: { readonly isRequired: boolean }): FormField {
  const listed = Array.isArray(schema.enum) ? schema.enum : []
  return {
    name,
    label: labelOf(schema) ?? name,
    input: listed.length > 0 ? "choice" : inputOf(schema),
    isRequired: isRequired && schema.type !== "boolean",
    choices: listed.map((value) => ({ value: textOf(value), label: textOf(value) })),
    help: typeof schema.description === "string" ? schema.description : null,
  }
}

function labelOf({ title }: JsonObject): string | null {
  return typeof title === "string" && title !== "" ? title : null
}

function inputOf({ type, format, maxLength }: JsonObject): FormField["input"] {
  if (type === "number" || type === "integer") return "number"
  if (type === "boolean") return "tick"
  if (type === "object" || type === "array") return "json"
  if (format === "date") return "date"
  if (format === "email") return "email"
  return typeof maxLength === "number" && maxLength <= 200 ? "line" : "text"
}

function textOf(value: JsonValue): string {
  return typeof value === "string"
    ? value
    : isJsonObject(value) || Array.isArray(value)
      ? JSON.stringify(value)
      : String(value)
}
