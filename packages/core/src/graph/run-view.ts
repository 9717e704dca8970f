/**
 * A run as people look at it: its nodes with their executions, a pure projection of its events over the graph of its
 * version. Rules of the HTTP contract, §6: one execution per run of a node (its last attempt), nodes in the order of
 * their first execution, `completed` where `onError` let the run go on, nodes that serve another one are not there.
 */
import { itemsOfResult } from "./answer.ts"
import type { ConsoleLine } from "./code/outcome.ts"
import type { ExecutionKey, Failure, RunEvent } from "./events.ts"
import type { Graph } from "./graph.ts"
import type { Item, Outputs } from "./items.ts"
import { fold } from "./plan.ts"
import { at, type Current, type Execution, inputsOf, type RunState } from "./run-state.ts"

/** The status of an execution, and of a node: that of its last execution. */
export type ExecutionStatus = "running" | "waiting" | "completed" | "failed" | "cancelled"

/** One run of a node. */
export type ExecutionView = {
  /** Place in the run's order, from 0. */
  readonly index: number
  /** How often the node had run before. */
  readonly iteration: number
  readonly status: ExecutionStatus
  /** When its first attempt began. */
  readonly startedAtMs: number
  /** Milliseconds from its start to its end, pauses between attempts included; null while it is under way. */
  readonly durationMs: number | null
  /** One list per input. */
  readonly inputs: Outputs
  /** One list per output; empty where it put out nothing. */
  readonly outputs: Outputs
  readonly error: Failure | null
  /** What its code wrote to the console, in its last attempt; absent where it wrote nothing. */
  readonly console?: readonly ConsoleLine[]
}

/** A node that has run, and its executions in order. */
export type NodeView = {
  readonly name: string
  /** The name of its kind, or its type where that is unknown. */
  readonly kind: string
  readonly status: ExecutionStatus
  readonly executions: readonly ExecutionView[]
}

/** The bounds under which a run was planned are facts of its events; here none may cut the fold short. */
const noLimits = {
  executionsMax: Number.POSITIVE_INFINITY,
  itemsMax: Number.POSITIVE_INFINITY,
  loopsMax: Number.POSITIVE_INFINITY,
}

/** The nodes that have run, in the order of their first execution. Any prefix of a run's events is looked at as well. */
export function viewNodes(graph: Graph, events: Iterable<RunEvent>): readonly NodeView[] {
  const consoles: Consoles = new Map()
  const { state } = fold({ graph, limits: noLimits }, gatherConsoles(events, consoles))
  const consoleOf = ({ node, iteration, attempt }: Execution | Current) => {
    const lines = consoles.get(consoleKey({ node: graph.nodes[node]?.name ?? "", iteration, attempt }))
    return lines === undefined ? {} : { console: lines }
  }
  const executions = new Map<number, ExecutionView[]>()
  const add = (node: number, view: ExecutionView): void => {
    const known = executions.get(node)
    if (known === undefined) executions.set(node, [view])
    else known.push(view)
  }
  for (let index = 0; index < state.log.length; index += 1) {
    const execution = at(state.log, index)
    if (execution !== undefined) add(execution.node, { ...viewEnded(state, execution), ...consoleOf(execution) })
  }
  const { current } = state
  const underWay = current === null ? state.waiting : [...state.waiting, current]
  for (const [place, entry] of underWay.entries()) {
    const index = state.log.length + place
    add(entry.node, { ...viewUnderWay(graph, state, entry), index, ...consoleOf(entry) })
  }
  return [...executions].map(([ordinal, views]) => viewNode(graph, ordinal, views))
}

/** The items that a run gives, from its events: see `itemsOfResult`. */
export function viewItems(graph: Graph, events: Iterable<RunEvent>, name: string | null): readonly Item[] {
  return itemsOfResult(graph, fold({ graph, limits: noLimits }, events).state, name)
}

type Consoles = Map<string, readonly ConsoleLine[]>

function consoleKey({ node, iteration, attempt }: ExecutionKey): string {
  return JSON.stringify([node, iteration, attempt])
}

/** The events as they are; what code wrote is no part of the run's state, and is noted in passing. */
function* gatherConsoles(events: Iterable<RunEvent>, consoles: Consoles): Generator<RunEvent> {
  for (const event of events) {
    if (event.type === "code-logged") {
      const key = consoleKey(event)
      consoles.set(key, [...(consoles.get(key) ?? []), ...event.lines])
    }
    yield event
  }
}

function viewNode(graph: Graph, ordinal: number, executions: readonly ExecutionView[]): NodeView {
  const node = graph.nodes[ordinal]
  const last = executions.at(-1)
  if (node === undefined || last === undefined) throw new Error("an execution of a node that does not exist")
  return { name: node.name, kind: node.kind ?? node.type, status: last.status, executions }
}

function viewEnded(state: RunState, execution: Execution): ExecutionView {
  return {
    index: execution.index,
    iteration: execution.iteration,
    status: execution.status,
    startedAtMs: execution.startedAtMs,
    durationMs: execution.endedAtMs - execution.startedAtMs,
    inputs: inputsOf(state, execution.sources),
    outputs: execution.outputs,
    error: execution.error,
  }
}

/** An execution that is under way or waits, or did when the run ended. */
function viewUnderWay(graph: Graph, state: RunState, current: Current): Omit<ExecutionView, "index"> {
  const { end, endedAtMs } = state
  // A run can fail for reasons of its own (its wall time) while a node is at work; the failure is then that node's,
  // unless it names another one.
  const failure = end?.status === "failed" ? end.failure : null
  const isOwn =
    failure !== null && (failure.node ?? graph.nodes[current.node]?.name) === graph.nodes[current.node]?.name
  return {
    iteration: current.iteration,
    status: end === null ? (state.current === current ? "running" : "waiting") : isOwn ? "failed" : "cancelled",
    startedAtMs: current.startedAtMs,
    durationMs: endedAtMs === null ? null : endedAtMs - current.startedAtMs,
    inputs: inputsOf(state, current.sources),
    outputs: [],
    error: isOwn ? failure : null,
  }
}
