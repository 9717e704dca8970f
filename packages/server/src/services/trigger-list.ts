/** The addresses of a workflow's triggers as people read them, and listening at them for one request. */
import type { TriggersView } from "@brevet/core/contract/triggers"
import { Refusal } from "@brevet/core/errors"
import type { Graph } from "@brevet/core/graph/graph"
import { addressesOf } from "@brevet/core/graph/triggers/addresses"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { WorkflowRecord } from "../ports/workflow-table.ts"
import { listenAt } from "./trigger-arming.ts"
import { readLanguage } from "./verdict.ts"
import { getWorkflow, holdWorkflow } from "./workflows.ts"

/** How long is listened where nobody says it (documented for n8n's editor). */
const listenMsDefault = 120_000

/** The addresses of the newest version. Throws WORKFLOW_NOT_FOUND. */
export async function listTriggers(cx: Context, workflowId: Id<"workflow">): Promise<TriggersView> {
  const workflow = await getWorkflow(cx, workflowId)
  const untilMs = await cx.store.triggers.findListening(workflowId, { nowMs: cx.clock.nowMs() })
  return viewOf(workflow, readLanguage(workflow.definition).graph, untilMs)
}

/**
 * Waits for one request at the test addresses. Throws WORKFLOW_NOT_FOUND, WORKFLOW_INACTIVE, and WEBHOOK_PATH_CONFLICT
 * while somebody listens at one of them for another workflow.
 */
export function listen(
  cx: Context,
  workflowId: Id<"workflow">,
  { durationMs = listenMsDefault }: { readonly durationMs?: number | undefined },
): Promise<TriggersView> {
  return cx.store.transaction(async (store) => {
    const workflow = await holdWorkflow(cx, store, { workflowId })
    if (!workflow.isActive) throw new Refusal("WORKFLOW_INACTIVE", { details: { workflow_id: workflow.id } })
    const { organizationId, version } = workflow
    const { graph } = readLanguage(workflow.definition)
    const nowMs = cx.clock.nowMs()
    const untilMs = nowMs + durationMs
    await listenAt(store, { organizationId, workflowId, version }, { graph, listening: { untilMs, nowMs } })
    return viewOf(workflow, graph, untilMs)
  })
}

/** Throws WORKFLOW_NOT_FOUND. */
export async function stopListening(cx: Context, workflowId: Id<"workflow">): Promise<void> {
  await getWorkflow(cx, workflowId)
  await cx.store.triggers.clearListening(workflowId)
}

function viewOf(workflow: WorkflowRecord, graph: Graph, listeningUntilMs: number | null): TriggersView {
  const addresses = addressesOf(graph).map(({ path, ...rest }) => ({ ...rest, path: path.path }))
  return { isArmed: workflow.triggersArmed, listeningUntilMs, addresses }
}
