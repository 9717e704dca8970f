/** What turns read: one statement per function. */
import { type Id, idFrom, uuidOf } from "@brevet/core/ids"
import type { ResponseRecord, TurnBasis, TurnTable } from "../../../ports/turn-table.ts"
import type { Sql } from "./sql.ts"

type BasisRow = {
  readonly id: string
  readonly revision: number
  readonly turn: number
  readonly message_count: number
  readonly assistant_id: string | null
  readonly workflow_id: string | null
  readonly workflow_version: number | null
  readonly plain: boolean
  readonly pins: string | null
  readonly active_run: string | null
  readonly queued: number
  readonly has_question: boolean
}

type ResponseRow = {
  readonly run_id: string
  readonly thread_id: string
  readonly turn: number
  readonly first_seq: number
  readonly status: ResponseRecord["status"]
}

const basisColumns = `id, revision, turn, message_count, assistant_id, workflow_id, workflow_version, plain, pins, active_run,
  queued, EXISTS (SELECT FROM pauses p WHERE p.thread_id = threads.id AND p.status = 'open' AND p.kind = 'question'
    AND p.audience = 'chat') AS has_question`

/** The functions over a pool. */
export function makeTurnTable(sql: Sql): TurnTable {
  return {
    async findBasis(organizationId, threadId) {
      const row = await sql.first<BasisRow>({
        name: "turn-basis",
        text: `SELECT ${basisColumns} FROM threads WHERE id = $1 AND organization_id = $2 AND deleted_at IS NULL`,
        values: [uuidOf(threadId), uuidOf(organizationId)],
      })
      return row === null ? null : toBasis(row)
    },
    async findChild({ threadId, node }) {
      const row = await sql.first<BasisRow>({
        text: `SELECT ${basisColumns} FROM threads WHERE parent_thread_id = $1 AND parent_node = $2 AND deleted_at IS NULL`,
        values: [uuidOf(threadId), node],
      })
      return row === null ? null : toBasis(row)
    },
    findMessage(threadId, messageId) {
      return sql.first({
        text: "SELECT turn, ordinal FROM messages WHERE thread_id = $1 AND id = $2 AND deleted_at IS NULL",
        values: [uuidOf(threadId), uuidOf(messageId)],
      })
    },
    async findResponse(organizationId, responseId) {
      const row = await sql.first<ResponseRow>({
        name: "find-response",
        text: `SELECT r.run_id, runs.thread_id, runs.turn, r.first_seq, runs.status FROM responses r
               JOIN runs ON runs.id = r.run_id JOIN threads t ON t.id = runs.thread_id AND t.deleted_at IS NULL
               WHERE r.id = $1 AND r.organization_id = $2`,
        values: [uuidOf(responseId), uuidOf(organizationId)],
      })
      return row === null ? null : toResponse(responseId, row)
    },
    async findFailed(organizationId, requestHash, { atMs }) {
      const row = await sql.first<{ thread_id: string; turn: number }>({
        text: `SELECT thread_id, turn FROM failed_turns WHERE organization_id = $1 AND request_hash = decode($2, 'hex')
                 AND failed_at > $3::timestamptz - interval '60 seconds'`,
        values: [uuidOf(organizationId), requestHash, new Date(atMs).toISOString()],
      })
      return row === null ? null : { threadId: idFrom("thread", row.thread_id), turn: row.turn }
    },
    async purgeFailed({ beforeMs }) {
      await sql.rows({
        text: "DELETE FROM failed_turns WHERE failed_at < $1",
        values: [new Date(beforeMs).toISOString()],
      })
    },
    async findRunningSince(runId) {
      const row = await sql.first<{ started_at: number | null }>({
        text: "SELECT started_at FROM runs WHERE id = $1 AND finished_at IS NULL",
        values: [uuidOf(runId)],
      })
      return row?.started_at ?? null
    },
    async listOpenRuns(threadId, fromTurn) {
      const rows = await sql.rows<{ id: string; turn: number }>({
        text: "SELECT id, turn FROM runs WHERE thread_id = $1 AND turn >= $2 AND finished_at IS NULL ORDER BY turn",
        values: [uuidOf(threadId), fromTurn],
      })
      return rows.map((row) => ({ runId: idFrom("run", row.id), turn: row.turn }))
    },
    async hasMessageBefore(threadId, { turn, ordinal }) {
      const row = await sql.first({
        text: `SELECT 1 FROM messages WHERE thread_id = $1 AND deleted_at IS NULL AND (turn, ordinal) < ($2, $3) LIMIT 1`,
        values: [uuidOf(threadId), turn, ordinal],
      })
      return row !== null
    },
  }
}

function toBasis(row: BasisRow): TurnBasis {
  const { workflow_id: workflowId, workflow_version: version } = row
  return {
    threadId: idFrom("thread", row.id),
    revision: row.revision,
    turn: row.turn,
    messageCount: row.message_count,
    assistantId: row.assistant_id === null ? null : idFrom("assistant", row.assistant_id),
    pinnedWorkflow: workflowId === null || version === null ? null : { id: idFrom("workflow", workflowId), version },
    plain: row.plain,
    pins: row.pins,
    activeRun: row.active_run === null ? null : idFrom("run", row.active_run),
    queued: row.queued,
    hasQuestion: row.has_question,
  }
}

function toResponse(responseId: Id<"response">, row: ResponseRow): ResponseRecord {
  return {
    responseId,
    runId: idFrom("run", row.run_id),
    threadId: idFrom("thread", row.thread_id),
    turn: row.turn,
    firstNumber: row.first_seq,
    status: row.status,
  }
}
