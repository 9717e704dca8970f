/**
 * Many streams at a steady pace: 200 at once, each of 50 pieces 20 ms apart. Each piece says when the model sent it, so that
 * its way through the server is known; the whole stream is from the request to its end.
 */
import { aims } from "./aims.ts"
import type { Bench, Side } from "./bench.ts"
import { makeRows, type Row } from "./figures.ts"
import { openConnections, send } from "./load.ts"
import { readServerCpu } from "./process-figures.ts"
import { inRounds, type Lane } from "./rounds.ts"
import { paced } from "./servers.ts"
import { nowMs, readStamps } from "./stamp.ts"
import { percentile } from "./statistics.ts"
import { requireGood, requireStored, WrongAnswer } from "./subjects.ts"

const measure = "streams200"
const inFlight = 200
/** Streams begin spread over so long, as those of people do. */
const spreadMs = paced.tokens * paced.delayMs

type Streamed = {
  readonly relayP50Ms: number
  readonly relayP99Ms: number
  readonly streamP99Ms: number
  /** Cores of the Node process; null where it is not told. */
  readonly cores: number | null
}

/** Measures streams. */
export async function measureStreams(bench: Bench): Promise<readonly Row[]> {
  const brevet = await bench.brevet()
  const floor = await bench.floor()
  const results = await inRounds(bench, measure, { floor: streamLane(bench, floor), Brevet: streamLane(bench, brevet) })
  const values = (name: keyof Streamed) => ({
    brevet: results.Brevet.flatMap((streamed) => streamed[name] ?? []),
    floor: results.floor.flatMap((streamed) => streamed[name] ?? []),
  })
  const what = `${inFlight} streams of ${paced.tokens} tokens`
  return [
    ...makeRows({ what: `${what}: relay p50`, unit: "ms", digits: 1, ...values("relayP50Ms") }),
    ...makeRows({ what: `${what}: relay p99`, unit: "ms", digits: 1, ...values("relayP99Ms"), aim: aims.relayMs }),
    ...makeRows({
      what: `${what}: whole stream p99`,
      unit: "ms",
      digits: 0,
      ...values("streamP99Ms"),
      aim: aims.streamMs,
    }),
    ...makeRows({ what: `${what}: CPU of Node`, unit: "cores", digits: 2, ...values("cores") }),
  ]
}

type Samples = { readonly relaysMs: number[]; readonly streamsMs: number[] }

function streamLane(bench: Bench, { subject, server }: Side): Lane<Streamed> {
  return async ({ durationMs, isWarmUp }) => {
    const before = await subject.countStored()
    const readCpu = () => (server === null ? null : readServerCpu(server.child.pid, server.postmaster))
    const cpuBefore = await readCpu()
    const samples: Samples = { relaysMs: [], streamsMs: [] }
    const fromMs = nowMs()
    await Promise.all(
      Array.from({ length: inFlight }, async (_, worker) => {
        await new Promise((resolve) => setTimeout(resolve, (worker / inFlight) * spreadMs))
        await readStreams(subject, fromMs + Math.max(durationMs, 2 * spreadMs), samples)
      }),
    )
    const toMs = nowMs()
    const cpuAfter = await readCpu()
    await requireStored(subject, { before, answered: samples.streamsMs.length })
    if (subject.name === "Brevet" && !isWarmUp) {
      bench.windows.push({ measure, fromMs, toMs, done: samples.relaysMs.length })
    }
    return {
      relayP50Ms: percentile(samples.relaysMs, 50),
      relayP99Ms: percentile(samples.relaysMs, 99),
      streamP99Ms: percentile(samples.streamsMs, 99),
      cores: cpuBefore === null || cpuAfter === null ? null : (cpuAfter.nodeMs - cpuBefore.nodeMs) / (toMs - fromMs),
    }
  }
}

/** One worker: stream after stream over one connection. */
async function readStreams(subject: Side["subject"], untilMs: number, samples: Samples): Promise<void> {
  const connections = openConnections(subject.address, 1)
  try {
    do {
      let open = ""
      let expected = 0
      const request = subject.turn("Tell me something", { stream: true, paced: true })
      const answer = await send(connections, request, (piece) => {
        const receivedMs = nowMs()
        open += piece
        // A stamp may be cut in two; what follows the last blank may be the beginning of one.
        const cut = open.lastIndexOf(" ") + 1
        for (const { index, sentMs } of readStamps(open.slice(0, cut))) {
          if (index !== expected)
            throw new WrongAnswer(`${subject.name} streamed token ${index} where ${expected} was due`)
          expected += 1
          samples.relaysMs.push(receivedMs - sentMs)
        }
        open = open.slice(cut)
      })
      requireGood(subject, answer)
      if (expected !== paced.tokens || !answer.body.endsWith("data: [DONE]\n\n")) {
        throw new WrongAnswer(`${subject.name} ended a stream after ${expected} tokens: ${answer.body.slice(-500)}`)
      }
      samples.streamsMs.push(answer.endMs)
    } while (nowMs() < untilMs)
  } finally {
    await connections.destroy()
  }
}
