/** The answer of a turn as JSON: its shape, the thread that it makes or goes on with, and what a request may say. */
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { promptOf, single, useTalkServer } from "../testing/talk.ts"

const talk = useTalkServer()

const say = (inputs: JsonValue, fields: JsonObject = {}) =>
  talk.client.call("POST", "/v1/model/response", { body: { inputs, ...fields } })

describe("a turn as JSON", () => {
  it("answers in the documented shape, with our ids, usage and model beside it", async () => {
    const { assistantId } = await talk.client.promoted(single({ model: "gpt-4o" }))
    talk.model.script([{ chunks: ["Hello ", "there"], usage: { inputTokens: 7, outputTokens: 3 } }])
    const { status, headers, body } = await talk.client.ask("Hi", { assistant_id: assistantId })
    expect(status).toBe(200)
    expect(body).toEqual({
      success: true,
      thread_id: expect.stringMatching(/^thread_[0-9a-f]{32}$/),
      response: [{ type: "text", text: "Hello there" }],
      response_id: expect.stringMatching(/^resp_[0-9a-f]{32}$/),
      is_summarized: false,
      stop_reason: "stop",
      run_id: expect.stringMatching(/^run_[0-9a-f]{32}$/),
      message_id: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
      usage: { input_tokens: 7, output_tokens: 3, total_tokens: 10 },
      model: "gpt-4o",
      status: "completed",
    })
    expect(headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/)
    expect(await talk.client.get(`/v1/model/response/${body.response_id}`)).toEqual(body)
    const messages = (await talk.client.get(`/v1/threads/${body.thread_id}/messages?order=asc`)).data
    expect(messages.map(({ id }: { id: string }) => id)).toContain(body.message_id)
  })

  it("says `length` where the model stopped for want of room", async () => {
    talk.model.script([{ text: "Once upon a", finishReason: "length" }])
    expect((await talk.client.ask("A tale")).body).toMatchObject({ stop_reason: "length", success: true })
  })

  it("counts the tokens of all model calls of the run, and zeros where a provider says nothing", async () => {
    talk.model.script([{ text: "Nothing counted", usage: null }])
    const usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 }
    expect((await talk.client.ask("Count")).body.usage).toEqual(usage)
  })

  it("is answered by the model alone where no assistant is named, the same path inside", async () => {
    const { body } = await talk.client.ask("Hi", { model: "gpt-4o-mini" })
    expect(body.model).toBe("gpt-4o-mini")
    expect(talk.model.requests.map(({ model }) => model)).toEqual(["gpt-4o-mini"])
    expect(await talk.client.get(`/v1/runs/${body.run_id}`)).toMatchObject({
      workflow_id: null,
      assistant_id: null,
      thread_id: body.thread_id,
      mode: "chat",
      status: "completed",
      text: "You said: Hi",
      responses: [body.response_id],
    })
  })

  it("is answered by the server's default model where nobody names one", async () => {
    await talk.client.ask("Hi")
    expect(talk.model.requests[0]?.model).toBe("gpt-4o")
  })

  it("refuses a model that nobody offers before anything is stored", async () => {
    const before = (await talk.client.get("/v1/threads")).data.length
    const { status, body } = await talk.client.ask("Hi", { model: "no-such-model" })
    expect([status, body.error.code, body.error.details.model]).toEqual([404, "MODEL_NOT_FOUND", "no-such-model"])
    expect((await talk.client.get("/v1/threads")).data.length).toBe(before)
  })
})

describe("the thread of a turn", () => {
  it("is made and given back where none is named, and is gone on with where it is", async () => {
    const first = (await talk.client.ask("My name is Ada")).body
    const second = (await talk.client.ask("What is my name?", { thread_id: first.thread_id })).body
    expect(second.thread_id).toBe(first.thread_id)
    expect(await talk.client.messages(first.thread_id)).toEqual([
      "user: My name is Ada",
      "assistant: You said: My name is Ada",
      "user: What is my name?",
      "assistant: You said: What is my name?",
    ])
    expect(promptOf(talk.model.requests[1])).toEqual([
      "user: My name is Ada",
      "assistant: You said: My name is Ada",
      "user: What is my name?",
    ])
  })

  it("is 404 where it does not exist, is no id, or is another noun's", async () => {
    for (const id of [`thread_${"0".repeat(32)}`, "thread_1", "run_00000000000000000000000000000000", "x"]) {
      const { status, body } = await talk.client.ask("Hi", { thread_id: id })
      expect([status, body.error.code]).toEqual([404, "THREAD_NOT_FOUND"])
    }
  })

  it("takes an empty id, and null, as none", async () => {
    for (const none of ["", null]) {
      expect((await talk.client.ask("Hi", { thread_id: none, assistant_id: none, model: none })).status).toBe(200)
    }
  })

  it("is bound to an assistant by its first message, also where it was made for none or another", async () => {
    const one = await talk.client.promoted(single({ system_message: "One" }))
    const other = await talk.client.promoted(single({ system_message: "Other" }))
    for (const made of [{}, { assistant_id: other.assistantId }]) {
      const thread = (await talk.client.call("POST", "/v1/threads", { body: made })).body
      const { body } = await talk.client.ask("Hi", { thread_id: thread.id, assistant_id: one.assistantId })
      expect(body.thread_id).toBe(thread.id)
      expect((await talk.client.get(`/v1/threads/${thread.id}`)).assistant_id).toBe(one.assistantId)
      expect(promptOf(talk.model.requests.at(-1))[0]).toBe("system: One")
    }
  })

  it("answers with its own assistant where the request names none", async () => {
    const { assistantId } = await talk.client.promoted(single({ system_message: "The bound one" }))
    const thread = (await talk.client.call("POST", "/v1/threads", { body: { assistant_id: assistantId } })).body
    await talk.client.ask("Hi", { thread_id: thread.id })
    await talk.client.ask("Again", { thread_id: thread.id })
    for (const request of talk.model.requests) expect(promptOf(request)[0]).toBe("system: The bound one")
  })

  it("keeps its assistant once it has messages: another one, or one where there was none, is 409", async () => {
    const one = await talk.client.promoted(single())
    const other = await talk.client.promoted(single())
    const bound = (await talk.client.ask("Hi", { assistant_id: one.assistantId })).body.thread_id
    const free = (await talk.client.ask("Hi")).body.thread_id
    for (const [thread, assistant] of [
      [bound, other.assistantId],
      [free, one.assistantId],
    ]) {
      const { status, body } = await talk.client.ask("Hi", { thread_id: thread, assistant_id: assistant })
      expect([status, body.error.code]).toEqual([409, "THREAD_ASSISTANT_LOCKED"])
    }
    expect(await talk.client.messages(free)).toHaveLength(2)
  })

  it("is hidden from lists where the request says `store: false`, and can be gone on with", async () => {
    const { body } = await talk.client.ask("Secret", { store: false })
    const listed = (await talk.client.get("/v1/threads?limit=100&visible_in_ui=true")).data
    expect(listed.map(({ id }: { id: string }) => id)).not.toContain(body.thread_id)
    expect((await talk.client.get(`/v1/threads/${body.thread_id}`)).visible_in_ui).toBe(false)
    expect((await talk.client.ask("More", { thread_id: body.thread_id })).status).toBe(200)
  })

  it("is tagged with the request's `workflow_id`, by which lists find it", async () => {
    const tag = "flow_of_the_caller"
    const { body } = await talk.client.ask("Hi", { workflow_id: tag })
    expect((await talk.client.get(`/v1/threads/${body.thread_id}`)).workflow_id).toBe(tag)
    const listed = (await talk.client.get(`/v1/threads?workflow_id=${tag}`)).data
    expect(listed.map(({ id }: { id: string }) => id)).toEqual([body.thread_id])
  })
})

describe("the inputs of a turn", () => {
  it("are all stored in order in a new thread, and all told to the model", async () => {
    const { body } = await say([
      { role: "system", content: "Be brief." },
      { role: "user", content: "One" },
      { role: "assistant", content: "First answer" },
      { role: "user", content: "Two" },
    ])
    expect(await talk.client.messages(body.thread_id)).toEqual([
      "system: Be brief.",
      "user: One",
      "assistant: First answer",
      "user: Two",
      "assistant: You said: Two",
    ])
    expect(promptOf(talk.model.requests[0])).toEqual([
      "system: Be brief.",
      "user: One",
      "assistant: First answer",
      "user: Two",
    ])
    expect((await talk.client.get(`/v1/threads/${body.thread_id}`)).message_count).toBe(5)
  })

  it("make one turn only of what comes after the last assistant message, where the thread exists", async () => {
    const thread = (await talk.client.ask("One")).body.thread_id
    await say(
      [
        { role: "user", content: "One" },
        { role: "assistant", content: "You said: One" },
        { role: "user", content: "Two" },
        { role: "system", content: "Answer in French." },
        { role: "user", content: "Three" },
      ],
      { thread_id: thread },
    )
    expect(await talk.client.messages(thread)).toEqual([
      "user: One",
      "assistant: You said: One",
      "user: Two",
      "user: Three",
      "assistant: You said: Two\n\nThree",
    ])
    expect(await talk.client.runs(thread)).toHaveLength(2)
    expect(promptOf(talk.model.requests[1])).toEqual([
      "system: Answer in French.",
      "user: One",
      "assistant: You said: One",
      "user: Two\n\nThree",
    ])
  })

  it("count as system text for that turn alone in a thread that exists", async () => {
    const thread = (await talk.client.ask("One")).body.thread_id
    await say(
      [
        { role: "system", content: "Only now." },
        { role: "user", content: "Two" },
      ],
      { thread_id: thread },
    )
    await talk.client.ask("Three", { thread_id: thread })
    expect(promptOf(talk.model.requests[1])[0]).toBe("system: Only now.")
    expect(JSON.stringify(talk.model.requests[2]?.messages)).not.toContain("Only now.")
  })

  it("may be parts, plain texts in a list, or the older `texts`", async () => {
    const forms = [
      {
        role: "user",
        content: [
          { type: "text", text: "A" },
          { type: "text", text: "B" },
        ],
      },
      { role: "user", content: ["A", "B"] },
      { role: "user", texts: [{ text: "A" }, { text: "B" }] },
    ]
    for (const form of forms) {
      const { body } = await say([form])
      expect(await talk.client.messages(body.thread_id)).toEqual(["user: AB", "assistant: You said: AB"])
    }
  })

  it("keep NUL, lone surrogates and every other character, in the answer too", async () => {
    const odd = "a\u0000b\ud800c\u2028d\\u0000 “é” 👩‍👩‍👧 \u0007"
    const { body } = await talk.client.ask(odd)
    expect(body.response[0].text).toBe(`You said: ${odd}`)
    expect(await talk.client.messages(body.thread_id)).toEqual([`user: ${odd}`, `assistant: You said: ${odd}`])
    const stream = talk.client.replay(body.response_id)
    await stream.all()
    expect(stream.text).toBe(`You said: ${odd}`)
  })

  it("may be a thousand, and no more", async () => {
    const inputs = Array.from({ length: 1_000 }, (_, index) => {
      return { role: index % 2 === 0 ? "assistant" : "user", content: String(index) }
    })
    const { status, body } = await say(inputs)
    expect([status, body.response[0].text]).toEqual([200, "You said: 999"])
    expect((await talk.client.get(`/v1/threads/${body.thread_id}`)).message_count).toBe(1_001)
    expect(talk.model.requests[0]?.messages).toHaveLength(1_000)
    const tooMany = await say([...inputs, { role: "user", content: "1000" }])
    expect([tooMany.status, tooMany.body.error.details.fields[0].field]).toEqual([422, "inputs"])
  })

  it("may be as large as a body may be", async () => {
    const large = "ab ".repeat(1_500_000)
    talk.model.script([{ text: "Read." }])
    const { status, body } = await talk.client.ask(large, { store: false })
    expect([status, body.response[0].text]).toEqual([200, "Read."])
    expect((await talk.client.messages(body.thread_id))[0]).toBe(`user: ${large}`)
    const tooLarge = await talk.client.ask("x".repeat(5 * 1024 * 1024))
    expect([tooLarge.status, tooLarge.body.error.code]).toEqual([413, "REQUEST_TOO_LARGE"])
  })

  it("carry the request's metadata on the message, and into the workflow as `$json.metadata`", async () => {
    const { assistantId } = await talk.client.promoted(
      single({ prompt: "={{ $json.chatInput }} for {{ $json.metadata.team }}" }),
    )
    const { body } = await talk.client.ask("Hi", { assistant_id: assistantId, metadata: { team: "blue" } })
    expect(body.response[0].text).toBe("You said: Hi for blue")
    const [question] = (await talk.client.get(`/v1/threads/${body.thread_id}/messages?order=asc`)).data
    expect(question.metadata).toEqual({ team: "blue" })
  })
})

describe("a request that is not right", () => {
  const user = { role: "user", content: "Hi" }
  const many = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`key${index}`, "value"]))
  const cases: readonly [what: string, body: JsonObject, field: string][] = [
    ["no inputs", {}, "inputs"],
    ["empty inputs", { inputs: [] }, "inputs"],
    ["inputs that are no list", { inputs: "Hi" }, "inputs"],
    ["an input that is a text", { inputs: ["Hi"] }, "inputs.0"],
    ["an unknown role", { inputs: [{ role: "boss", content: "Hi" }] }, "inputs.0.role"],
    ["no content", { inputs: [{ role: "user" }] }, "inputs.0.content"],
    ["a number as content", { inputs: [{ role: "user", content: 7 }] }, "inputs.0.content"],
    ["an object as content of a user", { inputs: [{ role: "user", content: { a: 1 } }] }, "inputs.0.content"],
    ["parts without text", { inputs: [{ role: "user", content: [{}] }] }, "inputs.0.content"],
    ["an assistant last", { inputs: [user, { role: "assistant", content: "Yes" }] }, "inputs.1.role"],
    ["a system last", { inputs: [{ role: "system", content: "Yes" }] }, "inputs.0.role"],
    ["a temperature above 1", { inputs: [user], temperature: 1.5 }, "temperature"],
    ["a temperature in words", { inputs: [user], temperature: "warm" }, "temperature"],
    ["top_p below 0", { inputs: [user], top_p: -0.1 }, "top_p"],
    ["no room for an answer", { inputs: [user], max_output_synapses: 0 }, "max_output_synapses"],
    ["stream in words", { inputs: [user], stream: "yes" }, "stream"],
    ["an unknown output mode", { inputs: [user], output_mode: "loud" }, "output_mode"],
    ["an unknown effort", { inputs: [user], reasoning: { effort: "huge" } }, "reasoning.effort"],
    ["an unknown word in include", { inputs: [user], include: ["everything"] }, "include.0"],
    ["too many pairs of metadata", { inputs: [user], metadata: many }, "metadata"],
    ["metadata that is too long", { inputs: [user], metadata: { a: "x".repeat(513) } }, "metadata.a"],
    ["metadata that is a list", { inputs: [user], metadata: ["a"] }, "metadata"],
    ["a NUL in the model's name", { inputs: [user], model: "gpt\u0000" }, "model"],
    ["an edit without a thread", { inputs: [user], edit_message_id: `msg_${"0".repeat(32)}` }, "thread_id"],
    [
      "two places at once",
      { inputs: [user], thread_id: "t", edit_message_id: "m", previous_response_id: "r" },
      "edit_message_id",
    ],
  ]
  it.each(cases)("is 422 and names the field: %s", async (_, body, field) => {
    const answer = await talk.client.call("POST", "/v1/model/response", { body })
    expect([answer.status, answer.body.error.code]).toEqual([422, "VALIDATION_ERROR"])
    const fields = answer.body.error.details.fields.map((fault: { field: string }) => fault.field)
    expect(fields.some((name: string) => name === field || name.startsWith(`${field}.`))).toBe(true)
    expect(talk.model.calls).toBe(0)
  })

  const later: readonly [body: JsonObject, field: string][] = [
    [{ tools: [{ type: "function", name: "f" }] }, "tools"],
    [{ vector_store_ids: ["vs_1"] }, "vector_store_ids"],
    [{ space_id: "space_1" }, "space_id"],
    [{ disable_rules: true }, "disable_rules"],
    [{ include: ["nodes", "rules"] }, "include.1"],
    [{ system_tools: { web_search: { mode: "on" } } }, "system_tools.web_search"],
    [{ inputs: [{ role: "tool", tool_call_id: "c", content: { a: 1 } }] }, "inputs.0.role"],
    [{ inputs: [{ role: "user", content: "Hi", files: [{ id: "file_1" }] }] }, "inputs.0.files"],
    [{ inputs: [{ role: "user", content: [{ type: "image", url: "x" }] }] }, "inputs.0.content.0"],
  ]
  it.each(later)("is UNSUPPORTED_PARAMETER where it asks for what does not work yet: %j", async (fields, field) => {
    const answer = await say([user], fields)
    expect([answer.status, answer.body.error.code]).toEqual([422, "UNSUPPORTED_PARAMETER"])
    expect(answer.body.error.details.field).toBe(field)
  })

  it("is taken where such fields stand at their default, and unknown fields are ignored", async () => {
    const fields = {
      tools: [],
      system_tools: { web_search: { mode: "off" }, code: { mode: "auto" }, other: null },
      vector_store_ids: [],
      space_id: null,
      disable_rules: false,
      include: [],
      temprature: 7,
      seed: "unknown here",
      inputs_extra: [{}],
    }
    expect((await talk.client.ask("Hi", fields)).status).toBe(200)
    expect((await talk.client.ask("Hi", { include: ["wait", "nodes"] })).status).toBe(200)
  })

  it("is a plain error, never a stream, also where a stream is asked for", async () => {
    const bad = talk.client.hear("Hi", { temperature: 9 })
    const stranger = talk.client.hear("Hi", {}, { "x-api-key": "brv_nobody" })
    const missing = talk.client.hear("Hi", { thread_id: "thread_0" })
    const model = talk.client.hear("Hi", { model: "no-such-model" })
    await Promise.all([bad.all(), stranger.all(), missing.all(), model.all()])
    const refusals = [bad, stranger, missing, model].map(({ refused }) => [refused?.status, refused?.body.error.code])
    expect(refusals).toEqual([
      [422, "VALIDATION_ERROR"],
      [401, "AUTHENTICATION_REQUIRED"],
      [404, "THREAD_NOT_FOUND"],
      [404, "MODEL_NOT_FOUND"],
    ])
  })

  it("is 403 where it names another organization, before anything is looked for", async () => {
    const fields = { organization_id: `org_${"0".repeat(32)}`, thread_id: "thread_0" }
    const { status, body } = await talk.client.ask("Hi", fields)
    expect([status, body.error.code]).toEqual([403, "ORGANIZATION_ACCESS_DENIED"])
    const own = (await talk.client.get("/v1/organizations")).organizations[0].id
    expect((await talk.client.ask("Hi", { organization_id: own })).status).toBe(200)
  })
})

describe("an answer that is read again", () => {
  it("says that it is under way, without a word of it, and then is the answer", async () => {
    talk.model.hold(1)
    const stream = talk.client.hear("Hi")
    const { responseId, threadId, runId } = await stream.created()
    expect(await talk.client.get(`/v1/model/response/${responseId}`)).toEqual({
      success: true,
      thread_id: threadId,
      response_id: responseId,
      run_id: runId,
      response: [],
      is_summarized: false,
      stop_reason: null,
      message_id: null,
      usage: null,
      model: null,
      status: "in_progress",
    })
    talk.model.release()
    await stream.all()
    expect(await talk.client.get(`/v1/model/response/${responseId}`)).toMatchObject({
      status: "completed",
      response: [{ type: "text", text: "You said: Hi" }],
    })
  })

  it("is 404 for an unknown or malformed id, for JSON and stream", async () => {
    for (const id of [`resp_${"0".repeat(32)}`, "resp_1", `run_${"0".repeat(32)}`]) {
      for (const path of [`/v1/model/response/${id}`, `/v1/model/response/${id}/events`]) {
        const { status, body } = await talk.client.call("GET", path)
        expect([status, body.error.code]).toEqual([404, "RESPONSE_NOT_FOUND"])
      }
    }
  })
})
