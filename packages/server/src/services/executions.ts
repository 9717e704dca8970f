/** Executions: runs of a workflow that belong to no conversation (the HTTP contract, §2 "execute"). */
import { Refusal } from "@brevet/core/errors"
import { executeEntry } from "@brevet/core/graph/entry"
import type { RunCreated } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import type { Item } from "@brevet/core/graph/items"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { GraphSource } from "../ports/graph-source.ts"
import type { IdempotencyMark } from "../ports/owner.ts"
import type { Listener, NewRun } from "../ports/runs.ts"
import { findMark } from "./idempotency.ts"
import { getWorkflow } from "./workflows.ts"

/** What is to run. `version` null: the newest. */
export type ExecutionRequest = {
  readonly workflowId: Id<"workflow">
  readonly version: number | null
  readonly items: readonly Item[]
  readonly mode: "production" | "manual"
}

/** How it is started, see `StartOptions`. */
export type ExecutionOptions = {
  readonly idempotency: IdempotencyMark | null
  readonly listener?: Listener
  readonly commit: "first" | "effect"
}

/** A run that was started; `isReplay`: by a request with the same idempotency key, which was first. */
export type StartedExecution = { readonly runId: Id<"run">; readonly isReplay: boolean }

/**
 * Starts an execution. Throws WORKFLOW_NOT_FOUND, WORKFLOW_INACTIVE, RESOURCE_NOT_FOUND for a version that does not
 * exist, and IDEMPOTENCY_KEY_REUSED.
 */
export async function startExecution(
  cx: Context,
  graphs: GraphSource,
  { request, options }: { readonly request: ExecutionRequest; readonly options: ExecutionOptions },
): Promise<StartedExecution> {
  const workflow = await getWorkflow(cx, request.workflowId)
  if (!workflow.isActive) throw new Refusal("WORKFLOW_INACTIVE", { details: { workflow_id: workflow.id } })
  const version = request.version ?? workflow.version
  if (version > workflow.version) {
    throw new Refusal("RESOURCE_NOT_FOUND", { message: `The workflow has no version ${version}.` })
  }
  const graph = await graphs.load(workflow.id, version)
  const { idempotency, ...start } = options
  const underWay = await cx.runs.start(planExecution(cx, { request, graph, version, idempotency }), start)
  if (underWay !== null) return { runId: underWay.runId, isReplay: false }
  const first = idempotency === null ? null : await findMark(cx, idempotency)
  if (first !== null && "run" in first && first.run.runId !== null) return { runId: first.run.runId, isReplay: true }
  // This process has just been declared dead, or the run that was first has made room again: the same request may come again.
  throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
}

function planExecution(
  cx: Context,
  parts: {
    readonly request: ExecutionRequest
    readonly graph: Graph
    readonly version: number
    readonly idempotency: IdempotencyMark | null
  },
): NewRun {
  const { request, graph, version, idempotency } = parts
  const { organizationId } = cx.principal
  const runId = cx.ids.next("run")
  const atMs = cx.clock.nowMs()
  const created: RunCreated = {
    type: "run-created",
    v: 1,
    at: atMs,
    traceId: cx.traceId,
    mode: request.mode,
    workflowId: request.workflowId,
    workflowVersion: version,
    start: executeEntry(graph, null).start?.name ?? "",
    items: request.items,
    seed: seedOf(runId),
    depth: 0,
    turn: null,
  }
  return {
    runId,
    graph,
    created,
    messages: [],
    history: null,
    start: {
      organizationId,
      generation: null,
      requestHash: null,
      workflowId: request.workflowId,
      workflowVersion: version,
      assistantId: null,
      parentRunId: null,
      retryOf: null,
      responseId: null,
      mode: request.mode,
      thread: null,
      idempotency,
      createdAtMs: atMs,
    },
  }
}

/** The seed of a run's random source: the random end of its id, so that it needs no source of its own. */
export function seedOf(runId: Id<"run">): number {
  return Number.parseInt(runId.slice(-8), 16)
}
