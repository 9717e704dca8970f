/**
 * What events that ask for nothing leave in the state: calls, shown text, messages, and how the run ended. The other
 * half of the fold is the planner's.
 */
import type { RunEvent } from "./events.ts"
import {
  type CallPlace,
  type CompletedCall,
  type Current,
  isSameCall,
  isSameTool,
  questionPlaces,
  type RunState,
  type SentRequest,
} from "./run-state.ts"

/** Events that tell how things go and ask for nothing. */
export function narrate(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case "model-call-started": {
      const current = state.current === null ? null : opened(state.current, placeOf(event))
      const isSummarized = state.isSummarized || event.summarized === true
      return { ...state, current, isSummarized, lastModel: event.model, shownBeforeCall: state.shown.length }
    }
    case "model-text":
      return { ...state, shown: state.shown + event.texts.join("") }
    case "model-call-completed":
      return noteCall(state, event)
    case "child-run-started": {
      if (state.current === null) return state
      const children = [...state.current.children, { ...placeOf(event), runId: event.runId }]
      return { ...state, current: { ...state.current, children }, hasEffects: true }
    }
    case "tool-call-started": {
      if (state.current === null) return state
      const tools = [...state.current.tools, { ...placeOf(event), index: event.index, outcome: null }]
      return { ...state, current: { ...state.current, tools }, hasEffects: true }
    }
    case "tool-call-completed": {
      if (state.current === null) return state
      const { outcome } = event
      const tools = state.current.tools.map((tool) => (isSameTool(tool, event) ? { ...tool, outcome } : tool))
      return { ...state, current: { ...state.current, tools } }
    }
    case "request-started":
      return noteRequest(state, { item: event.item, status: "open" })
    case "request-completed": {
      const { item, items } = event
      return noteRequest(state, items === null ? { item, status: "failed" } : { item, status: "completed", items })
    }
    case "content-reset":
      return { ...state, shown: "", shownBeforeCall: 0 }
    case "message-added":
      return said(state, event)
    case "run-waiting":
      return { ...state, isAtRest: true }
    case "run-resumed": {
      const { at: instantMs, responseId } = event
      return { ...state, isAtRest: false, instantMs, responseId, reply: null, hasReplied: false, lastMessageId: null }
    }
    case "run-completed":
      return ended(state, event.at, {
        status: "completed",
        node: event.node,
        messageId: event.messageId,
        stopReason: event.stopReason,
      })
    case "run-failed":
      return ended(state, event.at, {
        status: "failed",
        failure: event.failure,
        error: event.error,
        messageId: event.messageId,
      })
    case "run-cancelled":
      return ended(state, event.at, { status: "cancelled", cause: event.cause, messageId: event.messageId })
    default:
      return state
  }
}

/** A message of the assistant, in the middle of the run or at its end. */
function said(state: RunState, event: Extract<RunEvent, { type: "message-added" }>): RunState {
  const text = event.text ?? state.shown
  return {
    ...state,
    shown: "",
    shownBeforeCall: 0,
    reply: state.reply === null ? text : `${state.reply}\n\n${text}`,
    hasReplied: state.hasReplied || event.isReply === true,
    lastMessageId: event.messageId,
    nextOrdinal: state.nextOrdinal + (event.pauseId === undefined ? 1 : questionPlaces),
  }
}

function noteCall(state: RunState, event: Extract<RunEvent, { type: "model-call-completed" }>): RunState {
  const { model, toolCalls, finishReason, usage } = event
  const text = event.text ?? state.shown.slice(state.shownBeforeCall)
  const completed: CompletedCall = { ...placeOf(event), model, text, toolCalls, finishReason, usage }
  const current = state.current === null ? null : closed(state.current, completed)
  const total = {
    inputTokens: state.usage.inputTokens + usage.inputTokens,
    outputTokens: state.usage.outputTokens + usage.outputTokens,
    totalTokens: state.usage.totalTokens + usage.totalTokens,
  }
  return { ...state, current, usage: total, lastModel: model, lastFinish: finishReason, hasEffects: true }
}

function noteRequest(state: RunState, request: SentRequest): RunState {
  if (state.current === null) return state
  const others = state.current.requests.filter(({ item }) => item !== request.item)
  return { ...state, current: { ...state.current, requests: [...others, request] }, hasEffects: true }
}

function placeOf({ call, lane }: CallPlace): CallPlace {
  return lane === undefined ? { call } : { call, lane }
}

function opened(current: Current, place: CallPlace): Current {
  const others = current.openCalls.filter((open) => !isSameCall(open, place))
  return { ...current, openCalls: [...others, place] }
}

function closed(current: Current, completed: CompletedCall): Current {
  const openCalls = current.openCalls.filter((open) => !isSameCall(open, completed))
  return { ...current, openCalls, calls: [...current.calls, completed] }
}

function ended(state: RunState, atMs: number, end: NonNullable<RunState["end"]>): RunState {
  return { ...state, end, endedAtMs: atMs, ready: null, collecting: [] }
}
