/**
 * The planner: `advance(plan, state, event) → { state, command }`, total and pure (R2).
 *
 * It owns: which node runs next, what becomes of an outcome, when the run is over. It does not own: evaluating nodes,
 * time, storing, showing.
 *
 * States are drawn in `run-state.ts`. At each moment at most one thing is to be done, so the planner gives one command:
 *
 *     start-node   say so in the log (node-started), with the time
 *     run-node     evaluate or perform the current execution, then node-completed or node-failed
 *     wait         the same, after a pause between tries
 *     wait-run     nothing is left to do but to wait: take up what was brought meanwhile, or come to rest
 *     complete     nothing is left to do: run-completed
 *     fail         a node failed for good or a bound was passed: run-failed
 *     none         the event asks for nothing (text of a call under way), or the run is over
 *
 * Invariants
 *   P1  The same events give the same state and commands; any prefix of events folds.
 *   P2  One execution is under way at a time (R3); `current` is it.
 *   P3  Order v1: successors are taken depth first, by position (top to bottom, then left to right); of two
 *       deliveries to nodes at one place the one from the later output goes first (recorded outcomes).
 *   P4  A node with several connected inputs waits until each has been delivered to. When nothing else is ready, the
 *       first of the waiting nodes that no other waiting node leads to runs with what it has.
 *   P5  A delivery without items starts nothing; to an input after the first of a waiting node it counts as "came,
 *       empty" (recorded outcomes).
 *   P6  An event that does not fit the state changes nothing. Events after the end change nothing.
 *   P8  An execution that opened a pause stands aside until each of its pauses has an outcome; what is ready goes on
 *       meanwhile (R3). A node with several inputs that it may still lead to waits with it.
 *   P7  Executions, items per output and executions of one node are bounded; past a bound the run fails with its code.
 */
import { chooseCollecting, deliver, push } from "./deliver.ts"
import type { ExecutionKey, Failure, PauseLeft, RunEvent } from "./events.ts"
import type { Graph, GraphNode } from "./graph.ts"
import type { Item, Outputs } from "./items.ts"
import { narrate } from "./narration.ts"
import { leavePause, openPause, waitsFor } from "./pauses/holding.ts"
import {
  append,
  at,
  type Current,
  type Execution,
  emptyLog,
  inputsOf,
  isSameCall,
  isSameTool,
  nextIteration,
  type RunState,
} from "./run-state.ts"

/** The bounds that the planner keeps, each a setting. */
export type PlanLimits = {
  /** Executions of nodes in one run. */
  readonly executionsMax: number
  /** Items on one output of one execution. */
  readonly itemsMax: number
  /** Executions of one node in one run. */
  readonly loopsMax: number
}

/** What a run is planned by: the same for all its events. */
export type Plan = { readonly graph: Graph; readonly limits: PlanLimits }

/** What is to be done next. */
export type Command =
  | ({ readonly type: "start-node" } & ExecutionKey)
  | ({ readonly type: "run-node" } & ExecutionKey)
  | { readonly type: "wait"; readonly waitMs: number; readonly then: ExecutionKey }
  | { readonly type: "wait-run" }
  | { readonly type: "complete"; readonly node: string | null; readonly items: readonly Item[] }
  | { readonly type: "fail"; readonly failure: Failure }
  | { readonly type: "none" }

/** A step of the plan. */
export type Step = { readonly state: RunState; readonly command: Command }

const nothing: Command = { type: "none" }
const noUsage = { inputTokens: 0, outputTokens: 0, totalTokens: 0 }

/** The state before any event. */
export function initialState(graph: Graph): RunState {
  return {
    created: null,
    startedAtMs: null,
    endedAtMs: null,
    end: null,
    ready: null,
    collecting: [],
    current: null,
    waiting: [],
    isAtRest: false,
    instantMs: null,
    responseId: null,
    log: emptyLog(),
    byNode: graph.nodes.map(() => emptyLog<Execution>()),
    usage: noUsage,
    hasEffects: false,
    isSummarized: false,
    lastModel: null,
    lastFinish: null,
    shown: "",
    shownBeforeCall: 0,
    reply: null,
    hasReplied: false,
    lastMessageId: null,
    nextOrdinal: 0,
  }
}

/** Takes one event into the state and says what is to be done next. */
export function advance(plan: Plan, state: RunState, event: RunEvent): Step {
  if (!fits(plan.graph, state, event)) return { state, command: nothing }
  switch (event.type) {
    case "run-created":
      return { state: created(state, event), command: nothing }
    case "run-started":
      return begin(plan, state, event)
    case "node-started":
      return takeUp(plan, state, event)
    case "node-completed":
      return settle(plan, state, event)
    case "node-failed":
      return recover(plan, state, event)
    case "pause-opened":
    case "timer-set":
      return next(plan, openPause(plan.graph, state, event))
    case "pause-answered":
    case "pause-expired":
    case "timer-fired":
      return goOnWith(plan, state, event)
    default:
      return { state: narrate(state, event), command: nothing }
  }
}

/** Folds events from the beginning; the step's command is what the last of them asked for. */
export function fold(plan: Plan, events: Iterable<RunEvent>): Step {
  let step: Step = { state: initialState(plan.graph), command: nothing }
  for (const event of events) {
    const next = advance(plan, step.state, event)
    // Text, calls and resets say how an execution goes on; what was to be done stays to be done.
    step = next.command.type === "none" && next.state.end === null ? { state: next.state, command: step.command } : next
  }
  return step
}

/** P6: whether the event says something that can have happened now. */
function fits(graph: Graph, state: RunState, event: RunEvent): boolean {
  if (state.end !== null || (state.created === null) !== (event.type === "run-created")) return false
  const { current, startedAtMs } = state
  if (state.isAtRest) return ["run-resumed", "run-failed", "run-cancelled"].includes(event.type)
  switch (event.type) {
    case "run-created":
    case "run-failed":
    case "run-cancelled":
      return true
    case "run-started":
      return startedAtMs === null
    case "node-started":
    case "content-reset":
    case "message-added":
      return startedAtMs !== null
    case "run-completed":
      return isIdle(state) && state.waiting.length === 0 && state.collecting.length === 0
    case "run-waiting":
      return isIdle(state) && state.waiting.length > 0
    case "run-resumed":
      return false
    case "pause-opened":
    case "timer-set":
      return isUnderWay(graph, current, event) || (current === null && waitsFor(graph, state, event))
    case "pause-answered":
    case "pause-expired":
    case "timer-fired":
      return current === null && waitsFor(graph, state, event)
    case "model-text":
    case "model-call-completed":
      return isUnderWay(graph, current, event) && current?.openCalls.some((open) => isSameCall(open, event)) === true
    case "tool-call-started":
      return isUnderWay(graph, current, event) && current?.tools.every((tool) => !isSameTool(tool, event)) === true
    case "tool-call-completed": {
      const started = current?.tools.find((tool) => isSameTool(tool, event))
      return isUnderWay(graph, current, event) && started?.outcome === null
    }
    case "request-started":
      return (
        isUnderWay(graph, current, event) &&
        !current?.requests.some(({ item, status }) => item === event.item && status !== "failed")
      )
    case "request-completed":
      return (
        isUnderWay(graph, current, event) &&
        current?.requests.some(({ item, status }) => item === event.item && status === "open") === true
      )
    default:
      return isUnderWay(graph, current, event)
  }
}

/** Whether nothing is under way or ready. */
function isIdle({ startedAtMs, current, ready }: RunState): boolean {
  return startedAtMs !== null && current === null && ready === null
}

/** Whether the execution with this key is under way (R4). */
function isUnderWay(graph: Graph, current: Current | null, key: ExecutionKey): boolean {
  if (current === null || graph.nodes[current.node]?.name !== key.node) return false
  return current.iteration === key.iteration && current.attempt === key.attempt
}

function created(state: RunState, event: Extract<RunEvent, { type: "run-created" }>): RunState {
  const { at: instantMs, turn } = event
  const nextOrdinal = (turn?.messageOrdinal ?? 0) + 1
  return { ...state, created: event, instantMs, responseId: turn?.responseId ?? null, nextOrdinal }
}

/** A pause was left (P8): once no other of its execution is open, that goes on. */
function goOnWith(plan: Plan, state: RunState, event: PauseLeft): Step {
  const left = leavePause(state, event)
  const { current } = left
  if (current === null) return next(plan, left)
  const { node, iteration } = event
  return { state: left, command: { type: "run-node", node, iteration, attempt: current.attempt } }
}

function begin(plan: Plan, state: RunState, event: Extract<RunEvent, { type: "run-started" }>): Step {
  const started: RunState = { ...state, startedAtMs: event.at }
  const ordinal = plan.graph.ordinalByName.get(state.created?.start ?? "")
  if (ordinal === undefined) {
    return fail(started, { code: "NO_START_NODE", message: "The workflow has no node at which it could start." })
  }
  return startNext(plan, { ...started, ready: push(null, { node: ordinal, sources: [], attempt: 1 }) })
}

function takeUp({ graph }: Plan, state: RunState, event: Extract<RunEvent, { type: "node-started" }>): Step {
  const { ready } = state
  const ordinal = graph.ordinalByName.get(event.node)
  const key: ExecutionKey = { node: event.node, iteration: event.iteration, attempt: event.attempt }
  if (state.current !== null) {
    // The next attempt of the execution under way: after a failed try, or after a crash in the middle of it.
    const isNext = state.current.node === ordinal && state.current.iteration === event.iteration
    if (!isNext || event.attempt <= state.current.attempt) return { state, command: nothing }
    const current: Current = { ...state.current, attempt: event.attempt, openCalls: [] }
    return { state: { ...state, current }, command: { type: "run-node", ...key } }
  }
  if (ready === null || ready.top.node !== ordinal) return { state, command: nothing }
  if (nextIteration(state, ordinal) !== event.iteration || event.attempt < ready.top.attempt)
    return { state, command: nothing }
  const current: Current = {
    ...ready.top,
    attempt: event.attempt,
    iteration: event.iteration,
    startedAtMs: event.at,
    calls: [],
    tools: [],
    requests: [],
    children: [],
    openCalls: [],
    pauses: [],
  }
  return { state: { ...state, ready: ready.below, current }, command: { type: "run-node", ...key } }
}

function settle(plan: Plan, state: RunState, event: Extract<RunEvent, { type: "node-completed" }>): Step {
  const { current } = state
  const node = current === null ? undefined : plan.graph.nodes[current.node]
  if (current === null || node === undefined) return { state, command: nothing }
  const outcome: Outcome = { outputs: event.outputs, memory: event.memory ?? null, error: null, atMs: event.at }
  return goOn(plan, close(state, current, outcome), node)
}

function recover(plan: Plan, state: RunState, event: Extract<RunEvent, { type: "node-failed" }>): Step {
  const { current } = state
  const node = current === null ? undefined : plan.graph.nodes[current.node]
  if (current === null || node === undefined) return { state, command: nothing }
  if (event.retryable && current.attempt < node.tries.max) {
    const then = { node: node.name, iteration: current.iteration, attempt: current.attempt + 1 }
    // What was achieved stays: a completed call is never made again, also not by another try.
    const again: Current = { ...current, openCalls: [] }
    return { state: { ...state, current: again }, command: { type: "wait", waitMs: node.tries.waitMs, then } }
  }
  // What nobody knows the outcome of is for a person to judge, whatever the node says of failures.
  if (node.onError === "stopWorkflow" || event.error.code === "NODE_OUTCOME_UNKNOWN") {
    const closed = close(state, current, { outputs: [], memory: null, error: event.error, atMs: event.at })
    return { state: closed, command: { type: "fail", failure: { ...event.error, node: node.name } } }
  }
  const outputs = errorOutputs(node, inputsOf(state, current.sources), event.error)
  return goOn(plan, close(state, current, { outputs, memory: null, error: null, atMs: event.at }), node)
}

/** What a node that failed as a whole puts out where `onError` lets the run go on (recorded outcomes). */
function errorOutputs(node: GraphNode, inputs: readonly (readonly Item[])[], error: Failure): Outputs {
  if (node.onError === "continueRegularOutput") return [[{ json: { error: error.message }, pairedItem: { item: 0 } }]]
  const taken = node.executeOnce ? inputs[0]?.slice(0, 1) : inputs[0]
  const failed = (taken ?? []).map((item, index) => ({
    json: { ...item.json, error: error.message },
    pairedItem: { item: index },
  }))
  // The error output is the one after the node's own; a node that failed as a whole put nothing on those.
  return [...Array.from({ length: node.outputs }, () => []), failed]
}

type Outcome = { outputs: Outputs; memory: Execution["memory"]; error: Failure | null; atMs: number }

function close(state: RunState, current: Current, outcome: Outcome): RunState {
  const execution: Execution = {
    index: state.log.length,
    node: current.node,
    iteration: current.iteration,
    attempt: current.attempt,
    status: outcome.error === null ? "completed" : "failed",
    sources: current.sources,
    outputs: outcome.outputs,
    memory: outcome.memory,
    error: outcome.error,
    startedAtMs: current.startedAtMs,
    endedAtMs: outcome.atMs,
  }
  const byNode = state.byNode.slice()
  byNode[current.node] = append(state.byNode[current.node] ?? emptyLog(), execution)
  return { ...state, current: null, log: append(state.log, execution), byNode }
}

/** After an execution ended well: the bound of its outputs, deliveries to successors, then the next command. */
function goOn(plan: Plan, state: RunState, node: GraphNode): Step {
  const { graph, limits } = plan
  const execution = at(state.log, -1)
  if (execution === undefined) return { state, command: nothing }
  if (execution.outputs.some((items) => items.length > limits.itemsMax)) {
    const message = `A node may put out at most ${limits.itemsMax} items at a time.`
    return fail(state, { code: "RUN_ITEMS_EXCEEDED", message, node: node.name })
  }
  return next(plan, deliver(graph, state, execution))
}

/** What is to be done when nothing is under way. */
function next(plan: Plan, state: RunState): Step {
  if (state.ready !== null) return startNext(plan, state)
  let { collecting } = state
  for (let chosen = chooseCollecting(plan.graph, collecting, state.waiting); chosen !== null; ) {
    const { node, sources: known } = chosen
    collecting = collecting.filter((entry) => entry !== chosen)
    const sources = known.map((source) => source ?? null)
    // A node that gets no items does not run.
    const hasItems = inputsOf(state, sources).some((items) => items.length > 0)
    if (hasItems) return startNext(plan, { ...state, collecting, ready: push(null, { node, sources, attempt: 1 }) })
    chosen = chooseCollecting(plan.graph, collecting, state.waiting)
  }
  const done: RunState = collecting === state.collecting ? state : { ...state, collecting }
  if (state.waiting.length > 0) return { state: done, command: { type: "wait-run" } }
  return { state: done, command: completion(plan.graph, done) }
}

/** The output of a run is that of the last node that ran: the first of its outputs that has items. */
function completion(graph: Graph, state: RunState): Command {
  const last = at(state.log, -1)
  const node = last === undefined ? null : (graph.nodes[last.node]?.name ?? null)
  return { type: "complete", node, items: last?.outputs.find((output) => output.length > 0) ?? [] }
}

/** The top of the ready stack is to be started, if the bounds of the run allow one execution more (P7). */
function startNext({ graph, limits }: Plan, state: RunState): Step {
  const top = state.ready?.top
  const node = top === undefined ? undefined : graph.nodes[top.node]
  if (top === undefined || node === undefined) return { state, command: nothing }
  const iteration = nextIteration(state, top.node)
  if (state.log.length + state.waiting.length >= limits.executionsMax) {
    const message = `A run may execute at most ${limits.executionsMax} nodes.`
    return fail(state, { code: "RUN_EXECUTIONS_EXCEEDED", message, node: node.name })
  }
  if (iteration >= limits.loopsMax) {
    const message = `A node may run at most ${limits.loopsMax} times in one run.`
    return fail(state, { code: "RUN_LOOPS_EXCEEDED", message, node: node.name })
  }
  return { state, command: { type: "start-node", node: node.name, iteration, attempt: top.attempt } }
}

function fail(state: RunState, failure: Failure): Step {
  return { state, command: { type: "fail", failure } }
}
