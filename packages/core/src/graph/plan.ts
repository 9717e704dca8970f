/**
 * The planner: `advance(graph, state, event, limits) → { state, command }`, total and pure (R2).
 *
 * It owns: which node runs next, what becomes of an outcome, when the run is over. It does not own: evaluating nodes,
 * time, storing, showing.
 *
 * States are drawn in `run-state.ts`. At each moment at most one thing is to be done, so the planner gives one command:
 *
 *     start-node   say so in the log (node-started), with the time
 *     run-node     evaluate or perform the current execution, then node-completed or node-failed
 *     wait         the same, after a pause between tries
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
 *   P7  Executions, items per output and executions of one node are bounded; past a bound the run fails with its code.
 */
import type { CauseCode } from "../errors.ts"
import type { ExecutionKey, Failure, RunEvent } from "./events.ts"
import type { Connection, Graph, GraphNode } from "./graph.ts"
import type { Item, Outputs } from "./items.ts"
import { leadsTo } from "./reach.ts"
import {
  append,
  at,
  type Collecting,
  type Current,
  type Execution,
  emptyLog,
  inputsOf,
  type Pending,
  type RunState,
  runsOf,
  type Source,
  type Stack,
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

/** What is to be done next. */
export type Command =
  | ({ readonly type: "start-node" } & ExecutionKey)
  | ({ readonly type: "run-node" } & ExecutionKey)
  | { readonly type: "wait"; readonly waitMs: number; readonly then: ExecutionKey }
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
    log: emptyLog(),
    byNode: graph.nodes.map(() => emptyLog<Execution>()),
    usage: noUsage,
    modelCalls: 0,
    lastModel: null,
    lastFinish: null,
    shown: "",
  }
}

/** Takes one event into the state and says what is to be done next. */
export function advance(graph: Graph, state: RunState, event: RunEvent, limits: PlanLimits): Step {
  if (state.end !== null) return { state, command: nothing }
  switch (event.type) {
    case "run-created":
      return { state: { ...state, created: event }, command: nothing }
    case "run-started":
      return begin(graph, state, event.at)
    case "node-started":
      return takeUp(graph, state, event)
    case "node-completed":
      return settle(graph, state, event, limits)
    case "node-failed":
      return recover(graph, state, event, limits)
    default:
      return { state: note(state, event), command: nothing }
  }
}

/** Folds events from the beginning; the step's command is what the last of them asked for. */
export function fold(graph: Graph, events: Iterable<RunEvent>, limits: PlanLimits): Step {
  let step: Step = { state: initialState(graph), command: nothing }
  for (const event of events) {
    const next = advance(graph, step.state, event, limits)
    // Text, calls and resets say how an execution goes on; what was to be done stays to be done.
    step = next.command.type === "none" && next.state.end === null ? { state: next.state, command: step.command } : next
  }
  return step
}

function begin(graph: Graph, state: RunState, atMs: number): Step {
  if (state.created === null || state.startedAtMs !== null) return { state, command: nothing }
  const started: RunState = { ...state, startedAtMs: atMs }
  const ordinal = graph.ordinalByName.get(state.created.start)
  if (ordinal === undefined) return fail(started, "NO_START_NODE", "The workflow has no node at which it could start.")
  return {
    state: { ...started, ready: push(null, { node: ordinal, sources: [], attempt: 1 }) },
    command: startCommand(graph, started, ordinal, 1),
  }
}

function takeUp(graph: Graph, state: RunState, event: Extract<RunEvent, { type: "node-started" }>): Step {
  const { ready } = state
  const ordinal = graph.ordinalByName.get(event.node)
  const key: ExecutionKey = { node: event.node, iteration: event.iteration, attempt: event.attempt }
  if (state.current !== null) {
    // The next attempt of the execution under way: after a failed try, or after a crash in the middle of it. Calls
    // that were completed stay completed; a failed try begins anew.
    if (state.current.node !== ordinal || event.attempt <= state.current.attempt) return { state, command: nothing }
    const current: Current = { ...state.current, attempt: event.attempt, openCall: null }
    return { state: { ...state, current }, command: { type: "run-node", ...key } }
  }
  if (ready === null || ready.top.node !== ordinal) return { state, command: nothing }
  const current: Current = {
    ...ready.top,
    attempt: event.attempt,
    iteration: event.iteration,
    startedAtMs: event.at,
    calls: [],
    children: [],
    openCall: null,
  }
  return { state: { ...state, ready: ready.below, current }, command: { type: "run-node", ...key } }
}

function settle(
  graph: Graph,
  state: RunState,
  event: Extract<RunEvent, { type: "node-completed" }>,
  limits: PlanLimits,
): Step {
  const current = state.current
  const node = current === null ? undefined : graph.nodes[current.node]
  if (current === null || node === undefined || node.name !== event.node) return { state, command: nothing }
  const outcome: Outcome = { outputs: event.outputs, memory: event.memory ?? null, error: null, atMs: event.at }
  return goOn(graph, close(state, current, outcome), node, limits)
}

function recover(
  graph: Graph,
  state: RunState,
  event: Extract<RunEvent, { type: "node-failed" }>,
  limits: PlanLimits,
): Step {
  const current = state.current
  const node = current === null ? undefined : graph.nodes[current.node]
  if (current === null || node === undefined || node.name !== event.node) return { state, command: nothing }
  if (event.retryable && current.attempt < node.tries.max) {
    const then = { node: node.name, iteration: current.iteration, attempt: current.attempt + 1 }
    const again: Current = { ...current, calls: [], children: [] }
    return { state: { ...state, current: again }, command: { type: "wait", waitMs: node.tries.waitMs, then } }
  }
  if (node.onError === "stopWorkflow") {
    const closed = close(state, current, { outputs: [], memory: null, error: event.error, atMs: event.at })
    return { state: closed, command: { type: "fail", failure: { ...event.error, node: node.name } } }
  }
  const outputs = errorOutputs(node, inputsOf(state, current.sources), event.error)
  return goOn(graph, close(state, current, { outputs, memory: null, error: null, atMs: event.at }), node, limits)
}

/** What a node that failed as a whole puts out where `onError` lets the run go on (recorded outcomes). */
function errorOutputs(node: GraphNode, inputs: readonly (readonly Item[])[], error: Failure): Outputs {
  if (node.onError === "continueRegularOutput") return [[{ json: { error: error.message }, pairedItem: { item: 0 } }]]
  const failed = (inputs[0] ?? []).map((item, index) => ({
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

/** After an execution ended well: bounds, deliveries to successors, then the next command. */
function goOn(graph: Graph, state: RunState, node: GraphNode, limits: PlanLimits): Step {
  const execution = at(state.log, -1)
  if (execution === undefined) return { state, command: nothing }
  const passed = boundPassed(state, execution, limits)
  if (passed !== null) return fail(state, passed.code, passed.message, node.name)
  return next(graph, deliver(graph, state, execution))
}

function boundPassed(
  state: RunState,
  execution: Execution,
  limits: PlanLimits,
): { code: CauseCode; message: string } | null {
  if (execution.outputs.some((items) => items.length > limits.itemsMax)) {
    return { code: "RUN_ITEMS_EXCEEDED", message: `A node may put out at most ${limits.itemsMax} items at a time.` }
  }
  if (state.log.length >= limits.executionsMax) {
    return { code: "RUN_EXECUTIONS_EXCEEDED", message: `A run may execute at most ${limits.executionsMax} nodes.` }
  }
  if (execution.iteration + 1 >= limits.loopsMax) {
    return { code: "RUN_LOOPS_EXCEEDED", message: `A node may run at most ${limits.loopsMax} times in one run.` }
  }
  return null
}

/** Hands the outputs of an execution to the nodes behind it (P3, P4, P5). */
function deliver(graph: Graph, state: RunState, execution: Execution): RunState {
  const arrivals: { pending: Pending; node: GraphNode }[] = []
  let collecting = state.collecting
  for (const connection of graph.outgoing[execution.node] ?? []) {
    const target = graph.nodes[connection.to]
    if (target === undefined) continue
    const count = execution.outputs[connection.output]?.length ?? 0
    const source: Source = { node: execution.node, iteration: execution.iteration, output: connection.output }
    const inputs = connectedInputs(graph, connection.to)
    if (inputs === 1) {
      if (count > 0) arrivals.push({ pending: { node: connection.to, sources: [source], attempt: 1 }, node: target })
      continue
    }
    if (count === 0 && connection.input === 0) continue
    const collected = collect(collecting, connection, source, inputs)
    collecting = collected.collecting
    if (collected.complete !== null) arrivals.push({ pending: collected.complete, node: target })
  }
  return { ...state, collecting, ready: pushAll(state.ready, arrivals) }
}

/** How many inputs of a node are counted: up to the last one that something is connected to. */
function connectedInputs(graph: Graph, ordinal: number): number {
  let last = 0
  for (const connection of graph.incoming[ordinal] ?? []) if (connection.input > last) last = connection.input
  return last + 1
}

type Collected = { collecting: readonly Collecting[]; complete: Pending | null }

function collect(collecting: readonly Collecting[], connection: Connection, source: Source, inputs: number): Collected {
  const place = collecting.findIndex(
    (entry) => entry.node === connection.to && entry.sources[connection.input] === undefined,
  )
  const before = collecting[place]?.sources ?? new Array<undefined>(inputs).fill(undefined)
  const sources = before.map((known, input) => (input === connection.input ? source : known))
  if (sources.every((known) => known !== undefined)) {
    return {
      collecting: place < 0 ? collecting : collecting.filter((_, index) => index !== place),
      complete: { node: connection.to, sources, attempt: 1 },
    }
  }
  const entry: Collecting = { node: connection.to, sources }
  const rest = place < 0 ? [...collecting, entry] : collecting.map((known, index) => (index === place ? entry : known))
  return { collecting: rest, complete: null }
}

function pushAll(ready: Stack, arrivals: { pending: Pending; node: GraphNode }[]): Stack {
  // Pushed from the lowest place to the highest, so that the highest is on top; the sort is stable, so of two at one
  // place the later one is pushed later and goes first.
  if (arrivals.length > 1) {
    arrivals.sort((a, b) => b.node.position.y - a.node.position.y || b.node.position.x - a.node.position.x)
  }
  let stack = ready
  for (const { pending } of arrivals) stack = push(stack, pending)
  return stack
}

/** What is to be done when nothing is under way. */
function next(graph: Graph, state: RunState): Step {
  const { ready } = state
  if (ready !== null) {
    return { state, command: startCommand(graph, state, ready.top.node, ready.top.attempt) }
  }
  if (state.collecting.length === 0) {
    const last = at(state.log, -1)
    const node = last === undefined ? null : (graph.nodes[last.node]?.name ?? null)
    const items = last?.outputs.find((output) => output.length > 0) ?? []
    return { state, command: { type: "complete", node, items } }
  }
  const chosen = chooseCollecting(graph, state.collecting)
  const collecting = state.collecting.filter((entry) => entry !== chosen)
  const sources = chosen.sources.map((source) => source ?? null)
  const empty = inputsOf(state, sources).every((items) => items.length === 0)
  // A node that gets no items does not run.
  if (empty) return next(graph, { ...state, collecting })
  return next(graph, { ...state, collecting, ready: push(null, { node: chosen.node, sources, attempt: 1 }) })
}

/** P4: the first by position among those that no other waiting node leads to; among equals the one that came first. */
function chooseCollecting(graph: Graph, collecting: readonly Collecting[]): Collecting {
  const free = collecting.filter(
    (entry) => !collecting.some((other) => other.node !== entry.node && leadsTo(graph, other.node, entry.node)),
  )
  const candidates = free.length > 0 ? free : collecting
  return candidates.reduce((best, entry) => {
    const a = graph.nodes[best.node]?.position ?? { x: 0, y: 0 }
    const b = graph.nodes[entry.node]?.position ?? { x: 0, y: 0 }
    return b.y < a.y || (b.y === a.y && b.x < a.x) ? entry : best
  })
}

function startCommand(graph: Graph, state: RunState, ordinal: number, attempt: number): Command {
  const node = graph.nodes[ordinal]
  return { type: "start-node", node: node?.name ?? "", iteration: runsOf(state, ordinal), attempt }
}

function fail(state: RunState, code: CauseCode, message: string, node?: string): Step {
  return { state, command: { type: "fail", failure: { code, message, ...(node === undefined ? {} : { node }) } } }
}

function push(below: Stack, top: Pending): Stack {
  return { top, below }
}

/** Events that tell how things go and ask for nothing. */
function note(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case "model-call-started": {
      const current = state.current === null ? null : { ...state.current, openCall: event.call }
      return { ...state, current, modelCalls: state.modelCalls + 1, lastModel: event.model }
    }
    case "model-text":
      return { ...state, shown: state.shown + event.texts.join("") }
    case "model-call-completed":
      return noteCall(state, event)
    case "child-run-started": {
      if (state.current === null) return state
      const children = [...state.current.children, { call: event.call, runId: event.runId }]
      return { ...state, current: { ...state.current, children } }
    }
    case "content-reset":
      return { ...state, shown: "" }
    case "message-added":
      return { ...state, shown: event.streamed ? state.shown : state.shown + event.text }
    case "run-completed":
      return ended(state, event.at, {
        status: "completed",
        node: event.node,
        text: event.text,
        messageId: event.messageId,
        stopReason: event.stopReason,
      })
    case "run-failed":
      return ended(state, event.at, {
        status: "failed",
        failure: event.failure,
        error: event.error,
        messageId: event.messageId,
      })
    case "run-cancelled":
      return ended(state, event.at, { status: "cancelled", cause: event.cause, messageId: event.messageId })
    default:
      return state
  }
}

function noteCall(state: RunState, event: Extract<RunEvent, { type: "model-call-completed" }>): RunState {
  const { call, model, text, toolCalls, finishReason, usage } = event
  const total = {
    inputTokens: state.usage.inputTokens + usage.inputTokens,
    outputTokens: state.usage.outputTokens + usage.outputTokens,
    totalTokens: state.usage.totalTokens + usage.totalTokens,
  }
  const current =
    state.current === null
      ? null
      : {
          ...state.current,
          openCall: null,
          calls: [...state.current.calls, { call, model, text, toolCalls, finishReason, usage }],
        }
  return { ...state, current, usage: total, lastModel: model, lastFinish: finishReason }
}

function ended(state: RunState, atMs: number, end: NonNullable<RunState["end"]>): RunState {
  return { ...state, end, endedAtMs: atMs, ready: null, collecting: [] }
}
