/** The history of an assistant: its audit rows. */
import type { Id } from "@brevet/core/ids"
import type { AuditFilter, AuditRecord } from "../ports/audit-table.ts"
import type { Context } from "../ports/context.ts"
import { getAssistantRecord } from "./assistants.ts"

/** What the history may be narrowed to, and the page. Times are inclusive. */
export type HistoryQuery = Omit<AuditFilter, "organizationId" | "resourceId">

/** A page of an assistant's audit rows, newest first. Throws ASSISTANT_NOT_FOUND. */
export async function listHistory(
  cx: Context,
  assistantId: Id<"assistant">,
  query: HistoryQuery,
): Promise<{ readonly records: readonly AuditRecord[]; readonly total: number }> {
  const assistant = await getAssistantRecord(cx, assistantId)
  return cx.store.audit.list({ ...query, organizationId: assistant.organizationId, resourceId: assistant.id })
}
