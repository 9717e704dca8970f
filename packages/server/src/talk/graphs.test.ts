/** What a workflow makes of a turn: items, branches, schemas, and what is shown while it is made (the workflow language, §5, §6). */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { lastUserText } from "../testing/scripted-model.ts"
import { node, promptOf, type StreamReader, single, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()

/** Promotes a workflow, with the node of that id as primary; gives the assistant. */
async function promote(definition: JsonObject, primary?: string): Promise<string> {
  const made = await talk.client.call("POST", "/v1/workflows", { body: { name: "Graph", definition } })
  expect([made.status, made.body.error]).toEqual([201, undefined])
  const body = { name: `Graph ${Math.random()}`, ...(primary === undefined ? {} : { primary_node_id: primary }) }
  const promoted = await talk.client.call("POST", `/v1/workflows/${made.body.id}/promote-to-assistant`, { body })
  expect([promoted.status, promoted.body.error]).toEqual([201, undefined])
  return promoted.body.assistant_id
}

/** A turn as a stream, read to its end; what is read again is the same. */
async function streamed(text: string, fields: JsonObject): Promise<StreamReader> {
  const stream = talk.client.hear(text, fields)
  await stream.all()
  const { responseId } = await stream.created()
  const again = talk.client.replay(responseId)
  expect(await again.all()).toEqual(stream.blocks.slice(1))
  return stream
}

const deltas = (stream: StreamReader): string[] =>
  stream.frames.flatMap(({ data }) =>
    data !== "[DONE]" && data.event === "response.content_delta" ? [String(data.delta)] : [],
  )

const contains = (word: string): JsonObject => ({
  conditions: {
    combinator: "and",
    options: { caseSensitive: false, leftValue: "", typeValidation: "loose" },
    conditions: [
      {
        id: "1",
        leftValue: "={{ $json.chatInput }}",
        rightValue: word,
        operator: { type: "string", operation: "contains" },
      },
    ],
  },
})

/** Two replies, of which one is given. */
const branching = (rest: JsonObject = {}): JsonObject =>
  workflow(
    [
      node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger"),
      { ...node("Which", "n8n-nodes-base.if", contains("price")), typeVersion: 2 },
      node("Sales", "FreddyLLM", { system_message: "Sales", ...rest }),
      node("Help", "FreddyLLM", { system_message: "Help", ...rest }),
    ],
    [
      ["Chat", "Which"],
      ["Which", "Sales", 0],
      ["Which", "Help", 1],
    ],
  )

/** As many items as are asked for, one after another. */
const copies = (count: number): JsonObject => {
  const duplicates = { duplicateItem: true, duplicateCount: count - 1 }
  const parameters = { ...duplicates, includeOtherFields: true, assignments: { assignments: [] } }
  return { ...node("Copies", "n8n-nodes-base.set", parameters), typeVersion: 3.4 }
}

describe("a workflow with two replies", () => {
  it("gives the one that its condition chooses, token by token, and its own settings to each", async () => {
    const assistantId = await promote(branching(), "help")
    const sales = await streamed("What is the price?", { assistant_id: assistantId })
    const help = await streamed("Help me", { assistant_id: assistantId })
    expect([sales.text, help.text]).toEqual(["You said: What is the price?", "You said: Help me"])
    expect([deltas(sales).length, deltas(help).length]).toEqual([6, 4])
    expect(talk.model.requests.map((request) => promptOf(request)[0])).toEqual(["system: Sales", "system: Help"])
    const { runId, threadId } = await sales.created()
    const { nodes } = await talk.client.get(`/v1/runs/${runId}/nodes`)
    expect(nodes.map(({ name }: { name: string }) => name)).toEqual(["Chat", "Which", "Sales"])
    expect(await talk.client.messages(threadId)).toHaveLength(2)
  })

  it("answers JSON with the same text", async () => {
    const assistantId = await promote(branching(), "help")
    const { body } = await talk.client.ask("The PRICE please", { assistant_id: assistantId })
    expect(body.response).toEqual([{ type: "text", text: "You said: The PRICE please" }])
  })
})

describe("what is shown while it is made", () => {
  it("is whole where something comes after the model: one delta with the reply, none of the tokens", async () => {
    const assistantId = await promote(
      workflow(
        [
          node("Answer", "FreddyLLM"),
          {
            ...node("Decorate", "n8n-nodes-base.set", {
              assignments: { assignments: [{ id: "1", name: "text", value: "={{ $json.text }}!", type: "string" }] },
            }),
            typeVersion: 3.4,
          },
        ],
        [["Answer", "Decorate"]],
      ),
    )
    const stream = await streamed("Hello there", { assistant_id: assistantId })
    expect(deltas(stream)).toEqual(["You said: Hello there!"])
  })

  it("is token by token where nothing but noOp comes after it", async () => {
    const assistantId = await promote(
      workflow([node("Answer", "FreddyLLM"), node("End", "n8n-nodes-base.noOp")], [["Answer", "End"]]),
    )
    expect(deltas(await streamed("Hello", { assistant_id: assistantId }))).toEqual(["You", " said:", " Hello"])
  })

  it("is whole where the node forbids tokens, and where the assistant does", async () => {
    const forbidding = await promote(single({ stream: false }))
    expect(deltas(await streamed("Hello", { assistant_id: forbidding }))).toEqual(["You said: Hello"])
    const allowing = await promote(single({}))
    await talk.client.call("PATCH", `/v1/assistants/${allowing}`, { body: { streaming: false } })
    expect(deltas(await streamed("Hello", { assistant_id: allowing }))).toEqual(["You said: Hello"])
    await talk.client.call("PATCH", `/v1/assistants/${allowing}`, { body: { streaming: true } })
    expect(deltas(await streamed("Hello", { assistant_id: allowing }))).toHaveLength(3)
  })

  it("never mixes two branches that both run: the last one is the answer, in one piece", async () => {
    const assistantId = await promote(
      workflow(
        [
          node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger"),
          { ...node("Upper", "FreddyLLM", { system_message: "Upper" }), position: [200, 0] },
          { ...node("Lower", "FreddyLLM", { system_message: "Lower" }), position: [200, 200] },
        ],
        [
          ["Chat", "Upper"],
          ["Chat", "Lower"],
        ],
      ),
      "upper",
    )
    talk.model.answerWith((request) => ({ text: `${promptOf(request)[0]?.slice("system: ".length)} answers` }))
    const stream = await streamed("Hello", { assistant_id: assistantId })
    expect(deltas(stream)).toEqual(["Lower answers"])
    expect(talk.model.calls).toBe(2)
  })

  it("is nothing where the last node gives no text: an empty answer", async () => {
    const assistantId = await promote(
      workflow(
        [
          node("Answer", "FreddyLLM"),
          { ...node("Never", "n8n-nodes-base.if", contains("never said")), typeVersion: 2 },
        ],
        [["Answer", "Never"]],
      ),
    )
    talk.model.script([{}])
    const stream = await streamed("Hello", { assistant_id: await promote(single({})) })
    expect([deltas(stream), stream.events.at(-2)]).toEqual([[], "response.completed"])
    const { body } = await talk.client.ask("Hi", { assistant_id: assistantId })
    expect([body.status, typeof body.response[0].text]).toEqual(["completed", "string"])
  })
})

describe("several items", () => {
  it("are asked one by one, and their answers joined by a blank line, in one piece", async () => {
    const assistantId = await promote(
      workflow(
        [
          node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger"),
          copies(3),
          node("Answer", "FreddyLLM", { prompt: "={{ $json.chatInput }} {{ $itemIndex }}" }),
        ],
        [
          ["Chat", "Copies"],
          ["Copies", "Answer"],
        ],
      ),
    )
    const stream = await streamed("Item", { assistant_id: assistantId })
    expect(deltas(stream)).toEqual(["You said: Item 0\n\nYou said: Item 1\n\nYou said: Item 2"])
    expect(talk.model.requests.map(lastUserText)).toEqual(["Item 0", "Item 1", "Item 2"])
    const { runId, threadId } = await stream.created()
    const run = await talk.client.get(`/v1/runs/${runId}`)
    expect(run.output.map(({ text }: { text: string }) => text)).toEqual(
      [0, 1, 2].map((index) => `You said: Item ${index}`),
    )
    expect(await talk.client.messages(threadId)).toHaveLength(2)
  })

  it("each become an item of their own kind where one fails and the node goes on", async () => {
    const assistantId = await promote(
      workflow(
        [
          node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger"),
          copies(2),
          {
            ...node("Answer", "FreddyLLM", { prompt: "={{ $json.chatInput }} {{ $itemIndex }}" }),
            onError: "continueRegularOutput",
          },
        ],
        [
          ["Chat", "Copies"],
          ["Copies", "Answer"],
        ],
      ),
    )
    talk.model.answerWith((request) => (lastUserText(request).endsWith("0") ? { status: 500 } : { text: "Fine" }))
    const { body } = await talk.client.ask("Item", { assistant_id: assistantId })
    const { output } = await talk.client.get(`/v1/runs/${body.run_id}`)
    expect(output).toMatchObject([{ error: expect.any(String) }, { text: "Fine" }])
  })
})

describe("an answer under a schema", () => {
  const schema = {
    type: "object",
    properties: { city: { type: "string" }, people: { type: "integer" } },
    required: ["city", "people"],
    additionalProperties: false,
  }
  const good = JSON.stringify({ city: "Bern", people: 134_000 })

  it("is read and checked, sent to the provider as its format, and never shown token by token", async () => {
    const assistantId = await promote(single({ output_schema: schema }))
    talk.model.script([{ text: good }])
    const stream = await streamed("Bern?", { assistant_id: assistantId })
    expect(deltas(stream)).toEqual([good])
    expect(talk.model.requests[0]?.body.response_format).toMatchObject({ type: "json_schema", json_schema: { schema } })
    const { runId } = await stream.created()
    const { output } = await talk.client.get(`/v1/runs/${runId}`)
    expect(output[0]).toMatchObject({ text: good, output: { city: "Bern", people: 134_000 }, finish_reason: "stop" })
  })

  it("may stand in a fence of Markdown", async () => {
    const assistantId = await promote(single({ output_schema: schema }))
    talk.model.script([{ text: `\`\`\`json\n${good}\n\`\`\`` }])
    const { body } = await talk.client.ask("Bern?", { assistant_id: assistantId })
    expect(JSON.parse(body.response[0].text)).toEqual({ city: "Bern", people: 134_000 })
    expect(talk.model.calls).toBe(1)
  })

  it("is repaired once: the model is told what was wrong, and both calls are counted", async () => {
    const assistantId = await promote(single({ output_schema: schema, system_message: "Cities." }))
    const usage = { inputTokens: 10, outputTokens: 5 }
    talk.model.script([
      { text: '{"city": "Bern"}', usage },
      { text: good, usage },
    ])
    const { body } = await talk.client.ask("Bern?", { assistant_id: assistantId })
    expect(JSON.parse(body.response[0].text)).toEqual({ city: "Bern", people: 134_000 })
    expect(body.usage).toEqual({ input_tokens: 20, output_tokens: 10, total_tokens: 30 })
    const repair = promptOf(talk.model.requests[1])
    expect(repair.slice(0, 3)).toEqual(["system: Cities.", "user: Bern?", 'assistant: {"city": "Bern"}'])
    expect(repair[3]).toMatch(/^user: .*people/)
  })

  it("fails with OUTPUT_SCHEMA_MISMATCH where the repair does not fit either, and the thread goes on", async () => {
    const assistantId = await promote(single({ output_schema: schema }))
    talk.model.script([{ text: "It is nice." }, { text: "Really." }])
    const { status, body } = await talk.client.ask("Bern?", { assistant_id: assistantId })
    expect([status, body.error.code]).toEqual([422, "NODE_FAILED"])
    expect(body.error.details).toMatchObject({ node: "Answer", cause_code: "OUTPUT_SCHEMA_MISMATCH" })
    expect(talk.model.calls).toBe(2)
    const { thread_id: thread } = await talk.client.get(`/v1/runs/${body.error.details.run_id}`)
    talk.model.script([{ text: good }])
    expect((await talk.client.ask("Again?", { thread_id: thread })).status).toBe(200)
  })

  it("is demanded by the assistant's `response_format` as well", async () => {
    const assistantId = await promote(single({}))
    await talk.client.call("PATCH", `/v1/assistants/${assistantId}`, {
      body: { response_format: "json_schema", json_schemas: [schema] },
    })
    talk.model.script([{ text: "No" }, { text: good }])
    const stream = await streamed("Bern?", { assistant_id: assistantId })
    expect(deltas(stream)).toEqual([good])
    expect(talk.model.requests[0]?.body.response_format).toMatchObject({ json_schema: { schema } })
  })
})

describe("output mode plain", () => {
  const marked = "# Title\n\nSome **bold** and `code`, a [link](https://example.com).\n\n- one\n- two"
  const plain = "Title\n\nSome bold and code, a link.\n\none\ntwo"

  it("gives the answer without Markdown, in JSON and as a stream, for a request and for an assistant", async () => {
    talk.model.answerWith(() => ({ text: marked }))
    const { body } = await talk.client.ask("Show", { output_mode: "plain" })
    expect(body.response[0].text).toBe(plain)
    expect(await talk.client.messages(body.thread_id)).toEqual(["user: Show", `assistant: ${plain}`])
    const stream = await streamed("Show it", { output_mode: "plain" })
    expect(stream.text).toBe(plain)
    expect(deltas(stream).length).toBeGreaterThan(1)
    const assistantId = await promote(single({}))
    await talk.client.call("PATCH", `/v1/assistants/${assistantId}`, { body: { output_mode: "plain" } })
    expect((await talk.client.ask("Show", { assistant_id: assistantId })).body.response[0].text).toBe(plain)
    const text = await talk.client.ask("Show", { assistant_id: assistantId, output_mode: "text" })
    expect(text.body.response[0].text).toBe(marked)
  })

  it("asks the model for it", async () => {
    await talk.client.ask("Show", { output_mode: "plain", instructions: "Be brief." })
    expect(promptOf(talk.model.requests[0])[0]).toMatch(/^system: Be brief\.\n\n.*Markdown/)
  })

  it("never shows a mark that comes in pieces", async () => {
    talk.model.script([{ chunks: ["*", "*bo", "ld", "*", "* and #", " not a heading\n", "#", "# Heading", "\nend"] }])
    const stream = await streamed("Pieces", { output_mode: "plain" })
    expect(stream.text).toBe("bold and # not a heading\nHeading\nend")
  })
})

describe("a workflow that cannot go on", () => {
  it("fails with the code and the words of stopAndError, and names the node", async () => {
    const assistantId = await promote(
      workflow(
        [node("Answer", "FreddyLLM"), node("Stop", "n8n-nodes-base.stopAndError", { errorMessage: "Not today." })],
        [["Answer", "Stop"]],
      ),
    )
    const { status, body } = await talk.client.ask("Hi", { assistant_id: assistantId })
    expect([status, body.error.code, body.error.message]).toEqual([422, "NODE_FAILED", "Not today."])
    expect(body.error.details).toMatchObject({ node: "Stop", cause_code: "NODE_STOPPED" })
  })

  it("fails at a node of an unknown kind only where that is reached", async () => {
    const definition = workflow(
      [
        node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger"),
        { ...node("Which", "n8n-nodes-base.if", contains("slack")), typeVersion: 2 },
        node("Slack", "n8n-nodes-base.slack"),
        node("Answer", "FreddyLLM"),
      ],
      [
        ["Chat", "Which"],
        ["Which", "Slack", 0],
        ["Which", "Answer", 1],
      ],
    )
    const assistantId = await promote(definition)
    expect((await talk.client.ask("Hello", { assistant_id: assistantId })).status).toBe(200)
    const { status, body } = await talk.client.ask("Post to Slack", { assistant_id: assistantId })
    expect([status, body.error.details.node, body.error.details.cause_code]).toEqual([
      422,
      "Slack",
      "NODE_KIND_UNKNOWN",
    ])
  })

  it("fails with the code of an expression that cannot be evaluated, or passes its bounds", async () => {
    for (const [expression, code] of [
      ["={{ 1 + }}", "EXPRESSION_ERROR"],
      ["={{ 'x'.repeat(1e12) }}", "EXPRESSION_LIMIT"],
    ]) {
      const assistantId = await promote(single({ prompt: String(expression) }))
      const { body } = await talk.client.ask("Hi", { assistant_id: assistantId })
      expect(body.error.details).toMatchObject({ node: "Answer", cause_code: code })
    }
  })

  it("ends a loop without end by its bound", async () => {
    const assistantId = await promote(
      workflow(
        [
          node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger"),
          node("Round", "n8n-nodes-base.noOp"),
          node("Answer", "FreddyLLM"),
        ],
        [
          ["Chat", "Answer"],
          ["Chat", "Round"],
          ["Round", "Round"],
        ],
      ),
    )
    const { status, body } = await talk.client.ask("Hi", { assistant_id: assistantId })
    expect([status, body.error.code]).toEqual([422, "NODE_FAILED"])
    expect(["RUN_LOOPS_EXCEEDED", "RUN_EXECUTIONS_EXCEEDED"]).toContain(body.error.details.cause_code)
  })
})
