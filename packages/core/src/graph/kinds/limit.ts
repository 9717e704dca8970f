/** Lets through so many items at most, the first or the last of them. */
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { asNumber } from "../value-types.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. */
export const limit: PureKind = {
  name: "limit",
  types: ["n8n-nodes-base.limit"],
  title: "Limit",
  help: "Lets through the first or the last items.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check: (node) => checkLimit(node),
  run: (context) => ({ outputs: [limitItems(context)] }),
}

/** The items that are let through: one where nothing is said (documented). Throws NODE_SETTINGS_INVALID. */
export function limitItems(context: KindContext): readonly Item[] {
  const most = asNumber(context.parameter("maxItems", 0) ?? 1)
  if (most === undefined) {
    throw new NodeFailure(
      "NODE_SETTINGS_INVALID",
      "The node does not say how many items it lets through; give a number.",
    )
  }
  const items = (context.inputs[0] ?? []).map((item, index): Item => ({ ...item, pairedItem: { item: index } }))
  const count = Math.max(0, Math.trunc(most))
  const isFromEnd = context.parameter("keep", 0) === "lastItems"
  return isFromEnd ? items.slice(Math.max(0, items.length - count)) : items.slice(0, count)
}

/** What is wrong with the number as it stands. */
export function checkLimit(node: GraphNode): Finding[] {
  const { maxItems = 1 } = node.parameters
  const number = asNumber(maxItems)
  if ((typeof maxItems === "string" && maxItems.startsWith("=")) || (number !== undefined && number >= 0)) return []
  const message = `Give ${quote(node.name)} the number of items that it lets through.`
  const path = pathTo(pathTo(node.path, "parameters"), "maxItems")
  return [{ severity: "error", code: "SETTING_INVALID", message, node: node.name, path }]
}
