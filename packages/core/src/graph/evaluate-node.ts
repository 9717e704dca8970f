/**
 * One execution of a node, as far as it is pure: its inputs, its expressions and, for kinds without an effect, its
 * outputs. Effects are done by the server's performers, which get the same `KindContext`.
 */
import { isJsonObject, type JsonObject } from "../json.ts"
import type { Failure } from "./events.ts"
import { ExpressionError } from "./expression/errors.ts"
import { resolveParameter } from "./expression/evaluate.ts"
import { EXPRESSION_LIMITS } from "./expression/limits.ts"
import type { ExpressionScope } from "./expression/scope.ts"
import type { Graph, GraphNode } from "./graph.ts"
import type { Item, Outputs } from "./items.ts"
import { type EffectKind, type KindContext, type KindResult, NodeFailure, type WaitingKind } from "./kinds/kind.ts"
import { findKind } from "./kinds/table.ts"
import { nodeScopes, parameterAt, type RunFacts } from "./node-scope.ts"
import type { PauseRequest } from "./pauses/pause.ts"
import { seededRandom } from "./random.ts"
import { type Current, executionOf, inputsOf, type RunState } from "./run-state.ts"

/** What evaluating an execution needs. */
export type Evaluation = {
  readonly graph: Graph
  readonly state: RunState
  readonly current: Current
  readonly facts: RunFacts
}

/**
 * What is to be done with an execution: it has an outcome already (`says`: with a message of its own to the person who
 * chats), it waits, or a performer of that effect has to be asked.
 */
export type Evaluated =
  | { readonly type: "completed"; readonly result: KindResult; readonly says?: string }
  | { readonly type: "paused"; readonly requests: readonly PauseRequest[] }
  | { readonly type: "failed"; readonly error: Failure; readonly retryable: boolean }
  | { readonly type: "effect"; readonly effect: EffectKind["effect"]; readonly context: KindContext }

/** Evaluates the execution under way. Never throws but for bugs. */
export function evaluateNode(evaluation: Evaluation): Evaluated {
  const node = evaluation.graph.nodes[evaluation.current.node]
  if (node === undefined) return failed("INTERNAL_ERROR", "The node of this execution does not exist.")
  const inputs = inputsOf(evaluation.state, evaluation.current.sources)
  const pinned = pinnedItems(evaluation, node)
  if (pinned !== null) return { type: "completed", result: { outputs: [pinned] } }
  if (node.disabled) return { type: "completed", result: { outputs: [passThrough(inputs[0] ?? [])] } }
  const kind = node.kind === null ? null : findKind(node.kind)
  if (kind === null || kind.effect === "never" || kind.effect === "serves") {
    const message = `Nodes of type '${node.type}' cannot be run here. Use another kind of node.`
    return { ...failed("NODE_KIND_UNKNOWN", message), retryable: false }
  }
  const context = makeContext(evaluation, node, { inputs })
  if (kind.effect !== "none" && kind.effect !== "wait") return { type: "effect", effect: kind.effect, context }
  try {
    if (kind.effect === "wait") return waitOrGoOn(kind, context, evaluation.current)
    const result = kind.run(context)
    return { type: "completed", result: { ...result, outputs: finishOutputs(node, result.outputs) } }
  } catch (error) {
    return failureOf(error)
  }
}

function waitOrGoOn(kind: WaitingKind, context: KindContext, current: Current): Evaluated {
  const outcome = current.pauses.at(-1)?.outcome ?? null
  const given = outcome === null ? kind.ask(context) : kind.goOn(context, outcome)
  if (!("outputs" in given)) return { type: "paused", requests: [given] }
  const { says, ...result } = { says: undefined, ...given }
  const outputs = finishOutputs(context.node, result.outputs)
  return { type: "completed", result: { ...result, outputs }, ...(says === undefined ? {} : { says }) }
}

/** What an error thrown while a node was evaluated or performed means for the node. Rethrows bugs. */
export function failureOf(error: unknown): Extract<Evaluated, { type: "failed" }> {
  if (error instanceof ExpressionError) return failed(error.code, error.message)
  if (error instanceof NodeFailure) {
    return {
      type: "failed",
      error: { code: error.code, message: error.message, details: error.details },
      retryable: error.code !== "NODE_STOPPED" && error.code !== "NODE_OUTCOME_UNKNOWN",
    }
  }
  throw error
}

/** The outputs with `alwaysOutputData` applied: one empty item where a node put out nothing. */
export function finishOutputs(node: GraphNode, outputs: Outputs): Outputs {
  if (!node.alwaysOutputData || (outputs[0]?.length ?? 0) > 0) return outputs
  return [[{ json: {}, pairedItem: { item: 0 } }], ...outputs.slice(1)]
}

function failed(code: Failure["code"], message: string): Extract<Evaluated, { type: "failed" }> {
  return { type: "failed", error: { code, message }, retryable: true }
}

/**
 * Pinned data stands for what a node would give, in manual runs only (the workflow language, §2); what a trigger was called
 * with goes before it.
 */
function pinnedItems({ graph, state, current }: Evaluation, node: GraphNode): readonly Item[] | null {
  if (current.sources.length === 0 && state.created?.trigger !== undefined) return null
  const pinned =
    state.created?.mode === "manual" && Object.hasOwn(graph.pinData, node.name) ? graph.pinData[node.name] : null
  if (!Array.isArray(pinned)) return null
  return pinned.filter(isJsonObject).map((entry) => ({ json: isJsonObject(entry.json) ? entry.json : entry }))
}

function passThrough(items: readonly Item[]): readonly Item[] {
  return items.map((item, index) => ({ ...item, pairedItem: { item: index } }))
}

/** What a node is given; `given`: and, of a tool, what a model gave as its arguments. */
type ContextInputs = { readonly inputs: readonly (readonly Item[])[]; readonly given?: JsonObject }

function makeContext(evaluation: Evaluation, node: GraphNode, { inputs, given }: ContextInputs): KindContext {
  const { graph, state, current, facts } = evaluation
  const created = state.created
  // The same instant and the same random numbers after a crash (E9): both come from the events that opened the run and
  // its segment.
  const nowMs = state.instantMs ?? 0
  const random = seededRandom((created?.seed ?? 0) + state.log.length)
  const timeZone = typeof graph.settings.timezone === "string" ? graph.settings.timezone : "UTC"
  const place = {
    graph,
    state,
    node,
    iteration: current.iteration,
    sources: current.sources,
    inputs,
    nowMs,
    random,
    timeZone,
    facts,
    work: { stepsLeft: EXPRESSION_LIMITS.nodeStepsMax, templates: new Map() },
    ...(given === undefined ? {} : { given }),
  }
  const scopeOf = nodeScopes(place)
  // Kinds go through their items one by one: the scope of the last one is kept, those of all would fill the memory.
  let last: ExpressionScope | null = null
  const scope = (itemIndex: number): ExpressionScope => {
    if (last?.itemIndex !== itemIndex) last = scopeOf(itemIndex)
    return last
  }
  const seen = (lists: readonly (readonly Item[])[]) =>
    node.executeOnce ? lists.map((items) => items.slice(0, 1)) : lists
  return {
    node,
    inputs: seen(inputs),
    parameter(path, itemIndex) {
      const value = parameterAt(node.parameters, path)
      return value === undefined ? undefined : resolveParameter(value, scope(itemIndex))
    },
    resolve: (value, itemIndex) => resolveParameter(value, scope(itemIndex)),
    scope,
    nowMs,
    random,
    timeZone,
    memory: executionOf(state, node.ordinal, -1)?.memory ?? null,
    iteration: current.iteration,
    startOutput: created?.trigger?.output ?? 0,
    earlierInputs(iteration) {
      const earlier = iteration < 0 ? undefined : executionOf(state, node.ordinal, iteration)
      return earlier === undefined ? [] : seen(inputsOf(state, earlier.sources))
    },
    servant: (servant, arguments_) =>
      makeContext(evaluation, servant, { inputs, ...(arguments_ === undefined ? {} : { given: arguments_ }) }),
  }
}
