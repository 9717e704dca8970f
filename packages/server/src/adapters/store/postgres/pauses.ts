/** Pauses: one statement per function. Answering locks the run first, then the pause, as whoever ends a run does. */
import type { PauseChoice } from "@brevet/core/graph/pauses/pause"
import { questionPlaces } from "@brevet/core/graph/run-state"
import { idFrom, uuidOf } from "@brevet/core/ids"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { PauseListFilter, PauseRecord, PauseTable } from "../../../ports/pause-table.ts"
import type { Sql } from "./sql.ts"

type Row = {
  readonly id: string
  readonly organization_id: string
  readonly run_id: string
  readonly thread_id: string | null
  readonly turn: number | null
  readonly node: string
  readonly kind: PauseRecord["kind"]
  readonly audience: PauseRecord["audience"]
  readonly title: string | null
  readonly message: string | null
  readonly schema: string | null
  readonly choices: string | null
  readonly details: string
  readonly ordinal: number | null
  readonly status: PauseRecord["status"]
  readonly created_at: number
  readonly expires_at: number | null
  readonly answered_at: number | null
  readonly answered_by: string | null
  readonly answer: string | null
  readonly response_id: string | null
}

const columns = `pauses.id, pauses.organization_id, pauses.run_id, pauses.thread_id, pauses.turn, pauses.node, pauses.kind,
  pauses.audience, pauses.title, pauses.message, pauses.schema, pauses.choices, pauses.details, pauses.ordinal,
  pauses.status, pauses.created_at, pauses.expires_at, pauses.answered_at, pauses.answered_by, pauses.answer,
  pauses.response_id`

function toRecord(row: Row): PauseRecord {
  return {
    id: idFrom("pause", row.id),
    organizationId: idFrom("organization", row.organization_id),
    runId: idFrom("run", row.run_id),
    threadId: row.thread_id === null ? null : idFrom("thread", row.thread_id),
    turn: row.turn,
    node: row.node,
    kind: row.kind,
    audience: row.audience,
    title: row.title,
    message: row.message,
    schema: row.schema === null ? null : (JSON.parse(row.schema) as JsonObject),
    choices: row.choices === null ? null : (JSON.parse(row.choices) as PauseChoice[]),
    details: JSON.parse(row.details) as JsonObject,
    ordinal: row.ordinal,
    status: row.status,
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
    answeredAtMs: row.answered_at,
    answeredBy: row.answered_by,
    answer: row.answer === null ? null : (JSON.parse(row.answer) as JsonValue),
    responseId: row.response_id === null ? null : idFrom("response", row.response_id),
  }
}

/** The run is locked first: of whoever ends it and whoever answers one sees what the other did. */
const answerText = `WITH run AS MATERIALIZED (
  SELECT id, organization_id, thread_id, seq, cancel_mark FROM runs
  WHERE id = (SELECT run_id FROM pauses WHERE id = $1) FOR UPDATE),
answered AS (
  UPDATE pauses SET status = 'answered', answer = $2, answered_by = $3, answered_via = $4,
    answered_at = clock_timestamp(), reply_message_id = $6,
    response_id = CASE WHEN run.thread_id IS NOT NULL THEN $5::uuid END
  FROM run WHERE pauses.id = $1 AND pauses.run_id = run.id AND pauses.status = 'open'
    AND run.cancel_mark IS NULL AND (pauses.expires_at IS NULL OR pauses.expires_at > clock_timestamp())
  RETURNING ${columns}),
woken AS (
  UPDATE runs SET woken = true, due_at = CASE WHEN runs.status = 'waiting' THEN now() ELSE runs.due_at END
  FROM answered WHERE runs.id = answered.run_id),
opened AS (
  INSERT INTO responses (id, organization_id, run_id, first_seq)
  SELECT $5::uuid, run.organization_id, run.id, run.seq + 1 FROM run, answered
  WHERE run.thread_id IS NOT NULL)
SELECT * FROM answered`

const toRecordOrNull = (row: Row | null): PauseRecord | null => (row === null ? null : toRecord(row))

/** The functions over a pool or transaction. */
export function makePauseTable(sql: Sql): PauseTable {
  return {
    async find(organizationId, id) {
      const row = await sql.first<Row>({
        name: "pause-find",
        text: `SELECT ${columns} FROM pauses WHERE id = $1 AND organization_id = $2`,
        values: [uuidOf(id), uuidOf(organizationId)],
      })
      return toRecordOrNull(row)
    },
    async findLinked(id) {
      const row = await sql.first<Row>({
        name: "pause-find-linked",
        text: `SELECT ${columns} FROM pauses WHERE id = $1`,
        values: [uuidOf(id)],
      })
      return toRecordOrNull(row)
    },
    list: (filter) => list(sql, filter),
    async listOpen(threadId) {
      const rows = await sql.rows<Row>({
        name: "pause-list-open",
        text: `SELECT ${columns} FROM pauses WHERE thread_id = $1 AND status = 'open' ORDER BY id`,
        values: [uuidOf(threadId)],
      })
      return rows.map(toRecord)
    },
    async answer({ pauseId, answer, by, via, responseId, replyMessageId }) {
      const row = await sql.first<Row>({
        name: "pause-answer",
        text: answerText,
        values: [
          uuidOf(pauseId),
          JSON.stringify(answer),
          by,
          via,
          uuidOf(responseId),
          replyMessageId === null ? null : uuidOf(replyMessageId),
        ],
      })
      return toRecordOrNull(row)
    },
    async addReply({ pauseId, messageId, content, atMs }) {
      // Two who say something to one question stand one behind the other: the places are read once the row is held.
      await sql.rows({ text: "SELECT 1 FROM pauses WHERE id = $1 FOR UPDATE", values: [uuidOf(pauseId)] })
      await sql.rows({
        text: `WITH asked AS (
                 SELECT thread_id, turn, run_id, ordinal FROM pauses WHERE id = $1 AND ordinal IS NOT NULL),
               added AS (
                 INSERT INTO messages (thread_id, turn, ordinal, id, run_id, role, content, created_at)
                 SELECT thread_id, turn, (SELECT max(m.ordinal) + 1 FROM messages m WHERE m.thread_id = asked.thread_id
                     AND m.turn = asked.turn AND m.ordinal >= asked.ordinal AND m.ordinal < asked.ordinal + $5),
                   $2, run_id, 'user', $3, $4
                 FROM asked RETURNING thread_id)
               UPDATE threads SET message_count = message_count + 1, last_message_at = $4, updated_at = $4,
                 revision = revision + 1
               FROM added WHERE threads.id = added.thread_id`,
        values: [uuidOf(pauseId), uuidOf(messageId), content, new Date(atMs).toISOString(), questionPlaces],
      })
    },
  }
}

async function list(sql: Sql, filter: PauseListFilter): Promise<{ records: PauseRecord[]; total: number }> {
  const pairs: [condition: string, value: unknown][] = [["pauses.organization_id", uuidOf(filter.organizationId)]]
  if (filter.status !== undefined) pairs.push(["pauses.status", filter.status])
  if (filter.threadId !== undefined) pairs.push(["pauses.thread_id", uuidOf(filter.threadId)])
  if (filter.runId !== undefined) pairs.push(["pauses.run_id", uuidOf(filter.runId)])
  if (filter.assistantId !== undefined) pairs.push(["runs.assistant_id", uuidOf(filter.assistantId)])
  const from = filter.assistantId === undefined ? "pauses" : "pauses JOIN runs ON runs.id = pauses.run_id"
  const conditions = pairs.map(([column], index) => `${column} = $${index + 1}`).join(" AND ")
  const values = pairs.map(([, value]) => value)
  const rows = await sql.rows<Row>({
    text: `SELECT ${columns} FROM ${from} WHERE ${conditions}
           ORDER BY pauses.id DESC LIMIT $${values.length + 1} OFFSET $${values.length + 2}`,
    values: [...values, filter.limit, filter.offset],
  })
  const counted = await sql.first<{ total: number }>({
    text: `SELECT count(*) AS total FROM ${from} WHERE ${conditions}`,
    values,
  })
  return { records: rows.map(toRecord), total: counted?.total ?? 0 }
}
