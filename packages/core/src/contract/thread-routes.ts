/** The calls of threads (the HTTP contract, §5 and §3.3). */
import { z } from "zod"
import { cursorLimit, cursorPageAnswer, cursorQuery, queryId } from "./cursor-page.ts"
import { route } from "./route.ts"
import { plainText, queryBoolean } from "./text.ts"
import { moveAnswer, pinAnswer, threadAnswer, threadCreateBody, threadNameAnswer, threadUpdateBody } from "./threads.ts"

const tag = "Threads"
const params = { thread_id: { noun: "thread", missing: "THREAD_NOT_FOUND" } } as const
const noQuery = z.object({})
const oneThread = { tag, scopes: ["chat"], params, query: noQuery, unknownQuery: "ignore" } as const

/** `POST /v1/threads` (documented). */
export const createThreadRoute = route({
  id: "createThread",
  method: "POST",
  path: "/v1/threads",
  summary: "Create a thread",
  tag,
  scopes: ["chat"],
  params: {},
  query: noQuery,
  unknownQuery: "ignore",
  body: threadCreateBody,
  answers: { 201: { description: "The thread", schema: threadAnswer } },
  errors: ["ORGANIZATION_ACCESS_DENIED", "ASSISTANT_NOT_FOUND"],
  idempotency: "transaction",
})

/** `GET /v1/threads` (documented). */
export const listThreadsRoute = route({
  id: "listThreads",
  method: "GET",
  path: "/v1/threads",
  summary: "List threads",
  description:
    "Pinned threads come first, the one pinned last at the top; then the others in the order of their making, the " +
    "newest first. Hidden threads (`store: false`) are shown only with `visible_in_ui=false`. `workflow_id` matches " +
    "the tag of a thread and the workflow that it is pinned to.",
  tag,
  scopes: ["chat"],
  params: {},
  query: z.object({
    organization_id: z.string().optional(),
    limit: cursorLimit,
    order: z.enum(["asc", "desc"]).default("desc"),
    ...cursorQuery("thread"),
    assistant_id: queryId("assistant").optional(),
    workflow_id: plainText(255).optional(),
    is_pinned: queryBoolean.optional(),
    visible_in_ui: queryBoolean.default(true),
    include_deleted: queryBoolean.default(false),
    include_total: queryBoolean.default(false),
  }),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "A page of threads; `total` is null unless `include_total` asks for it",
      schema: z.object({
        ...cursorPageAnswer,
        data: z.array(threadAnswer),
        limit: z.number().int(),
        total: z.number().int().nullable(),
      }),
    },
  },
  errors: ["ORGANIZATION_ACCESS_DENIED"],
  idempotency: "none",
})

/** `DELETE /v1/threads` (documented): those of the caller's user. */
export const deleteThreadsRoute = route({
  id: "deleteThreads",
  method: "DELETE",
  path: "/v1/threads",
  summary: "Delete all threads of the caller's user",
  description: "What runs in them is cancelled.",
  tag,
  scopes: ["chat"],
  params: {},
  query: z.object({ organization_id: z.string().optional() }),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "How many were deleted",
      schema: z.object({ deleted: z.number().int(), message: z.string() }),
    },
  },
  errors: ["ORGANIZATION_ACCESS_DENIED"],
  idempotency: "none",
})

/** `GET /v1/threads/{thread_id}` (documented). */
export const getThreadRoute = route({
  ...oneThread,
  id: "getThread",
  method: "GET",
  path: "/v1/threads/{thread_id}",
  summary: "Get a thread",
  body: null,
  answers: { 200: { description: "The thread", schema: threadAnswer } },
  errors: ["THREAD_NOT_FOUND"],
  idempotency: "none",
})

/** `PATCH /v1/threads/{thread_id}` (documented). */
export const updateThreadRoute = route({
  ...oneThread,
  id: "updateThread",
  method: "PATCH",
  path: "/v1/threads/{thread_id}",
  summary: "Change a thread",
  description:
    "Absent fields stay. `metadata` is merged: a pair whose value is null is removed, `metadata: null` removes all. The " +
    "assistant of a thread with messages cannot be changed.",
  body: threadUpdateBody,
  answers: { 200: { description: "The thread", schema: threadAnswer } },
  errors: ["THREAD_NOT_FOUND", "ASSISTANT_NOT_FOUND", "THREAD_ASSISTANT_LOCKED", "VERSION_CONFLICT"],
  idempotency: "none",
})

/** `DELETE /v1/threads/{thread_id}` (documented). */
export const deleteThreadRoute = route({
  ...oneThread,
  id: "deleteThread",
  method: "DELETE",
  path: "/v1/threads/{thread_id}",
  summary: "Delete a thread; its runs and pauses are cancelled",
  body: null,
  answers: { 204: { description: "Deleted", schema: null } },
  errors: ["THREAD_NOT_FOUND", "VERSION_CONFLICT"],
  idempotency: "none",
})

/** `POST /v1/threads/{thread_id}/pin` (documented). */
export const pinThreadRoute = route({
  ...oneThread,
  id: "pinThread",
  method: "POST",
  path: "/v1/threads/{thread_id}/pin",
  summary: "Pin a thread to the top of lists",
  body: null,
  answers: { 200: { description: "Pinned", schema: pinAnswer } },
  errors: ["THREAD_NOT_FOUND"],
  idempotency: "transaction",
})

/** `POST /v1/threads/{thread_id}/unpin` (documented). */
export const unpinThreadRoute = route({
  ...oneThread,
  id: "unpinThread",
  method: "POST",
  path: "/v1/threads/{thread_id}/unpin",
  summary: "Unpin a thread",
  body: null,
  answers: { 200: { description: "Unpinned", schema: pinAnswer } },
  errors: ["THREAD_NOT_FOUND"],
  idempotency: "transaction",
})

/** Messages to find a name for, where the stored ones are not meant (documented). */
const namedMessages = z
  .array(z.looseObject({ role: z.enum(["user", "assistant"]), content: z.string() }))
  .min(1)
  .max(100)

/** `POST /v1/threads/{thread_id}/generateName` (documented). */
export const generateThreadNameRoute = route({
  ...oneThread,
  id: "generateThreadName",
  method: "POST",
  path: "/v1/threads/{thread_id}/generateName",
  summary: "Give a thread a title made from its first messages",
  description:
    "The default model makes it where one is configured; where there is none, or it fails, the title is cut from the " +
    "first user message. With `stream` the title comes as `response.content_delta`, then `response.completed` and " +
    "`[DONE]`.",
  query: z.object({ stream: queryBoolean.default(false) }),
  body: z.strictObject({ messages: namedMessages.nullish(), stream: z.boolean().nullish() }),
  answers: { 200: { description: "The name", schema: threadNameAnswer, stream: true } },
  errors: ["THREAD_NOT_FOUND"],
  idempotency: "transaction",
})

/** `POST /v1/threads/{thread_id}/move` (ours, §3.3). */
export const moveThreadRoute = route({
  ...oneThread,
  unknownQuery: "refuse",
  id: "moveThread",
  method: "POST",
  path: "/v1/threads/{thread_id}/move",
  summary: "Move a thread to another version of its workflow",
  description:
    "Without `workflow_version` to the version that new threads get. A thread that was not pinned is pinned to the " +
    "workflow of its assistant. `dry_run` says what would happen, also while a turn runs, and changes nothing.",
  body: z.strictObject({
    workflow_version: z.number().int().min(1).max(2_147_483_647).nullish(),
    dry_run: z.boolean().nullish(),
  }),
  answers: {
    200: { description: "From which version to which, and what there is to say about it", schema: moveAnswer },
  },
  errors: [
    "THREAD_NOT_FOUND",
    "WORKFLOW_NOT_FOUND",
    "RESOURCE_NOT_FOUND",
    "THREAD_BUSY",
    "FREDDY_LLM_NODE_REQUIRED",
    "PRIMARY_NODE_REQUIRED",
    "PRIMARY_NODE_NOT_FOUND",
    "PRIMARY_NODE_INVALID_TYPE",
  ],
  idempotency: "transaction",
})
