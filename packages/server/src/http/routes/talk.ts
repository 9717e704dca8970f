/** The calls of talking: parsed input to a turn, its events to frames, its end to an answer. */

import type { FrameOptions } from "@brevet/core/contract/frames"
import {
  findTurnFaults,
  findUnsupportedField,
  type ModelResponseBody,
  presentModelResponse,
  presentUnfitReply,
} from "@brevet/core/contract/model-response"
import {
  cancelModelResponseRoute,
  createModelResponseRoute,
  getModelResponseRoute,
  streamModelResponseRoute,
} from "@brevet/core/contract/model-response-routes"
import { unfitFrames } from "@brevet/core/contract/response-frames"
import { invalidFields, Refusal } from "@brevet/core/errors"
import type { Graph } from "@brevet/core/graph/graph"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../../ports/context.ts"
import { invitesRetry, requireNoError } from "../../services/ended-run.ts"
import { type QuestionOutcome, replyToQuestion } from "../../services/question-replies.ts"
import { cancelTurn, getResponse, readResponse } from "../../services/responses.ts"
import {
  attachResponse,
  startTurn,
  type TurnCall,
  type TurnIds,
  type TurnPorts,
  type TurnUnderWay,
} from "../../services/turns.ts"
import { type FrameStream, sendFrames } from "../frame-stream.ts"
import { type Answer, bind, type CallInput } from "../route.ts"
import { resumeNumber } from "../run-stream.ts"
import { toTurnRequest } from "../turn-body.ts"
import { frameFacts, streamTurn, turnStream } from "../turn-stream.ts"

type TurnInput = CallInput<typeof createModelResponseRoute>

/** The calls, over what turns need. */
export function makeTalkRoutes(ports: TurnPorts) {
  return [
    bind(createModelResponseRoute, (cx, input) => talk(cx, ports, input), { credentials: "remembered" }),
    bind(getModelResponseRoute, async (cx, { params }) => ({
      status: 200,
      body: presentModelResponse(await readResponse(cx, params.response_id)),
    })),
    bind(streamModelResponseRoute, async (cx, { params, query, lastEventId }) => {
      const response = await getResponse(cx, params.response_id)
      const after = resumeNumber(lastEventId, query.starting_after)
      return streamTurn(cx, ports, { response, after, ...readerOptions(query.include ?? []), isReplay: true })
    }),
    bind(cancelModelResponseRoute, async (cx, { params }) => {
      const { mode, elapsedMs, partialSaved } = await cancelTurn(cx, params.thread_id)
      const isQuick = mode === "quick_edit"
      const body = {
        success: true,
        cancel_mode: mode,
        elapsed_seconds: elapsedMs / 1_000,
        user_message_deleted: isQuick,
        assistant_response_deleted: isQuick,
        partial_content_saved: partialSaved,
      }
      return { status: 200, body }
    }),
  ]
}

async function talk(cx: Context, ports: TurnPorts, input: TurnInput): Promise<Answer> {
  const { body, standing, idempotency } = input
  requireSupported(body)
  const isRepeated = idempotency !== null && idempotency.found !== null
  if (isRepeated) {
    const replay = await findReplayable(cx, idempotency.found.responseId)
    if (replay !== null) return body.stream === true ? streamFrom(cx, ports, { turn: replay, body }) : answer(replay)
    // An answer that invited a retry is not kept (the HTTP contract, §1): the request is made anew.
    await idempotency.startOver()
  }
  const request = toTurnRequest(cx, body)
  const call = { request, standing, idempotency, isRepeated }
  const begun = await begin(cx, ports, { call, body })
  if (begun !== null) return begun
  const reply = await replyToQuestion(cx, request, idempotency)
  if (reply !== null) return answerReply(cx, ports, { reply, body })
  // Somebody has answered it in the meantime, or it takes no words for an answer.
  const apart = await begin(cx, ports, { call: { ...call, isApart: true }, body })
  if (apart === null) throw new Error("a turn that stands apart met a question")
  return apart
}

/** Begins a turn; null where a question is open in its thread. */
async function begin(
  cx: Context,
  ports: TurnPorts,
  { call, body }: { readonly call: TurnCall; readonly body: ModelResponseBody },
): Promise<Answer | null> {
  if (body.stream !== true) {
    const turn = await startTurn(cx, ports, call)
    return turn === null ? null : answer(turn)
  }
  const options = readerOptions(body.include ?? [])
  // Whoever waits with the run reads its log from segment to segment.
  if (options.wait) {
    const turn = await startTurn(cx, ports, call)
    return turn === null ? null : streamFrom(cx, ports, { turn, body })
  }
  let stream: FrameStream | null = null
  const listen = (ids: TurnIds, graph: Graph): FrameStream => {
    stream = turnStream(frameFacts(cx, ids, graph), {
      ...options,
      isReplay: false,
      patienceMs: cx.settings.streamWaitMs,
    })
    return stream
  }
  const turn = await startTurn(cx, ports, { ...call, listen })
  if (turn === null) return null
  const heard: FrameStream | null = stream
  if (!turn.isHeard || heard === null) return streamFrom(cx, ports, { turn, body })
  return { status: 200, stream: (sink) => (heard as FrameStream).attach(sink) }
}

/** Throws UNSUPPORTED_PARAMETER and VALIDATION_ERROR; a part that does not work yet is no fault of its shape. */
function requireSupported(body: ModelResponseBody): void {
  const field = findUnsupportedField(body)
  if (field !== null) throw new Refusal("UNSUPPORTED_PARAMETER", { details: { field } })
  const faults = findTurnFaults(body)
  if (faults.length > 0) throw invalidFields(faults)
}

/** The turn of an earlier request with the same key, unless its answer was one that is not kept (5xx). */
async function findReplayable(cx: Context, responseId: Id<"response"> | null): Promise<TurnUnderWay | null> {
  if (responseId === null) return null
  const turn = await attachResponse(cx, responseId)
  return (await invitesRetry(cx, turn.runId)) ? null : turn
}

/**
 * The answer as JSON, once the turn has ended. A turn that failed is its error. Where this process leaves before the end
 * the answer is `in_progress` and says where to read on: the turn was accepted, and a 5xx would invite a second one.
 */
async function answer(turn: TurnUnderWay): Promise<Answer> {
  const ended = await turn.ended()
  if (ended !== null) requireNoError(ended)
  const { threadId, responseId, runId } = turn
  return { status: 200, body: presentModelResponse({ threadId, responseId, runId, ended }) }
}

const readerOptions = (include: readonly string[]): FrameOptions => ({
  nodes: include.includes("nodes"),
  wait: include.includes("wait"),
})

/** What was said to a question: the turn that goes on, or the question once more with what is wrong. */
async function answerReply(
  cx: Context,
  ports: TurnPorts,
  { reply, body }: { readonly reply: QuestionOutcome; readonly body: ModelResponseBody },
): Promise<Answer> {
  if ("turn" in reply)
    return body.stream === true ? streamFrom(cx, ports, { turn: reply.turn, body }) : answer(reply.turn)
  if (body.stream !== true) return { status: 200, body: presentUnfitReply(reply.unfit) }
  return { status: 200, stream: (sink) => sendFrames(sink, unfitFrames(reply.unfit)) }
}

/** A stream of a turn that began before its reader came. */
async function streamFrom(
  cx: Context,
  ports: TurnPorts,
  { turn, body }: { readonly turn: TurnUnderWay; readonly body: ModelResponseBody },
): Promise<Answer> {
  const response = await getResponse(cx, turn.responseId)
  return streamTurn(cx, ports, { response, after: 0, ...readerOptions(body.include ?? []), isReplay: false })
}
