/**
 * Which nodes' text is shown while it is made (the workflow language, §6 "Streamed"), told from the graph when a turn
 * starts. A node streams if its text is the reply unchanged, nobody forbids it, and no other end can run in the same run:
 * then what is shown is the answer, and never two branches mixed.
 */
import { endsOf } from "./answer.ts"
import { analyseFlow, excludeEachOther, type Flow, type Place } from "./exclusion.ts"
import type { Graph, GraphNode } from "./graph.ts"
import { findKind } from "./kinds/table.ts"
import { reachedFrom } from "./structure.ts"

/** The names of the nodes that stream in a turn that starts at this node (its ordinal), in the order of the definition. */
export function streamingNodes(graph: Graph, start: number | null): readonly string[] {
  return start === null ? [] : streamingIn(graph, analyseFlow(graph, start))
}

/** The same where the flow is known already. */
export function streamingIn(graph: Graph, flow: Flow): readonly string[] {
  const candidates = graph.nodes.filter((node) => flow.runsOnce.has(node.ordinal) && maySpeak(graph, node))
  if (candidates.length === 0) return []
  const quiet = quietNodes(graph, flow)
  const ends = endsOf(graph, flow)
  return candidates.filter((node) => isReply(graph, node, { flow, quiet, ends })).map(({ name }) => name)
}

/** The names of all nodes whose text may be shown, for whoever is told which node says what. */
export function speakingNodes(graph: Graph): readonly string[] {
  return graph.nodes.filter((node) => maySpeak(graph, node)).map(({ name }) => name)
}

/** A node whose tokens may be shown as they come: of a model, without a schema, with nobody against it. */
function maySpeak(graph: Graph, node: GraphNode): boolean {
  const kind = node.kind === null || node.disabled ? null : findKind(node.kind)
  return kind?.speaks?.(node, graph) === true
}

/** A node behind which nothing changes what it gets: it does nothing itself, and neither does what follows it. */
const passesOn = (node: GraphNode | undefined): boolean =>
  node !== undefined && (node.disabled || node.kind === "noOp") && node.kind !== "stickyNote"

/** The nodes that pass on what they get, once, to such nodes or to the end. */
function quietNodes(graph: Graph, flow: Flow): ReadonlySet<number> {
  const loud = new Set<number>()
  for (const ordinal of flow.reached) {
    if (!passesOn(graph.nodes[ordinal]) || !flow.runsOnce.has(ordinal)) loud.add(ordinal)
  }
  // Whatever leads to a loud node is loud.
  const stack = [...loud]
  for (let ordinal = stack.pop(); ordinal !== undefined; ordinal = stack.pop()) {
    for (const { from } of graph.incoming[ordinal] ?? []) {
      if (!flow.reached.has(from) || loud.has(from)) continue
      loud.add(from)
      stack.push(from)
    }
  }
  return new Set([...flow.reached].filter((ordinal) => !loud.has(ordinal)))
}

type Surroundings = { readonly flow: Flow; readonly quiet: ReadonlySet<number>; readonly ends: readonly Place[] }

function isReply(graph: Graph, node: GraphNode, { flow, quiet, ends }: Surroundings): boolean {
  const leaving = graph.outgoing[node.ordinal] ?? []
  if (leaving.some(({ to }) => !quiet.has(to))) return false
  const tail = reachedFrom(graph, [node.ordinal])
  return ends.every((end) => tail.has(end.node) || excludeEachOther(flow, { node: node.ordinal }, end))
}
