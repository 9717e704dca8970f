/** The calls of workflows: parsed input to service, record to wire. */
import { importWorkflowRoute, presentImport } from "@brevet/core/contract/imports"
import {
  createWorkflowRoute,
  deleteWorkflowRoute,
  getWorkflowRoute,
  getWorkflowVersionRoute,
  listWorkflowsRoute,
  listWorkflowVersionsRoute,
  presentVersion,
  presentWorkflow,
  updateWorkflowRoute,
} from "@brevet/core/contract/workflows"
import { Refusal } from "@brevet/core/errors"
import type { WorkflowRecord } from "../../ports/workflow-table.ts"
import { importWorkflow } from "../../services/imports.ts"
import {
  createWorkflow,
  deleteWorkflow,
  getVersion,
  getWorkflow,
  listVersions,
  listWorkflows,
  updateWorkflow,
} from "../../services/workflows.ts"
import { bind } from "../route.ts"

/** The store's greatest integer: no version is beyond it. */
const versionMax = 2_147_483_647

const answer = (status: 200 | 201, workflow: WorkflowRecord) => ({
  status,
  body: presentWorkflow(workflow),
  headers: {
    etag: `"${workflow.revision}"`,
    ...(status === 201 ? { location: `/v1/workflows/${workflow.id}` } : {}),
  },
})

/** A version's number out of a path; what is no number names no version. */
function versionOf(text: string): number {
  const version = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
  if (version > versionMax) throw new Refusal("RESOURCE_NOT_FOUND", { message: "Version not found." })
  return version
}

/** Every call of the documented group "workflows" but for promotion and execution. */
export const workflowRoutes = [
  bind(createWorkflowRoute, async (cx, { body }) => {
    const { name, definition, description, external_id: externalId } = body
    return answer(201, await createWorkflow(cx, { name, definition, description, externalId }))
  }),
  bind(importWorkflowRoute, async (cx, { body }) => {
    const { document, format = null, name = null, description = null, external_id: externalId = null } = body
    const { workflow, report } = await importWorkflow(cx, { document, format, name, description, externalId })
    return { ...answer(201, workflow), body: presentImport(workflow, report) }
  }),
  bind(listWorkflowsRoute, async (cx, { query }) => {
    const { limit, offset, external_id: externalId, active_only: activeOnly = false } = query
    const { records, total } = await listWorkflows(cx, { limit, offset, externalId, activeOnly })
    return { status: 200, body: { workflows: records.map(presentWorkflow), total, limit, offset } }
  }),
  bind(getWorkflowRoute, async (cx, { params }) => answer(200, await getWorkflow(cx, params.workflow_id))),
  bind(updateWorkflowRoute, async (cx, { params, body, ifRevision }) => {
    const { name, definition, description, external_id: externalId, is_active: isActive } = body
    const change = { name, definition, description, externalId, isActive }
    return answer(200, await updateWorkflow(cx, { workflowId: params.workflow_id, ifRevision }, change))
  }),
  bind(deleteWorkflowRoute, async (cx, { params, ifRevision }) => {
    await deleteWorkflow(cx, { workflowId: params.workflow_id, ifRevision })
    return { status: 204, body: null }
  }),
  bind(listWorkflowVersionsRoute, async (cx, { params, query }) => {
    const { records, total } = await listVersions(cx, { workflowId: params.workflow_id, ...query })
    return { status: 200, body: { versions: records.map(presentVersion), total, ...query } }
  }),
  bind(getWorkflowVersionRoute, async (cx, { params }) => {
    const version = await getVersion(cx, { workflowId: params.workflow_id, version: versionOf(params.version) })
    return { status: 200, body: presentVersion(version) }
  }),
]
