/**
 * Values as texts that are equal where the values are: so that items are compared by one look-up instead of each with each.
 */
import { isJsonObject, type JsonValue } from "../../json.ts"

/** How values are compared. Fuzzy: `3` and `"3"` are the same, and so is all that is empty (documented). */
export type Comparing = { readonly fuzzy: boolean }

/** The key of a value. What is missing has one of its own; the order of the fields of an object does not count. */
export function valueKey(value: JsonValue | undefined, { fuzzy }: Comparing = { fuzzy: false }): string {
  return fuzzy ? fuzzyKey(value) : strictKey(value)
}

/** True where two values have the same key. */
export function areAlike(left: JsonValue | undefined, right: JsonValue | undefined, comparing: Comparing): boolean {
  return left === right || valueKey(left, comparing) === valueKey(right, comparing)
}

function strictKey(value: JsonValue | undefined): string {
  if (value === undefined) return "missing"
  if (Array.isArray(value)) return `[${value.map(strictKey).join(",")}]`
  if (!isJsonObject(value)) return JSON.stringify(value)
  const fields = Object.keys(value).sort()
  return `{${fields.map((name) => `${JSON.stringify(name)}:${strictKey(value[name])}`).join(",")}}`
}

function fuzzyKey(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return ""
  if (Array.isArray(value)) return value.length === 0 ? "" : `[${value.map(fuzzyKey).join(",")}]`
  if (!isJsonObject(value)) return typeof value === "string" ? value.trim() : String(value)
  const fields = Object.keys(value).sort()
  if (fields.length === 0) return ""
  return `{${fields.map((name) => `${JSON.stringify(name)}:${fuzzyKey(value[name])}`).join(",")}}`
}
