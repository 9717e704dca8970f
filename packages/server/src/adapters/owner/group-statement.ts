/**
 * The group statement: starts, appends and ends any number of runs in one round trip and one commit.
 *
 * Its text is in `group-statement-text`; here is what goes in.
 *
 * Rules (`runs` §2): the UPDATE is the fence (E1); at most one row per run (E2); everything else goes in only for ids
 * that landed; a missing id has lost or was refused. `$2` is this process; it starts nothing once it is declared dead.
 * A start is refused where what it was made of has changed (the organization's generation, the thread's revision), where
 * its idempotency key is taken, or where a turn of the same request failed within the last minute. Two starts with one
 * new key in the same instant are told apart by the unique index, which fails the statement (see `group-writer`).
 *
 * Rows travel as one JSON text: measured against text arrays it costs Node less, since the text is made by the native
 * serialiser. Bodies are JSON *within* a JSON string, so NUL and lone surrogates stay escaped; plain texts that come from
 * outside lose them, since Postgres has no way to keep them. Values of a row are written out in one literal each: objects
 * that are put together from others cost several times as much to serialise.
 */
import { uuidOf } from "@brevet/core/ids"
import type { MessageWrite, PauseWrite, RunAppend, RunStart } from "../../ports/owner.ts"
import { groupStatementOf, type NamedStatement } from "./group-statement-text.ts"

/** One row of a flush. */
export type GroupRow =
  /** `held`: the run's id is below what the process last told as `low`, so that only a mark lets others find it (E4). */
  | { readonly op: "start"; readonly start: RunStart; readonly held: boolean }
  | { readonly op: "append"; readonly append: RunAppend }

type StartRow = Extract<GroupRow, { op: "start" }>

/** What the statement returns for a row that landed. */
export type LandedRow = { readonly id: string; readonly cancel_mark: string | null; readonly queued: number | null }

/** A flush as it is sent: the statement with what these rows need, and its parameters. */
export function groupQuery(rows: readonly GroupRow[], processId: string): NamedStatement & { values: unknown[] } {
  const messages: unknown[] = []
  const pauses: unknown[] = []
  const parts = { starts: false, threads: false, appends: false, tells: false, rarities: false, waits: false }
  const rowTexts = rows.map((row) => {
    const append = row.op === "start" ? row.start.append : row.append
    for (const message of append.messages) messages.push(messageValue(append, message))
    if (append.messages.length > 0 || (append.ending !== null && append.threadId !== null)) parts.tells = true
    if (waits(append)) {
      parts.waits = true
      parts.tells = true
      for (const pause of append.pauses ?? []) pauses.push(pauseValue(append, pause))
    }
    if (append.ending?.removesTurn === true || (append.ending?.failedRequestHash ?? null) !== null)
      parts.rarities = true
    if (row.op === "append") {
      parts.appends = true
      return appendText(append)
    }
    const { thread, idempotency } = row.start
    parts.starts = true
    if (thread !== null) parts.threads = true
    if (idempotency !== null || thread?.removes != null || thread?.replacesFailed === true) parts.rarities = true
    return startText(row)
  })
  const values = [`[${rowTexts.join(",")}]`, processId]
  if (parts.tells) values.push(JSON.stringify(messages))
  if (parts.waits) values.push(JSON.stringify(pauses))
  return { ...groupStatementOf(parts), values }
}

/** Whether an append asks something, rests, or ends while something is open. */
function waits({ pauses = [], rest = null, ending }: RunAppend): boolean {
  return pauses.length > 0 || rest !== null || ending?.closesPauses === true
}

function pauseValue({ runId }: RunAppend, pause: PauseWrite): unknown {
  const { terms } = pause
  return {
    id: uuidOf(pause.id),
    run_id: uuidOf(runId),
    node: plainText(pause.node),
    iteration: pause.iteration,
    kind: terms.kind,
    audience: terms.audience,
    title: plainText(terms.title),
    message: plainText(terms.message),
    schema: terms.schema === null ? null : JSON.stringify(terms.schema),
    choices: terms.choices === null ? null : JSON.stringify(terms.choices),
    details: JSON.stringify(terms.details),
    ordinal: pause.ordinal,
    created_at: timestamp(pause.createdAtMs),
    expires_at: pause.expiresAtMs === null ? null : timestamp(pause.expiresAtMs),
  }
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

function appendText(append: RunAppend): string {
  const atMs = (append.ending ?? append.rest)?.atMs ?? append.messages.at(-1)?.createdAtMs
  return JSON.stringify(runValue(append, { op: "append", atMs: atMs ?? null }))
}

/** Its two halves are written by themselves and put together as texts, so that neither is copied into the other. */
function startText(row: StartRow): string {
  const run = JSON.stringify(runValue(row.start.append, { op: "start", atMs: row.start.createdAtMs }))
  return `${run.slice(0, -1)},${JSON.stringify(startValue(row)).slice(1)}`
}

/** What a row says of its run, whether it starts it or not. */
function runValue(
  append: RunAppend,
  { op, atMs }: { readonly op: GroupRow["op"]; readonly atMs: number | null },
): Record<string, unknown> {
  const { ending, rest = null } = append
  const outcome = ending ?? rest
  return {
    op,
    at: atMs === null ? null : timestamp(atMs),
    id: uuidOf(append.runId),
    thread_id: append.threadId === null ? null : uuidOf(append.threadId),
    turn: append.turn,
    epoch: append.epoch,
    saved: append.savedNumber,
    first: append.first,
    last: append.last,
    body: append.body,
    said: append.messages.length,
    status: ending?.status ?? (rest === null ? "running" : "waiting"),
    finished_at: ending === null ? null : timestamp(ending.atMs),
    usage: outcome === null ? null : JSON.stringify(outcome.usage),
    result: outcome === null ? null : JSON.stringify(outcome.result),
    last_model: plainText(outcome?.result.model ?? null),
    removes: ending?.removesTurn ?? false,
    failed_hash: ending?.failedRequestHash ?? null,
    wake_at: rest === null || rest.wakeAtMs === null ? undefined : timestamp(rest.wakeAtMs),
    rests_in: uuidOrNull(rest?.responseId ?? null) ?? undefined,
    closes: ending?.closesPauses === true ? true : undefined,
  }
}

/** What only a start says. */
function startValue({ start, held }: StartRow): Record<string, unknown> {
  const { thread, idempotency } = start
  return {
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
    new_thread: thread === null ? undefined : thread.expectedRevision === null,
    thread_revision: thread?.expectedRevision,
    user_id: uuidOrNull(thread?.userId ?? null),
    pinned_workflow: uuidOrNull(thread?.pinnedWorkflowId ?? null),
    pinned_version: thread?.pinnedVersion,
    workflow_tag: plainText(thread?.workflowTag ?? null),
    plain: thread?.plain,
    pins: thread?.pins,
    metadata: thread?.metadata,
    visible: thread?.visible,
    parent_thread_id: uuidOrNull(thread?.parent?.threadId ?? null),
    parent_node: thread?.parent?.node,
    removes_turn: thread?.removes?.turn,
    removes_ordinal: thread?.removes?.ordinal,
    replaces: thread?.replacesFailed,
    idem_key: idempotency?.key,
    idem_method: idempotency?.method,
    idem_path: idempotency?.path,
    idem_hash: idempotency?.bodyHash,
    held,
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
