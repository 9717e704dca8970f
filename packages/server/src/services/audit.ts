/** Audit rows of the caller's doings, and the history of one resource. */
import type { IdNoun } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { AuditChange, AuditRecord } from "../ports/audit-table.ts"
import type { Context } from "../ports/context.ts"

/** A row that says that the caller did something now. `action` is a verb in the past tense. */
export function makeAuditRow(
  cx: Context,
  resource: { readonly type: IdNoun; readonly id: string; readonly name: string },
  deed: { readonly action: string; readonly changes?: readonly AuditChange[]; readonly metadata?: JsonObject },
): AuditRecord {
  const { principal } = cx
  return {
    id: cx.ids.next("auditLog"),
    organizationId: principal.organizationId,
    resourceType: resource.type,
    resourceId: resource.id,
    resourceName: resource.name,
    action: deed.action,
    userId: principal.userId,
    userName: principal.userName,
    userEmail: principal.userEmail,
    changes: deed.changes ?? [],
    metadata: deed.metadata ?? {},
    createdAtMs: cx.clock.nowMs(),
  }
}
