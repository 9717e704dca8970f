/**
 * Pauses: reading them, and the one way to answer them, whatever door an answer comes through (`runs` §4).
 *
 *     door ── answer ──> fits? ── one statement: the answer where none is, the run due ──> woken
 *                          │                       └── not open any more ──> the same answer: as if it were the first
 *                          └── no: 422, the pause stays open                └── another: 409 with who and when
 *
 * Doors never write a run's log: whoever claims the run says there what was decided here.
 */
import { Refusal } from "@brevet/core/errors"
import { type ReadPauseAnswer, readAnswerValue } from "@brevet/core/graph/pauses/answers"
import type { Id } from "@brevet/core/ids"
import { type JsonObject, type JsonValue, jsonEqual } from "@brevet/core/json"
import { toIsoOrNull } from "@brevet/core/time"
import type { Context, Ports } from "../ports/context.ts"
import type { PauseAnswering, PauseListFilter, PauseRecord } from "../ports/pause-table.ts"
import { requireScopes } from "./access.ts"

/** An answer, by whom and through which door. */
type PauseReply = Pick<PauseAnswering, "answer" | "by" | "via">

/** The pause. Throws PAUSE_NOT_FOUND. */
export async function getPause(cx: Context, pauseId: Id<"pause">): Promise<PauseRecord> {
  const pause = await cx.store.pauses.find(cx.principal.organizationId, pauseId)
  if (pause === null) throw new Refusal("PAUSE_NOT_FOUND")
  return pause
}

/** A page of the organization's pauses, newest first. */
export function listPauses(
  cx: Context,
  query: Omit<PauseListFilter, "organizationId">,
): Promise<{ readonly records: readonly PauseRecord[]; readonly total: number }> {
  return cx.store.pauses.list({ ...query, organizationId: cx.principal.organizationId })
}

/**
 * Answers a pause through the API. Throws PAUSE_NOT_FOUND, INSUFFICIENT_PERMISSIONS where the key may answer questions of
 * the chat only, and what `bringAnswer` throws.
 */
export async function answerPause(cx: Context, pauseId: Id<"pause">, answer: JsonValue): Promise<PauseRecord> {
  const pause = await getPause(cx, pauseId)
  const isChat = pause.audience === "chat" && pause.threadId !== null && pause.kind !== "tool"
  if (!(isChat && cx.principal.scopes.includes("chat"))) requireScopes(cx.principal, ["runs:write"])
  return bringAnswer(cx, pause, { answer, by: cx.principal.userName, via: "api" })
}

/**
 * Brings an answer to a pause; the first valid one wins. Throws PAUSE_NOT_ANSWERABLE, PAUSE_ANSWER_INVALID,
 * PAUSE_ALREADY_ANSWERED, PAUSE_EXPIRED and PAUSE_CANCELLED.
 */
export async function bringAnswer(
  ports: Pick<Ports, "store" | "ids" | "runs">,
  pause: PauseRecord,
  reply: PauseReply,
): Promise<PauseRecord> {
  if (pause.kind === "timer") throw new Refusal("PAUSE_NOT_ANSWERABLE")
  const read = readAnswerValue(pause, reply.answer)
  // Of one that was left already the answer is told, whatever is said now.
  if (pause.status === "open" && !read.fits) throw unfit(read)
  const answered = pause.status === "open" ? await answerOpen(ports, pause, reply) : null
  if (answered === null) return requireSame(await findAgain(ports, pause), reply)
  ports.runs.wake()
  return answered
}

function answerOpen({ store, ids }: Pick<Ports, "store" | "ids">, pause: PauseRecord, reply: PauseReply) {
  return store.pauses.answer({ ...reply, pauseId: pause.id, responseId: ids.next("response"), replyMessageId: null })
}

async function findAgain({ store }: Pick<Ports, "store">, { organizationId, id }: PauseRecord): Promise<PauseRecord> {
  const pause = await store.pauses.find(organizationId, id)
  if (pause === null) throw new Refusal("PAUSE_NOT_FOUND")
  return pause
}

/** The pause, where it was answered with just this. Throws the refusal that says how it was left otherwise. */
function requireSame(pause: PauseRecord, { answer }: PauseReply): PauseRecord {
  const details: JsonObject = { pause_id: pause.id }
  switch (pause.status) {
    case "answered": {
      if (jsonEqual(pause.answer, answer)) return pause
      const { answeredBy, answeredAtMs } = pause
      throw new Refusal("PAUSE_ALREADY_ANSWERED", {
        details: { ...details, answered_by: answeredBy, answered_at: toIsoOrNull(answeredAtMs) },
      })
    }
    case "cancelled":
      throw new Refusal("PAUSE_CANCELLED", { details })
    // Its time has passed, whether somebody has noted it yet or not; or its run is to end.
    case "expired":
      throw new Refusal("PAUSE_EXPIRED", { details })
    case "open":
      throw new Refusal(pause.expiresAtMs === null ? "PAUSE_CANCELLED" : "PAUSE_EXPIRED", { details })
  }
}

/** The refusal of an answer that does not fit. */
export function unfit({ faults }: Extract<ReadPauseAnswer, { fits: false }>): Refusal {
  const fields = faults.map(({ path, message }) => ({
    field: path === "" ? "answer" : `answer.${path}`,
    message,
    code: "invalid",
  }))
  const [first] = fields
  return new Refusal("PAUSE_ANSWER_INVALID", {
    details: { fields },
    ...(first === undefined ? {} : { systemMessage: `${first.field}: ${first.message}` }),
  })
}
