/** Which nodes lead to which, over main connections. */
import type { Graph } from "./graph.ts"

/** True if a path of main connections leads from one node to another (a node leads to itself only by a cycle). */
export function leadsTo(graph: Graph, from: number, to: number): boolean {
  const seen = new Set<number>()
  const stack = [from]
  for (let ordinal = stack.pop(); ordinal !== undefined; ordinal = stack.pop()) {
    for (const connection of graph.outgoing[ordinal] ?? []) {
      if (connection.to === to) return true
      if (!seen.has(connection.to)) {
        seen.add(connection.to)
        stack.push(connection.to)
      }
    }
  }
  return false
}
