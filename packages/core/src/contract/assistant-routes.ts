/** The calls of assistants, their history and their link to a workflow (the HTTP contract, §4). */
import { z } from "zod"
import { type Id, isId } from "../ids.ts"
import {
  accessModes,
  assistantAnswer,
  assistantCreateBody,
  assistantStandard,
  assistantSummary,
  assistantUpdateBody,
} from "./assistants.ts"
import { route } from "./route.ts"
import { descriptionText, listLimit, listOffset, nameText, plainText, queryBoolean } from "./text.ts"
import { workflowAnswer, workflowUpdateBody } from "./workflows.ts"

const tag = "Assistants"
const params = { assistant_id: { noun: "assistant", missing: "ASSISTANT_NOT_FOUND" } } as const
const noQuery = z.object({})

const pagination = z.object({
  total: z.number().int(),
  limit: z.number().int(),
  offset: z.number().int(),
  has_more: z.boolean(),
})

/** What can be wrong with settings beyond their shape, and with a name. */
const writeErrors = ["ORGANIZATION_ACCESS_DENIED", "UNSUPPORTED_PARAMETER", "ASSISTANT_NAME_CONFLICT"] as const

/** `POST /v1/assistants` (documented). */
export const createAssistantRoute = route({
  id: "createAssistant",
  method: "POST",
  path: "/v1/assistants",
  summary: "Create an assistant",
  tag,
  scopes: ["assistants:write"],
  params: {},
  query: noQuery,
  unknownQuery: "ignore",
  body: assistantCreateBody,
  answers: { 201: { description: "The assistant", schema: assistantAnswer } },
  errors: writeErrors,
  idempotency: "transaction",
})

/** `GET /v1/assistants` (documented). */
export const listAssistantsRoute = route({
  id: "listAssistants",
  method: "GET",
  path: "/v1/assistants",
  summary: "List assistants",
  tag,
  scopes: ["assistants:read"],
  params: {},
  query: z.object({
    organization_id: z.string(),
    limit: listLimit,
    offset: listOffset,
    search: plainText(255).optional(),
    access_mode: z.enum(accessModes).optional(),
    vector_store_id: z.string().optional(),
    visible_in_chat: queryBoolean.optional(),
    for_chat: queryBoolean.optional(),
    include_inactive: queryBoolean.default(false),
    sort_by: z.enum(["name", "created_at", "updated_at"]).default("created_at"),
    sort_order: z.enum(["asc", "desc"]).default("desc"),
    fields: z.enum(["summary", "standard", "full"]).default("summary"),
  }),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "A page of assistants, as much of each as `fields` says",
      schema: z.object({
        assistants: z.array(z.union([assistantAnswer, assistantStandard, assistantSummary])),
        total: z.number().int(),
        organization_id: z.string(),
        pagination,
        filters_applied: z.object({
          search: z.string().nullable(),
          access_mode: z.string().nullable(),
          include_inactive: z.boolean(),
          sort_by: z.string(),
          sort_order: z.string(),
        }),
        user_context: z.object({ user_id: z.string(), organization_count: z.number().int() }),
      }),
    },
  },
  errors: ["ORGANIZATION_ACCESS_DENIED"],
  idempotency: "none",
})

/** `GET /v1/assistants/{assistant_id}` (documented). */
export const getAssistantRoute = route({
  id: "getAssistant",
  method: "GET",
  path: "/v1/assistants/{assistant_id}",
  summary: "Get an assistant",
  tag,
  scopes: ["assistants:read"],
  params,
  query: noQuery,
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "The assistant", schema: assistantAnswer } },
  errors: ["ASSISTANT_NOT_FOUND"],
  idempotency: "none",
})

const update = {
  path: "/v1/assistants/{assistant_id}",
  summary: "Change an assistant",
  description:
    "Absent fields stay. A value overrides what the workflow gives, from the next turn of every thread; null returns " +
    "a setting to inherited or not set.",
  tag,
  scopes: ["assistants:write"],
  params,
  query: noQuery,
  unknownQuery: "ignore",
  body: assistantUpdateBody,
  answers: { 200: { description: "The assistant", schema: assistantAnswer } },
  errors: [
    ...writeErrors,
    "ASSISTANT_NOT_FOUND",
    "RESOURCE_NOT_FOUND",
    "VERSION_CONFLICT",
    "FREDDY_LLM_NODE_REQUIRED",
    "PRIMARY_NODE_REQUIRED",
    "PRIMARY_NODE_NOT_FOUND",
    "PRIMARY_NODE_INVALID_TYPE",
  ],
  idempotency: "none",
} as const

/** `PUT /v1/assistants/{assistant_id}` (documented as partial). */
export const putAssistantRoute = route({ ...update, id: "updateAssistant", method: "PUT" })

/** `PATCH /v1/assistants/{assistant_id}` (ours): the same. */
export const patchAssistantRoute = route({ ...update, id: "patchAssistant", method: "PATCH" })

/** `DELETE /v1/assistants/{assistant_id}` (documented). */
export const deleteAssistantRoute = route({
  id: "deleteAssistant",
  method: "DELETE",
  path: "/v1/assistants/{assistant_id}",
  summary: "Delete an assistant",
  description: "Its runs and pauses are cancelled; its threads can still be read, its workflow stays.",
  tag,
  scopes: ["assistants:write"],
  params,
  query: noQuery,
  unknownQuery: "ignore",
  body: null,
  answers: { 204: { description: "Deleted", schema: null } },
  errors: ["ASSISTANT_NOT_FOUND", "VERSION_CONFLICT"],
  idempotency: "none",
})

/** `POST /v1/assistants/{assistant_id}/warm` (documented). */
export const warmAssistantRoute = route({
  id: "warmAssistant",
  method: "POST",
  path: "/v1/assistants/{assistant_id}/warm",
  summary: "Prepare an assistant for its next turn",
  description: "Nothing has to be prepared here; the call says so and changes nothing.",
  tag,
  scopes: ["assistants:read"],
  params,
  query: noQuery,
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: { description: "Ready", schema: z.object({ assistant_id: z.string(), status: z.literal("warm") }) },
  },
  errors: ["ASSISTANT_NOT_FOUND"],
  idempotency: "transaction",
})

const dayPattern = /^\d{4}-\d{2}-\d{2}$/
const instantPattern = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/i
const dayMs = 86_400_000

/** ISO 8601, a day or an instant (without an offset: UTC), as milliseconds; a day is taken at its given edge. */
function queryTime(edge: "first" | "last") {
  return z.string().transform((text, context) => {
    const isDay = dayPattern.test(text)
    // In a query, the plus of an offset is a blank where the caller did not escape it.
    const instant = text.replace(/ (\d{2}:?\d{2})$/, "+$1").replace(" ", "T")
    const hasOffset = /(Z|[+-]\d{2}:?\d{2})$/i.test(instant.slice(10))
    const ms = isDay || !instantPattern.test(instant) ? Number.NaN : Date.parse(hasOffset ? instant : `${instant}Z`)
    const dayStartMs = isDay ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
    const result = isDay ? dayStartMs + (edge === "last" ? dayMs - 1 : 0) : ms
    if (Number.isFinite(result)) return result
    context.addIssue({ code: "custom", message: "must be a day or an instant in ISO 8601" })
    return z.NEVER
  })
}

/** `GET /v1/assistants/{assistant_id}/history` (documented). */
export const getAssistantHistoryRoute = route({
  id: "getAssistantHistory",
  method: "GET",
  path: "/v1/assistants/{assistant_id}/history",
  summary: "List what was changed on an assistant, newest first",
  tag,
  scopes: ["assistants:read"],
  params,
  query: z.object({
    action: plainText(64).optional(),
    user_id: z
      .string()
      .refine((text) => isId("user", text), { message: "must be a user id" })
      .transform((text) => text as Id<"user">)
      .optional(),
    start_date: queryTime("first").optional(),
    end_date: queryTime("last").optional(),
    limit: listLimit,
    offset: listOffset,
  }),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "A page of audit rows",
      schema: z.object({
        audit_logs: z.array(
          z.object({
            id: z.string(),
            timestamp: z.number().int(),
            resource_type: z.string(),
            resource_id: z.string(),
            resource_name: z.string(),
            action: z.string(),
            user_id: z.string(),
            user_name: z.string(),
            user_email: z.string(),
            changes: z.array(z.object({ field: z.string(), old_value: z.unknown(), new_value: z.unknown() })),
            metadata: z.record(z.string(), z.unknown()),
          }),
        ),
        pagination,
      }),
    },
  },
  errors: ["ASSISTANT_NOT_FOUND"],
  idempotency: "none",
})

/** `POST /v1/assistants/{assistant_id}/convert-to-workflow` (documented). */
export const convertAssistantRoute = route({
  id: "convertAssistantToWorkflow",
  method: "POST",
  path: "/v1/assistants/{assistant_id}/convert-to-workflow",
  summary: "Make a workflow of an assistant",
  description:
    "A workflow with one FreddyLLM node that carries the assistant's settings, linked to it; the settings are " +
    "inherited from then on. Threads that exist stay without a workflow.",
  tag,
  scopes: ["assistants:write", "workflows:write"],
  params,
  query: noQuery,
  unknownQuery: "ignore",
  body: z.strictObject({ workflow_name: nameText.nullish(), description: descriptionText.nullish() }),
  answers: {
    201: {
      description: "The assistant and its workflow",
      schema: z.object({ assistant_id: z.string(), workflow_id: z.string(), workflow: workflowAnswer }),
    },
  },
  errors: ["ASSISTANT_NOT_FOUND", "ASSISTANT_HAS_WORKFLOW"],
  idempotency: "transaction",
})

const link = {
  path: "/v1/assistants/{assistant_id}/workflow",
  tag,
  params,
  query: noQuery,
  unknownQuery: "ignore",
} as const

const linkAnswer = z.object({ assistant_id: z.string(), workflow_id: z.string(), message: z.string() })

/** `GET /v1/assistants/{assistant_id}/workflow` (documented). */
export const getAssistantWorkflowRoute = route({
  ...link,
  id: "getAssistantWorkflow",
  method: "GET",
  summary: "Get the workflow of an assistant",
  scopes: ["assistants:read", "workflows:read"],
  body: null,
  answers: { 200: { description: "The workflow", schema: workflowAnswer } },
  errors: ["ASSISTANT_NOT_FOUND", "RESOURCE_NOT_FOUND"],
  idempotency: "none",
})

/** `PATCH /v1/assistants/{assistant_id}/workflow` (documented). */
export const updateAssistantWorkflowRoute = route({
  ...link,
  id: "updateAssistantWorkflow",
  method: "PATCH",
  summary: "Change the workflow of an assistant",
  scopes: ["assistants:write", "workflows:write"],
  body: workflowUpdateBody,
  answers: { 200: { description: "The workflow", schema: workflowAnswer } },
  errors: [
    "ASSISTANT_NOT_FOUND",
    "RESOURCE_NOT_FOUND",
    "EXTERNAL_ID_CONFLICT",
    "WEBHOOK_PATH_CONFLICT",
    "VERSION_CONFLICT",
  ],
  idempotency: "none",
})

/** `DELETE /v1/assistants/{assistant_id}/workflow` (documented). */
export const detachAssistantWorkflowRoute = route({
  ...link,
  id: "detachAssistantWorkflow",
  method: "DELETE",
  summary: "Detach the workflow of an assistant; both stay",
  scopes: ["assistants:write", "workflows:write"],
  body: null,
  answers: { 200: { description: "Detached", schema: linkAnswer } },
  errors: ["ASSISTANT_NOT_FOUND", "RESOURCE_NOT_FOUND", "VERSION_CONFLICT"],
  idempotency: "none",
})

/** `POST /v1/assistants/{assistant_id}/workflow` (ours). */
export const attachAssistantWorkflowRoute = route({
  ...link,
  id: "attachAssistantWorkflow",
  method: "POST",
  summary: "Attach a workflow to an assistant",
  description: "The same judgement as promotion, for an assistant that exists and has no workflow.",
  scopes: ["assistants:write", "workflows:write"],
  body: z.strictObject({ workflow_id: z.string(), primary_node_id: z.string().nullish() }),
  answers: { 200: { description: "Attached", schema: linkAnswer } },
  errors: [
    "ASSISTANT_NOT_FOUND",
    "WORKFLOW_NOT_FOUND",
    "ASSISTANT_HAS_WORKFLOW",
    "WORKFLOW_ALREADY_PROMOTED",
    "WORKFLOW_INACTIVE",
    "FREDDY_LLM_NODE_REQUIRED",
    "PRIMARY_NODE_REQUIRED",
    "PRIMARY_NODE_NOT_FOUND",
    "PRIMARY_NODE_INVALID_TYPE",
  ],
  idempotency: "transaction",
})
