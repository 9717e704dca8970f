/** Assistants: one statement per function (an update is enclosed in a savepoint, since a unique index may refuse it). */

import { nameKeyOf } from "@brevet/core/contract/name-key"
import { idFrom, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import pg from "pg"
import type {
  AccessMode,
  AssistantFields,
  AssistantFilter,
  AssistantRecord,
  AssistantTable,
  NewAssistant,
} from "../../../ports/assistant-table.ts"
import type { Sql } from "./sql.ts"

type Row = {
  id: string
  organization_id: string
  name: string
  description: string | null
  settings: string
  access_mode: AccessMode
  is_active: boolean
  api_enabled: boolean
  workflow_id: string | null
  pinned_version: number | null
  primary_node: string | null
  created_by: string | null
  revision: number
  created_at: number
  updated_at: number
  deleted_at: number | null
}

function toRecord(row: Row): AssistantRecord {
  return {
    id: idFrom("assistant", row.id),
    organizationId: idFrom("organization", row.organization_id),
    name: row.name,
    description: row.description,
    settings: JSON.parse(row.settings) as JsonObject,
    accessMode: row.access_mode,
    isActive: row.is_active,
    apiEnabled: row.api_enabled,
    workflowId: row.workflow_id === null ? null : idFrom("workflow", row.workflow_id),
    pinnedVersion: row.pinned_version,
    // JSON text, as in versions: ids of nodes may hold what Postgres cannot keep as text (NUL, lone surrogates).
    primaryNode: row.primary_node === null ? null : (JSON.parse(row.primary_node) as string),
    createdBy: row.created_by === null ? null : idFrom("user", row.created_by),
    revision: row.revision,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    deletedAtMs: row.deleted_at,
  }
}

const toRecordOrNull = (row: Row | null): AssistantRecord | null => (row === null ? null : toRecord(row))

/** Column and value of each field that a change gives. */
function assignments(fields: Partial<AssistantFields>): [column: string, value: unknown][] {
  const pairs: [string, unknown][] = []
  if (fields.name !== undefined) pairs.push(["name", fields.name], ["name_key", nameKeyOf(fields.name)])
  if (fields.description !== undefined) pairs.push(["description", fields.description])
  if (fields.settings !== undefined) pairs.push(["settings", JSON.stringify(fields.settings)])
  if (fields.accessMode !== undefined) pairs.push(["access_mode", fields.accessMode])
  if (fields.isActive !== undefined) pairs.push(["is_active", fields.isActive])
  if (fields.apiEnabled !== undefined) pairs.push(["api_enabled", fields.apiEnabled])
  if (fields.workflowId !== undefined)
    pairs.push(["workflow_id", fields.workflowId === null ? null : uuidOf(fields.workflowId)])
  if (fields.pinnedVersion !== undefined) pairs.push(["pinned_version", fields.pinnedVersion])
  if (fields.primaryNode !== undefined)
    pairs.push(["primary_node", fields.primaryNode === null ? null : JSON.stringify(fields.primaryNode)])
  return pairs
}

async function create(sql: Sql, assistant: NewAssistant): Promise<AssistantRecord | null> {
  const at = new Date(assistant.createdAtMs)
  const pairs: [string, unknown][] = [
    ["id", uuidOf(assistant.id)],
    ["organization_id", uuidOf(assistant.organizationId)],
    ["created_by", assistant.createdBy === null ? null : uuidOf(assistant.createdBy)],
    ["created_at", at],
    ["updated_at", at],
    ...assignments(assistant),
  ]
  const columns = pairs.map(([column]) => column).join(", ")
  const places = pairs.map((_, index) => `$${index + 1}`).join(", ")
  const row = await sql.first<Row>({
    text: `INSERT INTO assistants (${columns}) VALUES (${places}) ON CONFLICT DO NOTHING RETURNING *`,
    values: pairs.map(([, value]) => value),
  })
  return toRecordOrNull(row)
}

/** The SQLSTATE of a row that a unique index refuses. */
const uniqueViolation = "23505"

async function update(sql: Sql, id: string, pairs: readonly [string, unknown][]): Promise<AssistantRecord | null> {
  const sets = pairs.map(([column], index) => `${column} = $${index + 2}`)
  const text = `UPDATE assistants SET ${[...sets, "revision = revision + 1"].join(", ")}
                WHERE id = $1 AND deleted_at IS NULL RETURNING *`
  await sql.rows({ text: "SAVEPOINT assistant_update" })
  try {
    const row = await sql.first<Row>({ text, values: [uuidOf(id), ...pairs.map(([, value]) => value)] })
    await sql.rows({ text: "RELEASE SAVEPOINT assistant_update" })
    return toRecordOrNull(row)
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === uniqueViolation)) throw error
    await sql.rows({ text: "ROLLBACK TO SAVEPOINT assistant_update" })
    return null
  }
}

/** `search` is taken literally: the wildcards of LIKE are escaped. */
const patternOf = (search: string): string => `%${search.replace(/[\\%_]/g, "\\$&")}%`

/** Names are compared by their key, since what ILIKE knows of case depends on the database's locale. */
const conditions = `organization_id = $1 AND deleted_at IS NULL
  AND ($2::text IS NULL OR name_key LIKE $2 OR description ILIKE $3)
  AND ($4::text IS NULL OR access_mode = $4) AND ($5 OR is_active)`

const sortColumns = { name: "name_key", created_at: "created_at", updated_at: "updated_at" } as const

async function list(sql: Sql, filter: AssistantFilter): Promise<{ records: AssistantRecord[]; total: number }> {
  const values = [
    uuidOf(filter.organizationId),
    filter.search === undefined ? null : patternOf(nameKeyOf(filter.search)),
    filter.search === undefined ? null : patternOf(filter.search),
    filter.accessMode ?? null,
    filter.includeInactive,
  ]
  const direction = filter.sortOrder === "asc" ? "ASC" : "DESC"
  const rows = await sql.rows<Row>({
    text: `SELECT * FROM assistants WHERE ${conditions}
           ORDER BY ${sortColumns[filter.sortBy]} ${direction}, id ${direction} LIMIT $6 OFFSET $7`,
    values: [...values, filter.limit, filter.offset],
  })
  const counted = await sql.first<{ total: number }>({
    name: "assistant-count",
    text: `SELECT count(*) AS total FROM assistants WHERE ${conditions}`,
    values,
  })
  return { records: rows.map(toRecord), total: counted?.total ?? 0 }
}

const findText = "SELECT * FROM assistants WHERE organization_id = $1 AND id = $2"

/** The functions that look one assistant up. */
function finders(
  sql: Sql,
): Pick<AssistantTable, "find" | "findForUpdate" | "findEvenDeleted" | "findByWorkflow" | "findByName"> {
  const one = async (name: string, text: string, values: readonly unknown[]) =>
    toRecordOrNull(await sql.first<Row>({ name, text, values }))
  return {
    find: (organizationId, id) =>
      one("assistant-find", `${findText} AND deleted_at IS NULL`, [uuidOf(organizationId), uuidOf(id)]),
    findForUpdate: (organizationId, id) =>
      one("assistant-hold", `${findText} AND deleted_at IS NULL FOR UPDATE`, [uuidOf(organizationId), uuidOf(id)]),
    findEvenDeleted: (organizationId, id) => one("assistant-find-any", findText, [uuidOf(organizationId), uuidOf(id)]),
    findByWorkflow: (organizationId, workflowId) =>
      one(
        "assistant-by-workflow",
        "SELECT * FROM assistants WHERE organization_id = $1 AND workflow_id = $2 AND deleted_at IS NULL",
        [uuidOf(organizationId), uuidOf(workflowId)],
      ),
    findByName: (organizationId, name) =>
      one(
        "assistant-by-name",
        "SELECT * FROM assistants WHERE organization_id = $1 AND name_key = $2 AND deleted_at IS NULL",
        [uuidOf(organizationId), nameKeyOf(name)],
      ),
  }
}

/** The assistants' table over a pool or transaction. */
export function makeAssistantTable(sql: Sql): AssistantTable {
  return {
    ...finders(sql),
    create: (assistant) => create(sql, assistant),
    list: (filter) => list(sql, filter),
    update: (id, fields, { atMs }) => update(sql, id, [...assignments(fields), ["updated_at", new Date(atMs)]]),
    async findIdsByWorkflows(organizationId, workflowIds) {
      const rows = await sql.rows<{ id: string; workflow_id: string }>({
        name: "assistant-ids-by-workflows",
        text: `SELECT id, workflow_id FROM assistants
               WHERE organization_id = $1 AND workflow_id = ANY ($2::uuid[]) AND deleted_at IS NULL`,
        values: [uuidOf(organizationId), workflowIds.map(uuidOf)],
      })
      return new Map(rows.map((row) => [idFrom("workflow", row.workflow_id), idFrom("assistant", row.id)]))
    },
    async findTakenNames(organizationId, names) {
      const rows = await sql.rows<{ name_key: string }>({
        name: "assistant-taken-names",
        text: `SELECT name_key FROM assistants
               WHERE organization_id = $1 AND name_key = ANY ($2::text[]) AND deleted_at IS NULL`,
        values: [uuidOf(organizationId), names.map(nameKeyOf)],
      })
      const taken = new Set(rows.map((row) => row.name_key))
      return names.filter((name) => taken.has(nameKeyOf(name)))
    },
    async softDelete(id, { atMs }) {
      const row = await sql.first({
        name: "assistant-delete",
        text: `UPDATE assistants SET deleted_at = $2, updated_at = $2, revision = revision + 1, workflow_id = NULL,
                 pinned_version = NULL, primary_node = NULL
               WHERE id = $1 AND deleted_at IS NULL RETURNING id`,
        values: [uuidOf(id), new Date(atMs)],
      })
      return row !== null
    },
    async unlinkWorkflow(workflowId, { atMs }) {
      const row = await sql.first<{ id: string }>({
        name: "assistant-unlink",
        text: `UPDATE assistants SET workflow_id = NULL, pinned_version = NULL, primary_node = NULL, updated_at = $2,
                 revision = revision + 1
               WHERE workflow_id = $1 AND deleted_at IS NULL RETURNING id`,
        values: [uuidOf(workflowId), new Date(atMs)],
      })
      return row === null ? null : idFrom("assistant", row.id)
    },
  }
}
