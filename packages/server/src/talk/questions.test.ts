/** Questions of workflows to the person who chats: asked, answered through every door, and read again. */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, until, useTalkServer, workflow } from "../testing/talk.ts"

const grounds = useTalkServer()

/** A workflow that asks, and lets the model say something to the answer. */
const asking = (parameters: JsonObject = {}): JsonObject =>
  workflow(
    [
      node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger"),
      node("Ask", "Ask", { message: "Which colour?", ...parameters }),
      node("Answer", "FreddyLLM", { prompt: "={{ JSON.stringify($json.answer) }} by {{ $json.answered_by }}" }),
    ],
    [
      ["Chat", "Ask"],
      ["Ask", "Answer"],
    ],
  )

async function ask(parameters: JsonObject = {}) {
  const { client } = grounds
  const { assistantId } = await client.promoted(asking(parameters))
  const { body } = await client.ask("Hello", { assistant_id: assistantId })
  return {
    body,
    assistantId,
    pause: body.pause as JsonObject,
    pauseId: String(body.pause?.id),
    threadId: String(body.thread_id),
    runId: String(body.run_id),
  }
}

const answer = (pauseId: string, value: JsonObject[string], headers: Record<string, string> = {}) =>
  grounds.client.call("POST", `/v1/pauses/${pauseId}/answer`, { body: { answer: value }, headers })

describe("a question in a turn", () => {
  it("ends the response with the question: its text, its message, its pause; nothing runs, and the thread is free", async () => {
    const { client } = grounds
    const { body, pauseId, threadId, runId } = await ask({ title: "Colours" })
    expect(body).toMatchObject({
      success: true,
      status: "completed",
      stop_reason: "input_required",
      response: [{ type: "text", text: "Which colour?" }],
      pause: {
        kind: "question",
        audience: "chat",
        title: "Colours",
        message: "Which colour?",
        schema: { type: "string", minLength: 1 },
        choices: null,
        expires_at: null,
      },
    })
    expect(await client.get(`/v1/threads/${threadId}`)).toMatchObject({ status: "inactive", open_pauses: [pauseId] })
    expect(await client.get(`/v1/runs/${runId}`)).toMatchObject({ status: "waiting", pause: { id: pauseId } })
    expect(await client.get(`/v1/pauses/${pauseId}`)).toMatchObject({
      status: "open",
      node: "Ask",
      run_id: runId,
      thread_id: threadId,
      answer: null,
      answered_by: null,
    })
    const { data } = await client.get(`/v1/threads/${threadId}/messages?order=asc`)
    expect(data.map(({ role, metadata }: JsonObject) => [role, metadata])).toEqual([
      ["user", {}],
      ["assistant", { pause_id: pauseId }],
    ])
    const { nodes } = await client.get(`/v1/runs/${runId}/nodes`)
    expect(nodes.map(({ name, status }: JsonObject) => `${name} ${status}`)).toEqual(["Chat completed", "Ask waiting"])
  })

  it("is answered by the next message, which stands directly behind it; the run goes on with a response of its own", async () => {
    const { client } = grounds
    const { body: first, threadId, pauseId, runId } = await ask()
    const { body } = await client.ask(" Red ", { thread_id: threadId })
    expect(body).toMatchObject({ run_id: runId, stop_reason: "stop", status: "completed" })
    expect(body.response).toEqual([{ type: "text", text: 'You said: "Red" by Owner' }])
    expect(body.response_id).not.toBe(first.response_id)
    expect(body.pause).toBeUndefined()
    expect(await client.messages(threadId)).toEqual([
      "user: Hello",
      "assistant: Which colour?",
      "user:  Red ",
      'assistant: You said: "Red" by Owner',
    ])
    expect(await client.get(`/v1/pauses/${pauseId}`)).toMatchObject({
      status: "answered",
      answer: "Red",
      answered_by: "Owner",
    })
    expect(await client.get(`/v1/runs/${runId}`)).toMatchObject({
      status: "completed",
      pause: null,
      responses: [first.response_id, body.response_id],
    })
    // Each response stays what it was.
    const again = await client.get(`/v1/model/response/${first.response_id}`)
    expect(again).toMatchObject({ stop_reason: "input_required", response: first.response, pause: { id: pauseId } })
    expect(await client.get(`/v1/model/response/${body.response_id}`)).toEqual(body)
  })

  it("is answered through the API as well, after which the thread has the reply and takes new turns", async () => {
    const { client } = grounds
    const { threadId, pauseId } = await ask()
    const { status, body } = await answer(pauseId, "blue")
    expect(status).toBe(200)
    expect(body).toMatchObject({ id: pauseId, status: "answered", answer: "blue", answered_by: "Owner" })
    expect(await client.settled(threadId)).toEqual(["completed"])
    expect(await client.messages(threadId)).toEqual([
      "user: Hello",
      "assistant: Which colour?",
      'assistant: You said: "blue" by Owner',
    ])
    const { body: next } = await client.ask("Again", { thread_id: threadId })
    expect(next).toMatchObject({ stop_reason: "input_required" })
  })

  it("is a stream that ends at the question, and one that begins with the answer", async () => {
    const { client } = grounds
    const { assistantId } = await client.promoted(asking())
    const first = client.hear("Hello", { assistant_id: assistantId })
    await first.all()
    expect(first.events).toEqual([
      "response.processing",
      "response.created",
      "response.content_delta",
      "response.input_required",
      "response.completed",
      "[DONE]",
    ])
    expect(first.text).toBe("Which colour?")
    const completed = await first.frame("response.completed")
    expect(completed).toMatchObject({ stop_reason: "input_required" })
    const { threadId, runId, responseId } = await first.created()
    const second = client.hear("Green", { thread_id: threadId })
    await second.all()
    expect(second.events.filter((event) => event !== "response.content_delta")).toEqual([
      "response.processing",
      "response.created",
      "response.completed",
      "[DONE]",
    ])
    expect(second.text).toBe('You said: "Green" by Owner')
    const resumed = await second.created()
    expect(resumed).toMatchObject({ threadId, runId })
    expect(resumed.responseId).not.toBe(responseId)
    const { data } = await client.get(`/v1/threads/${threadId}/messages?order=asc`)
    expect(resumed.userMessageId).toBe(data[2].id)
    // Numbers rise from response to response, and each can be read again byte for byte, from any of them.
    expect(Math.min(...second.numbers.filter((number) => number > 0))).toBeGreaterThan(Math.max(...first.numbers))
    for (const [reader, id] of [
      [first, responseId],
      [second, resumed.responseId],
    ] as const) {
      expect(await client.replay(id).all()).toEqual(reader.blocks.slice(1))
      const [, cut = 0] = reader.numbers.slice(1)
      const behind = reader.blocks.findIndex((block) => block.startsWith(`id: ${cut}\n`)) + 1
      expect(await client.replay(id, `?starting_after=${cut}`).all()).toEqual(reader.blocks.slice(behind))
      expect(await client.replay(id, `?starting_after=${Math.max(...reader.numbers)}`).all()).toEqual(["data: [DONE]"])
    }
  })

  it("keeps a stream open that waits with it, which goes on after an answer from another door", async () => {
    const { client } = grounds
    const { assistantId } = await client.promoted(asking())
    const reader = client.hear("Hello", { assistant_id: assistantId, include: ["wait"] })
    const { pause } = (await reader.frame("response.input_required")) as { pause: JsonObject }
    expect(reader.end).toBeNull()
    expect((await answer(String(pause.id), "violet")).status).toBe(200)
    await reader.all()
    expect(reader.end).toBe("done")
    expect(reader.events.filter((event) => event !== "response.content_delta")).toEqual([
      "response.processing",
      "response.created",
      "response.input_required",
      "response.created",
      "response.completed",
      "[DONE]",
    ])
    const ids = reader.frames.flatMap(({ data }) =>
      data !== "[DONE]" && data.event === "response.created" ? [data.response_id] : [],
    )
    expect(new Set(ids).size).toBe(2)
    expect((await reader.frame("response.completed")).response_id).toBe(ids[1])
  })
})

describe("an answer", () => {
  const choices = ["Red", { value: "b", label: "Blue" }]

  it("in the chat is one of the choices by value or label, without regard to case", async () => {
    const { client } = grounds
    const { threadId, pause } = await ask({ choices })
    expect(pause.choices).toEqual([
      { value: "Red", label: "Red" },
      { value: "b", label: "Blue" },
    ])
    const { body } = await client.ask("  bLUE", { thread_id: threadId })
    expect(body.response[0].text).toBe('You said: "b" by Owner')
  })

  it("that does not fit is stored, and the question stays open and says why", async () => {
    const { client } = grounds
    const { threadId, pauseId, body: first, runId } = await ask({ choices })
    const { status, body } = await client.ask("Green", { thread_id: threadId })
    expect(status).toBe(200)
    expect(body).toMatchObject({ stop_reason: "input_required", run_id: runId, response_id: first.response_id })
    expect(body.pause).toMatchObject({ id: pauseId, error: { code: "PAUSE_ANSWER_INVALID" } })
    expect(body.pause.error.details.fields[0].message).toContain("Red, Blue")
    const stream = client.hear("Yellow", { thread_id: threadId })
    await stream.all()
    expect(stream.events).toEqual(["response.processing", "response.input_required", "response.completed", "[DONE]"])
    expect((await client.get(`/v1/pauses/${pauseId}`)).status).toBe("open")
    const { body: fit } = await client.ask("red", { thread_id: threadId })
    expect(fit.response[0].text).toBe('You said: "Red" by Owner')
    expect(await client.messages(threadId)).toEqual([
      "user: Hello",
      "assistant: Which colour?",
      "user: Green",
      "user: Yellow",
      "user: red",
      'assistant: You said: "Red" by Owner',
    ])
  })

  it("is read as the type of the one field that the question has", async () => {
    const { client } = grounds
    const { threadId } = await ask({ kind: "question", fields: [{ name: "count", type: "number", required: true }] })
    const { body } = await client.ask("7,5", { thread_id: threadId })
    expect(body.response[0].text).toBe("You said: 7.5 by Owner")
  })

  it("through the API has to fit as it stands, and one that does not leaves the question open", async () => {
    const { pauseId } = await ask({ kind: "question", fields: [{ name: "count", type: "number" }] })
    for (const wrong of ["7", null, {}, [7], true]) {
      const { status, body } = await answer(pauseId, wrong)
      expect([status, body.error.code], JSON.stringify(wrong)).toEqual([422, "PAUSE_ANSWER_INVALID"])
      expect(body.error.details.fields).toHaveLength(1)
    }
    expect((await answer(pauseId, 7)).status).toBe(200)
  })

  it("wins alone of twenty at once: all others are told who was first, and when", async () => {
    const { client } = grounds
    const { pauseId, threadId } = await ask()
    const all = await Promise.all(Array.from({ length: 20 }, (_, index) => answer(pauseId, `answer ${index}`)))
    const won = all.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    const pause = await client.get(`/v1/pauses/${pauseId}`)
    for (const { status, body } of all.filter((each) => each.status !== 200)) {
      expect([status, body.error.code]).toEqual([409, "PAUSE_ALREADY_ANSWERED"])
      const { answered_by, answered_at } = pause
      expect(body.error.details).toEqual({ pause_id: pauseId, answered_by, answered_at })
    }
    expect(await client.settled(threadId)).toEqual(["completed"])
    expect((await client.messages(threadId)).at(-1)).toBe(`assistant: You said: "${won[0]?.body.answer}" by Owner`)
    // The same answer again is as good as the first, also later.
    expect((await answer(pauseId, won[0]?.body.answer)).status).toBe(200)
    expect(
      grounds.model.requests.filter((request) => JSON.stringify(request.messages).includes("answer ")),
    ).toHaveLength(1)
  })

  it("that ends as a cancelling begins is either taken up or refused, and the run ends once", async () => {
    const { client } = grounds
    for (let round = 0; round < 5; round += 1) {
      const { pauseId, threadId, runId } = await ask()
      const [answered, cancelled] = await Promise.all([
        answer(pauseId, "red"),
        client.call("POST", `/v1/runs/${runId}/cancel`),
      ])
      expect([200, 409]).toContain(answered.status)
      if (answered.status === 409) expect(answered.body.error.code).toBe("PAUSE_CANCELLED")
      expect([200, 409]).toContain(cancelled.status)
      const [status] = await client.settled(threadId)
      if (cancelled.status === 409) expect(status).toBe("completed")
      const pause = await client.get(`/v1/pauses/${pauseId}`)
      expect(pause.status).toBe(answered.status === 200 ? "answered" : "cancelled")
      expect((await client.get(`/v1/threads/${threadId}`)).open_pauses).toEqual([])
    }
  })

  it("with a key that may only chat is taken for questions of the chat, and for nothing else", async () => {
    const { client } = grounds
    const organization = (await client.get("/v1/organizations")).organizations[0].id
    const made = await client.call("POST", `/v1/organizations/${organization}/api-keys`, {
      body: { key_name: "Chat", scopes: ["chat"] },
    })
    const key = String(made.body.key)
    const chat = await ask()
    const approval = await ask({ kind: "approval" })
    const call = (id: string, value: JsonObject[string]) =>
      client.call("POST", `/v1/pauses/${id}/answer`, { body: { answer: value }, key })
    const refused = await call(approval.pauseId, { decision: "approve" })
    expect([refused.status, refused.body.error.code]).toEqual([403, "INSUFFICIENT_PERMISSIONS"])
    expect((await call(chat.pauseId, "red")).status).toBe(200)
  })
})

describe("a turn that waits", () => {
  it("is cancelled with what it asks for; both of its messages stay", async () => {
    const { client } = grounds
    const { threadId, pauseId } = await ask()
    const { status, body } = await client.call("POST", `/v1/model/response/${threadId}/cancel`)
    expect([status, body.cancel_mode]).toEqual([200, "keep_partial"])
    expect((await client.get(`/v1/pauses/${pauseId}`)).status).toBe("cancelled")
    expect(await client.settled(threadId)).toEqual(["cancelled"])
    expect(await client.messages(threadId)).toEqual(["user: Hello", "assistant: Which colour?"])
    expect((await client.call("POST", `/v1/model/response/${threadId}/cancel`)).status).toBe(404)
    const late = await answer(pauseId, "red")
    expect([late.status, late.body.error.code]).toEqual([409, "PAUSE_CANCELLED"])
  })

  it("is removed by an edit of its question, and its pause with it", async () => {
    const { client } = grounds
    const { threadId, pauseId } = await ask()
    const { data } = await client.get(`/v1/threads/${threadId}/messages?order=asc`)
    const { body } = await client.ask("Good day", { thread_id: threadId, edit_message_id: data[0].id })
    expect(body).toMatchObject({ stop_reason: "input_required", message_id: expect.stringMatching(/^msg_/) })
    expect(body.pause.id).not.toBe(pauseId)
    expect((await client.get(`/v1/pauses/${pauseId}`)).status).toBe("cancelled")
    expect(await client.messages(threadId)).toEqual(["user: Good day", "assistant: Which colour?"])
    expect((await client.get(`/v1/threads/${threadId}`)).open_pauses).toEqual([body.pause.id])
  })
})

describe("a message while a run waits", () => {
  it("makes a turn of its own where a form waits; the form is answered later, and its reply is appended when it comes", async () => {
    const { client } = grounds
    const { threadId, pauseId, body } = await ask({ fields: [{ name: "colour", required: true }] })
    expect(body.pause).toMatchObject({ kind: "form", schema: { type: "object", required: ["colour"] } })
    const other = await client.ask("Something else", { thread_id: threadId })
    expect(other.body).toMatchObject({ stop_reason: "input_required" })
    expect(other.body.run_id).not.toBe(body.run_id)
    expect((await answer(pauseId, { colour: "red" })).status).toBe(200)
    await until(async () => (await client.runs(threadId))[0]?.status === "completed", "the first run's end")
    // The answer of the first turn stands with its question.
    expect(await client.messages(threadId)).toEqual([
      "user: Hello",
      "assistant: Which colour?",
      'assistant: You said: {"colour":"red"} by Owner',
      "user: Something else",
      "assistant: Which colour?",
    ])
  })

  it("with the same idempotency key is the same answer, and makes no turn", async () => {
    const { client } = grounds
    const { threadId } = await ask()
    const headers = { "idempotency-key": `answer ${threadId}` }
    const body = { inputs: [{ role: "user", content: "red" }], thread_id: threadId }
    const first = await client.call("POST", "/v1/model/response", { body, headers })
    const second = await client.call("POST", "/v1/model/response", { body, headers })
    expect(second.body).toEqual(first.body)
    expect(second.headers.get("idempotent-replayed")).toBe("true")
    expect(await client.runs(threadId)).toHaveLength(1)
  })

  it("takes its place behind the answer that is being worked on: segments of a thread never run at the same time", async () => {
    const { client, model } = grounds
    const { threadId, pauseId } = await ask({ fields: [{ name: "colour" }] })
    model.hold(0)
    expect((await answer(pauseId, { colour: "red" })).status).toBe(200)
    await until(() => model.requests.length === 1, "the model call of the resumed run")
    const next = client.hear("Next", { thread_id: threadId })
    await next.created()
    expect((await client.runs(threadId)).map(({ status }) => status)).toEqual(["running", "queued"])
    model.release()
    await next.all()
    expect((await client.runs(threadId)).map(({ status }) => status)).toEqual(["completed", "waiting"])
  })
})
