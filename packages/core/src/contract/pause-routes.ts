/** The calls of pauses (the HTTP contract, §6; ours). */
import { z } from "zod"
import { queryId } from "./cursor-page.ts"
import { pauseAnswer, pauseStatuses } from "./pauses.ts"
import { route } from "./route.ts"
import { listLimit, listOffset } from "./text.ts"

const tag = "Pauses"
const params = { pause_id: { noun: "pause", missing: "PAUSE_NOT_FOUND" } } as const
const reading = {
  method: "GET",
  tag,
  scopes: ["runs:read"],
  unknownQuery: "refuse",
  body: null,
  idempotency: "none",
} as const

/** `GET /v1/pauses`. */
export const listPausesRoute = route({
  ...reading,
  id: "listPauses",
  path: "/v1/pauses",
  summary: "List what runs wait for, newest first",
  params: {},
  query: z.object({
    status: z.enum(pauseStatuses).optional(),
    thread_id: queryId("thread").optional(),
    assistant_id: queryId("assistant").optional(),
    run_id: queryId("run").optional(),
    limit: listLimit,
    offset: listOffset,
  }),
  answers: {
    200: {
      description: "A page of pauses",
      schema: z.object({
        pauses: z.array(pauseAnswer),
        total: z.number().int(),
        limit: z.number().int(),
        offset: z.number().int(),
      }),
    },
  },
  errors: [],
})

/** `GET /v1/pauses/{pause_id}`. */
export const getPauseRoute = route({
  ...reading,
  id: "getPause",
  path: "/v1/pauses/{pause_id}",
  summary: "Read a pause",
  params,
  query: z.object({}),
  answers: { 200: { description: "The pause", schema: pauseAnswer } },
  errors: ["PAUSE_NOT_FOUND"],
})

/** `POST /v1/pauses/{pause_id}/answer`. */
export const answerPauseRoute = route({
  id: "answerPause",
  method: "POST",
  path: "/v1/pauses/{pause_id}/answer",
  summary: "Answer a pause; its run goes on",
  description:
    "The first valid answer wins; the same answer again is answered as the first one was. With the scope `chat` alone only " +
    "questions and forms of the chat can be answered.",
  tag,
  scopes: [],
  anyScope: ["chat", "runs:write"],
  params,
  query: z.object({}),
  unknownQuery: "refuse",
  body: z.strictObject({ answer: z.unknown().refine((value) => value !== undefined, { message: "is needed" }) }),
  answers: { 200: { description: "The pause, answered", schema: pauseAnswer } },
  errors: [
    "PAUSE_NOT_FOUND",
    "PAUSE_NOT_ANSWERABLE",
    "PAUSE_ANSWER_INVALID",
    "PAUSE_ALREADY_ANSWERED",
    "PAUSE_EXPIRED",
    "PAUSE_CANCELLED",
  ],
  idempotency: "after",
})
