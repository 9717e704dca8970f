/** Whose settings shape a turn: the request's over the assistant's over the primary node's, all of them literal. */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, promptOf, single, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()

const patch = async (assistantId: string, body: JsonObject): Promise<JsonObject> => {
  const answer = await talk.client.call("PATCH", `/v1/assistants/${assistantId}`, { body })
  expect(answer.status).toBe(200)
  return answer.body
}

/** What the provider was sent last, without the messages and what is always there. */
function sent(): JsonObject {
  const { messages, stream, stream_options, ...rest } = talk.model.requests.at(-1)?.body ?? {}
  return rest
}

describe("a FreddyLLM node", () => {
  it("sends each of its settings to the provider, by every spelling, and nothing that nobody set", async () => {
    const settings = {
      model: "gpt-4o-mini",
      temperature: 0.25,
      top_p: 0.5,
      max_tokens: 77,
      stop: ["END", "STOP"],
      seed: 42,
      frequency_penalty: 0.5,
      presence_penalty: -0.5,
      reasoning_effort: "low",
    }
    const camel = {
      modelKey: "gpt-4o-mini",
      temperature: "0.25",
      topP: 0.5,
      maxCompletionTokens: 77,
      stop: ["END", "STOP"],
      seed: 42,
      frequencyPenalty: 0.5,
      presencePenalty: -0.5,
      reasoningEffort: "low",
    }
    const expressions = Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [name, `={{ ${JSON.stringify(value)} }}`]),
    )
    for (const parameters of [settings, camel, expressions, { options: settings }]) {
      const { assistantId } = await talk.client.promoted(single(parameters))
      expect((await talk.client.ask("Hi", { assistant_id: assistantId })).status).toBe(200)
      expect(sent()).toEqual(settings)
    }
    const { assistantId } = await talk.client.promoted(single())
    await talk.client.ask("Hi", { assistant_id: assistantId })
    expect(sent()).toEqual({ model: "gpt-4o" })
  })

  it("asks what its prompt says, else what was said in the chat, after its system prompt", async () => {
    const prompts: [JsonObject, string[]][] = [
      [{}, ["user: Hello"]],
      [{ system_message: "Be kind." }, ["system: Be kind.", "user: Hello"]],
      [{ systemPrompt: "={{ 'Now ' + $json.chatInput }}" }, ["system: Now Hello", "user: Hello"]],
      [{ prompt: "Say: {{ $json.chatInput }}" }, ["user: Say: {{ $json.chatInput }}"]],
      [{ prompt: "=Say: {{ $json.chatInput }}" }, ["user: Say: Hello"]],
      [{ userMessage: "={{ $json.sessionId.slice(0, 7) }}" }, ["user: thread_"]],
    ]
    for (const [parameters, expected] of prompts) {
      const { assistantId } = await talk.client.promoted(single(parameters))
      await talk.client.ask("Hello", { assistant_id: assistantId })
      expect(promptOf(talk.model.requests.at(-1))).toEqual(expected)
    }
  })

  it("fails clearly where a setting is out of range in a run, and the thread can be gone on with", async () => {
    const { assistantId } = await talk.client.promoted(single({ temperature: "={{ $json.metadata.warmth ?? 0.5 }}" }))
    const hot = await talk.client.ask("Hi", { assistant_id: assistantId, metadata: { warmth: 9 } })
    expect([hot.status, hot.body.error.code, hot.body.error.type]).toEqual([422, "NODE_FAILED", "run_error"])
    expect(hot.body.error.details).toMatchObject({ node: "Answer", cause_code: "NODE_SETTINGS_INVALID" })
    expect(talk.model.calls).toBe(0)
    expect((await talk.client.ask("Hi", { assistant_id: assistantId })).status).toBe(200)
  })
})

describe("the settings of an assistant", () => {
  it("are its node's until somebody sets them, and are those of the next turn of every thread from then on", async () => {
    const { assistantId } = await talk.client.promoted(single({ temperature: 0.25, system_message: "From the node" }))
    const thread = (await talk.client.ask("Hi", { assistant_id: assistantId })).body.thread_id
    expect(sent()).toMatchObject({ temperature: 0.25 })
    const shown = await patch(assistantId, { temperature: 1.5, instructions: "From the assistant", seed: 3 })
    expect(shown.inherited).not.toContain("temperature")
    await talk.client.ask("Hi", { thread_id: thread })
    expect(sent()).toMatchObject({ temperature: 1.5, seed: 3 })
    expect(promptOf(talk.model.requests.at(-1))[0]).toBe("system: From the assistant")
    await talk.client.ask("Hi", { assistant_id: assistantId })
    expect(sent()).toMatchObject({ temperature: 1.5, seed: 3 })
    await patch(assistantId, { temperature: null, instructions: null, seed: null })
    await talk.client.ask("Hi", { thread_id: thread })
    expect(sent()).toEqual({ model: "gpt-4o", temperature: 0.25 })
    expect(promptOf(talk.model.requests.at(-1))[0]).toBe("system: From the node")
  })

  it("all reach the provider", async () => {
    const { assistantId } = await talk.client.promoted(single({ stop: "never", model: "gpt-4o-mini" }))
    await patch(assistantId, {
      default_model_key: "gpt-4.1",
      temperature: 2,
      top_p: 0.125,
      frequency_penalty: 1,
      presence_penalty: 2,
      logit_bias: { "50256": -100 },
      top_logprobs: 2,
      seed: -7,
      stop_sequences: ["A", "B"],
      max_completion_tokens: 99,
      reasoning: { effort: "high" },
      service_tier: "flex",
    })
    await talk.client.ask("Hi", { assistant_id: assistantId })
    expect(sent()).toEqual({
      model: "gpt-4.1",
      temperature: 2,
      top_p: 0.125,
      frequency_penalty: 1,
      presence_penalty: 2,
      logit_bias: { "50256": -100 },
      logprobs: true,
      top_logprobs: 2,
      seed: -7,
      stop: ["A", "B"],
      max_tokens: 99,
      reasoning_effort: "high",
      service_tier: "flex",
    })
  })

  it("give way to the request's, which give way to nobody, and hold for that turn alone", async () => {
    const { assistantId } = await talk.client.promoted(single({ temperature: 0.25, top_p: 0.5, max_tokens: 10 }))
    await patch(assistantId, { temperature: 1.5, top_p: 0.75, instructions: "Assistant" })
    const { body } = await talk.client.ask("Hi", {
      assistant_id: assistantId,
      model: "gpt-4.1-mini",
      instructions: "Request",
      temperature: 0.5,
      max_output_synapses: 20,
      reasoning: { effort: "medium" },
    })
    expect(sent()).toEqual({
      model: "gpt-4.1-mini",
      temperature: 0.5,
      top_p: 0.75,
      max_tokens: 20,
      reasoning_effort: "medium",
    })
    expect(promptOf(talk.model.requests.at(-1))[0]).toBe("system: Request")
    await talk.client.ask("Hi", { thread_id: body.thread_id })
    expect(sent()).toEqual({ model: "gpt-4o", temperature: 1.5, top_p: 0.75, max_tokens: 10 })
    expect(promptOf(talk.model.requests.at(-1)).at(0)).toBe("system: Assistant")
  })

  it("do not touch nodes that are not primary", async () => {
    const first = { ...node("First", "FreddyLLM", { temperature: 0.1, system_message: "First" }), id: "first" }
    const second = { ...node("Second", "FreddyLLM", { temperature: 0.2, system_message: "Second" }), id: "second" }
    const made = await talk.client.call("POST", "/v1/workflows", {
      body: { name: "Two nodes", definition: workflow([first, second], [["First", "Second"]]) },
    })
    const promoted = await talk.client.call("POST", `/v1/workflows/${made.body.id}/promote-to-assistant`, {
      body: { primary_node_id: "second" },
    })
    await patch(promoted.body.assistant_id, { temperature: 0.9, instructions: "Overridden" })
    await talk.client.ask("Hi", { assistant_id: promoted.body.assistant_id, model: "gpt-4.1" })
    const [one, two] = talk.model.requests
    expect([one?.model, one?.body.temperature, promptOf(one)[0]]).toEqual(["gpt-4o", 0.1, "system: First"])
    expect([two?.model, two?.body.temperature, promptOf(two)[0]]).toEqual(["gpt-4.1", 0.9, "system: Overridden"])
  })

  it("are literal text, never expressions, and so are requests and what people say", async () => {
    const { assistantId } = await talk.client.promoted(single({ system_message: "={{ 'sum ' + (1 + 1) }}" }))
    await talk.client.ask("={{ 2 + 2 }}", { assistant_id: assistantId })
    expect(promptOf(talk.model.requests.at(-1))).toEqual(["system: sum 2", "user: ={{ 2 + 2 }}"])
    await patch(assistantId, { instructions: "={{ 3 + 3 }}", stop_sequences: ["={{ 4 }}"] })
    await talk.client.ask("={{ $json }}", { assistant_id: assistantId })
    expect(promptOf(talk.model.requests.at(-1))).toEqual(["system: ={{ 3 + 3 }}", "user: ={{ $json }}"])
    expect(sent().stop).toEqual(["={{ 4 }}"])
    await talk.client.ask("Hi", { assistant_id: assistantId, instructions: "={{ 5 + 5 }}" })
    expect(promptOf(talk.model.requests.at(-1))).toEqual(["system: ={{ 5 + 5 }}", "user: Hi"])
  })

  it("send further system texts after the system prompt", async () => {
    const { assistantId } = await talk.client.promoted(single({ system_message: "Node" }))
    await patch(assistantId, { system_message: [{ role: "system", content: "Further" }, { text: "Old form" }] })
    const thread = (await talk.client.ask("Hi", { assistant_id: assistantId })).body.thread_id
    expect(promptOf(talk.model.requests.at(-1))).toEqual(["system: Node\n\nFurther\n\nOld form", "user: Hi"])
    expect(await talk.client.messages(thread)).toHaveLength(2)
  })

  it("refuse a model that nobody offers before anything is stored, and one of a provider that is not allowed", async () => {
    const { assistantId } = await talk.client.promoted(single())
    await patch(assistantId, { default_model_key: "no-such-model" })
    const missing = await talk.client.ask("Hi", { assistant_id: assistantId })
    expect([missing.status, missing.body.error.code]).toEqual([404, "MODEL_NOT_FOUND"])
    await patch(assistantId, { default_model_key: null, allowed_model_providers: ["anthropic"] })
    const refused = await talk.client.ask("Hi", { assistant_id: assistantId })
    expect([refused.status, refused.body.error.code]).toEqual([422, "MODEL_REFUSED"])
    await patch(assistantId, { allowed_model_providers: ["anthropic", "openai"] })
    expect((await talk.client.ask("Hi", { assistant_id: assistantId })).status).toBe(200)
    expect(talk.model.calls).toBe(1)
  })

  it("hide new threads where `store_responses` is false, unless the request says otherwise", async () => {
    const { assistantId } = await talk.client.promoted(single())
    await patch(assistantId, { store_responses: false })
    const isVisible = async (fields: JsonObject): Promise<boolean> => {
      const { body } = await talk.client.ask("Hi", { assistant_id: assistantId, ...fields })
      return (await talk.client.get(`/v1/threads/${body.thread_id}`)).visible_in_ui
    }
    expect([await isVisible({}), await isVisible({ store: true }), await isVisible({ store: false })]).toEqual([
      false,
      true,
      false,
    ])
  })
})

describe("an assistant without a workflow", () => {
  it("answers by its own settings, the same path inside", async () => {
    const organization = (await talk.client.get("/v1/organizations")).organizations[0].id
    const body = { name: "Plain", organization_id: organization, instructions: "Plainly.", temperature: 0.4, seed: 9 }
    const assistant = (await talk.client.call("POST", "/v1/assistants", { body })).body
    const stream = talk.client.hear("Hi", { assistant_id: assistant.id })
    await stream.all()
    expect(stream.text).toBe("You said: Hi")
    expect(sent()).toEqual({ model: "gpt-4o", temperature: 0.4, seed: 9 })
    expect(promptOf(talk.model.requests.at(-1))).toEqual(["system: Plainly.", "user: Hi"])
    const { threadId } = await stream.created()
    await talk.client.ask("Again", { thread_id: threadId })
    expect(promptOf(talk.model.requests.at(-1))).toHaveLength(4)
    expect(await talk.client.get(`/v1/threads/${threadId}`)).toMatchObject({
      assistant_id: assistant.id,
      pinned_workflow: null,
      last_model_used: "gpt-4o",
    })
  })
})
