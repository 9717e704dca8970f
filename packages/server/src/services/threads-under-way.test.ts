/** Threads and runs while turns run in them: the whole server, with the model held at a word. */
import type { JsonObject } from "@brevet/core/json"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { eventsOf, startTestServer, type TestClient, type TestFrame, type TestServer } from "../testing/server.ts"

let server: TestServer
let client: TestClient
beforeAll(async () => {
  server = await startTestServer()
  client = server.client
})
afterAll(() => server.close())
afterEach(() => {
  server.model.release()
  server.model.reset()
})

type Held = { readonly threadId: string; readonly runId: string; readonly frames: Promise<TestFrame[]> }

/** A turn that has begun to speak and goes on only once the model is released, or the turn is ended. */
async function hold(fields: JsonObject = {}): Promise<Held> {
  const stream = client.tell("Say something long", fields)
  const seen: TestFrame[] = []
  let created: JsonObject = {}
  for (;;) {
    const { value, done } = await stream.next()
    if (done === true) throw new Error(`the turn ended before it spoke: ${JSON.stringify(seen)}`)
    seen.push(value)
    if (value.data === "[DONE]") continue
    if (value.data.event === "response.created") created = value.data
    if (value.data.event === "response.content_delta") break
  }
  const rest = async (): Promise<TestFrame[]> => {
    for await (const frame of stream) seen.push(frame)
    return seen
  }
  return { threadId: String(created.thread_id), runId: String(created.run_id), frames: rest() }
}

const get = async (path: string) => (await client.call("GET", path)).body
/** Statuses and causes of the runs of a thread, in the order of turns. */
async function runsOf(threadId: string): Promise<string[]> {
  const { runs } = await get(`/v1/runs?thread_id=${threadId}`)
  return runs
    .map(({ status, error }: { status: string; error: { details: { cause_code: string } } | null }) =>
      error === null ? status : `${status} ${error.details.cause_code}`,
    )
    .reverse()
}
/** Waits until no run of the thread is under way. */
async function settled(threadId: string): Promise<string[]> {
  for (;;) {
    const runs = await runsOf(threadId)
    if (runs.every((run) => !/queued|running|waiting/.test(run))) return runs
  }
}

const definitionOf = (text: string): JsonObject => ({
  nodes: [
    { id: "a", name: "A", type: "FreddyLLM", position: [0, 0], parameters: { model: "gpt-4o", system_message: text } },
  ],
  connections: {},
})

describe("a thread in which a turn runs", () => {
  it("shows that, and no longer once it is over", async () => {
    server.model.hold(1)
    const { threadId, frames } = await hold()
    expect(await get(`/v1/threads/${threadId}`)).toMatchObject({ status: "streaming", message_count: 1 })
    server.model.release()
    await frames
    expect(await get(`/v1/threads/${threadId}`)).toMatchObject({ status: "inactive", message_count: 2 })
  })

  it("ends the turn where it is deleted: what was shown stays with the run, and its reader is told", async () => {
    server.model.hold(2)
    const { threadId, runId, frames } = await hold()
    expect((await client.call("DELETE", `/v1/threads/${threadId}`)).status).toBe(204)
    expect(eventsOf(await frames).slice(-2)).toEqual(["response.cancelled", "[DONE]"])
    await server.model.whenAborted()
    expect(await settled(threadId)).toEqual(["cancelled THREAD_DELETED"])
    expect(await get(`/v1/runs/${runId}`)).toMatchObject({ status: "cancelled", error: { code: "RUN_CANCELLED" } })
    expect((await client.call("GET", `/v1/threads/${threadId}`)).status).toBe(404)
    const again = await client.ask("More", { thread_id: threadId })
    expect([again.status, again.body.error.code]).toEqual([404, "THREAD_NOT_FOUND"])
  })

  it("takes the turns that wait in it with it", async () => {
    server.model.hold(1)
    const { threadId, frames } = await hold()
    const waiting = [client.ask("Second", { thread_id: threadId }), client.ask("Third", { thread_id: threadId })]
    for (;;) if ((await runsOf(threadId)).length === 3) break
    await client.call("DELETE", `/v1/threads/${threadId}`)
    await frames
    for (const answer of await Promise.all(waiting)) expect(answer.body.stop_reason).toBe("cancelled")
    expect(await settled(threadId)).toEqual(Array.from({ length: 3 }, () => "cancelled THREAD_DELETED"))
  })

  it("is moved only when nothing runs, and the next turn is answered by the other version", async () => {
    const { workflowId, assistantId } = await client.promoted(definitionOf("First version."))
    server.model.hold(1)
    const { threadId, frames } = await hold({ assistant_id: assistantId })
    await client.call("PATCH", `/v1/workflows/${workflowId}`, { body: { definition: definitionOf("Second version.") } })
    const busy = await client.call("POST", `/v1/threads/${threadId}/move`)
    expect([busy.status, busy.body.error.code]).toEqual([409, "THREAD_BUSY"])
    server.model.release()
    await frames
    await client.ask("Again", { thread_id: threadId })
    expect((await client.call("POST", `/v1/threads/${threadId}/move`)).body).toMatchObject({ from: 1, to: 2 })
    await client.ask("Once more", { thread_id: threadId })
    const systems = server.model.requests.map(({ messages }) => JSON.stringify(messages[0]?.content))
    expect(systems).toEqual(['"First version."', '"First version."', '"Second version."'])
    expect(await get(`/v1/threads/${threadId}`)).toMatchObject({ workflow_version: 2 })
  })

  it("has its edited messages in what later turns are told, and its deleted ones not", async () => {
    const first = await client.ask("My name is Anna")
    const { thread_id: threadId, message_id: answerId } = first.body
    const url = `/v1/threads/${threadId}/messages`
    const question = (await get(url)).data[0].id
    await client.call("PATCH", `${url}/${question}`, { body: { content: "My name is Berta" } })
    await client.call("DELETE", `${url}/${answerId}`)
    await client.ask("Who am I?", { thread_id: threadId })
    const told = JSON.stringify(server.model.requests.at(-1)?.messages)
    expect(told).toContain("My name is Berta")
    expect(told).not.toContain("Anna")
  })
})

describe("a run under way", () => {
  it("is cancelled with its end in the answer, and keeps what was shown", async () => {
    server.model.hold(2)
    const { threadId, runId, frames } = await hold()
    const cancelled = await client.call("POST", `/v1/runs/${runId}/cancel`)
    expect(cancelled).toMatchObject({
      status: 200,
      body: { id: runId, status: "cancelled", error: { details: { cause_code: "RUN_CANCELLED" } } },
    })
    expect(eventsOf(await frames)).toContain("response.cancelled")
    const { data } = await get(`/v1/threads/${threadId}/messages`)
    expect(data.map(({ role }: { role: string }) => role)).toEqual(["user", "assistant"])
    expect(data[1].content.length).toBeGreaterThan(0)
    expect((await client.call("POST", `/v1/runs/${runId}/cancel`)).body.error.code).toBe("RUN_FINISHED")
    const nodes = (await get(`/v1/runs/${runId}/nodes`)).nodes
    expect(nodes).toMatchObject([{ name: "FreddyLLM", status: "cancelled" }])
  })

  it("is ended also by a cancelling with an idempotency key, which answers the same again", async () => {
    server.model.hold(1)
    const { threadId, runId, frames } = await hold()
    const headers = { "idempotency-key": "cancel-1" }
    const first = await client.call("POST", `/v1/runs/${runId}/cancel`, { headers })
    const again = await client.call("POST", `/v1/runs/${runId}/cancel`, { headers })
    expect([first.status, again.status, again.headers.get("idempotent-replayed")]).toEqual([200, 200, "true"])
    expect(again.body).toEqual(first.body)
    await frames
    expect(await settled(threadId)).toEqual(["cancelled RUN_CANCELLED"])
  })

  it("gives the same events as a page and as a stream", async () => {
    const { run_id: runId } = (await client.ask("Hello")).body
    const page = await client.call("GET", `/v1/runs/${runId}/events?limit=1000`, {
      headers: { accept: "application/json" },
    })
    const stream = await client.allFrames("GET", `/v1/runs/${runId}/events`)
    expect(stream.at(-1)?.data).toBe("[DONE]")
    expect(stream.slice(0, -1).map(({ data }) => data)).toEqual(page.body.events)
    expect(stream.slice(0, -1).map(({ id }) => id)).toEqual(page.body.events.map(({ seq }: { seq: number }) => seq))
    expect(page.body.events.at(-1).event).toBe("run-completed")
  })
})

describe("many turns at once", () => {
  it("all end where all threads are deleted, without one in the way of another", async () => {
    server.model.hold(1)
    const held = await Promise.all(Array.from({ length: 24 }, () => hold()))
    const answers = await Promise.all([1, 2].map(() => client.call("DELETE", "/v1/threads")))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(answers.reduce((sum, { body }) => sum + body.deleted, 0)).toBeGreaterThanOrEqual(24)
    for (const { threadId, frames } of held) {
      expect(eventsOf(await frames)).toContain("response.cancelled")
      expect(await settled(threadId)).toEqual(["cancelled THREAD_DELETED"])
    }
    expect((await get("/v1/threads?include_total=true")).total).toBe(0)
  })

  it("leave threads consistent that are changed, pinned and deleted meanwhile", async () => {
    const threads = await Promise.all(
      Array.from({ length: 8 }, async () => (await client.call("POST", "/v1/threads")).body.id as string),
    )
    const statuses = new Set<number>()
    const note = async (work: Promise<{ status: number }>) => void statuses.add((await work).status)
    await Promise.all(
      threads.flatMap((threadId) => [
        note(client.ask("One", { thread_id: threadId })),
        note(client.ask("Two", { thread_id: threadId })),
        note(client.call("PATCH", `/v1/threads/${threadId}`, { body: { metadata: { a: "b" } } })),
        note(client.call("POST", `/v1/threads/${threadId}/pin`)),
        note(client.ask("Three", { thread_id: threadId })),
      ]),
    )
    expect([...statuses]).toEqual([200])
    for (const threadId of threads) {
      const thread = await get(`/v1/threads/${threadId}`)
      expect(thread).toMatchObject({ message_count: 6, is_pinned: true, metadata: { a: "b" }, status: "inactive" })
    }
    statuses.clear()
    await Promise.all(
      threads.flatMap((threadId) => [
        note(client.ask("Four", { thread_id: threadId })),
        note(client.call("DELETE", `/v1/threads/${threadId}`)),
        note(client.ask("Five", { thread_id: threadId })),
      ]),
    )
    for (const status of statuses) expect([200, 204, 404]).toContain(status)
    for (const threadId of threads) {
      expect((await client.call("GET", `/v1/threads/${threadId}`)).status).toBe(404)
      for (const run of await settled(threadId)) expect(run).toMatch(/^(completed|cancelled THREAD_DELETED)$/)
    }
  })
})
