/** Faults of a request's shape, as `details.fields` shows them: from JSON's own limits and from a schema. */
import { type FieldFault, invalidFields, type Refusal } from "@brevet/core/errors"
import { findJsonFault, type JsonFault } from "@brevet/core/json"
import type { z } from "zod"

/** Faults that one refusal names; a request with thousands gets the first ones. */
const faultsMax = 20

/** Characters of a path or of a message that are given back. */
const textLengthMax = 200

const jsonFaults: Readonly<Record<JsonFault["reason"], { readonly message: string; readonly code: string }>> = {
  "too deep": { message: "is nested more deeply than 100 levels", code: "too_deep" },
  "not finite": { message: "is a number too large for JSON readers", code: "not_finite" },
  "forbidden key": { message: "is a key that is not accepted", code: "forbidden_key" },
}

/** Zod's codes in our words. Codes of a fault are lower-case words and part of the contract. */
const issueCodes: Readonly<Record<string, string>> = {
  invalid_type: "invalid_type",
  too_big: "too_big",
  too_small: "too_small",
  invalid_format: "invalid_format",
  invalid_value: "invalid_value",
}

/** A VALIDATION_ERROR about the body as a whole. */
export function bodyFault(message: string, code: string): Refusal {
  return invalidFields([{ field: "body", message, code }])
}

/** Throws VALIDATION_ERROR where the value breaks a limit that holds for all JSON. */
export function requireSoundJson(value: unknown): void {
  const fault = findJsonFault(value)
  if (fault === null) return
  const { message, code } = jsonFaults[fault.reason]
  throw invalidFields([{ field: clip(fault.path || "body"), message, code }])
}

/** A VALIDATION_ERROR that names what a schema found, by the fields' names on the wire. */
export function schemaFaults(error: z.ZodError, input: unknown): Refusal {
  const faults: FieldFault[] = []
  for (const issue of error.issues) {
    if (faults.length >= faultsMax) break
    faults.push(...issueFaults(issue, input))
  }
  return invalidFields(faults.slice(0, faultsMax))
}

/** Fields of a query that our own calls do not know. */
export function unknownFields(names: readonly string[]): readonly FieldFault[] {
  return names
    .slice(0, faultsMax)
    .map((name) => ({ field: clip(name), message: "is not a field of this call", code: "unknown_field" }))
}

type Issue = z.core.$ZodIssue

function issueFaults(issue: Issue, input: unknown): readonly FieldFault[] {
  const path = issue.path.map(String)
  if (issue.code === "unrecognized_keys") return unknownFields(issue.keys.map((key) => [...path, key].join(".")))
  if (issue.code === "invalid_union") {
    const branch = nearestBranch(issue.errors)
    if (branch !== null) {
      return branch.flatMap((inner) => issueFaults({ ...inner, path: [...issue.path, ...inner.path] }, input))
    }
  }
  const field = clip(path.join(".")) || "body"
  if (issue.code === "invalid_type" && valueAt(input, issue.path) === undefined) {
    return [{ field, message: "is required", code: "required" }]
  }
  return [{ field, message: clip(issue.message), code: issueCodes[issue.code] ?? "invalid" }]
}

/** Of a union the branch that came furthest: its faults lie deepest, so that is what was meant. Null where none stands out. */
function nearestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const depth = (issues: readonly Issue[]): number => Math.max(0, ...issues.map(({ path }) => path.length))
  const [nearest] = [...branches].sort((left, right) => depth(right) - depth(left))
  return nearest === undefined || depth(nearest) === 0 ? null : nearest
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

function clip(text: string): string {
  return text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax)}…`
}
