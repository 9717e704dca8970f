/** JSON values and the limits under which they are read. What was sent is never altered. */

/** Any JSON value. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

/** A JSON object. Keys keep the order in which they came. */
export type JsonObject = { readonly [key: string]: JsonValue }

/** How deeply arrays and objects may be nested in a request (ours). */
export const jsonDepthMax = 100

/** A place in a JSON value where it breaks a rule of ours. `path` is in dots, with array indexes as numbers. */
export type JsonFault = { readonly path: string; readonly reason: "too deep" | "not finite" | "forbidden key" }

/** True for objects that are neither arrays nor null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/**
 * Finds the first breach of the rules for JSON from outside: depth above 100, numbers that are not finite (`1e400`),
 * `__proto__` keys. Null where there is none. Works without recursion, so that no input can exhaust the stack.
 */
export function findJsonFault(root: unknown): JsonFault | null {
  const stack: { value: unknown; path: string; depth: number }[] = [{ value: root, path: "", depth: 0 }]
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { value, path, depth } = entry
    if (typeof value === "number" && !Number.isFinite(value)) return { path, reason: "not finite" }
    if (typeof value !== "object" || value === null) continue
    if (depth >= jsonDepthMax) return { path, reason: "too deep" }
    const children = Array.isArray(value) ? value.entries() : Object.entries(value)
    for (const [key, child] of children) {
      const childPath = path === "" ? `${key}` : `${path}.${key}`
      if (key === "__proto__") return { path: childPath, reason: "forbidden key" }
      if (typeof child === "object" || typeof child === "number") {
        stack.push({ value: child, path: childPath, depth: depth + 1 })
      }
    }
  }
  return null
}

/** Deep equality of two JSON values; the order of keys does not matter, the order of items does. */
export function jsonEqual(left: JsonValue, right: JsonValue): boolean {
  if (left === right) return true
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false
    return left.every((item, index) => jsonEqual(item, right[index] as JsonValue))
  }
  const a = left as JsonObject
  const b = right as JsonObject
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && jsonEqual(a[key] as JsonValue, b[key] as JsonValue))
}
