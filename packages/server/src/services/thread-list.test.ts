import { presentThread, threadCreateBody } from "@brevet/core/contract/threads"
import { Refusal } from "@brevet/core/errors"
import { type Id, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeThreadTable } from "../adapters/store/postgres/threads.ts"
import type { Context } from "../ports/context.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { planOf, recordStatements } from "../testing/statement-plans.ts"
import { listThreads, type ThreadQuery } from "./thread-list.ts"
import { createThread, deleteThread, pinThread } from "./threads.ts"

let test: TestContext
beforeAll(async () => {
  test = await makeTestContext()
})
afterAll(() => test.close())

type ThreadId = Id<"thread">
const defaults: ThreadQuery = {
  order: "desc",
  limit: 20,
  visibleInUi: true,
  includeDeleted: false,
  includeTotal: false,
}
const list = (cx: Context, query: Partial<ThreadQuery> = {}) => listThreads(cx, { ...defaults, ...query })
const idsOf = async (cx: Context, query: Partial<ThreadQuery> = {}) =>
  (await list(cx, query)).records.map(({ id }) => id)
const make = async (cx: Context, body: JsonObject = {}): Promise<ThreadId> =>
  (await createThread(cx, threadCreateBody.parse(body))).id

/** Threads in an organization of their own, the oldest first. Three at a time share their time. */
async function makeMany(count: number): Promise<{ cx: Context; ids: ThreadId[] }> {
  const cx = await test.makeOtherTenant()
  const ids: ThreadId[] = []
  for (let place = 0; place < count; place += 1) {
    if (place % 3 === 0) test.clock.advance(1_000)
    ids.push(await make(cx))
  }
  return { cx, ids }
}

async function refusalOf(work: Promise<unknown>): Promise<Refusal | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

/** Reads a whole list page by page, forward or backward, in its own order. */
async function walk(cx: Context, query: Partial<ThreadQuery>, towards: "after" | "before"): Promise<ThreadId[]> {
  const all: ThreadId[] = []
  let cursor: ThreadId | undefined
  for (;;) {
    const page = await list(cx, { ...query, ...(cursor === undefined ? {} : { [towards]: cursor }) })
    const ids = page.records.map(({ id }) => id)
    if (towards === "after") all.push(...ids)
    else all.unshift(...ids)
    cursor = towards === "after" ? ids.at(-1) : ids[0]
    if (!page.hasMore || cursor === undefined) return all
  }
}

describe("a list of threads", () => {
  it("shows the newest first, or the oldest, and threads of one moment in one order", async () => {
    const { cx, ids } = await makeMany(7)
    expect(await idsOf(cx)).toEqual(ids.toReversed())
    expect(await idsOf(cx, { order: "asc" })).toEqual(ids)
    expect(await list(cx)).toMatchObject({ hasMore: false, total: null })
    expect(await list(cx, { limit: 7 })).toMatchObject({ hasMore: false })
    expect(await list(cx, { limit: 6, includeTotal: true })).toMatchObject({ hasMore: true, total: 7 })
  })

  it("is read on after a cursor and back before one, in both orders and for any size of page", async () => {
    const { cx, ids } = await makeMany(10)
    for (const limit of [1, 2, 3, 4, 10, 100]) {
      expect(await walk(cx, { limit }, "after")).toEqual(ids.toReversed())
      expect(await walk(cx, { limit, order: "asc" }, "after")).toEqual(ids)
    }
    const last = ids[0] as ThreadId
    const newest = ids[9] as ThreadId
    for (const limit of [1, 2, 3, 4, 100]) {
      expect([...(await walkBack(cx, { limit }, last)), last]).toEqual(ids.toReversed())
      expect([...(await walkBack(cx, { limit, order: "asc" }, newest)), newest]).toEqual(ids)
    }
  })

  async function walkBack(cx: Context, query: Partial<ThreadQuery>, from: ThreadId): Promise<ThreadId[]> {
    const all: ThreadId[] = []
    for (let cursor = from; ; ) {
      const page = await list(cx, { ...query, before: cursor })
      const ids = page.records.map(({ id }) => id)
      all.unshift(...ids)
      const [first] = ids
      if (!page.hasMore || first === undefined) return all
      cursor = first
    }
  }

  it("gives what lies nearest before a cursor, and what lies between two", async () => {
    const { cx, ids } = await makeMany(6)
    const [a, b, c, d, e, f] = ids as [ThreadId, ThreadId, ThreadId, ThreadId, ThreadId, ThreadId]
    expect(await idsOf(cx, { before: b, limit: 2 })).toEqual([d, c])
    expect(await list(cx, { before: b, limit: 4 })).toMatchObject({ hasMore: false })
    expect(await list(cx, { before: b, limit: 3 })).toMatchObject({ hasMore: true })
    expect(await idsOf(cx, { order: "asc", before: e, limit: 2 })).toEqual([c, d])
    expect(await idsOf(cx, { after: f, before: b })).toEqual([e, d, c])
    expect(await idsOf(cx, { order: "asc", after: a, before: d })).toEqual([b, c])
    expect(await idsOf(cx, { after: a })).toEqual([])
    expect(await idsOf(cx, { before: f })).toEqual([])
    expect(await idsOf(cx, { after: b, before: f })).toEqual([])
    expect(await idsOf(cx, { after: c, before: c })).toEqual([])
  })

  it("shows pinned threads first, the one pinned last at the top, in any order", async () => {
    const { cx, ids } = await makeMany(5)
    const [a, b, c, d, e] = ids as [ThreadId, ThreadId, ThreadId, ThreadId, ThreadId]
    for (const id of [d, a]) {
      test.clock.advance(1_000)
      await pinThread(cx, id)
    }
    expect(await idsOf(cx)).toEqual([a, d, e, c, b])
    expect(await idsOf(cx, { order: "asc" })).toEqual([a, d, b, c, e])
    for (const limit of [1, 2, 3, 4, 5]) {
      expect(await walk(cx, { limit }, "after")).toEqual([a, d, e, c, b])
      expect([...(await walkBack(cx, { limit }, b)), b]).toEqual([a, d, e, c, b])
      expect([...(await walkBack(cx, { limit, order: "asc" }, e)), e]).toEqual([a, d, b, c, e])
    }
    expect(await idsOf(cx, { after: a, before: c })).toEqual([d, e])
    expect(await idsOf(cx, { after: e })).toEqual([c, b])
    expect(await idsOf(cx, { before: d })).toEqual([a])
    expect(await idsOf(cx, { isPinned: true })).toEqual([d, a])
    expect(await idsOf(cx, { isPinned: true, order: "asc" })).toEqual([a, d])
    expect(await idsOf(cx, { isPinned: true, after: d })).toEqual([a])
    expect(await idsOf(cx, { isPinned: false, order: "asc" })).toEqual([b, c, e])
  })

  it("gives each thread once where several were pinned in one moment", async () => {
    const { cx, ids } = await makeMany(6)
    for (const id of ids.slice(0, 4)) await pinThread(cx, id)
    const pages = await walk(cx, { limit: 1 }, "after")
    expect(pages).toHaveLength(6)
    expect(new Set(pages)).toEqual(new Set(ids))
  })

  it("goes on from a thread that was deleted in between", async () => {
    const { cx, ids } = await makeMany(4)
    const [a, b, c, d] = ids as [ThreadId, ThreadId, ThreadId, ThreadId]
    await deleteThread(cx, { threadId: c })
    expect(await idsOf(cx, { after: c })).toEqual([b, a])
    expect(await idsOf(cx, { before: c })).toEqual([d])
    expect(await idsOf(cx)).toEqual([d, b, a])
    expect(await idsOf(cx, { includeDeleted: true })).toEqual([d, c, b, a])
    expect((await list(cx, { includeDeleted: true, includeTotal: true })).total).toBe(4)
  })

  it("refuses cursors that name no thread of the organization", async () => {
    const { cx } = await makeMany(1)
    const { ids } = await makeMany(1)
    for (const cursor of [cx.ids.next("thread"), ids[0] as ThreadId]) {
      for (const field of ["after", "before"] as const) {
        const refusal = await refusalOf(list(cx, { [field]: cursor }))
        expect(refusal).toMatchObject({ code: "VALIDATION_ERROR", details: { fields: [{ field }] } })
      }
    }
  })

  it("shows the threads of one organization, and refuses the name of another", async () => {
    const { cx, ids } = await makeMany(2)
    expect(await idsOf(cx, { organizationId: cx.principal.organizationId })).toEqual(ids.toReversed())
    const refusal = await refusalOf(list(cx, { organizationId: test.cx.principal.organizationId }))
    expect(refusal?.code).toBe("ORGANIZATION_ACCESS_DENIED")
  })

  it("is narrowed to an assistant, to a workflow by its tag or pin, and to visible or hidden threads", async () => {
    const { cx, ids } = await makeMany(6)
    const [a, b, c, d, e, f] = ids as [ThreadId, ThreadId, ThreadId, ThreadId, ThreadId, ThreadId]
    const [assistantId, workflowId] = [cx.ids.next("assistant"), cx.ids.next("workflow")]
    const set = (id: ThreadId, assignment: string, value: unknown) =>
      test.sql.rows({ text: `UPDATE threads SET ${assignment} WHERE id = $1`, values: [uuidOf(id), value] })
    await set(a, "assistant_id = $2", uuidOf(assistantId))
    await set(b, "workflow_id = $2, workflow_version = 1", uuidOf(workflowId))
    await set(c, "workflow_tag = $2", workflowId)
    await set(d, "workflow_tag = $2", "a word")
    await set(e, "visible_in_ui = $2", false)
    expect(await idsOf(cx, { assistantId })).toEqual([a])
    expect(await idsOf(cx, { assistantId: cx.ids.next("assistant") })).toEqual([])
    expect(await idsOf(cx, { workflow: workflowId })).toEqual([c, b])
    expect(await idsOf(cx, { workflow: "a word" })).toEqual([d])
    expect(await idsOf(cx, { workflow: "flow_" })).toEqual([])
    expect(await idsOf(cx)).toEqual([f, d, c, b, a])
    expect(await idsOf(cx, { visibleInUi: false })).toEqual([e])
    expect(await list(cx, { workflow: workflowId, limit: 1, includeTotal: true })).toMatchObject({
      hasMore: true,
      total: 2,
    })
  })

  it("shows whole threads", async () => {
    const { cx, ids } = await makeMany(1)
    const { records } = await list(cx)
    expect(records.map((record) => presentThread(record).object)).toEqual(["thread"])
    expect(records[0]?.id).toBe(ids[0])
  })
})

describe("the statements of a list", () => {
  it("read by an index where there are many threads", async () => {
    const cx = await test.makeOtherTenant()
    await test.sql.rows({
      text: `INSERT INTO threads (id, organization_id, user_id, assistant_id, created_at, updated_at, is_pinned, pinned_at)
             SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN $1 ELSE gen_random_uuid() END, $2,
               CASE WHEN n % 1000 = 0 THEN $3::uuid END, now() + n * interval '1 second', now(), n % 3000 = 0,
               CASE WHEN n % 3000 = 0 THEN now() END
             FROM generate_series(1, 20000) AS n`,
      values: [
        uuidOf(cx.principal.organizationId),
        uuidOf(cx.principal.userId),
        uuidOf("asst_01900000000070008000000000abcdef"),
      ],
    })
    await test.sql.rows({ text: "ANALYZE threads" })
    const { sql, statements } = recordStatements(test.sql)
    const store = { ...cx.store, threads: { ...cx.store.threads, list: makeThreadTable(sql).list } }
    const assistantId = "asst_01900000000070008000000000abcdef" as Id<"assistant">
    const first = await list({ ...cx, store })
    const middle = first.records[10]?.id as ThreadId
    await list({ ...cx, store }, { after: middle })
    await list({ ...cx, store }, { before: middle, order: "asc" })
    await list({ ...cx, store }, { assistantId })
    expect(statements).toHaveLength(6)
    for (const statement of statements) {
      const plan = await planOf(test.sql, statement)
      expect(plan).toContain("Index Scan")
      expect(plan).not.toContain("Seq Scan")
    }
  })
})
