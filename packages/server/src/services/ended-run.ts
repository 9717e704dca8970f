/** What a run that ended means to whoever waited for it. */
import { Refusal } from "@brevet/core/errors"
import type { EndedRun } from "../ports/runs.ts"

/** Throws the error of a run that failed, as the envelope shows it. */
export function requireNoError({ result }: EndedRun): void {
  const { error, traceId, endedAtMs } = result
  if (error === null) return
  const { code, message, systemMessage, details } = error
  const retryAfter = details.retry_after
  throw new Refusal(code, {
    message,
    systemMessage,
    details,
    occasion: { traceId, atMs: endedAtMs },
    ...(typeof retryAfter === "number" ? { retryAfterSeconds: retryAfter } : {}),
  })
}
