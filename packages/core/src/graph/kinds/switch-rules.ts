/**
 * The rules of a Switch node as each of its versions writes them.
 *
 *     3.x   rules.values[]: a filter parameter each; a rule's output is its place; `renameOutput`, `outputKey`
 *     2     rules.rules[]: `operation` and `value2` against `value1`, in one type; a rule's output is its place; `outputKey`
 *     1     the same, with four outputs, of which each rule names its own by `output`
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { checkFilter, conditionsHold, nodeRules, resolveFilter } from "../conditions/conditions.ts"
import { pathTo } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import { asNumber, asText } from "../value-types.ts"
import { firstCondition } from "./first-conditions.ts"
import type { KindContext } from "./kind.ts"

/** Outputs that a node may have (ours). */
export const switchOutputsMax = 1_000

/** A rule: its output, and the output's own name where it has one. */
export type SwitchRule = { readonly output: number; readonly name: string; readonly raw: JsonObject }

/** The rules, in the order in which they are tried. */
export function listRules({ typeVersion, parameters }: GraphNode): readonly SwitchRule[] {
  const listed = listAt(parameters.rules, typeVersion < 3 ? "rules" : "values")
  return listed.map((raw, index) => {
    if (typeVersion < 2) return { output: asNumber(raw.output ?? 0) ?? -1, name: "", raw }
    const isNamed = typeVersion < 3 || raw.renameOutput === true
    return { output: index, name: isNamed ? (asText(raw.outputKey) ?? "") : "", raw }
  })
}

function listAt(holder: JsonValue | undefined, key: string): readonly JsonObject[] {
  const list = isJsonObject(holder) ? holder[key] : undefined
  return Array.isArray(list) ? list.filter(isJsonObject).slice(0, switchOutputsMax - 1) : []
}

/** Whether a rule holds for an item. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function ruleHolds(context: KindContext, rule: SwitchRule, itemIndex: number): boolean {
  const { raw } = rule
  const comparison = { timeZone: context.timeZone, itemIndex }
  if (context.node.typeVersion >= 3) {
    const filter = isJsonObject(raw.conditions) ? raw.conditions : {}
    const rules = nodeRules(context, filter, itemIndex)
    return conditionsHold(resolveFilter(context, filter, itemIndex), { ...rules, ...comparison })
  }
  const type = asText(context.parameter("dataType", itemIndex) ?? "number") ?? ""
  const whole = { operation: "equal", ...raw, value1: context.node.parameters.value1 ?? null }
  const condition = firstCondition(whole, type, (value) => context.resolve(value, itemIndex))
  return conditionsHold({ all: [condition], combinator: "and" }, { ignoreCase: false, loose: true, ...comparison })
}

/** What is wrong with the rules as they stand. */
export function checkRules(node: GraphNode): readonly Finding[] {
  const path = pathTo(pathTo(pathTo(node.path, "parameters"), "rules"), node.typeVersion < 3 ? "rules" : "values")
  if (node.typeVersion < 3) return []
  return listRules(node).flatMap(({ raw }, index) =>
    checkFilter(raw.conditions, { node: node.name, path: pathTo(pathTo(path, index), "conditions") }),
  )
}
