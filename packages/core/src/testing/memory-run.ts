/**
 * Whole runs in memory, for tests: the planner, the kinds and the expressions, without a server. Nodes that have an effect,
 * or whose kind is not run here, give what the test says that they give.
 */
import { evaluateNode } from "../graph/evaluate-node.ts"
import type { RunEvent } from "../graph/events.ts"
import type { Graph } from "../graph/graph.ts"
import type { Item, Outputs } from "../graph/items.ts"
import { advance, type Command, initialState, type Plan, type PlanLimits, type Step } from "../graph/plan.ts"
import { readDefinition } from "../graph/read.ts"
import { at, type Execution, inputsOf, type RunState } from "../graph/run-state.ts"
import { type JsonObject, type JsonValue, jsonEqual } from "../json.ts"

/** What a run is made of. `given`: outputs of nodes by name, json of items per output, one entry for each of their runs. */
export type MemoryRun = {
  readonly definition: JsonValue
  readonly start: string
  readonly items?: readonly Item[]
  readonly given?: Readonly<Record<string, readonly (readonly (readonly JsonObject[])[])[]>>
  readonly limits?: PlanLimits
}

/** What came of it, in the form in which outcomes are recorded. */
export type MemoryOutcome = {
  readonly status: "success" | "error"
  readonly nodes: Readonly<Record<string, readonly { outputs: JsonObject[][]; error?: string }[]>>
  readonly order: readonly string[]
  readonly error: { readonly node: string | undefined; readonly code: string; readonly message: string } | null
  /** The same outputs by node and run, as whole items. */
  readonly outputs: Readonly<Record<string, readonly Outputs[]>>
  /** The items of the last node that ran. */
  readonly items: readonly Item[]
}

const defaultLimits: PlanLimits = { executionsMax: 1_000, itemsMax: 100_000, loopsMax: 1_000 }

/** Runs it to its end. Throws where it does not end within the bounds of a test. */
export function runInMemory(run: MemoryRun): MemoryOutcome {
  const { graph } = readDefinition(run.definition)
  let atMs = 1_700_000_000_000
  const plan: Plan = { graph, limits: run.limits ?? defaultLimits }
  let step: Step = { state: initialState(graph), command: { type: "none" } }
  const take = (event: RunEvent): void => {
    step = advance(plan, step.state, event)
  }
  take({ ...createdEvent, start: run.start, items: run.items ?? [{ json: {} }] } as unknown as RunEvent)
  take({ type: "run-started", at: atMs })
  for (let count = 0; count < 10_000; count += 1) {
    atMs += 1
    const event = eventFor(graph, step, { run, atMs })
    if (event === null) return outcomeOf(graph, step)
    take(event)
  }
  throw new Error("the run did not end")
}

const createdEvent = {
  type: "run-created",
  v: 1,
  at: 1_700_000_000_000,
  mode: "manual",
  workflowId: null,
  workflowVersion: null,
  seed: 7,
  depth: 0,
  turn: null,
}

function eventFor(graph: Graph, { state, command }: Step, facts: { run: MemoryRun; atMs: number }): RunEvent | null {
  const at = facts.atMs
  if (command.type === "start-node" || command.type === "wait") {
    const key = command.type === "wait" ? command.then : command
    return { type: "node-started", at, node: key.node, iteration: key.iteration, attempt: key.attempt }
  }
  if (command.type === "wait-run") return unanswered(graph, state, at)
  if (command.type !== "run-node" || state.current === null) return null
  const key = { node: command.node, iteration: command.iteration, attempt: command.attempt }
  const outputs = facts.run.given ?? {}
  const given = Object.hasOwn(outputs, key.node) ? outputs[key.node]?.[key.iteration] : undefined
  if (given !== undefined) {
    const inputs = inputsOf(state, state.current.sources)[0] ?? []
    return { type: "node-completed", at, ...key, outputs: asItems(given, inputs) }
  }
  const evaluated = evaluateNode({ graph, state, current: state.current, facts: runFacts })
  if (evaluated.type === "completed") {
    const { outputs, memory = null } = evaluated.result
    return { type: "node-completed", at, ...key, outputs, memory }
  }
  if (evaluated.type === "paused") {
    const [request] = evaluated.requests
    if (request === undefined) throw new Error(`${key.node} waits for nothing`)
    return { type: "pause-opened", at, ...key, pauseId: `pause_${at}`, terms: request, expiresAt: null }
  }
  if (evaluated.type === "effect") throw new Error(`the test says nothing of what ${key.node} gives`)
  return { type: "node-failed", at, ...key, error: evaluated.error, retryable: evaluated.retryable }
}

/** Nobody answers: the time of the first execution that waits has passed. */
function unanswered(graph: Graph, { waiting }: RunState, at: number): RunEvent | null {
  const entry = waiting[0]
  const pause = entry?.pauses.find(({ outcome }) => outcome === null)
  if (entry === undefined || pause === undefined) return null
  const { iteration, attempt } = entry
  const node = graph.nodes[entry.node]?.name ?? ""
  return { type: "pause-expired", at, node, iteration, attempt, pauseId: pause.id }
}

const runFacts = { runId: "run_1", workflowId: "flow_1", active: true }

/** Items with their lineage: the input item that is like them, else the one at their place. */
function asItems(given: readonly (readonly JsonObject[])[], inputs: readonly Item[]): Outputs {
  return given.map((items) =>
    items.map((json, place) => {
      const like = inputs.findIndex((item) => jsonEqual(item.json, json))
      return { json, pairedItem: { item: like < 0 ? place : like } }
    }),
  )
}

function outcomeOf(graph: Graph, { state, command }: Step): MemoryOutcome {
  const executions: Execution[] = []
  for (let index = 0; index < state.log.length; index += 1) {
    const execution = at(state.log, index)
    if (execution !== undefined) executions.push(execution)
  }
  const nameOf = (execution: Execution): string => graph.nodes[execution.node]?.name ?? ""
  // Nodes may have the names of what objects inherit.
  const nodes: Record<string, { outputs: JsonObject[][]; error?: string }[]> = Object.create(null)
  const whole: Record<string, Outputs[]> = Object.create(null)
  for (const execution of executions) {
    const outputs = execution.outputs.map((items) => items.map(({ json }) => json))
    const entry = execution.error === null ? { outputs } : { outputs: [], error: execution.error.message }
    nodes[nameOf(execution)] = [...(nodes[nameOf(execution)] ?? []), entry]
    whole[nameOf(execution)] = [...(whole[nameOf(execution)] ?? []), execution.outputs]
  }
  return {
    status: command.type === "fail" ? "error" : "success",
    nodes,
    outputs: whole,
    order: executions.map(nameOf),
    error: failureOf(command),
    items: command.type === "complete" ? command.items : [],
  }
}

function failureOf(command: Command): MemoryOutcome["error"] {
  if (command.type !== "fail") return null
  const { node, code, message } = command.failure
  return { node, code, message }
}
