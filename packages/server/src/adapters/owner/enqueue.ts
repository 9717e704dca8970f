/**
 * Stores a run that waits for the turns before it in its thread (E10). Its user's message is there and can be read at
 * once; its events begin in epoch 1, and whoever claims it goes on in epoch 2.
 */
import { Refusal } from "@brevet/core/errors"
import { uuidOf } from "@brevet/core/ids"
import type { RunStart, ThreadWrite } from "../../ports/owner.ts"
import type { Sql, SqlPool } from "../store/postgres/sql.ts"
import { isKeyTaken } from "./trouble.ts"

/** See `Owner.enqueue`. */
export async function enqueue(
  pool: SqlPool,
  start: RunStart,
  options: { readonly queuedMax: number },
): Promise<"queued" | "full" | "changed"> {
  const { thread } = start
  if (thread === null) throw new Error("only the turns of a thread wait for each other")
  try {
    return await pool.transaction(async (sql) => {
      const seen = await look(sql, start, thread)
      if (seen === null || (seen.active_run === null && seen.queued === 0)) return "changed"
      if (seen.queued >= options.queuedMax) return "full"
      await store(sql, start, thread)
      return "queued"
    })
  } catch (error) {
    // A run with the same idempotency key was first.
    if (isKeyTaken(error)) return "changed"
    // The commit may have landed without its answer (E6).
    if (error instanceof Refusal && (await isStored(pool, start))) return "queued"
    throw error
  }
}

async function isStored(pool: SqlPool, { append }: RunStart): Promise<boolean> {
  const row = await pool.first({ text: "SELECT 1 AS there FROM runs WHERE id = $1", values: [uuidOf(append.runId)] })
  return row !== null
}

type SeenThread = { readonly active_run: string | null; readonly queued: number }

/** Holds the thread and the organization's row; null where what the run was made of has changed. */
function look(sql: Sql, start: RunStart, thread: ThreadWrite): Promise<SeenThread | null> {
  return sql.first<SeenThread>({
    text: `SELECT t.active_run, t.queued FROM threads t JOIN organizations o ON o.id = t.organization_id
           WHERE t.id = $1 AND t.deleted_at IS NULL AND t.turn = $2 AND t.assistant_id IS NOT DISTINCT FROM $3
             AND ($4::bigint IS NULL OR o.generation = $4)
           FOR UPDATE OF t FOR SHARE OF o`,
    values: [
      uuidOf(thread.id),
      (start.append.turn ?? 1) - 1,
      start.assistantId === null ? null : uuidOf(start.assistantId),
      start.generation,
    ],
  })
}

async function store(sql: Sql, start: RunStart, thread: ThreadWrite): Promise<void> {
  const { append } = start
  const at = new Date(start.createdAtMs).toISOString()
  await storeMark(sql, start, at)
  await storeRun(sql, start, at)
  const removed = thread.removes === null ? 0 : await removeMessages(sql, thread, at)
  await storeMessages(sql, append)
  await sql.rows({
    text: `UPDATE threads SET queued = queued + 1, turn = $2, message_count = message_count + $3, last_message_at = $4,
             updated_at = $4, revision = revision + 1 WHERE id = $1`,
    values: [uuidOf(thread.id), append.turn, append.messages.length - removed, at],
  })
}

async function storeMark(sql: Sql, { idempotency, append, ...start }: RunStart, at: string): Promise<void> {
  if (idempotency === null) return
  await sql.rows({
    text: `INSERT INTO idempotency_keys (organization_id, key, method, path, body_hash, run_id, response_id, created_at)
           VALUES ($1, $2, $3, $4, decode($5, 'hex'), $6, $7, $8)`,
    values: [
      uuidOf(start.organizationId),
      idempotency.key,
      idempotency.method,
      idempotency.path,
      idempotency.bodyHash,
      uuidOf(append.runId),
      uuidOrNull(start.responseId),
      at,
    ],
  })
}

/** The run with its first events, and where the answer begins. */
async function storeRun(sql: Sql, { append, ...start }: RunStart, at: string): Promise<void> {
  const runId = uuidOf(append.runId)
  const organizationId = uuidOf(start.organizationId)
  await sql.rows({
    text: `INSERT INTO runs (id, organization_id, workflow_id, workflow_version, assistant_id, thread_id, turn, status,
             mode, epoch, seq, request_hash, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $9, $10, $11, $12)`,
    values: [
      runId,
      organizationId,
      uuidOrNull(start.workflowId),
      start.workflowVersion,
      uuidOrNull(start.assistantId),
      uuidOrNull(append.threadId),
      append.turn,
      start.mode,
      append.epoch,
      append.last,
      start.requestHash,
      at,
    ],
  })
  await sql.rows({
    text: "INSERT INTO events (run_id, seq, n, body) VALUES ($1, $2, $3, $4)",
    values: [runId, append.first, append.last - append.first + 1, append.body],
  })
  if (start.responseId === null) return
  await sql.rows({
    text: "INSERT INTO responses (id, organization_id, run_id, first_seq) VALUES ($1, $2, $3, $4)",
    values: [uuidOf(start.responseId), organizationId, runId, append.first],
  })
}

async function storeMessages(sql: Sql, { threadId, runId, turn, messages }: RunStart["append"]): Promise<void> {
  for (const message of messages) {
    await sql.rows({
      text: `INSERT INTO messages (thread_id, turn, ordinal, id, run_id, role, content, metadata, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      values: [
        uuidOrNull(threadId),
        turn,
        message.ordinal,
        uuidOf(message.id),
        uuidOf(runId),
        message.role,
        message.content,
        message.metadata,
        new Date(message.createdAtMs).toISOString(),
      ],
    })
  }
}

/** An edit behind a turn that runs: gives how many messages it removed. A summary never reaches as far as a turn under way. */
async function removeMessages(sql: Sql, { id, removes }: ThreadWrite, at: string): Promise<number> {
  const rows = await sql.rows({
    text: `UPDATE messages SET deleted_at = $4 WHERE thread_id = $1 AND deleted_at IS NULL AND (turn, ordinal) >= ($2, $3)
           RETURNING 1`,
    values: [uuidOf(id), removes?.turn, removes?.ordinal, at],
  })
  return rows.length
}

function uuidOrNull(id: string | null): string | null {
  return id === null ? null : uuidOf(id)
}
