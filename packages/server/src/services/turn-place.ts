/**
 * Where in its thread a turn stands (the HTTP contract, §5 "editing"): what it removes, which runs end for that, and what
 * is left out of its context.
 *
 *     turn 1 │ turn 2: question, answer │ turn 3 (runs) │ turn 4 (waits)
 *            └─ edit_message_id = the question: this and all later is removed, 3 and 4 are ended
 *                      └─ previous_message_id = the question: the answer and all later is removed
 *
 * The place is found once for a request: ending a run may take the very message away that was named.
 */
import { type CauseCode, Refusal } from "@brevet/core/errors"
import { type Id, isId } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { MessagePlace, TurnBasis } from "../ports/turn-table.ts"
import type { TurnPlace, TurnRequest } from "./turn-request.ts"

/** The place from which on messages are removed, and the turn after which none is told; null: neither. */
export type FoundPlace = { readonly removes: MessagePlace | null; readonly throughTurn: number | null }

/** The place of a turn at the end of its thread. */
export const atTheEnd: FoundPlace = { removes: null, throughTurn: null }

/** How long runs are given to end (milliseconds; E11). */
const endingMs = 2_000

/** True for a place that removes messages. */
export function removesMessages(place: TurnPlace | null): boolean {
  return place !== null && !("contextThrough" in place)
}

/** Finds the place that a request names. Throws MESSAGE_NOT_FOUND and RESPONSE_NOT_FOUND. */
export async function findPlace(cx: Context, { place }: TurnRequest, basis: TurnBasis | null): Promise<FoundPlace> {
  if (place === null || basis === null) return atTheEnd
  if ("contextThrough" in place) {
    const response = isId("response", place.contextThrough)
      ? await cx.store.turns.findResponse(cx.principal.organizationId, place.contextThrough)
      : null
    if (response?.threadId !== basis.threadId) throw new Refusal("RESPONSE_NOT_FOUND")
    return { removes: null, throughTurn: response.turn }
  }
  const messageId = "edits" in place ? place.edits : place.follows
  const found = isId("message", messageId) ? await cx.store.turns.findMessage(basis.threadId, messageId) : null
  if (found === null) throw new Refusal("MESSAGE_NOT_FOUND", { details: { message_id: messageId } })
  return { removes: "edits" in place ? found : { turn: found.turn, ordinal: found.ordinal + 1 }, throughTurn: null }
}

/**
 * Ends the runs whose turns lose messages. A turn that is removed whole takes its messages with it; of one that is cut
 * in the middle what stands before the cut stays. True where some were under way: then the thread has changed.
 */
export async function endRemoved(cx: Context, basis: TurnBasis, { turn, ordinal }: MessagePlace): Promise<boolean> {
  const runs = await cx.store.turns.listOpenRuns(basis.threadId, turn)
  const isCut = (run: OpenRun): boolean => run.turn === turn && ordinal > 0
  await endRuns(cx, runs, (run) => (isCut(run) ? "RUN_INTERRUPTED" : "TURN_REMOVED"))
  return runs.length > 0
}

/** Ends all turns of a thread that run or wait; what was shown of them stays. */
export async function interruptAll(cx: Context, threadId: Id<"thread">): Promise<void> {
  await endRuns(cx, await cx.store.turns.listOpenRuns(threadId, 0), () => "RUN_INTERRUPTED")
}

type OpenRun = { readonly runId: Id<"run">; readonly turn: number }

async function endRuns(cx: Context, runs: readonly OpenRun[], causeOf: (run: OpenRun) => CauseCode): Promise<void> {
  // All are marked before the first one ends, so that none of those that wait begins in between.
  const marked: Id<"run">[] = []
  for (const run of runs) marked.push(...(await cx.store.runs.markCancelled({ runId: run.runId }, causeOf(run))))
  cx.runs.endMarked(marked)
  for (const { runId } of runs) await cx.runs.waitForEnd(runId, { waitMs: endingMs })
}
