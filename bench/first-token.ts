/** Time to the first piece of text of a streamed turn, one in flight, beside the model asked directly. */
import { aims } from "./aims.ts"
import type { Bench, Side } from "./bench.ts"
import { makeRows, type Row } from "./figures.ts"
import { openConnections, send } from "./load.ts"
import { inRounds, type Lane } from "./rounds.ts"
import { promptAnswer } from "./servers.ts"
import { nowMs } from "./stamp.ts"
import { percentile } from "./statistics.ts"
import { requireGood, requireStored, WrongAnswer } from "./subjects.ts"

/** The first word of the scripted answer, as it stands in a frame of whatever server. */
const firstPiece = /"(?:content|delta)":"token0/

/** Measures the first token. */
export async function measureFirstToken(bench: Bench): Promise<readonly Row[]> {
  const brevet = await bench.brevet()
  const floor = await bench.floor()
  const results = await inRounds(bench, "first-token", {
    model: firstTokenLane(bench.model()),
    floor: firstTokenLane(floor),
    Brevet: firstTokenLane(brevet),
  })
  const added = (values: readonly number[]) =>
    values.map((value, round) => value - (results.model[round] ?? Number.NaN))
  return [
    ...makeRows({ what: "first token: p50", unit: "ms", digits: 2, brevet: results.Brevet, floor: results.floor }),
    ...makeRows({
      what: "first token: p50 above the model's own",
      unit: "ms",
      digits: 2,
      brevet: added(results.Brevet),
      floor: added(results.floor),
      aim: aims.firstTokenAddedMs,
    }),
  ]
}

/** The median (milliseconds). */
function firstTokenLane({ subject }: Side): Lane<number> {
  return async ({ durationMs }) => {
    const before = await subject.countStored()
    const connections = openConnections(subject.address, 1)
    const samplesMs: number[] = []
    const untilMs = nowMs() + durationMs
    try {
      while (nowMs() < untilMs) {
        let text = ""
        let firstMs: number | null = null
        const request = subject.turn(`Question ${samplesMs.length}`, { stream: true })
        const answer = await send(connections, request, (piece, atMs) => {
          text += piece
          if (firstMs === null && firstPiece.test(text)) firstMs = atMs
        })
        requireGood(subject, answer)
        const last = promptAnswer.slice(promptAnswer.lastIndexOf(" ") + 1)
        if (firstMs === null || !answer.body.includes(last) || !answer.body.endsWith("data: [DONE]\n\n")) {
          throw new WrongAnswer(`${subject.name} streamed ${answer.body}`)
        }
        samplesMs.push(firstMs)
      }
    } finally {
      await connections.destroy()
    }
    await requireStored(subject, { before, answered: samplesMs.length })
    return percentile(samplesMs, 50)
  }
}
