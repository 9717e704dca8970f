/**
 * Kill -9 in the middle of streamed turns, of the server alone and of its Postgres too: how long after the restart the first
 * new turn is answered, and that every turn whose reader had been shown a token has ended by itself soon after.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { aims } from "./aims.ts"
import type { Bench } from "./bench.ts"
import { makeRows, type Row } from "./figures.ts"
import { openConnections, send } from "./load.ts"
import { inRounds, type Lane } from "./rounds.ts"
import type { Server } from "./servers.ts"
import { nowMs, readStamps } from "./stamp.ts"
import { brevetSubject, floorSubject, getJson, requireTurn, type Subject, WrongAnswer } from "./subjects.ts"

const turnsUnderWay = 16
/** How long turns that were cut off may take until they have ended: the model's own second, and then some. */
const endedMsMax = 15_000
const pollMs = 50

type Start = (options: { readonly dataFolder?: string }) => Promise<Server>

/** Measures what follows a kill. */
export async function measureCrash(bench: Bench): Promise<readonly Row[]> {
  const brevet: Start = (options) => bench.startBrevet(options)
  const floor: Start = (options) => bench.startFloor(options)
  const results = await inRounds(bench, "crash", {
    floor: crashLane(floor, { subjectOf: async (server) => floorSubject(server), alsoPostgres: false }),
    floorAndPostgres: crashLane(floor, { subjectOf: async (server) => floorSubject(server), alsoPostgres: true }),
    Brevet: crashLane(brevet, { subjectOf: brevetSubject, alsoPostgres: false }),
    BrevetAndPostgres: crashLane(brevet, { subjectOf: brevetSubject, alsoPostgres: true }),
  })
  const row = { unit: "ms", digits: 0, aim: aims.answerAfterKillMs }
  const what = "first answer from the restart on, after kill -9"
  return [
    ...makeRows({ ...row, what: `${what} of the server`, brevet: results.Brevet, floor: results.floor }),
    ...makeRows({
      ...row,
      what: `${what} of the server and its Postgres`,
      brevet: results.BrevetAndPostgres,
      floor: results.floorAndPostgres,
    }),
  ]
}

type CrashOptions = {
  readonly subjectOf: (server: Server) => Promise<Subject>
  readonly alsoPostgres: boolean
}

/** Milliseconds from the restart to the first answer. */
function crashLane(start: Start, { subjectOf, alsoPostgres }: CrashOptions): Lane<number> {
  return async () => {
    const first = await start({})
    const subject = await subjectOf(first)
    const streams = await beginStreams(subject)
    await first.child.kill()
    if (alsoPostgres) process.kill(first.postmaster, "SIGKILL")
    await streams.ended
    const startedMs = nowMs()
    const second = await start({ dataFolder: first.dataFolder })
    // The same workflows and assistants, at another address.
    const again = { ...subject, address: second.address }
    const connections = openConnections(second.address, 1)
    requireTurn(again, await send(connections, again.turn("Are you there?")))
    const answeredMs = nowMs() - startedMs
    await connections.destroy()
    if (subject.name === "Brevet") await requireEnded(second.address, streams.shown())
    await second.child.end()
    return answeredMs
  }
}

type BegunStreams = { readonly ended: Promise<unknown>; readonly shown: () => number }

/** Begins turns by the steady model and waits until each has shown a token. */
async function beginStreams(subject: Subject): Promise<BegunStreams> {
  const connections = openConnections(subject.address, turnsUnderWay)
  let shown = 0
  const begun: Promise<unknown>[] = []
  const ended: Promise<unknown>[] = []
  for (let index = 0; index < turnsUnderWay; index += 1) {
    const request = subject.turn("Tell me something", { stream: true, paced: true })
    begun.push(
      new Promise((resolve) => {
        let isShown = false
        const whole = send(connections, request, (piece) => {
          if (isShown || readStamps(piece).length === 0) return
          isShown = true
          shown += 1
          resolve(null)
        })
        // It breaks when the server is killed.
        ended.push(whole.catch(resolve))
      }),
    )
  }
  await Promise.all(begun)
  return { ended: Promise.all(ended).then(() => connections.destroy()), shown: () => shown }
}

/** Throws WrongAnswer where a turn that was cut off is lost, has failed, or is still under way after its time. */
async function requireEnded(address: string, shown: number): Promise<void> {
  const total = async (status: string): Promise<number> =>
    (await getJson<{ total: number }>(address, `/v1/runs?status=${status}&limit=1`)).total
  const untilMs = nowMs() + endedMsMax
  while ((await total("running")) > 0) {
    if (nowMs() > untilMs) throw new WrongAnswer("Brevet has runs that do not end after a restart")
    await sleep(pollMs)
  }
  // And the one that was asked after the restart.
  const completed = await total("completed")
  if (completed !== shown + 1) {
    throw new WrongAnswer(`of ${shown} turns that were cut off Brevet completed ${completed - 1}`)
  }
}
