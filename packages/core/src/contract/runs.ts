/** Runs and their nodes on the wire (the HTTP contract, §6; ours). Times are ISO 8601. */
import { z } from "zod"
import { errorCatalogue } from "../errors.ts"
import type { Usage } from "../graph/events.ts"
import type { RunResult } from "../graph/run-result.ts"
import type { ExecutionView, NodeView } from "../graph/run-view.ts"
import type { JsonObject } from "../json.ts"
import { toIso, toIsoOrNull } from "../time.ts"
import { errorObject } from "./error-envelope.ts"
import { leadingPause, presentOpenPause, shownPauseAnswer } from "./pauses.ts"
import { presentConsole, presentOutputs, presentUsage } from "./run-events.ts"

/** The statuses of a run. */
export const runStatuses = ["queued", "running", "waiting", "completed", "failed", "cancelled"] as const

/** A status of a run. */
export type RunStatus = (typeof runStatuses)[number]

const usageAnswer = z.object({
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  total_tokens: z.number().int(),
})

const itemJson = z.record(z.string(), z.unknown())

/** A run. `error` is an error of the envelope. */
export const runAnswer = z
  .object({
    id: z.string(),
    workflow_id: z.string().nullable(),
    workflow_version: z.number().int().nullable(),
    assistant_id: z.string().nullable(),
    thread_id: z.string().nullable(),
    parent_run_id: z.string().nullable(),
    retry_of: z.string().nullable(),
    status: z.enum(runStatuses),
    mode: z.enum(["chat", "production", "manual"]),
    created_at: z.string(),
    started_at: z.string().nullable(),
    finished_at: z.string().nullable(),
    usage: usageAnswer.nullable(),
    output: z.array(itemJson).nullable(),
    text: z.string().nullable(),
    error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
    pause: shownPauseAnswer.nullable(),
    responses: z.array(z.string()),
  })
  .meta({ id: "Run" })

/** What a run is shown from. `usage` and `result` are there once it has ended. */
export type RunSummaryView = {
  readonly id: string
  readonly workflowId: string | null
  readonly workflowVersion: number | null
  readonly assistantId: string | null
  readonly threadId: string | null
  readonly parentRunId: string | null
  readonly retryOf: string | null
  readonly status: RunStatus
  readonly mode: "chat" | "production" | "manual"
  readonly createdAtMs: number
  readonly startedAtMs: number | null
  readonly finishedAtMs: number | null
  readonly usage: Usage | null
  readonly result: RunResult | null
  readonly responseIds: readonly string[]
}

/** A run with the `json` of its answering node's items, which are not kept with its row. */
export type RunView = RunSummaryView & { readonly output: readonly JsonObject[] | null }

/** A run in wire form. */
export function presentRun(run: RunView): JsonObject {
  return { ...presentRunSummary(run), output: run.output }
}

/** A run as lists show it: its `output` is null, whoever needs it reads the run. */
export function presentRunSummary(run: RunSummaryView): JsonObject {
  return {
    id: run.id,
    workflow_id: run.workflowId,
    workflow_version: run.workflowVersion,
    assistant_id: run.assistantId,
    thread_id: run.threadId,
    parent_run_id: run.parentRunId,
    retry_of: run.retryOf,
    status: run.status,
    mode: run.mode,
    created_at: toIso(run.createdAtMs),
    started_at: toIsoOrNull(run.startedAtMs),
    finished_at: toIsoOrNull(run.finishedAtMs),
    usage: run.usage === null ? null : presentUsage(run.usage),
    output: null,
    text: run.result?.text ?? null,
    error: presentError(run),
    pause: run.status === "waiting" ? presentWaiting(run.result) : null,
    responses: run.responseIds,
  }
}

function presentWaiting(result: RunResult | null): JsonObject | null {
  const pause = leadingPause(result?.pauses ?? [])
  return pause === null ? null : presentOpenPause(pause)
}

/** The error of a run that failed, and of one that was cancelled, whose cause stands in the details. */
function presentError({ id, result }: RunSummaryView): JsonObject | null {
  if (result === null) return null
  const occasion = { traceId: result.traceId, atMs: result.endedAtMs }
  if (result.error !== null) return errorObject(result.error, occasion)
  if (result.cancelCause === null) return null
  const { message, systemMessage } = errorCatalogue.RUN_CANCELLED
  const details = { run_id: id, cause_code: result.cancelCause }
  return errorObject({ code: "RUN_CANCELLED", message, systemMessage, details }, occasion)
}

const executionStatus = z.enum(["running", "waiting", "completed", "failed", "cancelled"])

const executionShape = {
  index: z.number().int(),
  iteration: z.number().int(),
  status: executionStatus,
  started_at: z.string(),
  duration_ms: z.number().nullable(),
  outputs: z.array(z.array(itemJson)),
  console: z.array(z.object({ level: z.string(), text: z.string() })).optional(),
  error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
}

const nodeShape = { name: z.string(), kind: z.string(), status: executionStatus }

/** A node of a run, with its executions. */
export const runNodeAnswer = z
  .object({ ...nodeShape, executions: z.array(z.object(executionShape)) })
  .meta({ id: "RunNode" })

/** The same with what each execution was given: one list of items per input. */
export const runNodeWithInputsAnswer = z
  .object({
    ...nodeShape,
    executions: z.array(z.object({ ...executionShape, inputs: z.array(z.array(itemJson)) })),
  })
  .meta({ id: "RunNodeWithInputs" })

/** A node of a run in wire form. */
export function presentRunNode(node: NodeView): JsonObject {
  return { ...presentNode(node), executions: node.executions.map(presentExecution) }
}

/** The same with the inputs of its executions. */
export function presentRunNodeWithInputs(node: NodeView): JsonObject {
  const executions = node.executions.map((execution) => ({
    ...presentExecution(execution),
    inputs: presentOutputs(execution.inputs),
  }))
  return { ...presentNode(node), executions }
}

function presentNode({ name, kind, status }: NodeView): JsonObject {
  return { name, kind, status }
}

function presentExecution(execution: ExecutionView): JsonObject {
  const { error } = execution
  const shown =
    error === null ? {} : { error: { code: error.code, message: error.message, details: error.details ?? {} } }
  return {
    index: execution.index,
    iteration: execution.iteration,
    status: execution.status,
    started_at: toIso(execution.startedAtMs),
    duration_ms: execution.durationMs,
    outputs: presentOutputs(execution.outputs),
    ...(execution.console === undefined ? {} : { console: presentConsole(execution.console) }),
    ...shown,
  }
}
