/** Stored pauses, as services read and answer them. The owner stores them with the run that waits (see `ports/owner`). */
import type { PauseAudience, PauseChoice, PauseKind } from "@brevet/core/graph/pauses/pause"
import type { Id } from "@brevet/core/ids"
import type { JsonObject, JsonValue } from "@brevet/core/json"

/** The status of a pause. */
export type PauseStatus = "open" | "answered" | "expired" | "cancelled"

/** A pause. `answer` is null unless it was answered. */
export type PauseRecord = {
  readonly id: Id<"pause">
  readonly organizationId: Id<"organization">
  readonly runId: Id<"run">
  readonly threadId: Id<"thread"> | null
  readonly turn: number | null
  readonly node: string
  readonly kind: PauseKind
  readonly audience: PauseAudience
  readonly title: string | null
  readonly message: string | null
  readonly schema: JsonObject | null
  readonly choices: readonly PauseChoice[] | null
  readonly details: JsonObject
  /** The place of its question in its turn. */
  readonly ordinal: number | null
  readonly status: PauseStatus
  readonly createdAtMs: number
  readonly expiresAtMs: number | null
  /** When it was left. */
  readonly answeredAtMs: number | null
  readonly answeredBy: string | null
  readonly answer: JsonValue
  /** The response that goes on with the answer. */
  readonly responseId: Id<"response"> | null
}

/** Which pauses of an organization are listed, newest first. */
export type PauseListFilter = {
  readonly organizationId: Id<"organization">
  readonly status?: PauseStatus
  readonly threadId?: Id<"thread">
  readonly assistantId?: Id<"assistant">
  readonly runId?: Id<"run">
  readonly limit: number
  readonly offset: number
}

/** What is brought to a pause, through which door. `responseId`: the response that goes on with it, where it is a turn's. */
export type PauseAnswering = {
  readonly pauseId: Id<"pause">
  readonly answer: JsonValue
  readonly by: string
  readonly via: "api" | "chat" | "link" | "tool" | "webhook"
  readonly responseId: Id<"response">
  /** The message that it was said with; null where nothing was said. */
  readonly replyMessageId: Id<"message"> | null
}

/** A message that is said to a question. */
export type QuestionReply = {
  readonly pauseId: Id<"pause">
  readonly messageId: Id<"message">
  readonly content: string
  readonly atMs: number
}

/** The functions of the pauses' table. */
export interface PauseTable {
  find(organizationId: Id<"organization">, id: Id<"pause">): Promise<PauseRecord | null>
  /** By its id alone: for whoever shows a link that was signed for it. */
  findLinked(id: Id<"pause">): Promise<PauseRecord | null>
  list(filter: PauseListFilter): Promise<{ readonly records: readonly PauseRecord[]; readonly total: number }>
  /** The open pauses of a thread, the oldest first. */
  listOpen(threadId: Id<"thread">): Promise<readonly PauseRecord[]>
  /**
   * Answers a pause that is open and whose time has not passed, and makes its run due, in one statement. Null where it is
   * not open any more, or its run is to end. Whoever calls wakes the runtime afterwards.
   */
  answer(answering: PauseAnswering): Promise<PauseRecord | null>
  /** Stores what was said to a question behind it, and counts it. To be called within a transaction. */
  addReply(reply: QuestionReply): Promise<void>
}
