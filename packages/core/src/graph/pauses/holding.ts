/** How executions stand aside for their pauses and come back: the planner's rules about waiting (P8 of `plan.ts`). */
import type { ExecutionKey, PauseLeft, PauseOpened, TimerSet } from "../events.ts"
import type { Graph } from "../graph.ts"
import type { Current, RunState } from "../run-state.ts"
import type { PauseOutcome, RunPause } from "./pause.ts"

/** Whether an execution waits with whose pauses this event fits: another one of it was opened, or an open one was left. */
export function waitsFor(graph: Graph, state: RunState, event: PauseOpened | TimerSet | PauseLeft): boolean {
  const entry = state.waiting[placeOf(graph, state, event)]
  const known = entry?.pauses.find(({ id }) => id === event.pauseId)
  if (event.type === "pause-opened" || event.type === "timer-set") return entry !== undefined && known === undefined
  return known?.outcome === null
}

function placeOf(graph: Graph, state: RunState, key: ExecutionKey): number {
  const ordinal = graph.ordinalByName.get(key.node)
  return state.waiting.findIndex(
    ({ node, iteration, attempt }) => node === ordinal && iteration === key.iteration && attempt === key.attempt,
  )
}

/** The execution under way stands aside for a pause; one that does already has one more to wait for. */
export function openPause(graph: Graph, state: RunState, event: PauseOpened | TimerSet): RunState {
  const pause = pauseOf(event)
  const { current } = state
  if (current !== null) {
    const waits: Current = { ...current, openCalls: [], pauses: [...current.pauses, pause] }
    return { ...state, current: null, waiting: [...state.waiting, waits] }
  }
  const entry = state.waiting[placeOf(graph, state, event)]
  if (entry === undefined) return state
  return withEntry(state, entry, { ...entry, pauses: [...entry.pauses, pause] })
}

/** A pause has its outcome. Where it was the last open one of its execution, that is under way again. */
export function leavePause(state: RunState, event: PauseLeft): RunState {
  const place = state.waiting.findIndex(({ pauses }) => pauses.some(({ id }) => id === event.pauseId))
  const entry = state.waiting[place]
  if (entry === undefined) return state
  const outcome = outcomeOf(event)
  const pauses = entry.pauses.map((pause) => (pause.id === event.pauseId ? { ...pause, outcome } : pause))
  const left: Current = { ...entry, pauses }
  if (pauses.some((pause) => pause.outcome === null)) return withEntry(state, entry, left)
  return { ...state, current: left, waiting: state.waiting.filter((known) => known !== entry) }
}

function withEntry(state: RunState, entry: Current, changed: Current): RunState {
  return { ...state, waiting: state.waiting.map((known) => (known === entry ? changed : known)) }
}

function pauseOf(event: PauseOpened | TimerSet): RunPause {
  const { pauseId: id, at: openedAtMs } = event
  if (event.type === "pause-opened") {
    return { ...event.terms, id, openedAtMs, expiresAtMs: event.expiresAt, outcome: null }
  }
  const none = { title: null, message: null, schema: null, choices: null, details: {} }
  return {
    ...none,
    place: "",
    kind: "timer",
    audience: "others",
    id,
    openedAtMs,
    expiresAtMs: event.dueAt,
    outcome: null,
  }
}

function outcomeOf(event: PauseLeft): PauseOutcome {
  if (event.type !== "pause-answered") return { type: "expired", atMs: event.at }
  return { type: "answered", answer: event.answer, by: event.by, atMs: event.at }
}
