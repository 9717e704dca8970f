/**
 * How a run waits: opening pauses, taking up what was brought, coming to rest.
 *
 *     working ── a node asks ──> pause-opened (its question is a message of the chat) ── goes on with what is ready
 *     working ── nothing else is left ──> run-waiting, saved with the row's status, the pauses and when it is due ──> rows
 *     rows ── claimed: woken, or its time has come ──> settle ──> run-resumed, what was decided ──> working
 *
 * What was decided of a pause is in its row before the run takes it up; a run that is claimed twice reads the same again.
 * A turn gives one response for each answer, so of several that came at once the first is taken up, and the run is due
 * again as soon as it rests; a run without a conversation takes up all.
 */
import type { ExecutionKey, RunEvent } from "@brevet/core/graph/events"
import type { PauseRequest, PauseTerms, RunPause } from "@brevet/core/graph/pauses/pause"
import type { RunResult } from "@brevet/core/graph/run-result"
import { type Current, openPausesOf, type RunState } from "@brevet/core/graph/run-state"
import type { Id } from "@brevet/core/ids"
import type { RunRest, SettledPause } from "../ports/owner.ts"
import type { Segment } from "./segment.ts"
import type { Workshop } from "./workshop.ts"

/** Opens the pauses that an execution asks for. They are stored with the next save. */
export function openPauses(
  segment: Segment,
  workshop: Workshop,
  { key, requests }: { readonly key: ExecutionKey; readonly requests: readonly PauseRequest[] },
): void {
  for (const request of requests) openPause(segment, workshop, { key, request })
}

function openPause(
  segment: Segment,
  { clock, ids }: Workshop,
  { key, request }: { readonly key: ExecutionKey; readonly request: PauseRequest },
): void {
  const at = clock.nowMs()
  const pauseId = ids.next("pause")
  const terms = termsOf(request)
  const expiresAtMs = "untilMs" in request ? request.untilMs : request.waitMs === null ? null : at + request.waitMs
  const ordinal = askInChat(segment, terms, { at, pauseId, messageId: ids.next("message") })
  if (terms.kind === "timer") segment.take({ type: "timer-set", at, ...key, pauseId, dueAt: expiresAtMs ?? at })
  else segment.take({ type: "pause-opened", at, ...key, pauseId, terms, expiresAt: expiresAtMs })
  segment.addPause({
    id: pauseId,
    node: key.node,
    iteration: key.iteration,
    terms,
    createdAtMs: at,
    expiresAtMs: terms.kind === "timer" ? (expiresAtMs ?? at) : expiresAtMs,
    ordinal,
  })
}

function termsOf(request: PauseRequest): PauseTerms {
  const { place, kind, audience, title, message, schema, choices, details } = request
  return { place, kind, audience, title, message, schema, choices, details }
}

/** What is asked of the person who chats is said in the chat. Gives its place in the turn; null where nothing is said. */
function askInChat(
  segment: Segment,
  { kind, audience, title, message }: PauseTerms,
  { at, pauseId, messageId }: { readonly at: number; readonly pauseId: string; readonly messageId: Id<"message"> },
): number | null {
  if (segment.threadId === null || audience !== "chat" || kind === "tool" || kind === "timer") return null
  const ordinal = segment.state.nextOrdinal
  addSaid(segment, message ?? title ?? "", { at, messageId, pauseId })
  return ordinal
}

/** A node answers in the chat while the run goes on; nothing is said in a run without a conversation. */
export function sayInChat(
  segment: Segment,
  text: string,
  { at, messageId }: { readonly at: number; readonly messageId: Id<"message"> },
): void {
  if (segment.threadId !== null) addSaid(segment, text, { at, messageId, pauseId: null })
}

/** A message of the assistant in the middle of a turn. What was shown before it and is no message is taken back. */
function addSaid(
  segment: Segment,
  text: string,
  {
    at,
    messageId,
    pauseId,
  }: { readonly at: number; readonly messageId: Id<"message">; readonly pauseId: string | null },
): void {
  const ordinal = segment.state.nextOrdinal
  segment.settleShown()
  if (segment.state.shown !== "") segment.take({ type: "content-reset", at, reason: "retracted", attempt: 1 })
  const message = { type: "message-added", at, messageId, text } as const
  segment.take(pauseId === null ? { ...message, isReply: true } : { ...message, pauseId })
  segment.addMessage({
    id: messageId,
    ordinal,
    role: "assistant",
    content: JSON.stringify(text),
    metadata: pauseId === null ? null : JSON.stringify({ pause_id: pauseId }),
    isFailed: false,
    createdAtMs: at,
  })
}

/** Nothing is left but to wait: takes up the next of what was brought. False where there is nothing. */
export function takeUpNext(segment: Segment): boolean {
  for (let settled = segment.settled.shift(); settled !== undefined; settled = segment.settled.shift()) {
    const found = findWaiting(segment, settled.pauseId)
    if (found === null) continue
    segment.take(leavingEvent(settled, found))
    return true
  }
  return false
}

type Found = { readonly entry: Current; readonly pause: RunPause; readonly node: string }

function findWaiting({ state, graph }: Pick<Segment, "state" | "graph">, pauseId: string): Found | null {
  for (const entry of state.waiting) {
    const pause = entry.pauses.find(({ id, outcome }) => id === pauseId && outcome === null)
    if (pause !== undefined) return { entry, pause, node: graph.nodes[entry.node]?.name ?? "" }
  }
  return null
}

function leavingEvent(settled: SettledPause, { entry, pause, node }: Found): RunEvent {
  const { iteration, attempt } = entry
  const place = { at: settled.atMs, node, iteration, attempt, pauseId: pause.id }
  if (settled.status === "answered") return { type: "pause-answered", ...place, answer: settled.answer, by: settled.by }
  return { type: pause.kind === "timer" ? "timer-fired" : "pause-expired", ...place }
}

/** Hands a claimed run what was brought to it, and lets it go on where it is at rest. */
export function resumeWith(segment: Segment, settled: readonly SettledPause[], atMs: number): void {
  const { state } = segment
  const fresh = settled.filter(({ pauseId }) => findWaiting(segment, pauseId) !== null)
  const [first] = fresh
  const isTurn = segment.threadId !== null
  const taken = isTurn ? fresh.filter(({ responseId }) => responseId === first?.responseId) : fresh
  segment.settled.push(...taken)
  segment.hasMoreSettled = taken.length < fresh.length
  if (state.isAtRest)
    segment.take({
      type: "run-resumed",
      at: atMs,
      responseId: first?.responseId ?? null,
      userMessageId: first?.messageId ?? null,
    })
}

/** Lets a run come to rest. Throws what saving throws. */
export async function comeToRest(segment: Segment, workshop: Workshop): Promise<void> {
  segment.settleShown()
  const { state } = segment
  const atMs = workshop.clock.nowMs()
  const stopReason = stopReasonOf(state)
  const rest: RunRest = {
    atMs,
    wakeAtMs: segment.hasMoreSettled ? atMs : wakeAtOf(state),
    usage: state.usage,
    result: resultOf(segment, { atMs, stopReason }),
    responseId: state.responseId as Id<"response"> | null,
  }
  const messageId = state.lastMessageId
  await segment.rest({ type: "run-waiting", at: atMs, stopReason, usage: state.usage, messageId }, rest)
}

/** A turn that waits for nothing but the client's tools ends with their calls. */
function stopReasonOf(state: RunState): "input_required" | "tool_calls" {
  return openPausesOf(state).every(({ kind }) => kind === "tool") ? "tool_calls" : "input_required"
}

function wakeAtOf(state: RunState): number | null {
  const times = openPausesOf(state).flatMap(({ expiresAtMs }) => expiresAtMs ?? [])
  return times.length === 0 ? null : Math.min(...times)
}

function resultOf(
  { state, traceId }: Segment,
  { atMs, stopReason }: { readonly atMs: number; readonly stopReason: "input_required" | "tool_calls" },
): RunResult {
  const said = [state.reply, state.shown].filter((text) => text !== null && text !== "")
  return {
    node: null,
    messageId: state.lastMessageId,
    text: state.created?.turn == null ? null : said.join("\n\n"),
    stopReason,
    model: state.lastModel,
    isSummarized: state.isSummarized,
    pauses: openPausesOf(state),
    failure: null,
    error: null,
    cancelCause: null,
    traceId,
    endedAtMs: atMs,
  }
}
