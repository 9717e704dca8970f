import { messageUpdateBody, presentMessage, presentUpdatedMessage } from "@brevet/core/contract/messages"
import { threadCreateBody } from "@brevet/core/contract/threads"
import { Refusal } from "@brevet/core/errors"
import { type Id, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeMessageTable } from "../adapters/store/postgres/messages.ts"
import type { Context } from "../ports/context.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { planOf, recordStatements } from "../testing/statement-plans.ts"
import { storeMessage } from "../testing/stored-conversation.ts"
import { deleteMessage, listMessages, type MessageQuery, updateMessage } from "./messages.ts"
import { createThread, deleteThread, getThread } from "./threads.ts"

let test: TestContext
let cx: Context
beforeAll(async () => {
  test = await makeTestContext()
  cx = test.cx
})
afterAll(() => test.close())

type MessageId = Id<"message">

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

const makeThread = async (context = cx) => (await createThread(context, threadCreateBody.parse({}))).id
const list = (threadId: Id<"thread">, query: Partial<MessageQuery> = {}) =>
  listMessages(cx, { threadId, order: "asc", limit: 20, ...query })
const idsOf = async (threadId: Id<"thread">, query: Partial<MessageQuery> = {}) =>
  (await list(threadId, query)).records.map(({ id }) => id)
const change = (threadId: Id<"thread">, messageId: MessageId, body: JsonObject) =>
  updateMessage(cx, { threadId, messageId }, messageUpdateBody.parse(body))

/** A thread of some turns: a question and an answer each, stored turn by turn, the questions of all turns first. */
async function makeConversation(turns: number): Promise<{ threadId: Id<"thread">; ids: MessageId[] }> {
  const threadId = await makeThread()
  const ids: MessageId[] = []
  for (const [ordinal, role] of (["user", "assistant"] as const).entries()) {
    for (let turn = 1; turn <= turns; turn += 1) {
      ids[(turn - 1) * 2 + ordinal] = await storeMessage(test, {
        threadId,
        turn,
        ordinal,
        role,
        content: `${role} ${turn}`,
      })
    }
  }
  return { threadId, ids }
}

describe("a list of messages", () => {
  it("is ordered by turn: an answer stands directly after its question, however late it came", async () => {
    const { threadId, ids } = await makeConversation(3)
    expect(await idsOf(threadId)).toEqual(ids)
    expect(await idsOf(threadId, { order: "desc" })).toEqual(ids.toReversed())
    const { records } = await list(threadId)
    const texts = records.map((record) => presentMessage(record).content)
    expect(texts).toEqual(["user 1", "assistant 1", "user 2", "assistant 2", "user 3", "assistant 3"])
  })

  it("is read in pages, forward, backward and between two messages", async () => {
    const { threadId, ids } = await makeConversation(4)
    const at = (place: number) => ids[place] as MessageId
    expect(await list(threadId, { limit: 8 })).toMatchObject({ hasMore: false })
    expect(await list(threadId, { limit: 7 })).toMatchObject({ hasMore: true })
    expect(await idsOf(threadId, { after: at(2), limit: 3 })).toEqual(ids.slice(3, 6))
    expect(await idsOf(threadId, { before: at(5), limit: 2 })).toEqual(ids.slice(3, 5))
    expect(await list(threadId, { before: at(2), limit: 2 })).toMatchObject({ hasMore: false })
    expect(await list(threadId, { before: at(3), limit: 2 })).toMatchObject({ hasMore: true })
    expect(await idsOf(threadId, { order: "desc", after: at(2) })).toEqual([at(1), at(0)])
    expect(await idsOf(threadId, { order: "desc", before: at(2), limit: 2 })).toEqual([at(4), at(3)])
    expect(await idsOf(threadId, { after: at(0), before: at(3) })).toEqual([at(1), at(2)])
    expect(await idsOf(threadId, { order: "desc", after: at(6), before: at(3) })).toEqual([at(5), at(4)])
    expect(await idsOf(threadId, { after: at(7) })).toEqual([])
    for (const limit of [1, 3, 5]) {
      const all: MessageId[] = []
      for (let page = await list(threadId, { limit }); ; ) {
        all.push(...page.records.map(({ id }) => id))
        const last = all.at(-1)
        if (!page.hasMore || last === undefined) break
        page = await list(threadId, { limit, after: last })
      }
      expect(all).toEqual(ids)
    }
  })

  it("leaves deleted messages out, and goes on from one that was deleted in between", async () => {
    const { threadId, ids } = await makeConversation(2)
    const [a, b, c, d] = ids as [MessageId, MessageId, MessageId, MessageId]
    await deleteMessage(cx, { threadId, messageId: b })
    expect(await idsOf(threadId)).toEqual([a, c, d])
    expect(await idsOf(threadId, { after: b })).toEqual([c, d])
    expect(await idsOf(threadId, { before: b })).toEqual([a])
  })

  it("refuses cursors that name no message of the thread", async () => {
    const { threadId } = await makeConversation(1)
    const { ids: elsewhere } = await makeConversation(1)
    for (const cursor of [cx.ids.next("message"), elsewhere[0] as MessageId]) {
      for (const field of ["after", "before"] as const) {
        const refusal = await refusalOf(list(threadId, { [field]: cursor }))
        expect(refusal).toMatchObject({ code: "VALIDATION_ERROR", details: { fields: [{ field }] } })
      }
    }
  })

  it("shows content of every shape, with NUL and lone surrogates, and what tools said", async () => {
    const threadId = await makeThread()
    const parts = [
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ]
    await storeMessage(test, { threadId, turn: 1, content: "x\0\ud800", metadata: { "k\0": "\udfff" } })
    await storeMessage(test, { threadId, turn: 1, ordinal: 1, content: parts })
    const toolCalls = [{ id: "c", name: "n", arguments: {} }]
    await storeMessage(test, { threadId, turn: 1, ordinal: 2, role: "assistant", content: "", toolCalls })
    await storeMessage(test, { threadId, turn: 1, ordinal: 3, role: "tool", content: { degrees: 7 } })
    const { records } = await list(threadId)
    const shown = records.map((record) => presentMessage(record))
    expect(shown.map(({ content }) => content)).toEqual(["x\0\ud800", "a\nb", "", '{"degrees":7}'])
    expect(shown[0]?.metadata).toEqual({ "k\0": "\udfff" })
    expect(shown.map(({ tool_calls }) => tool_calls)).toEqual([null, null, toolCalls, null])
  })

  it("is read by the index of its thread, in order", async () => {
    await test.sql.rows({
      text: `INSERT INTO messages (thread_id, turn, ordinal, id, role, content, created_at)
             SELECT t.id, turn, 0, gen_random_uuid(), 'user', '"x"', now()
             FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 100)) t, generate_series(1, 100) AS turn`,
    })
    await test.sql.rows({ text: "ANALYZE messages" })
    const { threadId, ids } = await makeConversation(1)
    const { sql, statements } = recordStatements(test.sql)
    const recording = { ...cx, store: { ...cx.store, messages: makeMessageTable(sql) } }
    const query = { threadId, order: "desc", limit: 20, after: ids[1] as MessageId } as const
    expect((await listMessages(recording, query)).records).toHaveLength(1)
    expect(statements).toHaveLength(2)
    for (const statement of statements) {
      const plan = await planOf(test.sql, statement)
      expect(plan).toContain("Index Scan")
      expect(plan).not.toContain("Sort")
    }
  })
})

describe("changing a message", () => {
  it("replaces the text and merges the metadata, and says when", async () => {
    const { threadId, ids } = await makeConversation(1)
    const id = ids[1] as MessageId
    test.clock.advance(1_000)
    const changed = await change(threadId, id, { content: "Edited", metadata: { k: "v" } })
    expect(changed).toMatchObject({ id, threadId, role: "assistant", content: "Edited", metadata: { k: "v" } })
    expect(changed.updatedAtMs).toBe(test.clock.nowMs())
    const again = await change(threadId, id, { metadata: { k: "w", l: "x" } })
    expect(again).toMatchObject({ content: "Edited", metadata: { k: "w", l: "x" } })
    expect((await change(threadId, id, { metadata: { k: null } })).metadata).toEqual({ l: "x" })
    expect((await list(threadId)).records[1]).toMatchObject({ content: "Edited", metadata: { l: "x" } })
  })

  it("clears with null, and changes nothing where nothing is said", async () => {
    const threadId = await makeThread()
    const id = await storeMessage(test, { threadId, turn: 1, content: "x", metadata: { a: 1 } })
    const same = await change(threadId, id, {})
    expect(same).toMatchObject({ content: "x", metadata: { a: 1 }, updatedAtMs: null })
    expect(presentUpdatedMessage(same).updated_at).toBe(presentUpdatedMessage(same).created_at)
    expect(await change(threadId, id, { content: null, metadata: null })).toMatchObject({ content: "", metadata: {} })
  })

  it("keeps NUL and lone surrogates, and long texts", async () => {
    const threadId = await makeThread()
    const id = await storeMessage(test, { threadId, turn: 1 })
    for (const content of ["a\0b\ud800", "🌍".repeat(200_000)]) {
      await change(threadId, id, { content, metadata: { "\0": "\udfff" } })
      expect((await list(threadId)).records[0]).toMatchObject({ content, metadata: { "\0": "\udfff" } })
    }
  })

  it("leaves what the server noted about the turn", async () => {
    const threadId = await makeThread()
    const metadata = { status: "failed", error_code: "MODEL_ERROR", run_id: "run_1" }
    const id = await storeMessage(test, { threadId, turn: 1, role: "assistant", content: "", metadata })
    expect((await change(threadId, id, { metadata: { status: "fine", mine: "x" } })).metadata).toEqual({
      ...metadata,
      mine: "x",
    })
    expect((await change(threadId, id, { metadata: { run_id: null } })).metadata).toMatchObject(metadata)
    expect((await change(threadId, id, { metadata: null })).metadata).toEqual(metadata)
    const own = await storeMessage(test, { threadId, turn: 2, metadata: { status: "mine" } })
    expect((await change(threadId, own, { metadata: { status: "other" } })).metadata).toEqual({ status: "other" })
  })

  it("refuses metadata that is too much in the end", async () => {
    const threadId = await makeThread()
    const full = Object.fromEntries(Array.from({ length: 16 }, (_, place) => [`k${place}`, "v"]))
    const id = await storeMessage(test, { threadId, turn: 1, metadata: full })
    expect(await codeOf(change(threadId, id, { metadata: { more: "v" } }))).toBe("VALIDATION_ERROR")
    expect((await list(threadId)).records[0]?.metadata).toEqual(full)
    expect(messageUpdateBody.safeParse({ metadata: { k: "x".repeat(513) } }).success).toBe(false)
    expect(messageUpdateBody.safeParse({ text: "x" }).success).toBe(false)
    expect(messageUpdateBody.safeParse({ content: ["x"] }).success).toBe(false)
  })

  it("raises the thread's revision, so that no turn starts from the old text, and drops its summary", async () => {
    const { threadId, ids } = await makeConversation(1)
    const touch = async (work: () => Promise<unknown>) => {
      await test.sql.rows({ text: "UPDATE threads SET summary = 's' WHERE id = $1", values: [uuidOf(threadId)] })
      const before = (await getThread(cx, threadId)).revision
      await work()
      const [row] = await test.sql.rows<{ summary: string | null }>({
        text: "SELECT summary FROM threads WHERE id = $1",
        values: [uuidOf(threadId)],
      })
      return { raised: (await getThread(cx, threadId)).revision - before, summary: row?.summary }
    }
    const [question, reply] = ids as [MessageId, MessageId]
    expect(await touch(() => change(threadId, question, { content: "y" }))).toEqual({ raised: 1, summary: null })
    expect(await touch(() => change(threadId, question, {}))).toEqual({ raised: 0, summary: "s" })
    expect(await touch(() => deleteMessage(cx, { threadId, messageId: reply }))).toEqual({ raised: 1, summary: null })
  })
})

describe("deleting a message", () => {
  it("takes it away, keeps its row and counts it no more", async () => {
    const { threadId, ids } = await makeConversation(2)
    const messageId = ids[1] as MessageId
    expect((await getThread(cx, threadId)).messageCount).toBe(4)
    await deleteMessage(cx, { threadId, messageId })
    expect((await getThread(cx, threadId)).messageCount).toBe(3)
    const rows = await test.sql.rows<{ deleted: boolean }>({
      text: "SELECT deleted_at IS NOT NULL AS deleted FROM messages WHERE thread_id = $1 AND id = $2",
      values: [uuidOf(threadId), uuidOf(messageId)],
    })
    expect(rows).toEqual([{ deleted: true }])
    expect(await codeOf(deleteMessage(cx, { threadId, messageId }))).toBe("MESSAGE_NOT_FOUND")
    expect(await codeOf(change(threadId, messageId, { content: "x" }))).toBe("MESSAGE_NOT_FOUND")
  })

  it("is done by exactly one of many at the same moment", async () => {
    const { threadId, ids } = await makeConversation(2)
    const target = { threadId, messageId: ids[0] as MessageId }
    const codes = await Promise.all(Array.from({ length: 6 }, () => codeOf(deleteMessage(cx, target))))
    expect(codes.filter((code) => code === undefined)).toHaveLength(1)
    expect((await getThread(cx, threadId)).messageCount).toBe(3)
  })
})

it("knows nothing of messages elsewhere: of other threads, deleted threads and other organizations", async () => {
  const { threadId, ids } = await makeConversation(1)
  const messageId = ids[0] as MessageId
  const other = await test.makeOtherTenant()
  const foreign = await makeThread(other)
  const foreignMessage = await storeMessage(test, { threadId: foreign, turn: 1 })
  const elsewhere = await makeThread()
  const attempts = (thread: Id<"thread">, message: MessageId) => [
    change(thread, message, { content: "x" }),
    deleteMessage(cx, { threadId: thread, messageId: message }),
  ]
  const codes = (thread: Id<"thread">, message: MessageId) => Promise.all(attempts(thread, message).map(codeOf))
  expect(await codes(elsewhere, messageId)).toEqual(["MESSAGE_NOT_FOUND", "MESSAGE_NOT_FOUND"])
  expect(await codes(threadId, foreignMessage)).toEqual(["MESSAGE_NOT_FOUND", "MESSAGE_NOT_FOUND"])
  expect(await codes(foreign, foreignMessage)).toEqual(["THREAD_NOT_FOUND", "THREAD_NOT_FOUND"])
  expect(await codeOf(list(foreign))).toBe("THREAD_NOT_FOUND")
  await deleteThread(cx, { threadId })
  expect(await codes(threadId, messageId)).toEqual(["THREAD_NOT_FOUND", "THREAD_NOT_FOUND"])
  expect(await codeOf(list(threadId))).toBe("THREAD_NOT_FOUND")
  // Where the thread goes between the look and the deed, the deed says so.
  const at = { atMs: 0 }
  expect(await cx.store.messages.update({ threadId, id: messageId }, { content: "x" }, at)).toBeNull()
  expect(await cx.store.messages.softDelete({ threadId, id: messageId }, at)).toBe(false)
})
