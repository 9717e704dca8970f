/** Runs as services read and mark them: one statement per function (a list is counted by a second one). */
import type { Usage } from "@brevet/core/graph/events"
import type { RunResult } from "@brevet/core/graph/run-result"
import { idFrom, uuidOf } from "@brevet/core/ids"
import type { RunListFilter, RunRecord, RunTable } from "../../../ports/run-table.ts"
import type { RunFilter } from "../../../ports/runs.ts"
import { makeRunLog } from "./run-log.ts"
import type { Sql } from "./sql.ts"

type Row = {
  id: string
  organization_id: string
  workflow_id: string | null
  workflow_version: number | null
  assistant_id: string | null
  thread_id: string | null
  parent_run_id: string | null
  retry_of: string | null
  status: RunRecord["status"]
  mode: RunRecord["mode"]
  created_at: number
  started_at: number | null
  finished_at: number | null
  usage: string | null
  result: string | null
  response_ids: string[]
}

const columns = `id, organization_id, workflow_id, workflow_version, assistant_id, thread_id, parent_run_id, retry_of,
  status, mode, created_at, started_at, finished_at, usage, result,
  ARRAY(SELECT s.id FROM responses s WHERE s.run_id = runs.id ORDER BY s.first_seq) AS response_ids`

function toRecord(row: Row): RunRecord {
  return {
    id: idFrom("run", row.id),
    organizationId: idFrom("organization", row.organization_id),
    workflowId: row.workflow_id === null ? null : idFrom("workflow", row.workflow_id),
    workflowVersion: row.workflow_version,
    assistantId: row.assistant_id === null ? null : idFrom("assistant", row.assistant_id),
    threadId: row.thread_id === null ? null : idFrom("thread", row.thread_id),
    parentRunId: row.parent_run_id === null ? null : idFrom("run", row.parent_run_id),
    retryOf: row.retry_of === null ? null : idFrom("run", row.retry_of),
    status: row.status,
    mode: row.mode,
    createdAtMs: row.created_at,
    startedAtMs: row.started_at,
    finishedAtMs: row.finished_at,
    usage: row.usage === null ? null : (JSON.parse(row.usage) as Usage),
    result: row.result === null ? null : (JSON.parse(row.result) as RunResult),
    responseIds: row.response_ids.map((id) => idFrom("response", id)),
  }
}

async function list(sql: Sql, filter: RunListFilter): Promise<{ records: RunRecord[]; total: number }> {
  const pairs: [column: string, value: unknown][] = [["organization_id", uuidOf(filter.organizationId)]]
  if (filter.workflowId !== undefined) pairs.push(["workflow_id", uuidOf(filter.workflowId)])
  if (filter.assistantId !== undefined) pairs.push(["assistant_id", uuidOf(filter.assistantId)])
  if (filter.threadId !== undefined) pairs.push(["thread_id", uuidOf(filter.threadId)])
  if (filter.status !== undefined) pairs.push(["status", filter.status])
  const conditions = pairs.map(([column], index) => `${column} = $${index + 1}`).join(" AND ")
  const values = pairs.map(([, value]) => value)
  // Without a name, so that it is planned for the conditions at hand. Ids rise with time, and have an index.
  const rows = await sql.rows<Row>({
    text: `SELECT ${columns} FROM runs WHERE ${conditions}
           ORDER BY id DESC LIMIT $${values.length + 1} OFFSET $${values.length + 2}`,
    values: [...values, filter.limit, filter.offset],
  })
  const counted = await sql.first<{ total: number }>({
    text: `SELECT count(*) AS total FROM runs WHERE ${conditions}`,
    values,
  })
  return { records: rows.map(toRecord), total: counted?.total ?? 0 }
}

/** The column of a filter's one field, and the id there. */
function columnOf(filter: RunFilter): [column: string, id: string | undefined] {
  if (filter.runId !== undefined) return ["id", filter.runId]
  if (filter.workflowId !== undefined) return ["workflow_id", filter.workflowId]
  if (filter.assistantId !== undefined) return ["assistant_id", filter.assistantId]
  return ["thread_id", filter.threadId]
}

/** The smallest UUIDv7 of an instant. */
function firstUuidAt(ms: number): string {
  return Math.max(0, ms).toString(16).padStart(12, "0").padEnd(32, "0")
}

/** The runs' table over a pool or transaction. */
export function makeRunTable(sql: Sql): RunTable {
  const log = makeRunLog(sql)
  return {
    async find(organizationId, id) {
      const row = await sql.first<Row>({
        name: "run-find",
        text: `SELECT ${columns} FROM runs WHERE id = $1 AND organization_id = $2`,
        values: [uuidOf(id), uuidOf(organizationId)],
      })
      return row === null ? null : toRecord(row)
    },
    list: (filter) => list(sql, filter),
    readLog: (id, { after, appendsMax }) => log.read(id, after, appendsMax),
    async listExpired({ beforeMs, limit }) {
      // Ids rise with time: what was made later cannot have finished earlier. The events themselves say which runs have some.
      const rows = await sql.rows<{ id: string }>({
        text: `SELECT r.id FROM (SELECT DISTINCT run_id FROM events WHERE run_id < $2) e JOIN runs r ON r.id = e.run_id
               WHERE r.finished_at < $1 ORDER BY r.id LIMIT $3`,
        values: [new Date(beforeMs), firstUuidAt(beforeMs), limit],
      })
      return rows.map((row) => idFrom("run", row.id))
    },
    async removeLogs(ids) {
      await sql.rows({
        text: `DELETE FROM events WHERE run_id IN (SELECT id FROM runs WHERE id = ANY($1) AND finished_at IS NOT NULL)`,
        values: [ids.map(uuidOf)],
      })
    },
    async markCancelled(filter, cause) {
      const [column, id] = columnOf(filter)
      if (id === undefined) return []
      // The first cause stays: whoever ends the run may have acted on it already. A waiting run is due for its end, and
      // its pauses take no answer any more.
      const rows = await sql.rows<{ id: string }>({
        text: `WITH marked AS (
                 UPDATE runs SET cancel_mark = COALESCE(cancel_mark, $2),
                   due_at = CASE WHEN status = 'waiting' THEN now() ELSE due_at END
                 WHERE ${column} = $1 AND status IN ('queued', 'running', 'waiting') RETURNING id),
               closed AS (
                 UPDATE pauses SET status = 'cancelled', answered_at = now()
                 WHERE run_id = ANY(ARRAY(SELECT id FROM marked)) AND status = 'open')
               SELECT id FROM marked`,
        values: [uuidOf(id), cause],
      })
      return rows.map((row) => idFrom("run", row.id))
    },
  }
}
