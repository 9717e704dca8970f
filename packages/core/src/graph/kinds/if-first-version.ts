/**
 * Conditions as version 1 of If writes them: lists by type, each with `value1`, `operation`, `value2`, joined by
 * `combineOperation` all or any (documented). They become conditions of today's form; types are converted.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import type { Condition, Conditions } from "../conditions/conditions.ts"
import type { KindContext } from "./kind.ts"

/** Today's type and operations, the operation and the value where none is said (documented defaults are not exported). */
type FirstType = {
  readonly type: string
  readonly fallback: string
  readonly empty: JsonValue
  readonly operations: ReadonlyMap<string, string>
}

const types: Readonly<Record<string, FirstType>> = {
  string: {
    type: "string",
    fallback: "equal",
    empty: "",
    operations: new Map([
      ["equal", "equals"],
      ["notEqual", "notEquals"],
      ["contains", "contains"],
      ["notContains", "notContains"],
      ["startsWith", "startsWith"],
      ["notStartsWith", "notStartsWith"],
      ["endsWith", "endsWith"],
      ["notEndsWith", "notEndsWith"],
      ["regex", "regex"],
      ["notRegex", "notRegex"],
      ["isEmpty", "empty"],
      ["isNotEmpty", "notEmpty"],
    ]),
  },
  number: {
    type: "number",
    fallback: "smaller",
    empty: 0,
    operations: new Map([
      ["smaller", "lt"],
      ["smallerEqual", "lte"],
      ["equal", "equals"],
      ["notEqual", "notEquals"],
      ["larger", "gt"],
      ["largerEqual", "gte"],
      ["isEmpty", "empty"],
      ["isNotEmpty", "notEmpty"],
    ]),
  },
  boolean: {
    type: "boolean",
    fallback: "equal",
    empty: false,
    operations: new Map([
      ["equal", "equals"],
      ["notEqual", "notEquals"],
    ]),
  },
  dateTime: {
    type: "dateTime",
    fallback: "after",
    empty: null,
    operations: new Map([
      ["after", "after"],
      ["before", "before"],
    ]),
  },
}

/** The conditions of a node of version 1, resolved for one item. */
export function resolveFirstConditions(context: KindContext, conditions: JsonObject, itemIndex: number): Conditions {
  const all = Object.entries(types).flatMap(([name, first]) => {
    const list = conditions[name]
    const raws = Array.isArray(list) ? list.filter(isJsonObject) : []
    return raws.map((raw) => toCondition(raw, first, (value) => context.resolve(value, itemIndex)))
  })
  const combine = context.parameter("combineOperation", itemIndex)
  return { all, combinator: combine === "any" ? "or" : "and" }
}

function toCondition(raw: JsonObject, first: FirstType, resolve: (value: JsonValue) => unknown): Condition {
  const operation = typeof raw.operation === "string" ? raw.operation : first.fallback
  // `isEmpty` of a number asks whether there is a value at all; a text that is no number would fail the conversion.
  const isAboutValue = operation === "isEmpty" || operation === "isNotEmpty"
  return {
    left: resolve(raw.value1 ?? first.empty),
    right: resolve(raw.value2 ?? first.empty),
    type: isAboutValue ? "any" : first.type,
    operation: first.operations.get(operation) ?? operation,
  }
}
