/**
 * Who may lead (the HTTP contract, §3): the enabled FreddyLLM nodes; only where there is none, the enabled language-model
 * nodes of n8n. And which of them is meant by an id, or suggested.
 */
import { chatEntry } from "./entry.ts"
import type { Graph, GraphNode } from "./graph.ts"
import { asksModel } from "./kinds/models/open-ai.ts"
import type { ReportNode } from "./report.ts"
import { byPosition, leadingTo, reachedFrom } from "./structure.ts"

/** n8n's kinds that can lead. */
const modelKinds: ReadonlySet<string> = new Set(["agent", "chainLlm", "openAi"])

/** The candidates in the order of the definition. */
export function findCandidates(graph: Graph): readonly GraphNode[] {
  const enabled = graph.nodes.filter(({ disabled }) => !disabled)
  const own = enabled.filter(({ kind }) => kind === "freddyLlm")
  return own.length > 0 ? own : enabled.filter((node) => modelKinds.has(node.kind ?? "") && mayLead(node))
}

/** The OpenAI node does many things besides. */
const mayLead = (node: GraphNode): boolean => node.kind !== "openAi" || asksModel(node)

/** What names a node: its id; where it has none, its unique name. */
export function handleOf(node: GraphNode): string {
  return node.id ?? node.name
}

/** The candidate that a link names; null where none does, or several. */
export function findPrimary(graph: Graph, handle: string): GraphNode | null {
  const [node, ...others] = findCandidates(graph).filter((candidate) => handleOf(candidate) === handle)
  return node === undefined || others.length > 0 ? null : node
}

/** Every node that a text names: all with that id; where there is none, those without an id by their name. */
export function nodesNamed(graph: Graph, handle: string): readonly GraphNode[] {
  const byId = graph.nodes.filter(({ id }) => id === handle)
  return byId.length > 0 ? byId : graph.nodes.filter(({ id, name }) => id === null && name === handle)
}

/** A node as reports name it. */
export function toReportNode(node: GraphNode): ReportNode {
  return { id: handleOf(node), name: node.name, type: node.type }
}

/**
 * The candidate that is probably meant: of those that a chat message comes to, the last one of the flow, whose text is the
 * reply; of several, the first on the canvas. Null where there is none.
 */
export function suggestCandidate(graph: Graph, candidates: readonly GraphNode[]): GraphNode | null {
  const { start } = chatEntry(graph, null)
  const reached = start === null ? null : reachedFrom(graph, [start.ordinal])
  const come = candidates.filter(({ ordinal }) => reached?.has(ordinal) === true)
  const sorted = (come.length > 0 ? come : candidates).toSorted(byPosition)
  const before = leadingTo(
    graph,
    sorted.map(({ ordinal }) => ordinal),
  )
  const last = sorted.find(({ ordinal }) => !(graph.outgoing[ordinal] ?? []).some(({ to }) => before.has(to)))
  return last ?? sorted[0] ?? null
}
