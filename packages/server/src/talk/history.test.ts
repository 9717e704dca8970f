/** Which earlier messages the model is given (the HTTP contract, §5 "context"; the workflow language, §5 and §6). */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import type { ScriptedRequest } from "../testing/scripted-model.ts"
import { node, promptOf, single, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()

const lastPrompt = (): string[] => promptOf(talk.model.requests.at(-1))

/** An assistant of a one-node workflow with some of its settings set; gives its id. */
async function assistantWith(settings: JsonObject, parameters: JsonObject = {}): Promise<string> {
  const { assistantId } = await talk.client.promoted(single(parameters))
  if (Object.keys(settings).length > 0) {
    const { status, body } = await talk.client.call("PATCH", `/v1/assistants/${assistantId}`, { body: settings })
    expect([status, body.error]).toEqual([200, undefined])
  }
  return assistantId
}

/** Says something in turn after turn of a new thread; gives the thread. */
async function converse(assistantId: string, texts: readonly string[]): Promise<string> {
  let thread: string | null = null
  for (const text of texts) {
    const { status, body } = await talk.client.ask(text, { assistant_id: assistantId, thread_id: thread })
    expect([status, body.error]).toEqual([200, undefined])
    thread = body.thread_id
  }
  return String(thread)
}

/** What echo answers to each of the texts, in pairs. */
const pairs = (...texts: string[]): string[] =>
  texts.flatMap((text) => [`user: ${text}`, `assistant: You said: ${text}`])

describe("the primary node of an assistant", () => {
  it("is given the thread's messages, same roles in a row as one", async () => {
    const assistantId = await assistantWith({})
    const thread = await converse(assistantId, ["One", "Two"])
    await talk.client.ask("Three", { thread_id: thread })
    expect(lastPrompt()).toEqual([...pairs("One", "Two"), "user: Three"])
  })

  it("is given none where it says so, and where the assistant's memory is off", async () => {
    for (const assistantId of [
      await assistantWith({}, { include_history: false }),
      await assistantWith({}, { memory: false }),
      await assistantWith({ memory_enabled: false }),
      await assistantWith({ memory_enabled: false }, { include_history: true }),
    ]) {
      await converse(assistantId, ["One", "Two"])
      expect(lastPrompt()).toEqual(["user: Two"])
    }
  })

  it("is given at most `history_limit` messages, or the newest turns of so many tokens", async () => {
    const limits: [unknown, string[]][] = [
      [2, pairs("Two")],
      ["3 messages", ["assistant: You said: One", ...pairs("Two")]],
      [{ messages: 0 }, []],
      [{ tokens: 13 }, pairs("Two")],
      ["12 tokens", []],
    ]
    for (const [limit, expected] of limits) {
      const assistantId = await assistantWith({}, { history_limit: limit as number })
      const thread = await converse(assistantId, ["One", "Two"])
      await talk.client.ask("Three", { thread_id: thread })
      expect(lastPrompt()).toEqual([...expected, "user: Three"])
    }
  })

  it("is given what a person said as it was said, not what the node made of it", async () => {
    const assistantId = await assistantWith({}, { prompt: "=In short: {{ $json.chatInput }}" })
    await converse(assistantId, ["One", "Two"])
    expect(lastPrompt()).toEqual(["user: One", "assistant: You said: In short: One", "user: In short: Two"])
  })
})

describe("a node that is not primary", () => {
  const two = (first: JsonObject): JsonObject =>
    workflow(
      [node("First", "FreddyLLM", first), node("Second", "FreddyLLM", { prompt: "={{ $json.text }}" })],
      [["First", "Second"]],
    )

  it("is given no history unless it asks for it", async () => {
    for (const [first, expected] of [
      [{}, ["user: Two"]],
      [{ include_history: true }, ["user: One", "assistant: You said: You said: One", "user: Two"]],
    ] as const) {
      const made = await talk.client.call("POST", "/v1/workflows", { body: { name: "Two", definition: two(first) } })
      const { body } = await talk.client.call("POST", `/v1/workflows/${made.body.id}/promote-to-assistant`, {
        body: { primary_node_id: "second", name: `Two ${JSON.stringify(first)}` },
      })
      await converse(body.assistant_id, ["One", "Two"])
      const asked = talk.model.requests.filter((request) => promptOf(request).at(-1) === "user: Two")
      expect(promptOf(asked.at(-1))).toEqual(expected)
    }
  })
})

describe("what the request itself says before its question", () => {
  const inputs = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "One" },
    { role: "assistant", content: "Uno" },
    { role: "user", content: "Two" },
  ]

  it("is told with the question, also where later turns are limited to a response", async () => {
    const assistantId = await assistantWith({})
    await talk.client.call("POST", "/v1/model/response", { body: { inputs, assistant_id: assistantId } })
    expect(lastPrompt()).toEqual(["system: Be brief.", "user: One", "assistant: Uno", "user: Two"])
  })

  it("keeps its system text where history is off", async () => {
    for (const settings of [{ context_strategy: "off" }, { memory_enabled: false }]) {
      const assistantId = await assistantWith(settings)
      await talk.client.call("POST", "/v1/model/response", { body: { inputs, assistant_id: assistantId } })
      expect(lastPrompt()).toEqual(["system: Be brief.", "user: Two"])
    }
  })
})

const isSummary = (request: ScriptedRequest): boolean => /^Summarise/.test(String(request.messages[0]?.content))

describe("the context strategy of an assistant", () => {
  // An answer of 400 characters is taken for 104 tokens, its question of one word for 5.
  const filler = "word ".repeat(80)
  const fill = (request: ScriptedRequest) => ({
    text: isSummary(request) ? "SUMMARY" : filler,
    usage: { inputTokens: 10, outputTokens: isSummary(request) ? 1 : 80 },
  })
  const window = { context_window: 400, max_completion_tokens: 100 }

  it("`off` gives the last user message alone", async () => {
    await converse(await assistantWith({ context_strategy: "off" }), ["One", "Two"])
    expect(lastPrompt()).toEqual(["user: Two"])
  })

  it("`auto` gives the newest whole turns that fit the window less the output", async () => {
    talk.model.answerWith(fill)
    const assistantId = await assistantWith({ context_strategy: "auto", ...window })
    const thread = await converse(assistantId, ["One", "Two", "Three", "Four"])
    expect(lastPrompt()).toEqual([
      "user: Two",
      `assistant: ${filler}`,
      "user: Three",
      `assistant: ${filler}`,
      "user: Four",
    ])
    const last = await talk.client.ask("Five", { thread_id: thread })
    expect(lastPrompt()[0]).toBe("user: Three")
    expect(last.body.is_summarized).toBe(false)
  })

  it("`full` gives everything, and past the window refuses with CONTEXT_TOO_LONG; so does `auto` without truncation", async () => {
    talk.model.answerWith(fill)
    for (const settings of [{ context_strategy: "full" }, { context_strategy: "auto", truncation: false }]) {
      const assistantId = await assistantWith({ ...settings, context_window: 400 })
      const thread = await converse(assistantId, ["One", "Two", "Three"])
      expect(lastPrompt()).toHaveLength(5)
      await talk.client.ask("Four", { thread_id: thread })
      const { status, body } = await talk.client.ask("Five", { thread_id: thread })
      expect([status, body.error.code]).toEqual([422, "CONTEXT_TOO_LONG"])
      const stream = talk.client.hear("Six", { thread_id: thread })
      expect(await stream.frame("response.error")).toMatchObject({ error: { code: "CONTEXT_TOO_LONG", status: 422 } })
      // Failed turns are no part of the context, so the thread is as long as before and can be gone on with elsewhere.
      await talk.client.call("PATCH", `/v1/assistants/${assistantId}`, { body: { context_window: null } })
      const more = await talk.client.ask("Seven", { thread_id: thread })
      expect([more.status, lastPrompt().length]).toEqual([200, 9])
    }
  })

  it("`saver` keeps half as much and puts a summary in the place of the rest, which is stored and gone on with", async () => {
    talk.model.answerWith(fill)
    const assistantId = await assistantWith({ context_strategy: "saver", ...window })
    const thread = await converse(assistantId, ["One", "Two"])
    expect(talk.model.calls).toBe(2)
    const third = await talk.client.ask("Three", { thread_id: thread })
    expect(third.body.is_summarized).toBe(true)
    const [, , summing, answering] = talk.model.requests
    expect(promptOf(summing).at(-1)).toBe(`user: user: One\n\nassistant: ${filler}`)
    expect(promptOf(answering)).toEqual([
      "system: Summary of the earlier conversation:\nSUMMARY",
      "user: Two",
      `assistant: ${filler}`,
      "user: Three",
    ])
    expect(third.body.usage.output_tokens).toBe(81)
    // The next turn adds what is newly left out to the summary that is there.
    const fourth = await talk.client.ask("Four", { thread_id: thread })
    expect(promptOf(talk.model.requests.at(-2)).at(-1)).toBe(
      `user: Summary of the earlier conversation:\nSUMMARY\n\nuser: Two\n\nassistant: ${filler}`,
    )
    expect(fourth.body.is_summarized).toBe(true)
    expect(await talk.client.get(`/v1/model/response/${fourth.body.response_id}`)).toMatchObject({
      is_summarized: true,
    })
    expect(await talk.client.messages(thread)).toHaveLength(8)
  })

  it("`saver` never tells what an edit has removed, nor what comes after the response that is gone back to", async () => {
    talk.model.answerWith((request) => {
      const words = new Set(String(request.messages.at(-1)?.content).match(/word\d/g))
      const summary = `SUMMARY OF ${[...words].join(" ")}`
      return { text: isSummary(request) ? summary : filler }
    })
    const assistantId = await assistantWith({ context_strategy: "saver", ...window })
    const thread = await converse(assistantId, ["word1 secret", "word2", "word3", "word4"])
    const { data } = await talk.client.get(`/v1/threads/${thread}/messages?order=asc`)
    await talk.client.ask("word5", { thread_id: thread, edit_message_id: data[0].id })
    expect(lastPrompt()).toEqual(["user: word5"])
    await talk.client.ask("word6", { thread_id: thread })
    await talk.client.ask("word7", { thread_id: thread })
    expect(lastPrompt()[0]).toBe("system: Summary of the earlier conversation:\nSUMMARY OF word5")
    const again = await converse(assistantId, ["word1", "word2", "word3", "word4", "word5"])
    expect(lastPrompt()[0]).toContain("SUMMARY OF word1 word2 word3")
    const second = (await talk.client.runs(again))[1].responses[0]
    await talk.client.ask("word9", { thread_id: again, previous_response_id: second })
    expect(lastPrompt().filter((text) => !text.includes(filler))).toEqual([
      "system: Summary of the earlier conversation:\nSUMMARY OF word1",
      "user: word2",
      "user: word9",
    ])
  })

  it("never leaves a message of a turn out alone", async () => {
    talk.model.answerWith(fill)
    const assistantId = await assistantWith({ context_strategy: "auto", ...window })
    const thread = (
      await talk.client.call("POST", "/v1/model/response", {
        body: {
          inputs: [
            { role: "user", content: "Zero" },
            { role: "assistant", content: filler },
            { role: "user", content: "One" },
          ],
          assistant_id: assistantId,
        },
      })
    ).body.thread_id
    await talk.client.ask("Two", { thread_id: thread })
    await talk.client.ask("Three", { thread_id: thread })
    expect(lastPrompt()).toEqual(["user: Two", `assistant: ${filler}`, "user: Three"])
  })

  it("never shortens the question itself: the window is the provider's to judge then", async () => {
    const assistantId = await assistantWith({ context_strategy: "auto", context_window: 20 })
    const long = "long ".repeat(100)
    await converse(assistantId, ["One", long])
    expect(lastPrompt()).toEqual([`user: ${long}`])
  })
})
