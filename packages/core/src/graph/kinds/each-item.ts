/**
 * For kinds that treat item by item: what each gives, with the node's `onError` applied to each alone (recorded outcomes).
 *
 *     stopWorkflow             the first failure fails the node
 *     continueRegularOutput    the kind says what becomes of the item
 *     continueErrorOutput      the item, with `error` in its json, goes to the output after the node's own
 */
import { ExpressionError } from "../expression/errors.ts"
import type { Item, Outputs } from "../items.ts"
import { type KindContext, NodeFailure } from "./kind.ts"

/** Items, and the output that gets them; of several outputs each gets them all. */
export type Placed = { readonly output: number | readonly number[]; readonly items: readonly Item[] }

/** How a kind treats an item. */
export type ItemTreatment = {
  work(item: Item, itemIndex: number): Placed
  /** What becomes of an item that failed where the run goes on by the regular output. */
  failed(item: Item, itemIndex: number, message: string): Placed
}

/** The outputs of all items of the first input, `node.outputs` of them and the error output where the node has one. */
export function treatEachItem(context: KindContext, treatment: ItemTreatment): Outputs {
  const { node } = context
  const count = node.outputs + (node.onError === "continueErrorOutput" ? 1 : 0)
  const outputs: Item[][] = Array.from({ length: count }, () => [])
  for (const [itemIndex, item] of (context.inputs[0] ?? []).entries()) {
    const { output, items } = treatItem(context, treatment, { item, itemIndex })
    for (const target of typeof output === "number" ? [output] : output) outputs[target]?.push(...items)
  }
  return outputs
}

/** The item itself, with its lineage: this item of the first input. */
export function sameItem(item: Item, itemIndex: number): Item {
  return { ...item, pairedItem: { item: itemIndex } }
}

function treatItem(
  { node }: KindContext,
  treatment: ItemTreatment,
  { item, itemIndex }: { item: Item; itemIndex: number },
): Placed {
  try {
    return treatment.work(item, itemIndex)
  } catch (error) {
    if (!(error instanceof NodeFailure || error instanceof ExpressionError)) throw error
    if (node.onError === "stopWorkflow") throw error
    if (node.onError === "continueRegularOutput") return treatment.failed(item, itemIndex, error.message)
    const failed: Item = { ...sameItem(item, itemIndex), json: { ...item.json, error: error.message } }
    return { output: node.outputs, items: [failed] }
  }
}
