/**
 * Which pauses of a claimed run were left. An answer, the time and the run's end race for a pause; one conditional update
 * of its row decides, and what was decided is read here as often as the run is claimed, until its log says so.
 *
 *     open ──┬── answered by a door, before its time has passed ─> answered
 *            ├── its time has passed when the run is claimed ────> expired
 *            └── the run ended ─────────────────────────────────> cancelled
 *
 * The clock is the database's: the same that says when a run is due, so that a run which is claimed for its time finds that
 * this has passed.
 */
import { type Id, idFrom, uuidOf } from "@brevet/core/ids"
import type { JsonValue } from "@brevet/core/json"
import type { SettledPause } from "../../ports/owner.ts"
import type { Sql } from "../store/postgres/sql.ts"

type SettledRow = {
  readonly id: string
  readonly status: SettledPause["status"]
  readonly answer: string | null
  readonly answered_by: string | null
  readonly answered_at: number
  readonly response_id: string | null
  readonly reply_message_id: string | null
}

/** See `Owner.settle`. */
export async function settlePauses(
  sql: Sql,
  runId: Id<"run">,
  responseId: Id<"response">,
): Promise<readonly SettledPause[]> {
  const rows = await sql.rows<SettledRow>({
    text: `WITH passed AS (
             UPDATE pauses SET status = 'expired', answered_at = GREATEST(now(), expires_at),
               response_id = CASE WHEN thread_id IS NOT NULL THEN $2::uuid END
             WHERE run_id = $1 AND status = 'open' AND expires_at <= now()
             RETURNING id, status, answer, answered_by, answered_at, response_id, reply_message_id),
           opened AS (
             INSERT INTO responses (id, organization_id, run_id, first_seq)
             SELECT $2, organization_id, id, seq + 1 FROM runs
             WHERE id = $1 AND EXISTS (SELECT FROM passed WHERE response_id IS NOT NULL))
           SELECT * FROM passed UNION ALL
           SELECT id, status, answer, answered_by, answered_at, response_id, reply_message_id FROM pauses
           WHERE run_id = $1 AND status IN ('answered', 'expired')
           ORDER BY answered_at, id`,
    values: [uuidOf(runId), uuidOf(responseId)],
  })
  return rows.map((row) => ({
    pauseId: idFrom("pause", row.id),
    status: row.status,
    answer: row.answer === null ? null : (JSON.parse(row.answer) as JsonValue),
    by: row.answered_by ?? "",
    atMs: row.answered_at,
    responseId: row.response_id === null ? null : idFrom("response", row.response_id),
    messageId: row.reply_message_id === null ? null : idFrom("message", row.reply_message_id),
  }))
}
