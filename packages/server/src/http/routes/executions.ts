/** The call that runs a workflow: parsed input to an execution, its end to the run. */
import {
  type ExecuteBody,
  executeWorkflowRoute,
  findExecuteFaults,
  findUnsupportedExecuteField,
} from "@brevet/core/contract/execution"
import { presentRun } from "@brevet/core/contract/runs"
import { invalidFields, Refusal } from "@brevet/core/errors"
import type { Item } from "@brevet/core/graph/items"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../../ports/context.ts"
import type { GraphSource } from "../../ports/graph-source.ts"
import { invitesRetry, requireNoError } from "../../services/ended-run.ts"
import { startExecution } from "../../services/executions.ts"
import { getRun } from "../../services/runs.ts"
import { type Answer, bind, type CallInput } from "../route.ts"
import { runStream, streamRunEvents } from "../run-stream.ts"

type Input = CallInput<typeof executeWorkflowRoute>

/** Executing. */
export function makeExecutionRoutes(ports: { readonly graphs: GraphSource }) {
  return [bind(executeWorkflowRoute, (cx, input) => execute(cx, ports.graphs, input))]
}

async function execute(cx: Context, graphs: GraphSource, input: Input): Promise<Answer> {
  const { body, params, idempotency } = input
  const faults = findExecuteFaults(body)
  if (faults.length > 0) throw invalidFields(faults)
  const field = findUnsupportedExecuteField(body)
  if (field !== null) throw new Refusal("UNSUPPORTED_PARAMETER", { details: { field } })
  const returnMode = body.return_mode ?? "wait"
  const known = idempotency?.found?.runId ?? null
  if (idempotency !== null && known !== null) {
    if (!(await invitesRetry(cx, known))) return answerFor(cx, known, returnMode)
    await idempotency.startOver()
  }
  const stream = returnMode === "stream" ? runStream() : null
  const started = await startExecution(cx, graphs, {
    request: {
      workflowId: params.workflow_id as Id<"workflow">,
      version: body.version ?? null,
      items: itemsOf(body),
      mode: body.mode ?? "production",
    },
    options: {
      idempotency,
      commit: returnMode === "poll" ? "first" : "effect",
      ...(stream === null ? {} : { listener: stream }),
    },
  })
  if (started.isReplay) return answerFor(cx, started.runId, returnMode)
  if (stream !== null) return { status: 200, stream: (sink) => stream.attach(sink) }
  return answerFor(cx, started.runId, returnMode)
}

/** Neither inputs nor items: one empty item. */
function itemsOf({ inputs, items }: ExecuteBody): readonly Item[] {
  if (items !== null && items !== undefined) return items.map(({ json }) => ({ json: json as Item["json"] }))
  return [{ json: (inputs ?? {}) as Item["json"] }]
}

async function answerFor(cx: Context, runId: Id<"run">, returnMode: "wait" | "poll" | "stream"): Promise<Answer> {
  if (returnMode === "stream") return streamRunEvents(cx, runId, 0)
  const waitMs = returnMode === "poll" ? 0 : cx.settings.waitMs
  const ended = returnMode === "poll" ? null : await cx.runs.waitForEnd(runId, { waitMs })
  const run = await getRun(cx, runId)
  if (ended === null) {
    return { status: 202, body: { run_id: runId, status: run.status }, headers: { location: `/v1/runs/${runId}` } }
  }
  if (ended.status === "cancelled") {
    const { cancelCause, traceId, endedAtMs } = ended.result
    throw new Refusal("RUN_CANCELLED", {
      details: { run_id: runId, cause_code: cancelCause },
      occasion: { traceId, atMs: endedAtMs },
    })
  }
  requireNoError(ended)
  return { status: 200, body: presentRun(run) }
}
