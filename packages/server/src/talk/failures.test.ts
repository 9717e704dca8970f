/** What becomes of a turn whose model fails (the HTTP contract, §1 "5xx"), in both forms; the thread can be gone on with. */
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { lastUserText, type ScriptedAnswer } from "../testing/scripted-model.ts"
import { startTestServer, type TestServer } from "../testing/server.ts"
import { ContractClient, node, promptOf, single, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()
/** Another server, which gives models three seconds to say a word: far more than they need, also on a busy machine. */
const hasty = useTalkServer({ BREVET_MODEL_TIMEOUT_SECONDS: "3" })

type Case = {
  /** What the provider does. */
  readonly what: string
  readonly answer: ScriptedAnswer
  readonly status: number
  readonly code: string
  readonly retryAfter: string | null
}

const failing = (status: number, code: string, answers: Readonly<Record<string, ScriptedAnswer>>): readonly Case[] =>
  Object.entries(answers).map(([what, answer]) => ({ what, answer, status, code, retryAfter: null }))

const cases: readonly Case[] = [
  ...failing(502, "MODEL_ERROR", {
    "status 500": { status: 500 },
    "status 503": { status: 503 },
    "status 401": { status: 401 },
    "status 403": { status: 403 },
    "a stream that breaks before the first token": { chunks: ["a", "b"], breakAfterChunks: 0 },
    "a stream that breaks after some tokens": { chunks: ["a", "b"], breakAfterChunks: 1 },
    "nonsense instead of an answer": { rawBody: "<html>Bad gateway</html>" },
  }),
  ...failing(422, "MODEL_REFUSED", {
    "status 400": { status: 400 },
    "a refusal of the model itself": { refusal: "I will not." },
  }),
  ...failing(422, "CONTEXT_TOO_LONG", {
    "a conversation that is too long": {
      status: 400,
      errorBody: { error: { code: "context_length_exceeded", message: "too long" } },
    },
  }),
  ...failing(404, "MODEL_NOT_FOUND", {
    "a model that it does not offer": { status: 404, errorBody: { error: { code: "model_not_found", message: "no" } } },
  }),
  {
    what: "status 429 with a time",
    answer: { status: 429, headers: { "retry-after": "7" } },
    status: 503,
    code: "MODEL_UNAVAILABLE",
    retryAfter: "7",
  },
  { what: "status 429", answer: { status: 429 }, status: 503, code: "MODEL_UNAVAILABLE", retryAfter: "1" },
]

describe("a provider that fails in the first model call", () => {
  it.each(cases)(
    "answers JSON with its own status, and the thread goes on: $what",
    async ({ answer, status, code, retryAfter }) => {
      const { assistantId } = await talk.client.promoted(single())
      const thread = (await talk.client.ask("Before", { assistant_id: assistantId })).body.thread_id
      talk.model.script([answer])
      const failed = await talk.client.ask("Now", { thread_id: thread })
      expect([failed.status, failed.body.error.code]).toEqual([status, code])
      expect(failed.headers.get("retry-after")).toBe(retryAfter)
      const { run_id: runId, node: name, cause_code: cause } = failed.body.error.details
      expect([name, cause]).toEqual(["Answer", code])
      expect(await talk.client.get(`/v1/runs/${runId}`)).toMatchObject({ status: "failed", error: { code } })
      // A failed turn keeps its question and gets an empty answer that says why; neither is told to the model again.
      const { data } = await talk.client.get(`/v1/threads/${thread}/messages?order=asc`)
      expect(data.slice(2)).toMatchObject([
        { role: "user", content: "Now" },
        { role: "assistant", content: "", metadata: { status: "failed", error_code: code, run_id: runId } },
      ])
      expect((await talk.client.ask("Later", { thread_id: thread })).status).toBe(200)
      expect(promptOf(talk.model.requests.at(-1))).toEqual([
        "user: Before",
        "assistant: You said: Before",
        "user: Later",
      ])
    },
  )

  it.each(cases)("ends a stream with the same error, live and read again: $what", async (provider) => {
    const { what, answer, status, code } = provider
    talk.model.script([answer])
    const stream = talk.client.hear(`Stream of ${what}`)
    await stream.all()
    const { responseId, threadId, runId } = await stream.created()
    const { error } = (await stream.frame("response.error")) as { error: JsonObject }
    expect(error).toMatchObject({ code, status, details: { run_id: runId, node: "FreddyLLM" } })
    expect(Object.keys(error).sort()).toEqual(
      ["code", "details", "message", "status", "system_message", "timestamp", "trace_id", "type"].sort(),
    )
    expect(stream.end).toBe("done")
    const again = talk.client.replay(responseId)
    expect(await again.all()).toEqual(stream.blocks.slice(1))
    const read = await talk.client.get(`/v1/model/response/${responseId}`)
    expect(read).toMatchObject({ success: false, status: "failed", response: [], stop_reason: null, error })
    expect((await talk.client.ask("Later", { thread_id: threadId })).status).toBe(200)
  })

  it("shows no word of the provider's own beyond what a client has to change", async () => {
    const secret = "sk-secret-0123456789"
    const errorBody = { error: { message: `Key ${secret} at https://internal.example/v1 is wrong`, code: "x" } }
    for (const status of [400, 401, 500]) {
      talk.model.script([{ status, errorBody }])
      const { body } = await talk.client.ask(`Secret ${status}`)
      expect(JSON.stringify(body)).not.toMatch(/sk-secret|internal\.example/)
    }
  })
})

describe("a model that falls silent", () => {
  it("is given up after a while, before its first token and after it, in both forms, and the thread goes on", async () => {
    const silent = [0, 1].flatMap((hangAfterChunks): ScriptedAnswer[] => [
      { chunks: ["a", "b"], hangAfterChunks, match: (request) => lastUserText(request) === `JSON ${hangAfterChunks}` },
      {
        chunks: ["a", "b"],
        hangAfterChunks,
        match: (request) => lastUserText(request) === `Stream ${hangAfterChunks}`,
      },
    ])
    hasty.model.script(silent)
    const asked = [hasty.client.ask("JSON 0"), hasty.client.ask("JSON 1")]
    const streams = [hasty.client.hear("Stream 0"), hasty.client.hear("Stream 1")]
    await Promise.all(streams.map((stream) => stream.all()))
    for (const answer of await Promise.all(asked)) {
      expect([answer.status, answer.body.error.code]).toEqual([504, "MODEL_TIMEOUT"])
    }
    expect(streams.map(({ text }) => text)).toEqual(["", "a"])
    for (const stream of streams) {
      expect(await stream.frame("response.error")).toMatchObject({ error: { code: "MODEL_TIMEOUT", status: 504 } })
      const { threadId } = await stream.created()
      expect((await hasty.client.ask("Later", { thread_id: threadId })).status).toBe(200)
    }
    await hasty.model.whenAborted(4)
  })
})

describe("a model that fails after something was achieved", () => {
  const two = workflow(
    [node("First", "FreddyLLM"), { ...node("Second", "FreddyLLM", { prompt: "={{ $json.text }}" }), id: "second" }],
    [["First", "Second"]],
  )
  const promote = async (definition: JsonObject): Promise<string> => {
    const made = await talk.client.call("POST", "/v1/workflows", { body: { name: "Two calls", definition } })
    const { body } = await talk.client.call("POST", `/v1/workflows/${made.body.id}/promote-to-assistant`, {
      body: { primary_node_id: "second", name: `Two calls ${Math.random()}` },
    })
    return body.assistant_id
  }

  it("is 422 NODE_FAILED with the cause, since repeating would do the first call again", async () => {
    const assistantId = await promote(two)
    for (const [status, cause] of [
      [500, "MODEL_ERROR"],
      [429, "MODEL_UNAVAILABLE"],
      [400, "MODEL_REFUSED"],
    ] as const) {
      talk.model.script([{ text: "Well" }, { status }])
      const { status: answered, headers, body } = await talk.client.ask(`Hi ${cause}`, { assistant_id: assistantId })
      expect([answered, body.error.code, body.error.type]).toEqual([422, "NODE_FAILED", "run_error"])
      expect(body.error.details).toMatchObject({ node: "Second", cause_code: cause })
      expect(headers.get("retry-after")).toBeNull()
    }
  })

  it("is tried again as often as the node says, and what it had shown is taken back first", async () => {
    const retrying = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 }
    const { assistantId } = await talk.client.promoted(workflow([{ ...node("Answer", "FreddyLLM"), ...retrying }]))
    talk.model.script([
      { chunks: ["Half ", "gone"], breakAfterChunks: 1 },
      { chunks: ["Another ", "half"], breakAfterChunks: 1 },
      { chunks: ["The ", "whole"] },
    ])
    const stream = talk.client.hear("Try", { assistant_id: assistantId })
    await stream.all()
    expect(stream.text).toBe("The whole")
    const { responseId, threadId } = await stream.created()
    const resets = stream.frames.filter(({ data }) => data !== "[DONE]" && data.event === "response.content_reset")
    expect(resets.map(({ data }) => data)).toEqual([
      { event: "response.content_reset", reason: "retry", attempt: 2 },
      { event: "response.content_reset", reason: "retry", attempt: 3 },
    ])
    expect(await talk.client.replay(responseId).all()).toEqual(stream.blocks.slice(1))
    expect(await talk.client.messages(threadId)).toEqual(["user: Try", "assistant: The whole"])
  })

  it("lets the run go on where the node says so, and the answer is what comes of it", async () => {
    const { assistantId } = await talk.client.promoted(
      workflow([{ ...node("Answer", "FreddyLLM"), onError: "continueRegularOutput" }]),
    )
    talk.model.script([{ status: 500 }])
    const { status, body } = await talk.client.ask("Hi", { assistant_id: assistantId })
    expect([status, body.status]).toEqual([200, "completed"])
    expect(body.response[0].text).toContain("error")
  })
})

describe("a provider that cannot be reached", () => {
  let server: TestServer
  let client: ContractClient
  beforeAll(async () => {
    // Nobody listens on that port: it is reserved.
    server = await startTestServer({ OPENAI_BASE_URL: "http://127.0.0.1:1/v1" })
    client = new ContractClient(server.client.url)
  })
  afterAll(() => server.close())

  it("is 503 MODEL_UNAVAILABLE with Retry-After, in both forms", async () => {
    const { status, headers, body } = await client.ask("Hi")
    expect([status, body.error.code]).toEqual([503, "MODEL_UNAVAILABLE"])
    expect(headers.get("retry-after")).toMatch(/^\d+$/)
    const stream = client.hear("Stream")
    await stream.all()
    expect(await stream.frame("response.error")).toMatchObject({ error: { code: "MODEL_UNAVAILABLE", status: 503 } })
  })
})
