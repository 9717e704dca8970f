/** The store of Postgres: every noun's table over the pool, and the same over one transaction. */
import type { Store, Tables } from "../../../ports/store.ts"
import { makeAssistantTable } from "./assistants.ts"
import { makeAuditTable } from "./audit.ts"
import { makeBinaryTable } from "./binaries.ts"
import { makeChatMemoryTable } from "./chat-memories.ts"
import { makeCredentialTable } from "./credentials.ts"
import { makeErrorNoticeTable } from "./error-notices.ts"
import { makeHistoryTable } from "./history.ts"
import { makeIdempotencyTable } from "./idempotency.ts"
import { makeKeyTable } from "./keys.ts"
import { makeMessageTable } from "./messages.ts"
import { makeOrganizationTable } from "./organizations.ts"
import { makePauseTable } from "./pauses.ts"
import { makeProviderTable } from "./providers.ts"
import { makeRunTable } from "./runs.ts"
import { makeSecretKeyTable } from "./secret-keys.ts"
import { inSavepoint, type Sql, type SqlPool } from "./sql.ts"
import { makeThreadTable } from "./threads.ts"
import { makeTriggerTable } from "./triggers.ts"
import { makeTurnTable } from "./turns.ts"
import { makeWorkflowTable } from "./workflows.ts"

function makeTables(sql: Sql): Omit<Tables, "binaries"> {
  return {
    organizations: makeOrganizationTable(sql),
    keys: makeKeyTable(sql),
    workflows: makeWorkflowTable(sql),
    triggers: makeTriggerTable(sql),
    assistants: makeAssistantTable(sql),
    audit: makeAuditTable(sql),
    threads: makeThreadTable(sql),
    messages: makeMessageTable(sql),
    runs: makeRunTable(sql),
    pauses: makePauseTable(sql),
    turns: makeTurnTable(sql),
    errorNotices: makeErrorNoticeTable(sql),
    history: makeHistoryTable(sql),
    idempotency: makeIdempotencyTable(sql),
    providers: makeProviderTable(sql),
    credentials: makeCredentialTable(sql),
    secretKeys: makeSecretKeyTable(sql),
    memories: makeChatMemoryTable(sql),
  }
}

/** The store over a pool. */
export function makeStore(pool: SqlPool): Store {
  return {
    ...makeTables(pool),
    binaries: makeBinaryTable(pool, (steps) => pool.transaction(steps)),
    transaction: (steps) =>
      pool.transaction((sql) => {
        const store: Store = {
          ...makeTables(sql),
          binaries: makeBinaryTable(sql, (steps) => inSavepoint(sql, () => steps(sql))),
          transaction: (inner) => inSavepoint(sql, () => inner(store)),
        }
        return steps(store)
      }),
  }
}
