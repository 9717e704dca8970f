/**
 * The group statement: starts, appends and ends any number of runs in one round trip and one commit.
 *
 *   rows ($1, JSON)                       messages ($2, JSON)
 *    ├─ start ─> able? ─> thread made/taken ─> run inserted ─┐
 *    └─ append ─> run updated behind the fence ──────────────┴─> landed ids ─> events, messages, response, mark, release
 *
 * Rules (`runs` §2): the UPDATE is the fence (E1); at most one row per run (E2); everything else goes in only for ids
 * that landed; a missing id has lost or was refused. `$3` is this process; it starts nothing once it is declared dead.
 * A start is refused where what it was made of has changed (the organization's generation, the thread's revision), where
 * its idempotency key is taken, or where a turn of the same request failed within the last minute. Two starts with one
 * new key in the same instant are told apart by the unique index, which fails the statement (see `group-writer`).
 *
 * Rows travel as one JSON text: measured against text arrays it costs Node less, since the text is made by the native
 * serialiser. Look-ups stand as subqueries that give one value: of EXISTS the planner may make a table of everything, read
 * anew with each statement. Bodies are JSON *within* a JSON string, so NUL and lone surrogates stay escaped; plain texts that come from
 * outside lose them, since Postgres has no way to keep them.
 */
import { uuidOf } from "@brevet/core/ids"
import type { MessageWrite, RunAppend, RunStart } from "../../ports/owner.ts"

/** One row of a flush. */
export type GroupRow =
  /** `held`: the run's id is below what the process last told as `low`, so that only a mark lets others find it (E4). */
  | { readonly op: "start"; readonly start: RunStart; readonly held: boolean }
  | { readonly op: "append"; readonly append: RunAppend }

/** What the statement returns for a row that landed. */
export type LandedRow = { readonly id: string; readonly cancel_mark: string | null; readonly queued: number | null }

/** The statement; prepared once per writer connection. */
export const groupStatement = `
WITH v AS MATERIALIZED (
  SELECT * FROM json_to_recordset($1::json) AS v(
    op text, id uuid, at timestamptz, epoch int, saved bigint, first bigint, last bigint, body text,
    thread_id uuid, turn int, status text, finished_at timestamptz, usage text, result text, last_model text, said int,
    removes boolean, failed_hash text, organization_id uuid, generation bigint, request_hash text, workflow_id uuid,
    workflow_version int, assistant_id uuid, parent_run_id uuid, retry_of uuid, response_id uuid, mode text,
    new_thread boolean, thread_revision bigint, user_id uuid, pinned_workflow uuid, pinned_version int,
    workflow_tag text, plain boolean, pins text, metadata text, visible boolean, parent_thread_id uuid,
    parent_node text, removes_turn int, removes_ordinal int, replaces boolean,
    idem_key text, idem_method text, idem_path text, idem_hash text, held boolean)),
able AS MATERIALIZED (
  SELECT * FROM v WHERE op = 'start'
    AND EXISTS (SELECT FROM processes WHERE id = $3 AND dead_at IS NULL)
    AND (generation IS NULL OR generation = (SELECT o.generation FROM organizations o WHERE o.id = v.organization_id))
    AND (idem_key IS NULL OR (
      SELECT k.key FROM idempotency_keys k WHERE k.organization_id = v.organization_id AND k.key = v.idem_key
        AND k.method = v.idem_method AND k.path = v.idem_path) IS NULL)
    AND (request_hash IS NULL OR replaces OR (
      SELECT f.turn FROM failed_turns f WHERE f.organization_id = v.organization_id
        AND f.request_hash = decode(v.request_hash, 'hex') AND f.failed_at > v.at - interval '60 seconds') IS NULL)),
made AS (
  INSERT INTO threads (id, organization_id, user_id, assistant_id, workflow_id, workflow_version, workflow_tag, plain,
    pins, parent_thread_id, parent_node, metadata, visible_in_ui, turn, message_count, active_run, last_model_used,
    last_message_at, created_at, updated_at)
  SELECT thread_id, organization_id, user_id, assistant_id, pinned_workflow, pinned_version, workflow_tag, plain,
    pins, parent_thread_id, parent_node, metadata, visible, turn, said, CASE WHEN status = 'running' THEN id END, last_model,
    at, at, at
  FROM able WHERE new_thread ON CONFLICT DO NOTHING RETURNING id AS thread_id),
cut AS (
  SELECT v.id, (SELECT count(*) FROM messages m WHERE m.thread_id = v.thread_id AND m.deleted_at IS NULL
    AND (m.turn, m.ordinal) >= (v.removes_turn, v.removes_ordinal)) AS messages
  FROM able v WHERE v.removes_turn IS NOT NULL),
taken AS (
  UPDATE threads t SET active_run = CASE WHEN v.status = 'running' THEN v.id END, turn = v.turn,
    message_count = t.message_count + v.said - COALESCE((SELECT cut.messages FROM cut WHERE cut.id = v.id), 0),
    last_message_at = v.at, updated_at = v.at, revision = t.revision + 1, pins = v.pins,
    summary = CASE WHEN v.removes_turn IS NULL OR (t.summary::json ->> 'throughTurn')::int < v.removes_turn THEN t.summary END,
    assistant_id = v.assistant_id, workflow_id = v.pinned_workflow, workflow_version = v.pinned_version,
    plain = v.plain, workflow_tag = COALESCE(t.workflow_tag, v.workflow_tag),
    last_model_used = COALESCE(v.last_model, t.last_model_used)
  FROM able v WHERE NOT v.new_thread AND t.id = v.thread_id AND t.revision = v.thread_revision
    AND t.active_run IS NULL AND t.queued = 0 AND t.deleted_at IS NULL
  RETURNING v.id),
begun AS (
  SELECT able.id FROM made JOIN able USING (thread_id) UNION ALL SELECT id FROM taken
  UNION ALL SELECT id FROM able WHERE thread_id IS NULL),
started AS (
  INSERT INTO runs (id, organization_id, workflow_id, workflow_version, assistant_id, thread_id, turn, parent_run_id,
    retry_of, status, mode, owner, epoch, seq, held, request_hash, created_at, started_at, finished_at, usage, result)
  SELECT id, organization_id, workflow_id, workflow_version, assistant_id, thread_id, turn, parent_run_id,
    retry_of, status, mode, $3, epoch, last, held AND status = 'running', request_hash, at, at, finished_at, usage, result
  FROM v JOIN begun USING (id) ON CONFLICT (id) DO NOTHING RETURNING id),
edited AS (
  UPDATE messages m SET deleted_at = v.at FROM able v JOIN started USING (id)
  WHERE v.removes_turn IS NOT NULL AND m.thread_id = v.thread_id AND m.deleted_at IS NULL
    AND (m.turn, m.ordinal) >= (v.removes_turn, v.removes_ordinal)),
replaced AS (
  DELETE FROM failed_turns f USING able v JOIN started USING (id)
  WHERE v.replaces AND v.failed_hash IS NULL AND f.organization_id = v.organization_id AND f.request_hash = decode(v.request_hash, 'hex')),
marked AS (
  INSERT INTO idempotency_keys (organization_id, key, method, path, body_hash, run_id, response_id, created_at)
  SELECT organization_id, idem_key, idem_method, idem_path, decode(idem_hash, 'hex'), id, response_id, at
  FROM v JOIN started USING (id) WHERE idem_key IS NOT NULL),
answered AS (
  INSERT INTO responses (id, organization_id, run_id, first_seq)
  SELECT response_id, organization_id, id, first FROM v JOIN started USING (id) WHERE response_id IS NOT NULL),
fenced AS (
  UPDATE runs r SET status = v.status, seq = v.last, held = r.held AND v.status = 'running',
    finished_at = v.finished_at, usage = v.usage, result = v.result
  FROM v WHERE v.op = 'append' AND r.id = v.id AND r.owner = $3 AND r.epoch = v.epoch AND r.seq = v.saved
    AND r.status = 'running'
  RETURNING r.id, r.organization_id, r.cancel_mark),
landed AS MATERIALIZED (
  SELECT id, NULL::text AS cancel_mark, NULL::uuid AS run_organization FROM started
  UNION ALL SELECT id, cancel_mark, organization_id FROM fenced),
logged AS (
  INSERT INTO events (run_id, seq, n, body) SELECT id, first, last - first + 1, body FROM v JOIN landed USING (id)),
told AS (
  INSERT INTO messages (thread_id, turn, ordinal, id, run_id, role, content, metadata, is_failed, created_at)
  SELECT m.thread_id, m.turn, m.ordinal, m.id, m.run_id, m.role, m.content, m.metadata, m.is_failed, m.created_at
  FROM json_to_recordset($2::json) AS m(run_id uuid, thread_id uuid, turn int, ordinal int, id uuid, role text,
    content text, metadata text, is_failed boolean, created_at timestamptz)
  JOIN landed ON landed.id = m.run_id),
removed AS (
  UPDATE messages m SET deleted_at = v.finished_at FROM v JOIN fenced USING (id)
  WHERE v.removes AND m.thread_id = v.thread_id AND m.turn = v.turn AND m.deleted_at IS NULL RETURNING v.id),
failed AS (
  INSERT INTO failed_turns (organization_id, request_hash, thread_id, turn, failed_at)
  SELECT COALESCE(v.organization_id, run_organization), decode(v.failed_hash, 'hex'), v.thread_id, v.turn, v.finished_at
  FROM v JOIN landed USING (id) WHERE v.failed_hash IS NOT NULL AND v.thread_id IS NOT NULL
  ON CONFLICT (organization_id, request_hash)
    DO UPDATE SET thread_id = excluded.thread_id, turn = excluded.turn, failed_at = excluded.failed_at),
tallied AS (
  SELECT v.thread_id, sum(v.said) AS said, sum(gone.messages) AS gone, max(v.at) AS at, max(v.last_model) AS last_model,
    array_agg(v.id) FILTER (WHERE v.status <> 'running') AS ended
  FROM v JOIN fenced USING (id), LATERAL (SELECT count(*) AS messages FROM removed WHERE removed.id = v.id) AS gone
  WHERE v.thread_id IS NOT NULL GROUP BY v.thread_id),
released AS (
  UPDATE threads t SET active_run = CASE WHEN t.active_run = ANY(n.ended) THEN NULL ELSE t.active_run END,
    message_count = t.message_count + n.said - n.gone,
    last_message_at = CASE WHEN n.said > 0 THEN n.at ELSE t.last_message_at END, updated_at = n.at,
    revision = t.revision + 1, last_model_used = COALESCE(n.last_model, t.last_model_used)
  FROM tallied n WHERE t.id = n.thread_id AND (n.said > 0 OR n.gone > 0 OR t.active_run = ANY(n.ended))
  RETURNING t.id AS thread_id, CASE WHEN t.active_run IS NULL THEN t.queued END AS queued)
SELECT landed.id, landed.cancel_mark, released.queued
FROM landed JOIN v USING (id) LEFT JOIN released ON released.thread_id = v.thread_id AND v.status <> 'running'`

/** The statement's parameters for these rows. */
export function groupValues(rows: readonly GroupRow[], processId: string): unknown[] {
  const messages: unknown[] = []
  const values = rows.map((row) => {
    const append = row.op === "start" ? row.start.append : row.append
    for (const message of append.messages) messages.push(messageValue(append, message))
    return row.op === "start" ? { ...startValue(row.start), held: row.held } : appendValue(append)
  })
  return [JSON.stringify(values), JSON.stringify(messages), processId]
}

function messageValue(append: RunAppend, message: MessageWrite): unknown {
  return {
    run_id: uuidOf(append.runId),
    thread_id: append.threadId === null ? null : uuidOf(append.threadId),
    turn: append.turn,
    ordinal: message.ordinal,
    id: uuidOf(message.id),
    role: message.role,
    content: message.content,
    metadata: message.metadata,
    is_failed: message.isFailed,
    created_at: timestamp(message.createdAtMs),
  }
}

function appendValue(append: RunAppend): Record<string, unknown> {
  const { ending } = append
  const atMs = ending?.atMs ?? append.messages.at(-1)?.createdAtMs
  return {
    op: "append",
    at: atMs === undefined ? null : timestamp(atMs),
    id: uuidOf(append.runId),
    thread_id: append.threadId === null ? null : uuidOf(append.threadId),
    turn: append.turn,
    epoch: append.epoch,
    saved: append.savedNumber,
    first: append.first,
    last: append.last,
    body: append.body,
    said: append.messages.length,
    status: ending?.status ?? "running",
    finished_at: ending === null ? null : timestamp(ending.atMs),
    usage: ending === null ? null : JSON.stringify(ending.usage),
    result: ending === null ? null : JSON.stringify(ending.result),
    last_model: plainText(ending?.result.model ?? null),
    removes: ending?.removesTurn ?? false,
    failed_hash: ending?.failedRequestHash ?? null,
  }
}

function startValue(start: RunStart): Record<string, unknown> {
  const { thread, idempotency } = start
  return {
    ...appendValue(start.append),
    op: "start",
    at: timestamp(start.createdAtMs),
    organization_id: uuidOf(start.organizationId),
    generation: start.generation,
    request_hash: start.requestHash,
    workflow_id: uuidOrNull(start.workflowId),
    workflow_version: start.workflowVersion,
    assistant_id: uuidOrNull(start.assistantId),
    parent_run_id: uuidOrNull(start.parentRunId),
    retry_of: uuidOrNull(start.retryOf),
    response_id: uuidOrNull(start.responseId),
    mode: start.mode,
    ...(thread === null
      ? {}
      : {
          new_thread: thread.expectedRevision === null,
          thread_revision: thread.expectedRevision,
          user_id: uuidOrNull(thread.userId),
          pinned_workflow: uuidOrNull(thread.pinnedWorkflowId),
          pinned_version: thread.pinnedVersion,
          workflow_tag: plainText(thread.workflowTag),
          plain: thread.plain,
          pins: thread.pins,
          metadata: thread.metadata,
          visible: thread.visible,
          parent_thread_id: uuidOrNull(thread.parent?.threadId ?? null),
          parent_node: thread.parent?.node ?? null,
          removes_turn: thread.removes?.turn ?? null,
          removes_ordinal: thread.removes?.ordinal ?? null,
          replaces: thread.replacesFailed,
        }),
    ...(idempotency === null
      ? {}
      : {
          idem_key: idempotency.key,
          idem_method: idempotency.method,
          idem_path: idempotency.path,
          idem_hash: idempotency.bodyHash,
        }),
  }
}

function uuidOrNull(id: string | null): string | null {
  return id === null ? null : uuidOf(id)
}

/** A text as a column can hold it: without NUL, and with a mark in the place of half a character. */
function plainText(text: string | null): string | null {
  return text === null ? null : text.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\uFFFD")
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString()
}
