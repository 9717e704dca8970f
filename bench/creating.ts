/** Storing a workflow through the API, one after the other; the floor commits the same text. */
import { aims } from "./aims.ts"
import type { Bench, Side } from "./bench.ts"
import { makeRows, type Row } from "./figures.ts"
import { openConnections, send } from "./load.ts"
import { inRounds, type Lane } from "./rounds.ts"
import { nowMs } from "./stamp.ts"
import { percentile } from "./statistics.ts"
import { chainDefinition, getJson, requireGood, WrongAnswer } from "./subjects.ts"

/** Every so manieth workflow is read again. */
const sampledEvery = 100

/** Measures creating workflows. */
export async function measureCreating(bench: Bench): Promise<readonly Row[]> {
  const brevet = await bench.brevet()
  const floor = await bench.floor()
  const results = await inRounds(bench, "create", { floor: createLane(floor), Brevet: createLane(brevet) })
  return makeRows({
    what: "create a workflow: p50",
    unit: "ms",
    digits: 2,
    brevet: results.Brevet,
    floor: results.floor,
    aim: aims.createMs,
  })
}

/** The median (milliseconds). */
function createLane({ subject }: Side): Lane<number> {
  return async ({ durationMs }) => {
    const connections = openConnections(subject.address, 1)
    const samplesMs: number[] = []
    const untilMs = nowMs() + durationMs
    try {
      while (nowMs() < untilMs) {
        const answer = await send(connections, subject.createWorkflow(`Workflow ${samplesMs.length}`))
        requireGood(subject, answer)
        if (samplesMs.length % sampledEvery === 0 && subject.name === "Brevet")
          await requireKept(subject.address, answer.body)
        samplesMs.push(answer.endMs)
      }
    } finally {
      await connections.destroy()
    }
    return percentile(samplesMs, 50)
  }
}

async function requireKept(address: string, body: string): Promise<void> {
  const { id } = JSON.parse(body) as { readonly id: string }
  const { definition } = await getJson<{ definition: unknown }>(address, `/v1/workflows/${id}`)
  if (JSON.stringify(definition) !== JSON.stringify(chainDefinition)) {
    throw new WrongAnswer(`Brevet has kept another definition of ${id} than it was sent`)
  }
}
