import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeTestApp, type TestApp, type TestRequest } from "../../testing/app.ts"
import { makeTestContext, type TestContext } from "../../testing/context.ts"
import { storeMessage, storeRun } from "../../testing/stored-conversation.ts"
import { messageRoutes } from "./messages.ts"
import { runRoutes } from "./runs.ts"
import { threadRoutes } from "./threads.ts"

let test: TestContext
let app: TestApp
beforeAll(async () => {
  test = await makeTestContext()
  app = await makeTestApp(test, { routes: [...threadRoutes, ...messageRoutes, ...runRoutes] })
})
afterAll(async () => {
  await app.close()
  await test.close()
})

const post = (url: string, body?: unknown, more: Partial<TestRequest> = {}) =>
  app.send({ method: "POST", url, ...(body === undefined ? {} : { body }), ...more })
const make = async (body: JsonObject = {}): Promise<Id<"thread">> => (await post("/v1/threads", body)).body.id
const zeros = "0".repeat(32)

describe("threads over HTTP", () => {
  it("are created with their address and revision, also by a call without a body", async () => {
    const answer = await post("/v1/threads")
    expect(answer.status).toBe(201)
    expect(answer.headers).toMatchObject({ location: `/v1/threads/${answer.body.id}`, etag: '"1"' })
    const read = await app.send({ url: `/v1/threads/${answer.body.id}` })
    expect(read).toMatchObject({ status: 200, body: answer.body, headers: { etag: '"1"' } })
  })

  it("are created once for one idempotency key", async () => {
    const headers = { "idempotency-key": "thread-1" }
    const first = await post("/v1/threads", { title: "Once" }, { headers })
    const again = await post("/v1/threads", { title: "Once" }, { headers })
    expect(again.body).toEqual(first.body)
    expect(again.headers["idempotent-replayed"]).toBe("true")
    expect((await post("/v1/threads", { title: "Other" }, { headers })).body.error.code).toBe("IDEMPOTENCY_KEY_REUSED")
  })

  it("are changed on the revision that If-Match names, and deleted with an empty answer", async () => {
    const url = `/v1/threads/${await make()}`
    const patch = (body: JsonObject, match: string) =>
      app.send({ method: "PATCH", url, body, headers: { "if-match": match } })
    expect(await patch({ title: "A" }, '"1"')).toMatchObject({ status: 200, headers: { etag: '"2"' } })
    expect((await patch({ title: "B" }, '"1"')).body.error.code).toBe("VERSION_CONFLICT")
    expect((await app.send({ method: "DELETE", url, headers: { "if-match": '"1"' } })).status).toBe(409)
    expect(await app.send({ method: "DELETE", url })).toMatchObject({ status: 204, text: "" })
    expect((await app.send({ url })).body.error.code).toBe("THREAD_NOT_FOUND")
  })

  it.each([
    ["an unknown field", { titel: "x" }, "titel"],
    ["a title that is too long", { title: "x".repeat(201) }, "title"],
    ["NUL in a title", { title: "\0" }, "title"],
    ["a lone surrogate in a title", { title: "\ud800" }, "title"],
    ["too many pairs", { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`${n}`, 1])) }, "metadata"],
    ["a value that is too long", { metadata: { a: "x".repeat(600) } }, "metadata.a"],
    ["a wrong type", { visible_in_ui: 1 }, "visible_in_ui"],
  ])("are refused for %s, which is named", async (_, body, field) => {
    const answer = await post("/v1/threads", body)
    expect(answer).toMatchObject({ status: 422, body: { error: { code: "VALIDATION_ERROR" } } })
    expect(answer.body.error.details.fields[0].field).toBe(field)
  })

  it("are listed with cursors, and malformed ones are refused by name", async () => {
    const id = await make()
    const { body } = await app.send({ url: "/v1/threads?limit=1&include_total=true&colour=red" })
    expect(body).toMatchObject({ object: "list", first_id: id, last_id: id, has_more: true, limit: 1 })
    expect(body.total).toBeGreaterThan(1)
    expect((await app.send({ url: "/v1/threads" })).body.total).toBeNull()
    for (const query of ["after=x", `before=thread_${zeros.slice(1)}`, `after=msg_${zeros}`, `after=thread_${zeros}`]) {
      const answer = await app.send({ url: `/v1/threads?${query}` })
      expect(answer.status).toBe(422)
      expect(answer.body.error.details.fields[0].field).toBe(query.split("=")[0])
    }
    for (const query of ["limit=0", "limit=101", "limit=x", "order=up", "is_pinned=maybe", "assistant_id=x"]) {
      expect((await app.send({ url: `/v1/threads?${query}` })).status).toBe(422)
    }
    expect((await app.send({ url: `/v1/threads?organization_id=org_${zeros}` })).body.error.code).toBe(
      "ORGANIZATION_ACCESS_DENIED",
    )
    expect((await app.send({ url: `/v1/threads?after=${id}&limit=100` })).body.data.length).toBeGreaterThan(0)
  })

  it("are pinned and unpinned with the documented words", async () => {
    const id = await make()
    const pinned = await post(`/v1/threads/${id}/pin`)
    expect(pinned.body).toMatchObject({ id, is_pinned: true, message: "Thread pinned successfully" })
    expect(pinned.body.pinned_at).toMatch(/Z$/)
    expect((await post(`/v1/threads/${id}/unpin`)).body).toEqual({
      id,
      is_pinned: false,
      pinned_at: null,
      message: "Thread unpinned successfully",
    })
  })

  it("are named as JSON, or as a stream where the query or the body asks for one", async () => {
    const id = await make()
    const messages = [{ role: "user", content: "What is the height of the Eiger?" }]
    const title = "What is the height of the Eiger?"
    expect((await post(`/v1/threads/${id}/generateName`, { messages })).body).toMatchObject({
      id,
      title,
      success: true,
      thread_id: id,
      name: title,
    })
    for (const [query, body] of [
      ["?stream=true", { messages }],
      ["", { messages, stream: true }],
    ] as const) {
      const answer = await post(`/v1/threads/${id}/generateName${query}`, body)
      expect(answer.headers["content-type"]).toContain("text/event-stream")
      const [delta, completed, done] = answer.text.split("\n\n").map((block) => block.replace("data: ", ""))
      expect(JSON.parse(delta ?? "")).toEqual({ event: "response.content_delta", delta: title })
      expect(JSON.parse(completed ?? "")).toMatchObject({ event: "response.completed", title })
      expect(done).toBe("[DONE]")
    }
    expect((await post(`/v1/threads/${id}/generateName`)).body.error.details.fields[0].field).toBe("messages")
    expect((await post(`/v1/threads/${id}/generateName`, { messages: [] })).status).toBe(422)
  })

  it("are moved only where there is a workflow, by a call that takes no unknown query", async () => {
    const id = await make()
    expect((await post(`/v1/threads/${id}/move`)).body.error.code).toBe("RESOURCE_NOT_FOUND")
    expect((await post(`/v1/threads/${id}/move?x=1`)).status).toBe(422)
    for (const workflow_version of [0, 1.5, "1", 2 ** 31]) {
      expect((await post(`/v1/threads/${id}/move`, { workflow_version })).status).toBe(422)
    }
  })

  it("need the scope chat, all but runs, which have their own", async () => {
    const [chat, runs] = [await app.makeKey(["chat"]), await app.makeKey(["runs:read"])]
    const id = await make()
    expect((await app.send({ url: `/v1/threads/${id}`, key: chat })).status).toBe(200)
    expect((await app.send({ url: `/v1/threads/${id}`, key: runs })).status).toBe(403)
    expect((await app.send({ url: "/v1/runs", key: chat })).status).toBe(403)
    expect((await app.send({ url: "/v1/runs", key: runs })).status).toBe(200)
    expect((await post(`/v1/runs/run_${zeros}/cancel`, undefined, { key: runs })).status).toBe(403)
  })

  it("are not found where the id is malformed, whatever the call", async () => {
    for (const url of ["/v1/threads/x", `/v1/threads/msg_${zeros}`, `/v1/threads/thread_${zeros.replace("0", "A")}`]) {
      expect((await app.send({ url })).body.error.code).toBe("THREAD_NOT_FOUND")
      expect((await post(`${url}/pin`)).body.error.code).toBe("THREAD_NOT_FOUND")
    }
  })

  it("are deleted all at once", async () => {
    await make()
    const answer = await app.send({ method: "DELETE", url: "/v1/threads" })
    expect(answer).toMatchObject({ status: 200 })
    expect(answer.body.deleted).toBeGreaterThan(0)
    expect((await app.send({ url: "/v1/threads?include_total=true" })).body).toMatchObject({ data: [], total: 0 })
  })
})

describe("messages over HTTP", () => {
  it("are listed, changed and deleted with the documented answers", async () => {
    const threadId = await make()
    const id = await storeMessage(test, { threadId, turn: 1, role: "assistant", content: "**Hi**" })
    const url = `/v1/threads/${threadId}/messages`
    const { body } = await app.send({ url: `${url}?output_mode=plain` })
    expect(body).toMatchObject({ object: "list", first_id: id, last_id: id, has_more: false })
    expect(body.data[0].content).toBe("Hi")
    expect((await app.send({ url: `${url}?output_mode=structured` })).body.data[0].response_blocks).toHaveLength(1)
    const changed = await app.send({ method: "PATCH", url: `${url}/${id}`, body: { content: "a\0\ud800" } })
    expect(changed).toMatchObject({ status: 200, body: { id, content: "a\0\ud800" } })
    expect(changed.body.updated_at).toMatch(/Z$/)
    const gone = { id, deleted: true, object: "thread.message.deleted" }
    expect(await app.send({ method: "DELETE", url: `${url}/${id}` })).toMatchObject({ status: 200, body: gone })
    expect((await app.send({ method: "DELETE", url: `${url}/${id}` })).body.error.code).toBe("MESSAGE_NOT_FOUND")
    expect((await app.send({ url })).body).toEqual({
      object: "list",
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    })
    expect((await app.send({ url: `${url}?output_mode=song` })).status).toBe(422)
    expect((await app.send({ method: "PATCH", url: `${url}/x`, body: {} })).body.error.code).toBe("MESSAGE_NOT_FOUND")
  })
})

describe("runs over HTTP", () => {
  it("are listed and read, and refuse what they do not know", async () => {
    const id = await storeRun(test, { status: "running" })
    const listed = await app.send({ url: "/v1/runs?status=running&limit=1" })
    expect(listed.body).toMatchObject({ limit: 1, offset: 0 })
    expect(listed.body.runs[0].id).toBe(id)
    expect((await app.send({ url: `/v1/runs/${id}` })).body).toMatchObject({ id, status: "running" })
    expect((await app.send({ url: `/v1/runs/${id}/nodes` })).body).toEqual({ nodes: [] })
    for (const query of ["status=done", "limit=101", "thread_id=x", "colour=red", "offset=-1"]) {
      expect((await app.send({ url: `/v1/runs?${query}` })).status).toBe(422)
    }
    expect((await app.send({ url: `/v1/runs/${id}?x=1` })).status).toBe(422)
    expect((await app.send({ url: "/v1/runs/x" })).body.error.code).toBe("RUN_NOT_FOUND")
    expect((await app.send({ url: `/v1/runs/${id}/nodes/A%2FB%00` })).body.error.code).toBe("RESOURCE_NOT_FOUND")
  })

  it("give their events as a page to those who accept JSON alone", async () => {
    const at = test.clock.nowMs()
    const id = await storeRun(test, {
      status: "running",
      appends: [
        [
          { type: "run-started", at },
          { type: "model-text", node: "N", iteration: 0, attempt: 1, call: 0, texts: ["a", "b"] },
        ],
      ],
    })
    const read = (query: string) =>
      app.send({ url: `/v1/runs/${id}/events${query}`, headers: { accept: "application/json" } })
    expect((await read("?limit=2")).body).toMatchObject({
      events: [
        { event: "run-started", seq: 1 },
        { event: "model-text", seq: 2, node: "N", delta: "a" },
      ],
      last_seq: 2,
      has_more: true,
    })
    expect((await read("?starting_after=2")).body).toMatchObject({ last_seq: 3, has_more: false })
    expect((await read("?starting_after=3")).body).toEqual({ events: [], last_seq: null, has_more: false })
    for (const query of ["?limit=0", "?limit=1001", "?starting_after=-1", "?starting_after=x"]) {
      expect((await read(query)).status).toBe(422)
    }
  })

  it("are cancelled once", async () => {
    const id = await storeRun(test, { status: "running" })
    expect(await post(`/v1/runs/${id}/cancel`)).toMatchObject({ status: 200, body: { id } })
    const over = await storeRun(test, { status: "completed" })
    expect(await post(`/v1/runs/${over}/cancel`)).toMatchObject({
      status: 409,
      body: { error: { code: "RUN_FINISHED" } },
    })
  })
})
