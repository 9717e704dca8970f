/** The calls of talking (the HTTP contract, §5). */
import { z } from "zod"
import { cancelAnswer, modelResponseAnswer, modelResponseBody } from "./model-response.ts"
import { route } from "./route.ts"
import { queryInteger } from "./text.ts"

const tag = "Responses"
const responseParameter = { response_id: { noun: "response", missing: "RESPONSE_NOT_FOUND" } } as const

/** What a turn can end with, in either form. */
const turnErrors = [
  "ORGANIZATION_ACCESS_DENIED",
  "UNSUPPORTED_PARAMETER",
  "ASSISTANT_NOT_FOUND",
  "ASSISTANT_INACTIVE",
  "ASSISTANT_API_DISABLED",
  "THREAD_NOT_FOUND",
  "THREAD_ASSISTANT_LOCKED",
  "THREAD_BUSY",
  "MESSAGE_NOT_FOUND",
  "RESPONSE_NOT_FOUND",
  "WORKFLOW_INACTIVE",
  "FREDDY_LLM_NODE_REQUIRED",
  "PRIMARY_NODE_REQUIRED",
  "PRIMARY_NODE_NOT_FOUND",
  "PRIMARY_NODE_INVALID_TYPE",
  "MODEL_NOT_FOUND",
  "CONTEXT_TOO_LONG",
  "NODE_FAILED",
  "MODEL_REFUSED",
  "MODEL_ERROR",
  "MODEL_UNAVAILABLE",
  "MODEL_TIMEOUT",
] as const

/** `POST /v1/model/response` (documented). */
export const createModelResponseRoute = route({
  id: "createModelResponse",
  method: "POST",
  path: "/v1/model/response",
  summary: "Talk: one turn of a conversation",
  description:
    "Without `thread_id` a new conversation is begun and its id given back. With `stream: true` the answer comes as " +
    "server-sent events: `data: {JSON with event}` with a rising `id:`, and `data: [DONE]` at the end. A stream that broke " +
    "off can be read on from any number; the turn goes on without a reader.",
  tag,
  scopes: ["chat"],
  params: {},
  query: z.object({}),
  unknownQuery: "ignore",
  body: modelResponseBody,
  answers: {
    200: { description: "The answer, or its frames as they come", schema: modelResponseAnswer, stream: true },
  },
  errors: turnErrors,
  idempotency: "run",
})

/** `GET /v1/model/response/{response_id}` (ours). */
export const getModelResponseRoute = route({
  id: "getModelResponse",
  method: "GET",
  path: "/v1/model/response/{response_id}",
  summary: "Read the answer of a turn",
  description: "While the turn is under way its status is `in_progress`. A failed one is 200 with `status: failed`.",
  tag,
  scopes: ["chat"],
  params: responseParameter,
  query: z.object({}),
  unknownQuery: "refuse",
  body: null,
  answers: { 200: { description: "The answer", schema: modelResponseAnswer } },
  errors: ["RESPONSE_NOT_FOUND"],
  idempotency: "none",
})

/** `GET /v1/model/response/{response_id}/events` (ours). */
export const streamModelResponseRoute = route({
  id: "streamModelResponse",
  method: "GET",
  path: "/v1/model/response/{response_id}/events",
  summary: "Read the frames of a turn again, from any number",
  description:
    "Every frame with a number above `starting_after` or the header `Last-Event-ID` (which counts where both are given), " +
    "the same bytes as the first time, then live to the end.",
  tag,
  scopes: ["chat"],
  params: responseParameter,
  query: z.object({
    starting_after: queryInteger(0, Number.MAX_SAFE_INTEGER).default(0),
    include: z
      .string()
      .transform((text) => text.split(","))
      .pipe(z.array(z.enum(["nodes", "wait"])))
      .optional(),
  }),
  unknownQuery: "refuse",
  body: null,
  answers: { 200: { description: "The frames", schema: null, stream: true } },
  errors: ["RESPONSE_NOT_FOUND"],
  idempotency: "none",
})

/** `POST /v1/model/response/{thread_id}/cancel` (documented). */
export const cancelModelResponseRoute = route({
  id: "cancelModelResponse",
  method: "POST",
  path: "/v1/model/response/{thread_id}/cancel",
  summary: "Cancel the active turn of a thread",
  description:
    "Within five seconds of its beginning the turn is taken back with both messages (`quick_edit`); later the user's " +
    "message and what was said so far stay (`keep_partial`).",
  tag,
  scopes: ["chat"],
  params: { thread_id: { noun: "thread", missing: "THREAD_NOT_FOUND" } },
  query: z.object({}),
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "Cancelled", schema: cancelAnswer } },
  errors: ["THREAD_NOT_FOUND", "RESOURCE_NOT_FOUND"],
  idempotency: "after",
})
