/**
 * The frames of a chat stream: a pure function of the run's events (the HTTP contract, §5 and `runs` §5). The same
 * events give the same frames byte for byte, live or read again.
 *
 * A frame has the number of its event (of its text, within `model-text`); frames that stand for several events' news
 * have the number of the last. Events without a frame leave gaps, which are legal.
 */
import type { PauseOpened, RunEvent, RunResumed, Usage } from "../graph/events.ts"
import type { JsonObject } from "../json.ts"
import { errorObject } from "./error-envelope.ts"
import { presentOpenPause } from "./pauses.ts"

/** One frame: its number in the run's log, and its JSON with `event`. */
export type Frame = { readonly number: number; readonly body: JsonObject & { readonly event: string } }

/** What a reader asked for with `include`: frames about nodes; to wait with the run, which then is no end. */
export type FrameOptions = { readonly nodes: boolean; readonly wait: boolean }

/** What frames need to know of the run beyond the event at hand. */
export type FrameFacts = {
  readonly runId: string
  readonly threadId: string
  readonly responseId: string
  readonly userMessageId: string
  readonly traceId: string
  readonly assistantId: string | null
  /** Kind of a node by its name. */
  readonly kindOf: (node: string) => string
}

/** The first frame of a stream, sent at once: number 0, names nothing, is no part of a replay. */
export const processingFrame: Frame = { number: 0, body: { event: "response.processing" } }

/** What goes out after a time of silence; it has no number. */
export const heartbeatBody: Frame["body"] = { event: "response.heartbeat" }

/** The frames of one event whose first number is given. */
export function framesOf(event: RunEvent, number: number, view: { facts: FrameFacts; options: FrameOptions }): Frame[] {
  const { facts, options } = view
  switch (event.type) {
    case "run-created":
      return [{ number, body: createdBody(facts) }]
    case "model-text":
      return event.texts.map((delta, index) => ({
        number: number + index,
        body: { event: "response.content_delta", delta },
      }))
    case "message-added":
      return event.text === null || event.text === ""
        ? []
        : [{ number, body: { event: "response.content_delta", delta: event.text } }]
    case "content-reset":
      return [{ number, body: { event: "response.content_reset", reason: event.reason, attempt: event.attempt } }]
    case "node-started":
      return options.nodes
        ? [{ number, body: { event: "response.node_started", node: event.node, kind: facts.kindOf(event.node) } }]
        : []
    case "node-completed":
      return options.nodes
        ? [{ number, body: { event: "response.node_completed", node: event.node, kind: facts.kindOf(event.node) } }]
        : []
    case "tool-call-started":
    case "tool-call-completed":
      return isNested(event) ? [] : [{ number, body: toolBody(event) }]
    case "pause-opened":
      return isAsked(event)
        ? [{ number, body: { event: "response.input_required", pause: presentOpenPause(openedPause(event)) } }]
        : []
    case "run-resumed":
      return event.responseId === null ? [] : [{ number, body: resumedBody(facts, event) }]
    case "run-waiting":
      return options.wait ? [] : [{ number, body: completedBody(facts, event) }]
    default:
      return endFrames(event, number, facts)
  }
}

/** Tool calls for the client are asked for by the end of the response. */
function isAsked({ terms }: PauseOpened): boolean {
  return terms.kind !== "tool" && terms.kind !== "webhook"
}

function openedPause({ pauseId, terms, expiresAt }: PauseOpened) {
  return { ...terms, id: pauseId, expiresAtMs: expiresAt }
}

type ToolEvent = Extract<RunEvent, { type: "tool-call-started" | "tool-call-completed" }>

/** What a tool that is itself an agent does is its own affair. */
function isNested({ lane }: ToolEvent): boolean {
  return lane?.includes("/") === true
}

function toolBody(event: ToolEvent): Frame["body"] {
  if (event.type === "tool-call-completed") {
    return { event: "response.tool_call_completed", id: event.id, ...event.outcome }
  }
  const { id, name, arguments: given } = event.tool
  return { event: "response.tool_call_started", id, name, arguments: given }
}

function createdBody(facts: FrameFacts): Frame["body"] {
  return {
    event: "response.created",
    status: "in_progress",
    thread_id: facts.threadId,
    response_id: facts.responseId,
    run_id: facts.runId,
    user_message_id: facts.userMessageId,
    trace_id: facts.traceId,
    ...(facts.assistantId === null ? {} : { assistant_id: facts.assistantId }),
  }
}

type Completion = { readonly usage: Usage; readonly messageId: string | null; readonly stopReason: string }

function completedBody(
  { threadId, responseId }: FrameFacts,
  { usage, messageId, stopReason }: Completion,
): Frame["body"] {
  const { inputTokens, outputTokens, totalTokens } = usage
  return {
    event: "response.completed",
    thread_id: threadId,
    response_id: responseId,
    message_id: messageId,
    stop_reason: stopReason,
    usage: { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: totalTokens },
  }
}

function resumedBody(facts: FrameFacts, { responseId, userMessageId }: RunResumed): Frame["body"] {
  return createdBody({
    ...facts,
    responseId: responseId ?? facts.responseId,
    userMessageId: userMessageId ?? facts.userMessageId,
  })
}

function endFrames(event: RunEvent, number: number, facts: FrameFacts): Frame[] {
  switch (event.type) {
    case "run-completed":
      return [{ number, body: completedBody(facts, event) }]
    case "run-cancelled":
      return [{ number, body: { event: "response.cancelled", partial_content_length: event.partialLength } }]
    case "run-failed":
      return [
        {
          number,
          body: {
            event: "response.error",
            error: errorObject(event.error, { traceId: event.traceId, atMs: event.at }),
          },
        },
      ]
    default:
      return []
  }
}
