/** Messages, runs and events written by hand, for tests of what reads them: the rows that the owner would have written. */
import { numbersOf, type RunEvent, type Usage } from "@brevet/core/graph/events"
import type { RunResult } from "@brevet/core/graph/run-result"
import { type Id, uuidOf } from "@brevet/core/ids"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { Context } from "../ports/context.ts"
import type { RunStatus } from "../ports/run-table.ts"
import type { TestContext } from "./context.ts"

/** What a message is, where it matters to a test. */
export type StoredMessage = {
  readonly threadId: Id<"thread">
  readonly turn: number
  readonly ordinal?: number
  readonly role?: "user" | "assistant" | "system" | "tool"
  readonly content?: JsonValue
  readonly toolCalls?: JsonValue
  readonly metadata?: JsonObject
  readonly runId?: Id<"run">
}

/** Adds a message to a thread, which counts it. */
export async function storeMessage(test: TestContext, message: StoredMessage): Promise<Id<"message">> {
  const id = test.cx.ids.next("message")
  const at = new Date(test.cx.clock.nowMs())
  const { metadata, toolCalls, runId } = message
  await test.sql.rows({
    text: `INSERT INTO messages (thread_id, turn, ordinal, id, run_id, role, content, tool_calls, metadata, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    values: [
      uuidOf(message.threadId),
      message.turn,
      message.ordinal ?? 0,
      uuidOf(id),
      runId === undefined ? null : uuidOf(runId),
      message.role ?? "user",
      JSON.stringify(message.content ?? "Hello"),
      toolCalls === undefined ? null : JSON.stringify(toolCalls),
      metadata === undefined ? null : JSON.stringify(metadata),
      at,
    ],
  })
  await test.sql.rows({
    text: `UPDATE threads SET message_count = message_count + 1, turn = GREATEST(turn, $2), last_message_at = $3,
             revision = revision + 1 WHERE id = $1`,
    values: [uuidOf(message.threadId), message.turn, at],
  })
  return id
}

/** What a run is, where it matters to a test. */
export type StoredRun = {
  readonly cx?: Context
  readonly threadId?: Id<"thread">
  readonly workflowId?: Id<"workflow">
  readonly workflowVersion?: number
  readonly assistantId?: Id<"assistant">
  readonly turn?: number
  readonly status?: RunStatus
  readonly mode?: "chat" | "production" | "manual"
  readonly usage?: Usage
  readonly result?: RunResult
  readonly responseIds?: readonly Id<"response">[]
  /** Events by append; their numbers rise from 1, and so do the responses' first numbers. */
  readonly appends?: readonly (readonly RunEvent[])[]
}

const isOver = (status: RunStatus): boolean => !["queued", "running", "waiting"].includes(status)
const uuidOrNull = (id: string | undefined): string | null => (id === undefined ? null : uuidOf(id))
const jsonOrNull = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value))

/** Stores a run, completed if nothing else is said, with its responses and events. */
export async function storeRun(test: TestContext, run: StoredRun = {}): Promise<Id<"run">> {
  const { cx = test.cx, status = "completed" } = run
  const id = cx.ids.next("run")
  const at = new Date(cx.clock.nowMs())
  await test.sql.rows({
    text: `INSERT INTO runs (id, organization_id, workflow_id, workflow_version, assistant_id, thread_id, turn, status, mode,
             created_at, started_at, finished_at, usage, result)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    values: [
      uuidOf(id),
      uuidOf(cx.principal.organizationId),
      uuidOrNull(run.workflowId),
      run.workflowVersion ?? null,
      uuidOrNull(run.assistantId),
      uuidOrNull(run.threadId),
      run.turn ?? null,
      status,
      run.mode ?? "chat",
      at,
      status === "queued" ? null : at,
      isOver(status) ? at : null,
      jsonOrNull(run.usage),
      jsonOrNull(run.result),
    ],
  })
  for (const [place, responseId] of (run.responseIds ?? []).entries()) {
    await test.sql.rows({
      text: "INSERT INTO responses (id, organization_id, run_id, first_seq) VALUES ($1, $2, $3, $4)",
      values: [uuidOf(responseId), uuidOf(cx.principal.organizationId), uuidOf(id), place + 1],
    })
  }
  await storeEvents(test, id, run.appends ?? [])
  return id
}

/** Stores a run's log from number 1 on. */
async function storeEvents(
  test: TestContext,
  runId: Id<"run">,
  appends: readonly (readonly RunEvent[])[],
): Promise<void> {
  let first = 1
  for (const events of appends) {
    const count = events.reduce((sum, event) => sum + numbersOf(event), 0)
    await test.sql.rows({
      text: "INSERT INTO events (run_id, seq, n, body) VALUES ($1, $2, $3, $4)",
      values: [uuidOf(runId), first, count, JSON.stringify(events)],
    })
    first += count
  }
}
