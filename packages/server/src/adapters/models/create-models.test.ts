import { Agent } from "undici"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { Models } from "../../ports/models.ts"
import { type ScriptedModel, startScriptedModel } from "../../testing/scripted-model.ts"
import { createModels, type ModelsConfig } from "./create-models.ts"
import { read, textOf } from "./models.testsuite.ts"

let first: ScriptedModel
let second: ScriptedModel
let opened: Models[]
let nowMs: number
beforeEach(async () => {
  first = await startScriptedModel({ models: ["gpt-4o", "house-model"] })
  second = await startScriptedModel({ models: ["llama-3", "vendor/mixtral"] })
  opened = []
  nowMs = 0
})
afterEach(async () => {
  await Promise.all(opened.map((models) => models.close()))
  await first.stop()
  await second.stop()
})

function open(config: Partial<ModelsConfig>): Models {
  const models = createModels({ modelTimeoutMs: 10_000, nowMs: () => nowMs, ...config })
  opened.push(models)
  return models
}

const both = (): Partial<ModelsConfig> => ({
  openai: { apiKey: "a", baseUrl: `${first.baseUrl}/` },
  compatible: [{ name: "local", baseUrl: second.baseUrl, models: ["llama-3"] }],
})
const ask = (models: Models, model: string) =>
  read(models.stream({ model, messages: [{ role: "user", text: "hi" }] }, { signal: new AbortController().signal }))

describe("a model key", () => {
  it.each([
    ["gpt-4o", "first", "gpt-4o"],
    ["gpt-99-unheard-of", "first", "gpt-99-unheard-of"],
    ["openai/anything", "first", "anything"],
    ["o7-mini", "first", "o7-mini"],
    ["house-model", "first", "house-model"],
    ["llama-3", "second", "llama-3"],
    ["local/whatever", "second", "whatever"],
    ["vendor/mixtral", "second", "vendor/mixtral"],
  ])("%s goes to the %s provider as %s", async (key, where, name) => {
    const models = open(both())
    expect(textOf(await ask(models, key))).toBe("You said: hi")
    const [asked, other] = where === "first" ? [first, second] : [second, first]
    expect(asked.requests.map((request) => request.model)).toEqual([name])
    expect(other.requests).toEqual([])
  })

  it.each(["nobody-knows", "claude-sonnet-4-5", "other/llama-3", "local/", "demo", ""])(
    "%j is not found",
    async (key) => {
      const models = open(both())
      expect(models.find(key)).toBeNull()
      await expect(ask(models, key)).rejects.toMatchObject({ kind: "not-found" })
      expect(first.calls + second.calls).toBe(0)
    },
  )

  it("is found without a call where its form tells the provider", () => {
    const models = open(both())
    expect(models.find("gpt-4o-2024-08-06")).toMatchObject({ provider: "openai", contextWindow: 128_000 })
    expect(models.find("local/llama-3")).toMatchObject({ key: "local/llama-3", provider: "local", contextWindow: null })
    expect(models.find("house-model")).toBeNull()
  })
})

describe("the key of a provider", () => {
  it("is sent to that provider alone, and none where none is configured", async () => {
    const models = open(both())
    await ask(models, "gpt-4o")
    await ask(models, "llama-3")
    expect(first.requests[0]?.headers.authorization).toBe("Bearer a")
    expect(second.requests[0]?.headers.authorization).toBeUndefined()
  })
})

describe("the list of models", () => {
  it("holds the known ones, those of the settings, and what the providers list", async () => {
    const models = open(both())
    const keys = (await models.list()).map((model) => model.key)
    expect(keys).toEqual(
      expect.arrayContaining(["gpt-4o", "gpt-4o-mini", "house-model", "local/llama-3", "local/vendor/mixtral"]),
    )
    expect(new Set(keys).size).toBe(keys.length)
    expect(models.find("house-model")).toMatchObject({ provider: "openai" })
  })

  it("is the built-in one while a provider does not answer, and asks again later", async () => {
    const models = open({ openai: { apiKey: "a", baseUrl: "http://127.0.0.1:9/v1" } })
    expect((await models.list()).map((model) => model.key)).toContain("gpt-4o")
    const late = open({ compatible: [{ name: "local", baseUrl: second.baseUrl }] })
    await second.stop()
    expect(await late.list()).toEqual([])
    second = await startScriptedModel({ models: ["llama-3"], port: second.port })
    expect(await late.list()).toEqual([])
    nowMs += 60_000
    expect((await late.list()).map((model) => model.key)).toEqual(["local/llama-3"])
  })
})

describe("the default model", () => {
  it.each<[Partial<ModelsConfig>, string]>([
    [{ openai: { apiKey: "a" }, anthropic: { apiKey: "b" } }, "gpt-4o"],
    [{ anthropic: { apiKey: "b" } }, "claude-sonnet-4-5"],
    [{ google: { apiKey: "b" } }, "gemini-2.5-flash"],
    [{ compatible: [{ name: "local", baseUrl: "http://localhost:1/v1", models: ["llama-3"] }] }, "local/llama-3"],
    [{ openai: { apiKey: "a" }, defaultModel: "gpt-5" }, "gpt-5"],
    [{}, "demo"],
    [{ openai: { apiKey: null, baseUrl: "https://api.openai.com/v1" }, anthropic: { apiKey: null } }, "demo"],
    [{ openai: { apiKey: null, baseUrl: "http://localhost:1/v1" } }, "gpt-4o"],
  ])("of %j is %s", (config, key) => {
    expect(open(config).defaultModel()).toBe(key)
  })
})

describe("without any provider", () => {
  it("the demo model answers to every key and is the only one listed", async () => {
    const models = open({})
    const events = await ask(models, "gpt-4o")
    expect(textOf(events)).toBe("[demo model] You said: hi")
    expect(events.at(-1)).toMatchObject({ model: "demo" })
    expect(await models.list()).toMatchObject([{ key: "demo", provider: "demo" }])
    expect(models.find("anything")).toMatchObject({ key: "anything", provider: "demo" })
    expect(models.providers()).toEqual(["demo"])
  })
})

describe("an endpoint of a node", () => {
  const request = (baseUrl: string) => ({
    model: "their-model",
    messages: [{ role: "user" as const, text: "hi" }],
    endpoint: { wire: "openai" as const, provider: "openai", apiKey: "theirs", baseUrl },
  })
  const signal = new AbortController().signal

  it("is refused without guarded connections", async () => {
    await expect(read(open({}).stream(request(second.baseUrl), { signal }))).rejects.toMatchObject({ kind: "refused" })
    expect(second.calls).toBe(0)
  })

  it("is called over the guarded connections, with its own key and model name", async () => {
    const agent = new Agent()
    const models = open({ ...both(), guardedDispatcher: () => Promise.resolve(agent) })
    expect(textOf(await read(models.stream(request(second.baseUrl), { signal })))).toBe("You said: hi")
    expect(second.requests[0]).toMatchObject({ model: "their-model", headers: { authorization: "Bearer theirs" } })
    await agent.close()
  })
})
