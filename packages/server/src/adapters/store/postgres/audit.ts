/** Audit rows: one statement per function. */
import { type Id, type IdNoun, idFrom, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { AuditChange, AuditFilter, AuditRecord, AuditTable } from "../../../ports/audit-table.ts"
import type { Sql } from "./sql.ts"

type Row = {
  id: string
  organization_id: string
  resource_type: IdNoun
  resource_id: string
  resource_name: string
  action: string
  user_id: string | null
  user_name: string
  user_email: string
  changes: string
  metadata: string
  created_at: number
}

function toRecord(row: Row): AuditRecord {
  return {
    id: idFrom("auditLog", row.id),
    organizationId: idFrom("organization", row.organization_id),
    resourceType: row.resource_type,
    resourceId: idFrom(row.resource_type, row.resource_id),
    resourceName: row.resource_name,
    action: row.action,
    userId: row.user_id === null ? null : idFrom("user", row.user_id),
    userName: row.user_name,
    userEmail: row.user_email,
    changes: JSON.parse(row.changes) as readonly AuditChange[],
    metadata: JSON.parse(row.metadata) as JsonObject,
    createdAtMs: row.created_at,
  }
}

/** An absent condition is a null parameter, so that one prepared statement serves every filter. */
const conditions = `organization_id = $1 AND resource_id = $2
  AND ($3::text IS NULL OR action = $3) AND ($4::uuid IS NULL OR user_id = $4)
  AND ($5::timestamptz IS NULL OR created_at >= $5) AND ($6::timestamptz IS NULL OR created_at <= $6)`

function conditionValues(filter: AuditFilter): unknown[] {
  const userId: Id<"user"> | undefined = filter.userId
  return [
    uuidOf(filter.organizationId),
    uuidOf(filter.resourceId),
    filter.action ?? null,
    userId === undefined ? null : uuidOf(userId),
    filter.fromMs === undefined ? null : new Date(filter.fromMs),
    filter.toMs === undefined ? null : new Date(filter.toMs),
  ]
}

/** The audit rows' table over a pool or transaction. */
export function makeAuditTable(sql: Sql): AuditTable {
  return {
    async append(record) {
      await sql.rows({
        name: "audit-append",
        text: `INSERT INTO audit_logs (id, organization_id, resource_type, resource_id, resource_name, action, user_id,
                 user_name, user_email, changes, metadata, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
        values: [
          uuidOf(record.id),
          uuidOf(record.organizationId),
          record.resourceType,
          uuidOf(record.resourceId),
          record.resourceName,
          record.action,
          record.userId === null ? null : uuidOf(record.userId),
          record.userName,
          record.userEmail,
          JSON.stringify(record.changes),
          JSON.stringify(record.metadata),
          new Date(record.createdAtMs),
        ],
      })
    },
    async list(filter) {
      const values = conditionValues(filter)
      const rows = await sql.rows<Row>({
        name: "audit-list",
        text: `SELECT * FROM audit_logs WHERE ${conditions} ORDER BY created_at DESC, id DESC LIMIT $7 OFFSET $8`,
        values: [...values, filter.limit, filter.offset],
      })
      const counted = await sql.first<{ total: number }>({
        name: "audit-count",
        text: `SELECT count(*) AS total FROM audit_logs WHERE ${conditions}`,
        values,
      })
      return { records: rows.map(toRecord), total: counted?.total ?? 0 }
    },
  }
}
