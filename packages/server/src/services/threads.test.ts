import { presentThread, threadAnswer, threadCreateBody, threadUpdateBody } from "@brevet/core/contract/threads"
import { Refusal } from "@brevet/core/errors"
import { type Id, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Context } from "../ports/context.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { storeMessage, storeRun } from "../testing/stored-conversation.ts"
import {
  createThread,
  deleteThread,
  deleteThreads,
  getThread,
  pinThread,
  unpinThread,
  updateThread,
} from "./threads.ts"

let test: TestContext
let cx: Context
beforeAll(async () => {
  test = await makeTestContext()
  cx = test.cx
})
afterAll(() => test.close())

/** The refusal, or null. */
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

const make = (body: JsonObject = {}, context = cx) => createThread(context, threadCreateBody.parse(body))
const change = (threadId: Id<"thread">, body: JsonObject, ifRevision?: number) =>
  updateThread(cx, { threadId, ifRevision }, threadUpdateBody.parse(body))

let assistants = 0
async function makeAssistant(context = cx): Promise<Id<"assistant">> {
  const id = context.ids.next("assistant")
  const { organizationId } = context.principal
  assistants += 1
  const name = `Assistant ${assistants}`
  await context.store.assistants.create({ id, organizationId, name, createdBy: null, createdAtMs: 0 })
  return id
}
const marks = (threadId: Id<"thread">) =>
  test.sql.rows({
    text: "SELECT status, cancel_mark FROM runs WHERE thread_id = $1 ORDER BY id",
    values: [uuidOf(threadId)],
  })

describe("creating a thread", () => {
  it("gives every documented field, and ours", async () => {
    const assistant_id = await makeAssistant()
    const thread = await make({ title: "Title", assistant_id, metadata: { a: "b" }, visible_in_ui: true })
    const shown = presentThread(thread)
    expect(threadAnswer.parse(shown)).toEqual(shown)
    expect(shown).toEqual({
      id: thread.id,
      object: "thread",
      created_at: "2026-01-01T00:00:00.000Z",
      updated_at: "2026-01-01T00:00:00.000Z",
      last_message_at: null,
      metadata: { a: "b" },
      assistant_id,
      organization_id: cx.principal.organizationId,
      user_id: cx.principal.userId,
      title: "Title",
      status: "inactive",
      message_count: 0,
      visible_in_ui: true,
      last_model_used: null,
      is_pinned: false,
      pinned_at: null,
      space_ids: [],
      workflow_id: null,
      pinned_workflow: null,
      workflow_version: null,
      open_pauses: [],
      end_user_id: null,
    })
    expect(await getThread(cx, thread.id)).toEqual(thread)
  })

  it("needs nothing, and takes null for absent", async () => {
    expect(await make()).toMatchObject({ title: null, metadata: {}, assistantId: null, visibleInUi: true, revision: 1 })
    const nothing = { organization_id: null, title: null, assistant_id: null, metadata: null, visible_in_ui: null }
    expect(await make(nothing)).toMatchObject({ title: null, metadata: {}, assistantId: null, visibleInUi: true })
  })

  it("is refused for other organizations and for assistants that are not there", async () => {
    const other = await test.makeOtherTenant()
    expect(await codeOf(make({ organization_id: other.principal.organizationId }))).toBe("ORGANIZATION_ACCESS_DENIED")
    for (const assistant_id of [cx.ids.next("assistant"), "asst_", "x", "", await makeAssistant(other)]) {
      expect(await codeOf(make({ assistant_id }))).toBe("ASSISTANT_NOT_FOUND")
    }
    const deleted = await makeAssistant()
    await cx.store.assistants.softDelete(deleted, { atMs: 0 })
    expect(await codeOf(make({ assistant_id: deleted }))).toBe("ASSISTANT_NOT_FOUND")
  })

  it("keeps NUL and lone surrogates in metadata, and refuses them in titles", async () => {
    const metadata = { "a\0": "\ud800", constructor: "c", list: [1, { "\udfff": null }] }
    const { id } = await make({ metadata })
    expect((await getThread(cx, id)).metadata).toEqual(metadata)
    for (const title of ["a\0b", "\ud800", "x".repeat(201)]) {
      expect(threadCreateBody.safeParse({ title }).success).toBe(false)
    }
    expect((await make({ title: "🌍".repeat(200) })).title).toBe("🌍".repeat(200))
  })

  it("refuses unknown fields, wrong types and too much metadata by its shape", () => {
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, place) => [`${place}`, "x"]))
    const bodies = [
      { titel: "x" },
      { title: 1 },
      { metadata: [] },
      { metadata: many },
      { metadata: { a: "x".repeat(513) } },
    ]
    for (const body of [...bodies, { visible_in_ui: "true" }, { assistant_id: 1 }, []]) {
      expect(threadCreateBody.safeParse(body).success).toBe(false)
    }
  })
})

describe("changing a thread", () => {
  it("leaves absent fields, sets others and clears with null", async () => {
    const { id } = await make({ title: "Old", metadata: { a: "b" }, visible_in_ui: false })
    test.clock.advance(1_000)
    const changed = await change(id, { title: "New" })
    expect(changed).toMatchObject({ title: "New", metadata: { a: "b" }, visibleInUi: false, revision: 2 })
    expect(changed.updatedAtMs).toBe(changed.createdAtMs + 1_000)
    expect(await change(id, { title: null, metadata: null, visible_in_ui: null })).toMatchObject({
      title: null,
      metadata: {},
      visibleInUi: true,
    })
  })

  it("merges metadata and removes pairs that become null", async () => {
    const { id } = await make({ metadata: { a: "1", b: "2" } })
    expect((await change(id, { metadata: { b: "3", c: "4" } })).metadata).toEqual({ a: "1", b: "3", c: "4" })
    expect((await change(id, { metadata: { a: null, c: null } })).metadata).toEqual({ b: "3" })
  })

  it("refuses metadata that is too much only in the end", async () => {
    const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, place) => [`k${place}`, "v"]))
    const { id } = await make({ metadata })
    expect(await refusalOf(change(id, { metadata: { more: "v" } }))).toMatchObject({
      code: "VALIDATION_ERROR",
      details: { fields: [{ field: "metadata" }] },
    })
    expect((await change(id, { metadata: { more: "v", k0: null } })).metadata).toMatchObject({ more: "v", k1: "v" })
  })

  it("raises the revision once for each change, and not for what is there already", async () => {
    const { id } = await make({ title: "T", metadata: { a: "b" } })
    expect(
      (await change(id, { title: "T", metadata: { a: "b" }, visible_in_ui: true, assistant_id: null })).revision,
    ).toBe(1)
    expect((await change(id, {})).revision).toBe(1)
    expect((await change(id, { title: "U" }, 1)).revision).toBe(2)
    expect(await codeOf(change(id, { title: "V" }, 1))).toBe("VERSION_CONFLICT")
  })

  it("binds, changes and unbinds the assistant while there are no messages", async () => {
    const [first, second] = [await makeAssistant(), await makeAssistant()]
    const { id } = await make()
    expect((await change(id, { assistant_id: first })).assistantId).toBe(first)
    const workflowId = cx.ids.next("workflow")
    await test.sql.rows({
      text: "UPDATE threads SET workflow_id = $2, workflow_version = 3, plain = true WHERE id = $1",
      values: [uuidOf(id), uuidOf(workflowId)],
    })
    const begunAnew = { assistantId: second, pinnedWorkflow: null, plain: false }
    expect(await change(id, { assistant_id: second })).toMatchObject(begunAnew)
    expect((await change(id, { assistant_id: null })).assistantId).toBeNull()
    expect(await codeOf(change(id, { assistant_id: cx.ids.next("assistant") }))).toBe("ASSISTANT_NOT_FOUND")
  })

  it("keeps the assistant of a thread with messages", async () => {
    const [first, second] = [await makeAssistant(), await makeAssistant()]
    const { id } = await make({ assistant_id: first })
    await storeMessage(test, { threadId: id, turn: 1 })
    const refusal = await refusalOf(change(id, { assistant_id: second }))
    expect(refusal).toMatchObject({ code: "THREAD_ASSISTANT_LOCKED", details: { thread_id: id, assistant_id: first } })
    expect(await codeOf(change(id, { assistant_id: null }))).toBe("THREAD_ASSISTANT_LOCKED")
    expect((await change(id, { assistant_id: first, title: "Same" })).title).toBe("Same")
    const { id: plain } = await make()
    await storeMessage(test, { threadId: plain, turn: 1 })
    expect(await codeOf(change(plain, { assistant_id: first }))).toBe("THREAD_ASSISTANT_LOCKED")
  })

  it("keeps the assistant also while the first turn runs", async () => {
    const { id } = await make()
    await test.sql.rows({
      text: "UPDATE threads SET active_run = $2 WHERE id = $1",
      values: [uuidOf(id), uuidOf(cx.ids.next("run"))],
    })
    expect(presentThread(await getThread(cx, id)).status).toBe("streaming")
    expect(await codeOf(change(id, { assistant_id: await makeAssistant() }))).toBe("THREAD_ASSISTANT_LOCKED")
  })

  it("loses none of many changes at the same moment", async () => {
    const { id } = await make()
    await Promise.all(Array.from({ length: 10 }, (_, place) => change(id, { metadata: { [`k${place}`]: "v" } })))
    const thread = await getThread(cx, id)
    expect(Object.keys(thread.metadata)).toHaveLength(10)
    expect(thread.revision).toBe(11)
  })

  it("shows the tag before the workflow that the thread is pinned to", async () => {
    const { id } = await make()
    const workflowId = cx.ids.next("workflow")
    const pin = "UPDATE threads SET workflow_id = $2, workflow_version = 2, workflow_tag = $3 WHERE id = $1"
    await test.sql.rows({ text: pin, values: [uuidOf(id), uuidOf(workflowId), null] })
    const pinned = { pinned_workflow: { id: workflowId, version: 2 }, workflow_version: 2 }
    expect(presentThread(await getThread(cx, id))).toMatchObject({ ...pinned, workflow_id: workflowId })
    await test.sql.rows({ text: pin, values: [uuidOf(id), uuidOf(workflowId), "my own word"] })
    expect(presentThread(await getThread(cx, id))).toMatchObject({ ...pinned, workflow_id: "my own word" })
  })
})

describe("pinning a thread", () => {
  it("is done once, and undone once, however often it is asked for", async () => {
    const { id } = await make()
    const pinned = await pinThread(cx, id)
    expect(pinned).toMatchObject({ isPinned: true, pinnedAtMs: test.clock.nowMs(), revision: 2 })
    test.clock.advance(1_000)
    expect(await pinThread(cx, id)).toEqual(pinned)
    expect(await unpinThread(cx, id)).toMatchObject({ isPinned: false, pinnedAtMs: null, revision: 3 })
    expect((await unpinThread(cx, id)).revision).toBe(3)
    const all = await Promise.all(Array.from({ length: 8 }, () => pinThread(cx, id)))
    expect(new Set(all.map(({ revision }) => revision))).toEqual(new Set([4]))
  })

  it("ends in one of two states where others delete the thread at the same moment", async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await make()
      const [, ...codes] = await Promise.all([
        deleteThread(cx, { threadId: id }),
        ...Array.from({ length: 4 }, () => codeOf(pinThread(cx, id))),
      ])
      for (const code of codes) expect([undefined, "THREAD_NOT_FOUND"]).toContain(code)
      expect(await codeOf(pinThread(cx, id))).toBe("THREAD_NOT_FOUND")
    }
  })
})

describe("deleting a thread", () => {
  it("takes it away and marks what runs, waits or is queued in it for its end", async () => {
    const { id } = await make()
    const statuses = ["completed", "running", "queued", "waiting", "failed"] as const
    const runs: Id<"run">[] = []
    for (const status of statuses) runs.push(await storeRun(test, { threadId: id, turn: 1, status }))
    const elsewhere = await make()
    await storeRun(test, { threadId: elsewhere.id, status: "running" })
    const before = test.endedRuns.length
    await deleteThread(cx, { threadId: id })
    expect(await codeOf(getThread(cx, id))).toBe("THREAD_NOT_FOUND")
    expect(await marks(id)).toEqual(
      statuses.map((status) => ({
        status,
        cancel_mark: ["running", "queued", "waiting"].includes(status) ? "THREAD_DELETED" : null,
      })),
    )
    expect([...test.endedRuns.slice(before)].sort()).toEqual([runs[1], runs[2], runs[3]].sort())
    expect(await marks(elsewhere.id)).toEqual([{ status: "running", cancel_mark: null }])
  })

  it("keeps the first cause of a run's end", async () => {
    const { id } = await make()
    await storeRun(test, { threadId: id, status: "running" })
    await cx.store.runs.markCancelled({ threadId: id }, "RUN_CANCELLED")
    await deleteThread(cx, { threadId: id })
    expect(await marks(id)).toEqual([{ status: "running", cancel_mark: "RUN_CANCELLED" }])
  })

  it("is refused the second time, and on another revision, which changes nothing", async () => {
    const { id } = await make()
    await storeRun(test, { threadId: id, status: "running" })
    expect(await codeOf(deleteThread(cx, { threadId: id, ifRevision: 7 }))).toBe("VERSION_CONFLICT")
    expect(await marks(id)).toEqual([{ status: "running", cancel_mark: null }])
    await deleteThread(cx, { threadId: id, ifRevision: 1 })
    expect(await codeOf(deleteThread(cx, { threadId: id }))).toBe("THREAD_NOT_FOUND")
    expect(await codeOf(change(id, { title: "x" }))).toBe("THREAD_NOT_FOUND")
  })

  it("is done by exactly one of many at the same moment", async () => {
    const { id } = await make()
    const codes = await Promise.all(Array.from({ length: 6 }, () => codeOf(deleteThread(cx, { threadId: id }))))
    expect(codes.filter((code) => code === undefined)).toHaveLength(1)
    expect(codes.filter((code) => code === "THREAD_NOT_FOUND")).toHaveLength(5)
  })

  it("marks a turn that begins between its look and its deed", async () => {
    const { id } = await make()
    // The start of a turn, as the owner writes it: the thread's row first, then the run's.
    const start = async (store: Context["store"]) => {
      const runId = cx.ids.next("run")
      await test.sql.rows({
        text: `WITH taken AS (UPDATE threads SET active_run = $2, revision = revision + 1
                 WHERE id = $1 AND deleted_at IS NULL AND active_run IS NULL RETURNING id)
               INSERT INTO runs (id, organization_id, thread_id, status, mode, created_at)
               SELECT $2, $3, id, 'running', 'chat', now() FROM taken`,
        values: [uuidOf(id), uuidOf(runId), uuidOf(cx.principal.organizationId)],
      })
      return store
    }
    let looks = 0
    const store: Context["store"] = {
      ...cx.store,
      transaction: (steps) =>
        cx.store.transaction((inner) =>
          steps({
            ...inner,
            threads: {
              ...inner.threads,
              async softDelete(threadId, options) {
                looks += 1
                if (looks === 1) await start(cx.store)
                return inner.threads.softDelete(threadId, options)
              },
            },
          }),
        ),
    }
    await deleteThread({ ...cx, store }, { threadId: id })
    expect(looks).toBe(2)
    expect(await marks(id)).toEqual([{ status: "running", cancel_mark: "THREAD_DELETED" }])
  })

  it("keeps the rows of messages", async () => {
    const { id } = await make()
    await storeMessage(test, { threadId: id, turn: 1 })
    await deleteThread(cx, { threadId: id })
    const [row] = await test.sql.rows<{ count: number }>({
      text: "SELECT count(*) AS count FROM messages WHERE thread_id = $1",
      values: [uuidOf(id)],
    })
    expect(row?.count).toBe(1)
  })
})

describe("deleting all threads", () => {
  it("takes those of the caller's user, with what runs in them, and no others", async () => {
    const tenant = await test.makeOtherTenant()
    const colleague = { ...tenant, principal: { ...tenant.principal, userId: tenant.ids.next("user") } }
    const idle = [await make({}, tenant), await make({ visible_in_ui: false }, tenant)]
    const busy = await make({}, tenant)
    const waiting = await make({}, tenant)
    await storeRun(test, { cx: tenant, threadId: busy.id, status: "running" })
    await test.sql.rows({ text: "UPDATE threads SET active_run = id WHERE id = $1", values: [uuidOf(busy.id)] })
    await storeRun(test, { cx: tenant, threadId: waiting.id, status: "waiting" })
    const kept = await make({}, colleague)
    const before = test.endedRuns.length
    expect(await codeOf(deleteThreads(tenant, cx.principal.organizationId))).toBe("ORGANIZATION_ACCESS_DENIED")
    expect(await deleteThreads(tenant, tenant.principal.organizationId)).toBe(4)
    for (const { id } of [...idle, busy, waiting]) expect(await codeOf(getThread(tenant, id))).toBe("THREAD_NOT_FOUND")
    expect(await marks(busy.id)).toEqual([{ status: "running", cancel_mark: "THREAD_DELETED" }])
    expect(await marks(waiting.id)).toEqual([{ status: "waiting", cancel_mark: "THREAD_DELETED" }])
    expect(test.endedRuns.length - before).toBe(2)
    expect((await getThread(tenant, kept.id)).id).toBe(kept.id)
    expect(await deleteThreads(tenant, undefined)).toBe(0)
  })

  it("counts each thread once, however many do it at the same moment", async () => {
    const tenant = await test.makeOtherTenant()
    for (let count = 0; count < 30; count += 1) {
      const { id } = await make({}, tenant)
      if (count % 3 === 0) await storeRun(test, { cx: tenant, threadId: id, status: "waiting" })
    }
    const counts = await Promise.all([1, 2, 3].map(() => deleteThreads(tenant, undefined)))
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(30)
  })

  it("goes on beyond one round of threads in which something runs", async () => {
    const tenant = await test.makeOtherTenant()
    for (let count = 0; count < 120; count += 1) {
      const { id } = await make({}, tenant)
      await storeRun(test, { cx: tenant, threadId: id, status: "running" })
    }
    expect(await deleteThreads(tenant, undefined)).toBe(120)
  })
})

it("knows nothing of another organization's threads", async () => {
  const other = await test.makeOtherTenant()
  const { id } = await make({}, other)
  const attempts = [
    getThread(cx, id),
    change(id, { title: "x" }),
    pinThread(cx, id),
    unpinThread(cx, id),
    deleteThread(cx, { threadId: id }),
  ]
  for (const code of await Promise.all(attempts.map(codeOf))) expect(code).toBe("THREAD_NOT_FOUND")
  expect((await getThread(other, id)).revision).toBe(1)
})
