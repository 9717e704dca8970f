/** Whether the text of a node's model calls is shown while it comes. */
import type { Showing } from "./model-calls.ts"
import type { Work } from "./perform.ts"

/** A node shows its text if the turn says so and it has one item; without Markdown where the turn wants none. */
export function showingOf({ segment, context }: Pick<Work, "segment" | "context">): Showing {
  const turn = segment.state.created?.turn ?? null
  const isAlone = context.inputs[0]?.length === 1
  if (turn === null || !isAlone || !turn.streaming.includes(context.node.name)) return "none"
  return turn.plainText ? "plain" : "as-it-is"
}
