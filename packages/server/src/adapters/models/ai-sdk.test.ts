import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { ModelRequest, Models } from "../../ports/models.ts"
import { type ScriptedModel, startScriptedModel } from "../../testing/scripted-model.ts"
import { createModels } from "./create-models.ts"
import { describeModels, read } from "./models.testsuite.ts"

describeModels("Anthropic's wire", {
  model: "claude-sonnet-4-5",
  make: ({ baseUrl }, { timeoutMs, apiKey }) =>
    createModels({ anthropic: { apiKey, baseUrl }, modelTimeoutMs: timeoutMs }),
})

describeModels("Google's wire", {
  model: "gemini-2.5-flash",
  make: ({ googleBaseUrl: baseUrl }, { timeoutMs, apiKey }) =>
    createModels({ google: { apiKey, baseUrl }, modelTimeoutMs: timeoutMs }),
})

describe("what only these wires have", () => {
  let server: ScriptedModel
  let models: Models
  beforeEach(async () => {
    server = await startScriptedModel()
    models = createModels({
      anthropic: { apiKey: "a", baseUrl: server.baseUrl },
      google: { apiKey: "g", baseUrl: server.googleBaseUrl },
      modelTimeoutMs: 10_000,
    })
  })
  afterEach(async () => {
    await models.close()
    await server.stop()
  })
  const ask = (request: ModelRequest) => read(models.stream(request, { signal: new AbortController().signal }))
  const messages: ModelRequest["messages"] = [{ role: "user", text: "hi" }]

  it("each provider gets its own key, in its own header", async () => {
    await ask({ model: "claude-sonnet-4-5", messages })
    await ask({ model: "gemini-2.5-flash", messages })
    expect(server.requests.map(({ headers }) => headers["x-api-key"] ?? headers["x-goog-api-key"])).toEqual(["a", "g"])
  })

  it("system messages become one at the front", async () => {
    const withSystem: ModelRequest["messages"] = [
      { role: "system", text: "one" },
      ...messages,
      { role: "system", text: "two" },
    ]
    for (const model of ["claude-sonnet-4-5", "gemini-2.5-flash"]) await ask({ model, messages: withSystem })
    const bodies = server.requests.map(({ body }) => JSON.stringify(body.system ?? body.systemInstruction))
    for (const body of bodies) expect(body).toContain(String.raw`one\n\ntwo`)
  })

  it("an error in the middle of Anthropic's stream is the provider's", async () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }
    const start = {
      type: "message_start",
      message: {
        id: "m",
        type: "message",
        role: "assistant",
        content: [],
        model: "x",
        usage: { input_tokens: 1, output_tokens: 0 },
      },
    }
    const rawBody = [start, error].map((frame) => `event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`).join("")
    server.script([{ rawBody }])
    await expect(ask({ model: "claude-sonnet-4-5", messages })).rejects.toMatchObject({
      name: "ModelFailure",
      kind: "error",
    })
  })

  it("a prompt that Google blocks is refused", async () => {
    const frame = { promptFeedback: { blockReason: "SAFETY" }, usageMetadata: { promptTokenCount: 1 } }
    server.script([{ rawBody: `data: ${JSON.stringify(frame)}\r\n\r\n` }])
    await expect(ask({ model: "gemini-2.5-flash", messages })).rejects.toMatchObject({ kind: "refused" })
  })

  it("effort, a JSON schema and the choice of a tool reach the provider", async () => {
    const settings = { reasoningEffort: "medium", toolChoice: { name: "look" } }
    const tools = [{ name: "look", parameters: { type: "object", properties: {} } }]
    await ask({ model: "gemini-2.5-flash", messages, settings, tools })
    await ask({ model: "claude-sonnet-4-5", messages, settings, tools })
    await ask({ model: "claude-sonnet-4-5", messages, settings: { reasoningEffort: "low" } })
    const [google, withTools, thinking] = server.requests.map(({ body }) => body)
    expect(google).toMatchObject({
      generationConfig: { thinkingConfig: { thinkingBudget: 8192 } },
      toolConfig: { functionCallingConfig: { allowedFunctionNames: ["look"] } },
    })
    expect(withTools).toMatchObject({ tool_choice: { type: "tool", name: "look" } })
    expect(withTools).not.toHaveProperty("thinking")
    expect(thinking).toMatchObject({ thinking: { type: "enabled", budget_tokens: 2048 } })
  })
})
