/** One execution of a node whose kind has an effect: the performer of that effect does it, trouble becomes its outcome. */

import type { Evaluated } from "@brevet/core/graph/evaluate-node"
import { failureOf, finishOutputs } from "@brevet/core/graph/evaluate-node"
import type { ExecutionKey } from "@brevet/core/graph/events"
import type { Outputs } from "@brevet/core/graph/items"
import type { EffectKind, KindContext, KindResult } from "@brevet/core/graph/kinds/kind"
import type { Segment } from "./segment.ts"
import type { Workshop } from "./workshop.ts"

/** What a performer is handed. */
export type Work = {
  readonly segment: Segment
  readonly workshop: Workshop
  readonly key: ExecutionKey
  readonly context: KindContext
}

/**
 * Does what a kind asks for. Throws NodeFailure for what is the node's trouble, and whatever the segment's signal or its
 * saves throw. Before an effect its intent is taken and saved (R5), after it its outcome is taken; what `state.current`
 * holds from before a crash is not done again. Gives the outputs, with what the node keeps for its next execution if it does.
 */
export type Performer = (work: Work) => Promise<Outputs | KindResult>

/** The performers, by effect. */
export type Performers = { readonly [Effect in EffectKind["effect"]]: Performer }

/** The outcome of an execution. Throws what is not the node's own trouble: the reasons of the signal, faults of ours. */
export async function perform(
  work: Work & { readonly effect: EffectKind["effect"] },
): Promise<Extract<Evaluated, { type: "completed" | "failed" }>> {
  const { segment, workshop, context, effect } = work
  try {
    const made = await workshop.performers[effect](work)
    const result = "outputs" in made ? made : { outputs: made }
    return { type: "completed", result: { ...result, outputs: finishOutputs(context.node, result.outputs) } }
  } catch (error) {
    segment.signal.throwIfAborted()
    return failureOf(error)
  }
}
