import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { Models } from "../../ports/models.ts"
import { type ScriptedModel, startScriptedModel } from "../../testing/scripted-model.ts"
import { createModels } from "./create-models.ts"
import { describeModels, read, textOf } from "./models.testsuite.ts"

describeModels("OpenAI's wire", {
  model: "gpt-4o",
  make: ({ baseUrl }, { timeoutMs, apiKey }) =>
    createModels({ openai: { apiKey, baseUrl }, modelTimeoutMs: timeoutMs }),
})

describeModels("a compatible endpoint", {
  model: "local/llama-3",
  make: ({ baseUrl }, { timeoutMs, apiKey }) =>
    createModels({ compatible: [{ name: "local", baseUrl, apiKey }], modelTimeoutMs: timeoutMs }),
})

describe("servers that speak OpenAI's wire in their own way", () => {
  let server: ScriptedModel
  let models: Models
  beforeEach(async () => {
    server = await startScriptedModel()
    models = createModels({ openai: { baseUrl: server.baseUrl }, modelTimeoutMs: 10_000 })
  })
  afterEach(async () => {
    await models.close()
    await server.stop()
  })
  const ask = () =>
    read(
      models.stream(
        { model: "gpt-4o", messages: [{ role: "user", text: "hi" }] },
        { signal: new AbortController().signal },
      ),
    )

  it("may use CRLF, comments and no [DONE]", async () => {
    const frame = (choice: object) => `data: ${JSON.stringify({ choices: [choice] })}\r\n\r\n`
    const rawBody = `: waiting\r\n\r\n${frame({ delta: { content: "one" } })}${frame({ delta: {}, finish_reason: "stop" })}`
    server.script([{ rawBody }])
    expect(textOf(await ask())).toBe("one")
  })

  it("may answer without a stream", async () => {
    const message = {
      role: "assistant",
      content: "one",
      tool_calls: [{ id: "c", function: { name: "look", arguments: "{}" } }],
    }
    const body = {
      model: "other",
      choices: [{ message, finish_reason: "tool_calls" }],
      usage: { prompt_tokens: 1, completion_tokens: 2 },
    }
    server.script([{ status: 200, errorBody: body }])
    expect(await ask()).toEqual([
      { type: "text", text: "one" },
      { type: "tool-call", call: { id: "c", name: "look", arguments: {} } },
      {
        type: "finish",
        reason: "tool-calls",
        usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
        model: "other",
      },
    ])
  })

  it("may not answer with some other JSON", async () => {
    server.script([{ status: 200, errorBody: { hello: "world" } }])
    await expect(ask()).rejects.toMatchObject({ kind: "error" })
  })

  it("may send more than a reader takes at once, without a loss", async () => {
    const chunks = Array.from({ length: 5_000 }, (_, index) => `${index} `)
    server.script([{ chunks }])
    let text = ""
    const signal = new AbortController().signal
    for await (const event of models.stream({ model: "gpt-4o", messages: [] }, { signal })) {
      if (event.type === "text") text += event.text
      if (text.length < 200) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(text).toBe(chunks.join(""))
  })

  it("get no authorization header where no key is configured", async () => {
    await ask()
    expect(server.requests[0]?.headers.authorization).toBeUndefined()
  })
})
