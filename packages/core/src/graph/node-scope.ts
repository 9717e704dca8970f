/** What the expressions of a node in hand can see: the run's state dressed as an expression scope, one per item. */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { ExpressionError } from "./expression/errors.ts"
import type { ExpressionItem, ExpressionNode, ExpressionScope, WorkBudget } from "./expression/scope.ts"
import { findNode, type Graph, type GraphNode } from "./graph.ts"
import type { Item } from "./items.ts"
import { findAncestor, findSource, outputItems } from "./lineage.ts"
import { type Execution, executionOf, type RunState, runsOf, type Sources } from "./run-state.ts"

/** The facts of a run that expressions see and that its state does not hold. */
export type RunFacts = {
  readonly runId: string
  readonly workflowId: string
  readonly active: boolean
}

/** The execution whose expressions are evaluated. */
export type Place = {
  readonly graph: Graph
  readonly state: RunState
  readonly node: GraphNode
  readonly iteration: number
  readonly sources: Sources
  readonly inputs: readonly (readonly Item[])[]
  readonly nowMs: number
  readonly random: () => number
  readonly timeZone: string
  readonly facts: RunFacts
  /** What the expressions of all items may take together. */
  readonly work: WorkBudget
  /** What a model gave as the arguments of the tool whose expressions these are. */
  readonly given?: JsonObject
}

const emptyItem: Item = { json: {} }
const noVars: JsonObject = {}

/**
 * The scopes of the items of the first input, one for each. What all items see alike is made once; a scope is small, since
 * there is one for each of a great many items.
 */
export function nodeScopes(place: Place): (itemIndex: number) => ExpressionScope {
  const { graph, state, node, sources } = place
  const items = asExpressionItems(place.inputs[0] ?? [])
  const first = sources[0] ?? null
  const previous = first === null ? undefined : graph.nodes[first.node]
  const input = {
    all: () => items,
    first: () => items[0],
    last: () => items.at(-1),
    params: previous?.parameters ?? noVars,
    ...contextOf(first === null ? undefined : executionOf(state, first.node, first.iteration)),
  }
  const shared = {
    runIndex: place.iteration,
    workflow: { id: place.facts.workflowId, name: graph.name ?? "", active: place.facts.active },
    execution: { id: place.facts.runId, mode: state.created?.mode === "manual" ? "test" : "production" },
    vars: noVars,
    now: place.nowMs,
    random: place.random,
    timeZone: place.timeZone,
    work: place.work,
    parameters: node.parameters,
    prevNode: { name: previous?.name ?? "", outputIndex: first?.output ?? 0, runIndex: first?.iteration ?? 0 },
    currentNode: { id: node.id ?? "", name: node.name, typeVersion: node.typeVersion },
    ...(place.given === undefined ? {} : { fromAi: argumentsOf(place.given) }),
  } as const
  return (itemIndex) => {
    const item = items[itemIndex] ?? asExpressionItem(emptyItem)
    const node = (name: string): ExpressionNode => otherNode(place, name, itemIndex)
    return { item, input: { item, ...input }, node, itemIndex, ...shared }
  }
}

/** `$fromAI(key)`: the argument of that name. */
function argumentsOf(given: JsonObject): (key: string) => JsonValue | undefined {
  return (key) => (Object.hasOwn(given, key) ? given[key] : undefined)
}

// Items are the same objects all through; only the static type of `pairedItem` is narrower on our side.
function asExpressionItem(item: Item): ExpressionItem {
  return item as ExpressionItem
}

function asExpressionItems(items: readonly Item[]): readonly ExpressionItem[] {
  return items as readonly ExpressionItem[]
}

function otherNode(place: Place, name: string, itemIndex: number): ExpressionNode {
  const { graph, state, sources } = place
  const target = findNode(graph, name)
  if (target === null) throw new ExpressionError(`Referenced node doesn't exist: there is no node named '${name}'.`)
  const runs = runsOf(state, target.ordinal)
  const items = (branch?: number, run?: number): readonly ExpressionItem[] => {
    if (runs === 0)
      throw new ExpressionError(`The node '${name}' has not run yet. Guard it with $('${name}').isExecuted.`)
    const own = findSource(state, sources, target.ordinal)
    const found = outputItems(state, {
      node: target.ordinal,
      iteration: run ?? own?.iteration ?? runs - 1,
      output: branch ?? own?.output ?? 0,
    })
    if (found === undefined) throw new ExpressionError(`The node '${name}' did not run so often.`)
    return asExpressionItems(found)
  }
  const itemMatching = (index: number): ExpressionItem => {
    if (runs === 0)
      throw new ExpressionError(`The node '${name}' has not run yet. Guard it with $('${name}').isExecuted.`)
    const ancestor = findAncestor(state, sources, { target: target.ordinal, itemIndex: index })
    if (ancestor.found === "one") return asExpressionItem(ancestor.item)
    const reason = ancestor.found === "ambiguous" ? "several items match" : "no item of it leads here"
    throw new ExpressionError(`$('${name}').item cannot be told: ${reason}. Use .first(), .last() or .all()[index].`)
  }
  return {
    item: () => itemMatching(itemIndex),
    itemMatching,
    all: items,
    first: (branch, run) => items(branch, run)[0],
    last: (branch, run) => items(branch, run).at(-1),
    params: target.parameters,
    ...contextOf(executionOf(state, target.ordinal, -1)),
    isExecuted: runs > 0,
    runIndex: Math.max(0, runs - 1),
  }
}

/** What a node shows of what it keeps from run to run; nothing where it keeps nothing. */
function contextOf(execution: Execution | undefined): { readonly context?: JsonObject } {
  const memory = execution?.memory
  return isJsonObject(memory) && isJsonObject(memory.context) ? { context: memory.context } : {}
}

/** The steps of paths, which kinds ask for once for each item. */
const stepsOfPath = new Map<string, readonly string[]>()

/** Paths whose steps are kept (ours): the kinds have far fewer. */
const pathsKeptMax = 2_000

function splitPath(path: string): readonly string[] {
  const known = stepsOfPath.get(path)
  if (known !== undefined) return known
  const steps = path.split(".")
  if (stepsOfPath.size < pathsKeptMax) stepsOfPath.set(path, steps)
  return steps
}

/** The value at a path in dots inside parameters; undefined where there is none. */
export function parameterAt(parameters: JsonObject, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = parameters
  for (const key of splitPath(path)) {
    if (Array.isArray(value)) value = value[Number(key)]
    else if (isJsonObject(value) && Object.hasOwn(value, key)) value = value[key]
    else return undefined
  }
  return value
}
