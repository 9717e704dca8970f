/**
 * The performer of Assistant: one turn of another assistant for each item, in a hidden conversation of its own.
 *
 * The called turn is a run with a parent. Its id is decided and saved before it is started (R5), so that after a crash
 * the same run is found, or started under the same id, and its end waited for again.
 */
import type { CauseCode } from "@brevet/core/errors"
import type { Item } from "@brevet/core/graph/items"
import { assistantOutputItem, prepareAssistant } from "@brevet/core/graph/kinds/assistant"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { Id } from "@brevet/core/ids"
import type { AssistantCalls } from "../../ports/assistant-calls.ts"
import type { EndedRun, Runs } from "../../ports/runs.ts"
import { collectItems } from "../each-item.ts"
import type { Performer, Work } from "../perform.ts"
import { RunCancelled, RunTimedOut } from "../reasons.ts"

/** What calling needs. */
export type AssistantPerformerPorts = {
  readonly calls: AssistantCalls
  readonly waitForEnd: Runs["waitForEnd"]
}

/** How long one wait for the called run lasts, before it is waited for again (milliseconds). */
const waitMs = 60_000

/** Makes the performer. */
export function makeAssistantPerformer(ports: AssistantPerformerPorts): Performer {
  return (work) => collectItems(work.context, (index) => askAssistant(ports, work, index))
}

async function askAssistant(ports: AssistantPerformerPorts, work: Work, index: number): Promise<Item> {
  const { context, segment, workshop, key } = work
  const { assistantId, message } = prepareAssistant(context, index)
  const depth = (segment.state.created?.depth ?? 0) + 1
  if (depth > workshop.bounds.depthMax) {
    const most = `Workflows and assistants may call one another at most ${workshop.bounds.depthMax} levels deep.`
    throw new NodeFailure("RUN_DEPTH_EXCEEDED", most)
  }
  const known = segment.state.current?.children.find(({ call }) => call === index)?.runId
  const runId = (known ?? workshop.ids.next("run")) as Id<"run">
  if (known === undefined) {
    segment.take({ type: "child-run-started", at: workshop.clock.nowMs(), ...key, call: index, runId })
    await segment.save()
  }
  const refused = await ports.calls.start({
    runId,
    organizationId: segment.organizationId,
    assistantId,
    message,
    traceId: segment.traceId,
    parent: { runId: segment.runId, threadId: segment.threadId, node: context.node.name, depth },
  })
  if (refused !== null) throw new NodeFailure(refused.code, refused.message, { details: { assistant_id: assistantId } })
  const ended = await waitForEnd(ports, work, runId)
  return assistantOutputItem({ text: textOf(ended, runId), assistantId }, index)
}

async function waitForEnd(
  { waitForEnd: wait, calls }: AssistantPerformerPorts,
  work: Work,
  runId: Id<"run">,
): Promise<EndedRun> {
  const { signal } = work.segment
  for (;;) {
    const ended = await wait(runId, { waitMs, signal })
    if (signal.aborted) {
      const cause = endingCauseOf(signal.reason)
      // Nobody would hear its answer, and the next turn of this conversation may call the same assistant again.
      if (ended === null && cause !== null) await calls.end(runId, cause)
      signal.throwIfAborted()
    }
    if (ended !== null) return ended
  }
}

/** For which cause the called run ends with its caller; null where another process goes on with both. */
function endingCauseOf(reason: unknown): CauseCode | null {
  if (reason instanceof RunCancelled) return reason.cancelCause
  return reason instanceof RunTimedOut ? "RUN_CANCELLED" : null
}

function textOf({ status, result }: EndedRun, runId: Id<"run">): string {
  if (status === "completed") return result.text ?? ""
  // Said once, and not once more by each of the calls that led there.
  if (result.failure?.code === "RUN_DEPTH_EXCEEDED") throw new NodeFailure("RUN_DEPTH_EXCEEDED", result.failure.message)
  const reason = result.failure?.message ?? "It was cancelled."
  throw new NodeFailure("ASSISTANT_NOT_CALLABLE", `The called assistant did not answer: ${reason}`, {
    details: { called_run_id: runId, called_cause_code: result.failure?.code ?? result.cancelCause },
  })
}
