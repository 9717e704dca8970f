/** The stream of a run's events, read from any number and live to the end. */
import { runFramesOf } from "@brevet/core/contract/run-events"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import { FrameStream } from "./frame-stream.ts"
import type { StreamAnswer } from "./route.ts"

/** The stream of run events, with everything above `after`. */
export function streamRunEvents(cx: Context, runId: Id<"run">, after: number): StreamAnswer {
  const stream = runStream()
  return {
    status: 200,
    stream: (sink) => {
      const unfollow = cx.runs.follow(runId, after, stream)
      stream.attach(sink, unfollow)
    },
  }
}

/** A stream of run events that something else feeds. `untilRest`: it ends where the run waits. */
export function runStream({ untilRest = false }: { readonly untilRest?: boolean } = {}): FrameStream {
  return new FrameStream({
    framesOf: (event, number) => ({
      frames: runFramesOf(event, number),
      isLast: untilRest && event.type === "run-waiting",
    }),
    opening: null,
    heartbeat: { event: "heartbeat" },
  })
}

/** The number after which a stream is read on: of the header that a reconnecting reader sends, else of the query. */
export function resumeNumber(lastEventId: string | null, startingAfter: number): number {
  const named = lastEventId !== null && /^\d{1,16}$/.test(lastEventId) ? Number(lastEventId) : null
  return named ?? startingAfter
}
