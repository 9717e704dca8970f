/**
 * Runs as the planner alone sees them, for tests: what nodes put out is said by the test, nothing is evaluated. Everything
 * that happened is kept: events, the state after each, and the order in short lines.
 */
import type { CauseCode } from "../errors.ts"
import type { ExecutionKey, RunCreated, RunEvent } from "../graph/events.ts"
import type { Graph } from "../graph/graph.ts"
import type { Item } from "../graph/items.ts"
import { advance, type Command, initialState, type Plan, type PlanLimits, type Step } from "../graph/plan.ts"
import { readDefinition } from "../graph/read.ts"
import { at, type Execution, inputsOf, type Log, type RunState } from "../graph/run-state.ts"
import type { JsonObject, JsonValue } from "../json.ts"

/**
 * What an execution gives: how many items on each output, or that it failed. A failure may be tried again unless
 * `retryable` is false.
 */
export type PlannedOutcome =
  | { readonly counts: readonly number[]; readonly memory?: JsonValue }
  | { readonly fails: CauseCode; readonly retryable?: boolean }

/** What a test says about a run. Bounds that are not said are wide. */
export type PlannedRun = {
  readonly definition: JsonObject
  /** Where it starts; the first node if nothing is said. */
  readonly start?: string
  readonly limits?: Partial<PlanLimits>
  /** By the key of the execution and how many items it got on each input. Nothing: as many on output 0 as it got in all. */
  readonly outcome?: (key: ExecutionKey, received: readonly number[]) => PlannedOutcome | undefined
  /** Stop after so many events, without the run having ended. */
  readonly eventsMax?: number
}

/** What came of it. */
export type PlannedOutput = {
  readonly graph: Graph
  readonly plan: Plan
  readonly events: readonly RunEvent[]
  /** The step after each event. */
  readonly steps: readonly Step[]
  /** The names of the nodes that have run, in order. */
  readonly order: readonly string[]
  /** The same with the sources of each input: `M < A, B:1, -` got items of A's output 0, of B's output 1, and nothing. */
  readonly lines: readonly string[]
  readonly command: Command
  readonly state: RunState
}

const wide: PlanLimits = { executionsMax: 1_000, itemsMax: 1_000, loopsMax: 1_000 }

/** The first event of a run that starts at this node. */
export function createdEvent(start: string, fields: Partial<RunCreated> = {}): RunCreated {
  return {
    type: "run-created",
    v: 1,
    at: 1,
    traceId: "trace",
    mode: "production",
    workflowId: null,
    workflowVersion: null,
    start,
    items: [{ json: { from: "outside" } }],
    seed: 7,
    depth: 0,
    turn: null,
    ...fields,
  }
}

/** Plays a run to its end. Throws where it does not end within a great many events. */
export function playRun(run: PlannedRun): PlannedOutput {
  const { graph } = readDefinition(run.definition)
  return playGraph(graph, run)
}

/** The same for a graph that was read already. */
export function playGraph(graph: Graph, run: Omit<PlannedRun, "definition">): PlannedOutput {
  const plan: Plan = { graph, limits: { ...wide, ...run.limits } }
  const events: RunEvent[] = []
  const steps: Step[] = []
  let step: Step = { state: initialState(graph), command: { type: "none" } }
  const take = (event: RunEvent): void => {
    step = advance(plan, step.state, event)
    events.push(event)
    steps.push(step)
  }
  take(createdEvent(run.start ?? graph.nodes[0]?.name ?? ""))
  take({ type: "run-started", at: 2 })
  while (events.length < (run.eventsMax ?? 100_000)) {
    const event = nextEvent(step, { run, atMs: events.length + 1 })
    if (event === null) break
    take(event)
  }
  if (run.eventsMax === undefined && !["complete", "fail"].includes(step.command.type)) {
    throw new Error(`the run did not end: ${step.command.type}`)
  }
  const executions = executionsOf(step.state)
  return {
    graph,
    plan,
    events,
    steps,
    order: executions.map(({ node }) => graph.nodes[node]?.name ?? ""),
    lines: executions.map((execution) => lineOf(graph, execution)),
    command: step.command,
    state: step.state,
  }
}

/** Every execution of a state, in order. */
export function executionsOf({ log }: RunState): Execution[] {
  return Array.from({ length: log.length }, (_, index) => at(log, index)).filter((entry) => entry !== undefined)
}

/** A state as it can be compared: logs are shared between states, and only so much of each belongs to this one. */
export function comparable(state: RunState): object {
  const entriesOf = <Entry>(log: Log<Entry>): readonly Entry[] => log.entries.slice(0, log.length)
  return { ...state, log: entriesOf(state.log), byNode: state.byNode.map(entriesOf) }
}

/** The event that does what the command says; null where nothing is to be done any more. */
export function nextEvent(
  { state, command }: Step,
  { run, atMs }: { readonly run: Pick<PlannedRun, "outcome">; readonly atMs: number },
): RunEvent | null {
  if (command.type === "start-node" || command.type === "wait") {
    const { node, iteration, attempt } = command.type === "wait" ? command.then : command
    return { type: "node-started", at: atMs, node, iteration, attempt }
  }
  if (command.type !== "run-node" || state.current === null) return null
  const { node, iteration, attempt } = command
  const key = { node, iteration, attempt }
  const received = inputsOf(state, state.current.sources).map((items) => items.length)
  const told = run.outcome?.(key, received) ?? { counts: [received.reduce((sum, count) => sum + count, 0)] }
  if ("fails" in told) {
    const error = { code: told.fails, message: `${key.node} failed` }
    return { type: "node-failed", at: atMs, ...key, error, retryable: told.retryable ?? true }
  }
  const outputs = told.counts.map((count, output) => Array.from({ length: count }, (_, n) => itemOf(key, output, n)))
  return {
    type: "node-completed",
    at: atMs,
    ...key,
    outputs,
    ...(told.memory === undefined ? {} : { memory: told.memory }),
  }
}

function itemOf({ node, iteration }: ExecutionKey, output: number, place: number): Item {
  return { json: { from: `${node}#${iteration}:${output}`, place }, pairedItem: { item: 0 } }
}

function lineOf(graph: Graph, { node, sources }: Execution): string {
  const nameOf = (ordinal: number): string => graph.nodes[ordinal]?.name ?? ""
  const from = sources.map((source) => {
    if (source === null) return "-"
    const iteration = source.iteration === 0 ? "" : `#${source.iteration}`
    return `${nameOf(source.node)}${iteration}${source.output === 0 ? "" : `:${source.output}`}`
  })
  return from.length === 0 ? nameOf(node) : `${nameOf(node)} < ${from.join(", ")}`
}
