/** Audit rows on the wire (documented). Times are Unix seconds; names and ids are strings, never null. */
import type { JsonObject, JsonValue } from "../json.ts"
import { toUnixSeconds } from "../time.ts"

/** All that is needed to show an audit row. */
export type AuditView = {
  readonly id: string
  readonly resourceType: string
  readonly resourceId: string
  readonly resourceName: string
  readonly action: string
  readonly userId: string | null
  readonly userName: string
  readonly userEmail: string
  readonly changes: readonly { readonly field: string; readonly oldValue: JsonValue; readonly newValue: JsonValue }[]
  readonly metadata: JsonObject
  readonly createdAtMs: number
}

/** An audit row as documented. */
export function presentAuditRow(view: AuditView): JsonObject {
  return {
    id: view.id,
    timestamp: toUnixSeconds(view.createdAtMs),
    resource_type: view.resourceType,
    resource_id: view.resourceId,
    resource_name: view.resourceName,
    action: view.action,
    user_id: view.userId ?? "system",
    user_name: view.userName,
    user_email: view.userEmail,
    changes: view.changes.map(({ field, oldValue, newValue }) => ({ field, old_value: oldValue, new_value: newValue })),
    metadata: view.metadata,
  }
}
