/** What has to be done now and then: marks and notes that mean nothing any more are removed, in small batches. */
import type { Ports } from "../ports/context.ts"
import { purgeMarks } from "./idempotency.ts"

/** How often (milliseconds). */
const everyMs = 10 * 60_000

/** Begins; gives back what ends it, once what is under way is done. */
export function startMaintenance(ports: Pick<Ports, "store" | "clock" | "log">): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    running = maintain(ports).catch((error: unknown) => ports.log.warn({ err: error }, "maintenance-failed"))
  }, everyMs)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}

/** One round. */
async function maintain({ store, clock }: Pick<Ports, "store" | "clock">): Promise<void> {
  await purgeMarks({ store, clock })
  await store.turns.purgeFailed({ beforeMs: clock.nowMs() - 60_000 })
}
