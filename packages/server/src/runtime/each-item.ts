/** Effects that are done item by item: what failed goes where the node's `onError` sends it, what was achieved stays. */
import { setTimeout } from "node:timers/promises"
import { ExpressionError } from "@brevet/core/graph/expression/errors"
import type { Item, Outputs } from "@brevet/core/graph/items"
import { type KindContext, NodeFailure } from "@brevet/core/graph/kinds/kind"

/** An item and the output that it goes to. */
export type PlacedItem = { readonly output: number; readonly item: Item }

/** How many items are worked on side by side, and how long it is waited before the next ones. */
export type Batches = { readonly size: number; readonly pauseMs: number }

const oneByOne: Batches = { size: 1, pauseMs: 0 }

/**
 * Does the work for each item of the first input, in order. With `continueRegularOutput` a failed item becomes `{error}`;
 * with `continueErrorOutput` the item goes to the error output with `error` beside its fields; otherwise the failure ends
 * the node.
 */
export async function collectItems(context: KindContext, work: (index: number) => Promise<Item>): Promise<Outputs> {
  const placed = async (index: number) => [{ output: 0, item: await work(index) }]
  const outputs = await collectPlaced(context, { outputs: 1 }, placed)
  return outputs
}

/** What is known of the work before it is done. `signal` ends the pauses between batches. */
export type Collecting = {
  /** Outputs of the node, without the error output. */
  readonly outputs: number
  readonly batches?: Batches
  readonly signal?: AbortSignal
}

/** The same for nodes with several outputs, and for work that is done side by side. Outputs are in the order of the items. */
export async function collectPlaced(
  context: KindContext,
  { outputs, batches = oneByOne, signal }: Collecting,
  work: (index: number) => Promise<readonly PlacedItem[]>,
): Promise<Outputs> {
  const { onError } = context.node
  const lists: Item[][] = Array.from({ length: onError === "continueErrorOutput" ? outputs + 1 : outputs }, () => [])
  const items = context.inputs[0] ?? []
  for (let from = 0; from < items.length; from += batches.size) {
    if (from > 0 && batches.pauseMs > 0) await setTimeout(batches.pauseMs, undefined, { signal })
    const indexes = Array.from({ length: Math.min(batches.size, items.length - from) }, (_, place) => from + place)
    // Nothing of a node goes on once its outcome is known.
    const settled = await Promise.allSettled(indexes.map((index) => work(index)))
    for (const [place, outcome] of settled.entries()) {
      const placed = outcome.status === "fulfilled" ? outcome.value : failedItem(context, from + place, outcome.reason)
      for (const { output, item } of placed) lists[output]?.push(item)
    }
  }
  return lists
}

/** Where an item goes whose work failed. Throws the failure where it ends the node. */
function failedItem({ node, inputs }: KindContext, index: number, error: unknown): readonly PlacedItem[] {
  const isOfItem = error instanceof NodeFailure || error instanceof ExpressionError
  if (!isOfItem || node.onError === "stopWorkflow") throw error
  const isApart = node.onError === "continueErrorOutput"
  const json = isApart ? { ...inputs[0]?.[index]?.json, error: error.message } : { error: error.message }
  return [{ output: isApart ? node.outputs : 0, item: { json, pairedItem: { item: index } } }]
}
