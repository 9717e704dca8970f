/** The owner of runs over Postgres: fenced rows, one writer, one incarnation per process (`runs` §2). */
import { type Id, type IdSource, idFrom, uuidOf } from "@brevet/core/ids"
import type pg from "pg"
import type { Clock } from "../../ports/context.ts"
import type { ClaimedRun, Owner } from "../../ports/owner.ts"
import type { Sql, SqlPool } from "../store/postgres/sql.ts"
import { enqueue } from "./enqueue.ts"
import { GroupWriter } from "./group-writer.ts"
import { Incarnation } from "./incarnation.ts"

/** The first number of an epoch is one above this: `(epoch - 1) × 2^32`. */
export const numbersPerEpoch = 2 ** 32

/** What the owner needs. `onDue` is called when a beat saw due work. */
export type OwnerOptions = {
  readonly pool: SqlPool
  readonly connection: pg.ClientConfig
  readonly executorName: string
  readonly ids: IdSource
  readonly clock: Clock
  onDue(): void
}

type ClaimedRow = {
  id: string
  organization_id: string
  workflow_id: string | null
  workflow_version: number | null
  thread_id: string | null
  turn: number | null
  epoch: number
  seq: number
  cancel_mark: string | null
  request_hash: string | null
}

const claimedColumns =
  "runs.id, runs.organization_id, runs.workflow_id, runs.workflow_version, runs.thread_id, runs.turn, runs.epoch, runs.seq, runs.cancel_mark, runs.request_hash"

/** Joins the table of processes and opens the writer. */
export async function openOwner(options: OwnerOptions): Promise<Owner> {
  const { pool } = options
  const incarnation = new Incarnation({
    sql: pool,
    connection: options.connection,
    executorName: options.executorName,
    ids: options.ids,
    clock: options.clock,
    onBeat: ({ due }) => {
      if (due) options.onDue()
    },
  })
  await incarnation.join()
  const writer = new GroupWriter(options.connection, () => incarnation.id())
  await writer.open()
  return {
    processId: () => incarnation.id(),
    async start(start) {
      // Held before the commit is known: a beat in between must not let `low` pass the run.
      incarnation.hold(start.append.runId)
      const landed = await writer.start(start).catch((error: unknown) => {
        incarnation.forget(start.append.runId)
        throw error
      })
      if (!landed) incarnation.forget(start.append.runId)
      return landed
    },
    enqueue: (start, options) => enqueue(pool, start, options),
    append: (append) => writer.append(append),
    claimDue: (limit) => claimDue(pool, incarnation.id(), limit),
    claimQueued: (ids) => claimQueued(pool, incarnation.id(), ids),
    recover: () => recover(pool, incarnation),
    release: (threadId) => release(pool, threadId),
    forget: (runId) => incarnation.forget(runId),
    async close() {
      await writer.close()
      await incarnation.leave()
    },
  }
}

/** Queued runs whose turn has come (E8): a claim raises the epoch, marks the run held and takes its due time away. */
async function claimDue(sql: Sql, processId: string, limit: number): Promise<ClaimedRun[]> {
  await sql.rows({
    text: releaseText(
      "SELECT id FROM threads WHERE active_run IS NULL AND queued > 0 LIMIT 100 FOR UPDATE SKIP LOCKED",
    ),
  })
  const rows = await sql.rows<ClaimedRow>({
    text: `UPDATE runs SET owner = $1, status = 'running', epoch = epoch + 1, seq = epoch::bigint * ${numbersPerEpoch}, held = true,
             due_at = NULL, started_at = COALESCE(started_at, now())
           WHERE id IN (SELECT id FROM runs WHERE due_at <= now() ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
             AND EXISTS (SELECT FROM processes WHERE processes.id = $1 AND dead_at IS NULL)
           RETURNING ${claimedColumns}`,
    values: [processId, limit],
  })
  return rows.map(claimed)
}

/** Causes of an end that takes the turn's messages away. */
const withdrawing = ["TURN_REMOVED", "TURN_WITHDRAWN"]

/**
 * Runs that wait in a thread behind others, and are not due yet: taken out of the queue (E11). A turn that is withdrawn
 * loses its messages here, since its end frees no thread and would not count them.
 */
async function claimQueued(sql: Sql, processId: string, ids: readonly Id<"run">[]): Promise<ClaimedRun[]> {
  const rows = await sql.rows<ClaimedRow>({
    text: `WITH taken AS (
             UPDATE runs SET owner = $1, status = 'running', epoch = epoch + 1, seq = epoch::bigint * ${numbersPerEpoch},
               held = true WHERE id = ANY($2) AND status = 'queued' AND due_at IS NULL
               AND EXISTS (SELECT FROM processes WHERE processes.id = $1 AND dead_at IS NULL)
             RETURNING ${claimedColumns}),
           removed AS (
             UPDATE messages m SET deleted_at = now() FROM taken
             WHERE taken.cancel_mark = ANY($3) AND m.thread_id = taken.thread_id AND m.turn = taken.turn
               AND m.deleted_at IS NULL RETURNING m.thread_id),
           counted AS (SELECT thread_id, count(*) AS runs FROM taken GROUP BY thread_id),
           left_queue AS (
             UPDATE threads t SET queued = GREATEST(0, t.queued - counted.runs), message_count = t.message_count
               - (SELECT count(*) FROM removed WHERE removed.thread_id = t.id)
             FROM counted WHERE t.id = counted.thread_id)
           SELECT * FROM taken`,
    values: [processId, ids.map(uuidOf), withdrawing],
  })
  return rows.map(claimed)
}

/** Takes what this slot's earlier incarnations left behind: their held runs, and the light ones from `low` on. */
async function recover(pool: SqlPool, incarnation: Incarnation): Promise<ClaimedRun[]> {
  const rows = await pool.transaction(async (sql) => {
    await sql.rows({
      text: "UPDATE processes SET dead_at = now() WHERE executor = $1 AND id <> $2 AND dead_at IS NULL",
      values: [incarnation.executor(), incarnation.id()],
    })
    return sql.rows<ClaimedRow>({
      text: `UPDATE runs SET owner = $2, epoch = epoch + 1, seq = epoch::bigint * ${numbersPerEpoch}, held = true
             FROM processes p
             WHERE p.executor = $1 AND p.id <> $2 AND runs.owner = p.id AND runs.status = 'running' AND (runs.held OR runs.id >= p.low)
             RETURNING ${claimedColumns}`,
      values: [incarnation.executor(), incarnation.id()],
    })
  })
  // Incarnations that have been dead for a minute have no run left: the claim above has just seen to it.
  await pool.rows({
    text: "DELETE FROM processes WHERE executor = $1 AND id <> $2 AND dead_at < now() - interval '60 seconds'",
    values: [incarnation.executor(), incarnation.id()],
  })
  return rows.map(claimed)
}

/** Lets the oldest queued run of a thread become due, if nothing runs there. */
async function release(sql: Sql, threadId: Id<"thread">): Promise<void> {
  await sql.rows({
    text: releaseText("SELECT id FROM threads WHERE id = $1 AND active_run IS NULL AND queued > 0 FOR UPDATE"),
    values: [uuidOf(threadId)],
  })
}

function releaseText(free: string): string {
  return `WITH free AS MATERIALIZED (${free}),
    chosen AS (SELECT free.id AS thread_id, (SELECT r.id FROM runs r WHERE r.thread_id = free.id AND r.status = 'queued'
        AND r.due_at IS NULL ORDER BY r.turn LIMIT 1) AS run_id FROM free),
    due AS (UPDATE runs SET due_at = now() FROM chosen WHERE runs.id = chosen.run_id)
    UPDATE threads t SET active_run = chosen.run_id, queued = CASE WHEN chosen.run_id IS NULL THEN 0 ELSE t.queued - 1 END
    FROM chosen WHERE t.id = chosen.thread_id`
}

function claimed(row: ClaimedRow): ClaimedRun {
  return {
    runId: idFrom("run", row.id),
    organizationId: idFrom("organization", row.organization_id),
    workflowId: row.workflow_id === null ? null : idFrom("workflow", row.workflow_id),
    workflowVersion: row.workflow_version,
    threadId: row.thread_id === null ? null : idFrom("thread", row.thread_id),
    turn: row.turn,
    epoch: row.epoch,
    savedNumber: row.seq,
    cancelMark: row.cancel_mark,
    requestHash: row.request_hash,
  }
}
