/**
 * The frames of one response: the stretch of its run that begins where the response is opened and ends where the run comes
 * to rest or is over. A reader who waits with the run gets everything from there on, one response after the other.
 *
 *     run-created (response 1) ··· run-waiting │ run-resumed (response 2) ··· run-waiting │ run-resumed (3) ··· run-completed
 *     └──────────── response 1 ──────────────┘   └───────────── response 2 ─────────────┘
 *
 * A function of the events alone, read from the response's beginning or earlier, so that a replay is the same bytes.
 */
import type { RunEvent } from "../graph/events.ts"
import { type Frame, type FrameFacts, type FrameOptions, framesOf, processingFrame } from "./frames.ts"
import type { UnfitReplyView } from "./model-response.ts"
import { presentOpenPause } from "./pauses.ts"

/** The frames of an event, and whether it was the last that the reader gets. */
export type ResponseFrames = { readonly frames: readonly Frame[]; readonly isLast: boolean }

/** Makes the function from events, in order, to frames. */
export function responseFrames(
  facts: FrameFacts,
  options: FrameOptions,
): (event: RunEvent, number: number) => ResponseFrames {
  let place: "before" | "within" | "after" = "before"
  let { responseId } = facts
  const separate = messageSeparator()
  return (event, number) => {
    const opened = openedResponse(event)
    if (place === "before" && opened === facts.responseId) place = "within"
    if (place !== "within") return { frames: [], isLast: false }
    if (opened !== null) responseId = opened
    const isLast = event.type === "run-waiting" && !options.wait
    if (isLast) place = "after"
    return { frames: framesOf(separate(event), number, { facts: { ...facts, responseId }, options }), isLast }
  }
}

/**
 * The frames that answer what was said to a question and does not fit it. They are no part of the run's log, and name no
 * number that is.
 */
export function unfitFrames(reply: UnfitReplyView): readonly Frame[] {
  const ids = { thread_id: reply.threadId, response_id: reply.responseId }
  const completed = { ...ids, message_id: null, stop_reason: "input_required", usage: noUsage }
  return [
    processingFrame,
    { number: 0, body: { event: "response.input_required", pause: presentOpenPause(reply.pause, reply.complaint) } },
    { number: 0, body: { event: "response.completed", ...completed } },
  ]
}

const noUsage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 }

/** Several messages of one response stand apart by a blank line, in the stream as in the answer as JSON. */
function messageSeparator(): (event: RunEvent) => RunEvent {
  let isBehindMessage = false
  return (event) => {
    if (event.type === "content-reset" || openedResponse(event) !== null) isBehindMessage = false
    const isText = event.type === "message-added" || event.type === "model-text"
    if (!isText) return event
    const gap = isBehindMessage ? "\n\n" : ""
    isBehindMessage = event.type === "message-added"
    if (event.type === "message-added") return event.text === null ? event : { ...event, text: gap + event.text }
    const [first = "", ...others] = event.texts
    return { ...event, texts: [gap + first, ...others] }
  }
}

/** The response that an event opens; null where it opens none. */
function openedResponse(event: RunEvent): string | null {
  if (event.type === "run-created") return event.turn?.responseId ?? null
  return event.type === "run-resumed" ? event.responseId : null
}
