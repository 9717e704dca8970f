import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { definitionOf } from "../../testing/definitions.ts"
import { contextOf } from "../../testing/kind-context.ts"
import { ExpressionError } from "../expression/errors.ts"
import { readDefinition } from "../read.ts"
import { validate } from "../validate.ts"
import { assistantOutputItem, prepareAssistant } from "./assistant.ts"
import {
  type FreddyLlmPlan,
  forbidsStreaming,
  freddyOutputItem,
  hasOutputSchema,
  prepareFreddyLlm,
} from "./freddy-llm.ts"
import { NodeFailure } from "./kind.ts"

const plan = (parameters: JsonObject, json: JsonObject = { chatInput: "hi" }): FreddyLlmPlan =>
  prepareFreddyLlm(contextOf({ type: "FreddyLLM", parameters }, json), 0)

/** The code of the failure, or "none". */
function failureOf(work: () => unknown): string {
  try {
    work()
    return "none"
  } catch (error) {
    if (error instanceof NodeFailure || error instanceof ExpressionError) return error.code
    throw error
  }
}

describe("FreddyLLM's settings", () => {
  it.each<[string[], JsonValue, JsonObject]>([
    [
      ["model", "modelKey", "model_key", "default_model_key", "defaultModelKey", "modelId", "model_id"],
      "gpt-4o",
      { model: "gpt-4o" },
    ],
    [["model", "modelId"], { __rl: true, mode: "list", value: "gpt-4o" }, { model: "gpt-4o" }],
    [
      ["system_message", "systemMessage", "systemPrompt", "system_prompt", "instructions"],
      "Be kind.",
      { instructions: "Be kind." },
    ],
    [["temperature"], 0, { temperature: 0 }],
    [["temperature"], "0.7", { temperature: 0.7 }],
    [["top_p", "topP"], 1, { topP: 1 }],
    [
      [
        "max_tokens",
        "maxTokens",
        "max_completion_tokens",
        "maxCompletionTokens",
        "max_output_synapses",
        "maxOutputSynapses",
      ],
      500,
      { maxOutputTokens: 500 },
    ],
    [["stop"], ["a", "b"], { stop: ["a", "b"] }],
    [["stop"], "END", { stop: ["END"] }],
    [["seed"], -5, { seed: -5 }],
    [["frequency_penalty", "frequencyPenalty"], -2, { frequencyPenalty: -2 }],
    [["presence_penalty", "presencePenalty"], 2, { presencePenalty: 2 }],
    [["reasoning_effort", "reasoningEffort"], "HIGH", { reasoningEffort: "high" }],
    [["reasoning_effort"], "none", { reasoningEffort: "off" }],
    [
      ["output_schema", "outputSchema", "responseFormat", "response_format", "json_schema"],
      "json_object",
      { responseFormat: { type: "json_object" } },
    ],
  ])("are read in every spelling: %j of %j", (names, value, settings) => {
    for (const name of names) {
      expect(plan({ [name]: value }).settings, name).toEqual(settings)
      expect(plan({ options: { [name]: value } }).settings, `options.${name}`).toEqual(settings)
    }
  })

  it("may be expressions, each for its own item; one that gives nothing counts as not set", () => {
    const parameters = {
      model: "={{ $json.m }}",
      temperature: "={{ $json.t }}",
      seed: "={{ $json.none }}",
      stop: ["={{ $json.m }}"],
    }
    const context = contextOf(
      { type: "FreddyLLM", parameters },
      { chatInput: "a", m: "one", t: 0.1 },
      { chatInput: "b", m: "two", t: "1" },
    )
    expect(prepareFreddyLlm(context, 0).settings).toEqual({ model: "one", temperature: 0.1, stop: ["one"] })
    expect(prepareFreddyLlm(context, 1).settings).toEqual({ model: "two", temperature: 1, stop: ["two"] })
  })

  it("that nobody set are absent: null and empty text set nothing", () => {
    expect(plan({ model: "", temperature: null, stop: null }).settings).toEqual({})
    expect(plan({ model: "", modelKey: "second" }).settings).toEqual({ model: "second" })
  })

  it.each<[string, JsonValue]>([
    ["temperature", 2.01],
    ["temperature", -0.1],
    ["temperature", "warm"],
    ["temperature", true],
    ["temperature", [0.5]],
    ["temperature", "={{ 3 }}"],
    ["top_p", 1.5],
    ["max_tokens", 0],
    ["max_tokens", 1.5],
    ["max_tokens", 1e12],
    ["stop", []],
    ["stop", ["a", "b", "c", "d", "e"]],
    ["stop", ["a", 5]],
    ["stop", [""]],
    ["stop", "x".repeat(256)],
    ["seed", 0.5],
    ["seed", 2 ** 60],
    ["frequency_penalty", 2.5],
    ["presence_penalty", "-3"],
    ["reasoning_effort", "extreme"],
    ["reasoning_effort", 5],
    ["model", 5],
    ["model", { value: "" }],
    ["model", "x".repeat(256)],
    ["instructions", { a: 1 }],
    ["output_schema", "no schema"],
    ["output_schema", [1]],
    ["include_history", "sometimes"],
    ["stream", {}],
    ["history_limit", -1],
    ["history_limit", "many"],
    ["history_limit", { tokens: 1.5 }],
    ["history_limit", {}],
    ["tools", "search"],
    ["tools", [{ allowed_tools: [] }]],
    ["tools", [{ server_url: "https://x", allowed_tools: "all" }]],
  ])("out of range fail the node: %s %j", (name, value) => {
    expect(failureOf(() => plan({ [name]: value }))).toBe("NODE_SETTINGS_INVALID")
  })

  it("that are expressions and fail, fail as expressions do", () => {
    expect(failureOf(() => plan({ model: "={{ $('Nope').first() }}" }))).toBe("EXPRESSION_ERROR")
  })
})

describe("FreddyLLM's question", () => {
  it.each<[JsonObject, JsonObject, string]>([
    [{}, { chatInput: "chat", text: "text" }, "chat"],
    [{}, { text: "text", message: "message" }, "text"],
    [{}, { message: "message", input: "input" }, "message"],
    [{}, { input: "input", output: "output" }, "input"],
    [{}, { output: "output", other: "x" }, "output"],
    [{}, { other: "x", n: 1 }, '{"other":"x","n":1}'],
    [{}, {}, "{}"],
    [{}, { chatInput: null, text: "text" }, "text"],
    [{}, { chatInput: "", text: "text" }, ""],
    [{}, { text: 5 }, "5"],
    [{}, { output: { a: 1 } }, '{"a":1}'],
    [{ prompt: "" }, { chatInput: "chat" }, "chat"],
    [{ prompt: "=Say {{ $json.chatInput }}" }, { chatInput: "chat" }, "Say chat"],
    [{ text: "literal" }, { chatInput: "chat" }, "literal"],
    [{ userMessage: "u" }, {}, "u"],
    [{ user_message: "u" }, {}, "u"],
    [{ input: "={{ [1] }}" }, {}, "[1]"],
    [{ prompt: "p", text: "t" }, {}, "p"],
  ])("of %j for %j is %j", (parameters, json, question) => {
    expect(plan(parameters, json).prompt).toBe(question)
  })

  it("that is asked for and is nothing fails the node, rather than to ask something else", () => {
    expect(failureOf(() => plan({ prompt: "={{ $json.gone }}" }))).toBe("NODE_SETTINGS_INVALID")
    expect(failureOf(() => plan({ prompt: "={{ '' }}" }))).toBe("NODE_SETTINGS_INVALID")
  })

  it("is not taken from what an item inherits", () => {
    expect(plan({}, { toString: "x" }).prompt).toBe('{"toString":"x"}')
  })
})

describe("FreddyLLM's history, tools, schema and stream", () => {
  it.each<[JsonValue, boolean | null]>([
    [undefined as unknown as JsonValue, null],
    [null, null],
    [true, true],
    ["false", false],
    ["={{ 1 }}", true],
  ])("history and stream %j are %j", (value, expected) => {
    const parameters = value === undefined ? {} : { include_history: value, stream: value }
    expect(plan(parameters)).toMatchObject({ includeHistory: expected, stream: expected })
    if (value !== undefined) expect(plan({ memory: value }).includeHistory).toBe(expected)
  })

  it.each<[JsonValue, JsonObject]>([
    [20, { messages: 20 }],
    ["20", { messages: 20 }],
    [0, { messages: 0 }],
    ["20 messages", { messages: 20 }],
    ["4000 tokens", { tokens: 4000 }],
    [{ messages: 5 }, { messages: 5 }],
    [{ tokens: "100" }, { tokens: 100 }],
  ])("a limit of %j is %j", (value, limit) => {
    expect(plan({ history_limit: value }).historyLimit).toEqual(limit)
    expect(plan({ historyLimit: value }).historyLimit).toEqual(limit)
  })

  const schema = { type: "object", properties: { a: { type: "number" } } }
  it.each<[JsonValue]>([
    [schema],
    [JSON.stringify(schema)],
    [{ name: "answer", schema }],
    [{ type: "json_schema", json_schema: { name: "answer", schema } }],
    [{ type: "json_schema", schema }],
  ])("a schema is found however it is wrapped: %j", (value) => {
    const { outputSchema, settings } = plan({ output_schema: value })
    expect(outputSchema).toEqual(schema)
    expect(settings.responseFormat).toEqual({ type: "json_schema", schema })
  })

  it("a schema with a field called schema stays what it is", () => {
    const own = { type: "object", properties: { schema: { type: "string" } }, schema: {} }
    expect(plan({ output_schema: own }).outputSchema).toEqual(own)
  })

  it("no schema is none", () => {
    expect(plan({})).toMatchObject({ outputSchema: null, historyLimit: null, toolServers: [] })
    expect(plan({ output_schema: "text" }).outputSchema).toBeNull()
  })

  it("tool servers are listed with what of them may be used", () => {
    const one = { server_url: "https://a.example", allowed_tools: ["x"] }
    expect(plan({ tools: [one, { serverUrl: "https://b.example" }] }).toolServers).toEqual([
      { url: "https://a.example", allowedTools: ["x"] },
      { url: "https://b.example", allowedTools: null },
    ])
    expect(plan({ tools: one }).toolServers).toHaveLength(1)
  })

  it("before a run, parameters tell of a schema and of forbidden streaming as far as they are literal", () => {
    const node = (parameters: JsonObject) => {
      const [first] = readDefinition(definitionOf({ A: { type: "llm", parameters } })).graph.nodes
      if (first === undefined) throw new Error("no node")
      return [hasOutputSchema(first), forbidsStreaming(first)]
    }
    expect(node({})).toEqual([false, false])
    expect(node({ output_schema: "text", stream: true })).toEqual([false, false])
    expect(node({ output_schema: schema, stream: false })).toEqual([true, true])
    expect(node({ json_schema: "={{ $json.s }}", stream: "={{ false }}" })).toEqual([true, false])
    expect(node({ responseFormat: "json_object", stream: "false" })).toEqual([true, true])
  })
})

describe("FreddyLLM's item", () => {
  const answer = {
    text: "hello",
    output: null,
    toolCalls: [{ id: "c1", name: "look", arguments: { q: 1 } }],
    usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
    model: "gpt-4o",
    finishReason: "tool-calls" as const,
  }

  it("holds the text, the usage and how it ended", () => {
    expect(freddyOutputItem(answer, 4)).toEqual({
      json: {
        text: "hello",
        tool_calls: [{ id: "c1", name: "look", arguments: { q: 1 } }],
        usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
        model: "gpt-4o",
        finish_reason: "tool_calls",
      },
      pairedItem: { item: 4 },
    })
  })

  it("holds the parsed answer only where there is one", () => {
    expect(Object.keys(freddyOutputItem({ ...answer, output: { a: 1 } }, 0).json)).toEqual([
      "text",
      "output",
      "tool_calls",
      "usage",
      "model",
      "finish_reason",
    ])
    expect(freddyOutputItem({ ...answer, finishReason: "length" }, 0).json).toMatchObject({ finish_reason: "length" })
  })
})

describe("checking FreddyLLM", () => {
  const check = (parameters: JsonObject) =>
    validate(readDefinition(definitionOf({ A: { type: "llm", parameters } }))).map(({ code, severity, path }) => [
      code,
      severity,
      path,
    ])

  it("finds values out of range at their place, and parameters that nobody reads", () => {
    expect(check({ model: "gpt-4o", temperature: 9, options: { topP: 2 }, temprature: 1 })).toEqual([
      ["SETTING_INVALID", "error", "nodes[0].parameters.temperature"],
      ["SETTING_INVALID", "error", "nodes[0].parameters.options.topP"],
      ["SETTING_UNKNOWN", "info", "nodes[0].parameters.temprature"],
    ])
  })

  it("says that services other than tools have no say", () => {
    const lm = "@n8n/n8n-nodes-langchain.lmChatOpenAi"
    const links = ["Tool > A @ai_tool", "Model > A @ai_languageModel"]
    const definition = definitionOf({ A: "llm", Tool: "n8n-nodes-base.httpRequestTool", Model: lm }, links)
    const codes = validate(readDefinition(definition)).map(({ code, node }) => `${code} ${node}`)
    expect(codes).toEqual(["SERVICE_UNUSED A", "TOOL_DESCRIPTION_MISSING Tool"])
    expect(check({ tools: [{ server_url: "https://a.example" }] })).toEqual([])
  })

  it("says nothing of expressions that can be compiled, and where the others are wrong", () => {
    expect(check({ temperature: "={{ $json.t }}", stop: ["={{ 1 }}"] })).toEqual([])
    expect(check({ prompt: "={{ $('Gone').item.json.x }} {{ 1 + }}", stop: ["={{ ) }}"] })).toEqual([
      ["EXPRESSION_INVALID", "error", "nodes[0].parameters.prompt"],
      ["EXPRESSION_INVALID", "error", "nodes[0].parameters.stop[0]"],
    ])
    expect(check({ prompt: "={{ $('Gone').item.json.x }}" })).toEqual([
      ["EXPRESSION_NODE_MISSING", "error", "nodes[0].parameters.prompt"],
    ])
  })
})

describe("Assistant", () => {
  const prepare = (parameters: JsonObject, json: JsonObject = { chatInput: "hi" }) =>
    prepareAssistant(contextOf({ type: "Assistant", parameters }, json), 0)

  it("asks the assistant that it names what it says, else what its item says", () => {
    expect(prepare({ assistant_id: "asst_1" })).toEqual({ assistantId: "asst_1", message: "hi" })
    expect(
      prepare(
        { assistantId: "={{ $json.a }}", message: "=Re: {{ $json.chatInput }}" },
        { a: "asst_2", chatInput: "x" },
      ),
    ).toEqual({
      assistantId: "asst_2",
      message: "Re: x",
    })
    expect(prepare({ assistant: { value: " asst_3 " }, text: "t" })).toEqual({ assistantId: "asst_3", message: "t" })
  })

  it.each<JsonObject>([
    {},
    { assistant_id: "" },
    { assistant_id: 5 },
    { assistant_id: "={{ $json.none }}" },
    { assistant_id: "  " },
  ])("fails where it names none: %j", (parameters) => {
    expect(failureOf(() => prepare(parameters))).toBe("NODE_SETTINGS_INVALID")
  })

  it("makes one item of an answer, and without an assistant it is worth a finding", () => {
    expect(assistantOutputItem({ text: "t", assistantId: "asst_1" }, 2)).toEqual({
      json: { text: "t", assistant_id: "asst_1" },
      pairedItem: { item: 2 },
    })
    expect(validate(readDefinition(definitionOf({ A: "assistant" })))).toMatchObject([
      { code: "SETTING_MISSING", severity: "error", path: "nodes[0].parameters.assistant_id" },
    ])
  })
})
