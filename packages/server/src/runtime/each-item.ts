/** Effects that are done item by item: what failed goes where the node's `onError` sends it, what was achieved stays. */
import { ExpressionError } from "@brevet/core/graph/expression/errors"
import type { Item, Outputs } from "@brevet/core/graph/items"
import { type KindContext, NodeFailure } from "@brevet/core/graph/kinds/kind"

/**
 * Does the work for each item of the first input, in order. With `continueRegularOutput` a failed item becomes `{error}`;
 * with `continueErrorOutput` the item goes to the error output with `error` beside its fields; otherwise the failure ends
 * the node.
 */
export async function collectItems(context: KindContext, work: (index: number) => Promise<Item>): Promise<Outputs> {
  const { onError } = context.node
  const answered: Item[] = []
  const failed: Item[] = []
  for (const [index, item] of (context.inputs[0] ?? []).entries()) {
    try {
      answered.push(await work(index))
    } catch (error) {
      const isOfItem = error instanceof NodeFailure || error instanceof ExpressionError
      if (!isOfItem || onError === "stopWorkflow") throw error
      const isApart = onError === "continueErrorOutput"
      const json = isApart ? { ...item.json, error: error.message } : { error: error.message }
      const target = isApart ? failed : answered
      target.push({ json, pairedItem: { item: index } })
    }
  }
  return onError === "continueErrorOutput" ? [answered, failed] : [answered]
}
