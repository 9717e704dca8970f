/**
 * Idempotent requests: the same `Idempotency-Key` with the same body gives the first answer again (the HTTP contract, §1).
 *
 * A call that ends in its own transaction runs inside one that also holds the key and stores the answer, so that deed and
 * mark are one: a process that dies leaves neither. While one runs, another with the same key is told so and does not
 * wait. A call that starts a run is marked by the statement that starts it; here its mark is looked up first.
 *
 * Kept for 24 hours: answers 2xx, and refusals 4xx that were decided after the request had been found well-formed. Never
 * 401, 403, 429 and 5xx, which say nothing about the request itself.
 */
import { Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { Context, Ports } from "../ports/context.ts"
import type { IdempotencyRecord, IdempotencyScope, KeptAnswer } from "../ports/idempotency-table.ts"
import type { IdempotencyMark } from "../ports/owner.ts"
import type { Runs } from "../ports/runs.ts"

/** How long a mark is kept (milliseconds). */
export const markKeptMs = 24 * 3_600_000

/** Marks that one statement of the purge removes, so that it holds no locks for long. */
const purgeStep = 1_000

/** What a call gives: the answer as it is sent, and for one that shows a secret the id of what was made. */
export type CallOutcome = { readonly answer: KeptAnswer; readonly secretId: string | null }

/** An answer, and whether it is an earlier one. */
export type IdempotentOutcome = { readonly answer: KeptAnswer; readonly replayed: boolean }

/** True for refusals that say something about the request, so that the same request gets the same one. */
export function isKept(refusal: Refusal): boolean {
  const { status, code } = refusal
  if (code === "IDEMPOTENCY_KEY_IN_USE" || code === "IDEMPOTENCY_KEY_REUSED") return false
  return status >= 400 && status < 500 && status !== 401 && status !== 403 && status !== 429
}

/**
 * Makes a call once. `call` gets the context whose store is the transaction; a refusal that it throws undoes what it did
 * and is kept as `present` shows it. Throws IDEMPOTENCY_KEY_IN_USE (also where a secret answer is asked for again, with
 * its id) and IDEMPOTENCY_KEY_REUSED.
 */
export async function callOnce(
  cx: Context,
  mark: IdempotencyMark,
  call: {
    readonly make: (cx: Context) => Promise<CallOutcome>
    readonly present: (refusal: Refusal) => KeptAnswer
  },
): Promise<IdempotentOutcome> {
  const scope = scopeOf(cx, mark)
  const ended: Id<"run">[] = []
  const runs = deferEnds(cx.runs, ended)
  const outcome = await cx.store.transaction(async (store): Promise<IdempotentOutcome> => {
    if (!(await store.idempotency.hold(scope))) throw new Refusal("IDEMPOTENCY_KEY_IN_USE")
    const first = await findLiving({ ...cx, store }, scope)
    if (first !== null) return { answer: answerAgain(first, mark), replayed: true }
    const { answer, secretId } = await store
      .transaction((inner) => call.make({ ...cx, store: inner, runs }))
      .catch((error: unknown): CallOutcome => {
        if (!(error instanceof Refusal) || !isKept(error)) throw error
        ended.length = 0
        return { answer: call.present(error), secretId: null }
      })
    const kept = secretId === null ? { answer, secretId } : { answer: null, secretId }
    await store.idempotency.create(scope, { bodyHash: mark.bodyHash, createdAtMs: cx.clock.nowMs(), ...kept })
    return { answer, replayed: false }
  })
  if (ended.length > 0) cx.runs.endMarked(ended)
  return outcome
}

/**
 * What is known of a request that starts a run: null where it is new, the mark of the run that it started, or the refusal
 * that was kept. Throws IDEMPOTENCY_KEY_REUSED.
 */
export async function findMark(
  cx: Context,
  mark: IdempotencyMark,
): Promise<{ readonly run: IdempotencyRecord } | { readonly answer: KeptAnswer } | null> {
  const record = await findLiving(cx, scopeOf(cx, mark))
  if (record === null) return null
  if (record.runId === null) return { answer: answerAgain(record, mark) }
  requireSameBody(record, mark)
  return { run: record }
}

/** Keeps the answer of a call that started no run. Where a run or another call has the mark meanwhile, that one stands. */
export async function keepAnswer(cx: Context, mark: IdempotencyMark, answer: KeptAnswer): Promise<void> {
  const { bodyHash } = mark
  await cx.store.idempotency.create(scopeOf(cx, mark), {
    bodyHash,
    answer,
    secretId: null,
    createdAtMs: cx.clock.nowMs(),
  })
}

/**
 * Frees the key of a run whose answer is one that is not kept, so that the same request can be made anew. Of several that
 * do so at once none takes away what another has begun meanwhile.
 */
export async function freeMark(cx: Context, mark: IdempotencyMark, runId: Id<"run">): Promise<void> {
  await cx.store.idempotency.removeOfRun(scopeOf(cx, mark), runId)
}

/** Removes all marks older than 24 hours; gives how many. */
export async function purgeMarks(ports: Pick<Ports, "store" | "clock">): Promise<number> {
  const beforeMs = ports.clock.nowMs() - markKeptMs
  for (let removed = 0; ; ) {
    const count = await ports.store.idempotency.purge({ beforeMs, limit: purgeStep })
    removed += count
    if (count < purgeStep) return removed
  }
}

/** What a service asks of the runtime after its own transaction has to wait for the one around it. */
function deferEnds(runs: Runs, ended: Id<"run">[]): Runs {
  return {
    start: (run, options) => runs.start(run, options),
    enqueue: (run, options) => runs.enqueue(run, options),
    follow: (runId, after, listener) => runs.follow(runId, after, listener),
    // The end of a run that is marked here cannot come before the commit, so there is nothing to wait for.
    waitForRest: (segment, options) => runs.waitForRest(segment, options),
    wake: () => runs.wake(),
    waitForEnd: (runId, options) => (ended.includes(runId) ? Promise.resolve(null) : runs.waitForEnd(runId, options)),
    endMarked: (ids) => void ended.push(...ids),
  }
}

function scopeOf(cx: Context, { key, method, path }: IdempotencyMark): IdempotencyScope {
  return { organizationId: cx.principal.organizationId, key, method, path }
}

/** The mark, unless its time is over: then it is removed, so that the key is free. */
async function findLiving(cx: Context, scope: IdempotencyScope): Promise<IdempotencyRecord | null> {
  const record = await cx.store.idempotency.find(scope)
  const beforeMs = cx.clock.nowMs() - markKeptMs
  if (record === null || record.createdAtMs >= beforeMs) return record
  await cx.store.idempotency.removeOld(scope, { beforeMs })
  return null
}

function answerAgain(record: IdempotencyRecord, mark: IdempotencyMark): KeptAnswer {
  requireSameBody(record, mark)
  if (record.answer !== null) return record.answer
  throw new Refusal("IDEMPOTENCY_KEY_IN_USE", {
    message: "This request was already carried out. Its answer showed a secret once and is not kept.",
    systemMessage: "details.id names what the first request made",
    details: { id: record.secretId },
  })
}

function requireSameBody(record: IdempotencyRecord, mark: IdempotencyMark): void {
  if (record.bodyHash !== mark.bodyHash) throw new Refusal("IDEMPOTENCY_KEY_REUSED")
}
