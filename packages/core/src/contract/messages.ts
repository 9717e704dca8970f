/** Messages of threads on the wire (the HTTP contract, §5; documented). Times are ISO 8601. */
import { z } from "zod"
import { stripMarkdown } from "../graph/markdown.ts"
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { toIso } from "../time.ts"
import { cursorLimit, cursorPageAnswer, cursorQuery } from "./cursor-page.ts"
import { metadataField } from "./metadata.ts"
import { route } from "./route.ts"

/** Who speaks. */
export type MessageRole = "user" | "assistant" | "system" | "tool"

/** In which form the text of answers is given (documented). `blocks` is another word for `structured`. */
const messageOutputModes = ["text", "plain", "blocks", "structured"] as const

/** A form of answers. */
export type MessageOutputMode = (typeof messageOutputModes)[number]

const freeObjects = z.array(z.record(z.string(), z.unknown())).nullable()

const messageShape = {
  id: z.string(),
  created_at: z.string(),
  thread_id: z.string(),
  role: z.enum(["user", "assistant", "system", "tool"]),
  content: z.string(),
  attachments: freeObjects,
  metadata: z.record(z.string(), z.unknown()),
  tool_calls: freeObjects,
  iterations: freeObjects,
  response_blocks: freeObjects,
}

/** A message. `iterations` is null until reasoning is kept. */
export const messageAnswer = z.object(messageShape).meta({ id: "Message" })

/** A message after a change. */
export const updatedMessageAnswer = z.object({ ...messageShape, updated_at: z.string() }).meta({ id: "UpdatedMessage" })

/** What a message is shown from. `content` is a text, or parts, or an object for a tool's result. */
export type MessageView = {
  readonly id: string
  readonly threadId: string
  readonly role: MessageRole
  readonly content: JsonValue
  readonly toolCalls: JsonValue
  readonly metadata: JsonObject
  readonly createdAtMs: number
  readonly updatedAtMs: number | null
}

/** The text of a stored content: itself, the texts of its parts, else its JSON. */
export function textOfContent(content: JsonValue): string {
  if (typeof content === "string") return content
  if (Array.isArray(content)) return content.map((part: JsonValue) => textOfContent(part)).join("\n")
  if (isJsonObject(content) && typeof content.text === "string") return content.text
  return JSON.stringify(content)
}

/** A message in wire form. Only answers have forms: what people wrote is given as they wrote it. */
export function presentMessage(
  message: MessageView,
  outputMode: MessageOutputMode = "text",
): JsonObject & { readonly id: string } {
  const text = textOfContent(message.content)
  const isAnswer = message.role === "assistant"
  const toolCalls = Array.isArray(message.toolCalls) ? (message.toolCalls as readonly JsonObject[]) : null
  const isStructured = outputMode === "blocks" || outputMode === "structured"
  return {
    id: message.id,
    created_at: toIso(message.createdAtMs),
    thread_id: message.threadId,
    role: message.role,
    content: isAnswer && outputMode === "plain" ? stripMarkdown(text) : text,
    attachments: [],
    metadata: message.metadata,
    tool_calls: isAnswer ? toolCalls : null,
    iterations: null,
    response_blocks: isAnswer && isStructured ? blocksOf(text, toolCalls ?? []) : null,
  }
}

/** A changed message in wire form. */
export function presentUpdatedMessage(message: MessageView): JsonObject {
  return { ...presentMessage(message), updated_at: toIso(message.updatedAtMs ?? message.createdAtMs) }
}

function blocksOf(text: string, toolCalls: readonly JsonObject[]): JsonObject[] {
  const calls = toolCalls.map((call) => ({ type: "tool_call", ...call }))
  return text === "" ? calls : [{ type: "text", text }, ...calls]
}

const tag = "Messages"
const threadParams = { thread_id: { noun: "thread", missing: "THREAD_NOT_FOUND" } } as const
const params = { ...threadParams, message_id: { noun: "message", missing: "MESSAGE_NOT_FOUND" } } as const
const noQuery = z.object({})

/** `GET /v1/threads/{thread_id}/messages` (documented). */
export const listMessagesRoute = route({
  id: "listMessages",
  method: "GET",
  path: "/v1/threads/{thread_id}/messages",
  summary: "List the messages of a thread",
  description:
    "Oldest first unless `order=desc`; an answer stands directly after its question. `output_mode` changes how answers " +
    "are given: `plain` strips Markdown, `structured` (or `blocks`) adds `response_blocks`.",
  tag,
  scopes: ["chat"],
  params: threadParams,
  query: z.object({
    limit: cursorLimit,
    order: z.enum(["asc", "desc"]).default("asc"),
    ...cursorQuery("message"),
    output_mode: z.enum(messageOutputModes).default("text"),
  }),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "A page of messages",
      schema: z.object({ ...cursorPageAnswer, data: z.array(messageAnswer) }),
    },
  },
  errors: ["THREAD_NOT_FOUND"],
  idempotency: "none",
})

/** The body of a change: `content: null` empties the text, metadata is merged, `metadata: null` removes it. */
export const messageUpdateBody = z.strictObject({ content: z.string().nullish(), metadata: metadataField.nullish() })

/** A parsed change. */
export type MessageUpdate = z.output<typeof messageUpdateBody>

/** `PATCH /v1/threads/{thread_id}/messages/{message_id}` (documented). */
export const updateMessageRoute = route({
  id: "updateMessage",
  method: "PATCH",
  path: "/v1/threads/{thread_id}/messages/{message_id}",
  summary: "Change the text or the metadata of a message",
  description:
    "Later turns see the new text; nothing runs again. `metadata` is merged: a pair whose value is null is removed. What " +
    "the server noted about a turn (its run, a failure) stays.",
  tag,
  scopes: ["chat"],
  params,
  query: noQuery,
  unknownQuery: "ignore",
  body: messageUpdateBody,
  answers: { 200: { description: "The message", schema: updatedMessageAnswer } },
  errors: ["THREAD_NOT_FOUND", "MESSAGE_NOT_FOUND"],
  idempotency: "none",
})

/** `DELETE /v1/threads/{thread_id}/messages/{message_id}` (documented: 200). */
export const deleteMessageRoute = route({
  id: "deleteMessage",
  method: "DELETE",
  path: "/v1/threads/{thread_id}/messages/{message_id}",
  summary: "Delete a message; later turns do not see it",
  tag,
  scopes: ["chat"],
  params,
  query: noQuery,
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "Deleted",
      schema: z.object({ id: z.string(), deleted: z.literal(true), object: z.literal("thread.message.deleted") }),
    },
  },
  errors: ["THREAD_NOT_FOUND", "MESSAGE_NOT_FOUND"],
  idempotency: "none",
})
