import {
  presentRun,
  presentRunNode,
  presentRunNodeWithInputs,
  presentRunSummary,
  runAnswer,
} from "@brevet/core/contract/runs"
import { threadCreateBody } from "@brevet/core/contract/threads"
import { Refusal } from "@brevet/core/errors"
import type { RunCreated, RunEvent } from "@brevet/core/graph/events"
import type { RunResult } from "@brevet/core/graph/run-result"
import { type Id, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeRunTable } from "../adapters/store/postgres/runs.ts"
import type { Context } from "../ports/context.ts"
import type { RunListFilter } from "../ports/run-table.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { planOf, recordStatements } from "../testing/statement-plans.ts"
import { type StoredRun, storeRun } from "../testing/stored-conversation.ts"
import { callOnce } from "./idempotency.ts"
import { cancelRun, getRun, getRunNode, listRunEvents, listRunNodes, listRuns, requireRunLog } from "./runs.ts"
import { createThread } from "./threads.ts"
import { createWorkflow, deleteWorkflow, updateWorkflow } from "./workflows.ts"

let test: TestContext
let cx: Context
beforeAll(async () => {
  test = await makeTestContext()
  cx = test.cx
})
afterAll(() => test.close())

async function refusalOf(work: Promise<unknown>): Promise<Refusal | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}
const codeOf = async (work: Promise<unknown>) => (await refusalOf(work))?.code

type RunId = Id<"run">
const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 3 }
const at = Date.UTC(2026, 0, 1)
const result: RunResult = {
  node: null,
  messageId: null,
  text: null,
  stopReason: null,
  model: null,
  isSummarized: false,
  failure: null,
  error: null,
  cancelCause: null,
  traceId: "req_1",
  endedAtMs: at,
}
const created: RunCreated = {
  type: "run-created",
  v: 1,
  at,
  traceId: "req_1",
  mode: "production",
  workflowId: null,
  workflowVersion: null,
  start: "FreddyLLM",
  items: [{ json: { chatInput: "Hi" } }],
  seed: 1,
  depth: 0,
  turn: null,
}
const key = (node: string, iteration = 0) => ({ node, iteration, attempt: 1 })
const started = (node: string, iteration = 0): RunEvent => ({ type: "node-started", at, ...key(node, iteration) })
const completed = (node: string, ...outputs: readonly (readonly JsonObject[])[]): RunEvent => ({
  type: "node-completed",
  at: at + 5,
  ...key(node),
  outputs: outputs.map((items) => items.map((json) => ({ json }))),
})
const ended: RunEvent = { type: "run-completed", at, node: "FreddyLLM", messageId: null, stopReason: "stop", usage }

/** A plain run that has said "Hello" in three pieces. */
const plainRun: StoredRun = {
  status: "completed",
  usage,
  result: { ...result, node: "FreddyLLM", text: "Hello", stopReason: "stop" },
  appends: [
    [created, { type: "run-started", at }, started("FreddyLLM")],
    [{ type: "model-text", ...key("FreddyLLM"), call: 0, texts: ["He", "l", "lo"] }],
    [completed("FreddyLLM", [{ text: "Hello" }]), ended],
  ],
}

describe("a run", () => {
  it("is shown with every field, its output and its responses", async () => {
    const { id: threadId } = await createThread(cx, threadCreateBody.parse({}))
    const responseIds = [cx.ids.next("response"), cx.ids.next("response")]
    const id = await storeRun(test, { ...plainRun, threadId, turn: 1, responseIds })
    const shown = presentRun(await getRun(cx, id))
    expect(runAnswer.parse(shown)).toEqual(shown)
    expect(shown).toEqual({
      id,
      workflow_id: null,
      workflow_version: null,
      assistant_id: null,
      thread_id: threadId,
      parent_run_id: null,
      retry_of: null,
      status: "completed",
      mode: "chat",
      created_at: "2026-01-01T00:00:00.000Z",
      started_at: "2026-01-01T00:00:00.000Z",
      finished_at: "2026-01-01T00:00:00.000Z",
      usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
      output: [{ text: "Hello" }],
      text: "Hello",
      error: null,
      pause: null,
      responses: responseIds,
    })
  })

  it("has no outcome while it is under way", async () => {
    for (const status of ["queued", "running", "waiting"] as const) {
      const id = await storeRun(test, { status, appends: [[created]] })
      expect(presentRun(await getRun(cx, id))).toMatchObject({
        status,
        started_at: status === "queued" ? null : "2026-01-01T00:00:00.000Z",
        finished_at: null,
        usage: null,
        output: null,
        text: null,
        error: null,
        responses: [],
      })
    }
  })

  it("shows why it failed as the envelope does", async () => {
    const error = { code: "NODE_FAILED", message: "m", systemMessage: "s", details: { node: "A" } } as const
    const id = await storeRun(test, { status: "failed", usage, result: { ...result, error } })
    expect(presentRun(await getRun(cx, id))).toMatchObject({
      output: null,
      error: {
        code: "NODE_FAILED",
        message: "m",
        system_message: "s",
        type: "run_error",
        status: 422,
        trace_id: "req_1",
        timestamp: "2026-01-01T00:00:00.000Z",
        details: { node: "A" },
      },
    })
  })

  it("shows for what cause it was cancelled, and what was said until then", async () => {
    const partly = { ...result, text: "Hel", stopReason: "cancelled", cancelCause: "WORKFLOW_DELETED" } as const
    const id = await storeRun(test, { status: "cancelled", usage, result: partly })
    expect(presentRun(await getRun(cx, id))).toMatchObject({
      text: "Hel",
      output: null,
      error: { code: "RUN_CANCELLED", details: { run_id: id, cause_code: "WORKFLOW_DELETED" }, trace_id: "req_1" },
    })
  })

  it("is that of its version, also when the workflow has changed or is gone", async () => {
    const node = (name: string) => ({ id: name, name, type: "FreddyLLM", position: [0, 0], parameters: {} })
    const workflow = await createWorkflow(cx, { name: "W", definition: { nodes: [node("Old")], connections: {} } })
    const version = { workflowId: workflow.id, workflowVersion: 1 }
    const id = await storeRun(test, {
      ...version,
      result: { ...result, node: "Old" },
      appends: [
        [
          { ...created, ...version, start: "Old" },
          { type: "run-started", at },
          started("Old"),
          completed("Old", [{ a: 1 }]),
        ],
        [{ ...ended, node: "Old" }],
      ],
    })
    await updateWorkflow(cx, { workflowId: workflow.id }, { definition: { nodes: [node("New")], connections: {} } })
    await deleteWorkflow(cx, { workflowId: workflow.id })
    expect((await getRun(cx, id)).output).toEqual([{ a: 1 }])
    expect((await listRunNodes(cx, id)).map(({ name, kind }) => [name, kind])).toEqual([["Old", "freddyLlm"]])
  })

  it("has an empty output where nothing ran", async () => {
    const id = await storeRun(test, { result, appends: [[created, { ...ended, node: null }]] })
    expect((await getRun(cx, id)).output).toEqual([])
    expect(await listRunNodes(cx, id)).toEqual([])
  })

  it("is not found where it is another organization's, or nobody's", async () => {
    const other = await test.makeOtherTenant()
    const foreign = await storeRun(test, { cx: other, status: "running" })
    for (const id of [foreign, cx.ids.next("run")]) {
      const attempts = [
        getRun(cx, id),
        listRunNodes(cx, id),
        getRunNode(cx, id, "A"),
        listRunEvents(cx, id, { after: 0, limit: 10 }),
        requireRunLog(cx, id),
        cancelRun(cx, id),
      ]
      for (const code of await Promise.all(attempts.map(codeOf))) expect(code).toBe("RUN_NOT_FOUND")
    }
    expect((await listRuns(other, { limit: 10, offset: 0 })).total).toBe(1)
  })
})

describe("the nodes of a run", () => {
  it("are shown with what they put out, and one by one with what they were given", async () => {
    const id = await storeRun(test, plainRun)
    const [node] = await listRunNodes(cx, id)
    const execution = {
      index: 0,
      iteration: 0,
      status: "completed",
      started_at: "2026-01-01T00:00:00.000Z",
      duration_ms: 5,
      outputs: [[{ text: "Hello" }]],
    }
    expect(node && presentRunNode(node)).toEqual({
      name: "FreddyLLM",
      kind: "freddyLlm",
      status: "completed",
      executions: [execution],
    })
    expect(presentRunNodeWithInputs(await getRunNode(cx, id, "FreddyLLM")).executions).toEqual([
      { ...execution, inputs: [[{ chatInput: "Hi" }]] },
    ])
  })

  it("are not found where they have not run", async () => {
    const id = await storeRun(test, plainRun)
    for (const name of ["Other", "", "freddyllm", "a\0b", "__proto__"]) {
      expect(await codeOf(getRunNode(cx, id, name))).toBe("RESOURCE_NOT_FOUND")
    }
  })

  it("show failures with their codes", async () => {
    const error = { code: "MODEL_ERROR", message: "down", node: "FreddyLLM" } as const
    const id = await storeRun(test, {
      status: "failed",
      appends: [
        [created, { type: "run-started", at }, started("FreddyLLM")],
        [{ type: "node-failed", at, ...key("FreddyLLM"), error, retryable: false }],
      ],
    })
    expect(presentRunNode(await getRunNode(cx, id, "FreddyLLM")).executions).toMatchObject([
      { status: "failed", outputs: [], error: { code: "MODEL_ERROR", message: "down", details: {} } },
    ])
  })

  it("are gone once the run's details are no longer kept", async () => {
    const id = await storeRun(test, { ...plainRun, appends: [] })
    expect(await codeOf(listRunNodes(cx, id))).toBe("RUN_EXPIRED")
    expect(await codeOf(getRunNode(cx, id, "FreddyLLM"))).toBe("RUN_EXPIRED")
    expect(await codeOf(listRunEvents(cx, id, { after: 0, limit: 10 }))).toBe("RUN_EXPIRED")
    expect(await codeOf(requireRunLog(cx, id))).toBe("RUN_EXPIRED")
    expect(presentRun(await getRun(cx, id))).toMatchObject({ status: "completed", text: "Hello", output: null })
    const young = await storeRun(test, { status: "running" })
    expect(await listRunNodes(cx, young)).toEqual([])
    expect(await listRunEvents(cx, young, { after: 0, limit: 10 })).toEqual({ frames: [], hasMore: false })
  })
})

describe("the events of a run", () => {
  const page = async (id: RunId, after: number, limit: number) => {
    const { frames, hasMore } = await listRunEvents(cx, id, { after, limit })
    return { seen: frames.map(({ number, body }) => `${number} ${body.event}`), hasMore }
  }
  const whole = [
    "1 run-created",
    "2 run-started",
    "3 node-started",
    "4 model-text",
    "5 model-text",
    "6 model-text",
    "7 node-completed",
    "8 run-completed",
  ]

  it("come in pages of any size, also from the middle of a chunk of text", async () => {
    const id = await storeRun(test, plainRun)
    expect(await page(id, 0, 100)).toEqual({ seen: whole, hasMore: false })
    expect(await page(id, 0, 8)).toEqual({ seen: whole, hasMore: false })
    expect(await page(id, 0, 7)).toEqual({ seen: whole.slice(0, 7), hasMore: true })
    expect(await page(id, 4, 2)).toEqual({ seen: ["5 model-text", "6 model-text"], hasMore: true })
    expect(await page(id, 5, 1)).toEqual({ seen: ["6 model-text"], hasMore: true })
    expect(await page(id, 8, 10)).toEqual({ seen: [], hasMore: false })
    expect(await page(id, 2 ** 40, 10)).toEqual({ seen: [], hasMore: false })
    const all: string[] = []
    for (let after = 0, more = true; more; ) {
      const { seen, hasMore } = await page(id, after, 3)
      all.push(...seen)
      after = Number(seen.at(-1)?.split(" ")[0])
      more = hasMore
    }
    expect(all).toEqual(whole)
  })

  it("come with gaps between epochs, and from many appends", async () => {
    const id = await storeRun(test, { status: "running" })
    const second = 2 ** 32
    const rows = Array.from({ length: 250 }, (_, place) => (place < 100 ? place + 1 : second + place))
    for (const seq of rows) {
      await test.sql.rows({
        text: "INSERT INTO events (run_id, seq, n, body) VALUES ($1, $2, 1, $3)",
        values: [uuidOf(id), seq, JSON.stringify([started("FreddyLLM", seq)])],
      })
    }
    const { frames, hasMore } = await listRunEvents(cx, id, { after: 0, limit: 1_000 })
    expect(frames.map(({ number }) => number)).toEqual(rows)
    expect(hasMore).toBe(false)
    expect((await listRunEvents(cx, id, { after: 100, limit: 1 })).frames[0]?.number).toBe(second + 100)
  })

  it("keep NUL and lone surrogates", async () => {
    const texts = ["a\0", "\ud800", "\udc00"]
    const id = await storeRun(test, {
      status: "running",
      appends: [[created, { type: "model-text", ...key("FreddyLLM"), call: 0, texts }]],
    })
    const { frames } = await listRunEvents(cx, id, { after: 1, limit: 10 })
    expect(frames.map(({ body }) => body.delta)).toEqual(texts)
  })
})

describe("a list of runs", () => {
  const list = (context: Context, filter: Partial<Omit<RunListFilter, "organizationId">> = {}) =>
    listRuns(context, { limit: 50, offset: 0, ...filter })

  it("shows the newest first, in pages, narrowed as asked", async () => {
    const tenant = await test.makeOtherTenant()
    const [workflowId, assistantId] = [tenant.ids.next("workflow"), tenant.ids.next("assistant")]
    const { id: threadId } = await createThread(tenant, threadCreateBody.parse({}))
    const make = (run: StoredRun) => storeRun(test, { cx: tenant, ...run })
    const a = await make({ workflowId, workflowVersion: 1, result: { ...result, text: "said" } })
    const b = await make({ assistantId, status: "failed" })
    const c = await make({ threadId, status: "waiting" })
    const d = await make({ workflowId, workflowVersion: 2, assistantId, threadId, status: "running" })
    const ids = async (filter: Parameters<typeof list>[1]) => (await list(tenant, filter)).records.map(({ id }) => id)
    expect(await ids({})).toEqual([d, c, b, a])
    expect(await ids({ limit: 2, offset: 1 })).toEqual([c, b])
    expect((await list(tenant, { limit: 2 })).total).toBe(4)
    expect(await ids({ workflowId })).toEqual([d, a])
    expect(await ids({ assistantId })).toEqual([d, b])
    expect(await ids({ threadId })).toEqual([d, c])
    expect(await ids({ status: "waiting" })).toEqual([c])
    expect(await ids({ workflowId, status: "completed" })).toEqual([a])
    expect(await ids({ workflowId, threadId: tenant.ids.next("thread") })).toEqual([])
    expect(await ids({ offset: 9 })).toEqual([])
    const shown = (await list(tenant)).records.map(presentRunSummary)
    expect(shown.map(({ output }) => output)).toEqual([null, null, null, null])
    expect(shown.at(-1)).toMatchObject({ text: "said", workflow_version: 1 })
    for (const run of shown) expect(runAnswer.parse(run)).toEqual(run)
  })

  it("is read by an index, whatever it is narrowed to, and so are runs' responses and what is marked", async () => {
    const tenant = await test.makeOtherTenant()
    const [workflowId, assistantId] = [tenant.ids.next("workflow"), tenant.ids.next("assistant")]
    await test.sql.rows({
      text: `INSERT INTO runs (id, organization_id, workflow_id, assistant_id, thread_id, turn, status, mode, created_at)
             SELECT gen_random_uuid(), $1, CASE WHEN n % 1000 = 0 THEN $2 ELSE gen_random_uuid() END,
               CASE WHEN n % 1000 = 1 THEN $3 ELSE gen_random_uuid() END, gen_random_uuid(), 1, 'completed', 'chat', now()
             FROM generate_series(1, 20000) AS n`,
      values: [uuidOf(tenant.principal.organizationId), uuidOf(workflowId), uuidOf(assistantId)],
    })
    await test.sql.rows({
      text: `INSERT INTO responses (id, organization_id, run_id, first_seq)
             SELECT gen_random_uuid(), organization_id, id, 1 FROM runs`,
    })
    await test.sql.rows({
      text: `INSERT INTO pauses (id, organization_id, run_id, node, iteration, kind, audience, details, created_at)
             SELECT gen_random_uuid(), organization_id, id, 'Ask', 0, 'question', 'chat', '{}', now() FROM runs`,
    })
    await test.sql.rows({ text: "ANALYZE runs, responses, pauses" })
    const { sql, statements } = recordStatements(test.sql)
    const recording = { ...tenant, store: { ...tenant.store, runs: makeRunTable(sql) } }
    const threadId = tenant.ids.next("thread")
    for (const filter of [{}, { workflowId }, { assistantId }, { threadId }]) await list(recording, filter)
    for (const filter of [{ workflowId }, { assistantId }, { threadId }]) {
      await recording.store.runs.markCancelled(filter, "RUN_CANCELLED")
    }
    // Counting everything reads everything; the index is what it reads then.
    const [, countOfAll, ...others] = statements
    expect(countOfAll?.text).toContain("count(*)")
    expect(statements).toHaveLength(11)
    for (const statement of [...statements.slice(0, 1), ...others]) {
      expect(await planOf(test.sql, statement)).not.toContain("Seq Scan")
    }
  })
})

describe("cancelling a run", () => {
  it("marks it and asks its owner to end it", async () => {
    const id = await storeRun(test, { status: "running" })
    const before = test.endedRuns.length
    expect(await cancelRun(cx, id)).toMatchObject({ id, status: "running" })
    expect(test.endedRuns.slice(before)).toEqual([id])
    const rows = await test.sql.rows({ text: "SELECT cancel_mark FROM runs WHERE id = $1", values: [uuidOf(id)] })
    expect(rows).toEqual([{ cancel_mark: "RUN_CANCELLED" }])
    expect(await codeOf(cancelRun(cx, id))).toBeUndefined()
  })

  it("shows how the run ended, where its owner ends it soon", async () => {
    const id = await storeRun(test, { status: "waiting" })
    const runs: Context["runs"] = {
      ...cx.runs,
      async waitForEnd(runId) {
        await test.sql.rows({
          text: "UPDATE runs SET status = 'cancelled', finished_at = now(), result = $2 WHERE id = $1",
          values: [uuidOf(runId), JSON.stringify({ ...result, cancelCause: "RUN_CANCELLED" })],
        })
        return null
      },
    }
    const run = await cancelRun({ ...cx, runs }, id)
    expect(presentRun(run)).toMatchObject({ status: "cancelled", error: { code: "RUN_CANCELLED" } })
    expect(await codeOf(cancelRun(cx, id))).toBe("RUN_FINISHED")
  })

  it.each(["completed", "failed", "cancelled"] as const)("is refused for one that is %s", async (status) => {
    const id = await storeRun(test, { status })
    const before = test.endedRuns.length
    expect(await codeOf(cancelRun(cx, id))).toBe("RUN_FINISHED")
    expect(test.endedRuns).toHaveLength(before)
  })

  it("asks the owner only once the transaction of an idempotent request is committed", async () => {
    const id = await storeRun(test, { status: "running" })
    const before = test.endedRuns.length
    const mark = { key: "k", method: "POST", path: `/v1/runs/${id}/cancel`, bodyHash: "00" }
    let askedInside = -1
    await callOnce(cx, mark, {
      make: async (inner) => {
        await cancelRun(inner, id)
        askedInside = test.endedRuns.length - before
        return { answer: { status: 200, headers: {}, body: "{}" }, secretId: null }
      },
      present: () => ({ status: 409, headers: {}, body: "{}" }),
    })
    expect(askedInside).toBe(0)
    expect(test.endedRuns.slice(before)).toEqual([id])
  })
})
