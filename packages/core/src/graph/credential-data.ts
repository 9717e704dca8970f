/** Whether the data of a credential fits its type. Pure; nothing that it says holds a value, since values are secrets. */
import type { FieldFault } from "../errors.ts"
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import type { CredentialField, CredentialType } from "./credential-types.ts"
import { parseJson } from "./value-types.ts"

/** Characters of all data as JSON (ours): a credential is some words, not a file. */
const dataCharsMax = 65_536

/** An address as fields take it: http or https, a host, no user name. */
const addressPattern = /^https?:\/\/[^\s/?#@\\]+(?:[/?#]\S*)?$/i

/** The faults of data; their fields begin with `data`. */
export function checkCredentialData(type: CredentialType, data: JsonObject): readonly FieldFault[] {
  if (JSON.stringify(data).length > dataCharsMax) {
    return [{ field: "data", message: `must be at most ${dataCharsMax} characters of JSON`, code: "too_big" }]
  }
  const known = new Set(type.fields.map(({ name }) => name))
  const unknown = Object.keys(data).filter((name) => !known.has(name))
  const names = type.fields.map(({ name }) => name).join(", ")
  return [
    ...unknown.map((name) => fault(name, `is no field of ${type.name}; it has ${names}`, "unrecognized_keys")),
    ...type.fields.flatMap((field) =>
      checkField(field, Object.hasOwn(data, field.name) ? data[field.name] : undefined),
    ),
  ]
}

function fault(name: string, message: string, code: string): FieldFault {
  return { field: `data.${name}`, message, code }
}

function checkField({ name, kind, required }: CredentialField, value: JsonValue | undefined): readonly FieldFault[] {
  if (value === undefined || value === "" || value === null) {
    return required ? [fault(name, "is needed", "required")] : []
  }
  if (kind === "flag") return typeof value === "boolean" ? [] : [fault(name, "must be true or false", "invalid_type")]
  if (kind === "json") return isCustomAuth(value) ? [] : [fault(name, customAuthRule, "invalid")]
  if (typeof value !== "string") return [fault(name, "must be a text", "invalid_type")]
  if (/[\r\n\0]/.test(value)) return [fault(name, "must be one line of text", "invalid")]
  if (kind === "address" && !addressPattern.test(value)) {
    return [fault(name, "must be an address that begins with http:// or https://, without a user name", "invalid")]
  }
  return []
}

const customAuthRule = "must be JSON: an object with headers, qs and body, whose values are texts or numbers"

/** The fields of a custom authentication, as text or as the object itself. */
function isCustomAuth(value: JsonValue): boolean {
  const parts = typeof value === "string" ? parseJson(value) : value
  if (!isJsonObject(parts)) return false
  return Object.entries(parts).every(([name, part]) => {
    if (name === "body") return isJsonObject(part)
    return (name === "headers" || name === "qs") && isJsonObject(part) && Object.values(part).every(isLine)
  })
}

function isLine(value: JsonValue | undefined): boolean {
  return (
    typeof value === "number" || typeof value === "boolean" || (typeof value === "string" && !/[\r\n\0]/.test(value))
  )
}
