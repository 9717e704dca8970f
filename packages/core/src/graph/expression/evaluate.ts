/**
 * The door of this room: expressions inside any JSON value are resolved for one item, or checked without running.
 *
 * A text that begins with `=` is an expression template (documented); every other value means itself.
 */

import type { JsonValue } from "../../json.ts"
import { ExpressionError, type ExpressionErrorCode, limitError } from "./errors.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import type { ExpressionScope } from "./scope.ts"
import { evaluateTemplate, type Template } from "./template.ts"
import { templateOf } from "./template-cache.ts"

/** True for a text that is an expression template. */
export function isExpression(text: string): boolean {
  return text.startsWith("=")
}

/**
 * A value with every expression in it resolved; a value without expressions is given back as it is. An expression that is
 * all of its text keeps its type: plain data, or undefined where it has none. Lists and objects are never altered once
 * they were handed in here: what is known of them is kept with them.
 *
 * Throws `ExpressionError`: `EXPRESSION_ERROR` (syntax, an unknown or unexecuted node, a refused name) or
 * `EXPRESSION_LIMIT`. An error of the language inside an expression (a type error, `throw`) gives null, in a text nothing.
 */
export function resolveParameter(value: JsonValue, scope: ExpressionScope): unknown {
  if (typeof value === "string") {
    return isExpression(value) ? evaluateTemplate(templateOf(value, scope.work?.templates), scope) : value
  }
  if (typeof value !== "object" || value === null) return value
  const plan = planOf(value, 0)
  return plan === null ? value : plan(scope)
}

/** How to resolve a value that has expressions in it. */
type Plan = (scope: ExpressionScope) => unknown

const plans = new WeakMap<object, Plan | null>()

function planOf(value: JsonValue, depth: number): Plan | null {
  if (typeof value === "string") return isExpression(value) ? templatePlan(templateOf(value)) : null
  if (typeof value !== "object" || value === null) return null
  const known = plans.get(value)
  if (known !== undefined) return known
  if (depth > EXPRESSION_LIMITS.valueDepthMax) {
    throw limitError("parameters inside parameters", `${EXPRESSION_LIMITS.valueDepthMax} levels`)
  }
  const plan = Array.isArray(value) ? listPlan(value, depth) : objectPlan(Object.entries(value), depth)
  plans.set(value, plan)
  return plan
}

function templatePlan(template: Template): Plan {
  return (scope) => evaluateTemplate(template, scope)
}

function listPlan(list: readonly JsonValue[], depth: number): Plan | null {
  const parts = list.map((value) => ({ value, plan: planOf(value, depth + 1) }))
  if (parts.every(({ plan }) => plan === null)) return null
  return (scope) => parts.map(({ value, plan }) => (plan === null ? value : plan(scope)))
}

function objectPlan(entries: readonly (readonly [string, JsonValue])[], depth: number): Plan | null {
  const parts = entries.map(([name, value]) => ({ name, value, plan: planOf(value, depth + 1) }))
  if (parts.every(({ plan }) => plan === null)) return null
  const fields = parts.filter(({ name }) => name !== "__proto__")
  return (scope) => {
    const object: Record<string, unknown> = {}
    for (const { name, value, plan } of fields) object[name] = plan === null ? value : plan(scope)
    return object
  }
}

/** What is wrong with an expression, found without running it. */
export type ExpressionFault = {
  /** The place inside the value, in dots, with list indexes as numbers (`assignments.0.value`); empty for the value itself. */
  readonly path: string
  /** `invalid`: it can not be compiled; `unknown node`: it names a node that does not exist. */
  readonly reason: "invalid" | "unknown node"
  readonly code: ExpressionErrorCode
  /** Says what to do; for the author of the workflow. */
  readonly message: string
  /** The name of the node that does not exist. */
  readonly nodeName?: string
}

/** What the caller knows of the workflow. */
export type KnownNames = { hasNode(name: string): boolean }

/** The faults of every expression inside a value: syntax, refused names, limits, and nodes that are named and not there. */
export function checkExpressions(value: JsonValue, known: KnownNames): ExpressionFault[] {
  const faults: ExpressionFault[] = []
  const open: { value: JsonValue; path: string }[] = [{ value, path: "" }]
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { path } = entry
    if (typeof entry.value === "string") {
      if (isExpression(entry.value)) faults.push(...checkText(entry.value, { path, known }))
    } else if (typeof entry.value === "object" && entry.value !== null) {
      const children = Object.entries(entry.value).reverse()
      for (const [key, child] of children) open.push({ value: child, path: path === "" ? key : `${path}.${key}` })
    }
  }
  return faults
}

function checkText(text: string, place: { path: string; known: KnownNames }): ExpressionFault[] {
  const { path, known } = place
  try {
    const missing = [...templateOf(text).nodeNames].filter((name) => !known.hasNode(name))
    return missing.map((nodeName) => ({
      path,
      reason: "unknown node",
      code: "EXPRESSION_ERROR",
      message: `The expression names the node '${nodeName}', which does not exist. Use the name of a node of this workflow.`,
      nodeName,
    }))
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return [{ path, reason: "invalid", code: error.code, message: error.message }]
  }
}
