/**
 * Workflows and their versions: one statement per function (an update is enclosed in a savepoint, since a unique index may
 * refuse it). Definitions, reports and names of nodes are JSON text: they may hold NUL and lone surrogates.
 */
import type { PromotionReport } from "@brevet/core/graph/report"
import { type Id, idFrom, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import pg from "pg"
import type {
  Verdict,
  WorkflowFields,
  WorkflowFilter,
  WorkflowRecord,
  WorkflowTable,
  WorkflowVersionRecord,
} from "../../../ports/workflow-table.ts"
import type { Sql } from "./sql.ts"

type Row = {
  id: string
  organization_id: string
  name: string
  description: string | null
  external_id: string | null
  definition: string
  version: number
  is_active: boolean
  triggers_armed: boolean
  promotable: boolean
  has_assistant: boolean
  findings_count: number
  assistant_id: string | null
  created_by: string | null
  revision: number
  created_at: number
  updated_at: number
}

type VerdictRow = {
  version: number
  promotable: boolean
  primary_node: string | null
  report: string
  has_assistant: boolean
  findings_count: number
}

type VersionRow = VerdictRow & {
  workflow_id: string
  definition: string
  created_by: string | null
  created_at: number
}

function toRecord(row: Row): WorkflowRecord {
  return {
    id: idFrom("workflow", row.id),
    organizationId: idFrom("organization", row.organization_id),
    name: row.name,
    description: row.description,
    externalId: row.external_id,
    definition: JSON.parse(row.definition) as JsonObject,
    version: row.version,
    isActive: row.is_active,
    triggersArmed: row.triggers_armed,
    promotable: row.promotable,
    hasAssistant: row.has_assistant,
    findingsCount: row.findings_count,
    assistantId: row.assistant_id === null ? null : idFrom("assistant", row.assistant_id),
    createdBy: row.created_by === null ? null : idFrom("user", row.created_by),
    revision: row.revision,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  }
}

function toVerdict(row: VerdictRow): { readonly version: number } & Verdict {
  return {
    version: row.version,
    promotable: row.promotable,
    primaryNode: row.primary_node === null ? null : (JSON.parse(row.primary_node) as string),
    report: JSON.parse(row.report) as PromotionReport,
    hasAssistant: row.has_assistant,
    findingsCount: row.findings_count,
  }
}

function toVersion(row: VersionRow): WorkflowVersionRecord {
  return {
    ...toVerdict(row),
    workflowId: idFrom("workflow", row.workflow_id),
    definition: JSON.parse(row.definition) as JsonObject,
    createdBy: row.created_by === null ? null : idFrom("user", row.created_by),
    createdAtMs: row.created_at,
  }
}

function verdictValues(verdict: Verdict): unknown[] {
  return [
    verdict.promotable,
    verdict.primaryNode === null ? null : JSON.stringify(verdict.primaryNode),
    JSON.stringify(verdict.report),
    verdict.hasAssistant,
    verdict.findingsCount,
  ]
}

const selectWorkflows = `SELECT w.id, w.organization_id, w.name, w.description, w.external_id, v.definition, w.version,
    w.is_active, w.triggers_armed, v.promotable, v.has_assistant, v.findings_count, a.id AS assistant_id, w.created_by,
    w.revision, w.created_at, w.updated_at
  FROM workflows w
  JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version
  LEFT JOIN assistants a ON a.workflow_id = w.id AND a.deleted_at IS NULL`

/** Column and value of each field that a change gives. */
function assignments(fields: Partial<WorkflowFields>): [column: string, value: unknown][] {
  const pairs: [string, unknown][] = []
  if (fields.name !== undefined) pairs.push(["name", fields.name])
  if (fields.description !== undefined) pairs.push(["description", fields.description])
  if (fields.externalId !== undefined) pairs.push(["external_id", fields.externalId])
  if (fields.version !== undefined) pairs.push(["version", fields.version])
  if (fields.isActive !== undefined) pairs.push(["is_active", fields.isActive])
  if (fields.triggersArmed !== undefined) pairs.push(["triggers_armed", fields.triggersArmed])
  return pairs
}

/** The SQLSTATE of a row that a unique index refuses. */
const uniqueViolation = "23505"

async function update(sql: Sql, id: string, pairs: readonly [string, unknown][]): Promise<boolean> {
  const sets = pairs.map(([column], index) => `${column} = $${index + 2}`)
  await sql.rows({ text: "SAVEPOINT workflow_update" })
  try {
    await sql.rows({
      text: `UPDATE workflows SET ${[...sets, "revision = revision + 1"].join(", ")} WHERE id = $1`,
      values: [uuidOf(id), ...pairs.map(([, value]) => value)],
    })
    await sql.rows({ text: "RELEASE SAVEPOINT workflow_update" })
    return true
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === uniqueViolation)) throw error
    await sql.rows({ text: "ROLLBACK TO SAVEPOINT workflow_update" })
    return false
  }
}

async function list(sql: Sql, filter: WorkflowFilter) {
  // An absent condition is a null parameter, so that one prepared statement serves every filter.
  const conditions = `w.organization_id = $1 AND w.deleted_at IS NULL
    AND ($2::text IS NULL OR w.external_id = $2) AND (NOT $3 OR w.is_active)`
  const values = [uuidOf(filter.organizationId), filter.externalId ?? null, filter.activeOnly]
  const rows = await sql.rows<Row>({
    name: "workflow-list",
    text: `${selectWorkflows} WHERE ${conditions} ORDER BY w.created_at DESC, w.id DESC LIMIT $4 OFFSET $5`,
    values: [...values, filter.limit, filter.offset],
  })
  const counted = await sql.first<{ total: number }>({
    name: "workflow-count",
    text: `SELECT count(*) AS total FROM workflows w WHERE ${conditions}`,
    values,
  })
  return { records: rows.map(toRecord), total: counted?.total ?? 0 }
}

type VersionFunctions = Pick<
  WorkflowTable,
  "addVersion" | "findVersion" | "findPromotable" | "listVersions" | "updateVerdict"
>

function versions(sql: Sql): VersionFunctions {
  return {
    async addVersion(version) {
      await sql.rows({
        name: "workflow-version-add",
        text: `INSERT INTO workflow_versions (workflow_id, version, definition, created_by, created_at, promotable,
                 primary_node, report, has_assistant, findings_count)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        values: [
          uuidOf(version.workflowId),
          version.version,
          JSON.stringify(version.definition),
          version.createdBy === null ? null : uuidOf(version.createdBy),
          new Date(version.createdAtMs),
          ...verdictValues(version),
        ],
      })
    },
    async findVersion(workflowId, version) {
      const row = await sql.first<VersionRow>({
        name: "workflow-version-find",
        text: "SELECT * FROM workflow_versions WHERE workflow_id = $1 AND version = $2",
        values: [uuidOf(workflowId), version],
      })
      return row === null ? null : toVersion(row)
    },
    async findPromotable(workflowId) {
      const row = await sql.first<VerdictRow>({
        name: "workflow-version-promotable",
        text: `SELECT version, promotable, primary_node, report, has_assistant, findings_count FROM workflow_versions
               WHERE workflow_id = $1 AND promotable ORDER BY version DESC LIMIT 1`,
        values: [uuidOf(workflowId)],
      })
      return row === null ? null : toVerdict(row)
    },
    async listVersions(workflowId, page) {
      const rows = await sql.rows<VersionRow>({
        name: "workflow-version-list",
        text: "SELECT * FROM workflow_versions WHERE workflow_id = $1 ORDER BY version DESC LIMIT $2 OFFSET $3",
        values: [uuidOf(workflowId), page.limit, page.offset],
      })
      const counted = await sql.first<{ total: number }>({
        name: "workflow-version-count",
        text: "SELECT count(*) AS total FROM workflow_versions WHERE workflow_id = $1",
        values: [uuidOf(workflowId)],
      })
      return { records: rows.map(toVersion), total: counted?.total ?? 0 }
    },
    async updateVerdict(workflowId, version, verdict) {
      await sql.rows({
        name: "workflow-version-verdict",
        text: `UPDATE workflow_versions SET promotable = $3, primary_node = $4, report = $5, has_assistant = $6,
                 findings_count = $7
               WHERE workflow_id = $1 AND version = $2`,
        values: [uuidOf(workflowId), version, ...verdictValues(verdict)],
      })
    },
  }
}

/** See `WorkflowTable.findIdByName`. */
async function findIdByName(
  sql: Sql,
  organizationId: Id<"organization">,
  name: string,
): Promise<Id<"workflow"> | null> {
  const rows = await sql.rows<{ id: string }>({
    name: "workflow-by-name",
    text: "SELECT id FROM workflows WHERE organization_id = $1 AND name = $2 AND deleted_at IS NULL LIMIT 2",
    values: [uuidOf(organizationId), name],
  })
  const [only] = rows
  return only === undefined || rows.length > 1 ? null : idFrom("workflow", only.id)
}

/** The workflows' tables over a pool or transaction. */
export function makeWorkflowTable(sql: Sql): WorkflowTable {
  return {
    ...versions(sql),
    async create(workflow) {
      const row = await sql.first({
        name: "workflow-create",
        text: `INSERT INTO workflows (id, organization_id, name, description, external_id, version, triggers_armed,
                 created_by, created_at, updated_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT DO NOTHING RETURNING id`,
        values: [
          uuidOf(workflow.id),
          uuidOf(workflow.organizationId),
          workflow.name,
          workflow.description,
          workflow.externalId,
          workflow.version,
          workflow.triggersArmed,
          workflow.createdBy === null ? null : uuidOf(workflow.createdBy),
          new Date(workflow.createdAtMs),
        ],
      })
      return row !== null
    },
    async find(organizationId, id) {
      const row = await sql.first<Row>({
        name: "workflow-find",
        text: `${selectWorkflows} WHERE w.id = $1 AND w.organization_id = $2 AND w.deleted_at IS NULL`,
        values: [uuidOf(id), uuidOf(organizationId)],
      })
      return row === null ? null : toRecord(row)
    },
    async hold(organizationId, id) {
      // Not one statement with `find`: a join that waited for the row's lock would see the other tables as they were
      // before it, and drop the row where its version has changed meanwhile.
      const row = await sql.first({
        name: "workflow-hold",
        text: "SELECT id FROM workflows WHERE id = $1 AND organization_id = $2 AND deleted_at IS NULL FOR UPDATE",
        values: [uuidOf(id), uuidOf(organizationId)],
      })
      return row !== null
    },
    async findIdByExternalId(organizationId, externalId) {
      const row = await sql.first<{ id: string }>({
        name: "workflow-by-external-id",
        text: "SELECT id FROM workflows WHERE organization_id = $1 AND external_id = $2 AND deleted_at IS NULL",
        values: [uuidOf(organizationId), externalId],
      })
      return row === null ? null : idFrom("workflow", row.id)
    },
    findIdByName: (organizationId, name) => findIdByName(sql, organizationId, name),
    list: (filter) => list(sql, filter),
    update: (id, fields, { atMs }) => update(sql, id, [...assignments(fields), ["updated_at", new Date(atMs)]]),
    async softDelete(id, { atMs }) {
      const row = await sql.first({
        name: "workflow-delete",
        text: `UPDATE workflows SET deleted_at = $2, updated_at = $2, revision = revision + 1
               WHERE id = $1 AND deleted_at IS NULL RETURNING id`,
        values: [uuidOf(id), new Date(atMs)],
      })
      return row !== null
    },
  }
}
