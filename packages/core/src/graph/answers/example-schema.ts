/**
 * The JSON Schema that an example describes, as parsers and tools of the workflow language make it from a sample: every
 * field of an object with its type, and of a list the form of its elements. Pure.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"

/**
 * The schema of values like the example. `allRequired`: each field has to be there; otherwise none has (older nodes).
 * Nesting is that of the example, which its reader has bounded.
 */
export function schemaOfExample(example: JsonValue, options: { readonly allRequired: boolean }): JsonObject {
  if (Array.isArray(example)) return listSchema(example as readonly JsonValue[], options)
  if (isJsonObject(example)) return objectSchema([example], options)
  return { type: example === null ? "null" : typeof example }
}

function listSchema(list: readonly JsonValue[], options: { readonly allRequired: boolean }): JsonObject {
  const items = elementSchema(list, options)
  return items === null ? { type: "array" } : { type: "array", items }
}

/** What all elements have in common; null where there are none, so that anything may be one. */
function elementSchema(list: readonly JsonValue[], options: { readonly allRequired: boolean }): JsonObject | null {
  if (list.length === 0) return null
  if (list.every(isJsonObject)) return objectSchema(list, options)
  const schemas = new Map(
    list.map((element) => schemaOfExample(element, options)).map((one) => [JSON.stringify(one), one]),
  )
  const [only, ...others] = schemas.values()
  return only !== undefined && others.length === 0 ? only : { anyOf: [...schemas.values()] }
}

/** Objects that stand side by side are one form: a field that not each of them has is not required. */
function objectSchema(objects: readonly JsonObject[], options: { readonly allRequired: boolean }): JsonObject {
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))].filter((name) => name !== "__proto__")
  const properties = names.map((name) => {
    const values = objects.flatMap((object) => (Object.hasOwn(object, name) ? [object[name] ?? null] : []))
    return [name, elementSchema(values, options) ?? {}] as const
  })
  const everywhere = names.filter((name) => objects.every((object) => Object.hasOwn(object, name)))
  const required = options.allRequired && everywhere.length > 0 ? { required: everywhere } : {}
  return { type: "object", properties: Object.fromEntries(properties), ...required }
}
