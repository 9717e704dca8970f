/**
 * The same request sent again (the HTTP contract, §1 "Idempotency-Key" and "5xx", §5 "history"): it attaches to the run that
 * it started, or takes the place of the turn that failed; there is never a second turn.
 */
import { type Id, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, promptOf, type StreamReader, single, until, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()

let keys = 0
const newKey = (): Record<string, string> => {
  keys += 1
  return { "idempotency-key": `key ${keys}` }
}

const user = (content: string): JsonObject => ({ role: "user", content })
const ask = (body: JsonObject, headers: Record<string, string> = {}) =>
  talk.client.call("POST", "/v1/model/response", { body, headers })
const hear = (body: JsonObject, headers: Record<string, string> = {}): StreamReader =>
  talk.client.listen("POST", "/v1/model/response", { body: { ...body, stream: true }, headers })
const threadCount = async (): Promise<number> =>
  (await talk.client.get("/v1/threads?limit=100&include_total=true")).total

describe("a request with an idempotency key that is sent again", () => {
  it("gets the first answer again, and no second turn", async () => {
    const key = newKey()
    const first = await ask({ inputs: [user("Hi")] }, key)
    expect(first.headers.get("idempotent-replayed")).toBeNull()
    const again = await ask({ inputs: [user("Hi")] }, key)
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([200, "true"])
    expect(again.body).toEqual(first.body)
    expect(await talk.client.messages(first.body.thread_id)).toHaveLength(2)
    expect(talk.model.calls).toBe(1)
  })

  it("gets the same stream again, from its beginning, byte for byte", async () => {
    const key = newKey()
    const first = hear({ inputs: [user("Say it")], include: ["nodes"] }, key)
    await first.all()
    const again = hear({ inputs: [user("Say it")], include: ["nodes"] }, key)
    await again.all()
    expect(again.blocks).toEqual(first.blocks)
    expect(talk.model.calls).toBe(1)
  })

  it("attaches to the run while it is under way, in either form", async () => {
    for (const isStream of [true, false]) {
      const key = newKey()
      talk.model.script([{ chunks: ["a", "b", "c"] }])
      talk.model.hold(1)
      const body = { inputs: [user("Spell")], thread_id: (await talk.client.call("POST", "/v1/threads")).body.id }
      const [first, again] = isStream ? [hear(body, key), null] : [null, ask(body, key)]
      const run = await until(async () => (await talk.client.runs(body.thread_id))[0], "the run")
      if (first !== null) {
        await first.says("a")
        const second = hear(body, key)
        await second.says("a")
        talk.model.release()
        await Promise.all([first.all(), second.all()])
        expect(second.blocks).toEqual(first.blocks)
      } else {
        const second = ask(body, key)
        talk.model.release()
        expect((await second).body).toEqual((await again)?.body)
        expect((await second).body.run_id).toBe(run.id)
      }
      expect(await talk.client.runs(body.thread_id)).toHaveLength(1)
    }
  })

  it("is refused with another body, another path's body is its own matter, and the answer stays", async () => {
    const key = newKey()
    const first = await ask({ inputs: [user("One")] }, key)
    for (const body of [{ inputs: [user("Two")] }, { inputs: [user("One")], stream: true }]) {
      const other = await ask(body, key)
      expect([other.status, other.body.error.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"])
    }
    expect((await ask({ inputs: [user("One")] }, key)).body).toEqual(first.body)
    const thread = await talk.client.call("POST", "/v1/threads", { body: {}, headers: key })
    expect(thread.status).toBe(201)
  })

  it("makes exactly one turn where it comes many times at the same moment", async () => {
    const key = newKey()
    const before = await threadCount()
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask({ inputs: [user("Hi")] }, key)))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(new Set(answers.map(({ body }) => body.run_id)).size).toBe(1)
    expect(await threadCount()).toBe(before + 1)
    expect(await talk.client.messages(answers[0]?.body.thread_id)).toHaveLength(2)
  })

  it("makes exactly one turn also in a thread that is busy, and as a stream", async () => {
    talk.model.hold(1)
    const running = talk.client.hear("One")
    const { threadId } = await running.created()
    const key = newKey()
    const streams = Array.from({ length: 6 }, () => hear({ inputs: [user("Two")], thread_id: threadId }, key))
    const created = await Promise.all(streams.map((stream) => stream.created()))
    expect(new Set(created.map(({ runId }) => runId)).size).toBe(1)
    talk.model.release()
    await Promise.all(streams.map((stream) => stream.all()))
    for (const stream of streams) expect(stream.blocks).toEqual(streams[0]?.blocks)
    expect(await talk.client.runs(threadId)).toHaveLength(2)
  })

  it("is refused in the same words again where it was refused after it had been found well-formed", async () => {
    const key = newKey()
    const body = { inputs: [user("Hi")], thread_id: `thread_${"0".repeat(32)}` }
    const first = await ask(body, key)
    const again = await ask(body, key)
    expect([first.status, again.headers.get("idempotent-replayed")]).toEqual([404, "true"])
    expect(again.body).toEqual(first.body)
  })

  it("is answered by the failure again where the run failed with what is no 5xx", async () => {
    const definition = workflow(
      [node("Answer", "FreddyLLM"), node("Stop", "stopAndError", { errorMessage: "No." })],
      [["Answer", "Stop"]],
    )
    const { assistantId } = await talk.client.promoted(definition)
    const key = newKey()
    const body = { inputs: [user("Hi")], assistant_id: assistantId }
    const first = await ask(body, key)
    expect([first.status, first.body.error.code]).toEqual([422, "NODE_FAILED"])
    const again = await ask(body, key)
    expect([again.body, again.headers.get("idempotent-replayed")]).toEqual([first.body, "true"])
    expect(talk.model.calls).toBe(1)
  })

  it("is made anew where it failed with 5xx, in the place of the turn that failed, and is no replay then", async () => {
    const key = newKey()
    const before = await threadCount()
    talk.model.script([{ status: 500 }, { status: 503 }])
    const body = { inputs: [user("Hi")] }
    const statuses: unknown[] = []
    const threads: string[] = []
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const { status, headers, body: answer } = await ask(body, key)
      statuses.push([status, headers.get("idempotent-replayed")])
      const runId = answer.run_id ?? answer.error.details.run_id
      threads.push((await talk.client.get(`/v1/runs/${runId}`)).thread_id)
    }
    expect(statuses).toEqual([
      [502, null],
      [502, null],
      [200, null],
      [200, "true"],
    ])
    expect(new Set(threads).size).toBe(1)
    expect(await threadCount()).toBe(before + 1)
    expect(await talk.client.messages(threads[0] ?? "")).toEqual(["user: Hi", "assistant: You said: Hi"])
  })

  it("makes one turn where many come at once after it failed", async () => {
    const key = newKey()
    talk.model.script([{ status: 500 }])
    const body = { inputs: [user("Hi")] }
    expect((await ask(body, key)).status).toBe(502)
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(body, key)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(new Set(answers.map(({ body: answer }) => answer.run_id)).size).toBe(1)
    expect(await talk.client.messages(answers[0]?.body.thread_id)).toEqual(["user: Hi", "assistant: You said: Hi"])
  })
})

describe("a request without a key that is sent again within a minute of its failure", () => {
  it("takes the failed turn's place in the thread that the first try made, though it names none", async () => {
    const before = await threadCount()
    talk.model.script([{ status: 500 }, { status: 429 }])
    expect((await ask({ inputs: [user("Hi")] })).status).toBe(502)
    expect((await ask({ inputs: [user("Hi")] })).status).toBe(503)
    const { body } = await ask({ inputs: [user("Hi")] })
    expect(await threadCount()).toBe(before + 1)
    expect(await talk.client.messages(body.thread_id)).toEqual(["user: Hi", "assistant: You said: Hi"])
    expect(await talk.client.get(`/v1/threads/${body.thread_id}`)).toMatchObject({ message_count: 2 })
    // It is no failure any more: the same again is a conversation of its own.
    expect((await ask({ inputs: [user("Hi")] })).body.thread_id).not.toBe(body.thread_id)
  })

  it("takes its place in the thread that it names, also as a stream", async () => {
    const thread = (await ask({ inputs: [user("One")] })).body.thread_id
    talk.model.script([{ status: 500 }])
    const failed = hear({ inputs: [user("Two")], thread_id: thread })
    await failed.all()
    expect(failed.events).toContain("response.error")
    const again = hear({ inputs: [user("Two")], thread_id: thread })
    await again.all()
    expect(again.text).toBe("You said: Two")
    expect(await talk.client.messages(thread)).toEqual([
      "user: One",
      "assistant: You said: One",
      "user: Two",
      "assistant: You said: Two",
    ])
  })

  it("has all its inputs again where it began the thread with several", async () => {
    const inputs = [{ role: "system", content: "Be brief." }, user("A"), { role: "assistant", content: "B" }, user("C")]
    talk.model.script([{ status: 500 }])
    expect((await ask({ inputs })).status).toBe(502)
    const { body } = await ask({ inputs })
    const prompt = ["system: Be brief.", "user: A", "assistant: B", "user: C"]
    expect(promptOf(talk.model.requests.at(-1))).toEqual(prompt)
    expect(await talk.client.messages(body.thread_id)).toEqual([...prompt, "assistant: You said: C"])
  })

  it("takes the place of a failure that is no 5xx as well", async () => {
    const { assistantId } = await talk.client.promoted(single())
    talk.model.script([{ status: 400 }])
    const body = { inputs: [user("Hi")], assistant_id: assistantId }
    expect((await ask(body)).status).toBe(422)
    const again = await ask(body)
    expect(await talk.client.messages(again.body.thread_id)).toHaveLength(2)
  })

  it("is a turn of its own once the conversation has gone on, with another body, or after a minute", async () => {
    const thread = (await ask({ inputs: [user("One")] })).body.thread_id
    const two = { inputs: [user("Two")], thread_id: thread }
    const fail = async () => {
      talk.model.script([{ status: 500 }])
      expect((await ask(two)).status).toBe(502)
    }
    await fail()
    await ask({ inputs: [user("Three")], thread_id: thread })
    await ask(two)
    const after = ["user: Two", "assistant: ", "user: Three", "assistant: You said: Three", "user: Two"]
    expect((await talk.client.messages(thread)).slice(2, 7)).toEqual(after)
    await fail()
    await ask({ ...two, temperature: 0.5 })
    expect(await talk.client.messages(thread)).toHaveLength(12)
    await fail()
    await talk.sql.rows({
      text: "UPDATE failed_turns SET failed_at = failed_at - interval '61 seconds' WHERE thread_id = $1",
      values: [uuidOf(thread as Id<"thread">)],
    })
    await ask(two)
    expect(await talk.client.messages(thread)).toHaveLength(16)
  })

  it("begins a thread of its own where the one of the first try was deleted", async () => {
    talk.model.script([{ status: 500 }])
    const failed = await ask({ inputs: [user("Hello again")] })
    const first = (await talk.client.get(`/v1/runs/${failed.body.error.details.run_id}`)).thread_id
    await talk.client.call("DELETE", `/v1/threads/${first}`)
    const { status, body } = await ask({ inputs: [user("Hello again")] })
    expect(status).toBe(200)
    expect(body.thread_id).not.toBe(first)
  })

  it("is one turn of two that come at once; the other is a turn of its own, and nothing is lost", async () => {
    talk.model.script([{ status: 500 }])
    const body = { inputs: [user("Both of us")] }
    expect((await ask(body)).status).toBe(502)
    const answers = await Promise.all([ask(body), ask(body)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const threads = new Set(answers.map(({ body: answer }) => String(answer.thread_id)))
    expect(threads.size).toBe(2)
    for (const thread of threads) {
      expect(await talk.client.messages(thread)).toEqual(["user: Both of us", "assistant: You said: Both of us"])
    }
  })

  it("answers once, whatever a client that repeats by itself sends", async () => {
    // The documented client repeats 408, 409, 429 and 5xx twice without a key.
    const body = { inputs: [user("Persist")] }
    talk.model.script([{ status: 500 }, { breakAfterChunks: 1, chunks: ["Half", " an answer"] }])
    let answer = await ask(body)
    for (let attempt = 0; attempt < 2 && answer.status >= 500; attempt += 1) answer = await ask(body)
    expect(answer.status).toBe(200)
    expect(await talk.client.messages(answer.body.thread_id)).toEqual(["user: Persist", "assistant: You said: Persist"])
    // No call was made in vain.
    expect(talk.model.calls).toBe(3)
  })
})
