/** Whether the conditions of a node with one filter parameter (If, Filter) hold for an item, in each of its versions. */
import { isJsonObject, type JsonObject } from "../../json.ts"
import { checkFilter, conditionsHold, nodeRules, resolveFilter } from "../conditions/conditions.ts"
import { pathTo } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import { hasFirstConditions, resolveFirstConditions } from "./first-conditions.ts"
import type { KindContext } from "./kind.ts"

/** Whether they hold. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function itemHolds(context: KindContext, itemIndex: number): boolean {
  const filter = filterOf(context.node)
  const [conditions, rules] = hasFirstConditions(context.node)
    ? [resolveFirstConditions(context, filter, itemIndex), { ignoreCase: false, loose: true }]
    : [resolveFilter(context, filter, itemIndex), nodeRules(context, filter, itemIndex)]
  return conditionsHold(conditions, { ...rules, timeZone: context.timeZone, itemIndex })
}

function filterOf({ parameters }: GraphNode): JsonObject {
  return isJsonObject(parameters.conditions) ? parameters.conditions : {}
}

/** What is wrong with the conditions as they stand. */
export function checkItemConditions(node: GraphNode): readonly Finding[] {
  if (hasFirstConditions(node)) return []
  const path = pathTo(pathTo(node.path, "parameters"), "conditions")
  return checkFilter(node.parameters.conditions, { node: node.name, path })
}
