/** Executing a workflow (the HTTP contract, §2; ours). */
import { z } from "zod"
import type { FieldFault } from "../errors.ts"
import type { RunPause } from "../graph/pauses/pause.ts"
import type { JsonObject } from "../json.ts"
import { leadingPause, presentOpenPause, shownPauseAnswer } from "./pauses.ts"
import { route } from "./route.ts"
import { type RunStatus, runAnswer, runStatuses } from "./runs.ts"

/** Items of one request (ours): the bound of one output. */
const itemsMax = 100_000

const itemField = z.strictObject({
  json: z.record(z.string(), z.unknown()),
  binary: z.record(z.string(), z.unknown()).optional(),
})

/** The body of an execution. */
export const executeBody = z.strictObject({
  /** One item's json. */
  inputs: z.record(z.string(), z.unknown()).nullish(),
  items: z.array(itemField).max(itemsMax).nullish(),
  return_mode: z.enum(["wait", "poll", "stream"]).nullish(),
  version: z.number().int().min(1).max(2_147_483_647).nullish(),
  mode: z.enum(["production", "manual"]).nullish(),
  until_node: z.string().nullish(),
  pin_data: z.record(z.string(), z.unknown()).nullish(),
})

/** A parsed body. */
export type ExecuteBody = z.output<typeof executeBody>

/** What is wrong with fields together. */
export function findExecuteFaults({ inputs, items }: ExecuteBody): FieldFault[] {
  const both = inputs !== null && inputs !== undefined && items !== null && items !== undefined
  return both ? [{ field: "items", message: "cannot be given together with inputs", code: "invalid" }] : []
}

/** The first field that does not work yet; null where there is none. */
export function findUnsupportedExecuteField(body: ExecuteBody): string | null {
  if (body.until_node !== null && body.until_node !== undefined) return "until_node"
  if (body.pin_data !== null && body.pin_data !== undefined) return "pin_data"
  return body.items?.some(({ binary }) => binary !== undefined) === true ? "items" : null
}

/** A run that goes on, or waits, in wire form. */
export function presentAcceptedRun({
  runId,
  status,
  pauses,
}: {
  readonly runId: string
  readonly status: RunStatus
  readonly pauses: readonly RunPause[]
}): JsonObject {
  const pause = leadingPause(pauses)
  return { run_id: runId, status, ...(pause === null ? {} : { pause: presentOpenPause(pause) }) }
}

const executeErrors = [
  "WORKFLOW_NOT_FOUND",
  "WORKFLOW_INACTIVE",
  "RESOURCE_NOT_FOUND",
  "UNSUPPORTED_PARAMETER",
  "NODE_FAILED",
  "RUN_CANCELLED",
  "CONTEXT_TOO_LONG",
  "MODEL_NOT_FOUND",
  "MODEL_REFUSED",
  "MODEL_ERROR",
  "MODEL_UNAVAILABLE",
  "MODEL_TIMEOUT",
] as const

/** `POST /v1/workflows/{workflow_id}/execute`. */
export const executeWorkflowRoute = route({
  id: "executeWorkflow",
  method: "POST",
  path: "/v1/workflows/{workflow_id}/execute",
  summary: "Run a workflow",
  description:
    "Starts at manualTrigger, else at executeWorkflowTrigger, else as a chat turn would, with `inputs` as one item's json, " +
    "or `items`, or one empty item. `wait` answers with the run once it has ended, or 202 where it takes longer; `poll` " +
    "answers 202 at once; `stream` gives the run's events. The newest version runs unless `version` names one.",
  tag: "Workflows",
  scopes: ["runs:write"],
  params: { workflow_id: { noun: "workflow", missing: "WORKFLOW_NOT_FOUND" } },
  query: z.object({}),
  unknownQuery: "refuse",
  body: executeBody,
  answers: {
    200: { description: "The run with its output, or its events", schema: runAnswer, stream: true },
    202: {
      description: "The run goes on",
      schema: z.object({ run_id: z.string(), status: z.enum(runStatuses), pause: shownPauseAnswer.optional() }),
    },
  },
  errors: executeErrors,
  idempotency: "run",
})
