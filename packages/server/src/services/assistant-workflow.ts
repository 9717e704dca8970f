/**
 * The link between an assistant and a workflow, made from the assistant's side: convert, attach, detach, and the linked
 * workflow's own reading and changing. Rows are held in the order workflow, assistant.
 */

import { Refusal } from "@brevet/core/errors"
import { type Id, isId } from "@brevet/core/ids"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { jsonEqual } from "@brevet/core/json"
import type { AssistantRecord } from "../ports/assistant-table.ts"
import type { Context } from "../ports/context.ts"
import type { Store } from "../ports/store.ts"
import type { WorkflowRecord } from "../ports/workflow-table.ts"
import { inheritedSettings } from "./assistant-view.ts"
import { type AssistantTarget, appendAudit, getAssistantRecord, holdAssistant, holdWithWorkflow } from "./assistants.ts"
import { makeDefinition, primaryNodeId } from "./one-node-definition.ts"
import { relinkWorkflow } from "./promotion.ts"
import { judgePromotion, readLanguage } from "./verdict.ts"
import { createWorkflow, holdWorkflow, updateWorkflow, type WorkflowChange } from "./workflows.ts"

const nameLengthMax = 255
const workflowNameTail = " Workflow"

const noWorkflow = (): Refusal => new Refusal("RESOURCE_NOT_FOUND", { message: "This assistant has no workflow." })

function requireFree(assistant: AssistantRecord): void {
  if (assistant.workflowId === null) return
  const details = { assistant_id: assistant.id, workflow_id: assistant.workflowId }
  throw new Refusal("ASSISTANT_HAS_WORKFLOW", { details })
}

/** The workflow of an assistant. Throws ASSISTANT_NOT_FOUND, and RESOURCE_NOT_FOUND where there is none. */
export async function getAssistantWorkflow(cx: Context, assistantId: Id<"assistant">): Promise<WorkflowRecord> {
  const { workflowId } = await getAssistantRecord(cx, assistantId)
  const workflow = workflowId === null ? null : await cx.store.workflows.find(cx.principal.organizationId, workflowId)
  if (workflow === null) throw noWorkflow()
  return workflow
}

/** Changes the workflow of an assistant; `ifRevision` is the workflow's. Throws as the change of a workflow does. */
export async function updateAssistantWorkflow(
  cx: Context,
  target: AssistantTarget,
  change: WorkflowChange,
): Promise<WorkflowRecord> {
  const { id } = await getAssistantWorkflow(cx, target.assistantId)
  return updateWorkflow(cx, { workflowId: id, ifRevision: target.ifRevision }, change)
}

/**
 * Detaches the workflow of an assistant (documented: both stay); `ifRevision` is the workflow's. Threads keep their
 * version, new ones are plain. Throws ASSISTANT_NOT_FOUND, RESOURCE_NOT_FOUND and VERSION_CONFLICT.
 */
export async function detachWorkflow(cx: Context, target: AssistantTarget): Promise<Id<"workflow">> {
  return cx.store.transaction(async (store) => {
    const { assistant, workflow } = await holdWithWorkflow(cx, store, { assistantId: target.assistantId })
    if (workflow === null) throw noWorkflow()
    if (target.ifRevision !== undefined && target.ifRevision !== workflow.revision)
      throw new Refusal("VERSION_CONFLICT")
    await writeLink(cx, store, {
      assistant,
      action: "workflow_detached",
      fields: { workflowId: null, pinnedVersion: null, primaryNode: null },
    })
    await relinkWorkflow(store, workflow, { primaryNode: null, atMs: cx.clock.nowMs() })
    return workflow.id
  })
}

/**
 * Attaches a workflow to an assistant without one (ours): the same judgement as promotion. Throws ASSISTANT_NOT_FOUND,
 * WORKFLOW_NOT_FOUND, ASSISTANT_HAS_WORKFLOW, WORKFLOW_ALREADY_PROMOTED, WORKFLOW_INACTIVE and promotion's codes for the
 * primary node.
 */
export async function attachWorkflow(
  cx: Context,
  assistantId: Id<"assistant">,
  request: { readonly workflowId: string; readonly primaryNodeId?: string | null | undefined },
): Promise<Id<"workflow">> {
  const { workflowId } = request
  return cx.store.transaction(async (store) => {
    const found = await store.assistants.find(cx.principal.organizationId, assistantId)
    if (found === null) throw new Refusal("ASSISTANT_NOT_FOUND")
    if (!isId("workflow", workflowId)) throw new Refusal("WORKFLOW_NOT_FOUND")
    const workflow = await holdWorkflow(cx, store, { workflowId })
    const assistant = await holdAssistant(cx, store, { assistantId })
    requireFree(assistant)
    const primaryNode = await judgeLink(store, workflow, request.primaryNodeId ?? null)
    const fields = { workflowId: workflow.id, pinnedVersion: null, primaryNode }
    await writeLink(cx, store, { assistant, action: "workflow_attached", fields })
    await relinkWorkflow(store, workflow, { primaryNode, atMs: cx.clock.nowMs() })
    return workflow.id
  })
}

/** The primary node that a workflow would be linked with; throws what speaks against it, in promotion's order. */
async function judgeLink(store: Store, workflow: WorkflowRecord, primaryNodeId: string | null): Promise<string | null> {
  const linked = await store.assistants.findByWorkflow(workflow.organizationId, workflow.id)
  if (linked !== null) {
    const details = { workflow_id: workflow.id, assistant_id: linked.id }
    throw new Refusal("WORKFLOW_ALREADY_PROMOTED", { details })
  }
  if (!workflow.isActive) throw new Refusal("WORKFLOW_INACTIVE", { details: { workflow_id: workflow.id } })
  const judgement = judgePromotion(readLanguage(workflow.definition), primaryNodeId)
  if (judgement.refusal !== null) throw judgement.refusal
  return judgement.verdict.primaryNode
}

/**
 * Makes a workflow of an assistant (documented): one FreddyLLM node that carries its settings, linked; the settings are
 * inherited from then on. What the node cannot carry stays the assistant's own. Throws ASSISTANT_NOT_FOUND and
 * ASSISTANT_HAS_WORKFLOW.
 */
export async function convertToWorkflow(
  cx: Context,
  assistantId: Id<"assistant">,
  request: { readonly workflowName?: string | null | undefined; readonly description?: string | null | undefined },
): Promise<WorkflowRecord> {
  return cx.store.transaction(async (store) => {
    const assistant = await holdAssistant(cx, store, { assistantId })
    requireFree(assistant)
    const name = request.workflowName ?? defaultWorkflowName(assistant.name)
    const created = await createWorkflow(
      { ...cx, store },
      {
        name,
        definition: makeDefinition(name, assistant.settings),
        description: request.description ?? assistant.description,
      },
    )
    const verdict = await relinkWorkflow(store, created, { primaryNode: primaryNodeId, atMs: cx.clock.nowMs() })
    await writeLink(cx, store, {
      assistant,
      action: "converted_to_workflow",
      fields: {
        workflowId: created.id,
        pinnedVersion: null,
        primaryNode: primaryNodeId,
        settings: withoutInherited(assistant.settings, inheritedSettings(verdict.report)),
      },
    })
    const workflow = await store.workflows.find(created.organizationId, created.id)
    if (workflow === null) throw new Error("a workflow is gone from the transaction that wrote it")
    return workflow
  })
}

/** `{name} Workflow` (documented), the name cut where both would be too long. */
function defaultWorkflowName(name: string): string {
  const head = [...name].slice(0, nameLengthMax - workflowNameTail.length).join("")
  return `${head}${workflowNameTail}`
}

/** The settings that the workflow does not give with the same value. */
function withoutInherited(settings: JsonObject, inherited: JsonObject): JsonObject {
  const own = Object.entries(settings).filter(([name, value]) => !isSame(value, inherited[name]))
  return Object.fromEntries(own)
}

const isSame = (value: JsonValue, other: JsonValue | undefined): boolean =>
  other !== undefined && jsonEqual(value, other)

/** Writes a link with its audit row. The rows are held and the judgement is made, so that nothing can refuse it. */
async function writeLink(
  cx: Context,
  store: Store,
  step: {
    readonly assistant: AssistantRecord
    readonly action: string
    readonly fields: Pick<AssistantRecord, "workflowId" | "pinnedVersion" | "primaryNode"> & { settings?: JsonObject }
  },
): Promise<void> {
  const { assistant: before, action, fields } = step
  const assistant = await store.assistants.update(before.id, fields, { atMs: cx.clock.nowMs() })
  if (assistant === null) throw new Error("a link was refused although both rows are held")
  await appendAudit(cx, store, { assistant, action, before })
}
