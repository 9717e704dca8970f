/** The streams of turns: chat frames, live from the first event or read again from any number. */
import { type FrameFacts, framesOf, heartbeatBody, processingFrame } from "@brevet/core/contract/frames"
import { Refusal } from "@brevet/core/errors"
import type { RunCreated, RunEvent } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { TurnIds, TurnPorts } from "../services/turns.ts"
import { FrameStream } from "./frame-stream.ts"
import type { StreamAnswer } from "./route.ts"

/** What is read: which run, after which number, with frames about nodes or without. A replay has no opening frame. */
export type TurnReading = {
  readonly runId: Id<"run">
  readonly after: number
  readonly nodes: boolean
  readonly isReplay: boolean
}

/** A stream that is read from the log and goes on live. Throws RESPONSE_NOT_FOUND where the log is no longer kept. */
export async function streamTurn(cx: Context, ports: TurnPorts, reading: TurnReading): Promise<StreamAnswer> {
  const { runId, after } = reading
  const [first] = await cx.store.runs.readLog(runId, { after: 0, appendsMax: 1 })
  const created = first?.event
  if (created?.type !== "run-created" || created.turn === null) throw new Refusal("RESPONSE_NOT_FOUND")
  const graph = await ports.graphs.load(created.workflowId as Id<"workflow"> | null, created.workflowVersion)
  const stream = turnStream(readFacts(runId, created, graph), reading)
  return {
    status: 200,
    stream: (sink) => {
      const unfollow = cx.runs.follow(runId, after, stream)
      stream.attach(sink, unfollow)
    },
  }
}

/** The stream of a turn's frames. */
export function turnStream(facts: FrameFacts, options: { readonly nodes: boolean; readonly isReplay: boolean }) {
  return new FrameStream({
    framesOf: (event: RunEvent, number: number) => framesOf(event, number, { facts, options }),
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
