/** The calls of promotion and validation: parsed input to service, report to wire. */
import {
  getPromotionRoute,
  presentReport,
  promoteWorkflowRoute,
  validateDefinitionRoute,
  validateWorkflowRoute,
} from "@brevet/core/contract/promotion"
import { dryRunPromotion, getPromotion, promoteWorkflow } from "../../services/promotion.ts"
import { validateDefinition, validateWorkflow } from "../../services/workflows.ts"
import { bind } from "../route.ts"

/** The documented message of a promotion. */
const promotedMessage = "Operation completed successfully"

/** Promotion, its dry run and report, and validation, which gives the same report. */
export const promotionRoutes = [
  bind(promoteWorkflowRoute, async (cx, { params, query, body }) => {
    const { name, description, primary_node_id: primaryNodeId } = body
    const request = { workflowId: params.workflow_id, name, description, primaryNodeId }
    if (query.dry_run !== undefined) {
      return { status: 200, body: presentReport(await dryRunPromotion(cx, request)) }
    }
    const assistant = await promoteWorkflow(cx, request)
    return {
      status: 201,
      body: { assistant_id: assistant.id, workflow_id: params.workflow_id, message: promotedMessage },
      headers: { location: `/v1/assistants/${assistant.id}` },
    }
  }),
  bind(getPromotionRoute, async (cx, { params }) => ({
    status: 200,
    body: presentReport(await getPromotion(cx, params.assistant_id)),
  })),
  bind(validateDefinitionRoute, async (cx, { body }) => ({
    status: 200,
    body: presentReport(await validateDefinition(cx, body.definition)),
  })),
  bind(validateWorkflowRoute, async (cx, { params }) => ({
    status: 200,
    body: presentReport(await validateWorkflow(cx, params.workflow_id)),
  })),
]
