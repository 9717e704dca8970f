/** Fields that a setting names: `address.city` in dots, or as it stands where the node switches dots off. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { parseFieldPath, plainFieldPath, readField } from "../field-path.ts"
import { quote } from "../findings.ts"
import { NodeFailure } from "./kind.ts"

/** A field by its name, ready to be read from many items. */
export type Field = { readonly name: string; readonly steps: readonly string[]; readonly hasDots: boolean }

/** The field of a name. Throws NODE_SETTINGS_INVALID for a name that no field can have. */
export function toField(name: string, options: { readonly dotNotation: boolean }): Field {
  const steps = options.dotNotation ? parseFieldPath(name) : plainFieldPath(name)
  if (steps === null) {
    throw new NodeFailure("NODE_SETTINGS_INVALID", `No field can be named ${quote(name)}; correct the name.`)
  }
  return { name, steps, hasDots: options.dotNotation && steps.length > 1 }
}

/** The value of a field; undefined where there is none. A field whose whole name holds dots goes before a nested one. */
export function fieldValue(json: JsonObject, { name, steps, hasDots }: Field): JsonValue | undefined {
  if (hasDots && Object.hasOwn(json, name)) return json[name]
  return readField(json, steps)
}

/** The last step of a field's name: `city` of `address.city`. */
export function lastStep({ name, steps }: Field): string {
  return steps.at(-1) ?? name
}

/**
 * Names in a text with commas, in a list, or in the form of earlier versions: `{fields: [{fieldName}]}`. `$json.` in front
 * of a name is left out. Anything else names nothing.
 */
export function listNames(listed: unknown): readonly string[] {
  return splitNames(listed).flatMap((name: unknown) => {
    const text = typeof name === "string" ? name.trim().replace(/^\$json\./, "") : ""
    return text === "" ? [] : [text]
  })
}

function splitNames(listed: unknown): readonly unknown[] {
  if (typeof listed === "string") return listed.split(",")
  if (Array.isArray(listed)) return listed
  if (!isJsonObject(listed) || !Array.isArray(listed.fields)) return []
  return listed.fields.map((field: unknown) => (isJsonObject(field) ? field.fieldName : field))
}
