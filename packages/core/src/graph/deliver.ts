/**
 * Where the outputs of an execution go: the planner's rules about successors (P3, P4, P5 of `plan.ts`).
 *
 *     output 0 ──> A (one input)          on the ready stack, the highest on the canvas on top
 *     output 1 ──> M input 0 ─┐
 *                  M input 1 ─┴─> M       collected until every connected input was delivered to
 */
import type { Connection, Graph, GraphNode } from "./graph.ts"
import { leadsTo } from "./reach.ts"
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
    const collected = collect(collecting, connection, source, inputs)
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

function collect(collecting: readonly Collecting[], connection: Connection, source: Source, inputs: number): Collected {
  const place = collecting.findIndex(
    (entry) => entry.node === connection.to && entry.sources[connection.input] === undefined,
  )
  const before = collecting[place]?.sources ?? new Array<undefined>(inputs).fill(undefined)
  const sources = before.map((known, input) => (input === connection.input ? source : known))
  if (sources.every((known) => known !== undefined)) {
    return {
      collecting: place < 0 ? collecting : collecting.filter((_, index) => index !== place),
      complete: { node: connection.to, sources, attempt: 1 },
    }
  }
  const entry: Collecting = { node: connection.to, sources }
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

/** P4: the first by position among those that no other waiting node leads to; among equals the one that came first. */
export function chooseCollecting(graph: Graph, collecting: readonly Collecting[]): Collecting {
  const free = collecting.filter(
    (entry) => !collecting.some((other) => other.node !== entry.node && leadsTo(graph, other.node, entry.node)),
  )
  const candidates = free.length > 0 ? free : collecting
  return candidates.reduce((best, entry) => {
    const a = graph.nodes[best.node]?.position ?? { x: 0, y: 0 }
    const b = graph.nodes[entry.node]?.position ?? { x: 0, y: 0 }
    return b.y < a.y || (b.y === a.y && b.x < a.x) ? entry : best
  })
}

/** One more on top. */
export function push(below: Stack, top: Pending): Stack {
  return { top, below }
}
