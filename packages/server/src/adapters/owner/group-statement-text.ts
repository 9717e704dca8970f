/**
 * The text of the group statement, put together from the parts that a flush needs.
 *
 *   rows ($1, JSON)                       messages ($3, JSON), pauses ($4, JSON)
 *    ├─ start ─> able? ─> thread made/taken ─> run inserted ─┐
 *    └─ append ─> run updated behind the fence ──────────────┴─> landed ids ─> events, messages, response, mark, release
 *
 * A run that comes to rest (status `waiting`) leaves its thread as one that ends does. It is due at once where something was
 * brought to it meanwhile: whoever brings locks the run's row first, so that one of the two sees the other.
 *
 * Postgres makes ready and runs every part of a statement, whether it has rows or not: a statement with everything takes
 * it twice as long as one with what a common turn needs. There is one text for each combination, some ten in practice,
 * each prepared once per writer connection.
 *
 * Look-ups stand as subqueries that give one value: of EXISTS the planner may make a table of everything, read anew with
 * each statement.
 */

/** What the rows of a flush need of the statement. */
export type StatementParts = {
  /** Runs start. */
  readonly starts: boolean
  /** Of those that start, some in a thread. */
  readonly threads: boolean
  /** Runs go on or end. */
  readonly appends: boolean
  /** Messages are said, or turns end. */
  readonly tells: boolean
  /** What few turns need: idempotency keys, messages that are removed, requests that failed before or fail now. */
  readonly rarities: boolean
  /** Runs come to rest, ask something, or end while something is open. Goes with `tells`. */
  readonly waits: boolean
}

/** A statement and the name under which a connection keeps it. `$1`: rows, `$2`: this process, `$3`: messages, if it tells; `$4`: pauses, if it waits. */
export type NamedStatement = { readonly name: string; readonly text: string }

const statements = new Map<string, NamedStatement>()

/** The statement with these parts. */
export function groupStatementOf(parts: StatementParts): NamedStatement {
  const needed = Object.entries(parts).flatMap(([part, isNeeded]) => (isNeeded ? [part] : []))
  const name = `group ${needed.join(" ")}`
  const known = statements.get(name)
  if (known !== undefined) return known
  const made = { name, text: textOf(parts) }
  statements.set(name, made)
  return made
}

function textOf(parts: StatementParts): string {
  const { starts, appends, tells, waits } = parts
  const releases = tells && appends
  const tables = [
    rowsOf(parts),
    ...(starts ? startTables(parts) : []),
    ...(appends ? [fenced(parts)] : []),
    landed(parts),
    logged,
    ...(tells ? [told] : []),
    ...(waits ? waitTables(parts) : []),
    ...endTables(parts),
    ...(releases ? releaseTables(parts) : []),
  ]
  const queued = releases
    ? {
        column: "released.queued",
        join: " LEFT JOIN released ON released.thread_id = v.thread_id AND v.status <> 'running'",
      }
    : { column: "NULL::int AS queued", join: "" }
  return `WITH ${tables.join(",\n")}
SELECT landed.id, landed.cancel_mark, ${queued.column} FROM landed JOIN v USING (id)${queued.join}`
}

const appendColumns = `op text, id uuid, at timestamptz, epoch int, saved bigint, first bigint, last bigint, body text,
    thread_id uuid, turn int, status text, finished_at timestamptz, usage text, result text, last_model text, said int,
    removes boolean, failed_hash text`

const startColumns = `organization_id uuid, generation bigint, request_hash text, workflow_id uuid,
    workflow_version int, assistant_id uuid, parent_run_id uuid, retry_of uuid, response_id uuid, mode text,
    new_thread boolean, thread_revision bigint, user_id uuid, pinned_workflow uuid, pinned_version int,
    workflow_tag text, plain boolean, pins text, metadata text, visible boolean, parent_thread_id uuid,
    parent_node text, removes_turn int, removes_ordinal int, replaces boolean,
    idem_key text, idem_method text, idem_path text, idem_hash text, held boolean`

const waitColumns = "wake_at timestamptz, rests_in uuid, closes boolean"

function rowsOf({ starts, waits }: StatementParts): string {
  return `v AS MATERIALIZED (
  SELECT * FROM json_to_recordset($1::json) AS v(
    ${appendColumns}${starts ? `, ${startColumns}` : ""}${waits ? `, ${waitColumns}` : ""}))`
}

/** Runs that start: which may, their threads, their rows, and what goes in beside them. */
function startTables(parts: StatementParts): readonly string[] {
  const { threads, rarities } = parts
  return [
    able(parts),
    ...(threads ? [made, ...(rarities ? [cut] : []), taken(parts)] : []),
    begun(parts),
    started(parts),
    ...(threads && rarities ? [edited, replaced] : []),
    ...(rarities ? [marked] : []),
    ...(threads ? [answered(parts)] : []),
  ]
}

function able({ rarities }: StatementParts): string {
  return `able AS MATERIALIZED (
  SELECT * FROM v WHERE op = 'start'
    AND EXISTS (SELECT FROM processes WHERE id = $2 AND dead_at IS NULL)
    AND (generation IS NULL OR generation = (SELECT o.generation FROM organizations o WHERE o.id = v.organization_id))
    ${
      rarities
        ? `AND (idem_key IS NULL OR (
      SELECT k.key FROM idempotency_keys k WHERE k.organization_id = v.organization_id AND k.key = v.idem_key
        AND k.method = v.idem_method AND k.path = v.idem_path) IS NULL)`
        : ""
    }
    AND (request_hash IS NULL OR replaces OR (
      SELECT f.turn FROM failed_turns f WHERE f.organization_id = v.organization_id
        AND f.request_hash = decode(v.request_hash, 'hex') AND f.failed_at > v.at - interval '60 seconds') IS NULL))`
}

const made = `made AS (
  INSERT INTO threads (id, organization_id, user_id, assistant_id, workflow_id, workflow_version, workflow_tag, plain,
    pins, parent_thread_id, parent_node, metadata, visible_in_ui, turn, message_count, active_run, last_model_used,
    last_message_at, created_at, updated_at)
  SELECT thread_id, organization_id, user_id, assistant_id, pinned_workflow, pinned_version, workflow_tag, plain,
    pins, parent_thread_id, parent_node, metadata, visible, turn, said, CASE WHEN status = 'running' THEN id END, last_model,
    at, at, at
  FROM able WHERE new_thread ON CONFLICT DO NOTHING RETURNING id AS thread_id)`

const cut = `cut AS (
  SELECT v.id, (SELECT count(*) FROM messages m WHERE m.thread_id = v.thread_id AND m.deleted_at IS NULL
    AND (m.turn, m.ordinal) >= (v.removes_turn, v.removes_ordinal)) AS messages
  FROM able v WHERE v.removes_turn IS NOT NULL)`

function taken({ rarities }: StatementParts): string {
  const removed = rarities ? " - COALESCE((SELECT cut.messages FROM cut WHERE cut.id = v.id), 0)" : ""
  const summary = rarities
    ? `
    summary = CASE WHEN v.removes_turn IS NULL OR (t.summary::json ->> 'throughTurn')::int < v.removes_turn THEN t.summary END,`
    : ""
  return `taken AS (
  UPDATE threads t SET active_run = CASE WHEN v.status = 'running' THEN v.id END, turn = v.turn,
    message_count = t.message_count + v.said${removed},
    last_message_at = v.at, updated_at = v.at, revision = t.revision + 1, pins = v.pins,${summary}
    assistant_id = v.assistant_id, workflow_id = v.pinned_workflow, workflow_version = v.pinned_version,
    plain = v.plain, workflow_tag = COALESCE(t.workflow_tag, v.workflow_tag),
    last_model_used = COALESCE(v.last_model, t.last_model_used)
  FROM able v WHERE NOT v.new_thread AND t.id = v.thread_id AND t.revision = v.thread_revision
    AND t.active_run IS NULL AND t.queued = 0 AND t.deleted_at IS NULL
  RETURNING v.id)`
}

function begun({ threads }: StatementParts): string {
  const inThreads = "SELECT able.id FROM made JOIN able USING (thread_id) UNION ALL SELECT id FROM taken UNION ALL "
  return `begun AS (
  ${threads ? inThreads : ""}SELECT id FROM able WHERE thread_id IS NULL)`
}

function started({ waits }: StatementParts): string {
  const [column, value] = waits ? [", due_at", ", wake_at"] : ["", ""]
  return `started AS (
  INSERT INTO runs (id, organization_id, workflow_id, workflow_version, assistant_id, thread_id, turn, parent_run_id,
    retry_of, status, mode, owner, epoch, seq, held, request_hash, created_at, started_at, finished_at, usage, result${column})
  SELECT id, organization_id, workflow_id, workflow_version, assistant_id, thread_id, turn, parent_run_id,
    retry_of, status, mode, $2, epoch, last, held AND status = 'running', request_hash, at, at, finished_at, usage, result${value}
  FROM v JOIN begun USING (id) ON CONFLICT (id) DO NOTHING RETURNING id)`
}

const edited = `edited AS (
  UPDATE messages m SET deleted_at = v.at FROM able v JOIN started USING (id)
  WHERE v.removes_turn IS NOT NULL AND m.thread_id = v.thread_id AND m.deleted_at IS NULL
    AND (m.turn, m.ordinal) >= (v.removes_turn, v.removes_ordinal))`

const replaced = `replaced AS (
  DELETE FROM failed_turns f USING able v JOIN started USING (id)
  WHERE v.replaces AND v.failed_hash IS NULL AND f.organization_id = v.organization_id
    AND f.request_hash = decode(v.request_hash, 'hex'))`

const marked = `marked AS (
  INSERT INTO idempotency_keys (organization_id, key, method, path, body_hash, run_id, response_id, created_at)
  SELECT organization_id, idem_key, idem_method, idem_path, decode(idem_hash, 'hex'), id, response_id, at
  FROM v JOIN started USING (id) WHERE idem_key IS NOT NULL)`

function answered({ waits }: StatementParts): string {
  const rested = (column: string): string => `, CASE WHEN status = 'waiting' THEN ${column} END`
  const [columns, values] = waits ? [", usage, result", rested("usage") + rested("result")] : ["", ""]
  return `answered AS (
  INSERT INTO responses (id, organization_id, run_id, first_seq${columns})
  SELECT response_id, organization_id, id, first${values} FROM v JOIN started USING (id) WHERE response_id IS NOT NULL)`
}

/** The fence: it locks the run's row and looks at it again after a wait (E1). */
function fenced({ waits }: StatementParts): string {
  const due = waits
    ? "due_at = CASE WHEN v.status = 'waiting' THEN CASE WHEN r.woken THEN now() ELSE v.wake_at END END, "
    : ""
  return `fenced AS (
  UPDATE runs r SET status = v.status, seq = v.last, held = r.held AND v.status = 'running',
    ${due}finished_at = v.finished_at, usage = v.usage, result = v.result
  FROM v WHERE v.op = 'append' AND r.id = v.id AND r.owner = $2 AND r.epoch = v.epoch AND r.seq = v.saved
    AND r.status = 'running'
  RETURNING r.id, r.organization_id, r.cancel_mark)`
}

/** Everything that goes in with a run goes in only for ids that are here. */
function landed({ starts, appends }: StatementParts): string {
  const fromStarts = "SELECT id, NULL::text AS cancel_mark, NULL::uuid AS run_organization FROM started"
  const fromAppends = "SELECT id, cancel_mark, organization_id AS run_organization FROM fenced"
  const sources = [...(starts ? [fromStarts] : []), ...(appends ? [fromAppends] : [])]
  return `landed AS MATERIALIZED (
  ${sources.join("\n  UNION ALL ")})`
}

const logged = `logged AS (
  INSERT INTO events (run_id, seq, n, body) SELECT id, first, last - first + 1, body FROM v JOIN landed USING (id))`

const told = `told AS (
  INSERT INTO messages (thread_id, turn, ordinal, id, run_id, role, content, metadata, is_failed, created_at)
  SELECT m.thread_id, m.turn, m.ordinal, m.id, m.run_id, m.role, m.content, m.metadata, m.is_failed, m.created_at
  FROM json_to_recordset($3::json) AS m(run_id uuid, thread_id uuid, turn int, ordinal int, id uuid, role text,
    content text, metadata text, is_failed boolean, created_at timestamptz)
  JOIN landed ON landed.id = m.run_id)`

/** What runs wait for, the responses that end with it, and what is open of runs that end. */
function waitTables({ starts, appends }: StatementParts): readonly string[] {
  const organization = starts ? "COALESCE(v.organization_id, landed.run_organization)" : "landed.run_organization"
  const asked = `asked AS (
  INSERT INTO pauses (id, organization_id, run_id, thread_id, turn, node, iteration, kind, audience, title, message, schema,
    choices, details, ordinal, created_at, expires_at)
  SELECT p.id, ${organization}, v.id, v.thread_id, v.turn, p.node, p.iteration, p.kind, p.audience, p.title, p.message,
    p.schema, p.choices, p.details, p.ordinal, p.created_at, p.expires_at
  FROM json_to_recordset($4::json) AS p(id uuid, run_id uuid, node text, iteration int, kind text, audience text, title text,
    message text, schema text, choices text, details text, ordinal int, created_at timestamptz, expires_at timestamptz)
  JOIN landed ON landed.id = p.run_id JOIN v ON v.id = p.run_id)`
  return appends ? [asked, rested, closed] : [asked]
}

const rested = `rested AS (
  UPDATE responses s SET usage = v.usage, result = v.result FROM v JOIN fenced USING (id)
  WHERE v.rests_in IS NOT NULL AND s.id = v.rests_in)`

const closed = `closed AS (
  UPDATE pauses p SET status = 'cancelled', answered_at = v.finished_at FROM v JOIN fenced USING (id)
  WHERE v.closes AND p.run_id = v.id AND p.status = 'open')`

/** Turns that end by being taken away, or that failed. */
function endTables(parts: StatementParts): readonly string[] {
  return parts.rarities ? [...(parts.appends ? [removed] : []), failed(parts)] : []
}

const removed = `removed AS (
  UPDATE messages m SET deleted_at = v.finished_at FROM v JOIN fenced USING (id)
  WHERE v.removes AND m.thread_id = v.thread_id AND m.turn = v.turn AND m.deleted_at IS NULL RETURNING v.id)`

function failed({ starts }: StatementParts): string {
  const organization = starts ? "COALESCE(v.organization_id, run_organization)" : "run_organization"
  return `failed AS (
  INSERT INTO failed_turns (organization_id, request_hash, thread_id, turn, failed_at)
  SELECT ${organization}, decode(v.failed_hash, 'hex'), v.thread_id, v.turn, v.finished_at
  FROM v JOIN landed USING (id) WHERE v.failed_hash IS NOT NULL AND v.thread_id IS NOT NULL
  ON CONFLICT (organization_id, request_hash)
    DO UPDATE SET thread_id = excluded.thread_id, turn = excluded.turn, failed_at = excluded.failed_at)`
}

/** Threads in which messages came or went, or whose turn is over. */
function releaseTables({ rarities }: StatementParts): readonly string[] {
  const gone = rarities ? "(SELECT count(*) FROM removed WHERE removed.id = v.id)" : "0"
  return [
    `tallied AS (
  SELECT v.thread_id, sum(v.said) AS said, sum(${gone}) AS gone, max(v.at) AS at, max(v.last_model) AS last_model,
    array_agg(v.id) FILTER (WHERE v.status <> 'running') AS ended
  FROM v JOIN fenced USING (id) WHERE v.thread_id IS NOT NULL GROUP BY v.thread_id)`,
    `released AS (
  UPDATE threads t SET active_run = CASE WHEN t.active_run = ANY(n.ended) THEN NULL ELSE t.active_run END,
    message_count = t.message_count + n.said - n.gone,
    last_message_at = CASE WHEN n.said > 0 THEN n.at ELSE t.last_message_at END, updated_at = n.at,
    revision = t.revision + 1, last_model_used = COALESCE(n.last_model, t.last_model_used)
  FROM tallied n WHERE t.id = n.thread_id AND (n.said > 0 OR n.gone > 0 OR t.active_run = ANY(n.ended))
  RETURNING t.id AS thread_id, CASE WHEN t.active_run IS NULL THEN t.queued END AS queued)`,
  ]
}
