/**
 * Where the outputs of an execution go: the planner's rules about successors (P3, P4, P5 of `plan.ts`).
 *
 *     output 0 ──> A (one input)          on the ready stack, the highest on the canvas on top
 *     output 1 ──> M input 0 ─┐
 *                  M input 1 ─┴─> M       collected until every connected input was delivered to
 */
import type { Graph, GraphNode } from "./graph.ts"
import { reachOf } from "./reach.ts"
import type { Collecting, Execution, Pending, RunState, Source, Stack } from "./run-state.ts"

/** Hands the outputs of an execution to the nodes behind it (P3, P4, P5). */
export function deliver(graph: Graph, state: RunState, execution: Execution): RunState {
  const arrivals: { pending: Pending; node: GraphNode }[] = []
  let collecting = state.collecting
  for (const connection of graph.outgoing[execution.node] ?? []) {
    const target = graph.nodes[connection.to]
    if (target === undefined) continue
    const count = execution.outputs[connection.output]?.length ?? 0
    const source: Source = { node: execution.node, iteration: execution.iteration, output: connection.output }
    const inputs = connectedInputs(graph, connection.to)
    if (inputs === 1) {
      if (count > 0) arrivals.push({ pending: { node: connection.to, sources: [source], attempt: 1 }, node: target })
      continue
    }
    if (count === 0 && connection.input === 0) continue
    const collected = collect(collecting, { node: connection.to, input: connection.input, inputs }, source)
    collecting = collected.collecting
    if (collected.complete !== null) arrivals.push({ pending: collected.complete, node: target })
  }
  return { ...state, collecting, ready: pushAll(state.ready, arrivals) }
}

/** How many inputs of a node are counted: up to the last one that something is connected to. */
function connectedInputs(graph: Graph, ordinal: number): number {
  let last = 0
  for (const connection of graph.incoming[ordinal] ?? []) if (connection.input > last) last = connection.input
  return last + 1
}

type Collected = { collecting: readonly Collecting[]; complete: Pending | null }

/** An input of a node that counts so many. */
type Inlet = { readonly node: number; readonly input: number; readonly inputs: number }

function collect(collecting: readonly Collecting[], { node, input, inputs }: Inlet, source: Source): Collected {
  const place = collecting.findIndex((entry) => entry.node === node && entry.sources[input] === undefined)
  const before = collecting[place]?.sources ?? new Array<undefined>(inputs).fill(undefined)
  const sources = before.map((known, index) => (index === input ? source : known))
  if (sources.every((known) => known !== undefined)) {
    return {
      collecting: place < 0 ? collecting : collecting.filter((_, index) => index !== place),
      complete: { node, sources, attempt: 1 },
    }
  }
  const entry: Collecting = { node, sources }
  const rest = place < 0 ? [...collecting, entry] : collecting.map((known, index) => (index === place ? entry : known))
  return { collecting: rest, complete: null }
}

function pushAll(ready: Stack, arrivals: { pending: Pending; node: GraphNode }[]): Stack {
  // Pushed from the lowest place to the highest, so that the highest is on top; the sort is stable, so of two at one
  // place the later one is pushed later and goes first.
  if (arrivals.length > 1) {
    arrivals.sort((a, b) => b.node.position.y - a.node.position.y || b.node.position.x - a.node.position.x)
  }
  let stack = ready
  for (const { pending } of arrivals) stack = push(stack, pending)
  return stack
}

/**
 * P4: the first by position among those that no other collecting node leads to (where they all lead to one another, among
 * all); among equals the one that came first. Those that a waiting node leads to may get more, and are left to wait with
 * it (P8). Null where there is none.
 */
export function chooseCollecting(
  graph: Graph,
  entries: readonly Collecting[],
  waiting: readonly { readonly node: number }[] = [],
): Collecting | null {
  const collecting =
    waiting.length === 0
      ? entries
      : entries.filter((entry) => waiting.every(({ node }) => reachOf(graph, node)[entry.node] !== 1))
  const nodes = [...new Set(collecting.map(({ node }) => node))]
  const reaches = nodes.map((node) => ({ node, reach: reachOf(graph, node) }))
  const free = new Set(nodes.filter((node) => !reaches.some((other) => other.node !== node && other.reach[node] === 1)))
  let best: Collecting | null = null
  for (const entry of collecting) {
    if (free.size > 0 && !free.has(entry.node)) continue
    if (best === null || isBefore(graph.nodes[entry.node], graph.nodes[best.node])) best = entry
  }
  return best
}

/** Higher on the canvas, or as high and further left. */
function isBefore(node: GraphNode | undefined, other: GraphNode | undefined): boolean {
  const a = node?.position ?? { x: 0, y: 0 }
  const b = other?.position ?? { x: 0, y: 0 }
  return a.y < b.y || (a.y === b.y && a.x < b.x)
}

/** One more on top. */
export function push(below: Stack, top: Pending): Stack {
  return { top, below }
}
