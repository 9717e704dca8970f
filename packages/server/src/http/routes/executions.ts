/** The call that runs a workflow: parsed input to an execution, its end to the run. */
import {
  type ExecuteBody,
  executeWorkflowRoute,
  findExecuteFaults,
  findUnsupportedExecuteField,
  presentAcceptedRun,
} from "@brevet/core/contract/execution"
import { presentRun } from "@brevet/core/contract/runs"
import { invalidFields, Refusal } from "@brevet/core/errors"
import type { Item } from "@brevet/core/graph/items"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../../ports/context.ts"
import { invitesRetry, requireNoError } from "../../services/ended-run.ts"
import { type EndedExecution, type ExecutionPorts, startExecution } from "../../services/executions.ts"
import { getRun } from "../../services/runs.ts"
import { type Answer, bind, type CallInput } from "../route.ts"
import { runStream, streamRunEvents } from "../run-stream.ts"

type Input = CallInput<typeof executeWorkflowRoute>

/** Executing. */
export function makeExecutionRoutes(ports: ExecutionPorts) {
  return [bind(executeWorkflowRoute, (cx, input) => execute(cx, ports, input))]
}

async function execute(cx: Context, ports: ExecutionPorts, input: Input): Promise<Answer> {
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
  // One for each attempt; the last one is that of the run.
  const streams: ReturnType<typeof runStream>[] = []
  const listen = () => {
    const stream = runStream({ untilRest: true })
    streams.push(stream)
    return stream
  }
  const started = await startExecution(cx, ports, {
    request: {
      workflowId: params.workflow_id as Id<"workflow">,
      version: body.version ?? null,
      items: itemsOf(body),
      mode: body.mode ?? "production",
    },
    options: {
      standing: input.standing,
      idempotency,
      commit: returnMode === "poll" ? "first" : "effect",
      ...(returnMode === "stream" ? { listen } : {}),
    },
  })
  if (started.isReplay) return answerFor(cx, started.runId, returnMode)
  const stream = streams.at(-1)
  if (stream !== undefined) return { status: 200, stream: (sink) => stream.attach(sink) }
  const shown = returnMode === "wait" ? await withinMs(started.shown(), cx.settings.waitMs) : null
  return shown === null ? answerFor(cx, started.runId, returnMode) : answerWith(shown)
}

/** What comes within so long; null where it does not. */
async function withinMs<Value>(value: Promise<Value>, waitMs: number): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, waitMs, null)
  })
  return Promise.race([value, late]).finally(() => clearTimeout(timer))
}

/** Neither inputs nor items: one empty item. */
function itemsOf({ inputs, items }: ExecuteBody): readonly Item[] {
  if (items !== null && items !== undefined) return items.map(({ json }) => ({ json: json as Item["json"] }))
  return [{ json: (inputs ?? {}) as Item["json"] }]
}

async function answerFor(cx: Context, runId: Id<"run">, returnMode: "wait" | "poll" | "stream"): Promise<Answer> {
  if (returnMode === "stream") return streamRunEvents(cx, runId, 0)
  const { waitMs } = cx.settings
  const ended = returnMode === "poll" ? null : await cx.runs.waitForRest({ runId, responseId: null }, { waitMs })
  const run = await getRun(cx, runId)
  if (ended === null) return accepted({ runId, status: run.status, pauses: [] })
  return answerWith({ run, ended })
}

function accepted(run: Parameters<typeof presentAcceptedRun>[0]): Answer {
  return { status: 202, body: presentAcceptedRun(run), headers: { location: `/v1/runs/${run.runId}` } }
}

/** The answer to a run that has ended or waits. Throws RUN_CANCELLED and the run's error. */
function answerWith({ run, ended }: EndedExecution): Answer {
  if (ended.status === "waiting") {
    return accepted({ runId: run.id, status: run.status, pauses: ended.result.pauses ?? [] })
  }
  if (ended.status === "cancelled") {
    const { cancelCause, traceId, endedAtMs } = ended.result
    throw new Refusal("RUN_CANCELLED", {
      details: { run_id: run.id, cause_code: cancelCause },
      occasion: { traceId, atMs: endedAtMs },
    })
  }
  requireNoError(ended)
  return { status: 200, body: presentRun(run) }
}
