/** Executions: runs of a workflow that belong to no conversation (the HTTP contract, §2 "execute"). */
import { asRefusal, Refusal } from "@brevet/core/errors"
import { executeEntry } from "@brevet/core/graph/entry"
import type { Graph } from "@brevet/core/graph/graph"
import type { Item } from "@brevet/core/graph/items"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { GraphSource } from "../ports/graph-source.ts"
import type { IdempotencyMark } from "../ports/owner.ts"
import type { EndedHere, Listener, NewRun, RestedRun, RunOutcome, RunUnderWay, StartOptions } from "../ports/runs.ts"
import { findMark } from "./idempotency.ts"
import { makeNewRun } from "./new-run.ts"
import type { OrganizationFacts } from "./organization-facts.ts"
import type { ShownRun } from "./runs.ts"
import type { TurnStanding } from "./turns.ts"

/** What is to run. `version` null: the newest. */
export type ExecutionRequest = {
  readonly workflowId: Id<"workflow">
  readonly version: number | null
  readonly items: readonly Item[]
  readonly mode: "production" | "manual"
}

/** How it is started. `listen` is called for each attempt; what it gives is told everything from the first event. */
export type ExecutionOptions = {
  readonly standing: TurnStanding
  readonly idempotency: IdempotencyMark | null
  readonly listen?: () => Listener
  readonly commit: StartOptions["commit"]
}

/**
 * A run that was started: here, where `shown` gives it once it has ended, or null where this process does not end it; or
 * by a request with the same idempotency key, which was first.
 */
export type StartedExecution =
  | { readonly runId: Id<"run">; readonly isReplay: false; shown(): Promise<EndedExecution | null> }
  | { readonly runId: Id<"run">; readonly isReplay: true }

/** An execution that has ended or waits, and how. */
export type EndedExecution = { readonly run: ShownRun; readonly ended: RunOutcome }

/** What executions need beside the context. */
export type ExecutionPorts = { readonly graphs: GraphSource; readonly facts: OrganizationFacts }

/** How often a workflow that changes again and again is looked at again. */
const attemptsMax = 10

/**
 * Starts an execution. What is known of the workflow is kept in memory, and judged by the statement that starts the run:
 * where it has changed since, it is looked at again. Throws WORKFLOW_NOT_FOUND, WORKFLOW_INACTIVE, RESOURCE_NOT_FOUND for
 * a version that does not exist, and IDEMPOTENCY_KEY_REUSED.
 */
export async function startExecution(
  cx: Context,
  ports: ExecutionPorts,
  { request, options }: { readonly request: ExecutionRequest; readonly options: ExecutionOptions },
): Promise<StartedExecution> {
  let at = { cx, standing: options.standing }
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { generation } = at.standing
    const planned = await plan(at.cx, ports, { request, options, generation }).catch(asRefusal)
    if (planned instanceof Refusal) {
      at = await at.standing.renew()
      if (at.standing.generation === generation) throw planned
      continue
    }
    const listener = options.listen?.()
    const start = { commit: options.commit, ...(listener === undefined ? {} : { listener }) }
    const underWay = await at.cx.runs.start(planned, start)
    if (underWay !== null) return started(planned, underWay)
    const first = options.idempotency === null ? null : await findMark(at.cx, options.idempotency)
    if (first !== null && "run" in first && first.run.runId !== null) return { runId: first.run.runId, isReplay: true }
    at = await at.standing.renew()
  }
  throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
}

function started(run: NewRun, { runId, ended }: RunUnderWay): StartedExecution {
  const shown = async (): Promise<EndedExecution | null> => {
    const here = await ended
    return here === null ? null : { run: shownRun(run, here), ended: here }
  }
  return { runId, isReplay: false, shown }
}

/** The run as it would be read from the store. */
function shownRun({ runId, created, start }: NewRun, here: EndedHere | RestedRun): ShownRun {
  const { status, usage, result } = here
  const items = "items" in here ? here.items : []
  return {
    id: runId,
    organizationId: start.organizationId,
    workflowId: start.workflowId,
    workflowVersion: start.workflowVersion,
    assistantId: start.assistantId,
    threadId: null,
    parentRunId: start.parentRunId,
    retryOf: start.retryOf,
    status,
    mode: start.mode,
    createdAtMs: created.at,
    startedAtMs: created.at,
    finishedAtMs: status === "waiting" ? null : result.endedAtMs,
    usage,
    result,
    responseIds: [],
    output: status === "completed" ? items.map(({ json }) => json) : null,
  }
}

async function plan(
  cx: Context,
  { graphs, facts }: ExecutionPorts,
  call: { readonly request: ExecutionRequest; readonly options: ExecutionOptions; readonly generation: number },
): Promise<NewRun> {
  const { request, options, generation } = call
  const { workflowId } = request
  const workflow = await facts.workflow({ organizationId: cx.principal.organizationId, generation }, workflowId)
  if (workflow === null) throw new Refusal("WORKFLOW_NOT_FOUND", { details: { workflow_id: workflowId } })
  if (!workflow.isActive) throw new Refusal("WORKFLOW_INACTIVE", { details: { workflow_id: workflowId } })
  const version = request.version ?? workflow.version
  if (version > workflow.version) {
    throw new Refusal("RESOURCE_NOT_FOUND", { message: `The workflow has no version ${version}.` })
  }
  const graph = await graphs.load(workflowId, version)
  return planExecution(cx, { request, graph, version, generation, idempotency: options.idempotency })
}

function planExecution(
  cx: Context,
  parts: {
    readonly request: ExecutionRequest
    readonly graph: Graph
    readonly version: number
    readonly generation: number
    readonly idempotency: IdempotencyMark | null
  },
): NewRun {
  const { request, graph, version, generation, idempotency } = parts
  return makeNewRun({
    runId: cx.ids.next("run"),
    organizationId: cx.principal.organizationId,
    workflowId: request.workflowId,
    version,
    graph,
    start: executeEntry(graph, null).start?.name ?? "",
    items: request.items,
    mode: request.mode,
    traceId: cx.traceId,
    atMs: cx.clock.nowMs(),
    generation,
    idempotency,
    trigger: null,
  })
}
