/** The performer of Execute Workflow: a run of another workflow, for all items or for each. */
import type { Item, Outputs } from "@brevet/core/graph/items"
import {
  planWorkflowCalls,
  type WorkflowCallPlan,
  type WorkflowTarget,
  waitsForWorkflow,
} from "@brevet/core/graph/kinds/execute-workflow"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { CallPlace } from "@brevet/core/graph/run-state"
import type { Id } from "@brevet/core/ids"
import type { RunLog } from "../../ports/run-log.ts"
import type { EndedRun, Runs } from "../../ports/runs.ts"
import type { WorkflowCalls } from "../../ports/workflow-calls.ts"
import { requireDepth, startChild, waitForChild } from "../child-run.ts"
import { collectPlaced } from "../each-item.ts"
import type { Performer, Work } from "../perform.ts"
import { readWhole } from "../resume.ts"

/** What calling needs. */
export type WorkflowPerformerPorts = {
  readonly calls: WorkflowCalls
  readonly waitForEnd: Runs["waitForEnd"]
  readonly log: RunLog
}

/** A call of a workflow by whatever node. `waits` false: its end is not waited for. */
export type CalledWorkflow = {
  readonly place: CallPlace
  readonly target: WorkflowTarget
  readonly items: readonly Item[]
  readonly waits: boolean
}

/** Makes the performer. */
export function makeWorkflowPerformer(ports: WorkflowPerformerPorts): Performer {
  return async (work): Promise<Outputs> => {
    const { context } = work
    const plans = planWorkflowCalls(context)
    const waits = waitsForWorkflow(context)
    const perform = async (call: number): Promise<readonly Item[]> => {
      const plan = plans[call]?.()
      if (plan === undefined) return []
      const given = await callWorkflow(ports, work, { place: { call }, waits, target: plan.target, items: plan.items })
      return given === null
        ? unchanged(work, plan)
        : given.map((item) => ({ ...item, pairedItem: pairsOf(plan, item) }))
    }
    if (plans.length <= 1) return [await perform(0)]
    return collectPlaced(context, { outputs: 1 }, async (index) =>
      (await perform(index)).map((item) => ({ output: 0, item })),
    )
  }
}

/**
 * Calls a workflow; gives the items of its last node, or null where its end is not waited for. Throws NodeFailure where it
 * cannot be called or fails, with the called run's own words.
 */
async function callWorkflow(
  { calls, waitForEnd, log }: WorkflowPerformerPorts,
  work: Work,
  { place, target, items, waits }: CalledWorkflow,
): Promise<readonly Item[] | null> {
  const { organizationId, traceId, runId: callerId, state } = work.segment
  const mode = state.created?.mode === "manual" ? "manual" : "production"
  const runId = await startChild(work, {
    place,
    start: ({ runId: childId, depth }) =>
      calls.start({
        runId: childId,
        organizationId,
        target,
        items,
        mode,
        traceId,
        parent: { runId: callerId, depth },
      }),
    end: calls.end,
  })
  if (!waits) return null
  const ended = await waitForChild(waitForEnd, work, { runId, end: calls.end })
  const given = await itemsOf(log, ended, runId)
  // What the called run gives may be files of its own.
  if (given.some(({ binary }) => binary !== undefined)) {
    const { binaries, clock } = work.workshop
    await binaries.share({ organizationId, runId }, { with: callerId, atMs: clock.nowMs() })
  }
  return given
}

async function itemsOf(log: RunLog, ended: EndedRun, runId: Id<"run">): Promise<readonly Item[]> {
  const { status, result } = ended
  if (status === "completed") {
    const { events } = await readWhole(log, runId)
    const last = events.findLast((event) => event.type === "node-completed" && event.node === result.node)
    return last?.type === "node-completed" ? (last.outputs.find((items) => items.length > 0) ?? []) : []
  }
  requireDepth(ended)
  const message = result.failure?.message ?? "The called workflow was cancelled."
  throw new NodeFailure(result.failure?.code ?? result.cancelCause ?? "RUN_CANCELLED", message, {
    details: { called_run_id: runId, called_node: result.failure?.node ?? null },
  })
}

/** Nobody waits: the items go on as they came. */
function unchanged({ context }: Work, { indexes }: WorkflowCallPlan): readonly Item[] {
  const items = context.inputs[0] ?? []
  return indexes.map((index) => ({ ...(items[index] ?? { json: {} }), pairedItem: { item: index } }))
}

/** The item of the caller that an item of the called workflow comes from: the only one, else the one at its own origin. */
function pairsOf({ indexes }: WorkflowCallPlan, { pairedItem }: Item): NonNullable<Item["pairedItem"]> {
  const [only] = indexes
  if (indexes.length === 1 && only !== undefined) return { item: only }
  return pairedItem ?? indexes.map((item) => ({ item }))
}
