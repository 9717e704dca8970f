/**
 * Workflows: create or update by external id, read, change, delete, versions, validation.
 *
 * Owns the rules of versions (a definition that differs becomes the next one), of arming triggers, and of deletion.
 * Promotion and links are in `promotion.ts`. Every change holds the workflow's row first; whoever also holds an
 * assistant's row takes it afterwards.
 */
import { invalidFields, Refusal } from "@brevet/core/errors"
import type { PromotionReport } from "@brevet/core/graph/report"
import type { Id } from "@brevet/core/ids"
import { isJsonObject, type JsonObject, jsonEqual } from "@brevet/core/json"
import type { Context } from "../ports/context.ts"
import type { Store } from "../ports/store.ts"
import type { WorkflowFields, WorkflowRecord, WorkflowVersionRecord } from "../ports/workflow-table.ts"
import { credentialFindings } from "./credential-findings.ts"
import { armTriggers } from "./trigger-arming.ts"
import { judgeDefinition, type Language, readLanguage } from "./verdict.ts"

/** What creates a workflow, or updates the one that has the external id. Absent: no description, or the kept one. */
export type WorkflowCreation = {
  readonly name: string
  readonly definition: JsonObject
  readonly description?: string | null | undefined
  /** `""` and null mean none. */
  readonly externalId?: string | null | undefined
}

/** What changes a workflow. Absent fields stay; null clears. */
export type WorkflowChange = {
  readonly name?: string | undefined
  readonly definition?: JsonObject | undefined
  readonly description?: string | null | undefined
  readonly externalId?: string | null | undefined
  readonly isActive?: boolean | undefined
}

/** Which workflow is meant, and the revision that the caller believes it has (`If-Match`; absent: any). */
export type WorkflowTarget = { readonly workflowId: Id<"workflow">; readonly ifRevision?: number | undefined }

/** A page of a list. */
export type Page = { readonly limit: number; readonly offset: number }

/** How often an upsert looks again after losing to another one with the same external id. */
const upsertAttemptsMax = 50

/** The workflow. Throws WORKFLOW_NOT_FOUND. */
export async function getWorkflow(cx: Context, workflowId: Id<"workflow">): Promise<WorkflowRecord> {
  const workflow = await cx.store.workflows.find(cx.principal.organizationId, workflowId)
  if (workflow === null) throw new Refusal("WORKFLOW_NOT_FOUND")
  return workflow
}

/** The workflow, its row held until the transaction ends. Throws WORKFLOW_NOT_FOUND and VERSION_CONFLICT. */
export async function holdWorkflow(cx: Context, store: Store, target: WorkflowTarget): Promise<WorkflowRecord> {
  const { organizationId } = cx.principal
  const held = await store.workflows.hold(organizationId, target.workflowId)
  const workflow = held ? await store.workflows.find(organizationId, target.workflowId) : null
  if (workflow === null) throw new Refusal("WORKFLOW_NOT_FOUND")
  if (target.ifRevision !== undefined && target.ifRevision !== workflow.revision) throw new Refusal("VERSION_CONFLICT")
  return workflow
}

/** A page of the organization's workflows, newest first. */
export function listWorkflows(
  cx: Context,
  filter: Page & { readonly externalId?: string | undefined; readonly activeOnly: boolean },
): Promise<{ readonly records: readonly WorkflowRecord[]; readonly total: number }> {
  const { limit, offset, activeOnly, externalId } = filter
  const { organizationId } = cx.principal
  // An empty external id means none, here as everywhere: it filters nothing.
  return cx.store.workflows.list({ organizationId, limit, offset, activeOnly, ...(externalId ? { externalId } : {}) })
}

/**
 * Creates a workflow, or updates the living one that has the external id (documented): its link and `isActive` are kept,
 * and so is its description where none is given. Throws VALIDATION_ERROR for a definition with too many nodes, and
 * WEBHOOK_PATH_CONFLICT where it is armed and another one has a path of its triggers.
 */
export async function createWorkflow(cx: Context, input: WorkflowCreation): Promise<WorkflowRecord> {
  checkNodesCount(cx, input.definition)
  const externalId = input.externalId || null
  return cx.store.transaction(async (store) => {
    // Two upserts of one external id may both find nothing; the unique index decides, and the loser looks again. Each
    // statement sees what was committed before it, so the second look finds the winner, unless that was deleted since.
    for (let attempt = 0; attempt < upsertAttemptsMax; attempt += 1) {
      const known = externalId === null ? null : await holdByExternalId(cx, store, externalId)
      if (known !== null) {
        const { name, definition, description } = input
        return applyChange(cx, store, {
          workflow: known,
          change: { name, definition, description: description ?? undefined },
        })
      }
      const created = await insertWorkflow(cx, store, { ...input, externalId })
      if (created !== null) return created
    }
    throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
  })
}

/**
 * Changes a workflow (documented). `isActive: true` arms its triggers, `false` disarms them. Throws WORKFLOW_NOT_FOUND,
 * VERSION_CONFLICT, EXTERNAL_ID_CONFLICT, WEBHOOK_PATH_CONFLICT, and VALIDATION_ERROR for too many nodes.
 */
export async function updateWorkflow(
  cx: Context,
  target: WorkflowTarget,
  change: WorkflowChange,
): Promise<WorkflowRecord> {
  if (change.definition !== undefined) checkNodesCount(cx, change.definition)
  return cx.store.transaction(async (store) => {
    const workflow = await holdWorkflow(cx, store, target)
    return applyChange(cx, store, { workflow, change })
  })
}

/**
 * Deletes a workflow (documented: soft, its assistant is unlinked and stays). What runs of it is marked for its end in
 * the same transaction and ended after it. Throws WORKFLOW_NOT_FOUND and VERSION_CONFLICT.
 */
export async function deleteWorkflow(cx: Context, target: WorkflowTarget): Promise<void> {
  const marked = await cx.store.transaction(async (store) => {
    const workflow = await holdWorkflow(cx, store, target)
    const atMs = cx.clock.nowMs()
    await store.workflows.softDelete(workflow.id, { atMs })
    await store.triggers.clear(workflow.id)
    await unlinkAssistant(cx, store, workflow)
    return store.runs.markCancelled({ workflowId: workflow.id }, "WORKFLOW_DELETED")
  })
  cx.runs.endMarked(marked)
}

/** A page of a workflow's versions, newest first. Throws WORKFLOW_NOT_FOUND. */
export async function listVersions(
  cx: Context,
  { workflowId, ...page }: Page & { readonly workflowId: Id<"workflow"> },
): Promise<{ readonly records: readonly WorkflowVersionRecord[]; readonly total: number }> {
  await getWorkflow(cx, workflowId)
  return cx.store.workflows.listVersions(workflowId, page)
}

/** One version of a living workflow. Throws WORKFLOW_NOT_FOUND, and RESOURCE_NOT_FOUND for a version that never was. */
export async function getVersion(
  cx: Context,
  { workflowId, version }: { readonly workflowId: Id<"workflow">; readonly version: number },
): Promise<WorkflowVersionRecord> {
  await getWorkflow(cx, workflowId)
  const record = await cx.store.workflows.findVersion(workflowId, version)
  if (record === null) throw new Refusal("RESOURCE_NOT_FOUND", { message: "Version not found." })
  return record
}

/** What there is to say about a definition that is not stored. Throws VALIDATION_ERROR for too many nodes. */
export async function validateDefinition(cx: Context, definition: JsonObject): Promise<PromotionReport> {
  checkNodesCount(cx, definition)
  return fullReport(cx, readLanguage(definition), null)
}

/** What there is to say about a workflow's newest version, judged anew with its link. Throws WORKFLOW_NOT_FOUND. */
export async function validateWorkflow(cx: Context, workflowId: Id<"workflow">): Promise<PromotionReport> {
  const workflow = await getWorkflow(cx, workflowId)
  const assistant = await cx.store.assistants.findByWorkflow(workflow.organizationId, workflow.id)
  return fullReport(cx, readLanguage(workflow.definition), assistant?.primaryNode ?? null)
}

/** The report, with what the organization's credentials say to it now. */
async function fullReport(cx: Context, language: Language, linkedPrimary: string | null): Promise<PromotionReport> {
  const { report } = judgeDefinition(language, linkedPrimary)
  return { ...report, findings: [...report.findings, ...(await credentialFindings(cx, language))] }
}

function checkNodesCount(cx: Context, definition: JsonObject): void {
  const nodes = definition.nodes
  const count = Array.isArray(nodes) ? nodes.length : isJsonObject(nodes) ? Object.keys(nodes).length : 0
  const most = cx.settings.definitionNodesMax
  if (count > most) {
    const message = `a definition may have at most ${most} nodes, this one has ${count}`
    throw invalidFields([{ field: "definition.nodes", message, code: "too_big" }])
  }
}

async function holdByExternalId(cx: Context, store: Store, externalId: string): Promise<WorkflowRecord | null> {
  const { organizationId } = cx.principal
  const id = await store.workflows.findIdByExternalId(organizationId, externalId)
  if (id === null || !(await store.workflows.hold(organizationId, id))) return null
  const workflow = await store.workflows.find(organizationId, id)
  // Between the look and the hold it may have been given another external id.
  return workflow?.externalId === externalId ? workflow : null
}

/** Null where another workflow has the external id. */
async function insertWorkflow(
  cx: Context,
  store: Store,
  input: WorkflowCreation & { readonly externalId: string | null },
): Promise<WorkflowRecord | null> {
  const { organizationId, userId } = cx.principal
  const workflowId = cx.ids.next("workflow")
  const language = readLanguage(input.definition)
  const created = await store.workflows.create({
    id: workflowId,
    organizationId,
    name: input.name,
    description: input.description ?? null,
    externalId: input.externalId,
    version: 1,
    triggersArmed: language.graph.active,
    createdBy: userId,
    createdAtMs: cx.clock.nowMs(),
  })
  if (!created) return null
  await store.workflows.addVersion({
    ...judgeDefinition(language, null),
    workflowId,
    version: 1,
    definition: input.definition,
    createdBy: userId,
    createdAtMs: cx.clock.nowMs(),
  })
  if (language.graph.active) await armTriggers(store, { organizationId, workflowId, version: 1 }, language.graph)
  return reload(store, { organizationId, id: workflowId })
}

/** Writes what differs; nothing where nothing does, so that the revision tells changes. The row is held. */
async function applyChange(
  cx: Context,
  store: Store,
  { workflow, change }: { readonly workflow: WorkflowRecord; readonly change: WorkflowChange },
): Promise<WorkflowRecord> {
  const changesDefinition = change.definition !== undefined && !jsonEqual(change.definition, workflow.definition)
  const definition = changesDefinition ? change.definition : undefined
  const fields = {
    ...changedTexts(workflow, change),
    ...changedActivity(workflow, { isActive: change.isActive, definition }),
    ...(definition === undefined ? {} : { version: workflow.version + 1 }),
  }
  if (Object.keys(fields).length === 0) return workflow
  if (definition !== undefined) await addVersion(cx, store, { workflow, definition })
  const atMs = cx.clock.nowMs()
  if (!(await store.workflows.update(workflow.id, fields, { atMs }))) {
    throw new Refusal("EXTERNAL_ID_CONFLICT", { details: { external_id: fields.externalId ?? null } })
  }
  const changed = await reload(store, workflow)
  await renewAddresses(store, { before: workflow, after: changed })
  return changed
}

/** Addresses follow what is armed, and the newest version. */
async function renewAddresses(
  store: Store,
  { before, after }: { readonly before: WorkflowRecord; readonly after: WorkflowRecord },
): Promise<void> {
  if (before.triggersArmed === after.triggersArmed && before.version === after.version) return
  const { organizationId, id: workflowId, version } = after
  if (after.triggersArmed) {
    await armTriggers(store, { organizationId, workflowId, version }, readLanguage(after.definition).graph)
  } else if (before.triggersArmed) await store.triggers.clear(workflowId)
}

async function addVersion(
  cx: Context,
  store: Store,
  { workflow, definition }: { readonly workflow: WorkflowRecord; readonly definition: JsonObject },
): Promise<void> {
  const assistant = await store.assistants.findByWorkflow(workflow.organizationId, workflow.id)
  await store.workflows.addVersion({
    ...judgeDefinition(readLanguage(definition), assistant?.primaryNode ?? null),
    workflowId: workflow.id,
    version: workflow.version + 1,
    definition,
    createdBy: cx.principal.userId,
    createdAtMs: cx.clock.nowMs(),
  })
}

function changedTexts(workflow: WorkflowRecord, change: WorkflowChange): Partial<WorkflowFields> {
  const externalId = change.externalId === undefined ? workflow.externalId : change.externalId || null
  return {
    ...(change.name === undefined || change.name === workflow.name ? {} : { name: change.name }),
    ...(change.description === undefined || change.description === workflow.description
      ? {}
      : { description: change.description }),
    ...(externalId === workflow.externalId ? {} : { externalId }),
  }
}

/**
 * Ours: triggers are armed by `isActive: true` and by a changed definition that says `active: true` (while the workflow is
 * active); they are disarmed by `isActive: false`, and by a changed definition that says so no more though the one before
 * did. An export that never said `active: true` therefore does not disarm what somebody armed by hand.
 */
function changedActivity(
  workflow: WorkflowRecord,
  change: { readonly isActive: boolean | undefined; readonly definition: JsonObject | undefined },
): Partial<WorkflowFields> {
  const isActive = change.isActive ?? workflow.isActive
  let armed = workflow.triggersArmed
  if (change.definition !== undefined) {
    const before = workflow.definition.active === true
    const after = change.definition.active === true
    if (after) armed = isActive
    else if (before) armed = false
  }
  if (change.isActive !== undefined) armed = change.isActive
  return {
    ...(isActive === workflow.isActive ? {} : { isActive }),
    ...(armed === workflow.triggersArmed ? {} : { triggersArmed: armed }),
  }
}

async function unlinkAssistant(cx: Context, store: Store, workflow: WorkflowRecord): Promise<void> {
  const atMs = cx.clock.nowMs()
  const assistant = await store.assistants.findByWorkflow(workflow.organizationId, workflow.id)
  if (assistant === null || (await store.assistants.unlinkWorkflow(workflow.id, { atMs })) === null) return
  const { principal } = cx
  await store.audit.append({
    id: cx.ids.next("auditLog"),
    organizationId: principal.organizationId,
    resourceType: "assistant",
    resourceId: assistant.id,
    resourceName: assistant.name,
    action: "workflow_detached",
    userId: principal.userId,
    userName: principal.userName,
    userEmail: principal.userEmail,
    changes: [{ field: "workflow_id", oldValue: workflow.id, newValue: null }],
    metadata: { workflow_deleted: true },
    createdAtMs: atMs,
  })
}

async function reload(
  store: Store,
  { organizationId, id }: Pick<WorkflowRecord, "organizationId" | "id">,
): Promise<WorkflowRecord> {
  const workflow = await store.workflows.find(organizationId, id)
  if (workflow === null) throw new Error("a workflow is gone from the transaction that wrote it")
  return workflow
}
