/**
 * Runs that failures start: once for each run that fails and has somebody to tell.
 *
 *     the run fails ── notice kept ── its end stored ── notice claimed ── the other run stored ── notice removed
 *                        └── a crash on the way: whoever sweeps later goes on from there
 *
 * Invariants
 * 1. For one notice at most one run is stored: whoever starts one has claimed the notice for it, and a run that an earlier
 *    claimer stored is looked for first. A claimer that was silent for so long that others sweep may start nothing any more
 *    (`runs` §2, E5).
 * 2. What goes wrong here never touches the run that failed.
 */

import { type ErrorTarget, errorItem, errorStartOf, errorTargetOf } from "@brevet/core/graph/triggers/error-run"
import { type Id, isId } from "@brevet/core/ids"
import type { Ports } from "../ports/context.ts"
import type { ErrorNotice } from "../ports/error-notice-table.ts"
import type { ErrorRuns } from "../ports/error-runs.ts"
import type { GraphSource } from "../ports/graph-source.ts"
import type { RunRecord } from "../ports/run-table.ts"
import type { WorkflowRecord } from "../ports/workflow-table.ts"
import { makeNewRun } from "./new-run.ts"

/** How long a notice is its claimer's alone: far above the silence after which a process is declared dead (milliseconds). */
const claimedMs = 15_000
/** Notices that are gone through at a time. */
const sweepMax = 100

/** What they need. `publicUrl`: where this server is reached. */
export type ErrorRunPorts = Pick<Ports, "store" | "runs" | "ids" | "clock" | "log"> & {
  readonly graphs: GraphSource
  readonly publicUrl: () => string
}

/** The runs that failures start. */
export function makeErrorRuns(ports: ErrorRunPorts): ErrorRuns & { sweep(): Promise<void> } {
  const { store, clock, log } = ports
  const begin = async (notice: ErrorNotice): Promise<void> => {
    await startFor(ports, notice)
    await store.errorNotices.remove(notice.runId)
  }
  return {
    async note({ runId, organizationId, graph, created }) {
      if (errorTargetOf(graph, created) === null) return () => {}
      await store.errorNotices.add({ runId, organizationId }, { atMs: clock.nowMs() })
      return () => {
        begin({ runId, organizationId, errorRunId: null }).catch((error: unknown) => {
          log.warn({ run_id: runId, err: error }, "error-run-not-started")
        })
      }
    },
    async sweep() {
      const stale = await store.errorNotices.listStale({ beforeMs: clock.nowMs() - claimedMs, limit: sweepMax })
      for (const notice of stale) {
        const run = await store.runs.find(notice.organizationId, notice.runId)
        // A run under way that has told of its failure is still to end.
        if (run === null || run.finishedAtMs !== null) await begin(notice)
      }
    },
  }
}

/** Starts the run for a notice, unless it is there already, or there is nothing to tell or nobody to tell it to. */
async function startFor(ports: ErrorRunPorts, notice: ErrorNotice): Promise<void> {
  const { store, runs, ids, clock, log, graphs } = ports
  const { organizationId, errorRunId: earlier } = notice
  if (earlier !== null && (await store.runs.find(organizationId, earlier)) !== null) return
  const told = await readFailure(ports, notice)
  if (told === null) return
  const target = await findTarget(ports, told)
  const graph = target === null ? null : await graphs.load(target.id, target.version)
  const start = graph === null ? null : errorStartOf(graph)
  if (target === null || graph === null || start === null) {
    log.warn({ run_id: notice.runId, workflow_id: told.workflow.id }, "error-workflow-missing")
    return
  }
  const runId = ids.next("run")
  const atMs = clock.nowMs()
  if (!(await store.errorNotices.claim(notice, { errorRunId: runId, atMs }))) return
  const run = makeNewRun({
    runId,
    organizationId,
    workflowId: target.id,
    version: target.version,
    graph,
    start: start.name,
    items: [{ json: itemOf(ports, told) }],
    mode: "production",
    traceId: told.run.result?.traceId ?? "",
    atMs,
    generation: null,
    idempotency: null,
    trigger: { door: "error", output: 0, streaming: [] },
  })
  if ((await runs.start(run, { commit: "first" })) === null) throw new Error("the start of an error run was refused")
}

/** A failure, and the workflow whose run it is. */
type Told = { readonly run: RunRecord; readonly workflow: WorkflowRecord; readonly target: ErrorTarget }

/** Null where the run did not fail after all, or its workflow is gone. */
async function readFailure(
  { store, graphs }: ErrorRunPorts,
  { organizationId, runId }: ErrorNotice,
): Promise<Told | null> {
  const run = await store.runs.find(organizationId, runId)
  if (run === null || run.status !== "failed" || run.workflowId === null) return null
  const workflow = await store.workflows.find(organizationId, run.workflowId)
  if (workflow === null) return null
  const graph = await graphs.load(run.workflowId, run.workflowVersion)
  const [first] = await store.runs.readLog(runId, { after: 0, appendsMax: 1 })
  const created = first?.event.type === "run-created" ? first.event : null
  const target = errorTargetOf(graph, created)
  return target === null ? null : { run, workflow, target }
}

/** The workflow that is told: by its id, its external id, or its name where only one has it. Inactive ones are told nothing. */
async function findTarget({ store }: ErrorRunPorts, { workflow, target }: Told): Promise<WorkflowRecord | null> {
  const { organizationId } = workflow
  if (target.type === "itself") return workflow.isActive ? workflow : null
  const { name } = target
  const id: Id<"workflow"> | null = isId("workflow", name)
    ? name
    : ((await store.workflows.findIdByExternalId(organizationId, name)) ??
      (await store.workflows.findIdByName(organizationId, name)))
  const found = id === null ? null : await store.workflows.find(organizationId, id)
  return found?.isActive === true ? found : null
}

function itemOf({ publicUrl }: ErrorRunPorts, { run, workflow }: Told) {
  return errorItem({
    runId: run.id,
    url: `${publicUrl()}/v1/runs/${run.id}`,
    mode: run.mode,
    retryOf: run.retryOf,
    failure: run.result?.failure ?? { code: "INTERNAL_ERROR", message: "The run failed." },
    workflow: { id: workflow.id, name: workflow.name },
  })
}
