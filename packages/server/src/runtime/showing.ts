/** Whether the text of a node's model calls is shown while it comes. */
import { streamingOf } from "@brevet/core/graph/events"
import type { Showing } from "./model-calls.ts"
import type { Work } from "./perform.ts"

/** A node shows its text if the turn or whoever called an address says so and it has one item; without Markdown where the turn wants none. */
export function showingOf({ segment, context }: Pick<Work, "segment" | "context">): Showing {
  const turn = segment.state.created?.turn ?? null
  const isAlone = context.inputs[0]?.length === 1
  if (!isAlone || !streamingOf(segment.state.created).includes(context.node.name)) return "none"
  return turn?.plainText === true ? "plain" : "as-it-is"
}
