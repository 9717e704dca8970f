/** Sends each item one of two ways: output 0 where the conditions hold, output 1 where they do not. */
import { isJsonObject, type JsonObject } from "../../json.ts"
import {
  type ConditionRules,
  type Conditions,
  checkFilter,
  conditionsHold,
  filterRules,
  resolveFilter,
} from "../conditions/conditions.ts"
import { pathTo } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import { sameItem, treatEachItem } from "./each-item.ts"
import { resolveFirstConditions } from "./if-first-version.ts"
import type { KindContext, PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. A failing item goes to false where the run goes on by the regular output (recorded outcome). */
export const ifKind: PureKind = {
  name: "if",
  types: ["n8n-nodes-base.if"],
  title: "If",
  help: "Sends each item to true or false, by conditions.",
  group: "data",
  effect: "none",
  exclusiveOutputs: true,
  inputs: () => onePort,
  outputs: () => [{ name: "true" }, { name: "false" }],
  check,
  run: (context) => ({
    outputs: treatEachItem(context, {
      work: (item, itemIndex) => ({ output: holds(context, itemIndex) ? 0 : 1, items: [sameItem(item, itemIndex)] }),
      failed: (item, itemIndex) => ({ output: 1, items: [sameItem(item, itemIndex)] }),
    }),
  }),
}

function holds(context: KindContext, itemIndex: number): boolean {
  const filter = filterOf(context.node)
  const [conditions, rules] = isFirstVersion(context.node)
    ? [resolveFirstConditions(context, filter, itemIndex), { ignoreCase: false, loose: true }]
    : [resolveFilter(context, filter, itemIndex) satisfies Conditions, rulesOf(context, filter, itemIndex)]
  return conditionsHold(conditions, { ...rules, timeZone: context.timeZone, itemIndex })
}

/** The rules of the filter, and what the node's own options say over them. */
function rulesOf(context: KindContext, filter: JsonObject, itemIndex: number): ConditionRules {
  const rules = filterRules(context, filter, itemIndex)
  const says = (path: string): boolean => context.parameter(path, itemIndex) === true
  return {
    ignoreCase: rules.ignoreCase || says("options.ignoreCase"),
    loose: rules.loose || says("looseTypeValidation") || says("options.looseTypeValidation"),
  }
}

const isFirstVersion = (node: GraphNode): boolean => node.typeVersion < 2 && !Array.isArray(filterOf(node).conditions)

function filterOf({ parameters }: GraphNode): JsonObject {
  return isJsonObject(parameters.conditions) ? parameters.conditions : {}
}

function check(node: GraphNode): readonly Finding[] {
  if (isFirstVersion(node)) return []
  const path = pathTo(pathTo(node.path, "parameters"), "conditions")
  return checkFilter(node.parameters.conditions, { node: node.name, path })
}
