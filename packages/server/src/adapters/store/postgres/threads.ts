/** Threads and messages: one statement per function. */
import type { ThreadTable } from "../../../ports/thread-table.ts"
import type { Sql } from "./sql.ts"

/** The threads' table over a pool or transaction. */
export function makeThreadTable(_sql: Sql): ThreadTable {
  return {}
}
