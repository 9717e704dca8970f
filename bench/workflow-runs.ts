/**
 * Kept runs: a workflow of a trigger and five nodes is executed and its run answered with the output of the last one, all
 * of it stored. Compared with the floor's turns, since that is what a run is worth, and with a bare commit.
 */
import { aims } from "./aims.ts"
import type { Bench, Side } from "./bench.ts"
import { makeRows, type Row } from "./figures.ts"
import type { LoadAnswer, LoadRequest } from "./load.ts"
import { type Loaded, loadSide, valuesOf } from "./loaded-side.ts"
import { inRounds, type Lane } from "./rounds.ts"
import { requireGood, requireRun, requireWebhook, type Subject } from "./subjects.ts"
import { rowsOf, turnLane } from "./turns.ts"

const measure = "runs16"
const inFlight = 16
const sampledEvery = 50

/** Measures runs. */
export async function measureRuns(bench: Bench): Promise<readonly Row[]> {
  const brevet = await bench.brevet()
  const floor = await bench.floor()
  const results = await inRounds(bench, measure, {
    turns: turnLane(bench, floor, { measure, inFlight }),
    commits: runLane(bench, floor),
    Brevet: runLane(bench, brevet),
  })
  return [
    ...makeRows({
      what: `five-node runs, ${inFlight} in flight, to the floor's turns`,
      unit: "1/s",
      digits: 0,
      brevet: valuesOf(results.Brevet, "perSecond"),
      floor: valuesOf(results.turns, "perSecond"),
      aim: aims.runRate,
    }),
    ...rowsOf(`five-node runs, ${inFlight} in flight, to bare commits`, {
      Brevet: results.Brevet,
      floor: results.commits,
    }),
  ]
}

/** Measures the same runs behind a webhook, which is answered with the output of the last node. */
export async function measureWebhooks(bench: Bench): Promise<readonly Row[]> {
  const brevet = await bench.brevet()
  const floor = await bench.floor()
  const lane = (side: Side): Lane<Loaded> =>
    askLane(bench, side, { measure: "webhook16", ask: side.subject.webhook, check: requireWebhook })
  const results = await inRounds(bench, "webhook16", { commits: lane(floor), Brevet: lane(brevet) })
  return [
    ...makeRows({
      what: `five nodes behind a webhook, ${inFlight} in flight`,
      unit: "1/s",
      digits: 0,
      brevet: valuesOf(results.Brevet, "perSecond"),
      floor: valuesOf(results.commits, "perSecond"),
      aim: aims.webhookRate,
    }),
    ...rowsOf(`five nodes behind a webhook, ${inFlight} in flight, to bare commits`, {
      Brevet: results.Brevet,
      floor: results.commits,
    }),
  ]
}

function runLane(bench: Bench, side: Side): Lane<Loaded> {
  return askLane(bench, side, { measure, ask: side.subject.run, check: requireRun })
}

type Asking = {
  readonly measure: string
  readonly ask: (text: string) => LoadRequest
  readonly check: (subject: Subject, answer: LoadAnswer) => void
}

function askLane(bench: Bench, side: Side, { measure: name, ask, check }: Asking): Lane<Loaded> {
  const { subject } = side
  return ({ durationMs, isWarmUp }) => {
    let asked = 0
    let seen = 0
    return loadSide(bench, side, {
      measure: name,
      inFlight,
      durationMs,
      isWarmUp,
      next: () => ask(`Text ${++asked}`),
      see: (answer) => (seen++ % sampledEvery === 0 ? check(subject, answer) : requireGood(subject, answer)),
    })
  }
}
