/**
 * Promotion on the wire (the HTTP contract, §3): the call, its dry run, the report, and validation, whose answer is the
 * same report. The request and the answer 201 are documented; the report is ours.
 */
import { z } from "zod"
import type { PromotionReport } from "../graph/report.ts"
import type { JsonObject } from "../json.ts"
import { route } from "./route.ts"
import { descriptionText, jsonObject, nameText } from "./text.ts"

/** Something worth saying about a definition. */
export const findingAnswer = z
  .object({
    severity: z.enum(["error", "warning", "info"]),
    code: z.string(),
    message: z.string(),
    node: z.string().optional(),
    path: z.string().optional(),
  })
  .meta({ id: "Finding" })

/** What promotion finds and infers. */
export const promotionReportAnswer = z
  .object({
    promotable: z.boolean(),
    error: z.object({ code: z.string(), message: z.string(), details: z.looseObject({}) }).optional(),
    primary_node: z.unknown(),
    candidates: z.array(z.unknown()),
    settings: z.array(z.unknown()),
    input: z.unknown(),
    output: z.unknown(),
    pauses: z.array(z.unknown()),
    streams: z.array(z.unknown()),
    unknown_kinds: z.array(z.unknown()),
    findings: z.array(findingAnswer),
  })
  .meta({ id: "PromotionReport" })

/** A report on the wire. It is JSON already, in the order of the contract. */
export type PromotionReportAnswer = JsonObject

/** A report in wire form. */
export function presentReport(report: PromotionReport): JsonObject {
  return report as unknown as JsonObject
}

const workflowId = { workflow_id: { noun: "workflow", missing: "WORKFLOW_NOT_FOUND" } } as const

/** The body of promotion: `null` counts as absent (documented fields; ours: null). */
export const promoteBody = z.strictObject({
  name: nameText.nullish().describe("Name of the assistant; the workflow's where absent"),
  description: descriptionText.nullish().describe("Description; the workflow's where absent"),
  primary_node_id: z
    .string()
    .nullish()
    .describe("Node to use for settings; required if the workflow has several FreddyLLM nodes"),
})

/** What promotion answers (documented). */
export const promoteAnswer = z
  .object({ assistant_id: z.string(), workflow_id: z.string(), message: z.string() })
  .meta({ id: "PromoteToAssistantResponse" })

/** `POST /v1/workflows/{workflow_id}/promote-to-assistant` (documented; `dry_run` is ours). */
export const promoteWorkflowRoute = route({
  id: "promoteWorkflowToAssistant",
  method: "POST",
  path: "/v1/workflows/{workflow_id}/promote-to-assistant",
  summary: "Promote a workflow to an assistant",
  description:
    "Makes one assistant of the workflow: exactly one, however many calls come at once. With `dry_run` nothing is " +
    "stored, and the answer says what would be taken over, how a chat message enters, what comes out, and what could " +
    "not be inferred.",
  tag: "Workflows",
  scopes: ["workflows:write", "assistants:write"],
  scopesWithQuery: { field: "dry_run", scopes: ["workflows:read"] },
  params: workflowId,
  query: z.object({ dry_run: z.enum(["true", "1"]).optional() }),
  unknownQuery: "ignore",
  body: promoteBody,
  answers: {
    200: { description: "The report of a dry run", schema: promotionReportAnswer },
    201: { description: "The assistant was made; Location names it", schema: promoteAnswer },
  },
  errors: [
    "WORKFLOW_NOT_FOUND",
    "WORKFLOW_ALREADY_PROMOTED",
    "WORKFLOW_INACTIVE",
    "FREDDY_LLM_NODE_REQUIRED",
    "PRIMARY_NODE_REQUIRED",
    "PRIMARY_NODE_NOT_FOUND",
    "PRIMARY_NODE_INVALID_TYPE",
    "ASSISTANT_NAME_CONFLICT",
  ],
  idempotency: "transaction",
})

/** `GET /v1/assistants/{assistant_id}/promotion` (ours). */
export const getPromotionRoute = route({
  id: "getAssistantPromotion",
  method: "GET",
  path: "/v1/assistants/{assistant_id}/promotion",
  summary: "Read what promotion found about the version that new threads of an assistant get",
  tag: "Assistants",
  scopes: ["assistants:read"],
  params: { assistant_id: { noun: "assistant", missing: "ASSISTANT_NOT_FOUND" } },
  query: z.object({}),
  unknownQuery: "refuse",
  body: null,
  answers: { 200: { description: "The report", schema: promotionReportAnswer } },
  errors: ["ASSISTANT_NOT_FOUND", "RESOURCE_NOT_FOUND"],
  idempotency: "none",
})

/** `POST /v1/workflows/validate` (ours): checks a definition that is not stored. */
export const validateDefinitionRoute = route({
  id: "validateDefinition",
  method: "POST",
  path: "/v1/workflows/validate",
  summary: "Validate a definition",
  tag: "Workflows",
  scopes: ["workflows:read"],
  params: {},
  query: z.object({}),
  unknownQuery: "refuse",
  body: z.strictObject({ definition: jsonObject }),
  answers: { 200: { description: "Findings and the verdict on promotion", schema: promotionReportAnswer } },
  errors: [],
  idempotency: "after",
})

/** `POST /v1/workflows/{workflow_id}/validate` (ours): checks the newest version again. */
export const validateWorkflowRoute = route({
  id: "validateWorkflow",
  method: "POST",
  path: "/v1/workflows/{workflow_id}/validate",
  summary: "Validate a workflow",
  tag: "Workflows",
  scopes: ["workflows:read"],
  params: workflowId,
  query: z.object({}),
  unknownQuery: "refuse",
  body: z.strictObject({}),
  answers: { 200: { description: "Findings and the verdict on promotion", schema: promotionReportAnswer } },
  errors: ["WORKFLOW_NOT_FOUND"],
  idempotency: "after",
})
