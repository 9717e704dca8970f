/**
 * Taking runs: every statement that gives a run to this process. A claim raises the epoch by one, sets the first number of
 * the new epoch and marks the run held (E3), so that whatever its earlier owner still writes is refused.
 *
 *     waiting in a thread, due ─── queueWoken ──> queued
 *     queued, due; waiting, due ── claimDue ─────┐
 *     queued behind others ─────── claimQueued ──┤
 *     of a dead process ────────── claimLeft ────┼──> running, owned by this process
 *     of one that does not end it  claimMarked ──┤
 *     owned, but with nobody ───── claimLost ────┘
 *
 * "Owned, but with nobody": the answer of a claim never came, or the run was given back. All of them take many runs per
 * statement (E8). Rows are reached by lists of ids: of a join the planner may make a reading of the whole table, since it
 * thinks that hardly any run is under way.
 */
import { type Id, idFrom, uuidOf } from "@brevet/core/ids"
import type { ClaimedRun } from "../../ports/owner.ts"
import type { Sql } from "../store/postgres/sql.ts"

/** The first number of an epoch is one above this: `(epoch - 1) × 2^32`. */
const numbersPerEpoch = 2 ** 32

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

/** What every claim sets. `$1` is the process. */
const claim = `owner = $1, status = 'running', epoch = runs.epoch + 1, seq = runs.epoch::bigint * ${numbersPerEpoch}, held = true,
  due_at = NULL, woken = false, started_at = COALESCE(runs.started_at, now())`
const isAlive = "EXISTS (SELECT FROM processes WHERE processes.id = $1 AND dead_at IS NULL)"
const claimedColumns =
  "runs.id, runs.organization_id, runs.workflow_id, runs.workflow_version, runs.thread_id, runs.turn, runs.epoch, runs.seq, runs.cancel_mark, runs.request_hash"

/**
 * Waiting turns that were woken stand in line: one segment of a thread runs at a time, and the oldest turn is the first.
 * Those that are to end are not kept waiting for others. Runs before threads, as whoever ends a turn locks them.
 */
export async function queueWoken(sql: Sql, limit: number): Promise<void> {
  await sql.rows({
    text: `WITH woken AS MATERIALIZED (
             SELECT id, thread_id FROM runs WHERE due_at <= now() AND status = 'waiting' AND thread_id IS NOT NULL
               AND cancel_mark IS NULL ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED),
           places AS MATERIALIZED (
             SELECT t.id FROM threads t WHERE t.id = ANY(ARRAY(SELECT thread_id FROM woken)) ORDER BY t.id FOR UPDATE),
           lined AS (
             UPDATE runs SET status = 'queued', due_at = NULL WHERE id = ANY(ARRAY(SELECT id FROM woken)) RETURNING thread_id),
           counted AS (SELECT thread_id, count(*) AS runs FROM lined GROUP BY thread_id)
           UPDATE threads t SET queued = t.queued + counted.runs FROM counted, places
           WHERE t.id = counted.thread_id AND places.id = t.id`,
    values: [limit],
  })
}

/** Runs whose time has come, the one that is due longest first (E8). */
export async function claimDue(sql: Sql, processId: string, limit: number): Promise<ClaimedRun[]> {
  const rows = await sql.rows<ClaimedRow>({
    text: `WITH due AS MATERIALIZED (
             SELECT id FROM runs WHERE due_at <= now()
               AND (status <> 'waiting' OR thread_id IS NULL OR cancel_mark IS NOT NULL) ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
           UPDATE runs SET ${claim} WHERE id = ANY(ARRAY(SELECT id FROM due)) AND ${isAlive} RETURNING ${claimedColumns}`,
    values: [processId, limit],
  })
  return rows.map(claimed)
}

/** Runs that wait in a thread behind others, and are not due yet: taken out of the queue (E11). */
export async function claimQueued(sql: Sql, processId: string, ids: readonly Id<"run">[]): Promise<ClaimedRun[]> {
  const rows = await sql.rows<ClaimedRow>({
    // Threads before runs, as whoever releases a thread locks them.
    text: `WITH places AS MATERIALIZED (
             SELECT t.id FROM threads t WHERE t.id IN (SELECT thread_id FROM runs WHERE id = ANY($2) AND status = 'queued')
             ORDER BY t.id FOR UPDATE),
           taken AS (
             UPDATE runs SET ${claim} FROM places WHERE runs.id = ANY($2) AND runs.thread_id = places.id
               AND status = 'queued' AND due_at IS NULL AND ${isAlive}
             RETURNING ${claimedColumns}),
           counted AS (SELECT thread_id, count(*) AS runs FROM taken GROUP BY thread_id),
           left_queue AS (UPDATE threads t SET queued = GREATEST(0, t.queued - counted.runs)
             FROM counted WHERE t.id = counted.thread_id)
           SELECT * FROM taken`,
    values: [processId, ids.map(uuidOf)],
  })
  return rows.map(claimed)
}

/** Runs of others that somebody wants to end, and whose owners have not done so (E11). */
export async function claimMarked(sql: Sql, processId: string, ids: readonly Id<"run">[]): Promise<ClaimedRun[]> {
  const rows = await sql.rows<ClaimedRow>({
    text: `UPDATE runs SET ${claim} WHERE id = ANY($2) AND status = 'running' AND cancel_mark IS NOT NULL AND owner <> $1
             AND ${isAlive} RETURNING ${claimedColumns}`,
    values: [processId, ids.map(uuidOf)],
  })
  return rows.map(claimed)
}

/** Declares dead what this slot's earlier incarnations have left; to be called only by who holds the slot (E12). */
export async function buryEarlier(sql: Sql, executor: string, processId: string): Promise<void> {
  await sql.rows({
    text: "UPDATE processes SET dead_at = now() WHERE executor = $1 AND id <> $2 AND dead_at IS NULL",
    values: [executor, processId],
  })
}

/** A process that is dead, and the oldest run that it held lightly. */
type DeadProcess = { readonly id: string; readonly low: string | null }

/**
 * Runs of all processes that are dead, whoever declared them so: those with a mark, and those from `low` on (E4). Of many
 * who claim at once each run goes to one. One statement per process, so that each is planned for its own `low`.
 */
export async function claimLeft(sql: Sql, processId: string): Promise<ClaimedRun[]> {
  const dead = await sql.rows<DeadProcess>({
    text: "SELECT id, low FROM processes WHERE id <> $1 AND dead_at IS NOT NULL ORDER BY dead_at",
    values: [processId],
  })
  const runs: ClaimedRun[] = []
  for (const { id, low } of dead) {
    const rows = await sql.rows<ClaimedRow>({
      text: `WITH found AS MATERIALIZED (
               SELECT id FROM runs WHERE owner = $2 AND held
               UNION SELECT id FROM runs WHERE id >= $3 AND owner = $2 AND status = 'running')
             UPDATE runs SET ${claim} WHERE id = ANY(ARRAY(SELECT id FROM found)) AND owner = $2 AND status = 'running'
               AND ${isAlive} RETURNING ${claimedColumns}`,
      values: [processId, id, low],
    })
    runs.push(...rows.map(claimed))
  }
  return runs
}

/**
 * Removes processes that have been dead for a minute and of which nothing is left: whatever start of theirs was still on
 * its way has landed by then, and has been claimed (E5).
 */
export async function forgetDead(sql: Sql, processId: string): Promise<void> {
  const dead = await sql.rows<DeadProcess>({
    text: "SELECT id, low FROM processes WHERE id <> $1 AND dead_at < now() - interval '60 seconds'",
    values: [processId],
  })
  for (const { id, low } of dead) {
    await sql.rows({
      text: `DELETE FROM processes WHERE id = $1 AND NOT EXISTS (SELECT FROM runs WHERE owner = $1 AND held)
               AND NOT EXISTS (SELECT FROM runs WHERE id >= $2 AND owner = $1 AND status = 'running')`,
      values: [id, low],
    })
  }
}

/** Runs that are this process's by their rows and that nobody works on here. `known`: those that somebody works on. */
export async function claimLost(sql: Sql, processId: string, known: readonly Id<"run">[]): Promise<ClaimedRun[]> {
  const rows = await sql.rows<ClaimedRow>({
    text: `UPDATE runs SET ${claim} WHERE owner = $1 AND held AND status = 'running' AND id <> ALL($2) AND ${isAlive}
           RETURNING ${claimedColumns}`,
    values: [processId, known.map(uuidOf)],
  })
  return rows.map(claimed)
}

/** Lets the oldest queued run of a thread become due, if nothing runs there. */
export async function release(sql: Sql, threadId: Id<"thread">): Promise<void> {
  await sql.rows({
    text: releaseText("SELECT id FROM threads WHERE id = $1 AND active_run IS NULL AND queued > 0 FOR UPDATE"),
    values: [uuidOf(threadId)],
  })
}

/** The same for all threads in which turns wait for nothing: whoever was to release them has not come to it. */
export async function releaseForgotten(sql: Sql): Promise<void> {
  await sql.rows({
    text: releaseText(
      "SELECT id FROM threads WHERE active_run IS NULL AND queued > 0 LIMIT 100 FOR UPDATE SKIP LOCKED",
    ),
  })
}

function releaseText(free: string): string {
  return `WITH free AS MATERIALIZED (${free}),
    chosen AS (SELECT free.id AS thread_id, (SELECT r.id FROM runs r WHERE r.thread_id = free.id AND r.status = 'queued'
        AND r.due_at IS NULL ORDER BY r.turn LIMIT 1) AS run_id FROM free),
    due AS (UPDATE runs SET due_at = now() FROM chosen
      WHERE runs.id = chosen.run_id AND runs.status = 'queued' AND runs.due_at IS NULL RETURNING runs.id)
    UPDATE threads t SET active_run = due.id, queued = CASE
        WHEN chosen.run_id IS NULL THEN 0 WHEN due.id IS NULL THEN t.queued ELSE t.queued - 1 END
    FROM chosen LEFT JOIN due ON due.id = chosen.run_id WHERE t.id = chosen.thread_id`
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
