/**
 * The conditions of If, Filter and Switch: n8n's filter parameter.
 *
 *     { options: { caseSensitive, typeValidation }, combinator: "and" | "or",
 *       conditions: [ { leftValue, rightValue, operator: { type, operation, rightType? } } … ] }
 *
 * All values are resolved before the first comparison, so that a failing expression fails whatever the others say; then
 * the comparisons are made in order until the answer is known.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding } from "../graph.ts"
import { type KindContext, NodeFailure } from "../kinds/kind.ts"
import { findOperator, isValueType, type Operator, type ValueType } from "./operators.ts"
import { typedValue } from "./typed.ts"

/** How a node compares: what its own options say over the filter's. */
export type ConditionRules = { readonly ignoreCase: boolean; readonly loose: boolean }

/** One condition, its values resolved. */
export type Condition = {
  readonly left: unknown
  readonly right: unknown
  readonly type: string
  readonly operation: string
  /** The type of the right side where it differs (`lengthEquals` of a list: number). */
  readonly rightType?: string | undefined
}

/** Conditions and how they are joined. */
export type Conditions = { readonly all: readonly Condition[]; readonly combinator: "and" | "or" }

/** What conditions are compared under, and for which item (for messages). */
export type Comparison = ConditionRules & { readonly timeZone: string; readonly itemIndex: number }

/** Whether conditions hold; none at all hold. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function conditionsHold({ all, combinator }: Conditions, comparison: Comparison): boolean {
  const holds = (condition: Condition, index: number): boolean =>
    conditionHolds(condition, { ...comparison, place: `condition ${index + 1}, item ${comparison.itemIndex}` })
  return combinator === "or" && all.length > 0 ? all.some(holds) : all.every(holds)
}

function conditionHolds(condition: Condition, comparison: Comparison & { readonly place: string }): boolean {
  const { type, operation, rightType = type } = condition
  const operator = findOperator(type, operation)
  if (operator === null || !isValueType(type) || !isValueType(rightType)) {
    throw new NodeFailure(
      "NODE_SETTINGS_INVALID",
      `The operator of ${comparison.place} is unknown; choose another one.`,
    )
  }
  const { ignoreCase, place } = comparison
  // Whether there is a value at all can be asked of any type.
  const leftType = isExistence(operation) ? "any" : type
  const left = typedValue(condition.left, leftType, { ...comparison, place: `left value of ${place}` })
  const right = rightSide(condition.right, { operator, rightType, comparison })
  return operator.holds({ left, right, ignoreCase })
}

function rightSide(
  value: unknown,
  side: { operator: Operator; rightType: ValueType; comparison: Comparison & { readonly place: string } },
): unknown {
  if (side.operator.unary) return undefined
  const { comparison } = side
  return typedValue(value, side.rightType, { ...comparison, place: `right value of ${comparison.place}` })
}

const isExistence = (operation: string): boolean => operation === "exists" || operation === "notExists"

/** The conditions of a filter parameter, resolved for one item. */
export function resolveFilter(context: KindContext, filter: JsonObject, itemIndex: number): Conditions {
  const all = rawConditions(filter).map((raw): Condition => {
    const operator = isJsonObject(raw.operator) ? raw.operator : {}
    return {
      left: resolved(context, raw.leftValue, itemIndex),
      right: resolved(context, raw.rightValue, itemIndex),
      type: textOr(operator.type, "string"),
      operation: textOr(operator.operation, "equals"),
      rightType: typeof operator.rightType === "string" ? operator.rightType : undefined,
    }
  })
  return { all, combinator: resolved(context, filter.combinator, itemIndex) === "or" ? "or" : "and" }
}

function resolved(context: KindContext, value: JsonValue | undefined, itemIndex: number): unknown {
  return value === undefined ? undefined : context.resolve(value, itemIndex)
}

/** A text as it is; the fallback where there is nothing, and the empty text, which names nothing, for anything else. */
function textOr(value: JsonValue | undefined, fallback: string): string {
  if (value === undefined || value === null) return fallback
  return typeof value === "string" ? value : ""
}

function rawConditions(filter: JsonObject): readonly JsonObject[] {
  return Array.isArray(filter.conditions) ? filter.conditions.filter(isJsonObject) : []
}

/**
 * How a node compares: with case and strictly where neither its filter parameter nor its own options say otherwise
 * (documented defaults); its own options count over the filter's.
 */
export function nodeRules(context: KindContext, filter: JsonObject, itemIndex: number): ConditionRules {
  const options = isJsonObject(filter.options) ? filter.options : {}
  const says = (path: string): boolean => context.parameter(path, itemIndex) === true
  const ignoresCase = resolved(context, options.caseSensitive, itemIndex) === false
  const isLoose = resolved(context, options.typeValidation, itemIndex) === "loose"
  return {
    ignoreCase: ignoresCase || says("options.ignoreCase"),
    loose: isLoose || says("looseTypeValidation") || says("options.looseTypeValidation"),
  }
}

/** What is wrong with a filter parameter as it stands. */
export function checkFilter(filter: JsonValue | undefined, place: { node: string; path: string }): Finding[] {
  const { node, path } = place
  if (!isJsonObject(filter) || !Array.isArray(filter.conditions)) {
    const message = `Give the node ${quote(node)} conditions: without any, every item passes.`
    return [{ severity: "warning", code: "SETTING_MISSING", message, node, path }]
  }
  return filter.conditions.flatMap((raw: JsonValue, index): Finding[] => {
    const operator = isJsonObject(raw) && isJsonObject(raw.operator) ? raw.operator : {}
    const type = textOr(operator.type, "string")
    const operation = textOr(operator.operation, "equals")
    if (isJsonObject(raw) && findOperator(type, operation) !== null) return []
    const message = `Choose a known operator for condition ${index + 1} of ${quote(node)}: ${quote(`${type} ${operation}`)} is none.`
    const at = pathTo(pathTo(path, "conditions"), index)
    return [{ severity: "error", code: "SETTING_INVALID", message, node, path: at }]
  })
}
