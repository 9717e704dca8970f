import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../json.ts"
import {
  assistantSettingDefaults,
  assistantSettingNames,
  assistantSettingSchemas,
  findSettingFaults,
  findUnsupportedSetting,
  toModelSettings,
  toTurnPolicy,
} from "./assistant-settings.ts"

describe("a setting's schema", () => {
  it("takes its own default", () => {
    for (const name of assistantSettingNames) {
      const value = assistantSettingDefaults[name]
      if (value !== undefined)
        expect([name, assistantSettingSchemas[name].safeParse(value).success]).toEqual([name, true])
    }
  })

  it.each<[string, JsonValue[], JsonValue[]]>([
    ["temperature", [0, 0.7, 2], [-0.1, 2.1, "1", true]],
    ["top_p", [0, 1], [1.1, -1]],
    ["stop_sequences", [[], ["a", "b", "c", "d"]], [["a", "b", "c", "d", "e"], [""], "a"]],
    ["max_completion_tokens", [1, 4096], [0, 1.5, "10"]],
    ["response_format", ["text", "json_object", "json_schema"], [{ type: "text" }, "xml"]],
    ["context_strategy", ["auto", "full", "off", "saver"], ["none", ""]],
    [
      "reasoning",
      [{}, { effort: "maximum", summary: "auto" }, { effort: null }],
      [{ effort: "extreme" }, { depth: 1 }, "high"],
    ],
    ["logit_bias", [{ "50256": -100 }], [{ "50256": -101 }, { a: "b" }, []]],
    ["concurrency_policy", ["queue", "reject", "interrupt"], ["drop"]],
    [
      "system_message",
      [[{ role: "system", content: "a" }], [{ type: "text", text: "a" }]],
      [[{ role: "user", content: "a" }], [{}], ["a"]],
    ],
    ["icon_id", ["icon_1", ""], ["a\0b", "\ud800", 1]],
  ])("of %s takes its range and nothing else", (name, good, bad) => {
    const schema = assistantSettingSchemas[name as keyof typeof assistantSettingSchemas]
    for (const value of good) expect([value, schema.safeParse(value).success]).toEqual([value, true])
    for (const value of bad) expect([value, schema.safeParse(value).success]).toEqual([value, false])
  })
})

describe("a setting without support", () => {
  it.each<[JsonObject, string]>([
    [{ access_users: ["usr_1"] }, "access_users"],
    [{ editable_by_users: ["*"] }, "editable_by_users"],
    [{ vector_store_ids: ["vs_1"] }, "vector_store_ids"],
    [{ rule_ids: ["rule_1"] }, "rule_ids"],
    [{ moderation_enabled: true }, "moderation_enabled"],
    [{ safety_level: "high" }, "safety_level"],
    [
      { tool_configurations: { system_tools: { web_search: { mode: "on" } } } },
      "tool_configurations.system_tools.web_search",
    ],
    [{ tool_configurations: { mcp_tools: [{ server_label: "a" }] } }, "tool_configurations.mcp_tools"],
    [{ tool_configurations: { streamline_tools: ["a"] } }, "tool_configurations.streamline_tools"],
  ])("is named: %j", (settings, field) => {
    expect(findUnsupportedSetting(settings)).toBe(field)
  })

  it("passes at its default, at null, and when it is switched off", () => {
    const off: JsonObject = {
      ...assistantSettingDefaults,
      safety_level: "off",
      tool_configurations: {
        system_tools: { web_search: null, code: { mode: "off" } },
        mcp_tools: [],
        streamline_tools: [],
      },
    }
    expect(findUnsupportedSetting(off)).toBeNull()
    expect(findUnsupportedSetting(Object.fromEntries(assistantSettingNames.map((name) => [name, null])))).toBeNull()
  })
})

describe("settings as model settings", () => {
  it("are absent where nobody set them", () => {
    expect(toModelSettings({})).toEqual({})
    expect(toModelSettings({ temperature: null, metadata: { temperature: 1 } })).toEqual({})
  })

  it("carry their names inside", () => {
    const settings: JsonObject = {
      default_model_key: "gpt-4o",
      instructions: "",
      temperature: 0,
      top_p: 0.5,
      max_completion_tokens: 10,
      stop_sequences: ["x"],
      seed: 7,
      frequency_penalty: 1,
      presence_penalty: -1,
      logit_bias: { "1": 2 },
      top_logprobs: 3,
      parallel_tool_calls: false,
      reasoning: { effort: "high", summary: "auto" },
      response_format: "json_object",
    }
    expect(toModelSettings(settings)).toEqual({
      model: "gpt-4o",
      instructions: "",
      temperature: 0,
      topP: 0.5,
      maxOutputTokens: 10,
      stop: ["x"],
      seed: 7,
      frequencyPenalty: 1,
      presencePenalty: -1,
      logitBias: { "1": 2 },
      topLogprobs: 3,
      parallelToolCalls: false,
      reasoningEffort: "high",
      responseFormat: { type: "json_object" },
    })
  })

  it("find the schema of the answer bare or wrapped with a name", () => {
    const schema = { type: "object", properties: { schema: { type: "string" } } }
    for (const first of [schema, { name: "answer", schema, strict: true }]) {
      expect(toModelSettings({ response_format: "json_schema", json_schemas: [first] }).responseFormat).toEqual({
        type: "json_schema",
        schema,
      })
    }
  })

  it("do not fit together when a schema is asked for and none is given", () => {
    expect(findSettingFaults({ response_format: "json_schema" })).toMatchObject([{ field: "json_schemas" }])
    expect(findSettingFaults({ response_format: "json_schema", json_schemas: [{}] })).toEqual([])
  })
})

describe("settings as a turn policy", () => {
  it("have the documented defaults", () => {
    expect(toTurnPolicy({})).toEqual({
      concurrencyPolicy: "queue",
      contextStrategy: "auto",
      contextWindow: null,
      truncation: true,
      memoryEnabled: null,
      streaming: true,
      toolCallsMax: null,
      outputMode: null,
      storeResponses: true,
      allowedProviders: null,
      systemTexts: [],
    })
  })

  it("say what somebody set, and read system messages in every form", () => {
    const policy = toTurnPolicy({
      concurrency_policy: "reject",
      memory_enabled: false,
      allowed_model_providers: ["openai"],
      max_tool_calls: 0,
      system_message: [
        { role: "system", content: "a" },
        {
          content: [
            { type: "text", text: "b" },
            { type: "text", text: "c" },
          ],
        },
        { texts: [{ text: "d" }] },
      ],
    })
    expect(policy).toMatchObject({
      concurrencyPolicy: "reject",
      memoryEnabled: false,
      allowedProviders: ["openai"],
      toolCallsMax: 0,
      systemTexts: ["a", "b\nc", "d"],
    })
  })
})
