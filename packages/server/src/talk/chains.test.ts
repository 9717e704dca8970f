/** Nodes that ask a model once for each item, on the whole server: as an assistant, in a run of items, and when models fail. */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { langchain, modelNode, runToEnd, served, versioned } from "../testing/model-workflows.ts"
import { textOf } from "../testing/server.ts"
import { node, promptOf, until, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()
const chain = (parameters: JsonObject = {}, rest: JsonObject = {}): JsonObject => ({
  ...versioned(node("Chain", `${langchain}chainLlm`, parameters), 1.7),
  ...rest,
})
const chat = node("Chat", `${langchain}chatTrigger`)
const start = node("Start", "n8n-nodes-base.manualTrigger")

/** A chain behind a chat, with its model. */
const talking = (parameters: JsonObject = {}, model: JsonObject = {}): JsonObject =>
  served(workflow([chat, chain(parameters), modelNode("Model", model)], [["Chat", "Chain"]]), [
    ["Model", "Chain", "ai_languageModel"],
  ])

/** Items of a number each, before a node. */
const items = (count: number): JsonObject =>
  versioned(
    node("Items", "n8n-nodes-base.code", {
      jsCode: `return [...Array(${count}).keys()].map((n) => ({ json: { n } }))`,
    }),
    2,
  )

/** Runs a definition to its end: the run, and the outputs of a node's last execution. */
const run = (definition: JsonObject, name = "Chain") => runToEnd(talk.client, definition, name)

describe("a chain that was promoted", () => {
  it("streams what its model says, with the conversation before it", async () => {
    const { assistantId } = await talk.client.promoted(
      talking({
        messages: { messageValues: [{ message: "Be kind." }, { type: "AIMessagePromptTemplate", message: "Hm." }] },
      }),
    )
    talk.model.hold(1)
    const first = talk.client.hear("I am Ada", { assistant_id: assistantId })
    await talk.model.whenHeld()
    await until(() => first.events.includes("response.content_delta"), "the first word")
    talk.model.release()
    await first.all()
    const { frames } = first
    expect(textOf(frames)).toBe("You said: I am Ada")
    const created = frames.find(({ data }) => data !== "[DONE]" && data.event === "response.created")
      ?.data as JsonObject
    const again = await talk.client.ask("Who am I?", { thread_id: String(created.thread_id) })
    expect(again.status).toBe(200)
    expect(promptOf(talk.model.requests[1])).toEqual([
      "system: Be kind.",
      "assistant: Hm.",
      "user: I am Ada",
      "assistant: You said: I am Ada",
      "user: Who am I?",
    ])
  })

  it("takes the settings of its model's node, and those of the assistant over them", async () => {
    const options = { temperature: 0.2, maxTokens: 50 }
    const { assistantId } = await talk.client.promoted(talking({}, { options }))
    await talk.client.ask("One", { assistant_id: assistantId })
    const changed = await talk.client.call("PATCH", `/v1/assistants/${assistantId}`, {
      body: { temperature: 0.9, default_model_key: "gpt-4o-mini", instructions: "Be brief." },
    })
    expect(changed.status).toBe(200)
    await talk.client.ask("Two", { assistant_id: assistantId })
    expect(talk.model.requests.map(({ body }) => [body.model, body.temperature, body.max_tokens])).toEqual([
      ["gpt-4o", 0.2, 50],
      ["gpt-4o-mini", 0.9, 50],
    ])
    expect(promptOf(talk.model.requests[1])).toEqual(["system: Be brief.", "user: Two"])
  })

  it("shows nothing of an answer that a parser reads, and answers with what was read", async () => {
    const parser = versioned(
      node("Parser", `${langchain}outputParserStructured`, { jsonSchemaExample: '{"city":"Bern"}' }),
      1.2,
    )
    const definition = served(
      workflow([chat, chain({ hasOutputParser: true }), modelNode(), parser], [["Chat", "Chain"]]),
      [
        ["Model", "Chain", "ai_languageModel"],
        ["Parser", "Chain", "ai_outputParser"],
      ],
    )
    const { assistantId } = await talk.client.promoted(definition)
    talk.model.script([{ chunks: ['```json\n{"output":', '{"city":"Basel"}}', "\n```"] }])
    const reader = talk.client.hear("Where?", { assistant_id: assistantId })
    await reader.all()
    expect(reader.events.filter((event) => event === "response.content_delta")).toHaveLength(1)
    expect(textOf(reader.frames)).toBe('{"city":"Basel"}')
  })

  it("does not ask the providers that the assistant does not allow", async () => {
    const { assistantId } = await talk.client.promoted(talking())
    await talk.client.call("PATCH", `/v1/assistants/${assistantId}`, {
      body: { allowed_model_providers: ["anthropic"] },
    })
    const { body } = await talk.client.ask("Hi", { assistant_id: assistantId })
    expect(body.error.code).toBe("MODEL_REFUSED")
    expect(talk.model.calls).toBe(0)
  })
})

describe("a chain over many items", () => {
  const many = (parameters: JsonObject, rest: JsonObject = {}) =>
    served(
      workflow(
        [
          start,
          items(4),
          chain({ promptType: "define", text: "=Say {{ $json.n }}", ...parameters }, rest),
          modelNode(),
        ],
        [
          ["Start", "Items"],
          ["Items", "Chain"],
        ],
      ),
      [["Model", "Chain", "ai_languageModel"]],
    )

  it("asks for as many side by side as its batches have, and keeps the order of the items", async () => {
    talk.model.hold(0)
    const running = run(many({ batching: { batchSize: 3 } }))
    await talk.model.whenHeld(3)
    expect(talk.model.calls).toBe(3)
    talk.model.release()
    const { outputs } = await running
    expect(outputs).toEqual([[0, 1, 2, 3].map((n) => ({ text: `You said: Say ${n}` }))])
  })

  it("goes on with the others where one fails and the node says so, and puts it where that belongs", async () => {
    const fault = {
      status: 400,
      match: ({ messages }: { messages: readonly JsonObject[] }) => messages.at(-1)?.content === "Say 1",
    }
    talk.model.script([fault])
    const kept = await run(many({}, { onError: "continueRegularOutput" }))
    expect(kept.outputs).toEqual([
      [
        { text: "You said: Say 0" },
        { error: expect.any(String) },
        { text: "You said: Say 2" },
        { text: "You said: Say 3" },
      ],
    ])
    talk.model.script([fault])
    const apart = await run(many({}, { onError: "continueErrorOutput" }))
    expect(apart.outputs[0]).toHaveLength(3)
    expect(apart.outputs[1]).toEqual([{ n: 1, error: expect.any(String) }])
    talk.model.script([fault])
    const stopped = await run(many({}))
    expect(stopped.run.status).toBe("failed")
    expect(stopped.run.error.details).toMatchObject({ node: "Chain", cause_code: "MODEL_REFUSED" })
  })
})

describe("a model that fails", () => {
  const asking = (model: JsonObject, further: readonly JsonObject[] = [], parameters: JsonObject = {}) =>
    served(
      workflow(
        [start, chain({ promptType: "define", text: "Hi", ...parameters }), modelNode("Model", model), ...further],
        [["Start", "Chain"]],
      ),
      [
        ["Model", "Chain", "ai_languageModel"],
        ...further.map(({ name }) => [String(name), "Chain", "ai_languageModel"] as const),
      ],
    )

  it("is asked again where that may help, as often as its node says", async () => {
    talk.model.script([{ status: 429, headers: { "retry-after-ms": "1" } }])
    const { outputs } = await run(asking({}))
    expect(outputs).toEqual([[{ text: "You said: Hi" }]])
    expect(talk.model.calls).toBe(2)
    talk.model.reset()
    talk.model.script([{ status: 429, times: 9 }])
    const { run: failed } = await run(asking({ options: { maxRetries: 0 } }))
    expect([failed.status, failed.error.details.cause_code]).toEqual(["failed", "MODEL_UNAVAILABLE"])
    expect(talk.model.calls).toBe(1)
  })

  it("is not asked again where that cannot help", async () => {
    talk.model.script([{ status: 401 }])
    const { run: failed } = await run(asking({}))
    expect([failed.status, talk.model.calls]).toEqual(["failed", 1])
  })

  it("gives way to the second one, where the node wants that", async () => {
    talk.model.script([{ status: 400 }])
    const second = modelNode("Second", { model: "gpt-4o-mini" })
    const { outputs } = await run(asking({}, [second], { needsFallback: true }))
    expect(outputs).toEqual([[{ text: "You said: Hi" }]])
    expect(talk.model.requests.map(({ model }) => model)).toEqual(["gpt-4o", "gpt-4o-mini"])
  })

  it("is said with its code where there is none", async () => {
    const { run: failed } = await run(
      workflow([start, chain({ promptType: "define", text: "Hi" })], [["Start", "Chain"]]),
    )
    expect(failed.error.details).toMatchObject({ node: "Chain", cause_code: "NODE_SETTINGS_INVALID" })
  })

  it("says what is wrong with an address that is none", async () => {
    const { run: failed } = await run(asking({ options: { baseURL: "nowhere" } }))
    expect(failed.error.details.cause_code).toBe("NODE_SETTINGS_INVALID")
  })

  it("gets no key of the server at an address of the node's, which the guard judges", async () => {
    const { run: failed } = await run(asking({ options: { baseURL: talk.model.baseUrl } }))
    expect([failed.status, talk.model.calls]).toEqual(["failed", 0])
  })
})

describe("an answer that does not fit", () => {
  const parser = (parameters: JsonObject): JsonObject =>
    versioned(
      node("Parser", `${langchain}outputParserStructured`, {
        schemaType: "manual",
        inputSchema: '{"type":"object","properties":{"age":{"type":"number"}},"required":["age"]}',
        ...parameters,
      }),
      1.2,
    )
  const parsing = (parserNodes: readonly JsonObject[], serving: readonly (readonly [string, string, string])[]) =>
    served(
      workflow(
        [start, chain({ promptType: "define", text: "Age?", hasOutputParser: true }), modelNode(), ...parserNodes],
        [["Start", "Chain"]],
      ),
      [["Model", "Chain", "ai_languageModel"], ...serving],
    )

  it("is repaired by the model that is connected to the parser in front of it", async () => {
    const fixing = node("Fixing", `${langchain}outputParserAutofixing`)
    const definition = parsing(
      [parser({}), fixing],
      [
        ["Model", "Fixing", "ai_languageModel"],
        ["Parser", "Fixing", "ai_outputParser"],
        ["Fixing", "Chain", "ai_outputParser"],
      ],
    )
    talk.model.script([{ text: "about forty" }, { text: '{"output":{"age":40}}' }])
    const { outputs } = await run(definition)
    expect(outputs).toEqual([[{ output: { age: 40 } }]])
    expect(talk.model.requests[1]?.messages.at(-1)?.content).toContain("about forty")
  })

  it("fails the node where nobody repairs it", async () => {
    talk.model.script([{ text: '{"output":{"age":"old"}}' }])
    const { run: failed } = await run(parsing([parser({})], [["Parser", "Chain", "ai_outputParser"]]))
    expect(failed.error.details.cause_code).toBe("OUTPUT_SCHEMA_MISMATCH")
  })

  it("is a list of texts where a list is asked for", async () => {
    const list = node("List", `${langchain}outputParserItemList`, { options: { numberOfItems: 2 } })
    talk.model.script([{ text: "red\n\ngreen\nblue" }])
    const { outputs } = await run(parsing([list], [["List", "Chain", "ai_outputParser"]]))
    expect(outputs).toEqual([[{ data: ["red", "green"] }]])
  })
})

describe("a long text", () => {
  const words = "word ".repeat(600)
  const summing = (values: JsonObject) =>
    served(
      workflow(
        [
          start,
          versioned(
            node("Text", "n8n-nodes-base.code", {
              jsCode: `return [{ json: { text: ${JSON.stringify(words.repeat(5))} } }]`,
            }),
            2,
          ),
          versioned(
            node("Sum", `${langchain}chainSummarization`, {
              chunkSize: 5000,
              options: { summarizationMethodAndPrompts: { values } },
            }),
            2,
          ),
          modelNode(),
        ],
        [
          ["Start", "Text"],
          ["Text", "Sum"],
        ],
      ),
      [["Model", "Sum", "ai_languageModel"]],
    )

  it("is summarised piece by piece, then as a whole", async () => {
    talk.model.answerWith(({ messages }) => ({
      text: String(messages[0]?.content).startsWith("Whole") ? "All." : "part",
    }))
    const { outputs } = await run(summing({ prompt: "Piece: {text}", combineMapPrompt: "Whole: {text}" }), "Sum")
    expect(outputs).toEqual([[{ response: { text: "All." } }]])
    const said = talk.model.requests.map(({ messages }) => String(messages[0]?.content).slice(0, 6))
    expect(said.filter((text) => text === "Piece:").length).toBeGreaterThan(2)
    expect(promptOf(talk.model.requests.at(-1))[0]).toMatch(/^user: Whole: part(\n\npart)+$/)
  })

  it("is refined with each piece", async () => {
    let count = 0
    talk.model.answerWith(() => ({ text: `summary ${++count}` }))
    const { outputs } = await run(
      summing({ summarizationMethod: "refine", refinePrompt: "{existing_answer} + {text}" }),
      "Sum",
    )
    expect(outputs).toEqual([[{ response: { output_text: `summary ${count}` } }]])
    expect(promptOf(talk.model.requests[1])[0]).toMatch(/^user: summary 1 \+ word/)
  })
})
