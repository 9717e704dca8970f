/** What has to be done now and then: marks and notes that mean nothing any more are removed, in small batches. */
import type { Ports } from "../ports/context.ts"
import { purgeMarks } from "./idempotency.ts"
import { expireRuns } from "./retention.ts"

/** How often (milliseconds). */
const everyMs = 10 * 60_000
/** How often what failures were to start is looked for (milliseconds). */
const sweepEveryMs = 15_000

/** Files whose bytes are removed at a time, and how long they stay after the last use (milliseconds). */
const filesMax = 200
const filesKeptMs = 60 * 60_000

/** What it takes. `errors`: goes on with what failures were to start; `retentionMs` null: runs keep their details for ever. */
export type MaintenancePorts = Pick<Ports, "store" | "clock" | "log"> & {
  readonly errors: { sweep(): Promise<void> }
  readonly retentionMs: number | null
}

/** Begins; gives back what ends it, once what is under way is done. */
export function startMaintenance(ports: MaintenancePorts): { stop(): Promise<void> } {
  const running = new Set<Promise<void>>()
  const begin = (work: () => Promise<void>): void => {
    const round = work()
      .catch((error: unknown) => ports.log.warn({ err: error }, "maintenance-failed"))
      .finally(() => running.delete(round))
    running.add(round)
  }
  const timers = [
    setInterval(() => begin(() => maintain(ports)), everyMs),
    setInterval(() => begin(() => ports.errors.sweep()), sweepEveryMs),
  ]
  for (const timer of timers) timer.unref()
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer)
      await Promise.all(running)
    },
  }
}

/** One round. */
async function maintain({ store, clock, log, retentionMs }: MaintenancePorts): Promise<void> {
  await purgeMarks({ store, clock })
  const expired = retentionMs === null ? 0 : await expireRuns({ store, clock }, { retentionMs })
  if (expired > 0) log.info({ runs: expired }, "runs-expired")
  await store.binaries.purge({ beforeMs: clock.nowMs() - filesKeptMs, limit: filesMax })
  await store.turns.purgeFailed({ beforeMs: clock.nowMs() - 60_000 })
}
