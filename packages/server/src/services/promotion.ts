/**
 * Promotion: a workflow becomes an assistant (the HTTP contract, §3).
 *
 * Everything is judged in the order of the contract inside one transaction that holds the workflow's row, on the version
 * newest at that moment: already promoted, inactive, choice of the primary node, name.
 *
 * Invariants
 * 1. A workflow has at most one living assistant: the unique index over the link judges, whatever was read before.
 * 2. A name is never altered silently: a taken one is refused, with a free one as a suggestion.
 * 3. The newest version's verdict is computed again in the same transaction, since its primary node is now linked.
 * 4. A dry run judges by the same function and stores nothing.
 */
import { Refusal } from "@brevet/core/errors"
import type { PromotionReport } from "@brevet/core/graph/report"
import type { Id } from "@brevet/core/ids"
import type { AssistantRecord } from "../ports/assistant-table.ts"
import type { Context } from "../ports/context.ts"
import type { Store } from "../ports/store.ts"
import type { Verdict, WorkflowRecord } from "../ports/workflow-table.ts"
import { findFreeName } from "./free-name.ts"
import { judgeDefinition, judgePromotion, type PromotionJudgement, readLanguage } from "./verdict.ts"
import { getWorkflow, holdWorkflow } from "./workflows.ts"

/** What a promotion is asked for. Absent: the workflow's name and description, and the only candidate. */
export type PromotionRequest = {
  readonly workflowId: Id<"workflow">
  readonly name?: string | null | undefined
  readonly description?: string | null | undefined
  readonly primaryNodeId?: string | null | undefined
}

/** How often promotion tries again when what refused it is gone by the time it is looked for. */
const promotionAttemptsMax = 10

/**
 * Makes the workflow's assistant (documented). Throws WORKFLOW_NOT_FOUND, WORKFLOW_ALREADY_PROMOTED, WORKFLOW_INACTIVE,
 * FREDDY_LLM_NODE_REQUIRED, PRIMARY_NODE_REQUIRED, PRIMARY_NODE_NOT_FOUND, PRIMARY_NODE_INVALID_TYPE and
 * ASSISTANT_NAME_CONFLICT.
 */
export async function promoteWorkflow(cx: Context, request: PromotionRequest): Promise<AssistantRecord> {
  return cx.store.transaction(async (store) => {
    const workflow = await holdWorkflow(cx, store, { workflowId: request.workflowId })
    const judgement = judgePromotion(readLanguage(workflow.definition), request.primaryNodeId ?? null)
    // An insert that is refused waited for whoever took the link or the name. Then the same judgement finds that
    // assistant and says which it was; where it finds none, the other one is gone again and the insert is repeated.
    for (let attempt = 0; attempt < promotionAttemptsMax; attempt += 1) {
      const refusal = await findRefusal(store, { workflow, request, judgement })
      if (refusal !== null) throw refusal
      const assistant = await insertAssistant(cx, store, { workflow, request, verdict: judgement.verdict })
      if (assistant !== null) return assistant
    }
    throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
  })
}

/**
 * What promotion would do (ours): its report, with the refusal as part of it. Stores nothing. Throws WORKFLOW_NOT_FOUND.
 */
export async function dryRunPromotion(cx: Context, request: PromotionRequest): Promise<PromotionReport> {
  const workflow = await getWorkflow(cx, request.workflowId)
  const judgement = judgePromotion(readLanguage(workflow.definition), request.primaryNodeId ?? null)
  const refusal = await findRefusal(cx.store, { workflow, request, judgement })
  const { report } = judgement.verdict
  if (refusal === null) return report
  const { code, message, details } = refusal
  return { ...report, promotable: false, error: { code, message, details } }
}

/**
 * The report about the version that new threads of an assistant get, or about the newest one where none can be promoted
 * any more (ours). Throws ASSISTANT_NOT_FOUND, and RESOURCE_NOT_FOUND for an assistant without a workflow.
 */
export async function getPromotion(cx: Context, assistantId: Id<"assistant">): Promise<PromotionReport> {
  const { organizationId } = cx.principal
  const assistant = await cx.store.assistants.find(organizationId, assistantId)
  if (assistant === null) throw new Refusal("ASSISTANT_NOT_FOUND")
  const { workflowId, pinnedVersion, primaryNode } = assistant
  const workflow = workflowId === null ? null : await cx.store.workflows.find(organizationId, workflowId)
  if (workflow === null) {
    throw new Refusal("RESOURCE_NOT_FOUND", { message: "This assistant has no workflow." })
  }
  const effective = await newThreadVersion(cx.store, { workflowId: workflow.id, pinnedVersion, primaryNode })
  return effective?.report ?? judgeDefinition(readLanguage(workflow.definition), primaryNode).report
}

/** The version of a workflow that a new thread gets, its report, and the node that leads in it. */
export type NewThreadVersion = {
  readonly version: number
  readonly report: PromotionReport
  readonly primaryNode: string
}

/**
 * Which version a new thread of an assistant gets (the HTTP contract, §3.3): the pinned one, else the newest that can be
 * promoted. Null where that cannot be promoted, or where none can.
 */
export async function newThreadVersion(
  store: Store,
  link: {
    readonly workflowId: Id<"workflow">
    readonly pinnedVersion: number | null
    readonly primaryNode: string | null
  },
): Promise<NewThreadVersion | null> {
  const found =
    link.pinnedVersion === null
      ? await store.workflows.findPromotable(link.workflowId)
      : await judgeVersionOf(store, { ...link, version: link.pinnedVersion })
  if (found === null || !found.promotable || found.primaryNode === null) return null
  return { version: found.version, report: found.report, primaryNode: found.primaryNode }
}

/**
 * The verdict on any version under a link. Versions keep the verdict under the link of their time; an older one may have
 * another under today's. Null where there is no such version.
 */
export async function judgeVersionOf(
  store: Store,
  subject: {
    readonly workflowId: Id<"workflow">
    readonly version: number
    readonly primaryNode: string | null
  },
): Promise<({ readonly version: number } & Verdict) | null> {
  const version = await store.workflows.findVersion(subject.workflowId, subject.version)
  if (version === null) return null
  if (version.promotable && version.primaryNode === subject.primaryNode) return version
  return { version: version.version, ...judgeDefinition(readLanguage(version.definition), subject.primaryNode) }
}

/**
 * To be called in the transaction that links a workflow to an assistant or unlinks it, with the workflow's row held and
 * the primary node of the link (null: no link): the newest version is judged again, and the workflow's revision rises.
 */
export async function relinkWorkflow(
  store: Store,
  workflow: WorkflowRecord,
  link: { readonly primaryNode: string | null; readonly atMs: number },
): Promise<Verdict> {
  const verdict = judgeDefinition(readLanguage(workflow.definition), link.primaryNode)
  await store.workflows.updateVerdict(workflow.id, workflow.version, verdict)
  await store.workflows.update(workflow.id, {}, { atMs: link.atMs })
  return verdict
}

type Attempt = {
  readonly workflow: WorkflowRecord
  readonly request: PromotionRequest
  readonly judgement: PromotionJudgement
}

const nameOf = ({ workflow, request }: Pick<Attempt, "workflow" | "request">): string => request.name ?? workflow.name

/** The first thing that speaks against the promotion, in the order of the contract; null if nothing does. */
async function findRefusal(store: Store, attempt: Attempt): Promise<Refusal | null> {
  const { workflow, judgement } = attempt
  const linked = await store.assistants.findByWorkflow(workflow.organizationId, workflow.id)
  if (linked !== null) {
    return new Refusal("WORKFLOW_ALREADY_PROMOTED", {
      details: { workflow_id: workflow.id, assistant_id: linked.id },
    })
  }
  if (!workflow.isActive) return new Refusal("WORKFLOW_INACTIVE", { details: { workflow_id: workflow.id } })
  if (judgement.refusal !== null) return judgement.refusal
  const name = nameOf(attempt)
  const namesake = await store.assistants.findByName(workflow.organizationId, name)
  if (namesake === null) return null
  const suggestedName = await findFreeName(store.assistants, workflow.organizationId, name)
  return new Refusal("ASSISTANT_NAME_CONFLICT", {
    details: { name, assistant_id: namesake.id, suggested_name: suggestedName },
  })
}

/** Stores assistant, link, verdict and audit row. Null where another assistant took the link or the name meanwhile. */
async function insertAssistant(
  cx: Context,
  store: Store,
  step: { readonly workflow: WorkflowRecord; readonly request: PromotionRequest; readonly verdict: Verdict },
): Promise<AssistantRecord | null> {
  const { workflow, request, verdict } = step
  const { principal } = cx
  const atMs = cx.clock.nowMs()
  const assistant = await store.assistants.create({
    id: cx.ids.next("assistant"),
    organizationId: principal.organizationId,
    name: nameOf(step),
    description: request.description ?? workflow.description,
    workflowId: workflow.id,
    primaryNode: verdict.primaryNode,
    createdBy: principal.userId,
    createdAtMs: atMs,
  })
  if (assistant === null) return null
  await store.workflows.updateVerdict(workflow.id, workflow.version, verdict)
  await store.workflows.update(workflow.id, {}, { atMs })
  await store.audit.append({
    id: cx.ids.next("auditLog"),
    organizationId: principal.organizationId,
    resourceType: "assistant",
    resourceId: assistant.id,
    resourceName: assistant.name,
    action: "created",
    userId: principal.userId,
    userName: principal.userName,
    userEmail: principal.userEmail,
    changes: [{ field: "workflow_id", oldValue: null, newValue: workflow.id }],
    metadata: { promoted_from: workflow.id, workflow_version: workflow.version, primary_node_id: verdict.primaryNode },
    createdAtMs: atMs,
  })
  return assistant
}
