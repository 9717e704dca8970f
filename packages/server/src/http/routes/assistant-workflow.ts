/** The calls of an assistant's link to a workflow: parsed input to service, record to wire. */
import {
  attachAssistantWorkflowRoute,
  convertAssistantRoute,
  detachAssistantWorkflowRoute,
  getAssistantWorkflowRoute,
  updateAssistantWorkflowRoute,
} from "@brevet/core/contract/assistant-routes"
import { presentWorkflow } from "@brevet/core/contract/workflows"
import type { WorkflowRecord } from "../../ports/workflow-table.ts"
import {
  attachWorkflow,
  convertToWorkflow,
  detachWorkflow,
  getAssistantWorkflow,
  updateAssistantWorkflow,
} from "../../services/assistant-workflow.ts"
import { bind } from "../route.ts"

const answer = (workflow: WorkflowRecord) => ({
  status: 200,
  body: presentWorkflow(workflow),
  headers: { etag: `"${workflow.revision}"` },
})

/** Convert, read, change, detach and attach. */
export const assistantWorkflowRoutes = [
  bind(convertAssistantRoute, async (cx, { params, body }) => {
    const { workflow_name: workflowName, description } = body
    const workflow = await convertToWorkflow(cx, params.assistant_id, { workflowName, description })
    return {
      status: 201,
      body: { assistant_id: params.assistant_id, workflow_id: workflow.id, workflow: presentWorkflow(workflow) },
      headers: { location: `/v1/workflows/${workflow.id}` },
    }
  }),
  bind(getAssistantWorkflowRoute, async (cx, { params }) =>
    answer(await getAssistantWorkflow(cx, params.assistant_id)),
  ),
  bind(updateAssistantWorkflowRoute, async (cx, { params, body, ifRevision }) => {
    const { name, definition, description, external_id: externalId, is_active: isActive } = body
    const change = { name, definition, description, externalId, isActive }
    return answer(await updateAssistantWorkflow(cx, { assistantId: params.assistant_id, ifRevision }, change))
  }),
  bind(detachAssistantWorkflowRoute, async (cx, { params, ifRevision }) => {
    const workflowId = await detachWorkflow(cx, { assistantId: params.assistant_id, ifRevision })
    const message = "Workflow detached from assistant"
    return { status: 200, body: { assistant_id: params.assistant_id, workflow_id: workflowId, message } }
  }),
  bind(attachAssistantWorkflowRoute, async (cx, { params, body }) => {
    const request = { workflowId: body.workflow_id, primaryNodeId: body.primary_node_id }
    const workflowId = await attachWorkflow(cx, params.assistant_id, request)
    const message = "Workflow attached to assistant"
    return { status: 200, body: { assistant_id: params.assistant_id, workflow_id: workflowId, message } }
  }),
]
