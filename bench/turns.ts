/**
 * Durable chat turns as JSON: a message in, the model asked, question and answer stored, the answer out.
 *
 * `makeTurnMeasure` starts a new thread with each turn; `makeConversationMeasure` says ten things in each thread, so that
 * nine turns of ten read what was said before. The floor knows no threads and does the same in both.
 */
import { aims } from "./aims.ts"
import type { Bench, Side } from "./bench.ts"
import { type Aim, makeRows, type Row } from "./figures.ts"
import { type Loaded, loadSide, valuesOf } from "./loaded-side.ts"
import { inRounds, type Lane } from "./rounds.ts"
import { requireGood, requireTurn, WrongAnswer } from "./subjects.ts"

/** Every so manieth answer is read. */
const sampledEvery = 50
const turnsPerThread = 10
const warmUpInFlight = 16

/** Turns, each in a new thread. */
export function makeTurnMeasure(measure: string, inFlight: number): (bench: Bench) => Promise<readonly Row[]> {
  return async (bench) => {
    const brevet = await bench.brevet()
    const floor = await bench.floor()
    const lane = (side: Side): Lane<Loaded> => turnLane(bench, side, { measure, inFlight })
    const results = await inRounds(bench, measure, { floor: lane(floor), Brevet: lane(brevet) })
    const what = `turns, ${inFlight} in flight`
    return rowsOf(what, results, inFlight === 16 ? { rate: aims.turnRate, cpu: aims.turnCpuMs } : {})
  }
}

/** Turns one after the other, beside the model asked directly: what Brevet adds to it. */
export async function measureSingleTurns(bench: Bench): Promise<readonly Row[]> {
  const measure = "turns1"
  const brevet = await bench.brevet()
  const floor = await bench.floor()
  const lane = (side: Side): Lane<Loaded> => turnLane(bench, side, { measure, inFlight: 1 })
  const results = await inRounds(bench, measure, {
    model: lane(bench.model()),
    floor: lane(floor),
    Brevet: lane(brevet),
  })
  const added = (loads: readonly Loaded[]) =>
    loads.map(({ p50Ms }, round) => p50Ms - (results.model[round]?.p50Ms ?? Number.NaN))
  return [
    ...rowsOf("turns, 1 in flight", results),
    ...makeRows({
      what: "turns, 1 in flight: p50 above the model's own",
      unit: "ms",
      digits: 2,
      brevet: added(results.Brevet),
      floor: added(results.floor),
      aim: aims.turnAddedMs,
    }),
  ]
}

/** Turns in threads that have been spoken in, all but the first of each. */
export function makeConversationMeasure(measure: string, inFlight: number): (bench: Bench) => Promise<readonly Row[]> {
  return async (bench) => {
    const brevet = await bench.brevet()
    const floor = await bench.floor()
    const results = await inRounds(bench, measure, {
      floor: turnLane(bench, floor, { measure, inFlight }),
      Brevet: conversationLane(bench, brevet, { measure, inFlight }),
    })
    return rowsOf(`turns in threads of ${turnsPerThread}, ${inFlight} in flight`, results)
  }
}

type LaneOptions = { readonly measure: string; readonly inFlight: number }

/** Loads a side with turns, each in a new thread. */
export function turnLane(bench: Bench, side: Side, { measure, inFlight }: LaneOptions): Lane<Loaded> {
  const { subject } = side
  return ({ durationMs, isWarmUp }) => {
    let asked = 0
    let seen = 0
    return loadSide(bench, side, {
      measure,
      // Code is compiled for good after thousands of turns, which one at a time would take too long for.
      inFlight: isWarmUp ? Math.max(inFlight, warmUpInFlight) : inFlight,
      durationMs,
      isWarmUp,
      next: () => subject.turn(`Question ${++asked}`),
      see: (answer) => (seen++ % sampledEvery === 0 ? requireTurn(subject, answer) : requireGood(subject, answer)),
    })
  }
}

function conversationLane(bench: Bench, side: Side, { measure, inFlight }: LaneOptions): Lane<Loaded> {
  const { subject } = side
  return ({ durationMs, isWarmUp }) => {
    const talks = Array.from({ length: inFlight }, () => ({ threadId: null as string | null, turns: 0 }))
    return loadSide(bench, side, {
      measure,
      inFlight,
      durationMs,
      isWarmUp,
      next: (worker) => subject.turn(`Question ${talks[worker]?.turns}`, { threadId: talks[worker]?.threadId ?? null }),
      see: (answer, worker) => {
        const threadId = requireTurn(subject, answer)
        const talk = talks[worker]
        if (talk === undefined) return
        if (talk.threadId !== null && talk.threadId !== threadId) {
          throw new WrongAnswer(`a turn in ${talk.threadId} was answered in ${threadId}`)
        }
        talk.turns = (talk.turns + 1) % turnsPerThread
        talk.threadId = talk.turns === 0 ? null : threadId
      },
    })
  }
}

type Pair = { readonly Brevet: readonly Loaded[]; readonly floor: readonly Loaded[] }

/** The rows that a load of both sides gives. */
export function rowsOf(
  what: string,
  { Brevet, floor }: Pair,
  aimed: { readonly rate?: Aim; readonly cpu?: Aim } = {},
): readonly Row[] {
  const row = (name: keyof Loaded, label: string, options: { unit: string; digits: number; aim?: Aim | undefined }) => {
    const { unit, digits, aim } = options
    const values = { brevet: valuesOf(Brevet, name), floor: valuesOf(floor, name) }
    return makeRows({ what: `${what}${label}`, unit, digits, ...values, ...(aim === undefined ? {} : { aim }) })
  }
  return [
    ...row("perSecond", "", { unit: "1/s", digits: 0, aim: aimed.rate }),
    ...row("p50Ms", ": p50", { unit: "ms", digits: 2 }),
    ...row("p99Ms", ": p99", { unit: "ms", digits: 2 }),
    ...row("nodeMs", ": CPU of Node, each", { unit: "ms", digits: 3, aim: aimed.cpu }),
    ...row("postgresMs", ": CPU of Postgres, each", { unit: "ms", digits: 3 }),
  ]
}
