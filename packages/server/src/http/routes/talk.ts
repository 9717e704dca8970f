/** The calls of talking: parsed input to a turn, its events to frames, its end to an answer. */

import {
  findTurnFaults,
  findUnsupportedField,
  type ModelResponseBody,
  presentModelResponse,
} from "@brevet/core/contract/model-response"
import {
  cancelModelResponseRoute,
  createModelResponseRoute,
  getModelResponseRoute,
  streamModelResponseRoute,
} from "@brevet/core/contract/model-response-routes"
import { invalidFields, Refusal } from "@brevet/core/errors"
import type { Graph } from "@brevet/core/graph/graph"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../../ports/context.ts"
import { invitesRetry, requireNoError } from "../../services/ended-run.ts"
import { cancelTurn, getResponse, readResponse } from "../../services/responses.ts"
import { attachResponse, startTurn, type TurnIds, type TurnPorts, type TurnUnderWay } from "../../services/turns.ts"
import type { FrameStream } from "../frame-stream.ts"
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
      return streamTurn(cx, ports, { runId: response.runId, after, nodes: query.include === "nodes", isReplay: true })
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
  if (body.stream !== true) return answer(await startTurn(cx, ports, call))
  let stream: FrameStream | null = null
  const listen = (ids: TurnIds, graph: Graph): FrameStream => {
    stream = turnStream(frameFacts(cx, ids, graph), { nodes: wantsNodes(body), isReplay: false })
    return stream
  }
  const turn = await startTurn(cx, ports, { ...call, listen })
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

const wantsNodes = (body: ModelResponseBody): boolean => body.include?.includes("nodes") === true

/** A stream of a turn that began before its reader came. */
function streamFrom(
  cx: Context,
  ports: TurnPorts,
  { turn, body }: { readonly turn: TurnUnderWay; readonly body: ModelResponseBody },
): Promise<Answer> {
  return streamTurn(cx, ports, { runId: turn.runId, after: 0, nodes: wantsNodes(body), isReplay: false })
}
