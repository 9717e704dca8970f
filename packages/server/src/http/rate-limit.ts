/**
 * How many requests a key may make: a full minute's worth at once, then one each time the next is earned. Counted in this
 * process alone, so with several processes a key may make as many in each.
 *
 * Own code, since it counts by the injected clock and costs one number per key.
 */
import { Refusal } from "@brevet/core/errors"
import type { Clock } from "../ports/context.ts"

const minuteMs = 60_000

/** Keys that are counted before those that have everything again are dropped. */
const countedMax = 10_000

/** Lets a request of a key pass, or throws RATE_LIMIT_EXCEEDED with the seconds until the next is earned. */
export type RateLimit = (keyId: string) => void

/** A limit of that many requests per minute for each key. */
export function makeRateLimit(perMinute: number, clock: Clock): RateLimit {
  const earnMs = minuteMs / perMinute
  // By key: the instant at which it has earned everything back.
  const fullAtMs = new Map<string, number>()
  return (keyId) => {
    const nowMs = clock.nowMs()
    const nextMs = Math.max(nowMs, fullAtMs.get(keyId) ?? 0) + earnMs
    const lackMs = nextMs - nowMs - minuteMs
    // A thousandth of a millisecond of room for sums of fractions.
    if (lackMs > 0.001) {
      throw new Refusal("RATE_LIMIT_EXCEEDED", {
        systemMessage: `A key may make ${perMinute} requests per minute`,
        retryAfterSeconds: Math.ceil(lackMs / 1_000),
      })
    }
    if (fullAtMs.size >= countedMax) for (const [key, atMs] of fullAtMs) if (atMs <= nowMs) fullAtMs.delete(key)
    fullAtMs.set(keyId, nextMs)
  }
}
