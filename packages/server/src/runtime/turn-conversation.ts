/**
 * What a model call of a turn is told of the conversation before it: the messages that are kept, and a summary of those
 * that are left out, which is made where there is none yet.
 */
import {
  estimateTokens,
  type History,
  type HistoryMessage,
  type Selection,
  type Summary,
  selectContext,
} from "@brevet/core/graph/conversation"
import type { ContextPolicy, Turn } from "@brevet/core/graph/events"
import type { HistoryLimit } from "@brevet/core/graph/kinds/freddy-llm"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { CallPlace } from "@brevet/core/graph/run-state"
import type { ModelRequest } from "../ports/models.ts"
import type { ModelCalls } from "./model-calls.ts"
import type { Work } from "./perform.ts"
import { summaryPrompt } from "./prompt.ts"

/** What a node wants to know of the conversation. */
export type ConversationRequest = {
  /** Which model is told it; it makes the summary too. */
  readonly target: Pick<ModelRequest, "model" | "endpoint" | "api">
  /** The place of the call that makes a summary, where one is needed. */
  readonly summaryPlace: CallPlace
  readonly isPrimary: boolean
  /** Null: not said; then the primary node of a turn has history, others not. */
  readonly includes: boolean | null
  readonly historyLimit: HistoryLimit | null
  /** Everything else that is sent. */
  readonly texts: readonly string[]
  readonly outputTokens: number | null
}

/** What is told. `summary` null: nothing is left out, or left out without a word. */
export type Conversation = { readonly history: readonly HistoryMessage[]; readonly summary: string | null }

const nothing: Conversation = { history: [], summary: null }

/** The turn that this execution belongs to, if its node leads it; null elsewhere. */
export function ledTurn({ segment, context }: Work): Turn | null {
  const turn = segment.state.created?.turn ?? null
  return turn !== null && turn.primaryNode === context.node.name ? turn : null
}

/** What is told. Throws CONTEXT_TOO_LONG where nothing may be left out and it does not fit; of a summary's call what that does. */
export async function tellConversation(
  work: Work,
  calls: ModelCalls,
  request: ConversationRequest,
): Promise<Conversation> {
  const turn = work.segment.state.created?.turn ?? null
  if (turn === null) return nothing
  const { isPrimary } = request
  const includes = (request.includes ?? isPrimary) && (turn.memory || !isPrimary)
  if (!includes && !isPrimary) return nothing
  const policy: ContextPolicy = includes ? turn.context : { ...turn.context, strategy: "off" }
  const history = await work.segment.history()
  const selection = select(work, turn, { request, policy, history })
  const known = usableSummary(history, policy)
  return { history: selection.kept, summary: await summarise(work, calls, { selection, known, request }) }
}

type Selecting = {
  readonly request: ConversationRequest
  readonly policy: ContextPolicy
  readonly history: History
}

type Selected = Extract<Selection, { fits: true }>

function select(work: Work, turn: Turn, { request, policy, history }: Selecting): Selected {
  const described = work.workshop.models.find(request.target.model)
  const selection = selectContext(history, policy, {
    currentTurn: turn.number,
    windowTokens: described?.contextWindow ?? null,
    outputTokens: request.outputTokens,
    fixedTokens: [...request.texts, ...turn.systemTexts].reduce((sum, text) => sum + estimateTokens(text), 0),
    historyLimit: request.historyLimit,
  })
  if (selection.fits) return selection
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

type Summarising = {
  readonly selection: Selected
  readonly known: Summary | null
  readonly request: ConversationRequest
}

/** The summary that stands for the turns left out; made anew where there are new ones among them. Null where none are. */
async function summarise(
  work: Work,
  calls: ModelCalls,
  { selection, known, request }: Summarising,
): Promise<string | null> {
  const { segment, workshop } = work
  const turn = segment.state.created?.turn ?? null
  const throughTurn = selection.leftOut.at(-1)?.turn
  if (turn === null || throughTurn === undefined || turn.context.strategy !== "saver") return null
  if (known !== null && known.throughTurn >= throughTurn) return known.text
  const fresh = selection.leftOut.filter((message) => message.turn > (known?.throughTurn ?? 0))
  const messages = summaryPrompt(known?.text ?? null, fresh)
  const { text } = await calls.make(request.summaryPlace, {
    request: { ...request.target, messages },
    shows: "none",
    summarized: true,
  })
  if (segment.threadId !== null) await workshop.history.saveSummary(segment.threadId, { throughTurn, text })
  return text
}
