/** Answers of turns read again, and the cancelling of the turn that runs (the HTTP contract, §5 "read", "cancel"). */
import type { ModelResponseView } from "@brevet/core/contract/model-response"
import { type CauseCode, Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { ResponseRecord } from "../ports/turn-table.ts"

/** A turn younger than this is taken back whole when it is cancelled (milliseconds; documented: five seconds). */
const quickEditMs = 5_000
/** How long the answer of a cancelling waits for the turn's end (milliseconds; E11). */
const cancelWaitMs = 10_000

/** Causes that take a turn's messages away. */
const withdrawing: readonly CauseCode[] = ["TURN_WITHDRAWN", "TURN_REMOVED"]

/** The response's record. Throws RESPONSE_NOT_FOUND. */
export async function getResponse(cx: Context, responseId: Id<"response">): Promise<ResponseRecord> {
  const response = await cx.store.turns.findResponse(cx.principal.organizationId, responseId)
  if (response === null) throw new Refusal("RESPONSE_NOT_FOUND")
  return response
}

/** The answer of a turn, or that it is under way. Throws RESPONSE_NOT_FOUND. */
export async function readResponse(cx: Context, responseId: Id<"response">): Promise<ModelResponseView> {
  const { threadId, runId } = await getResponse(cx, responseId)
  const ended = await cx.runs.waitForRest({ runId, responseId }, { waitMs: 0 })
  return { threadId, runId, responseId, ended }
}

/** What became of a turn that was cancelled. */
export type CancelledTurn = {
  readonly mode: "quick_edit" | "keep_partial"
  readonly elapsedMs: number
  readonly partialSaved: boolean
}

/**
 * Cancels the turn that runs in a thread. A young one is taken back with its messages; of an older one the question and
 * what was said so far stay. Throws THREAD_NOT_FOUND, and RESOURCE_NOT_FOUND where none runs.
 */
export async function cancelTurn(cx: Context, threadId: Id<"thread">): Promise<CancelledTurn> {
  const basis = await cx.store.turns.findBasis(cx.principal.organizationId, threadId)
  if (basis === null) throw new Refusal("THREAD_NOT_FOUND")
  const runId = basis.activeRun
  if (runId === null) throw noActiveTurn(threadId)
  const nowMs = cx.clock.nowMs()
  // A turn whose time has come and that has not begun yet is as young as can be.
  const elapsedMs = Math.max(0, nowMs - ((await cx.store.turns.findRunningSince(runId)) ?? nowMs))
  const cause = elapsedMs < quickEditMs ? "TURN_WITHDRAWN" : "RUN_CANCELLED"
  const marked = await cx.store.runs.markCancelled({ runId }, cause)
  if (marked.length === 0) throw noActiveTurn(threadId)
  cx.runs.endMarked(marked)
  const ended = await cx.runs.waitForEnd(runId, { waitMs: cancelWaitMs })
  // It ended by itself before the mark was seen: its answer stands, and there was nothing left to cancel.
  if (ended !== null && ended.status !== "cancelled") throw noActiveTurn(threadId)
  // Of several who end a turn the first says how.
  const isWithdrawn = withdrawing.includes(ended?.result.cancelCause ?? cause)
  const partialSaved = ended !== null && ended.result.messageId !== null
  return { mode: isWithdrawn ? "quick_edit" : "keep_partial", elapsedMs, partialSaved }
}

function noActiveTurn(threadId: Id<"thread">): Refusal {
  return new Refusal("RESOURCE_NOT_FOUND", {
    message: "No turn is running in this thread.",
    systemMessage: "There is no active stream to cancel",
    details: { thread_id: threadId },
  })
}
