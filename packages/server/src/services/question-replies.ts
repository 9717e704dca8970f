/**
 * What is said in a conversation whose turn has asked a question (the HTTP contract, §5 "message while a run waits").
 *
 *     message ──> the oldest open question of the chat ── fits ────> answered: the turn goes on, with a new response
 *                   │                                  └─ does not > stored; the question stays open, and the answer says why
 *                   └── none is open ──> a turn of its own
 *
 * Forms and approvals are never answered by what is said. A message that comes while another one answers the same question
 * finds it answered, and is looked at again.
 */
import { Refusal } from "@brevet/core/errors"
import { readAnswerText } from "@brevet/core/graph/pauses/answers"
import type { RunPause } from "@brevet/core/graph/pauses/pause"
import type { Id } from "@brevet/core/ids"
import { isId } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { Context } from "../ports/context.ts"
import type { IdempotencyMark } from "../ports/owner.ts"
import type { PauseRecord } from "../ports/pause-table.ts"
import { unfit } from "./pauses.ts"
import type { TurnRequest } from "./turn-request.ts"
import { attachTurn, type TurnUnderWay } from "./turns.ts"

/** A message that a question was asked for, and did not get. */
export type UnfitReply = {
  readonly threadId: Id<"thread">
  readonly runId: Id<"run">
  /** The response in which the question was asked. */
  readonly responseId: Id<"response">
  readonly pause: Pick<
    RunPause,
    "id" | "kind" | "audience" | "title" | "message" | "schema" | "choices" | "expiresAtMs"
  >
  /** Why it does not fit, as an error of the envelope. */
  readonly complaint: JsonObject
}

/** What became of a message: the turn goes on, or the question stays open. */
export type QuestionOutcome = { readonly turn: TurnUnderWay } | { readonly unfit: UnfitReply }

/** How often a message is looked at again while others answer the questions before it. */
const attemptsMax = 20

/** Takes a message for the answer to a question. Null where none is open, so that it makes a turn. Throws THREAD_ASSISTANT_LOCKED. */
export async function replyToQuestion(
  cx: Context,
  request: TurnRequest,
  idempotency: IdempotencyMark | null,
): Promise<QuestionOutcome | null> {
  const { threadId, place } = request
  if (threadId === null || place !== null || !isId("thread", threadId)) return null
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const pause = await findQuestion(cx, threadId)
    if (pause === null) return null
    await requireAssistant(cx, threadId, request.assistantId)
    const outcome = await tryReply(cx, { pause, threadId, request, idempotency })
    if (outcome !== null) return outcome
  }
  throw new Refusal("THREAD_BUSY", { details: { thread_id: threadId } })
}

/** The oldest open question of a thread of the caller's organization. */
async function findQuestion(cx: Context, threadId: Id<"thread">): Promise<PauseRecord | null> {
  const { organizationId } = cx.principal
  const nowMs = cx.clock.nowMs()
  const open = await cx.store.pauses.listOpen(threadId)
  const isAsked = ({ kind, audience, expiresAtMs }: PauseRecord): boolean =>
    kind === "question" && audience === "chat" && (expiresAtMs === null || expiresAtMs > nowMs)
  return open.find((pause) => pause.organizationId === organizationId && isAsked(pause)) ?? null
}

async function requireAssistant(cx: Context, threadId: Id<"thread">, wanted: string | null): Promise<void> {
  if (wanted === null) return
  const basis = await cx.store.turns.findBasis(cx.principal.organizationId, threadId)
  if (basis === null || basis.assistantId === wanted) return
  throw new Refusal("THREAD_ASSISTANT_LOCKED", {
    details: { thread_id: threadId, assistant_id: basis.assistantId },
  })
}

type Trial = {
  readonly pause: PauseRecord
  readonly threadId: Id<"thread">
  readonly request: TurnRequest
  readonly idempotency: IdempotencyMark | null
}

/** Null where the question was left meanwhile. */
async function tryReply(cx: Context, trial: Trial): Promise<QuestionOutcome | null> {
  const text = trial.request.inputs.findLast(({ role }) => role === "user")?.text ?? ""
  const read = readAnswerText(trial.pause, text)
  const messageId = cx.ids.next("message")
  const reply = { pauseId: trial.pause.id, messageId, content: JSON.stringify(text), atMs: cx.clock.nowMs() }
  if (!read.fits) {
    await cx.store.transaction((store) => store.pauses.addReply(reply))
    return { unfit: await unfitReply(cx, trial, unfit(read)) }
  }
  const answered = await cx.store.transaction(async (store) => {
    const found = await store.pauses.answer({
      pauseId: trial.pause.id,
      answer: read.value,
      by: cx.principal.userName,
      via: "chat",
      responseId: cx.ids.next("response"),
      replyMessageId: messageId,
    })
    if (found === null) return null
    await store.pauses.addReply(reply)
    await keepMark({ ...cx, store }, trial, found)
    return found
  })
  if (answered === null) return null
  cx.runs.wake()
  return { turn: turnOf(cx, trial, { answered, messageId }) }
}

/** The same request again finds the response that this one began. */
async function keepMark(cx: Context, { idempotency }: Trial, { runId, responseId }: PauseRecord): Promise<void> {
  if (idempotency === null || responseId === null) return
  const { key, method, path, bodyHash } = idempotency
  const scope = { organizationId: cx.principal.organizationId, key, method, path }
  const mark = { bodyHash, answer: null, secretId: null, createdAtMs: cx.clock.nowMs(), run: { runId, responseId } }
  if (!(await cx.store.idempotency.create(scope, mark))) throw new Refusal("IDEMPOTENCY_KEY_IN_USE")
}

function turnOf(
  cx: Context,
  { threadId, request }: Trial,
  { answered, messageId }: { readonly answered: PauseRecord; readonly messageId: Id<"message"> },
): TurnUnderWay {
  const { runId, responseId } = answered
  if (responseId === null) throw new Error(`the answer to pause ${answered.id} opened no response`)
  const assistantId = request.assistantId as Id<"assistant"> | null
  return attachTurn(cx, { runId, threadId, responseId, userMessageId: messageId, assistantId })
}

async function unfitReply(cx: Context, { pause, threadId }: Trial, refusal: Refusal): Promise<UnfitReply> {
  const run = await cx.store.runs.find(cx.principal.organizationId, pause.runId)
  const responseId = run?.responseIds.at(-1)
  if (responseId === undefined) throw new Error(`the run of pause ${pause.id} has no response`)
  const { code, message, details } = refusal
  return { threadId, runId: pause.runId, responseId, pause, complaint: { code, message, details } }
}
