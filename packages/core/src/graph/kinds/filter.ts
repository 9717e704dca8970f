/** Lets the items through for which the conditions hold; the others go nowhere. */
import { sameItem, treatEachItem } from "./each-item.ts"
import { checkItemConditions, itemHolds } from "./item-conditions.ts"
import type { PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. A failing item is kept back where the run goes on by the regular output, as it goes to false at If. */
export const filter: PureKind = {
  name: "filter",
  types: ["n8n-nodes-base.filter"],
  title: "Filter",
  help: "Lets through the items for which the conditions hold.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check: checkItemConditions,
  run: (context) => ({
    outputs: treatEachItem(context, {
      work: (item, itemIndex) => ({
        output: 0,
        items: itemHolds(context, itemIndex) ? [sameItem(item, itemIndex)] : [],
      }),
      failed: () => ({ output: 0, items: [] }),
    }),
  }),
}
