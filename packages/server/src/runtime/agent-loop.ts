/**
 * The loop of an agent: a model is asked, the tools that it calls are used, and it is asked again with what they gave, until
 * it answers. Durable step by step (docs/how-it-works/agent-loop.md).
 *
 *     ask ── calls tools ──> answer and intents saved ──> tools, side by side ──> each outcome saved ──┐
 *      ^                                                                                               │
 *      └───────────────────────────────────── the next round ──────────────────────────────────────────┘
 *      └── says something ──> answered      └── calls the finishing tool ──> finished      └── rounds over ──> limit
 *
 * Nothing of the loop's own is kept: what it does next follows from the model calls and tool calls that the run's state
 * holds, each found by its place. Invariants
 *   A1  A model call or a tool call that ended is never made again, whatever became of the run in between.
 *   A2  A tool is used only once its call is in the log; one that was under way at a crash is used again only if it says
 *       that it may be, else the run fails with NODE_OUTCOME_UNKNOWN.
 *   A3  What goes wrong with a tool is told to the model; what goes wrong with the run ends it, once no tool is at work.
 */
import type { ToolCallRequest, ToolOutcome } from "@brevet/core/graph/events"
import { ExpressionError } from "@brevet/core/graph/expression/errors"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { AgentStep } from "@brevet/core/graph/kinds/models/agent"
import { type CompletedCall, isSameTool } from "@brevet/core/graph/run-state"
import type { ReadAnswer } from "@brevet/core/graph/structured-answer"
import { isJsonObject, type JsonValue } from "@brevet/core/json"
import type { ModelMessage, ToolDefinition } from "../ports/models.ts"
import { type AskedModels, ask, retractShown } from "./asked-models.ts"
import type { ModelCalls, Showing } from "./model-calls.ts"
import type { Work } from "./perform.ts"
import type { Tool } from "./tools/tool.ts"

/** The tool by which a model gives its answer as a value; it does nothing. */
export type FinishingTool = { readonly definition: ToolDefinition; read(given: JsonValue): ReadAnswer }

/** What a loop goes by. */
export type Rounds = {
  readonly models: AskedModels
  readonly messages: readonly ModelMessage[]
  readonly tools: readonly Tool[]
  readonly finish: FinishingTool | null
  /** Where its calls are counted: the item's, or that of the tool call within which it goes on. */
  readonly lane: string
  /** Answers of the model at most. */
  readonly roundsMax: number
  /** Tool calls at most; null: as many as the rounds allow. */
  readonly toolCallsMax: number | null
  readonly shows: Showing
  /** A summary stands for older turns. */
  readonly summarized: boolean
}

/** How a loop ended, and the steps that led there. */
export type RoundsEnd = { readonly steps: readonly AgentStep[] } & (
  | { readonly reason: "answered"; readonly call: CompletedCall }
  | { readonly reason: "finished"; readonly value: JsonValue }
  | { readonly reason: "limit" }
)

/** Characters of a tool's result that a model is told at most (ours): more fits no window. */
const resultCharsMax = 1_000_000

/** Goes on until the model answers. Throws NodeFailure for what the provider did, NODE_OUTCOME_UNKNOWN, and what ends the run. */
export async function goRounds(work: Work, calls: ModelCalls, rounds: Rounds): Promise<RoundsEnd> {
  const { models, finish, lane, shows, summarized } = rounds
  const definitions = rounds.tools.map(({ definition }) => definition)
  const tools = finish === null ? definitions : [...definitions, finish.definition]
  const messages: ModelMessage[] = [...rounds.messages]
  const steps: AgentStep[] = []
  for (let call = 0; call < rounds.roundsMax; call += 1) {
    const isLast = rounds.toolCallsMax !== null && steps.length >= rounds.toolCallsMax
    const question = { place: { call, lane }, messages, tools, isLast, shows, summarized }
    const answer = await ask(work, calls, { models, question })
    if (answer.toolCalls.length === 0) return { reason: "answered", call: answer, steps }
    retractShown(work)
    const finished = readFinish(finish, answer.toolCalls)
    if (finished?.fits === true) return { reason: "finished", value: finished.value, steps }
    const outcomes = await useTools(work, rounds, { call, requests: answer.toolCalls, used: steps.length })
    messages.push({ role: "assistant", text: answer.text, toolCalls: answer.toolCalls.map(withObject) })
    for (const [index, request] of answer.toolCalls.entries()) {
      const told = toldOf(outcomes[index])
      messages.push({ role: "tool", toolCallId: request.id, name: request.name, result: told })
      steps.push({ ...request, tool: request.name, observation: told, text: answer.text })
    }
  }
  return { reason: "limit", steps }
}

function readFinish(finish: FinishingTool | null, requests: readonly ToolCallRequest[]): ReadAnswer | null {
  const request = requests.find(({ name }) => name === finish?.definition.name)
  return finish === null || request === undefined ? null : finish.read(request.arguments)
}

/** Providers take objects as arguments, whatever the model wrote. */
function withObject(request: ToolCallRequest): ToolCallRequest {
  return isJsonObject(request.arguments) ? request : { ...request, arguments: {} }
}

function toldOf(outcome: ToolOutcome | undefined): string {
  if (outcome === undefined) return ""
  const text = "result" in outcome ? outcome.result : outcome.error
  return text.length > resultCharsMax ? `${text.slice(0, resultCharsMax)} (cut)` : text
}

/** The tool calls of one answer. `used`: how many were made before. */
type Uses = { readonly call: number; readonly requests: readonly ToolCallRequest[]; readonly used: number }

/** A call that is to be made. */
type Use = {
  readonly tool: Tool
  readonly given: JsonValue
  readonly request: ToolCallRequest
  readonly place: { readonly call: number; readonly lane: string; readonly index: number }
}

/** Uses the tools of an answer side by side; the outcomes in the order of the calls (A1, A2, A3). */
async function useTools(work: Work, rounds: Rounds, { call, requests, used }: Uses): Promise<readonly ToolOutcome[]> {
  const { segment, workshop, key } = work
  const left = rounds.toolCallsMax === null ? requests.length : Math.max(0, rounds.toolCallsMax - used)
  const prepared = requests.map((request, index): Use | ToolOutcome =>
    index < left
      ? prepareUse(rounds, request, { call, lane: rounds.lane, index })
      : { error: "No more tools may be called. Answer with what you know." },
  )
  const uses = prepared.filter(isUse)
  const fresh = uses.filter(({ place }) => findStarted(work, place) === undefined)
  for (const { place, request } of fresh) {
    segment.take({ type: "tool-call-started", at: workshop.clock.nowMs(), ...key, ...place, tool: request })
  }
  if (fresh.length > 0) await segment.save()
  const settled = await Promise.allSettled(
    prepared.map((one) => (isUse(one) ? outcomeOf(work, { ...one, isFresh: fresh.includes(one) }) : one)),
  )
  return settled.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason
    return outcome.value
  })
}

const isUse = (one: Use | ToolOutcome): one is Use => "tool" in one

function findStarted({ segment }: Work, place: Use["place"]) {
  return segment.state.current?.tools.find((tool) => isSameTool(tool, place))
}

/** What is to be done, or what the model is told at once. */
function prepareUse(rounds: Rounds, request: ToolCallRequest, place: Use["place"]): Use | ToolOutcome {
  const tool = rounds.tools.find(({ definition }) => definition.name === request.name)
  if (tool === undefined) {
    const finish = rounds.finish?.definition.name === request.name ? rounds.finish.read(request.arguments) : null
    if (finish?.fits === false) return { error: finish.complaint }
    // The words are recorded.
    return { error: `${request.name} is not a valid tool, try another one.` }
  }
  const read = tool.read(request.arguments)
  return read.fits ? { tool, given: read.value, request, place } : { error: read.complaint }
}

async function outcomeOf(work: Work, use: Use & { readonly isFresh: boolean }): Promise<ToolOutcome> {
  const { segment, workshop, key } = work
  const { tool, given, request, place, isFresh } = use
  const known = findStarted(work, place)
  if (known?.outcome != null) return known.outcome
  if (!isFresh && !tool.mayRepeat(given)) {
    const message = `The server stopped while the tool '${request.name}' was at work, and nobody knows what it did.`
    throw new NodeFailure("NODE_OUTCOME_UNKNOWN", message, { details: { tool: request.name } })
  }
  const outcome = await tryTool(work, use)
  segment.take({ type: "tool-call-completed", at: workshop.clock.nowMs(), ...key, ...place, id: request.id, outcome })
  await segment.save()
  return outcome
}

async function tryTool({ segment }: Work, { tool, given, place }: Use): Promise<ToolOutcome> {
  try {
    return { result: await tool.use({ given, lane: `${place.lane}/${place.call}.${place.index}` }) }
  } catch (error) {
    segment.signal.throwIfAborted()
    const isOfTool = error instanceof NodeFailure || error instanceof ExpressionError
    if (!isOfTool || error.code === "NODE_OUTCOME_UNKNOWN") throw error
    return { error: error.message }
  }
}
