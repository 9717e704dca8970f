/** Messages of threads: list, change, delete. They are added by turns. */

import type { MessageUpdate } from "@brevet/core/contract/messages"
import { findMetadataFault, mergeMetadata } from "@brevet/core/contract/metadata"
import { invalidFields, Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import { type JsonObject, jsonEqual } from "@brevet/core/json"
import type { Context } from "../ports/context.ts"
import type { MessagePlace, MessageRecord } from "../ports/message-table.ts"
import { getThread } from "./threads.ts"

/** Which part of a thread's messages is wanted (documented). */
export type MessageQuery = {
  readonly threadId: Id<"thread">
  readonly order: "asc" | "desc"
  readonly after?: Id<"message">
  readonly before?: Id<"message">
  readonly limit: number
}

/** Which message is meant. */
export type MessageTarget = { readonly threadId: Id<"thread">; readonly messageId: Id<"message"> }

/** A page of messages. `hasMore`: in the direction of reading. */
export type MessagePage = { readonly records: readonly MessageRecord[]; readonly hasMore: boolean }

/** A page of a thread's messages. Throws THREAD_NOT_FOUND, and VALIDATION_ERROR for a cursor that names no message of it. */
export async function listMessages(cx: Context, query: MessageQuery): Promise<MessagePage> {
  const { threadId, order, limit } = query
  await getThread(cx, threadId)
  const after = await findPlace(cx, query, "after")
  const before = await findPlace(cx, query, "before")
  // What precedes a message is read backward, from that message on.
  const isBackward = after === undefined && before !== undefined
  const bounds = isBackward
    ? { after: before }
    : { ...(after === undefined ? {} : { after }), ...(before === undefined ? {} : { before }) }
  const direction = isBackward === (order === "desc") ? "asc" : "desc"
  const found = await cx.store.messages.list(threadId, { ...bounds, direction, limit: limit + 1 })
  const records = found.slice(0, limit)
  return { records: isBackward ? records.reverse() : records, hasMore: found.length > limit }
}

async function findPlace(
  cx: Context,
  query: MessageQuery,
  field: "after" | "before",
): Promise<MessagePlace | undefined> {
  const id = query[field]
  if (id === undefined) return undefined
  const place = await cx.store.messages.findPlace(query.threadId, id)
  if (place === null) throw invalidFields([{ field, message: "names no message of the thread", code: "invalid" }])
  return place
}

/**
 * Changes the text or the metadata of a message (documented; metadata is merged). Nothing runs again. Saying what is there
 * already changes nothing but the time. Throws THREAD_NOT_FOUND, MESSAGE_NOT_FOUND, and VALIDATION_ERROR for too much
 * metadata in the end.
 */
export async function updateMessage(
  cx: Context,
  { threadId, messageId }: MessageTarget,
  update: MessageUpdate,
): Promise<MessageRecord> {
  await getThread(cx, threadId)
  const message = await cx.store.messages.find(threadId, messageId)
  if (message === null) throw new Refusal("MESSAGE_NOT_FOUND")
  const metadata = changedMetadata(message, update.metadata)
  const fields = {
    ...(update.content === undefined ? {} : { content: update.content ?? "" }),
    ...(metadata === undefined ? {} : { metadata }),
  }
  if (Object.keys(fields).length === 0) return message
  const written = await cx.store.messages.update({ threadId, id: messageId }, fields, { atMs: cx.clock.nowMs() })
  if (written === null) throw new Refusal("MESSAGE_NOT_FOUND")
  return written
}

/** What the server notes with a message about its turn (documented in part): facts, which nobody changes. */
const ownKeys = ["status", "error_code", "run_id", "pause_id"]

function changedMetadata(message: MessageRecord, over: MessageUpdate["metadata"]): JsonObject | undefined {
  if (over === undefined) return undefined
  const before = message.metadata
  const isOurs = "run_id" in before || "pause_id" in before
  const noted = Object.fromEntries(Object.entries(before).filter(([key]) => isOurs && ownKeys.includes(key)))
  // Our notes come first and keep their order, whatever is laid over them.
  const merged = { ...noted, ...mergeMetadata(over === null ? {} : before, over ?? {}), ...noted }
  const fault = findMetadataFault(merged)
  if (fault !== null) throw invalidFields([{ field: "metadata", message: fault.message, code: "too_big" }])
  return jsonEqual(merged, before) ? undefined : merged
}

/** Deletes a message (documented; its row stays). Throws THREAD_NOT_FOUND and MESSAGE_NOT_FOUND. */
export async function deleteMessage(cx: Context, { threadId, messageId }: MessageTarget): Promise<void> {
  await getThread(cx, threadId)
  const isDeleted = await cx.store.messages.softDelete({ threadId, id: messageId }, { atMs: cx.clock.nowMs() })
  if (!isDeleted) throw new Refusal("MESSAGE_NOT_FOUND")
}
