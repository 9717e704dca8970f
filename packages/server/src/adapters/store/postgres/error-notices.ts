/** Notices of failures that start other runs: one statement per function. */
import { idFrom, uuidOf } from "@brevet/core/ids"
import type { ErrorNotice, ErrorNoticeTable } from "../../../ports/error-notice-table.ts"
import type { Sql } from "./sql.ts"

type Row = { run_id: string; organization_id: string; error_run_id: string | null }

function toNotice(row: Row): ErrorNotice {
  return {
    runId: idFrom("run", row.run_id),
    organizationId: idFrom("organization", row.organization_id),
    errorRunId: row.error_run_id === null ? null : idFrom("run", row.error_run_id),
  }
}

/** The notices' table over a pool or transaction. */
export function makeErrorNoticeTable(sql: Sql): ErrorNoticeTable {
  return {
    async add({ runId, organizationId }, { atMs }) {
      await sql.rows({
        name: "error-notice-add",
        text: `INSERT INTO error_notices (run_id, organization_id, noted_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
        values: [uuidOf(runId), uuidOf(organizationId), new Date(atMs)],
      })
    },
    async claim(notice, { errorRunId, atMs }) {
      const row = await sql.first({
        name: "error-notice-claim",
        text: `UPDATE error_notices SET error_run_id = $2, noted_at = $3
               WHERE run_id = $1 AND error_run_id IS NOT DISTINCT FROM $4::uuid RETURNING 1`,
        values: [
          uuidOf(notice.runId),
          uuidOf(errorRunId),
          new Date(atMs),
          notice.errorRunId === null ? null : uuidOf(notice.errorRunId),
        ],
      })
      return row !== null
    },
    async remove(runId) {
      await sql.rows({
        name: "error-notice-remove",
        text: "DELETE FROM error_notices WHERE run_id = $1",
        values: [uuidOf(runId)],
      })
    },
    async listStale({ beforeMs, limit }) {
      const rows = await sql.rows<Row>({
        name: "error-notice-stale",
        text: `SELECT run_id, organization_id, error_run_id FROM error_notices WHERE noted_at < $1
               ORDER BY noted_at LIMIT $2`,
        values: [new Date(beforeMs), limit],
      })
      return rows.map(toNotice)
    },
  }
}
