/**
 * Item Lists: one node for what Split Out, Aggregate, Remove Duplicates, Sort, Limit and Summarize do today. Version 3,
 * and those before as far as their settings are the same.
 */
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { aggregateItems, checkAggregate } from "./aggregate.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { checkLimit, limitItems } from "./limit.ts"
import { onePort } from "./ports.ts"
import { checkCompared, uniqueItems } from "./remove-duplicates.ts"
import { checkSort, sortItems } from "./sort.ts"
import { checkSplitField, splitItems } from "./split-out.ts"
import { checkSummarize, summarizeItems } from "./summarize.ts"

/** The kind. */
export const itemLists: PureKind = {
  name: "itemLists",
  types: ["n8n-nodes-base.itemLists"],
  title: "Item lists",
  help: "Splits, joins, sorts, limits or sums up items.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
  run(context) {
    const operation = context.parameter("operation", 0) ?? firstOperation
    const found = typeof operation === "string" ? operations.get(operation) : undefined
    if (found !== undefined) return { outputs: [found.run(context)] }
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The operation of the node is not known; choose another one.")
  },
}

const firstOperation = "splitOutItems"

type Operation = { run(context: KindContext): readonly Item[]; check(node: GraphNode): readonly Finding[] }

const joining: Operation = { run: (context) => [aggregateItems(context)], check: checkAggregate }

const operations: ReadonlyMap<string, Operation> = new Map([
  [firstOperation, { run: splitItems, check: checkSplitField }],
  ["concatenateItems", joining],
  ["aggregateItems", joining],
  ["removeDuplicates", { run: uniqueItems, check: checkCompared }],
  ["sort", { run: sortItems, check: checkSort }],
  ["limit", { run: limitItems, check: checkLimit }],
  ["summarize", { run: summarizeItems, check: checkSummarize }],
])

function check(node: GraphNode): readonly Finding[] {
  const { operation = firstOperation } = node.parameters
  const found = typeof operation === "string" ? operations.get(operation) : undefined
  if (found !== undefined) return found.check(node)
  if (typeof operation === "string" && operation.startsWith("=")) return []
  const message = `Choose a known operation for ${quote(node.name)}.`
  const path = pathTo(pathTo(node.path, "parameters"), "operation")
  return [{ severity: "error", code: "SETTING_INVALID", message, node: node.name, path }]
}
