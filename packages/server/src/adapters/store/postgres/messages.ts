/**
 * Messages of threads: one statement per function. A change of a message also changes its thread's row, after the
 * message's: the owner's statement takes the two in the same order.
 */
import { type Id, idFrom, uuidOf } from "@brevet/core/ids"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { MessagePlace, MessageRecord, MessageStretch, MessageTable } from "../../../ports/message-table.ts"
import type { Sql } from "./sql.ts"

type Row = {
  id: string
  thread_id: string
  run_id: string | null
  turn: number
  ordinal: number
  role: MessageRecord["role"]
  content: string
  tool_calls: string | null
  metadata: string | null
  created_at: number
  updated_at: number | null
}

const columns = `id, thread_id, run_id, turn, ordinal, role, content, tool_calls, metadata, created_at, updated_at`

function toRecord(row: Row): MessageRecord {
  return {
    id: idFrom("message", row.id),
    threadId: idFrom("thread", row.thread_id),
    runId: row.run_id === null ? null : idFrom("run", row.run_id),
    turn: row.turn,
    ordinal: row.ordinal,
    role: row.role,
    content: JSON.parse(row.content) as JsonValue,
    toolCalls: row.tool_calls === null ? null : (JSON.parse(row.tool_calls) as JsonValue),
    metadata: row.metadata === null ? {} : (JSON.parse(row.metadata) as JsonObject),
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  }
}

async function list(sql: Sql, threadId: Id<"thread">, stretch: MessageStretch): Promise<MessageRecord[]> {
  const values: unknown[] = [uuidOf(threadId), stretch.limit]
  const isDown = stretch.direction === "desc"
  const bound = (place: MessagePlace | undefined, operator: "<" | ">"): string => {
    if (place === undefined) return ""
    values.push(place.turn, place.ordinal)
    return ` AND (turn, ordinal) ${operator} ($${values.length - 1}::integer, $${values.length}::integer)`
  }
  const bounds = bound(stretch.after, isDown ? "<" : ">") + bound(stretch.before, isDown ? ">" : "<")
  const order = isDown ? "DESC" : "ASC"
  const rows = await sql.rows<Row>({
    text: `SELECT ${columns} FROM messages WHERE thread_id = $1 AND deleted_at IS NULL${bounds}
           ORDER BY turn ${order}, ordinal ${order} LIMIT $2`,
    values,
  })
  return rows.map(toRecord)
}

/** The thread's part of a change: a new revision, no summary of what was said before it. */
const touchThread = `UPDATE threads t SET revision = t.revision + 1, updated_at = $3, summary = NULL`

/** The messages' table over a pool or transaction. */
export function makeMessageTable(sql: Sql): MessageTable {
  return {
    async find(threadId, id) {
      const row = await sql.first<Row>({
        name: "message-find",
        text: `SELECT ${columns} FROM messages WHERE thread_id = $1 AND id = $2 AND deleted_at IS NULL`,
        values: [uuidOf(threadId), uuidOf(id)],
      })
      return row === null ? null : toRecord(row)
    },
    findPlace: (threadId, id) =>
      sql.first<MessagePlace>({
        name: "message-place",
        text: "SELECT turn, ordinal FROM messages WHERE thread_id = $1 AND id = $2",
        values: [uuidOf(threadId), uuidOf(id)],
      }),
    list: (threadId, stretch) => list(sql, threadId, stretch),
    async update({ threadId, id }, { content, metadata }, { atMs }) {
      const row = await sql.first<Row>({
        name: "message-update",
        text: `WITH changed AS (
                 UPDATE messages SET content = COALESCE($4, content), metadata = COALESCE($5, metadata), updated_at = $3
                 WHERE thread_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING ${columns}),
               touched AS (
                 ${touchThread} FROM changed WHERE t.id = changed.thread_id AND t.deleted_at IS NULL RETURNING t.id)
               SELECT changed.* FROM changed JOIN touched ON touched.id = changed.thread_id`,
        values: [
          uuidOf(threadId),
          uuidOf(id),
          new Date(atMs),
          content === undefined ? null : JSON.stringify(content),
          metadata === undefined ? null : JSON.stringify(metadata),
        ],
      })
      return row === null ? null : toRecord(row)
    },
    async softDelete({ threadId, id }, { atMs }) {
      const row = await sql.first({
        name: "message-delete",
        text: `WITH gone AS (
                 UPDATE messages SET deleted_at = $3
                 WHERE thread_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING thread_id)
               ${touchThread}, message_count = t.message_count - 1
               FROM gone WHERE t.id = gone.thread_id AND t.deleted_at IS NULL RETURNING t.id`,
        values: [uuidOf(threadId), uuidOf(id), new Date(atMs)],
      })
      return row !== null
    },
  }
}
