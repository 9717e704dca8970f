/** Graphs of workflow versions, read once and kept in memory: a version never changes. */
import { findPrimary } from "@brevet/core/graph/candidates"
import { chatEntry } from "@brevet/core/graph/entry"
import type { Graph } from "@brevet/core/graph/graph"
import { plainDefinition } from "@brevet/core/graph/plain-graph"
import { readDefinition } from "@brevet/core/graph/read"
import { streamingNodes } from "@brevet/core/graph/streaming"
import type { GraphSource } from "../ports/graph-source.ts"
import type { Store } from "../ports/store.ts"

/** Graphs kept at most; the one used longest ago goes first. */
const keptMax = 500

/** A source over the store. */
export function makeGraphSource(store: Pick<Store, "workflows">): GraphSource {
  const kept = new Map<string, Graph>()
  const plain = readDefinition(plainDefinition()).graph
  return {
    async load(workflowId, version) {
      if (workflowId === null || version === null) return plain
      const key = `${workflowId}/${version}`
      const known = kept.get(key)
      if (known !== undefined) {
        kept.delete(key)
        kept.set(key, known)
        return known
      }
      const record = await store.workflows.findVersion(workflowId, version)
      if (record === null) throw new Error(`version ${version} of ${workflowId} does not exist`)
      const { graph } = readDefinition(record.definition)
      kept.set(key, graph)
      for (const oldest of kept.keys()) {
        if (kept.size <= keptMax) break
        kept.delete(oldest)
      }
      return graph
    },
  }
}

/** How a turn goes through a graph: where it starts, which node leads, which nodes show their text. Names of nodes. */
export type TurnShape = {
  readonly start: string | null
  readonly primaryNode: string | null
  readonly streaming: readonly string[]
}

const shapes = new WeakMap<Graph, Map<string, TurnShape>>()

/** The shape of a turn whose primary node is meant by its id, or by its name where it has none; null: none leads. */
export function turnShapeOf(graph: Graph, primary: string | null): TurnShape {
  const known = shapes.get(graph) ?? new Map<string, TurnShape>()
  shapes.set(graph, known)
  const key = primary ?? ""
  const shape = known.get(key) ?? makeShape(graph, primary)
  known.set(key, shape)
  return shape
}

function makeShape(graph: Graph, primary: string | null): TurnShape {
  const node = primary === null ? null : findPrimary(graph, primary)
  const { start } = chatEntry(graph, node)
  const streaming = streamingNodes(graph, start?.ordinal ?? null)
  return { start: start?.name ?? null, primaryNode: node?.name ?? null, streaming }
}
