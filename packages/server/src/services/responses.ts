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
 * Cancels the turn that runs in a thread, or those that wait where none runs. A young one is taken back with its messages; of an older one the question and
 * what was said so far stay. Throws THREAD_NOT_FOUND, and RESOURCE_NOT_FOUND where none runs.
 */
export async function cancelTurn(cx: Context, threadId: Id<"thread">): Promise<CancelledTurn> {
  const basis = await cx.store.turns.findBasis(cx.principal.organizationId, threadId)
  if (basis === null) throw new Refusal("THREAD_NOT_FOUND")
  const runId = basis.activeRun
  if (runId === null) return cancelWaiting(cx, threadId)
  const nowMs = cx.clock.nowMs()
  // A turn whose time has come and that has not begun yet is as young as can be.
  const elapsedMs = Math.max(0, nowMs - ((await cx.store.turns.findRunningSince(runId)) ?? nowMs))
  // Whoever was asked something, or has answered, was told of the turn.
  const isYoung = elapsedMs < quickEditMs && !(await hasAsked(cx, runId))
  const cause = isYoung ? "TURN_WITHDRAWN" : "RUN_CANCELLED"
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

async function hasAsked(cx: Context, runId: Id<"run">): Promise<boolean> {
  const { total } = await cx.store.pauses.list({
    organizationId: cx.principal.organizationId,
    runId,
    limit: 1,
    offset: 0,
  })
  return total > 0
}

/** Cancels the turns of a thread that wait, with what they wait for. Throws RESOURCE_NOT_FOUND where none does. */
async function cancelWaiting(cx: Context, threadId: Id<"thread">): Promise<CancelledTurn> {
  const { organizationId } = cx.principal
  const { records } = await cx.store.runs.list({ organizationId, threadId, status: "waiting", limit: 100, offset: 0 })
  const marked: Id<"run">[] = []
  for (const { id } of records) marked.push(...(await cx.store.runs.markCancelled({ runId: id }, "RUN_CANCELLED")))
  if (marked.length === 0) throw noActiveTurn(threadId)
  cx.runs.endMarked(marked)
  for (const runId of marked) await cx.runs.waitForEnd(runId, { waitMs: cancelWaitMs })
  const sinceMs = Math.min(...records.map(({ startedAtMs, createdAtMs }) => startedAtMs ?? createdAtMs))
  return { mode: "keep_partial", elapsedMs: Math.max(0, cx.clock.nowMs() - sinceMs), partialSaved: true }
}

function noActiveTurn(threadId: Id<"thread">): Refusal {
  return new Refusal("RESOURCE_NOT_FOUND", {
    message: "No turn is running in this thread.",
    systemMessage: "There is no active stream to cancel",
    details: { thread_id: threadId },
  })
}
