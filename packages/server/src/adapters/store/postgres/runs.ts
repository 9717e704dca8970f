/** Runs as services read and mark them: one statement per function. */
import { idFrom, uuidOf } from "@brevet/core/ids"
import type { RunTable } from "../../../ports/run-table.ts"
import type { Sql } from "./sql.ts"

/** The runs' table over a pool or transaction. */
export function makeRunTable(sql: Sql): RunTable {
  return {
    async markCancelled(filter, cause) {
      const [column, id] =
        filter.workflowId !== undefined
          ? ["workflow_id", filter.workflowId]
          : filter.assistantId !== undefined
            ? ["assistant_id", filter.assistantId]
            : ["thread_id", filter.threadId]
      if (id === undefined) return []
      const rows = await sql.rows<{ id: string }>({
        text: `UPDATE runs SET cancel_mark = $2 WHERE ${column} = $1 AND status IN ('queued', 'running', 'waiting') RETURNING id`,
        values: [uuidOf(id), cause],
      })
      return rows.map((row) => idFrom("run", row.id))
    },
  }
}
