/** Conditions of Dify (`if-else`): comparisons of a value of another step, by words and signs of its own. */
import type { JsonObject, JsonValue } from "../../json.ts"
import { selectorOf } from "./dify-model-nodes.ts"
import { type DifyScope, referenceCode, textPieces } from "./dify-references.ts"
import { quoteCode, templateCode, templateText } from "./expression-text.ts"
import { field, listAt, objectsAt, textAt } from "./fields.ts"
import { type MadeCondition, type MadeConditions, truthOf } from "./made-nodes.ts"

/** An operator of ours; without a type it is that of the value. */
type Operator = { readonly type?: string; readonly operation: string; readonly unary?: true }

const unary = (operation: string, type?: string): Operator => ({
  operation,
  unary: true,
  ...(type === undefined ? {} : { type }),
})

const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["contains", { operation: "contains" }],
  ["not contains", { operation: "notContains" }],
  ["start with", { type: "string", operation: "startsWith" }],
  ["end with", { type: "string", operation: "endsWith" }],
  ["is", { operation: "equals" }],
  ["is not", { operation: "notEquals" }],
  ["=", { type: "number", operation: "equals" }],
  ["≠", { type: "number", operation: "notEquals" }],
  [">", { type: "number", operation: "gt" }],
  ["<", { type: "number", operation: "lt" }],
  ["≥", { type: "number", operation: "gte" }],
  ["≤", { type: "number", operation: "lte" }],
  ["empty", unary("empty")],
  ["not empty", unary("notEmpty")],
  ["null", unary("notExists")],
  ["not null", unary("exists")],
  ["exists", unary("exists")],
  ["not exists", unary("notExists")],
  ["before", { type: "dateTime", operation: "before" }],
  ["after", { type: "dateTime", operation: "after" }],
])

const types: ReadonlyMap<string, string> = new Map([
  ["string", "string"],
  ["secret", "string"],
  ["number", "number"],
  ["integer", "number"],
  ["float", "number"],
  ["boolean", "boolean"],
  ["object", "object"],
  ["file", "object"],
])

/** A case of an `if-else`; null where one of its conditions can not be said here. */
export function caseConditions(scope: DifyScope, entry: JsonObject, at: string): MadeConditions | null {
  const all: MadeCondition[] = []
  for (const raw of objectsAt(entry, "conditions")) {
    const condition = convertCondition(scope, raw, at)
    if (condition === null) return null
    all.push(condition)
  }
  return { all, combinator: textAt(entry, "logical_operator") === "or" ? "or" : "and" }
}

function convertCondition(scope: DifyScope, raw: JsonObject, at: string): MadeCondition | null {
  const code = referenceCode(scope, selectorOf(listAt(raw, "variable_selector")), at)
  const word = textAt(raw, "comparison_operator")
  const value = field(raw, "value")
  const hasParts = objectsAt({ all: [field(raw, "sub_variable_condition") ?? null] }, "all").length > 0
  // Conditions on the parts of files: there are none here, and an empty list has no member of any kind.
  if (hasParts) return code === "[]" ? truthOf(word.startsWith("not") ? "true" : "false") : null
  const varType = textAt(raw, "varType", "var_type")
  const type = varType.startsWith("array") ? "array" : (types.get(varType) ?? "string")
  const membership = membershipCode(word, { code, value: valueCode(scope, value, at) })
  if (membership !== null) return truthOf(membership)
  const operator = operators.get(word)
  if (operator === undefined) return null
  return {
    left: templateText([{ code }]),
    right: operator.unary ? "" : rightValue(scope, value, at),
    operator: { ...operator, type: operator.type ?? type },
  }
}

/** The operators that ask whether something is one of several. */
function membershipCode(
  word: string,
  { code, value }: { readonly code: string; readonly value: string },
): string | null {
  const list = `[${value}].flat()`
  if (word === "in") return `${list}.includes(${code})`
  if (word === "not in") return `!${list}.includes(${code})`
  if (word === "all of") return `${list}.every((one) => (${code} ?? []).includes(one))`
  return null
}

function valueCode(scope: DifyScope, value: JsonValue | undefined, at: string): string {
  return typeof value === "string" ? templateCode(textPieces(scope, value, { at })) : quoteCode(value)
}

function rightValue(scope: DifyScope, value: JsonValue | undefined, at: string): JsonValue {
  if (typeof value === "string") return templateText(textPieces(scope, value, { at }))
  return typeof value === "number" || typeof value === "boolean" ? value : templateText([{ code: quoteCode(value) }])
}
