/**
 * The store as services see it: one table of functions per noun, bound to the pool or to one transaction. Each noun's
 * interface stands in its own file of this folder and is implemented in `adapters/store/postgres/<noun>.ts`.
 */
import type { AssistantTable } from "./assistant-table.ts"
import type { AuditTable } from "./audit-table.ts"
import type { BinaryTable } from "./binary-table.ts"
import type { ChatMemoryTable } from "./chat-memory-table.ts"
import type { CredentialTable } from "./credential-table.ts"
import type { ErrorNoticeTable } from "./error-notice-table.ts"
import type { HistoryTable } from "./history.ts"
import type { IdempotencyTable } from "./idempotency-table.ts"
import type { KeyTable } from "./key-table.ts"
import type { MessageTable } from "./message-table.ts"
import type { OrganizationTable } from "./organization-table.ts"
import type { PauseTable } from "./pause-table.ts"
import type { ProviderTable } from "./provider-table.ts"
import type { RunTable } from "./run-table.ts"
import type { SecretKeyTable } from "./secret-key-table.ts"
import type { ThreadTable } from "./thread-table.ts"
import type { TriggerTable } from "./trigger-table.ts"
import type { TurnTable } from "./turn-table.ts"
import type { WorkflowTable } from "./workflow-table.ts"

/** Every noun's functions. */
export type Tables = {
  readonly organizations: OrganizationTable
  readonly keys: KeyTable
  readonly workflows: WorkflowTable
  readonly triggers: TriggerTable
  readonly assistants: AssistantTable
  readonly audit: AuditTable
  readonly binaries: BinaryTable
  readonly threads: ThreadTable
  readonly messages: MessageTable
  readonly runs: RunTable
  readonly pauses: PauseTable
  readonly turns: TurnTable
  readonly errorNotices: ErrorNoticeTable
  readonly history: HistoryTable
  readonly idempotency: IdempotencyTable
  readonly providers: ProviderTable
  readonly credentials: CredentialTable
  readonly secretKeys: SecretKeyTable
  readonly memories: ChatMemoryTable
}

/**
 * The tables, and transactions over them. A transaction inside a transaction joins it: what its steps throw undoes them
 * alone, and the outer one decides whether anything is kept.
 */
export type Store = Tables & {
  /** All steps or none. What the steps throw rolls back and is thrown on. */
  transaction<Result>(steps: (store: Store) => Promise<Result>): Promise<Result>
}
