/** The bound of items on an output, for kinds that can make more of what they get. */
import { NodeFailure } from "./kind.ts"

/** Items on one output of one execution (the ceiling; the setting of the server may be lower). */
export const itemsMax = 100_000

/** Throws RUN_ITEMS_EXCEEDED where a node would put out more: said before they are made. */
export function boundItems(count: number): void {
  if (count <= itemsMax) return
  throw new NodeFailure("RUN_ITEMS_EXCEEDED", `The node would put out more than ${itemsMax} items; give it fewer.`)
}
