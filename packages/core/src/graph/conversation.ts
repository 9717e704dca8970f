/**
 * Which earlier messages of a conversation a model call is given (the HTTP contract, §5 "context"). Pure.
 *
 *     turn 1   turn 2   turn 3 … turn n-1 │ turn n (now)
 *     └── left out, or summarised ──┘ └ kept: the newest whole turns that fit ┘
 *
 * Turns are kept or left out whole, so that an answer never stands without its question and a tool's result never without
 * its call. Tokens are estimated, since only the provider knows how it counts: a quarter of the characters, and four for
 * each message, rounded up (ours).
 */
import type { ContextPolicy } from "./events.ts"

/** A message of a thread. Messages of failed turns are never among them. */
export type HistoryMessage = {
  readonly turn: number
  readonly role: "user" | "assistant" | "system" | "tool"
  readonly text: string
}

/** What stands for the turns up to and with `throughTurn`. */
export type Summary = { readonly throughTurn: number; readonly text: string }

/** What is known of the conversation before this call. */
export type History = { readonly messages: readonly HistoryMessage[]; readonly summary: Summary | null }

/** How much of it may be given. Tokens; null: unknown or without bound. */
export type ContextBounds = {
  /** The turn that asks: what its own request says before the question is never left out for being later. */
  readonly currentTurn: number
  readonly windowTokens: number | null
  /** What the answer may take. */
  readonly outputTokens: number | null
  /** What is sent besides: system texts and the question. */
  readonly fixedTokens: number
  /** The node's own bound on history. */
  readonly historyLimit: { readonly messages: number } | { readonly tokens: number } | null
}

/** What is given: the messages kept and, where older ones are left out by `saver`, what a summary has to stand for. */
export type Selection =
  | { readonly fits: true; readonly kept: readonly HistoryMessage[]; readonly leftOut: readonly HistoryMessage[] }
  | { readonly fits: false; readonly tokens: number; readonly windowTokens: number }

/** An empty history. */
export const noHistory: History = { messages: [], summary: null }

/** Tokens that a text is taken to have. */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / 4) + 4
}

/**
 * Selects the messages of a call. `fits: false` only with the strategy `full`, which leaves nothing out. System texts of
 * the request itself are no history: they are always kept.
 */
export function selectContext(history: History, policy: ContextPolicy, bounds: ContextBounds): Selection {
  const { throughTurn } = policy
  const told =
    throughTurn === null
      ? history.messages
      : history.messages.filter(({ turn }) => turn <= throughTurn || turn === bounds.currentTurn)
  const isOwnSystem = ({ turn, role }: HistoryMessage): boolean => turn === bounds.currentTurn && role === "system"
  const own = told.filter(isOwnSystem)
  if (own.length === 0) return selectMessages(told, policy, bounds)
  const selection = selectMessages(
    told.filter((message) => !isOwnSystem(message)),
    policy,
    { ...bounds, fixedTokens: bounds.fixedTokens + tokensOf(own) },
  )
  return selection.fits ? { ...selection, kept: [...own, ...selection.kept] } : selection
}

function selectMessages(messages: readonly HistoryMessage[], policy: ContextPolicy, bounds: ContextBounds): Selection {
  const { strategy } = policy
  if (strategy === "off") return { fits: true, kept: [], leftOut: [] }
  const limited = limitMessages(messages, bounds.historyLimit)
  const windowTokens = smaller(bounds.windowTokens, policy.windowTokensMax)
  if (windowTokens === null) return { fits: true, kept: limited, leftOut: [] }
  if (strategy === "full") return wholeOrNothing(limited, windowTokens, bounds)
  const reserve = bounds.fixedTokens + (bounds.outputTokens ?? defaultOutputTokens(windowTokens))
  const room = Math.max(0, windowTokens - reserve)
  const kept = newestTurns(limited, strategy === "saver" ? Math.floor(room / 2) : room)
  return { fits: true, kept, leftOut: limited.slice(0, limited.length - kept.length) }
}

function tokensOf(messages: readonly HistoryMessage[]): number {
  return messages.reduce((sum, { text }) => sum + estimateTokens(text), 0)
}

/** Where nobody said how long the answer may be, an eighth of the window is kept for it, at most 4,096 tokens (ours). */
function defaultOutputTokens(windowTokens: number): number {
  return Math.min(4_096, Math.floor(windowTokens / 8))
}

function smaller(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right
  return Math.min(left, right)
}

function wholeOrNothing(messages: readonly HistoryMessage[], windowTokens: number, bounds: ContextBounds): Selection {
  const tokens = bounds.fixedTokens + tokensOf(messages)
  return tokens > windowTokens ? { fits: false, tokens, windowTokens } : { fits: true, kept: messages, leftOut: [] }
}

function limitMessages(messages: readonly HistoryMessage[], limit: ContextBounds["historyLimit"]) {
  if (limit === null) return messages
  if ("messages" in limit) return limit.messages <= 0 ? [] : messages.slice(-limit.messages)
  return newestTurns(messages, limit.tokens)
}

/** The newest whole turns that fit into so many tokens. */
function newestTurns(messages: readonly HistoryMessage[], tokensMax: number): readonly HistoryMessage[] {
  let left = tokensMax
  let first = messages.length
  while (first > 0) {
    const turn = messages[first - 1]?.turn
    let begin = first
    let tokens = 0
    while (begin > 0 && messages[begin - 1]?.turn === turn) {
      begin -= 1
      tokens += estimateTokens(messages[begin]?.text ?? "")
    }
    if (tokens > left) break
    left -= tokens
    first = begin
  }
  return messages.slice(first)
}
