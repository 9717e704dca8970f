/**
 * Runs that a node calls: started once under an id that is saved before (R5), so that after a crash the same run is found,
 * or started under the same id, and its end waited for again. Shared by all performers whose nodes call.
 *
 *     intent (child-run-started, saved) ──> started, unless it is there ──> waited for ──> how it ended
 *                                                 └─ the caller ends before its time ──> so does the called run
 */
import type { CauseCode } from "@brevet/core/errors"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { type CallPlace, isSameCall } from "@brevet/core/graph/run-state"
import type { Id } from "@brevet/core/ids"
import type { CallRefused } from "../ports/assistant-calls.ts"
import type { EndedRun, Runs } from "../ports/runs.ts"
import type { Work } from "./perform.ts"
import { RunCancelled, RunTimedOut } from "./reasons.ts"

/** What is asked of whoever starts and ends the called run. */
export type ChildRun = {
  /** The place of the call within the execution. */
  readonly place: CallPlace
  start(child: { readonly runId: Id<"run">; readonly depth: number }): Promise<CallRefused | null>
  end(runId: Id<"run">, cause: CauseCode): Promise<void>
  /** What goes with a refusal. */
  readonly details?: NodeFailure["details"]
}

/** How long one wait for the called run lasts, before it is waited for again (milliseconds). */
const waitMs = 60_000

/** Starts a called run, unless that was done before; gives its id. Throws RUN_DEPTH_EXCEEDED, and why it is refused. */
export async function startChild({ segment, workshop, key }: Work, child: ChildRun): Promise<Id<"run">> {
  const depth = (segment.state.created?.depth ?? 0) + 1
  if (depth > workshop.bounds.depthMax) {
    const most = `Workflows and assistants may call one another at most ${workshop.bounds.depthMax} levels deep.`
    throw new NodeFailure("RUN_DEPTH_EXCEEDED", most)
  }
  const known = segment.state.current?.children.find((each) => isSameCall(each, child.place))?.runId
  const runId = (known ?? workshop.ids.next("run")) as Id<"run">
  if (known === undefined) {
    segment.take({ type: "child-run-started", at: workshop.clock.nowMs(), ...key, ...child.place, runId })
    await segment.save()
  }
  const refused = await child.start({ runId, depth })
  if (refused === null) return runId
  throw new NodeFailure(refused.code, refused.message, child.details === undefined ? {} : { details: child.details })
}

/** Waits for the end of a called run. Where its caller ends before its time, it is ended too, and the reason is thrown. */
export async function waitForChild(
  wait: Runs["waitForEnd"],
  { segment }: Work,
  { runId, end }: { readonly runId: Id<"run">; readonly end: ChildRun["end"] },
): Promise<EndedRun> {
  const { signal } = segment
  for (;;) {
    const ended = await wait(runId, { waitMs, signal })
    if (signal.aborted) {
      const cause = endingCauseOf(signal.reason)
      // Nobody would hear its answer, and the next turn of this conversation may call the same assistant again.
      if (ended === null && cause !== null) await end(runId, cause)
      signal.throwIfAborted()
    }
    if (ended !== null) return ended
  }
}

/** Throws the bound on depth that a called run has met: said once, and not once more by each of the calls that led there. */
export function requireDepth({ result }: EndedRun): void {
  if (result.failure?.code === "RUN_DEPTH_EXCEEDED") throw new NodeFailure("RUN_DEPTH_EXCEEDED", result.failure.message)
}

/** For which cause the called run ends with its caller; null where another process goes on with both. */
function endingCauseOf(reason: unknown): CauseCode | null {
  if (reason instanceof RunCancelled) return reason.cancelCause
  return reason instanceof RunTimedOut ? "RUN_CANCELLED" : null
}
