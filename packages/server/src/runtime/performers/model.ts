/**
 * The performer of FreddyLLM: one model call for each item, a second one where an answer does not fit its schema, and one
 * before it where older messages have to be summarised.
 * Calls of an execution are numbered by the item that they are for and by what they are for, so that after a crash those
 * that were completed are found by their number and not made again, whatever became of the others.
 *     item 0:  answer 0, repair 1, summary 2   item 1:  answer 3, repair 4, summary 5 …
 * With tools the answer comes of an agent's loop, in the item's lane.
 */
import type { Item } from "@brevet/core/graph/items"
import { type FreddyLlmPlan, freddyOutputItem, prepareFreddyLlm } from "@brevet/core/graph/kinds/freddy-llm"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { layerSettings, type ModelSettings } from "@brevet/core/graph/model-settings"
import type { CallPlace, CompletedCall } from "@brevet/core/graph/run-state"
import { readAnswer } from "@brevet/core/graph/structured-answer"
import type { ModelMessage, ModelRequest } from "../../ports/models.ts"
import { type Asker, toolsOf } from "../agent.ts"
import { goRounds } from "../agent-loop.ts"
import { collectItems } from "../each-item.ts"
import { ModelCalls, type Showing } from "../model-calls.ts"
import { toRequestSettings } from "../model-request.ts"
import type { Performer, Work } from "../perform.ts"
import { composePrompt } from "../prompt.ts"
import { showingOf } from "../showing.ts"
import type { ToolPorts } from "../tools/open-tools.ts"
import { ledTurn, tellConversation } from "../turn-conversation.ts"

/** Makes the performer. */
export function makeModelPerformer(ports: ToolPorts): Performer {
  return (work) => {
    const asker = { ports, work, calls: new ModelCalls(work) }
    return collectItems(work.context, (index) => answerItem(asker, index))
  }
}

async function answerItem(asker: Asker, index: number): Promise<Item> {
  const { work, calls } = asker
  const plan = prepareFreddyLlm(work.context, index)
  const turn = ledTurn(work)
  const settings = turn === null ? plan.settings : layerSettings(turn.overlay, plan.settings)
  const shows = howItShows(work, plan, settings)
  const model = settings.model ?? work.workshop.models.defaultModel()
  const instructions = settings.instructions ?? null
  const conversation = await tellConversation(work, calls, {
    target: { model },
    summaryPlace: placeOf(index, "summary"),
    isPrimary: turn !== null,
    includes: plan.includeHistory,
    historyLimit: plan.historyLimit,
    texts: [instructions ?? "", plan.prompt],
    outputTokens: settings.maxOutputTokens ?? null,
  })
  const systemTexts = turn?.systemTexts ?? []
  const messages = composePrompt({ instructions, systemTexts, question: plan.prompt, ...conversation })
  const schema = schemaOf(settings, plan)
  const request = requestOf(settings, model, messages)
  const asking: Asking = { plan, request, settings, shows, summarized: conversation.summary !== null }
  const answer = await answerOf(asker, asking, index)
  if (schema === null) return freddyOutputItem({ ...answer, output: null }, index)
  const first = readAnswer(answer.text, schema)
  if (first.fits) return freddyOutputItem({ ...answer, output: first.value }, index)
  const repair: ModelMessage[] = [
    ...messages,
    { role: "assistant", text: answer.text },
    { role: "user", text: first.complaint },
  ]
  const again = requestOf(settings, model, repair)
  const second = await calls.make(placeOf(index, "repair"), { request: again, shows: "none" })
  const repaired = readAnswer(second.text, schema)
  if (repaired.fits) return freddyOutputItem({ ...second, output: repaired.value }, index)
  throw new NodeFailure("OUTPUT_SCHEMA_MISMATCH", `The model's answer does not fit the schema: ${repaired.complaint}`)
}

/** What is asked for an item. */
type Asking = {
  readonly plan: FreddyLlmPlan
  readonly request: ModelRequest
  readonly settings: ModelSettings
  readonly shows: Showing
  readonly summarized: boolean
}

/** Answers of the model at most where tools are there (ours; an agent's documented default). */
const roundsMax = 10

/** One call; where the node has tools, as many as it takes. Throws RUN_LOOPS_EXCEEDED where that is too many. */
async function answerOf(asker: Asker, asking: Asking, index: number): Promise<CompletedCall> {
  const { work, calls } = asker
  const { plan, request, settings, shows, summarized } = asking
  const { node } = work.context
  const tools = await toolsOf(asker, node, { servers: plan.toolServers })
  if (tools.length === 0) return calls.make(placeOf(index, "answer"), { request, shows, summarized })
  const end = await goRounds(work, calls, {
    models: { first: { target: { model: request.model }, settings, retriesMax: 0 }, fallback: null },
    messages: request.messages,
    tools,
    finish: null,
    lane: `${index}`,
    roundsMax,
    toolCallsMax: ledTurn(work)?.maxToolCalls ?? null,
    shows,
    summarized,
  })
  const used = end.steps.map(({ id, tool, arguments: given }) => ({ id, name: tool, arguments: given }))
  if (end.reason === "answered") return { ...end.call, toolCalls: used }
  const message = `The node '${node.name}' had no answer after ${roundsMax} rounds of tool calls.`
  throw new NodeFailure("RUN_LOOPS_EXCEEDED", message, { details: { rounds: roundsMax } })
}

/** Its text is shown unless it is JSON, whoever asks for that: then something has to be read from it first. */
function howItShows(work: Work, plan: FreddyLlmPlan, settings: ModelSettings): Showing {
  const isText = (settings.responseFormat?.type ?? "text") === "text"
  return isText && plan.stream !== false ? showingOf(work) : "none"
}

function schemaOf(settings: ModelSettings, plan: FreddyLlmPlan) {
  const format = settings.responseFormat
  return format?.type === "json_schema" ? format.schema : format === undefined ? plan.outputSchema : null
}

function requestOf(settings: ModelSettings, model: string, messages: readonly ModelMessage[]): ModelRequest {
  return { model, messages, settings: toRequestSettings(settings) }
}

/** What a call of an item is for. Their places count the calls. */
const purposes = ["answer", "repair", "summary"] as const

/** The place of an item's call: the same whatever became of the calls before it. */
function placeOf(index: number, purpose: (typeof purposes)[number]): CallPlace {
  return { call: index * purposes.length + purposes.indexOf(purpose) }
}
