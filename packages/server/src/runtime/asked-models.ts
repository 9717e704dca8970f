/**
 * The models that a node of the workflow asks as the nodes that serve it say (the workflow language, §3 "models"): which
 * one, with which settings, whose key pays, and which one stands in where the first fails.
 *
 * Expressions of the serving nodes are those of the first item. What an assistant or a request sets goes over the primary
 * node's settings; a model that it names stands for the serving node, provider and credential too (§6).
 */
import { cutText, quote } from "@brevet/core/graph/findings"
import type { GraphNode } from "@brevet/core/graph/graph"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { ChatModelPlan } from "@brevet/core/graph/kinds/models/chat-model"
import { planOfChatModel } from "@brevet/core/graph/kinds/models/chat-model-kinds"
import { fallbackNodeOf, modelNodeOf } from "@brevet/core/graph/kinds/models/model-servants"
import { layerSettings, type ModelSettings } from "@brevet/core/graph/model-settings"
import type { CallPlace, CompletedCall } from "@brevet/core/graph/run-state"
import type { ModelMessage, ModelRequest, ToolDefinition } from "../ports/models.ts"
import type { ModelCalls, Showing } from "./model-calls.ts"
import { toRequestSettings } from "./model-request.ts"
import { type ModelTarget, modelTarget } from "./model-target.ts"
import type { Work } from "./perform.ts"
import { ledTurn } from "./turn-conversation.ts"

/** A model as it is asked. */
export type AskedModel = {
  readonly target: ModelTarget
  readonly settings: ModelSettings
  readonly retriesMax: number
}

/** The models of a node; `fallback` null: none stands in. */
export type AskedModels = { readonly first: AskedModel; readonly fallback: AskedModel | null }

/** The models that serve a node. Throws NODE_SETTINGS_INVALID where there is none, and what resolving its settings does. */
export async function askedModels(work: Work, node: GraphNode): Promise<AskedModels> {
  const { graph } = work.segment
  const modelNode = modelNodeOf(graph, node)
  if (modelNode === null) {
    throw new NodeFailure("NODE_SETTINGS_INVALID", `Connect a language model to ${quote(node.name)}.`)
  }
  const fallbackNode = fallbackNodeOf(graph, node)
  const first = await askedModel(work, planOf(work, modelNode), node)
  return { first, fallback: fallbackNode === null ? null : await plainModel(work, planOf(work, fallbackNode)) }
}

/** A model that a node asks by settings of its own; what a turn lays over a primary node goes over these too. */
export async function askedModel(work: Work, plan: ChatModelPlan, node: GraphNode): Promise<AskedModel> {
  const turn = node.name === work.context.node.name ? ledTurn(work) : null
  if (turn === null) return plainModel(work, plan)
  const settings = layerSettings(turn.overlay, plan.settings)
  if (turn.overlay.model === undefined) return { ...(await plainModel(work, plan)), settings }
  return { target: { model: turn.overlay.model }, settings, retriesMax: plan.retriesMax }
}

async function plainModel(work: Work, plan: ChatModelPlan): Promise<AskedModel> {
  return { target: await modelTarget(work, plan), settings: plan.settings, retriesMax: plan.retriesMax }
}

function planOf({ context }: Work, node: GraphNode): ChatModelPlan {
  const plan = planOfChatModel(context.servant(node))
  if (plan !== null) return plan
  const message = `Nodes of type '${cutText(node.type, 80)}' give no model here. Connect a chat model.`
  throw new NodeFailure("NODE_KIND_UNKNOWN", message)
}

/** Whether the model is told to answer in JSON. */
export function answersInJson({ first }: AskedModels): boolean {
  return (first.settings.responseFormat?.type ?? "text") !== "text"
}

/** One question to the models of a node. */
export type Question = {
  readonly place: CallPlace
  readonly messages: readonly ModelMessage[]
  readonly tools?: readonly ToolDefinition[]
  /** The tools are told, and none of them may be called any more. */
  readonly isLast?: boolean
  readonly shows: Showing
  readonly summarized?: boolean
}

/** Asks; where the first model fails, the one that stands in for it. Throws NodeFailure for what the provider did. */
export async function ask(work: Work, calls: ModelCalls, { models, question }: Asking): Promise<CompletedCall> {
  const { first, fallback } = models
  const { place, shows, summarized = false } = question
  const spare: CallPlace = { call: place.call, lane: `${place.lane ?? ""}/fallback` }
  const known = calls.find(place) ?? (fallback === null ? null : calls.find(spare))
  if (known !== null) return known
  const planFor = (model: AskedModel) => ({
    request: requestFor(model, question),
    shows,
    summarized,
    retriesMax: model.retriesMax,
  })
  try {
    return await calls.make(place, planFor(first))
  } catch (error) {
    if (fallback === null || !(error instanceof NodeFailure)) throw error
    retractShown(work)
    return calls.make(spare, planFor(fallback))
  }
}

/** What is asked of which models. */
export type Asking = { readonly models: AskedModels; readonly question: Question }

function requestFor({ target, settings }: AskedModel, { messages, tools = [], isLast }: Question): ModelRequest {
  const request = { ...target, messages, settings: toRequestSettings(settings) }
  if (tools.length === 0) return request
  return isLast === true
    ? { ...request, tools, settings: { ...request.settings, toolChoice: "none" } }
    : { ...request, tools }
}

/** What a model said before it failed, or before it called a tool, is not part of what follows. */
export function retractShown({ segment, workshop, key }: Work): void {
  segment.settleShown()
  if (segment.state.shown === "") return
  segment.take({ type: "content-reset", at: workshop.clock.nowMs(), reason: "retracted", attempt: key.attempt })
}
