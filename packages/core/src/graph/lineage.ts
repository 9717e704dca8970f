/**
 * Lineage: which item of an earlier node the item in hand descends from, and which run of an earlier node an execution
 * descends from. Follows `pairedItem` back through the executions' sources; nothing is stored for it.
 *
 *     X run 0 ──> A run 0 ──> B (in hand)        $('X').item of B's item i:
 *     items       pairedItem  sources            sources[0] -> A's item i -> its pairedItem -> A's sources[0] -> X's item
 */
import type { Item, PairedItem } from "./items.ts"
import { executionOf, type RunState, type Source, type Sources } from "./run-state.ts"

/** What a search for an ancestor finds. `none`: no path leads there; `ambiguous`: several items do. */
export type Ancestor = { readonly found: "one"; readonly item: Item } | { readonly found: "none" | "ambiguous" }

/** The item of `target` (a node's ordinal) that item `itemIndex` of the first input descends from. */
export function findAncestor(
  state: RunState,
  sources: Sources,
  place: { target: number; itemIndex: number },
): Ancestor {
  const results = new Set<Item>()
  const seen = new Set<string>()
  const visit = (from: Sources, pair: PairedItem): void => {
    const source = from[pair.input ?? 0]
    if (source === null || source === undefined) return
    const key = `${source.node}/${source.iteration}/${source.output}/${pair.item}`
    if (seen.has(key)) return
    seen.add(key)
    const execution = executionOf(state, source.node, source.iteration)
    const item = execution?.outputs[source.output]?.[pair.item]
    if (execution === undefined || item === undefined) return
    if (source.node === place.target) {
      results.add(item)
      return
    }
    const paired = item.pairedItem
    if (paired === undefined) return
    for (const next of isList(paired) ? paired : [paired]) {
      const made = next.iteration === undefined ? execution : executionOf(state, source.node, next.iteration)
      if (made !== undefined) visit(made.sources, next)
    }
  }
  visit(sources, { item: place.itemIndex })
  const [only] = results
  if (results.size > 1) return { found: "ambiguous" }
  return only === undefined ? { found: "none" } : { found: "one", item: only }
}

function isList(paired: NonNullable<Item["pairedItem"]>): paired is readonly PairedItem[] {
  return Array.isArray(paired)
}

/** The run and output of `target` that these sources descend from: nearest first; null where no path leads there. */
export function findSource(state: RunState, sources: Sources, target: number): Source | null {
  const queue: Sources[] = [sources]
  const seen = new Set<string>()
  for (let from = queue.shift(); from !== undefined; from = queue.shift()) {
    for (const source of from) {
      if (source === null) continue
      if (source.node === target) return source
      const key = `${source.node}/${source.iteration}`
      if (seen.has(key)) continue
      seen.add(key)
      const execution = executionOf(state, source.node, source.iteration)
      if (execution !== undefined) queue.push(execution.sources)
    }
  }
  return null
}

/** The items on an output of a run of a node; undefined where the node did not run so often. */
export function outputItems(state: RunState, source: Source): readonly Item[] | undefined {
  const execution = executionOf(state, source.node, source.iteration)
  return execution === undefined ? undefined : (execution.outputs[source.output] ?? [])
}
