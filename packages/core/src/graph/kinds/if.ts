/** Sends each item one of two ways: output 0 where the conditions hold, output 1 where they do not. */
import { sameItem, treatEachItem } from "./each-item.ts"
import { checkItemConditions, itemHolds } from "./item-conditions.ts"
import type { PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. A failing item goes to false where the run goes on by the regular output (recorded outcome). */
export const ifKind: PureKind = {
  name: "if",
  types: ["n8n-nodes-base.if"],
  title: "If",
  help: "Sends each item to true or false, by conditions.",
  group: "data",
  effect: "none",
  exclusiveOutputs: () => true,
  inputs: () => onePort,
  outputs: () => [{ name: "true" }, { name: "false" }],
  check: checkItemConditions,
  run: (context) => ({
    outputs: treatEachItem(context, {
      work: (item, itemIndex) => ({
        output: itemHolds(context, itemIndex) ? 0 : 1,
        items: [sameItem(item, itemIndex)],
      }),
      failed: (item, itemIndex) => ({ output: 1, items: [sameItem(item, itemIndex)] }),
    }),
  }),
}
