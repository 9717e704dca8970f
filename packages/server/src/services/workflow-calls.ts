/**
 * Calls of workflows by nodes of workflows: a run with a parent (the workflow language, §6 "References"). A workflow is
 * found by its id, its external id, or its name where no other has that; its newest version is called.
 */
import type { CauseCode } from "@brevet/core/errors"
import { calledEntry } from "@brevet/core/graph/entry"
import type { Graph } from "@brevet/core/graph/graph"
import { itemsTaken } from "@brevet/core/graph/kinds/execute-workflow-trigger"
import { readDefinition } from "@brevet/core/graph/read"
import { type Id, isId } from "@brevet/core/ids"
import type { CallRefused } from "../ports/assistant-calls.ts"
import type { Ports } from "../ports/context.ts"
import type { GraphSource } from "../ports/graph-source.ts"
import type { WorkflowCall, WorkflowCalls } from "../ports/workflow-calls.ts"
import { makeNewRun } from "./new-run.ts"

/** How long a run is given to end before something that waits for it goes on (milliseconds; E11). */
const endingMs = 2_000

/** Makes the calls. */
export function makeWorkflowCalls(ports: Ports, graphs: GraphSource): WorkflowCalls {
  return {
    async start(call) {
      if ((await ports.store.runs.find(call.organizationId, call.runId)) !== null) return null
      const found = await findTarget(ports, graphs, call)
      if ("code" in found) return found
      const { start } = calledEntry(found.graph)
      if (start === null) return refused("The workflow has no node at which a call could begin.")
      const { runId, organizationId, traceId, mode, parent } = call
      if (call.items.some(({ binary }) => binary !== undefined)) {
        const options = { with: runId, atMs: ports.clock.nowMs() }
        await ports.store.binaries.share({ organizationId, runId: parent.runId }, options)
      }
      const run = makeNewRun({
        ...found,
        runId,
        organizationId,
        traceId,
        mode,
        start: start.name,
        items: itemsTaken(start, call.items),
        atMs: ports.clock.nowMs(),
        generation: null,
        idempotency: null,
        trigger: null,
        parent,
      })
      // Refused only where another incarnation of this process has begun it: then it is there.
      await ports.runs.start(run, { commit: "effect" })
      return null
    },
    async end(runId, cause: CauseCode) {
      ports.runs.endMarked(await ports.store.runs.markCancelled({ runId }, cause))
      await ports.runs.waitForEnd(runId, { waitMs: endingMs })
    },
  }
}

type Target = {
  readonly workflowId: Id<"workflow"> | null
  readonly version: number | null
  readonly graph: Graph
  readonly definition?: WorkflowTargetDefinition
}
type WorkflowTargetDefinition = Extract<WorkflowCall["target"], { type: "inline" }>["definition"]

async function findTarget({ store }: Ports, graphs: GraphSource, call: WorkflowCall): Promise<Target | CallRefused> {
  const { organizationId, target } = call
  if (target.type === "inline") {
    const { definition } = target
    return { workflowId: null, version: null, definition, graph: readDefinition(definition).graph }
  }
  const { reference } = target
  const byId = isId("workflow", reference) ? await store.workflows.find(organizationId, reference) : null
  const id =
    byId?.id ??
    (await store.workflows.findIdByExternalId(organizationId, reference)) ??
    (await store.workflows.findIdByName(organizationId, reference))
  const workflow = byId ?? (id === null ? null : await store.workflows.find(organizationId, id))
  if (workflow === null) return refused(`There is no workflow '${reference}', or several have that name.`)
  if (!workflow.isActive) return refused(`The workflow '${workflow.name}' is not active.`)
  return {
    workflowId: workflow.id,
    version: workflow.version,
    graph: await graphs.load(workflow.id, workflow.version),
  }
}

function refused(message: string): CallRefused {
  return { code: "SUBWORKFLOW_NOT_FOUND", message }
}
