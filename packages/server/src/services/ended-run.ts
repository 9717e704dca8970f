/** What a run that ended means to whoever waited for it. */
import { errorCatalogue, Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { RunOutcome } from "../ports/runs.ts"

/** True for a run that failed with an answer that is not kept (5xx, 429): the same request is made anew. */
export async function invitesRetry(cx: Context, runId: Id<"run">): Promise<boolean> {
  const ended = await cx.runs.waitForEnd(runId, { waitMs: 0 })
  const error = ended?.result.error ?? null
  if (error === null) return false
  const { status } = errorCatalogue[error.code]
  return status >= 500 || status === 429
}

/** Throws the error of a run that failed, as the envelope shows it. */
export function requireNoError({ result }: RunOutcome): void {
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
