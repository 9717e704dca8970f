/**
 * Conditions as version 1 of If and Filter writes them: lists by type, each with `value1`, `operation`, `value2`, joined
 * by `combineOperation` all or any, of Filter by `combineConditions` AND or OR (documented). They become conditions of
 * today's form; types are converted.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import type { Condition, Conditions } from "../conditions/conditions.ts"
import type { GraphNode } from "../graph.ts"
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

/** True for a node of version 1 whose conditions are of the form of that version. */
export function hasFirstConditions({ typeVersion, parameters }: GraphNode): boolean {
  const { conditions } = parameters
  return typeVersion < 2 && !(isJsonObject(conditions) && Array.isArray(conditions.conditions))
}

/** No operation of a type that nobody knows is known. */
const unknownType: FirstType = { type: "", fallback: "", empty: null, operations: new Map() }

/** The conditions of a node of version 1, resolved for one item. */
export function resolveFirstConditions(context: KindContext, conditions: JsonObject, itemIndex: number): Conditions {
  const all = Object.keys(types).flatMap((name) => {
    const list = conditions[name]
    const raws = Array.isArray(list) ? list.filter(isJsonObject) : []
    return raws.map((raw) => firstCondition(raw, name, (value) => context.resolve(value, itemIndex)))
  })
  const isAny =
    context.parameter("combineOperation", itemIndex) === "any" ||
    context.parameter("combineConditions", itemIndex) === "OR"
  return { all, combinator: isAny ? "or" : "and" }
}

/** A condition of today's form from one of version 1, by the name of its type. */
export function firstCondition(raw: JsonObject, type: string, resolve: (value: JsonValue) => unknown): Condition {
  const first = (Object.hasOwn(types, type) ? types[type] : undefined) ?? unknownType
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
