/** How runs end: the events, the message and the row of each ending. Pure, but for the ids that are handed in. */
import type { CauseCode, ErrorCode } from "@brevet/core/errors"
import { errorCatalogue } from "@brevet/core/errors"
import { textOfItems } from "@brevet/core/graph/answer"
import type { Failure, RunError, RunEvent } from "@brevet/core/graph/events"
import type { Item } from "@brevet/core/graph/items"
import { stripMarkdown } from "@brevet/core/graph/markdown"
import type { RunResult } from "@brevet/core/graph/run-result"
import type { RunState } from "@brevet/core/graph/run-state"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { MessageWrite, RunEnding } from "../ports/owner.ts"

/** An ending: what is taken into the run, what is added to the thread, and what its row says. */
export type Ending = {
  readonly events: readonly RunEvent[]
  readonly message: MessageWrite | null
  readonly row: RunEnding
}

/** What endings are made of beside the run's state. */
export type EndingFacts = {
  readonly runId: string
  readonly traceId: string
  readonly atMs: number
  /** The id of the message that the ending adds, if it adds one. */
  readonly messageId: Id<"message">
  readonly requestHash: string | null
}

/** Nothing is left to do: the items of the last node that ran are the run's output, and in a chat its answer. */
export function completion(
  state: RunState,
  output: { readonly node: string | null; readonly items: readonly Item[] },
  facts: EndingFacts,
): Ending {
  const { atMs } = facts
  const stopReason = state.lastFinish === "length" ? "length" : "stop"
  const said = textOfItems(output.items)
  const text = state.created?.turn?.plainText === true ? stripMarkdown(said) : said
  const isTurn = state.created?.turn != null
  // Where a node has answered explicitly, the last node's output is not said as well, unless it was shown already.
  const reply = isTurn && (!state.hasReplied || state.shown !== "") ? text : null
  const events: RunEvent[] = []
  if (reply !== null) events.push(...replyEvents(state, reply, facts))
  const messageId = reply === null ? null : facts.messageId
  events.push({ type: "run-completed", at: atMs, node: output.node, messageId, stopReason, usage: state.usage })
  return {
    events,
    message: reply === null ? null : assistantMessage(state, facts, { text: reply, metadata: null }),
    row: endingRow(state, facts, {
      status: "completed",
      result: { node: output.node, messageId, text: wholeText(state, isTurn ? reply : text), stopReason },
    }),
  }
}

/** What was said since the run last waited, and the answer; of a run that is no turn the text of its output. */
function wholeText(state: RunState, text: string | null): string | null {
  if (state.reply === null) return text
  return text === null || text === "" ? state.reply : `${state.reply}\n\n${text}`
}

/** The answer as events: what was shown already is not said again; what was shown and is not the answer is taken back. */
function replyEvents(state: RunState, reply: string, { atMs, messageId }: EndingFacts): RunEvent[] {
  if (state.shown === reply && reply !== "") return [{ type: "message-added", at: atMs, messageId, text: null }]
  const added: RunEvent = { type: "message-added", at: atMs, messageId, text: reply }
  if (state.shown === "") return [added]
  return [{ type: "content-reset", at: atMs, reason: "retracted", attempt: 1 }, added]
}

/** The run failed for good. A turn keeps its user's message and gets an empty answer that says why. */
export function failing(state: RunState, failure: Failure, facts: EndingFacts): Ending {
  const error = runErrorOf(state, failure, facts.runId)
  const isTurn = state.created?.turn != null
  const messageId = isTurn ? facts.messageId : null
  const metadata = { status: "failed", error_code: error.code, run_id: facts.runId }
  const event: RunEvent = {
    type: "run-failed",
    at: facts.atMs,
    failure,
    error,
    messageId,
    traceId: facts.traceId,
  }
  return {
    events: [event],
    message: isTurn ? assistantMessage(state, facts, { text: "", metadata, isFailed: true }) : null,
    row: {
      ...endingRow(state, facts, { status: "failed", result: { messageId, failure, error } }),
      failedRequestHash: isTurn ? facts.requestHash : null,
    },
  }
}

/** Somebody ended the run. What was shown stays as the turn's answer, unless the turn is taken back. */
export function cancellation(state: RunState, cause: CauseCode, facts: EndingFacts): Ending {
  const isTurn = state.created?.turn != null
  const removesTurn = cause === "TURN_WITHDRAWN" || cause === "TURN_REMOVED"
  const keeps = isTurn && !removesTurn && state.shown !== ""
  const messageId = keeps ? facts.messageId : null
  const partialLength = [...state.shown].length
  const metadata = { status: "cancelled", run_id: facts.runId }
  return {
    events: [{ type: "run-cancelled", at: facts.atMs, cause, messageId, partialLength }],
    message: keeps ? assistantMessage(state, facts, { text: state.shown, metadata }) : null,
    row: {
      ...endingRow(state, facts, {
        status: "cancelled",
        result: { messageId, text: keeps ? state.shown : null, stopReason: "cancelled", cancelCause: cause },
      }),
      removesTurn: isTurn && removesTurn,
    },
  }
}

function assistantMessage(
  state: RunState,
  facts: EndingFacts,
  said: { readonly text: string; readonly metadata: JsonObject | null; readonly isFailed?: boolean },
): MessageWrite {
  return {
    id: facts.messageId,
    ordinal: state.nextOrdinal,
    role: "assistant",
    content: JSON.stringify(said.text),
    metadata: said.metadata === null ? null : JSON.stringify(said.metadata),
    isFailed: said.isFailed ?? false,
    createdAtMs: facts.atMs,
  }
}

type EndingWords = { readonly status: RunEnding["status"]; readonly result: Partial<RunResult> }

function endingRow(state: RunState, facts: EndingFacts, { status, result }: EndingWords): RunEnding {
  const whole: RunResult = {
    node: null,
    messageId: null,
    text: null,
    stopReason: null,
    model: state.lastModel,
    isSummarized: state.isSummarized,
    failure: null,
    error: null,
    cancelCause: null,
    traceId: facts.traceId,
    endedAtMs: facts.atMs,
    ...result,
  }
  return {
    status,
    atMs: facts.atMs,
    usage: state.usage,
    result: whole,
    removesTurn: false,
    failedRequestHash: null,
    closesPauses: state.waiting.length > 0,
  }
}

/** Causes of a first model call that the envelope names by their own code (the HTTP contract, §1 "5xx"). */
const firstCallCodes = {
  MODEL_ERROR: "MODEL_ERROR",
  MODEL_UNAVAILABLE: "MODEL_UNAVAILABLE",
  MODEL_TIMEOUT: "MODEL_TIMEOUT",
  MODEL_REFUSED: "MODEL_REFUSED",
  MODEL_NOT_FOUND: "MODEL_NOT_FOUND",
  CONTEXT_TOO_LONG: "CONTEXT_TOO_LONG",
} as const satisfies Partial<Record<CauseCode, ErrorCode>>

/**
 * The error of a failed run as the envelope shows it. A run that failed in its first model call, before anything happened
 * outside, answers as the call did, so that clients repeat what may be repeated; everything else is NODE_FAILED, a fault
 * of ours too, since the run was accepted.
 */
function runErrorOf(state: RunState, failure: Failure, runId: string): RunError {
  const isFirst = !state.hasEffects && Object.hasOwn(firstCallCodes, failure.code)
  const code: ErrorCode = isFirst ? firstCallCodes[failure.code as keyof typeof firstCallCodes] : "NODE_FAILED"
  const { message, systemMessage } = errorCatalogue[code]
  return {
    code,
    message: isFirst ? message : failure.message,
    systemMessage: `${systemMessage}: ${failure.message}`,
    details: { run_id: runId, node: failure.node ?? null, cause_code: failure.code, ...(failure.details ?? {}) },
  }
}
