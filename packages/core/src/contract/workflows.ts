/**
 * Workflows on the wire (the HTTP contract, §2). The object's documented fields come first; `promotable`,
 * `findings_count` and `triggers_armed` are ours. Times are Unix seconds (documented).
 */
import { z } from "zod"
import type { PromotionReport } from "../graph/report.ts"
import type { JsonObject } from "../json.ts"
import { toUnixSeconds } from "../time.ts"
import { presentReport, promotionReportAnswer } from "./promotion.ts"
import { route } from "./route.ts"
import { descriptionText, jsonObject, listLimit, listOffset, nameText, plainText, queryBoolean } from "./text.ts"

/** The caller's own id of a workflow: 1–255 characters; `""` and `null` mean none (ours). */
const externalIdField = plainText(255)

/** The body of a creation. `null` counts as absent where a field is optional (ours). */
export const workflowCreateBody = z
  .strictObject({
    name: nameText,
    definition: jsonObject,
    description: descriptionText.nullish(),
    external_id: externalIdField.nullish(),
  })
  .meta({ id: "WorkflowCreate" })

/** The body of an update: what is absent stays, `null` clears a description or an external id. */
export const workflowUpdateBody = z
  .strictObject({
    name: nameText.optional(),
    description: descriptionText.nullish(),
    definition: jsonObject.optional(),
    is_active: z.boolean().optional(),
    external_id: externalIdField.nullish(),
  })
  .meta({ id: "WorkflowUpdate" })

/** A parsed update. */
export type WorkflowUpdateBody = z.output<typeof workflowUpdateBody>

/** A workflow (documented, and ours). */
export const workflowAnswer = z
  .object({
    id: z.string(),
    organization_id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    definition: z.looseObject({}),
    version: z.number().int(),
    is_active: z.boolean(),
    created_at: z.number().int(),
    updated_at: z.number().int(),
    created_by: z.string().nullable(),
    external_id: z.string().nullable(),
    assistant_id: z.string().nullable(),
    has_assistant: z.boolean(),
    promotable: z.boolean(),
    findings_count: z.number().int(),
    triggers_armed: z.boolean(),
  })
  .meta({ id: "Workflow" })

/** What a workflow is shown from. */
export type WorkflowView = {
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly description: string | null
  readonly definition: JsonObject
  readonly version: number
  readonly isActive: boolean
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly createdBy: string | null
  readonly externalId: string | null
  readonly assistantId: string | null
  readonly hasAssistant: boolean
  readonly promotable: boolean
  readonly findingsCount: number
  readonly triggersArmed: boolean
}

/** A workflow in wire form. */
export function presentWorkflow(workflow: WorkflowView): z.input<typeof workflowAnswer> {
  return {
    id: workflow.id,
    organization_id: workflow.organizationId,
    name: workflow.name,
    description: workflow.description,
    definition: workflow.definition,
    version: workflow.version,
    is_active: workflow.isActive,
    created_at: toUnixSeconds(workflow.createdAtMs),
    updated_at: toUnixSeconds(workflow.updatedAtMs),
    created_by: workflow.createdBy,
    external_id: workflow.externalId,
    assistant_id: workflow.assistantId,
    has_assistant: workflow.hasAssistant,
    promotable: workflow.promotable,
    findings_count: workflow.findingsCount,
    triggers_armed: workflow.triggersArmed,
  }
}

/** A version (ours). */
export const workflowVersionAnswer = z
  .object({
    version: z.number().int(),
    definition: z.looseObject({}),
    created_at: z.number().int(),
    created_by: z.string().nullable(),
    promotable: z.boolean(),
    report: promotionReportAnswer,
  })
  .meta({ id: "WorkflowVersion" })

/** What a version is shown from. */
export type WorkflowVersionView = {
  readonly version: number
  readonly definition: JsonObject
  readonly createdAtMs: number
  readonly createdBy: string | null
  readonly promotable: boolean
  readonly report: PromotionReport
}

/** A version in wire form. */
export function presentVersion(version: WorkflowVersionView): JsonObject {
  return {
    version: version.version,
    definition: version.definition,
    created_at: toUnixSeconds(version.createdAtMs),
    created_by: version.createdBy,
    promotable: version.promotable,
    report: presentReport(version.report),
  }
}

const params = { workflow_id: { noun: "workflow", missing: "WORKFLOW_NOT_FOUND" } } as const
const noQuery = z.object({})

/** `POST /v1/workflows` (documented): creates, or updates the workflow that has the external id. */
export const createWorkflowRoute = route({
  id: "createWorkflow",
  method: "POST",
  path: "/v1/workflows",
  summary: "Create a workflow, or update the one that has the external id",
  description:
    "Where `external_id` belongs to a living workflow of the organization, that one is updated: its link to an " +
    "assistant and `is_active` are kept, and so is its description where none is given.",
  tag: "Workflows",
  scopes: ["workflows:write"],
  params: {},
  query: noQuery,
  unknownQuery: "ignore",
  body: workflowCreateBody,
  answers: { 201: { description: "The workflow", schema: workflowAnswer } },
  errors: ["WEBHOOK_PATH_CONFLICT"],
  idempotency: "transaction",
})

/** `GET /v1/workflows` (documented): newest first. */
export const listWorkflowsRoute = route({
  id: "listWorkflows",
  method: "GET",
  path: "/v1/workflows",
  summary: "List workflows, newest first",
  tag: "Workflows",
  scopes: ["workflows:read"],
  params: {},
  query: z.object({
    external_id: externalIdField.optional(),
    active_only: queryBoolean.optional(),
    limit: listLimit,
    offset: listOffset,
  }),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "A page of workflows",
      schema: z.object({
        workflows: z.array(workflowAnswer),
        total: z.number().int(),
        limit: z.number().int(),
        offset: z.number().int(),
      }),
    },
  },
  errors: [],
  idempotency: "none",
})

/** `GET /v1/workflows/{workflow_id}` (documented). */
export const getWorkflowRoute = route({
  id: "getWorkflow",
  method: "GET",
  path: "/v1/workflows/{workflow_id}",
  summary: "Read a workflow",
  tag: "Workflows",
  scopes: ["workflows:read"],
  params,
  query: noQuery,
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "The workflow", schema: workflowAnswer } },
  errors: ["WORKFLOW_NOT_FOUND"],
  idempotency: "none",
})

/** `PATCH /v1/workflows/{workflow_id}` (documented). */
export const updateWorkflowRoute = route({
  id: "updateWorkflow",
  method: "PATCH",
  path: "/v1/workflows/{workflow_id}",
  summary: "Update a workflow",
  description:
    "A definition that differs from the newest version becomes the next version. `is_active: true` arms schedules, " +
    "webhooks and forms; `is_active: false` disarms them, and new turns and executions are refused.",
  tag: "Workflows",
  scopes: ["workflows:write"],
  params,
  query: noQuery,
  unknownQuery: "ignore",
  body: workflowUpdateBody,
  answers: { 200: { description: "The workflow", schema: workflowAnswer } },
  errors: ["WORKFLOW_NOT_FOUND", "EXTERNAL_ID_CONFLICT", "WEBHOOK_PATH_CONFLICT", "VERSION_CONFLICT"],
  idempotency: "none",
})

/** `DELETE /v1/workflows/{workflow_id}` (documented): soft; its assistant is unlinked and stays. */
export const deleteWorkflowRoute = route({
  id: "deleteWorkflow",
  method: "DELETE",
  path: "/v1/workflows/{workflow_id}",
  summary: "Delete a workflow; its assistant is unlinked and stays",
  tag: "Workflows",
  scopes: ["workflows:write"],
  params,
  query: noQuery,
  unknownQuery: "ignore",
  body: null,
  answers: { 204: { description: "Deleted", schema: null } },
  errors: ["WORKFLOW_NOT_FOUND", "VERSION_CONFLICT"],
  idempotency: "none",
})

/** `GET /v1/workflows/{workflow_id}/versions` (ours): every version that ever was, newest first. */
export const listWorkflowVersionsRoute = route({
  id: "listWorkflowVersions",
  method: "GET",
  path: "/v1/workflows/{workflow_id}/versions",
  summary: "List the versions of a workflow, newest first",
  tag: "Workflows",
  scopes: ["workflows:read"],
  params,
  query: z.object({ limit: listLimit, offset: listOffset }),
  unknownQuery: "refuse",
  body: null,
  answers: {
    200: {
      description: "A page of versions",
      schema: z.object({
        versions: z.array(workflowVersionAnswer),
        total: z.number().int(),
        limit: z.number().int(),
        offset: z.number().int(),
      }),
    },
  },
  errors: ["WORKFLOW_NOT_FOUND"],
  idempotency: "none",
})

/** `GET /v1/workflows/{workflow_id}/versions/{version}` (ours). */
export const getWorkflowVersionRoute = route({
  id: "getWorkflowVersion",
  method: "GET",
  path: "/v1/workflows/{workflow_id}/versions/{version}",
  summary: "Read a version of a workflow",
  tag: "Workflows",
  scopes: ["workflows:read"],
  params: { ...params, version: "text" },
  query: noQuery,
  unknownQuery: "refuse",
  body: null,
  answers: { 200: { description: "The version", schema: workflowVersionAnswer } },
  errors: ["WORKFLOW_NOT_FOUND", "RESOURCE_NOT_FOUND"],
  idempotency: "none",
})
