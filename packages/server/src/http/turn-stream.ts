/** The streams of turns: chat frames, live from the first event or read again from any number. */
import { type FrameFacts, type FrameOptions, heartbeatBody, processingFrame } from "@brevet/core/contract/frames"
import { responseFrames } from "@brevet/core/contract/response-frames"
import { Refusal } from "@brevet/core/errors"
import type { RunCreated, RunEvent } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { ResponseRecord } from "../ports/turn-table.ts"
import type { TurnIds, TurnPorts } from "../services/turns.ts"
import { FrameStream } from "./frame-stream.ts"
import type { StreamAnswer } from "./route.ts"

/** What is read: which response, after which number, with what else. A replay has no opening frame. */
export type TurnReading = FrameOptions & {
  readonly response: Pick<ResponseRecord, "responseId" | "runId" | "firstNumber">
  readonly after: number
  readonly isReplay: boolean
}

/** A stream that is read from the log and goes on live. Throws RESPONSE_NOT_FOUND where the log is no longer kept. */
export async function streamTurn(cx: Context, ports: TurnPorts, reading: TurnReading): Promise<StreamAnswer> {
  const { response } = reading
  const { runId, responseId, firstNumber } = response
  const [first] = await cx.store.runs.readLog(runId, { after: 0, appendsMax: 1 })
  const created = first?.event
  if (created?.type !== "run-created" || created.turn === null) throw new Refusal("RESPONSE_NOT_FOUND")
  const graph = await ports.graphs.load(created.workflowId as Id<"workflow"> | null, created.workflowVersion)
  const facts = { ...readFacts(runId, created, graph), responseId }
  const stream = turnStream(facts, { ...reading, patienceMs: cx.settings.streamWaitMs })
  return {
    status: 200,
    stream: (sink) => {
      // Read from its beginning, whatever the reader has had: what belongs to it is told from there.
      const unfollow = cx.runs.follow(runId, firstNumber - 1, stream)
      stream.attach(sink, unfollow)
    },
  }
}

/** The stream of a response's frames, from its first event on. `after`: those up to this number are left out. */
export function turnStream(
  facts: FrameFacts,
  options: FrameOptions & { readonly isReplay: boolean; readonly after?: number; readonly patienceMs: number },
) {
  const { after = 0 } = options
  const framesOf = responseFrames(facts, options)
  return new FrameStream({
    framesOf(event: RunEvent, number: number) {
      const { frames, isLast } = framesOf(event, number)
      return { frames: after === 0 ? frames : frames.filter((frame) => frame.number > after), isLast }
    },
    patienceMs: options.patienceMs,
    opening: options.isReplay ? null : processingFrame,
    heartbeat: heartbeatBody,
  })
}

/** What the frames of a turn that starts now need. */
export function frameFacts(cx: Context, ids: TurnIds, graph: Graph): FrameFacts {
  return {
    runId: ids.runId,
    threadId: ids.threadId,
    responseId: ids.responseId,
    userMessageId: ids.userMessageId ?? "",
    traceId: cx.traceId,
    assistantId: ids.assistantId,
    kindOf: kindIn(graph),
  }
}

function readFacts(runId: Id<"run">, created: RunCreated, graph: Graph): FrameFacts {
  const { turn, traceId } = created
  return {
    runId,
    threadId: turn?.threadId ?? "",
    responseId: turn?.responseId ?? "",
    userMessageId: turn?.userMessageId ?? "",
    traceId,
    assistantId: turn?.assistantId ?? null,
    kindOf: kindIn(graph),
  }
}

function kindIn(graph: Graph): (node: string) => string {
  return (name) => {
    const node = graph.nodes[graph.ordinalByName.get(name) ?? -1]
    return node?.kind ?? node?.type ?? "unknown"
  }
}
