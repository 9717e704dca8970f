/** Which nodes lead to which, over main connections. What was found out about a graph is kept with it: graphs never change. */
import type { Graph } from "./graph.ts"

const known = new WeakMap<Graph, Map<number, Uint8Array>>()

/** By ordinal, 1 for each node that a path of main connections leads to from this one (to itself only by a cycle). */
export function reachOf(graph: Graph, from: number): Readonly<Uint8Array> {
  const reaches = known.get(graph) ?? new Map<number, Uint8Array>()
  known.set(graph, reaches)
  const reach = reaches.get(from) ?? findReach(graph, from)
  reaches.set(from, reach)
  return reach
}

function findReach(graph: Graph, from: number): Uint8Array {
  const reach = new Uint8Array(graph.nodes.length)
  const stack = [from]
  for (let ordinal = stack.pop(); ordinal !== undefined; ordinal = stack.pop()) {
    for (const { to } of graph.outgoing[ordinal] ?? []) {
      if (reach[to] === 1) continue
      reach[to] = 1
      stack.push(to)
    }
  }
  return reach
}
