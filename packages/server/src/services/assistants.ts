/**
 * Assistants: create, read, list, change, delete. Their history is in `assistant-history.ts`, their link to a workflow in
 * `assistant-workflow.ts`, what they say about turns in `assistant-turn.ts`.
 *
 * Every change holds the assistant's row; whoever also holds a workflow's row takes that one first.
 */
import type {
  AssistantCreation,
  AssistantUpdate,
  AssistantView,
  ListedAssistantView,
} from "@brevet/core/contract/assistants"
import { type ErrorCode, errorCatalogue, invalidFields, Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { AssistantFilter, AssistantRecord } from "../ports/assistant-table.ts"
import type { Context } from "../ports/context.ts"
import type { Store } from "../ports/store.ts"
import { requireOrganization } from "./access.ts"
import { auditChanges, changedFields, mergeSettings, readSettings } from "./assistant-fields.ts"
import { viewAssistant, viewListedAssistant } from "./assistant-view.ts"
import { makeAuditRow } from "./audit.ts"
import { findFreeName } from "./free-name.ts"
import { judgeVersionOf, relinkWorkflow } from "./promotion.ts"

/** Which assistant is meant, and the revision that the caller believes it has (`If-Match`; absent: any). */
export type AssistantTarget = { readonly assistantId: Id<"assistant">; readonly ifRevision?: number | undefined }

/** An assistant as it is shown, and the revision for its ETag. */
export type ShownAssistant = { readonly view: AssistantView; readonly revision: number }

/** How often a write is tried again when whoever had taken the name is gone by the time it is looked for. */
const nameAttemptsMax = 10

async function show(store: Store, assistant: AssistantRecord): Promise<ShownAssistant> {
  return { view: await viewAssistant(store, assistant), revision: assistant.revision }
}

/**
 * Creates an assistant (documented). Throws ORGANIZATION_ACCESS_DENIED, UNSUPPORTED_PARAMETER, VALIDATION_ERROR and
 * ASSISTANT_NAME_CONFLICT.
 */
export async function createAssistant(cx: Context, body: AssistantCreation): Promise<ShownAssistant> {
  const organizationId = requireOrganization(cx, body.organization_id)
  const settings = mergeSettings({}, readSettings(body))
  return cx.store.transaction(async (store) => {
    const assistant = await writeNamed(cx, store, {
      name: body.name,
      write: () =>
        store.assistants.create({
          id: cx.ids.next("assistant"),
          organizationId,
          name: body.name,
          description: body.description ?? null,
          settings,
          accessMode: body.access_mode ?? "private",
          isActive: body.is_active ?? true,
          apiEnabled: body.api_enabled ?? true,
          createdBy: cx.principal.userId,
          createdAtMs: cx.clock.nowMs(),
        }),
    })
    await appendAudit(cx, store, { assistant, action: "created", before: null })
    return show(store, assistant)
  })
}

/** The assistant's record. Throws ASSISTANT_NOT_FOUND. */
export async function getAssistantRecord(cx: Context, assistantId: Id<"assistant">): Promise<AssistantRecord> {
  const assistant = await cx.store.assistants.find(cx.principal.organizationId, assistantId)
  if (assistant === null) throw new Refusal("ASSISTANT_NOT_FOUND")
  return assistant
}

/** The assistant with its effective settings. Throws ASSISTANT_NOT_FOUND. */
export async function getAssistant(cx: Context, assistantId: Id<"assistant">): Promise<ShownAssistant> {
  return show(cx.store, await getAssistantRecord(cx, assistantId))
}

/** What a list may be narrowed to (documented). */
export type AssistantQuery = Omit<AssistantFilter, "organizationId"> & {
  readonly organizationId: string
  readonly vectorStoreId?: string
}

/** A page of assistants as lists show them. Throws ORGANIZATION_ACCESS_DENIED. */
export async function listAssistants(
  cx: Context,
  query: AssistantQuery,
): Promise<{ readonly views: readonly ListedAssistantView[]; readonly total: number }> {
  const { records, total } = await findPage(cx, query)
  return { views: await Promise.all(records.map((record) => viewListedAssistant(cx.store, record))), total }
}

/** The same page with whole assistants. */
export async function listWholeAssistants(
  cx: Context,
  query: AssistantQuery,
): Promise<{ readonly views: readonly AssistantView[]; readonly total: number }> {
  const { records, total } = await findPage(cx, query)
  return { views: await Promise.all(records.map((record) => viewAssistant(cx.store, record))), total }
}

/** Vector stores are not there yet, so that no assistant uses one. */
async function findPage(cx: Context, query: AssistantQuery) {
  const { organizationId: given, vectorStoreId, ...filter } = query
  const organizationId = requireOrganization(cx, given)
  if (vectorStoreId !== undefined) return { records: [], total: 0 }
  return cx.store.assistants.list({ ...filter, organizationId })
}

/** The assistant, its row held until the transaction ends. Throws ASSISTANT_NOT_FOUND and VERSION_CONFLICT. */
export async function holdAssistant(cx: Context, store: Store, target: AssistantTarget): Promise<AssistantRecord> {
  const assistant = await store.assistants.findForUpdate(cx.principal.organizationId, target.assistantId)
  if (assistant === null) throw new Refusal("ASSISTANT_NOT_FOUND")
  if (target.ifRevision !== undefined && target.ifRevision !== assistant.revision) throw new Refusal("VERSION_CONFLICT")
  return assistant
}

/**
 * Changes an assistant (documented as partial): absent stays, null returns a setting to inherited or not set. Saying what
 * is there already changes nothing. Throws UNSUPPORTED_PARAMETER, VALIDATION_ERROR, ASSISTANT_NOT_FOUND,
 * VERSION_CONFLICT, ASSISTANT_NAME_CONFLICT, and promotion's codes for a version that cannot be promoted.
 */
export async function updateAssistant(
  cx: Context,
  target: AssistantTarget,
  update: AssistantUpdate,
): Promise<ShownAssistant> {
  readSettings(update) // What is not supported is refused before anybody looks whether the assistant exists.
  return cx.store.transaction(async (store) => {
    const before = await holdAssistant(cx, store, target)
    const fields = changedFields(before, update)
    if (Object.keys(fields).length === 0) return show(store, before)
    if (typeof fields.pinnedVersion === "number") await requirePromotable(store, before, fields.pinnedVersion)
    const assistant = await writeNamed(cx, store, {
      name: fields.name ?? before.name,
      write: () => store.assistants.update(before.id, fields, { atMs: cx.clock.nowMs() }),
    })
    await appendAudit(cx, store, { assistant, action: "updated", before })
    return show(store, assistant)
  })
}

/**
 * Deletes an assistant (documented: soft). Its link is cleared, its workflow and threads stay, what runs of it is marked
 * for its end in the same transaction and ended after it. Throws ASSISTANT_NOT_FOUND and VERSION_CONFLICT.
 */
export async function deleteAssistant(cx: Context, target: AssistantTarget): Promise<void> {
  const marked = await cx.store.transaction(async (store) => {
    const { assistant, workflow } = await holdWithWorkflow(cx, store, target)
    const atMs = cx.clock.nowMs()
    await store.assistants.softDelete(assistant.id, { atMs })
    if (workflow !== null) await relinkWorkflow(store, workflow, { primaryNode: null, atMs })
    const resource = { type: "assistant", id: assistant.id, name: assistant.name } as const
    await store.audit.append(makeAuditRow(cx, resource, { action: "deleted" }))
    return store.runs.markCancelled({ assistantId: assistant.id }, "ASSISTANT_DELETED")
  })
  cx.runs.endMarked(marked)
}

/**
 * The assistant and its workflow, both held, the workflow first, since promotion and deletion of workflows hold in that
 * order. Throws ASSISTANT_NOT_FOUND and VERSION_CONFLICT.
 */
export async function holdWithWorkflow(cx: Context, store: Store, target: AssistantTarget) {
  const { organizationId } = cx.principal
  const seen = await store.assistants.find(organizationId, target.assistantId)
  if (seen?.workflowId) await store.workflows.hold(organizationId, seen.workflowId)
  const assistant = await holdAssistant(cx, store, target)
  // Between the look and the hold the link may have been cleared or changed; what counts is what the held row says.
  const { workflowId } = assistant
  if (workflowId !== null && workflowId !== seen?.workflowId) await store.workflows.hold(organizationId, workflowId)
  const workflow = workflowId === null ? null : await store.workflows.find(organizationId, workflowId)
  return { assistant, workflow }
}

/** Appends the audit row of a change of an assistant's own fields. */
export async function appendAudit(
  cx: Context,
  store: Store,
  deed: { readonly assistant: AssistantRecord; readonly action: string; readonly before: AssistantRecord | null },
): Promise<void> {
  const { assistant, action, before } = deed
  const resource = { type: "assistant", id: assistant.id, name: assistant.name } as const
  const changes = auditChanges(before, assistant)
  await store.audit.append(makeAuditRow(cx, resource, { action, changes }))
}

/** Performs a write that the unique index over names may refuse; says who has the name where it does. */
async function writeNamed(
  cx: Context,
  store: Store,
  step: { readonly name: string; readonly write: () => Promise<AssistantRecord | null> },
): Promise<AssistantRecord> {
  const { organizationId } = cx.principal
  for (let attempt = 0; attempt < nameAttemptsMax; attempt += 1) {
    const written = await step.write()
    if (written !== null) return written
    const namesake = await store.assistants.findByName(organizationId, step.name)
    if (namesake === null) continue
    const suggestedName = await findFreeName(store.assistants, organizationId, step.name)
    throw new Refusal("ASSISTANT_NAME_CONFLICT", {
      details: { name: step.name, assistant_id: namesake.id, suggested_name: suggestedName },
    })
  }
  throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
}

/** Throws unless new threads of the assistant can be pinned to that version of its workflow. */
async function requirePromotable(store: Store, assistant: AssistantRecord, version: number): Promise<void> {
  const { workflowId, primaryNode } = assistant
  const fault = (message: string) => invalidFields([{ field: "workflow_version", message, code: "invalid" }])
  if (workflowId === null) throw fault("the assistant has no workflow")
  const judged = await judgeVersionOf(store, { workflowId, version, primaryNode })
  if (judged === null) throw fault("the workflow has no such version")
  if (judged.promotable) return
  const error = judged.report.error
  if (error === undefined || !isErrorCode(error.code)) throw new Error("an unpromotable version without a reason")
  throw new Refusal(error.code, { message: error.message, details: error.details })
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code)
}
