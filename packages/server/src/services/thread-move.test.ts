import { moveAnswer, presentMove, threadCreateBody } from "@brevet/core/contract/threads"
import { Refusal } from "@brevet/core/errors"
import { type Id, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Context } from "../ports/context.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { storeRun } from "../testing/stored-conversation.ts"
import { detachWorkflow } from "./assistant-workflow.ts"
import { updateAssistant } from "./assistants.ts"
import { promoteWorkflow } from "./promotion.ts"
import { type MoveRequest, moveThread } from "./thread-move.ts"
import { createThread, getThread } from "./threads.ts"
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

const node = (id: string, parameters: JsonObject = {}): JsonObject => ({
  id,
  name: id,
  type: "FreddyLLM",
  typeVersion: 1,
  position: [0, 0],
  parameters,
})
const definitionOf = (nodes: readonly JsonObject[], meta: JsonObject = {}): JsonObject => ({
  nodes,
  connections: {},
  meta,
})

type Made = { workflowId: Id<"workflow">; assistantId: Id<"assistant">; threadId: Id<"thread"> }
let count = 0

/** A promoted workflow with a thread that is pinned to its version 1, then further versions. */
async function make(...later: readonly JsonObject[]): Promise<Made> {
  count += 1
  const workflow = await createWorkflow(cx, { name: `W ${count}`, definition: definitionOf([node("one")]) })
  const { id: assistantId } = await promoteWorkflow(cx, { workflowId: workflow.id })
  const { id: threadId } = await createThread(cx, threadCreateBody.parse({ assistant_id: assistantId }))
  await pin(threadId, workflow.id, 1)
  for (const definition of later) await updateWorkflow(cx, { workflowId: workflow.id }, { definition })
  return { workflowId: workflow.id, assistantId, threadId }
}

/** As the first turn of a thread does, with versions of called assistants. */
async function pin(threadId: Id<"thread">, workflowId: Id<"workflow">, version: number): Promise<void> {
  await test.sql.rows({
    text: `UPDATE threads SET workflow_id = $2, workflow_version = $3, pins = '{}', revision = revision + 1 WHERE id = $1`,
    values: [uuidOf(threadId), uuidOf(workflowId), version],
  })
}

const move = (threadId: Id<"thread">, request: Partial<MoveRequest> = {}) =>
  moveThread(cx, threadId, { version: null, isDryRun: false, ...request })
const pinOf = async (threadId: Id<"thread">) => (await getThread(cx, threadId)).pinnedWorkflow?.version
const second = definitionOf([node("one", { system_message: "Second" })])
const third = definitionOf([node("one", { system_message: "Third" })])
const unpromotable = definitionOf([{ ...node("x"), type: "n8n-nodes-base.set" }])

describe("moving a thread", () => {
  it("takes it to the version that new threads get, or to the one that is named", async () => {
    const { threadId, workflowId } = await make(second, third)
    const moved = await move(threadId)
    expect(presentMove(moved)).toMatchObject({
      thread_id: threadId,
      workflow_id: workflowId,
      from: 1,
      to: 3,
      dry_run: false,
    })
    expect(moveAnswer.parse(presentMove(moved))).toEqual(presentMove(moved))
    expect(await pinOf(threadId)).toBe(3)
    expect(await move(threadId, { version: 2 })).toMatchObject({ from: 3, to: 2 })
    expect(await pinOf(threadId)).toBe(2)
  })

  it("raises the revision, and drops the versions of called assistants, which the next turn fixes anew", async () => {
    const { threadId } = await make(second)
    const { revision } = await getThread(cx, threadId)
    await move(threadId)
    expect((await getThread(cx, threadId)).revision).toBe(revision + 1)
    const rows = await test.sql.rows({ text: "SELECT pins FROM threads WHERE id = $1", values: [uuidOf(threadId)] })
    expect(rows).toEqual([{ pins: null }])
  })

  it("changes nothing in a dry run, nor where the thread is there already", async () => {
    const { threadId } = await make(second)
    const { revision } = await getThread(cx, threadId)
    expect(await move(threadId, { isDryRun: true })).toMatchObject({ from: 1, to: 2, isDryRun: true })
    expect(await move(threadId, { version: 1 })).toMatchObject({ from: 1, to: 1 })
    expect((await getThread(cx, threadId)).revision).toBe(revision)
  })

  it("follows the pin of the assistant, and passes over versions that cannot answer", async () => {
    const { threadId, assistantId } = await make(second, third, unpromotable)
    expect(await move(threadId, { isDryRun: true })).toMatchObject({ to: 3 })
    await updateAssistant(cx, { assistantId }, { workflow_version: 2 })
    expect(await move(threadId)).toMatchObject({ from: 1, to: 2 })
  })

  it("refuses versions that cannot answer, with promotion's code, and those that never were", async () => {
    const { threadId } = await make(unpromotable)
    expect((await refusalOf(move(threadId, { version: 2 })))?.code).toBe("FREDDY_LLM_NODE_REQUIRED")
    const refusal = await refusalOf(move(threadId, { version: 9, isDryRun: true }))
    expect(refusal).toMatchObject({ code: "VALIDATION_ERROR", details: { fields: [{ field: "workflow_version" }] } })
    expect(await pinOf(threadId)).toBe(1)
  })

  it.each(["queued", "running", "waiting"] as const)(
    "is refused while a run is %s, but for a dry run",
    async (status) => {
      const { threadId } = await make(second)
      await storeRun(test, { threadId, status })
      expect(await refusalOf(move(threadId))).toMatchObject({ code: "THREAD_BUSY", details: { thread_id: threadId } })
      expect(await pinOf(threadId)).toBe(1)
      expect(await move(threadId, { isDryRun: true })).toMatchObject({ to: 2 })
    },
  )

  it("is refused while a turn has the thread, and done once the turn is over", async () => {
    const { threadId } = await make(second)
    const runId = await storeRun(test, { threadId, status: "completed" })
    const set = (active: string | null) =>
      test.sql.rows({ text: "UPDATE threads SET active_run = $2 WHERE id = $1", values: [uuidOf(threadId), active] })
    await set(uuidOf(runId))
    expect((await refusalOf(move(threadId)))?.code).toBe("THREAD_BUSY")
    await set(null)
    expect(await move(threadId)).toMatchObject({ to: 2 })
  })

  it("keeps a thread of a detached workflow among the versions of that workflow", async () => {
    const { threadId, assistantId, workflowId } = await make(second)
    await detachWorkflow(cx, { assistantId })
    expect(await move(threadId)).toMatchObject({ workflowId, from: 1, to: 2 })
  })

  it("pins a thread that was not pinned to the workflow of its assistant", async () => {
    const { assistantId, workflowId } = await make(second)
    const { id } = await createThread(cx, threadCreateBody.parse({ assistant_id: assistantId }))
    await test.sql.rows({ text: "UPDATE threads SET plain = true WHERE id = $1", values: [uuidOf(id)] })
    expect(await move(id, { version: 1 })).toMatchObject({ workflowId, from: null, to: 1 })
    expect(await getThread(cx, id)).toMatchObject({ plain: false, pinnedWorkflow: { id: workflowId, version: 1 } })
  })

  it("is refused where there is no workflow, or none any more", async () => {
    const { id: bare } = await createThread(cx, threadCreateBody.parse({}))
    expect((await refusalOf(move(bare)))?.code).toBe("RESOURCE_NOT_FOUND")
    const { threadId, workflowId } = await make(second)
    await deleteWorkflow(cx, { workflowId })
    expect((await refusalOf(move(threadId)))?.code).toBe("WORKFLOW_NOT_FOUND")
    const other = await test.makeOtherTenant()
    const { id: foreign } = await createThread(other, threadCreateBody.parse({}))
    expect((await refusalOf(move(foreign)))?.code).toBe("THREAD_NOT_FOUND")
  })

  it("says what changes for the conversation, before what there is to say about the version", async () => {
    const perThread = (...names: readonly string[]): JsonObject => ({
      inputs: { per_thread: { properties: Object.fromEntries(names.map((name) => [name, {}])), required: names } },
    })
    const other = definitionOf([node("two")], perThread("customer"))
    const { threadId } = await make(other, definitionOf([node("two", { temperature: 9 })], perThread("customer")))
    const codes = async (version: number) =>
      (await move(threadId, { version })).findings.map(({ severity, code }) => `${severity} ${code}`)
    expect((await codes(2)).slice(0, 2)).toEqual([
      "warning MOVE_PRIMARY_NODE_CHANGED",
      "warning MOVE_THREAD_INPUT_MISSING",
    ])
    const later = await codes(3)
    expect(later.filter((code) => code.includes("MOVE"))).toEqual([])
    expect(later.length).toBeGreaterThan(0)
  })

  it("ends in the version of the last of many at the same moment", async () => {
    const { threadId } = await make(second, third)
    const moves = await Promise.all([1, 2, 3, 2, 3].map((version) => move(threadId, { version })))
    const version = await pinOf(threadId)
    expect(moves.map(({ to }) => to)).toContain(version)
    expect([1, 2, 3]).toContain(version)
  })
})
