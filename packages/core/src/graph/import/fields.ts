/** Fields of foreign documents, read with kindness: a field of another type than the one wanted counts as absent. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"

const nothing: JsonObject = {}

/** A field of its own; never one of the prototype's. */
export function field(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** The first field of these names that is there and not null. */
export function firstField(object: JsonObject, names: readonly string[]): JsonValue | undefined {
  for (const name of names) {
    const value = field(object, name)
    if (value !== undefined && value !== null) return value
  }
  return undefined
}

/** The value if it is an object, else an empty one. */
export function asRecord(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : nothing
}

/** The object at a path of field names; an empty one where there is none. */
export function objectAt(object: JsonObject, ...path: readonly string[]): JsonObject {
  let found: JsonObject = object
  for (const name of path) found = asRecord(field(found, name))
  return found
}

/** A field that is a list; an empty one where it is none. */
export function listAt(object: JsonObject, name: string): readonly JsonValue[] {
  const value = field(object, name)
  return Array.isArray(value) ? value : []
}

/** The objects of a list. */
export function objectsAt(object: JsonObject, name: string): readonly JsonObject[] {
  return listAt(object, name).filter(isJsonObject)
}

/** The texts of a list. */
export function textsAt(object: JsonObject, name: string): readonly string[] {
  return listAt(object, name).filter((value) => typeof value === "string")
}

/** A field that is a text; numbers are read as such. Empty where it is none. */
export function textAt(object: JsonObject, ...names: readonly string[]): string {
  for (const name of names) {
    const value = field(object, name)
    if (typeof value === "string" && value !== "") return value
    if (typeof value === "number") return String(value)
  }
  return ""
}

/** A field that is a number, or a text of one; undefined where it is neither. */
export function numberAt(object: JsonObject, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = field(object, name)
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value
    if (typeof number === "number" && Number.isFinite(number)) return number
  }
  return undefined
}

/** Text without case, `_`, `-` and blanks: how types are compared where a format spells them in several ways. */
export function squashed(text: string): string {
  return text.length > 100 ? "" : text.toLowerCase().replace(/[\s_-]+/g, "")
}

/** Whether a value is nested at most so many levels deep. Without recursion. */
export function isShallow(value: JsonValue, levels: number): boolean {
  const stack: { value: JsonValue; depth: number }[] = [{ value, depth: 0 }]
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    if (typeof entry.value !== "object" || entry.value === null) continue
    if (entry.depth >= levels) return false
    for (const child of Object.values(entry.value)) stack.push({ value: child, depth: entry.depth + 1 })
  }
  return true
}
