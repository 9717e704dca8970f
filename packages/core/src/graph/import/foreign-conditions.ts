/** Comparisons as other systems name them, as the operators of conditions here. */
import type { JsonValue } from "../../json.ts"
import { squashed } from "./fields.ts"
import type { MadeCondition } from "./made-nodes.ts"

/** Operators by the words of other systems, without case, blanks, `_` and `-`. Those without a right side are unary. */
const operations: ReadonlyMap<string, string> = new Map([
  ["equal", "equals"],
  ["equals", "equals"],
  ["notequal", "notEquals"],
  ["notequals", "notEquals"],
  ["contains", "contains"],
  ["notcontains", "notContains"],
  ["startswith", "startsWith"],
  ["endswith", "endsWith"],
  ["matchesregex", "regex"],
  ["regex", "regex"],
  ["smaller", "lt"],
  ["lessthan", "lt"],
  ["smallerequal", "lte"],
  ["lessthanorequal", "lte"],
  ["larger", "gt"],
  ["greaterthan", "gt"],
  ["largerequal", "gte"],
  ["greaterthanorequal", "gte"],
  ["isempty", "empty"],
  ["notempty", "notEmpty"],
])

/** A comparison by its word; null where there is none like it. `type`: string, number or boolean. */
export function comparisonOf(
  word: string,
  { type, left, right }: { readonly type: string; readonly left: string; readonly right: JsonValue },
): MadeCondition | null {
  const operation = operations.get(squashed(word))
  if (operation === undefined) return null
  const isUnary = operation === "empty" || operation === "notEmpty"
  return { left, right: isUnary ? "" : right, operator: { type, operation, unary: isUnary } }
}
