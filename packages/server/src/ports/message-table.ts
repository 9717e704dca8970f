/**
 * Stored messages of threads, in the order of turns. The owner adds them; services read, change and delete them. A change
 * raises the thread's revision, so that no turn starts from what was said before it, and drops the thread's summary.
 */
import type { Id } from "@brevet/core/ids"
import type { JsonObject, JsonValue } from "@brevet/core/json"

/** A message. `content` is a text, or parts, or an object for a tool's result. */
export type MessageRecord = {
  readonly id: Id<"message">
  readonly threadId: Id<"thread">
  readonly runId: Id<"run"> | null
  readonly turn: number
  readonly ordinal: number
  readonly role: "user" | "assistant" | "system" | "tool"
  readonly content: JsonValue
  readonly toolCalls: JsonValue
  readonly metadata: JsonObject
  readonly createdAtMs: number
  readonly updatedAtMs: number | null
}

/** Where a message stands in its thread. */
export type MessagePlace = { readonly turn: number; readonly ordinal: number }

/** A stretch of messages in an order, between two places (exclusive). */
export type MessageStretch = {
  readonly direction: "asc" | "desc"
  readonly after?: MessagePlace
  readonly before?: MessagePlace
  readonly limit: number
}

/** The functions of the messages' table. Only messages that were not deleted are found, but for `findPlace`. */
export interface MessageTable {
  find(threadId: Id<"thread">, id: Id<"message">): Promise<MessageRecord | null>
  /** Also of a message that was deleted, so that a list can be read on from there. */
  findPlace(threadId: Id<"thread">, id: Id<"message">): Promise<MessagePlace | null>
  list(threadId: Id<"thread">, stretch: MessageStretch): Promise<readonly MessageRecord[]>
  /** Writes the fields given. Null where there is no such message, or no such thread, any more. */
  update(
    message: { readonly threadId: Id<"thread">; readonly id: Id<"message"> },
    fields: { readonly content?: JsonValue; readonly metadata?: JsonObject },
    options: { readonly atMs: number },
  ): Promise<MessageRecord | null>
  /** Marks a message deleted and counts it no more. False where there is no such message, or no such thread, any more. */
  softDelete(
    message: { readonly threadId: Id<"thread">; readonly id: Id<"message"> },
    options: { readonly atMs: number },
  ): Promise<boolean>
}
