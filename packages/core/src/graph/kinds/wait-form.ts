/** The form of a wait node, as n8n's forms spell their fields, as a JSON Schema of the answer. */
import { isJsonObject, type JsonObject } from "../../json.ts"
import { asList, asObject, asText } from "../value-types.ts"

/** The schema that `formFields` make. Fields are named by their label, as n8n's are; what is no field is left out. */
export function schemaOfFormFields(value: unknown): JsonObject {
  const listed = asObject(value)?.values ?? value
  const fields = (asList(listed) ?? []).filter(isJsonObject)
  const properties: [string, JsonObject][] = []
  const required: string[] = []
  for (const field of fields) {
    const name = (asText(field.fieldName) || asText(field.fieldLabel) || "").trim()
    if (name === "" || field.fieldType === "html" || field.fieldType === "hiddenField") continue
    properties.push([name, schemaOf(field, asText(field.fieldLabel))])
    if (field.requiredField === true) required.push(name)
  }
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  }
}

function schemaOf(field: JsonObject, label: string | undefined): JsonObject {
  const title: JsonObject = label === undefined || label === "" ? {} : { title: label }
  const isRequired = field.requiredField === true
  switch (field.fieldType) {
    case "number":
      return { ...title, type: "number" }
    case "date":
      return { ...title, type: "string", format: "date" }
    case "email":
      return { ...title, type: "string", format: "email" }
    case "dropdown": {
      const options = optionsOf(field)
      return options.length === 0 ? { ...title, type: "string" } : { ...title, enum: options }
    }
    default:
      return { ...title, type: "string", ...(isRequired ? { minLength: 1 } : {}) }
  }
}

function optionsOf(field: JsonObject): string[] {
  const values = asList(asObject(field.fieldOptions)?.values) ?? []
  return values.flatMap((entry) => (isJsonObject(entry) ? (asText(entry.option) ?? []) : []))
}
