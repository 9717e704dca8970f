/** Threads: one statement per function. Writes compare revisions, so that the owner's writes are never held up. */
import { type Id, idFrom, isId, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type {
  NewThread,
  ThreadFields,
  ThreadFilter,
  ThreadPlace,
  ThreadRecord,
  ThreadStretch,
  ThreadTable,
  ThreadWriteOptions,
} from "../../../ports/thread-table.ts"
import type { Sql } from "./sql.ts"

type Row = {
  id: string
  organization_id: string
  user_id: string | null
  assistant_id: string | null
  workflow_id: string | null
  workflow_version: number | null
  workflow_tag: string | null
  plain: boolean
  title: string | null
  metadata: string
  visible_in_ui: boolean
  is_pinned: boolean
  pinned_at: number | null
  is_streaming: boolean
  queued: number
  open_pauses: string[]
  message_count: number
  last_message_at: number | null
  last_model_used: string | null
  revision: number
  created_at: number
  updated_at: number
}

/** Without the summary, which may be long. */
const columns = `id, organization_id, user_id, assistant_id, workflow_id, workflow_version, workflow_tag, plain, title,
  metadata, visible_in_ui, is_pinned, pinned_at, active_run IS NOT NULL AS is_streaming, queued,
  ARRAY(SELECT p.id FROM pauses p WHERE p.thread_id = threads.id AND p.status = 'open' ORDER BY p.id) AS open_pauses, message_count,
  last_message_at, last_model_used, revision, created_at, updated_at`

/** A run of the thread is not over. Reads the runs of one thread, by their index. */
const unfinished = (thread: string): string =>
  `EXISTS (SELECT FROM runs WHERE runs.thread_id = ${thread} AND runs.status IN ('queued', 'running', 'waiting'))`

function toRecord(row: Row): ThreadRecord {
  const { workflow_id, workflow_version } = row
  return {
    id: idFrom("thread", row.id),
    organizationId: idFrom("organization", row.organization_id),
    userId: row.user_id === null ? null : idFrom("user", row.user_id),
    assistantId: row.assistant_id === null ? null : idFrom("assistant", row.assistant_id),
    pinnedWorkflow:
      workflow_id === null || workflow_version === null
        ? null
        : { id: idFrom("workflow", workflow_id), version: workflow_version },
    workflowTag: row.workflow_tag,
    plain: row.plain,
    title: row.title,
    metadata: JSON.parse(row.metadata) as JsonObject,
    visibleInUi: row.visible_in_ui,
    isPinned: row.is_pinned,
    pinnedAtMs: row.pinned_at,
    isStreaming: row.is_streaming,
    queued: row.queued,
    openPauses: row.open_pauses.map((id) => idFrom("pause", id)),
    messageCount: row.message_count,
    lastModelUsed: row.last_model_used,
    lastMessageAtMs: row.last_message_at,
    revision: row.revision,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  }
}

const toRecordOrNull = (row: Row | null): ThreadRecord | null => (row === null ? null : toRecord(row))

/** Column and value of each field that a change gives. */
function assignments(fields: Partial<ThreadFields>): [column: string, value: unknown][] {
  const pairs: [string, unknown][] = []
  const { assistantId, pinnedWorkflow, pinnedAtMs } = fields
  if (assistantId !== undefined) pairs.push(["assistant_id", assistantId === null ? null : uuidOf(assistantId)])
  if (pinnedWorkflow !== undefined) {
    pairs.push(["workflow_id", pinnedWorkflow === null ? null : uuidOf(pinnedWorkflow.id)])
    pairs.push(["workflow_version", pinnedWorkflow?.version ?? null])
    // The versions of called assistants are fixed together with it, by the next turn.
    pairs.push(["pins", null])
  }
  if (fields.plain !== undefined) pairs.push(["plain", fields.plain])
  if (fields.title !== undefined) pairs.push(["title", fields.title])
  if (fields.metadata !== undefined) pairs.push(["metadata", JSON.stringify(fields.metadata)])
  if (fields.visibleInUi !== undefined) pairs.push(["visible_in_ui", fields.visibleInUi])
  if (fields.isPinned !== undefined) pairs.push(["is_pinned", fields.isPinned])
  if (pinnedAtMs !== undefined) pairs.push(["pinned_at", pinnedAtMs === null ? null : new Date(pinnedAtMs)])
  return pairs
}

async function create(sql: Sql, thread: NewThread): Promise<ThreadRecord> {
  const row = await sql.first<Row>({
    name: "thread-create",
    text: `INSERT INTO threads (id, organization_id, user_id, assistant_id, title, metadata, visible_in_ui, created_at,
             updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING ${columns}`,
    values: [
      uuidOf(thread.id),
      uuidOf(thread.organizationId),
      uuidOf(thread.userId),
      thread.assistantId === null ? null : uuidOf(thread.assistantId),
      thread.title,
      JSON.stringify(thread.metadata),
      thread.visibleInUi,
      new Date(thread.createdAtMs),
    ],
  })
  if (row === null) throw new Error("an insert gave no row")
  return toRecord(row)
}

/** A list of conditions with the values of their places. */
class Conditions {
  readonly values: unknown[] = []
  readonly #texts: string[] = []

  /** Adds a condition; each `?` stands for one of the values. */
  add(text: string, ...values: readonly unknown[]): void {
    let place = this.values.length
    this.#texts.push(text.replace(/\?/g, () => `$${++place}`))
    this.values.push(...values)
  }

  get text(): string {
    return this.#texts.join(" AND ")
  }
}

function filterConditions(filter: ThreadFilter): Conditions {
  const conditions = new Conditions()
  conditions.add("organization_id = ?", uuidOf(filter.organizationId))
  if (filter.assistantId !== undefined) conditions.add("assistant_id = ?", uuidOf(filter.assistantId))
  const { workflow } = filter
  if (workflow !== undefined) {
    if (isId("workflow", workflow)) conditions.add("(workflow_tag = ? OR workflow_id = ?)", workflow, uuidOf(workflow))
    else conditions.add("workflow_tag = ?", workflow)
  }
  conditions.add("visible_in_ui = ?", filter.visibleInUi)
  if (filter.isPinned !== undefined) conditions.add(filter.isPinned ? "is_pinned" : "NOT is_pinned")
  if (!filter.includeDeleted) conditions.add("deleted_at IS NULL")
  return conditions
}

async function list(sql: Sql, filter: ThreadFilter, stretch: ThreadStretch): Promise<ThreadRecord[]> {
  const conditions = filterConditions(filter)
  const column = stretch.orderBy === "createdAt" ? "created_at" : "pinned_at"
  const isDown = stretch.direction === "desc"
  const bound = (place: ThreadPlace | undefined, operator: "<" | ">"): void => {
    if (place === undefined) return
    const at = stretch.orderBy === "createdAt" ? place.createdAt : place.pinnedAt
    conditions.add(`(${column}, id) ${operator} (?::timestamptz, ?::uuid)`, at, uuidOf(place.id))
  }
  bound(stretch.after, isDown ? "<" : ">")
  bound(stretch.before, isDown ? ">" : "<")
  const order = isDown ? "DESC" : "ASC"
  // Without a name, so that it is planned for the conditions at hand.
  const rows = await sql.rows<Row>({
    text: `SELECT ${columns} FROM threads WHERE ${conditions.text}
           ORDER BY ${column} ${order}, id ${order} LIMIT $${conditions.values.length + 1}`,
    values: [...conditions.values, stretch.limit],
  })
  return rows.map(toRecord)
}

async function update(
  sql: Sql,
  id: Id<"thread">,
  change: ThreadWriteOptions & { readonly fields: Partial<ThreadFields>; readonly condition: string },
): Promise<ThreadRecord | null> {
  const pairs: [string, unknown][] = [...assignments(change.fields), ["updated_at", new Date(change.atMs)]]
  const sets = pairs.map(([column], index) => `${column} = $${index + 3}`)
  const row = await sql.first<Row>({
    text: `UPDATE threads SET ${[...sets, "revision = revision + 1"].join(", ")}
           WHERE id = $1 AND revision = $2 AND deleted_at IS NULL${change.condition} RETURNING ${columns}`,
    values: [uuidOf(id), change.revision, ...pairs.map(([, value]) => value)],
  })
  return toRecordOrNull(row)
}

type Deletions = Pick<ThreadTable, "softDelete" | "softDeleteIdle">

function deletions(sql: Sql): Deletions {
  return {
    async softDelete(id, { revision, atMs }) {
      const row = await sql.first({
        name: "thread-delete",
        text: `UPDATE threads SET deleted_at = $3, updated_at = $3, revision = revision + 1
               WHERE id = $1 AND revision = $2 AND deleted_at IS NULL RETURNING id`,
        values: [uuidOf(id), revision, new Date(atMs)],
      })
      return row !== null
    },
    async softDeleteIdle(organizationId, userId, { atMs }) {
      // Rows are locked without waiting: a statement that holds many rows and waits for more could stand in the way of
      // the owner, which writes many rows in one statement too.
      const row = await sql.first<{ count: number }>({
        name: "thread-delete-idle",
        text: `WITH idle AS MATERIALIZED (
                 SELECT id FROM threads t WHERE organization_id = $1 AND user_id = $2 AND deleted_at IS NULL
                   AND active_run IS NULL AND queued = 0 AND NOT ${unfinished("t.id")}
                 FOR UPDATE SKIP LOCKED),
               gone AS (
                 UPDATE threads t SET deleted_at = $3, updated_at = $3, revision = revision + 1
                 FROM idle WHERE t.id = idle.id RETURNING t.id)
               SELECT count(*) AS count FROM gone`,
        values: [uuidOf(organizationId), uuidOf(userId), new Date(atMs)],
      })
      return row?.count ?? 0
    },
  }
}

/** The threads' table over a pool or transaction. */
export function makeThreadTable(sql: Sql): ThreadTable {
  return {
    ...deletions(sql),
    create: (thread) => create(sql, thread),
    async find(organizationId, id) {
      const row = await sql.first<Row>({
        name: "thread-find",
        text: `SELECT ${columns} FROM threads WHERE id = $1 AND organization_id = $2 AND deleted_at IS NULL`,
        values: [uuidOf(id), uuidOf(organizationId)],
      })
      return toRecordOrNull(row)
    },
    async findPlace(organizationId, id) {
      const row = await sql.first<Omit<ThreadPlace, "id">>({
        name: "thread-place",
        text: `SELECT created_at::text AS "createdAt", CASE WHEN is_pinned THEN pinned_at::text END AS "pinnedAt"
               FROM threads WHERE id = $1 AND organization_id = $2`,
        values: [uuidOf(id), uuidOf(organizationId)],
      })
      return row === null ? null : { id, ...row }
    },
    list: (filter, stretch) => list(sql, filter, stretch),
    async count(filter) {
      const conditions = filterConditions(filter)
      const text = `SELECT count(*) AS total FROM threads WHERE ${conditions.text}`
      return (await sql.first<{ total: number }>({ text, values: conditions.values }))?.total ?? 0
    },
    update: (id, fields, options) => update(sql, id, { ...options, fields, condition: "" }),
    updateIdle: (id, fields, options) => {
      const condition = ` AND active_run IS NULL AND queued = 0 AND NOT ${unfinished("threads.id")}`
      return update(sql, id, { ...options, fields, condition })
    },
    async isBusy(id) {
      const row = await sql.first<{ busy: boolean }>({
        name: "thread-busy",
        text: `SELECT active_run IS NOT NULL OR queued > 0 OR ${unfinished("threads.id")} AS busy
               FROM threads WHERE id = $1`,
        values: [uuidOf(id)],
      })
      return row?.busy ?? false
    },
    async listIdsOfUser(organizationId, userId, { limit }) {
      const rows = await sql.rows<{ id: string }>({
        name: "thread-ids-of-user",
        text: `SELECT id FROM threads WHERE organization_id = $1 AND user_id = $2 AND deleted_at IS NULL LIMIT $3`,
        values: [uuidOf(organizationId), uuidOf(userId), limit],
      })
      return rows.map((row) => idFrom("thread", row.id))
    },
  }
}
