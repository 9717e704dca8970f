import { expect, it } from "vitest"
import type { ModelRequest, ModelSettings } from "../../ports/models.ts"
import { chatBodyOf } from "./openai-chat-body.ts"

const bodyOf = (request: Partial<ModelRequest>, model = "gpt-4o") =>
  JSON.parse(chatBodyOf({ model, messages: [], ...request }, model, { limitField: "max_tokens" }))

it("a body without settings holds nothing that was not asked for", () => {
  expect(bodyOf({ messages: [{ role: "user", text: "hi" }] })).toEqual({
    model: "gpt-4o",
    messages: [{ role: "user", content: "hi" }],
    stream: true,
    stream_options: { include_usage: true },
  })
})

it("every setting has its place", () => {
  const settings: ModelSettings = {
    temperature: 0,
    topP: 0.5,
    maxOutputTokens: 7,
    stop: ["a"],
    seed: 1,
    frequencyPenalty: -1,
    presencePenalty: 1,
    reasoningEffort: "maximum",
    serviceTier: "flex",
    logitBias: { "50256": -100 },
    topLogprobs: 2,
    responseFormat: { type: "json", schema: { type: "object" }, name: "form" },
    parallelToolCalls: false,
    toolChoice: { name: "look" },
  }
  const tools = [{ name: "look", parameters: { type: "object" }, strict: true }]
  expect(bodyOf({ settings, tools })).toMatchObject({
    temperature: 0,
    top_p: 0.5,
    max_tokens: 7,
    stop: ["a"],
    seed: 1,
    frequency_penalty: -1,
    presence_penalty: 1,
    reasoning_effort: "high",
    service_tier: "flex",
    logit_bias: { "50256": -100 },
    logprobs: true,
    top_logprobs: 2,
    response_format: { type: "json_schema", json_schema: { name: "form", schema: { type: "object" } } },
    tools: [{ type: "function", function: { name: "look", parameters: { type: "object" }, strict: true } }],
    tool_choice: { type: "function", function: { name: "look" } },
    parallel_tool_calls: false,
  })
})

it("a JSON answer without a schema is asked for as an object, and a plain one not at all", () => {
  expect(bodyOf({ settings: { responseFormat: { type: "json" } } }).response_format).toEqual({ type: "json_object" })
  expect(bodyOf({ settings: { responseFormat: { type: "text" } } })).not.toHaveProperty("response_format")
})

it("choices about tools are left out where there are no tools", () => {
  const body = bodyOf({ settings: { toolChoice: "auto", parallelToolCalls: true } })
  expect(Object.keys(body)).toEqual(["model", "messages", "stream", "stream_options"])
})

it("models that reason take the newer name of the limit, and no effort where thinking is off", () => {
  const body = bodyOf({ settings: { maxOutputTokens: 7, reasoningEffort: "off" } }, "o3")
  expect(body).toMatchObject({ max_completion_tokens: 7 })
  expect(body).not.toHaveProperty("reasoning_effort")
})

it("tool calls and their results go back under their ids", () => {
  const messages: ModelRequest["messages"] = [
    { role: "assistant", text: "", toolCalls: [{ id: "c1", name: "look", arguments: { at: "Bern" } }] },
    { role: "tool", toolCallId: "c1", name: "look", result: "sun" },
    { role: "assistant", text: "" },
  ]
  expect(bodyOf({ messages }).messages).toEqual([
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "c1", type: "function", function: { name: "look", arguments: '{"at":"Bern"}' } }],
    },
    { role: "tool", tool_call_id: "c1", content: "sun" },
    { role: "assistant", content: "" },
  ])
})
