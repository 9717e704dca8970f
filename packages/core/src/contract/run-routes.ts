/** The calls that read runs, and the one that cancels (the HTTP contract, §6; ours). */
import { z } from "zod"
import { queryId } from "./cursor-page.ts"
import { route } from "./route.ts"
import { runEventAnswer } from "./run-events.ts"
import { runAnswer, runNodeAnswer, runNodeWithInputsAnswer, runStatuses } from "./runs.ts"
import { listLimit, listOffset, queryInteger } from "./text.ts"

const tag = "Runs"
const params = { run_id: { noun: "run", missing: "RUN_NOT_FOUND" } } as const
const noQuery = z.object({})
const reading = {
  method: "GET",
  tag,
  scopes: ["runs:read"],
  unknownQuery: "refuse",
  body: null,
  idempotency: "none",
} as const

/** `GET /v1/runs`. */
export const listRunsRoute = route({
  ...reading,
  id: "listRuns",
  path: "/v1/runs",
  summary: "List runs, newest first",
  description: "The `output` of each is null here; it is shown by the run itself.",
  params: {},
  query: z.object({
    workflow_id: queryId("workflow").optional(),
    assistant_id: queryId("assistant").optional(),
    thread_id: queryId("thread").optional(),
    status: z.enum(runStatuses).optional(),
    limit: listLimit,
    offset: listOffset,
  }),
  answers: {
    200: {
      description: "A page of runs",
      schema: z.object({
        runs: z.array(runAnswer),
        total: z.number().int(),
        limit: z.number().int(),
        offset: z.number().int(),
      }),
    },
  },
  errors: [],
})

/** `GET /v1/runs/{run_id}`. */
export const getRunRoute = route({
  ...reading,
  id: "getRun",
  path: "/v1/runs/{run_id}",
  summary: "Read a run",
  params,
  query: noQuery,
  answers: { 200: { description: "The run", schema: runAnswer } },
  errors: ["RUN_NOT_FOUND"],
})

/** `GET /v1/runs/{run_id}/nodes`. */
export const listRunNodesRoute = route({
  ...reading,
  id: "listRunNodes",
  path: "/v1/runs/{run_id}/nodes",
  summary: "List the nodes of a run in the order of their first execution",
  description:
    "One execution per run of a node: its last attempt. A node is `completed` also where it failed and `onError` let the " +
    "run go on. Nodes that serve another one (models, tools) are not listed.",
  params,
  query: noQuery,
  answers: {
    200: { description: "The nodes that have run", schema: z.object({ nodes: z.array(runNodeAnswer) }) },
  },
  errors: ["RUN_NOT_FOUND", "RUN_EXPIRED"],
})

/** `GET /v1/runs/{run_id}/nodes/{name}`. */
export const getRunNodeRoute = route({
  ...reading,
  id: "getRunNode",
  path: "/v1/runs/{run_id}/nodes/{name}",
  summary: "Read a node of a run, with what it was given",
  params: { ...params, name: "text" },
  query: noQuery,
  answers: { 200: { description: "The node", schema: runNodeWithInputsAnswer } },
  errors: ["RUN_NOT_FOUND", "RESOURCE_NOT_FOUND", "RUN_EXPIRED"],
})

/** Numbers of events reach `(epoch - 1) × 2^32`; the largest number that stays exact bounds them. */
const eventNumber = queryInteger(0, Number.MAX_SAFE_INTEGER)

/** `GET /v1/runs/{run_id}/events`: a page as JSON, or a stream that goes on while the run does. */
export const listRunEventsRoute = route({
  ...reading,
  id: "listRunEvents",
  path: "/v1/runs/{run_id}/events",
  summary: "Read the events of a run",
  description:
    "With `Accept: application/json` a page: the events after `starting_after`, at most `limit`. Otherwise an event " +
    "stream that goes on until the run ends, resumed with `Last-Event-ID` or `starting_after`. Numbers rise with gaps.",
  params,
  query: z.object({
    starting_after: eventNumber.optional(),
    limit: queryInteger(1, 1_000).default(100),
  }),
  answers: {
    200: {
      description: "Events in order; `last_seq` is what the next page starts after",
      schema: z.object({
        events: z.array(runEventAnswer),
        last_seq: z.number().int().nullable(),
        has_more: z.boolean(),
      }),
      stream: true,
    },
  },
  errors: ["RUN_NOT_FOUND", "RUN_EXPIRED"],
})

/** `POST /v1/runs/{run_id}/cancel`. */
export const cancelRunRoute = route({
  id: "cancelRun",
  method: "POST",
  path: "/v1/runs/{run_id}/cancel",
  summary: "Cancel a run",
  description:
    "The run ends at once where it is at work; what was shown stays. The answer is the run as it stands at that moment, " +
    "which may be before its end.",
  tag,
  scopes: ["runs:write"],
  params,
  query: noQuery,
  unknownQuery: "refuse",
  body: null,
  answers: { 200: { description: "The run", schema: runAnswer } },
  errors: ["RUN_NOT_FOUND", "RUN_FINISHED"],
  idempotency: "transaction",
})
