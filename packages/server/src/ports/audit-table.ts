/** Stored audit rows: who changed which resource, when, and from what to what. Rows are never altered. */
import type { Id, IdNoun } from "@brevet/core/ids"
import type { JsonObject, JsonValue } from "@brevet/core/json"

/** One changed field, by its name on the wire. Null stands for "not set". */
export type AuditChange = { readonly field: string; readonly oldValue: JsonValue; readonly newValue: JsonValue }

/** One audit row. `resourceId` is the resource's id with its prefix; `resourceName` its name at that time. */
export type AuditRecord = {
  readonly id: Id<"auditLog">
  readonly organizationId: Id<"organization">
  readonly resourceType: IdNoun
  readonly resourceId: string
  readonly resourceName: string
  /** One verb in the past tense: `created`, `updated`, `deleted`, `workflow_attached`, … */
  readonly action: string
  readonly userId: Id<"user"> | null
  readonly userName: string
  readonly userEmail: string
  readonly changes: readonly AuditChange[]
  readonly metadata: JsonObject
  readonly createdAtMs: number
}

/** Which rows of one resource are listed, newest first. Times are inclusive. */
export type AuditFilter = {
  readonly organizationId: Id<"organization">
  readonly resourceId: string
  readonly action?: string
  readonly userId?: Id<"user">
  readonly fromMs?: number
  readonly toMs?: number
  readonly limit: number
  readonly offset: number
}

/** The functions of the audit rows' table. */
export interface AuditTable {
  append(record: AuditRecord): Promise<void>
  list(filter: AuditFilter): Promise<{ readonly records: readonly AuditRecord[]; readonly total: number }>
}
