/**
 * Turns: from a request to a run under way (the HTTP contract, §5).
 *
 *     look ──> who answers, which thread, what was said before
 *      ^  │
 *      │  ├── the thread is free ──> start ── landed ──> under way
 *      │  │                            └── refused ──┐
 *      │  └── a turn runs there ─> queue │ reject │ interrupt
 *      └───────────── look again ────────────────────┘
 *
 * A start is refused where anything that it was made of has changed since it was looked at; then everything is looked at
 * again. What speaks for good against the turn is a refusal from the catalogue, thrown before anything is stored.
 *
 * Invariants
 * 1. A request makes exactly one turn, or none.
 * 2. A request that failed a moment ago and is sent again takes the place of the turn that failed.
 * 3. Removing messages (an edit) and starting the turn that replaces them are one write.
 */
import { asRefusal, Refusal } from "@brevet/core/errors"
import type { History } from "@brevet/core/graph/conversation"
import type { Graph } from "@brevet/core/graph/graph"
import { type Id, isId } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { GraphSource } from "../ports/graph-source.ts"
import type { IdempotencyMark } from "../ports/owner.ts"
import type { Listener, RunOutcome, StartOptions } from "../ports/runs.ts"
import type { MessagePlace, TurnBasis } from "../ports/turn-table.ts"
import { seedOf } from "./new-run.ts"
import type { FactScope, OrganizationFacts } from "./organization-facts.ts"
import type { RecentFailures } from "./recent-failures.ts"
import { fixVersions, parsePins } from "./turn-pins.ts"
import { atTheEnd, endRemoved, type FoundPlace, findPlace, interruptAll, removesMessages } from "./turn-place.ts"
import { type PlannedTurn, planTurn } from "./turn-plan.ts"
import type { TurnRequest } from "./turn-request.ts"
import { findSubject, type TurnSubject } from "./turn-subject.ts"

/** What turns need beside the context. */
export type TurnPorts = {
  readonly facts: OrganizationFacts
  readonly graphs: GraphSource
  readonly failures: RecentFailures
}

/** Under which generation the caller was judged, and how it is judged again. */
export type TurnStanding = {
  readonly generation: number
  renew(): Promise<{ readonly cx: Context; readonly standing: TurnStanding }>
}

/**
 * A turn that is asked for. `listen` is called for each attempt; what it gives is told everything from the first event.
 * `isRepeated`: the same request is known to have failed before.
 */
export type TurnCall = {
  readonly request: TurnRequest
  readonly standing: TurnStanding
  readonly idempotency: IdempotencyMark | null
  readonly isRepeated: boolean
  /** It is a turn although a question is open in the thread. */
  readonly isApart?: boolean
  readonly listen?: (turn: TurnIds, graph: Graph) => Listener
}

/** The ids of a turn. */
export type TurnIds = {
  readonly runId: Id<"run">
  readonly threadId: Id<"thread">
  readonly responseId: Id<"response">
  readonly userMessageId: Id<"message"> | null
  readonly assistantId: Id<"assistant"> | null
}

/**
 * A turn under way. `isHeard`: its listener has been told from the beginning; otherwise it is to be followed from 0.
 * `ended` tells how it ended, or with what question it came to rest; null where this process leaves before that, which
 * another one brings about.
 */
export type TurnUnderWay = TurnIds & { readonly isHeard: boolean; ended(): Promise<RunOutcome | null> }

/** How often a request is looked at again before its client is asked to come back. */
const attemptsMax = 20
/** Turns that may wait in one thread (the HTTP contract, §5). */
const queuedMax = 10
/** As long as a timer can be set (milliseconds): a client waits for as long as it likes. */
const waitMsMax = 2 ** 31 - 1

/**
 * Starts a turn; null where a question is open in its thread, which it may answer instead. Throws what `findSubject` throws, THREAD_NOT_FOUND, THREAD_BUSY, MESSAGE_NOT_FOUND, RESPONSE_NOT_FOUND,
 * MODEL_NOT_FOUND, and SERVICE_UNAVAILABLE where the store is away.
 */
export async function startTurn(cx: Context, ports: TurnPorts, call: TurnCall): Promise<TurnUnderWay | null> {
  let at = { cx, standing: call.standing }
  let named: FoundPlace | null = null
  let failed = mayHaveFailed(cx, ports, call) ? await findFailed(cx, call) : null
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { generation } = at.standing
    const looking: Looking = { call, generation, failed, named }
    const tried: Tried | Refusal = await tryStart(at.cx, ports, { looking, attempt }).catch(asRefusal)
    if (tried instanceof Refusal) {
      // A refusal is an act as well: where what it was made of has changed since, everything is looked at again.
      at = await at.standing.renew()
      if (at.standing.generation === generation) throw tried
      continue
    }
    if (tried.begun === "question") return null
    if (tried.begun !== null) return tried.begun
    named = tried.named
    // The same request may have been served meanwhile, by its key or as the retry of one that failed.
    const replay = call.idempotency === null ? null : await findReplay(at.cx, call.idempotency)
    if (replay !== null) return replay
    failed = await findFailed(at.cx, call)
    at = await at.standing.renew()
  }
  throw new Refusal("THREAD_BUSY", { systemMessage: "The thread changed again and again while the turn was started" })
}

/** One attempt: `begun` null where what the turn was made of has changed; `question`: one is open. */
type Tried = { readonly begun: TurnUnderWay | "question" | null; readonly named: FoundPlace | null }

async function tryStart(
  cx: Context,
  ports: TurnPorts,
  { looking, attempt }: { readonly looking: Looking; readonly attempt: number },
): Promise<Tried> {
  const looked = await look(cx, ports, looking)
  const { basis, named } = looked.ground
  const { request, isApart } = looking.call
  if (basis?.hasQuestion === true && request.place === null && isApart !== true) return { begun: "question", named }
  const { removes } = looked.ground.place
  // Also of turns that wait: what they ask for is removed with them.
  if (basis !== null && removes !== null && (await endRemoved(cx, basis, removes))) return { begun: null, named }
  if (isBusy(basis)) return { begun: await beginBusy(cx, looked), named }
  const commit = commitOf(looking.call, attempt)
  return { begun: await beginFree(cx, ports, { call: looking.call, commit, looked }), named }
}

/** When a turn is stored. */
function commitOf({ listen, idempotency }: TurnCall, attempt: number): StartOptions["commit"] {
  // Where others begin as well, the model is called only once the turn is stored, so that no call is made in vain again.
  if (attempt > 0) return "first"
  // A second request with the same key is to find the turn as soon as can be.
  return listen === undefined && idempotency === null ? "answer" : "effect"
}

/** A turn that another request has started, to be followed from its beginning. */
export function attachTurn(cx: Context, ids: TurnIds): TurnUnderWay {
  return { ...ids, isHeard: false, ended: () => waitForRest(cx, ids) }
}

/** What a request removed when it was made first is not there to be named again, so that such a one always asks. */
function mayHaveFailed({ clock }: Context, { failures }: TurnPorts, { request, isRepeated }: TurnCall): boolean {
  const { place, digest } = request
  return isRepeated || removesMessages(place) || (digest !== null && failures.has(digest, clock.nowMs()))
}

type FailedTurn = { readonly threadId: Id<"thread">; readonly turn: number }

/** The turn that failed a moment ago on the same request. */
async function findFailed({ store, clock, principal }: Context, { request }: TurnCall): Promise<FailedTurn | null> {
  const { digest } = request
  return digest === null ? null : store.turns.findFailed(principal.organizationId, digest, { atMs: clock.nowMs() })
}

type Looked = {
  readonly ground: Ground
  readonly subject: TurnSubject
  readonly graph: Graph
  readonly planned: PlannedTurn
}

type Looking = {
  readonly call: TurnCall
  readonly generation: number
  readonly failed: FailedTurn | null
  /** The place that the request names, where it was found before: what it names may be gone by now. */
  readonly named: FoundPlace | null
}

async function look(cx: Context, ports: TurnPorts, looking: Looking): Promise<Looked> {
  const { call, generation, failed } = looking
  const { request } = call
  const { organizationId, userId } = cx.principal
  const scope = { organizationId, generation }
  const ground = await findGround(cx, looking)
  const { basis, place } = ground
  const { removes } = place
  const [subject, history, isFirst] = await Promise.all([
    findSubject(ports.facts, scope, { assistantId: request.assistantId, basis }),
    readHistory(cx, basis, removes),
    isFirstTurn(cx, basis, removes),
  ])
  const graph = await ports.graphs.load(subject.workflow?.id ?? null, subject.workflow?.version ?? null)
  const runId = cx.ids.next("run")
  // Fixed with the version that the thread is pinned to; later turns keep what was fixed then, until a move drops it.
  const fixed = basis?.pins ?? null
  const pins = fixed === null ? await fixVersions(ports, scope, graph) : parsePins(fixed)
  const parts = {
    request,
    subject,
    graph,
    basis,
    removes,
    isFirst,
    replacesFailed: failed !== null,
    throughTurn: place.throughTurn,
    pins: pins === null ? null : JSON.stringify(pins),
    history: history.messages,
    summary: history.summary,
  }
  const planned = planTurn(parts, {
    organizationId,
    userId,
    traceId: cx.traceId,
    generation,
    atMs: cx.clock.nowMs(),
    seed: seedOf(runId),
    ids: cx.ids,
    idempotency: call.idempotency,
    depth: 0,
    parent: null,
    runId,
  })
  await requireModel(cx, ports, { scope, planned })
  return { ground, subject, graph, planned }
}

/** The thread as it is, where the turn is to stand in it, and the place that the request names, if it was looked for. */
type Ground = { readonly basis: TurnBasis | null; readonly place: FoundPlace; readonly named: FoundPlace | null }

async function findGround(cx: Context, { call, failed, named: known }: Looking): Promise<Ground> {
  const { request } = call
  const { organizationId } = cx.principal
  const replaced = failed === null ? null : await cx.store.turns.findBasis(organizationId, failed.threadId)
  // Where the conversation has gone on since, the failed turn stays where it is.
  if (failed !== null && replaced !== null && replaced.turn === failed.turn) {
    // What the failed one removed stays removed.
    const { throughTurn } = removesMessages(request.place) ? atTheEnd : await findPlace(cx, request, replaced)
    return { basis: replaced, place: { removes: { turn: failed.turn, ordinal: 0 }, throughTurn }, named: known }
  }
  const basis = await requireBasis(cx, request.threadId)
  const named = known ?? (await findPlace(cx, request, basis))
  return { basis, place: named, named }
}

/** True where no message of the thread stands before the turn. */
async function isFirstTurn(cx: Context, basis: TurnBasis | null, removes: MessagePlace | null): Promise<boolean> {
  if (basis === null || basis.messageCount === 0) return true
  return removes !== null && !(await cx.store.turns.hasMessageBefore(basis.threadId, removes))
}

async function requireBasis(cx: Context, threadId: string | null): Promise<TurnBasis | null> {
  if (threadId === null) return null
  const { organizationId } = cx.principal
  const basis = isId("thread", threadId) ? await cx.store.turns.findBasis(organizationId, threadId) : null
  if (basis === null) throw new Refusal("THREAD_NOT_FOUND", { details: { thread_id: threadId } })
  return basis
}

async function readHistory(cx: Context, basis: TurnBasis | null, removes: MessagePlace | null): Promise<History> {
  if (basis === null || basis.messageCount === 0) return { messages: [], summary: null }
  const { turn, ordinal } = removes ?? { turn: basis.turn + 1, ordinal: 0 }
  return cx.store.history.read({ threadId: basis.threadId, turn, ordinal })
}

/**
 * A model that the assistant or the request names has to be there before anything is stored: the server's, or one of a
 * provider for which the organization has a key of its own. Throws MODEL_NOT_FOUND.
 */
async function requireModel(
  cx: Context,
  { facts }: TurnPorts,
  { scope, planned }: { readonly scope: FactScope; readonly planned: PlannedTurn },
): Promise<void> {
  const model = planned.run.created.turn?.overlay.model
  if (model === undefined || cx.models.find(model) !== null) return
  const provider = cx.models.providerOf(model)
  const ownKeys = provider === null ? [] : await facts.providers(scope)
  if (ownKeys.some((row) => row.provider === provider && row.isActive && row.secret !== null)) return
  const listed = await cx.models.list()
  if (listed.some(({ key }) => key === model) || cx.models.find(model) !== null) return
  throw new Refusal("MODEL_NOT_FOUND", { details: { model } })
}

function isBusy(basis: TurnBasis | null): boolean {
  return basis !== null && (basis.activeRun !== null || basis.queued > 0)
}

/** Starts the turn in a thread in which none runs. Null: what it was made of has changed. */
async function beginFree(
  cx: Context,
  { failures }: TurnPorts,
  {
    call,
    commit,
    looked,
  }: { readonly call: TurnCall; readonly commit: StartOptions["commit"]; readonly looked: Looked },
): Promise<TurnUnderWay | null> {
  const { planned, subject, graph } = looked
  const ids = idsOf(planned, subject)
  const listener = call.listen?.(ids, graph)
  const options = { commit, ...(listener === undefined ? {} : { listener }) }
  const underWay = await cx.runs.start(planned.run, options)
  if (underWay === null) return null
  const { digest } = call.request
  underWay.ended.then(
    (ended) => ended?.status === "failed" && digest !== null && failures.note(digest, cx.clock.nowMs()),
    () => {}, // Whoever waits for the end is told.
  )
  const ended = async () => (await underWay.ended) ?? (await waitForRest(cx, ids))
  return { ...ids, isHeard: listener !== undefined, ended }
}

/**
 * A turn runs in the thread: what happens is the assistant's `concurrency_policy`. Null: the thread has changed, or is
 * about to. Throws THREAD_BUSY.
 */
async function beginBusy(cx: Context, { planned, subject, ground }: Looked): Promise<TurnUnderWay | null> {
  const { basis } = ground
  const policy = subject.assistant?.policy.concurrencyPolicy ?? "queue"
  if (policy === "reject") throw busyRefusal(planned)
  if (policy === "interrupt") {
    if (basis !== null) await interruptAll(cx, basis.threadId)
    return null
  }
  const outcome = await cx.runs.enqueue(planned.run, { queuedMax })
  if (outcome === "full") throw busyRefusal(planned)
  return outcome === "changed" ? null : attachTurn(cx, idsOf(planned, subject))
}

function busyRefusal({ threadId }: PlannedTurn): Refusal {
  return new Refusal("THREAD_BUSY", { details: { thread_id: threadId } })
}

function idsOf({ run, threadId, responseId, userMessageId }: PlannedTurn, { assistant }: TurnSubject): TurnIds {
  return { runId: run.runId, threadId, responseId, userMessageId, assistantId: assistant?.record.id ?? null }
}

/** The turn that a request with the same key has started meanwhile. */
async function findReplay(cx: Context, mark: IdempotencyMark): Promise<TurnUnderWay | null> {
  const found = await cx.store.idempotency.find({ organizationId: cx.principal.organizationId, ...mark })
  if (found === null || found.runId === null || found.responseId === null) return null
  if (found.bodyHash !== mark.bodyHash) throw new Refusal("IDEMPOTENCY_KEY_REUSED")
  return attachResponse(cx, found.responseId)
}

/** The turn of a response, to be followed from its beginning. Throws RESPONSE_NOT_FOUND. */
export async function attachResponse(cx: Context, responseId: string): Promise<TurnUnderWay> {
  const response = isId("response", responseId)
    ? await cx.store.turns.findResponse(cx.principal.organizationId, responseId)
    : null
  if (response === null) throw new Refusal("RESPONSE_NOT_FOUND")
  const { runId, threadId } = response
  return attachTurn(cx, { runId, threadId, responseId: response.responseId, userMessageId: null, assistantId: null })
}

/** Waits until a response has ended, whoever works on it. */
function waitForRest(cx: Context, { runId, responseId }: TurnIds): Promise<RunOutcome | null> {
  return cx.runs.waitForRest({ runId, responseId }, { waitMs: waitMsMax })
}
