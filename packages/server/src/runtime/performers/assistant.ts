/** The performer of Assistant: one turn of another assistant for each item, in a hidden conversation of its own. */
import type { Item } from "@brevet/core/graph/items"
import { assistantOutputItem, prepareAssistant } from "@brevet/core/graph/kinds/assistant"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { Id } from "@brevet/core/ids"
import type { AssistantCalls } from "../../ports/assistant-calls.ts"
import type { EndedRun, Runs } from "../../ports/runs.ts"
import { requireDepth, startChild, waitForChild } from "../child-run.ts"
import { collectItems } from "../each-item.ts"
import type { Performer, Work } from "../perform.ts"

/** What calling needs. */
export type AssistantPerformerPorts = {
  readonly calls: AssistantCalls
  readonly waitForEnd: Runs["waitForEnd"]
}

/** Makes the performer. */
export function makeAssistantPerformer(ports: AssistantPerformerPorts): Performer {
  return (work) => collectItems(work.context, (index) => askAssistant(ports, work, index))
}

async function askAssistant({ calls, waitForEnd }: AssistantPerformerPorts, work: Work, index: number): Promise<Item> {
  const { context, segment } = work
  const { assistantId, message } = prepareAssistant(context, index)
  const { organizationId, traceId, threadId } = segment
  const runId = await startChild(work, {
    place: { call: index },
    start: ({ runId: childId, depth }) => {
      const parent = { runId: segment.runId, threadId, node: context.node.name, depth }
      return calls.start({ runId: childId, organizationId, assistantId, message, traceId, parent })
    },
    end: calls.end,
    details: { assistant_id: assistantId },
  })
  const ended = await waitForChild(waitForEnd, work, { runId, end: calls.end })
  return assistantOutputItem({ text: textOf(ended, runId), assistantId }, index)
}

function textOf(ended: EndedRun, runId: Id<"run">): string {
  const { status, result } = ended
  if (status === "completed") return result.text ?? ""
  requireDepth(ended)
  const reason = result.failure?.message ?? "It was cancelled."
  throw new NodeFailure("ASSISTANT_NOT_CALLABLE", `The called assistant did not answer: ${reason}`, {
    details: { called_run_id: runId, called_cause_code: result.failure?.code ?? result.cancelCause },
  })
}
