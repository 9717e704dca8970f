/**
 * Starting: from the start of the process until it is ready, on an empty data folder and on one that was used and stopped;
 * and the memory of its process and its Postgres a moment later, before anybody has asked anything.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { aims } from "./aims.ts"
import type { Bench } from "./bench.ts"
import { makeRows, type Row } from "./figures.ts"
import { childrenOf, readMemory } from "./process-figures.ts"
import { inRounds, type Lane } from "./rounds.ts"
import type { Server } from "./servers.ts"

/** What a start has settled after: the compiler's threads are done and garbage of the start is collected. */
const settleMs = 2_000
const megabyte = 1_024 * 1_024

type Start = (options: { readonly dataFolder: string }) => Promise<Server>

type Started = {
  readonly emptyMs: number
  readonly existingMs: number
  /** Megabytes; null where they are not told. */
  readonly rssMb: number | null
  readonly pssMb: number | null
}

/** Measures starts and idle memory. */
export async function measureStarting(bench: Bench): Promise<readonly Row[]> {
  const results = await inRounds(bench, "start", {
    floor: startLane(bench, (options) => bench.startFloor(options)),
    Brevet: startLane(bench, (options) => bench.startBrevet(options)),
  })
  const values = (name: keyof Started) => ({
    brevet: results.Brevet.flatMap((started) => started[name] ?? []),
    floor: results.floor.flatMap((started) => started[name] ?? []),
  })
  return [
    ...makeRows({ what: "ready on an empty data folder", unit: "ms", digits: 0, ...values("emptyMs") }),
    ...makeRows({
      what: "ready on an existing store",
      unit: "ms",
      digits: 0,
      ...values("existingMs"),
      aim: aims.readyMs,
    }),
    ...makeRows({
      what: "idle memory of all processes: PSS",
      unit: "MB",
      digits: 0,
      ...values("pssMb"),
      aim: aims.memoryMb,
    }),
    ...makeRows({
      what: "idle memory of all processes: RSS",
      unit: "MB",
      digits: 0,
      ...values("rssMb"),
    }),
  ]
}

function startLane(bench: Bench, start: Start): Lane<Started> {
  return async ({ isWarmUp }) => {
    const dataFolder = await bench.grounds.dataFolder()
    const first = await start({ dataFolder })
    await first.child.end()
    const second = await start({ dataFolder })
    if (!isWarmUp) await sleep(settleMs)
    const memory = await readMemory([second.child.pid, second.postmaster, ...(await childrenOf(second.postmaster))])
    await second.child.end()
    return {
      emptyMs: first.readyMs,
      existingMs: second.readyMs,
      rssMb: memory === null ? null : memory.rssBytes / megabyte,
      pssMb: memory === null ? null : memory.pssBytes / megabyte,
    }
  }
}
