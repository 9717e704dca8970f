/**
 * Plays a case on a server over HTTP, as its user would: imports the workflow, runs it by hand, reads its nodes; then
 * compares with what was recorded.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { compareRequests, compareRun } from "./compare.mjs"
import type { Fixtures } from "./fixtures.ts"
import type { Case, SuiteCredential } from "./suite.ts"

/** What is spoken to: a server's address and a key with every right. */
export type Door = { readonly address: string; readonly key: string }

/** The form in which an outcome is compared. */
type Outcome = {
  readonly status: "success" | "error" | string
  readonly nodes: Record<string, { outputs: JsonObject[][]; error?: string }[]>
  readonly order: readonly string[]
  readonly lastNode: string | null
  readonly error?: { readonly node: string | null; readonly message: string }
}

type NodeAnswer = {
  readonly name: string
  readonly executions: readonly {
    readonly index: number
    readonly status: string
    readonly outputs: JsonObject[][]
    readonly error?: { readonly message: string }
  }[]
}

type RunAnswer = {
  readonly id: string
  readonly status: string
  readonly error: { readonly message: string; readonly details?: { readonly node?: string } } | null
}

/** Stores the credentials that the workflows of a suite name. */
export async function storeCredentials(door: Door, credentials: readonly SuiteCredential[]): Promise<void> {
  for (const credential of credentials)
    await call(door, "/v1/credentials", { body: credential as unknown as JsonObject })
}

/** Plays a case. Gives the differences from what was recorded; none: it holds. */
export async function playCase(door: Door, fixtures: Fixtures, { id, ...played }: Case): Promise<readonly string[]> {
  await fixtures.reset(played.script)
  const definition = { active: false, ...played.workflow }
  const stored = await call(door, "/v1/workflows", { body: { name: id, definition } })
  const outcome = await runByHand(door, String(stored.id))
  const differences: string[] = compareRun(played.expected, outcome)
  if (played.script === null) return differences
  return [...differences, ...compareRequests(played.requests, await fixtures.requests(), played.level)]
}

async function runByHand(door: Door, workflowId: string): Promise<Outcome> {
  const path = `/v1/workflows/${workflowId}/execute`
  const executed = await call(door, path, { body: { mode: "manual" }, mayFail: true })
  const run = await endedRun(door, workflowId)
  if (run === null) throw new Error(`nothing ran: ${JSON.stringify(executed)}`)
  const { nodes } = await call(door, `/v1/runs/${run.id}/nodes`)
  return outcomeOf(run, nodes)
}

/** How long a case may wait for a time that it names (milliseconds): those of the suite wait for less than a second. */
const waitMsMax = 30_000

/** The run, once it has ended: an execution that comes to a pause is answered before. Null: there is none. */
async function endedRun(door: Door, workflowId: string): Promise<RunAnswer | null> {
  const untilMs = performance.now() + waitMsMax
  for (;;) {
    const { runs } = await call(door, `/v1/runs?workflow_id=${workflowId}&limit=100`)
    // Newest first; runs of sub-workflows are those of a parent.
    const run = runs.findLast((entry: JsonObject) => entry.parent_run_id === null) as RunAnswer | undefined
    if (run === undefined) return null
    const isEnded = !["queued", "running", "waiting"].includes(run.status)
    if (isEnded || performance.now() > untilMs) return run
    await sleep(50)
  }
}

function outcomeOf(run: RunAnswer, nodes: readonly NodeAnswer[]): Outcome {
  const ran = nodes.flatMap(({ name, executions }) => executions.map(({ index }) => ({ name, index })))
  const order = ran.sort((left, right) => left.index - right.index).map(({ name }) => name)
  return {
    status: { completed: "success", failed: "error" }[run.status] ?? run.status,
    nodes: Object.fromEntries(nodes.map(({ name, executions }) => [name, executions.map(executionOf)])),
    order,
    lastNode: order.at(-1) ?? null,
    ...(run.error === null ? {} : { error: { node: run.error.details?.node ?? null, message: run.error.message } }),
  }
}

function executionOf({ status, outputs, error }: NodeAnswer["executions"][number]) {
  return status === "failed" ? { outputs: [], error: error?.message ?? status } : { outputs }
}

type Asked = { readonly body?: JsonValue; readonly mayFail?: boolean }

/** A call; its answer parsed, of no type since it is read field by field. Throws where it is refused. */
async function call(door: Door, path: string, { body, mayFail = false }: Asked = {}) {
  const response = await fetch(`${door.address}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "x-api-key": door.key, accept: "application/json", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer: ReturnType<typeof JSON.parse> = await response.json()
  if (!response.ok && !mayFail) throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`)
  return answer
}
