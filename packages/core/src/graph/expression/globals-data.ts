/** What a run hands to its expressions: `$json`, `$input`, `$('Node')`, `$workflow` and the like. */

import { toInteger, toText } from "./convert.ts"
import { ExpressionError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import type { GlobalTable } from "./global-table.ts"
import { optionalInteger } from "./methods-text.ts"
import type { ExpressionItem, ExpressionNode } from "./scope.ts"
import { FunctionValue, HostObject, typeError } from "./values.ts"

/** `$input`. */
const INPUT = new HostObject("$input", (key, { scope }) => {
  const { input } = scope
  switch (key) {
    case "item":
      return input.item
    case "json":
      return input.item.json
    case "binary":
      return input.item.binary
    case "params":
      return input.params
    case "context":
      return input.context ?? {}
    case "all":
      return new FunctionValue("all", () => input.all())
    case "first":
      return new FunctionValue("first", () => input.first())
    case "last":
      return new FunctionValue("last", () => input.last())
    default:
      return undefined
  }
})

/** Steps of asking about another node: its data is searched for along the lineage of the item. */
const REFERENCE_STEPS = 100

/** `$('Node')`. */
function nodeReference(node: ExpressionNode): HostObject {
  return new HostObject("$()", (key, run) => {
    run.charge(REFERENCE_STEPS)
    switch (key) {
      case "item":
        return node.item()
      case "params":
        return node.params
      case "context":
        return node.context ?? {}
      case "isExecuted":
        return node.isExecuted
      case "itemMatching":
      case "pairedItem":
        return new FunctionValue(key, (inner, args) => matchingItem(inner, node, args[0]))
      case "all":
        return new FunctionValue(key, (inner, args) => node.all(...place(inner, args)))
      case "first":
        return new FunctionValue(key, (inner, args) => node.first(...place(inner, args)))
      case "last":
        return new FunctionValue(key, (inner, args) => node.last(...place(inner, args)))
      default:
        return undefined
    }
  })
}

function matchingItem(run: Evaluation, node: ExpressionNode, index: unknown): ExpressionItem {
  return index === undefined ? node.item() : node.itemMatching(toInteger(run, index))
}

/** The optional arguments (branch, run). */
function place(run: Evaluation, args: readonly unknown[]): [number | undefined, number | undefined] {
  return [optionalInteger(run, args[0] ?? undefined), optionalInteger(run, args[1] ?? undefined)]
}

/** `$node["Name"]`, the older way to say `$('Name')`: data is that of the item with the same index. */
function olderReference(node: ExpressionNode, name: string): HostObject {
  return new HostObject("$node", (key, run) => {
    run.charge(REFERENCE_STEPS)
    const { scope } = run
    switch (key) {
      case "json":
        return itemAt(node.all(), { name, index: scope.itemIndex }).json
      case "binary":
        return itemAt(node.all(), { name, index: scope.itemIndex }).binary
      case "data":
        return itemAt(node.all(), { name, index: scope.itemIndex }).json
      case "parameter":
        return node.params
      case "context":
        return node.context ?? {}
      case "runIndex":
        return node.runIndex
      case "isExecuted":
        return node.isExecuted
      default:
        return undefined
    }
  })
}

function itemAt(items: readonly ExpressionItem[], place: { name: string; index: number }): ExpressionItem {
  const item = items[place.index]
  if (item !== undefined) return item
  throw new ExpressionError(
    `The node '${place.name}' has no item number ${place.index}. Use $('${place.name}').first() or .item instead.`,
  )
}

const NODE = new HostObject("$node", (key, run) => olderReference(nodeOf(run, key), key))

function nodeOf(run: Evaluation, name: string): ExpressionNode {
  run.charge(REFERENCE_STEPS)
  return run.scope.node(name)
}

const NODE_FUNCTION = new FunctionValue("$", (run, args) => {
  if (args[0] === undefined || args[0] === null) throw typeError("$() needs the name of a node")
  return nodeReference(nodeOf(run, toText(run, args[0])))
})

const ITEMS_FUNCTION = new FunctionValue("$items", (run, args) => {
  const [name, ...rest] = args
  if (name === undefined) return run.scope.input.all()
  return nodeOf(run, toText(run, name)).all(...place(run, rest))
})

const FROM_AI = new FunctionValue("$fromAI", (run, args) => {
  const { scope } = run
  if (scope.fromAi === undefined) {
    throw new ExpressionError("$fromAI() can only be used in a tool that a model calls. Write the value itself here.")
  }
  const key = toText(run, args[0])
  const value = scope.fromAi(key, undefined)
  return value === undefined ? args[3] : value
})

/** The execution: addresses at which a waiting run goes on are texts, empty where there are none. */
function execution({ scope }: Evaluation): Record<string, unknown> {
  const { id, mode, resumeUrl = "", resumeFormUrl = "" } = scope.execution
  return { id, mode, resumeUrl, resumeFormUrl }
}

/** Globals that depend on the run. */
export const DATA_GLOBALS: GlobalTable = new Map<string, (run: Evaluation) => unknown>([
  ["$json", (run) => run.scope.item.json],
  ["$binary", (run) => run.scope.item.binary ?? {}],
  ["$data", (run) => run.scope.item.json],
  ["$input", () => INPUT],
  ["$", () => NODE_FUNCTION],
  ["$node", () => NODE],
  ["$items", () => ITEMS_FUNCTION],
  ["$itemIndex", (run) => run.scope.itemIndex],
  ["$position", (run) => run.scope.itemIndex],
  ["$runIndex", (run) => run.scope.runIndex],
  ["$prevNode", (run) => ({ ...run.scope.prevNode })],
  ["$workflow", (run) => ({ ...run.scope.workflow })],
  ["$execution", execution],
  ["$executionId", (run) => run.scope.execution.id],
  ["$mode", (run) => run.scope.execution.mode],
  ["$resumeWebhookUrl", (run) => run.scope.execution.resumeUrl ?? ""],
  ["$vars", (run) => run.scope.vars],
  ["$env", () => ({})],
  ["$parameter", (run) => run.scope.parameters],
  ["$nodeId", (run) => run.scope.currentNode?.id ?? ""],
  ["$nodeName", (run) => run.scope.currentNode?.name ?? ""],
  ["$nodeVersion", (run) => run.scope.currentNode?.typeVersion ?? 1],
  ["$pageCount", (run) => run.scope.exchange?.pageCount],
  ["$response", (run) => run.scope.exchange?.response],
  ["$request", (run) => run.scope.exchange?.request],
  ["$fromAI", () => FROM_AI],
  ["$fromAi", () => FROM_AI],
  ["$fromai", () => FROM_AI],
])
