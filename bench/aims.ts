/** What the figures should reach, on two cores that are shared with the load. Reviewed whenever one is reached for good. */
import type { Aim } from "./figures.ts"

const most = (value: number): Aim => ({ of: "figure", at: "most", value })
const least = (value: number): Aim => ({ of: "figure", at: "least", value })
const atLeastOfFloor = (value: number): Aim => ({ of: "ratio", at: "least", value })

/** The aims, by what they are about. Times in milliseconds, memory in megabytes. */
export const aims = {
  turnRate: atLeastOfFloor(0.5),
  turnCpuMs: most(0.35),
  turnAddedMs: most(1.5),
  firstTokenAddedMs: most(1.5),
  webhookRate: least(4_000),
  runRate: atLeastOfFloor(0.9),
  relayMs: most(15),
  streamMs: most(1_100),
  createMs: most(1),
  readyMs: most(600),
  memoryMb: most(110),
  answerAfterKillMs: most(3_000),
  importSeconds: most(20),
  longChainMs: most(1_500),
  planStepUs: most(20),
  setMs: most(100),
} as const
