/**
 * Turns that failed a moment ago in this process, by the digests of their requests. Clients repeat such requests by
 * themselves: whoever knows that one failed looks for the place of the failed turn first, and calls no model in vain. What
 * is not known here (another process, a restart) the store still tells, when the start is refused.
 */

/** How long a repetition takes the failed turn's place (milliseconds; the HTTP contract, §5 "history"). */
const memoryMs = 60_000
/** Digests that are kept at most; the oldest go first. */
const keptMax = 10_000

/** The failures of a process. */
export type RecentFailures = { note(digest: string, atMs: number): void; has(digest: string, atMs: number): boolean }

/** An empty memory. */
export function makeRecentFailures(): RecentFailures {
  const known = new Map<string, number>()
  return {
    note(digest, atMs) {
      known.delete(digest)
      known.set(digest, atMs)
      for (const oldest of known.keys()) {
        if (known.size <= keptMax) return
        known.delete(oldest)
      }
    },
    has(digest, atMs) {
      const failedAtMs = known.get(digest)
      return failedAtMs !== undefined && atMs - failedAtMs <= memoryMs
    },
  }
}
