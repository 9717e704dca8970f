/**
 * How long runs keep their details (`runs` §3): of those that finished longer ago, events and files are removed, in small
 * batches. Their rows, conversations, totals and versions stay; runs that wait are never touched, however old.
 */
import type { Ports } from "../ports/context.ts"

/** Runs of one batch, and batches of one round: a round does not hold up anything else for long. */
const batchRuns = 50
const batchesMax = 400

/** One round. Gives how many runs lost their details. */
export async function expireRuns(
  { store, clock }: Pick<Ports, "store" | "clock">,
  { retentionMs }: { readonly retentionMs: number },
): Promise<number> {
  const beforeMs = clock.nowMs() - retentionMs
  let count = 0
  for (let batch = 0; batch < batchesMax; batch += 1) {
    const ids = await store.runs.listExpired({ beforeMs, limit: batchRuns })
    // Files first: a round that is cut off in between finds the run again by its events.
    if (ids.length > 0) await store.binaries.drop(ids)
    if (ids.length > 0) await store.runs.removeLogs(ids)
    count += ids.length
    if (ids.length < batchRuns) break
  }
  return count
}
