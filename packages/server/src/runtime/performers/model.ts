/**
 * The performer of FreddyLLM: one model call for each item, a second one where an answer does not fit its schema, and one
 * before it where older messages have to be summarised.
 *
 * Calls of an execution are numbered by the item that they are for and by what they are for, so that after a crash those
 * that were completed are found by their number and not made again, whatever became of the others.
 *
 *     item 0:  answer 0, repair 1, summary 2   item 1:  answer 3, repair 4, summary 5 …
 *
 * The first call of a run may begin before the run's start is committed (R5). What a call gives is held until its beginning
 * is in the log.
 */
import {
  estimateTokens,
  type History,
  type Selection,
  type Summary,
  selectContext,
} from "@brevet/core/graph/conversation"
import type { CallKey, ContextPolicy } from "@brevet/core/graph/events"
import type { Item } from "@brevet/core/graph/items"
import { type FreddyLlmPlan, freddyOutputItem, prepareFreddyLlm } from "@brevet/core/graph/kinds/freddy-llm"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { makeMarkdownStripper } from "@brevet/core/graph/markdown"
import { layerSettings, type ModelSettings } from "@brevet/core/graph/model-settings"
import type { CompletedCall } from "@brevet/core/graph/run-state"
import { readAnswer } from "@brevet/core/graph/structured-answer"
import type { ModelEvent, ModelMessage, ModelRequest } from "../../ports/models.ts"
import { collectItems } from "../each-item.ts"
import { causeOfModelFailure, toRequestSettings } from "../model-request.ts"
import type { Performer, Work } from "../perform.ts"
import { composePrompt, type Prompt, summaryPrompt } from "../prompt.ts"

/** What one call needs beside its number. */
type CallPlan = {
  readonly request: ModelRequest
  /** How its text is shown while it comes; `none`: it is not. */
  readonly shows: "as-it-is" | "plain" | "none"
  readonly summarized: boolean
}

/** Performs FreddyLLM. */
export const performModel: Performer = (work) => {
  const calls = new Calls(work)
  return collectItems(work.context, (index) => answerItem(work, calls, index))
}

async function answerItem(work: Work, calls: Calls, index: number): Promise<Item> {
  const { context, segment, workshop } = work
  const plan = prepareFreddyLlm(context, index)
  const turn = segment.state.created?.turn ?? null
  const isPrimary = turn !== null && turn.primaryNode === context.node.name
  const settings = isPrimary ? layerSettings(turn.overlay, plan.settings) : plan.settings
  const shows = howItShows(work, plan, settings)
  const model = settings.model ?? workshop.models.defaultModel()
  checkProvider(work, model)
  const conversation = await selectConversation(work, { plan, isPrimary, model, settings })
  const summary = await summarise(work, calls, { conversation, model, index })
  const prompt: Prompt = {
    instructions: settings.instructions ?? null,
    systemTexts: isPrimary ? turn.systemTexts : [],
    summary,
    history: conversation.kept,
    question: plan.prompt,
  }
  const messages = composePrompt(prompt)
  const schema = schemaOf(settings, plan)
  const answer = await calls.make(callOf(index, "answer"), {
    request: requestOf(settings, model, messages),
    shows,
    summarized: summary !== null,
  })
  if (schema === null) return freddyOutputItem({ ...answer, output: null }, index)
  const first = readAnswer(answer.text, schema)
  if (first.fits) return freddyOutputItem({ ...answer, output: first.value }, index)
  const repair: ModelMessage[] = [
    ...messages,
    { role: "assistant", text: answer.text },
    { role: "user", text: first.complaint },
  ]
  const request = requestOf(settings, model, repair)
  const second = await calls.make(callOf(index, "repair"), { request, shows: "none", summarized: false })
  const repaired = readAnswer(second.text, schema)
  if (repaired.fits) return freddyOutputItem({ ...second, output: repaired.value }, index)
  throw new NodeFailure("OUTPUT_SCHEMA_MISMATCH", `The model's answer does not fit the schema: ${repaired.complaint}`)
}

/**
 * A node shows its text if the turn says so, it has one item, and its text is no JSON, whoever asks for that: then nothing
 * has to be read from it first.
 */
function howItShows({ segment, context }: Work, plan: FreddyLlmPlan, settings: ModelSettings): CallPlan["shows"] {
  const turn = segment.state.created?.turn ?? null
  const isAlone = context.inputs[0]?.length === 1
  const mayShow = turn?.streaming.includes(context.node.name) === true && plan.stream !== false
  const isText = (settings.responseFormat?.type ?? "text") === "text"
  if (turn === null || !isAlone || !mayShow || !isText) return "none"
  return turn.plainText ? "plain" : "as-it-is"
}

function schemaOf(settings: ModelSettings, plan: FreddyLlmPlan) {
  const format = settings.responseFormat
  return format?.type === "json_schema" ? format.schema : format === undefined ? plan.outputSchema : null
}

function requestOf(settings: ModelSettings, model: string, messages: readonly ModelMessage[]): ModelRequest {
  return { model, messages, settings: toRequestSettings(settings) }
}

/** `allowed_model_providers` of the assistant. */
function checkProvider({ segment, workshop }: Work, model: string): void {
  const allowed = segment.state.created?.turn?.allowedProviders ?? null
  if (allowed === null) return
  const provider = workshop.models.providerOf(model) ?? workshop.models.find(model)?.provider
  if (provider === undefined || allowed.includes(provider)) return
  throw new NodeFailure("MODEL_REFUSED", `The assistant does not allow models of the provider '${provider}'.`)
}

type ConversationRequest = {
  readonly plan: FreddyLlmPlan
  readonly isPrimary: boolean
  readonly model: string
  readonly settings: ModelSettings
}

/** What is kept, what is left out, and the summary that the thread has already. */
type Conversation = Extract<Selection, { fits: true }> & { readonly known: Summary | null }

/** The earlier messages of this call. Throws CONTEXT_TOO_LONG where none may be left out and they do not fit. */
async function selectConversation(work: Work, request: ConversationRequest): Promise<Conversation> {
  const none: Conversation = { fits: true, kept: [], leftOut: [], known: null }
  const turn = work.segment.state.created?.turn ?? null
  if (turn === null) return none
  const { plan, isPrimary, model, settings } = request
  const includes = (plan.includeHistory ?? isPrimary) && (turn.memory || !isPrimary)
  if (!includes && !isPrimary) return none
  const policy: ContextPolicy = includes ? turn.context : { ...turn.context, strategy: "off" }
  const history = await work.segment.history()
  const described = work.workshop.models.find(model)
  const fixed = [settings.instructions ?? "", ...turn.systemTexts, plan.prompt]
  const selection = selectContext(history, policy, {
    currentTurn: turn.number,
    windowTokens: described?.contextWindow ?? null,
    outputTokens: settings.maxOutputTokens ?? null,
    fixedTokens: fixed.reduce((sum, text) => sum + estimateTokens(text), 0),
    historyLimit: plan.historyLimit,
  })
  if (selection.fits) return { ...selection, known: usableSummary(history, policy) }
  throw new NodeFailure(
    "CONTEXT_TOO_LONG",
    "The conversation is too long for the model, and nothing may be left out.",
    {
      details: { tokens: selection.tokens, window_tokens: selection.windowTokens },
    },
  )
}

/** A summary that tells of turns which are not to be told is none. */
function usableSummary({ summary }: History, { throughTurn }: ContextPolicy): Summary | null {
  const tellsTooMuch = summary !== null && throughTurn !== null && summary.throughTurn > throughTurn
  return tellsTooMuch ? null : summary
}

/** The summary that stands for the turns left out; made anew where there are new ones among them. Null where none are. */
async function summarise(
  work: Work,
  calls: Calls,
  {
    conversation,
    model,
    index,
  }: { readonly conversation: Conversation; readonly model: string; readonly index: number },
): Promise<string | null> {
  const { segment, workshop } = work
  const turn = segment.state.created?.turn ?? null
  const throughTurn = conversation.leftOut.at(-1)?.turn
  if (turn === null || throughTurn === undefined || turn.context.strategy !== "saver") return null
  const { known } = conversation
  if (known !== null && known.throughTurn >= throughTurn) return known.text
  const fresh = conversation.leftOut.filter((message) => message.turn > (known?.throughTurn ?? 0))
  const messages = summaryPrompt(known?.text ?? null, fresh)
  const call = callOf(index, "summary")
  const { text } = await calls.make(call, { request: { model, messages }, shows: "none", summarized: true })
  if (segment.threadId !== null) await workshop.history.saveSummary(segment.threadId, { throughTurn, text })
  return text
}

/** What a call of an item is for. Their places count the calls. */
const purposes = ["answer", "repair", "summary"] as const

/** The number of an item's call: the same whatever became of the calls before it. */
function callOf(index: number, purpose: (typeof purposes)[number]): number {
  return index * purposes.length + purposes.indexOf(purpose)
}

/** The calls of one execution. */
class Calls {
  readonly #work: Work

  constructor(work: Work) {
    this.#work = work
  }

  /** Makes a call, or gives what it gave before a crash. Throws NodeFailure for what the provider did. */
  async make(call: number, plan: CallPlan): Promise<CompletedCall> {
    const { segment, key, workshop } = this.#work
    const done = segment.state.current?.calls.find((completed) => completed.call === call)
    if (done !== undefined) return done
    const request = await this.#paidFor(plan.request)
    const callKey: CallKey = { ...key, call }
    const started = { type: "model-call-started", at: workshop.clock.nowMs(), model: plan.request.model } as const
    segment.take({ ...started, ...callKey, ...(plan.summarized ? { summarized: true } : {}) })
    const { saved, mayBegin } = segment.announce()
    if (!mayBegin) await saved
    return this.#stream(callKey, { ...plan, request }, saved)
  }

  /** The request with the organization's own key for that provider, where it has one. */
  async #paidFor(request: ModelRequest): Promise<ModelRequest> {
    const { segment, workshop } = this.#work
    const key = await workshop.access.keyFor(segment, request.model)
    if (key.use === "server") return request
    if (key.use === "own") return { ...request, ownKey: key.apiKey }
    const reason = key.reason === "inactive" ? "is switched off" : "has a key that cannot be read any more"
    throw new NodeFailure(
      "MODEL_REFUSED",
      `The provider of the model '${request.model}' ${reason} in this organization.`,
    )
  }

  async #stream(callKey: CallKey, plan: CallPlan, saved: Promise<void>): Promise<CompletedCall> {
    const { segment, workshop } = this.#work
    const texts: string[] = []
    const stripper = plan.shows === "plain" ? makeMarkdownStripper() : null
    let isSaved = false
    const held: string[] = []
    const showHeld = () => {
      isSaved = true
      for (const text of held.splice(0)) segment.show(callKey, text)
    }
    if (segment.isUnheard) saved.then(showHeld)
    const show = async (text: string): Promise<void> => {
      if (plan.shows === "none" || text === "") return
      held.push(text)
      if (segment.isUnheard) return
      if (!isSaved) await saved
      showHeld()
    }
    try {
      for await (const event of workshop.models.stream(plan.request, { signal: segment.signal })) {
        if (event.type === "text") {
          texts.push(event.text)
          await show(stripper === null ? event.text : stripper.push(event.text))
        } else if (event.type === "finish") {
          if (stripper !== null) await show(stripper.end())
          // The answer goes in with the start: its pieces are told with it.
          if (held.length > 0) segment.take({ type: "model-text", ...callKey, texts: held.splice(0) })
          return this.#complete(callKey, plan, { text: texts.join(""), event })
        }
      }
    } catch (error) {
      throw causeOfModelFailure(error)
    }
    throw new Error("a model's stream ended without its finish")
  }

  #complete(
    callKey: CallKey,
    { shows }: CallPlan,
    { text, event }: { readonly text: string; readonly event: Extract<ModelEvent, { type: "finish" }> },
  ): CompletedCall {
    const { segment, workshop } = this.#work
    const completed = { model: event.model, toolCalls: [], finishReason: event.reason, usage: event.usage }
    const at = workshop.clock.nowMs()
    // Text that was shown as it is stands in the log already.
    const kept = shows === "as-it-is" ? null : text
    segment.take({ type: "model-call-completed", at, ...callKey, ...completed, text: kept })
    return { ...completed, call: callKey.call, text }
  }
}
