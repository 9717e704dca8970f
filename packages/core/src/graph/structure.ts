/** Questions about the shape of a graph: what is reached, what lies on a cycle, who only serves. Linear in the graph. */
import type { Connection, Graph, GraphNode } from "./graph.ts"

/** The nodes that a run which starts at one of these can come to, by ordinal; the starts are among them. */
export function reachedFrom(graph: Graph, starts: Iterable<number>): ReadonlySet<number> {
  return spread(starts, (ordinal) => (graph.outgoing[ordinal] ?? []).map(({ to }) => to))
}

/** The nodes from which one of these can be come to; they themselves are among them. */
export function leadingTo(graph: Graph, targets: Iterable<number>): ReadonlySet<number> {
  return spread(targets, (ordinal) => (graph.incoming[ordinal] ?? []).map(({ from }) => from))
}

function spread(starts: Iterable<number>, next: (ordinal: number) => readonly number[]): ReadonlySet<number> {
  const seen = new Set(starts)
  const stack = [...seen]
  for (let ordinal = stack.pop(); ordinal !== undefined; ordinal = stack.pop()) {
    for (const other of next(ordinal)) {
      if (seen.has(other)) continue
      seen.add(other)
      stack.push(other)
    }
  }
  return seen
}

/** The nodes that serve others (models, tools, memories) and take no part in the flow themselves. */
export function servingNodes(graph: Graph): ReadonlySet<number> {
  const serving = new Set(graph.servants.flatMap((servants) => servants.map(({ node }) => node)))
  for (const ordinal of serving) {
    if (hasMain(graph, ordinal)) serving.delete(ordinal)
  }
  return serving
}

/** True if a main connection enters or leaves the node. */
export function hasMain(graph: Graph, ordinal: number): boolean {
  return (graph.incoming[ordinal]?.length ?? 0) > 0 || (graph.outgoing[ordinal]?.length ?? 0) > 0
}

/** Notes are no part of the flow. */
export function isNote(node: GraphNode): boolean {
  return node.kind === "stickyNote"
}

/** The main connections that leave an output of a node. */
export function fromOutput(graph: Graph, ordinal: number, output: number): readonly Connection[] {
  return (graph.outgoing[ordinal] ?? []).filter((connection) => connection.output === output)
}

/** The nodes that come first on the canvas: top to bottom, then left to right, then in the order of the definition. */
export function byPosition(a: GraphNode, b: GraphNode): number {
  return a.position.y - b.position.y || a.position.x - b.position.x || a.ordinal - b.ordinal
}

/** A set of nodes each of which leads to all others; most have one member. */
export type Component = { readonly members: readonly number[]; readonly isCycle: boolean }

/** The nodes given, in components such that what leads to a component comes before it. Tarjan's, without recursion. */
export function flowComponents(graph: Graph, within: ReadonlySet<number>): readonly Component[] {
  const search: Search = { within, index: new Map(), low: new Map(), open: [], isOpen: new Set(), found: [] }
  for (const root of within) if (!search.index.has(root)) searchFrom(graph, root, search)
  return search.found.reverse()
}

type Search = {
  readonly within: ReadonlySet<number>
  readonly index: Map<number, number>
  readonly low: Map<number, number>
  readonly open: number[]
  readonly isOpen: Set<number>
  readonly found: Component[]
}

function searchFrom(graph: Graph, root: number, search: Search): void {
  const frames: { node: number; next: number }[] = [enter(search, root)]
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const { node } = frame
    const target = graph.outgoing[node]?.[frame.next]?.to
    frame.next += 1
    if (target === undefined) {
      frames.pop()
      close(graph, node, search)
      const parent = frames.at(-1)
      if (parent !== undefined) lower(search, parent.node, search.low.get(node))
    } else if (search.within.has(target)) {
      if (!search.index.has(target)) frames.push(enter(search, target))
      else if (search.isOpen.has(target)) lower(search, node, search.index.get(target))
    }
  }
}

function enter(search: Search, node: number): { node: number; next: number } {
  const index = search.index.size
  search.index.set(node, index)
  search.low.set(node, index)
  search.open.push(node)
  search.isOpen.add(node)
  return { node, next: 0 }
}

function lower({ low }: Search, node: number, value = 0): void {
  low.set(node, Math.min(low.get(node) ?? 0, value))
}

/** Takes a component off the stack once its first node is done. */
function close(graph: Graph, node: number, { low, index, open, isOpen, found }: Search): void {
  if (low.get(node) !== index.get(node)) return
  const members = open.splice(open.lastIndexOf(node))
  for (const member of members) isOpen.delete(member)
  const leadsToItself = (graph.outgoing[node] ?? []).some(({ to }) => to === node)
  found.push({ members, isCycle: members.length > 1 || leadsToItself })
}
