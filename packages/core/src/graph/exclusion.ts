/**
 * Which nodes cannot run in the same run, told from the graph alone.
 *
 * A node with exclusive outputs (if) that runs once with one item sends it one way. Everything that is come to only by
 * one of its ways excludes everything that is come to only by another:
 *
 *                      ┌─ true ──> A          guards(A) = { If: {true} }
 *     Start ──> If ────┤                      guards(B) = { If: {false} }      A and B exclude each other
 *                      └─ false ─> B ──┐
 *     (A ──> End, B ──> End)           └─>    guards(End) = { If: {true, false} }  excludes neither
 *
 * All of it errs on one side: two nodes that are not found to exclude each other may still do so.
 */
import type { Connection, Graph, GraphNode } from "./graph.ts"
import { findKind } from "./kinds/table.ts"
import { type Component, flowComponents, reachedFrom } from "./structure.ts"

/** Ways that a node is come to: per exclusive node the outputs, as bits, by which one gets there. */
type Guards = ReadonlyMap<number, number>

/** What is known of the nodes that a run can come to. */
export type Flow = {
  readonly start: number
  readonly reached: ReadonlySet<number>
  /** Nodes that run at most once. */
  readonly runsOnce: ReadonlySet<number>
  readonly guards: ReadonlyMap<number, Guards>
  /** Exclusive nodes that decide: they run once and get one item. */
  readonly deciders: ReadonlySet<number>
}

/** Exclusive nodes that are taken into account (ours): the work grows with their number. */
const decidersMax = 200
/** Connections to one input that are compared with each other (ours). */
const arrivalsMax = 16
const noGuards: Guards = new Map()

/** What can happen in a run that starts at a node with one item. */
export function analyseFlow(graph: Graph, start: number): Flow {
  const reached = reachedFrom(graph, [start])
  const facts: Facts = {
    graph,
    start,
    reached,
    runsOnce: new Set(),
    single: new Set(),
    guards: new Map(),
    deciders: new Set(),
  }
  for (const component of flowComponents(graph, reached)) {
    if (component.isCycle) takeCycle(facts, component)
    else for (const ordinal of component.members) takeNode(facts, ordinal)
  }
  return facts
}

/** True if no run comes both to the one and to the other. An `output` narrows a node to that way out of it. */
export function excludeEachOther(flow: Flow, a: Place, b: Place): boolean {
  return areDisjoint(placeGuards(flow, a), placeGuards(flow, b))
}

/** A node, or one way out of it. */
export type Place = { readonly node: number; readonly output?: number }

type Facts = Flow & {
  readonly graph: Graph
  readonly runsOnce: Set<number>
  /** Nodes that put out at most one item per output. */
  readonly single: Set<number>
  readonly guards: Map<number, Guards>
  readonly deciders: Set<number>
}

function placeGuards({ guards, deciders }: Flow, { node, output }: Place): Guards {
  const own = guards.get(node) ?? noGuards
  return output === undefined || !deciders.has(node) ? own : new Map([...own, [node, bitOf(output)]])
}

/** Outputs past the thirtieth share a bit, so that they are not told apart. */
const bitOf = (output: number): number => 1 << Math.min(output, 30)

function areDisjoint(a: Guards, b: Guards): boolean {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a]
  for (const [node, outputs] of small) {
    const others = large.get(node)
    if (others !== undefined && (outputs & others) === 0) return true
  }
  return false
}

/** What holds however one comes there: the nodes that every way goes through, with all their outputs. */
function joinGuards(all: readonly Guards[]): Guards {
  const [first, ...rest] = all
  const joined = new Map(first ?? noGuards)
  for (const guards of rest) {
    for (const [node, outputs] of joined) {
      const others = guards.get(node)
      if (others === undefined) joined.delete(node)
      else joined.set(node, outputs | others)
    }
  }
  return joined
}

function arrivalsOf({ graph, reached }: Facts, ordinal: number): readonly Connection[] {
  return (graph.incoming[ordinal] ?? []).filter(({ from }) => reached.has(from))
}

const guardsBy = (facts: Facts, { from, output }: Connection): Guards => placeGuards(facts, { node: from, output })

/** The nodes of a cycle run any number of times, in any order. */
function takeCycle(facts: Facts, { members }: Component): void {
  const inside = new Set(members)
  const entries = members.flatMap((member) => arrivalsOf(facts, member).filter(({ from }) => !inside.has(from)))
  const isStart = inside.has(facts.start)
  const guards = isStart ? noGuards : joinGuards(entries.map((entry) => guardsBy(facts, entry)))
  for (const member of members) facts.guards.set(member, guards)
}

function takeNode(facts: Facts, ordinal: number): void {
  const node = facts.graph.nodes[ordinal]
  if (node === undefined) return
  const arrivals = arrivalsOf(facts, ordinal)
  const ways = arrivals.map((arrival) => guardsBy(facts, arrival))
  facts.guards.set(ordinal, ordinal === facts.start ? noGuards : joinGuards(ways))
  if (!comesOnce(facts, arrivals, ways)) return
  facts.runsOnce.add(ordinal)
  if (!givesOneItem(facts, node, arrivals)) return
  facts.single.add(ordinal)
  if (decides(node) && facts.deciders.size < decidersMax) facts.deciders.add(ordinal)
}

/** True if each input is delivered to at most once. */
function comesOnce(facts: Facts, arrivals: readonly Connection[], ways: readonly Guards[]): boolean {
  if (arrivals.length > arrivalsMax || arrivals.some(({ from }) => !facts.runsOnce.has(from))) return false
  return arrivals.every((one, first) =>
    arrivals.every(
      (other, second) =>
        second <= first || one.input !== other.input || areDisjoint(ways[first] ?? noGuards, ways[second] ?? noGuards),
    ),
  )
}

/** Kinds that put out at most one item per output for one item; others may make several of it. */
const itemForItem: ReadonlySet<string> = new Set([
  "freddyLlm",
  "ask",
  "wait",
  "chat",
  "assistant",
  "set",
  "if",
  "filter",
  "switch",
  "merge",
  "noOp",
  "aggregate",
  "sort",
  "limit",
  "removeDuplicates",
  "renameKeys",
  "dateTime",
  "crypto",
  "markdown",
  "xml",
])

/** True if the node puts out at most one item per output, given that it runs once. */
function givesOneItem(facts: Facts, node: GraphNode, arrivals: readonly Connection[]): boolean {
  if (!node.disabled && !isItemForItem(node)) return false
  if (new Set(arrivals.map(({ input }) => input)).size > 1) return false
  return node.executeOnce || arrivals.every(({ from }) => facts.single.has(from))
}

function isItemForItem({ kind, parameters }: GraphNode): boolean {
  if (kind === null || parameters.duplicateItem === true) return false
  return itemForItem.has(kind) || findKind(kind)?.group === "trigger"
}

/** With `alwaysOutputData` the first output has an item although another one has it too (recorded outcome). */
function decides(node: GraphNode): boolean {
  const kind = node.kind === null ? null : findKind(node.kind)
  return kind?.exclusiveOutputs?.(node) === true && !node.disabled && !node.alwaysOutputData
}
