/** Several turns at once: in one thread never at the same time, in many threads without loss (the HTTP contract, §5). */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { lastUserText } from "../testing/scripted-model.ts"
import { promptOf, type StreamReader, single, until, useTalkServer } from "../testing/talk.ts"

const talk = useTalkServer()

const pair = (text: string): string[] => [`user: ${text}`, `assistant: You said: ${text}`]

/** An assistant with that policy; gives its id. */
async function assistantWith(policy: string): Promise<string> {
  const { assistantId } = await talk.client.promoted(single())
  const { status } = await talk.client.call("PATCH", `/v1/assistants/${assistantId}`, {
    body: { concurrency_policy: policy },
  })
  expect(status).toBe(200)
  return assistantId
}

/** A turn that has begun to speak and goes on only once the model is released. */
async function speaking(text: string, fields: JsonObject = {}): Promise<StreamReader> {
  talk.model.hold(1)
  const stream = talk.client.hear(text, fields)
  await stream.frame("response.content_delta")
  return stream
}

describe("a second message while a turn runs", () => {
  it("waits by default: stored and shown at once, answered in its order, in JSON and as a stream", async () => {
    const first = await speaking("One")
    const { threadId } = await first.created()
    const second = talk.client.hear("Two", { thread_id: threadId })
    await second.created()
    const third = talk.client.ask("Three", { thread_id: threadId })
    await until(async () => (await talk.client.runs(threadId)).length === 3, "the third turn")
    expect(await talk.client.messages(threadId)).toEqual(["user: One", "user: Two", "user: Three"])
    expect((await talk.client.runs(threadId)).map(({ status }) => status)).toEqual(["running", "queued", "queued"])
    expect(talk.model.calls).toBe(1)
    expect(second.events).toEqual(["response.processing", "response.created"])
    talk.model.release()
    await Promise.all([first.all(), second.all()])
    expect((await third).body.response[0].text).toBe("You said: Three")
    expect([first.text, second.text, second.end]).toEqual(["You said: One", "You said: Two", "done"])
    // An answer stands directly after its question.
    expect(await talk.client.messages(threadId)).toEqual([...pair("One"), ...pair("Two"), ...pair("Three")])
    expect(promptOf(talk.model.requests[2])).toEqual([...pair("One"), ...pair("Two"), "user: Three"])
  })

  it("is read again as it was shown, also where it waited", async () => {
    const first = await speaking("One")
    const { threadId } = await first.created()
    const second = talk.client.hear("Two", { thread_id: threadId })
    const { responseId } = await second.created()
    const reader = talk.client.replay(responseId)
    await reader.created()
    talk.model.release()
    await Promise.all([first.all(), second.all(), reader.all()])
    const again = talk.client.replay(responseId)
    await again.all()
    expect(again.blocks).toEqual(second.blocks.slice(1))
    expect(reader.blocks).toEqual(again.blocks)
    // Taken up, it goes on in the numbers of the next epoch.
    expect(again.numbers[0]).toBe(1)
    expect(again.numbers[1]).toBeGreaterThan(2 ** 32)
    for (const after of again.numbers) {
      const rest = talk.client.replay(responseId, `?starting_after=${after}`)
      const { length } = again.numbers.filter((number) => number <= after)
      expect(await rest.all()).toEqual(again.blocks.slice(length))
    }
  })

  it("waits with at most nine others: the eleventh that would wait is 409 THREAD_BUSY", async () => {
    const first = await speaking("0")
    const { threadId } = await first.created()
    const waiting: StreamReader[] = []
    for (let count = 1; count <= 10; count += 1) {
      const stream = talk.client.hear(String(count), { thread_id: threadId })
      await stream.created()
      waiting.push(stream)
    }
    for (const more of [
      talk.client.ask("11", { thread_id: threadId }),
      talk.client.ask("12", { thread_id: threadId }),
    ]) {
      const { status, body } = await more
      expect([status, body.error.code, body.error.details.thread_id]).toEqual([409, "THREAD_BUSY", threadId])
    }
    talk.model.release()
    await Promise.all(waiting.map((stream) => stream.all()))
    const texts = Array.from({ length: 11 }, (_, count) => String(count))
    expect(await talk.client.messages(threadId)).toEqual(texts.flatMap(pair))
    expect(talk.model.requests.map(lastUserText)).toEqual(texts)
    expect((await talk.client.ask("11", { thread_id: threadId })).status).toBe(200)
  })

  it("begins also after a turn that failed, and after one that was cancelled", async () => {
    talk.model.hold(0)
    const first = talk.client.hear("One")
    const { threadId } = await first.created()
    const second = talk.client.hear("Two", { thread_id: threadId })
    await second.created()
    const third = talk.client.hear("Three", { thread_id: threadId })
    await third.created()
    const fourth = talk.client.hear("Four", { thread_id: threadId })
    await fourth.created()
    talk.model.answerWith((request) =>
      lastUserText(request).endsWith("Two") ? { status: 500 } : { text: `You said: ${lastUserText(request)}` },
    )
    await talk.client.call("POST", `/v1/model/response/${threadId}/cancel`)
    talk.model.release()
    await Promise.all([first, second, third, fourth].map((stream) => stream.all()))
    expect([first, second, third, fourth].map(({ events }) => events.at(-2))).toEqual([
      "response.cancelled",
      "response.error",
      "response.completed",
      "response.completed",
    ])
    expect(await talk.client.messages(threadId)).toEqual([
      "user: Two",
      "assistant: ",
      ...pair("Three"),
      ...pair("Four"),
    ])
    expect(promptOf(talk.model.requests.at(-1))).toEqual([...pair("Three"), "user: Four"])
  })

  it("is refused where the assistant's policy is `reject`, and taken once the turn is over", async () => {
    const first = await speaking("One", { assistant_id: await assistantWith("reject") })
    const { threadId } = await first.created()
    const refused = await talk.client.ask("Two", { thread_id: threadId })
    expect([refused.status, refused.body.error.code]).toEqual([409, "THREAD_BUSY"])
    const stream = talk.client.hear("Two", { thread_id: threadId })
    await stream.all()
    expect(stream.refused?.status).toBe(409)
    talk.model.release()
    await first.all()
    expect((await talk.client.ask("Two", { thread_id: threadId })).status).toBe(200)
    expect(await talk.client.messages(threadId)).toEqual([...pair("One"), ...pair("Two")])
  })

  it("ends the turn where the policy is `interrupt`: its partial text stays, then the message is answered", async () => {
    talk.model.script([{ chunks: ["Half ", "an answer"] }])
    const first = await speaking("One", { assistant_id: await assistantWith("interrupt") })
    const { threadId, runId } = await first.created()
    const second = talk.client.hear("Two", { thread_id: threadId })
    await first.all()
    expect(first.events.slice(-2)).toEqual(["response.cancelled", "[DONE]"])
    expect((await talk.client.get(`/v1/runs/${runId}`)).error.details.cause_code).toBe("RUN_INTERRUPTED")
    talk.model.release()
    await second.all()
    expect(await talk.client.messages(threadId)).toEqual(["user: One", "assistant: Half ", ...pair("Two")])
    expect(promptOf(talk.model.requests[1])).toEqual(["user: One", "assistant: Half ", "user: Two"])
  })

  it("interrupts those that wait as well, where they came under another policy", async () => {
    const assistantId = await assistantWith("queue")
    const first = await speaking("One", { assistant_id: assistantId })
    const { threadId } = await first.created()
    const second = talk.client.hear("Two", { thread_id: threadId })
    await second.created()
    await talk.client.call("PATCH", `/v1/assistants/${assistantId}`, { body: { concurrency_policy: "interrupt" } })
    const third = talk.client.hear("Three", { thread_id: threadId })
    await Promise.all([first.all(), second.all()])
    talk.model.release()
    await third.all()
    expect(third.end).toBe("done")
    expect(await talk.client.settled(threadId)).toEqual(["cancelled", "cancelled", "completed"])
  })

  it("interrupts one another where many come at once: each is answered or cancelled, and one has the last word", async () => {
    const assistantId = await assistantWith("interrupt")
    const thread = (await talk.client.ask("Begin", { assistant_id: assistantId })).body.thread_id
    const texts = Array.from({ length: 10 }, (_, index) => `Interruption ${index}`)
    const answers = await Promise.all(texts.map((text) => talk.client.ask(text, { thread_id: thread })))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    const statuses = await talk.client.settled(thread)
    expect([statuses.length, statuses.at(-1)]).toEqual([11, "completed"])
    // Questions that were left without an answer are told together with the next.
    for (const [index, { body }] of answers.entries()) {
      if (body.stop_reason === "stop") expect(body.response[0].text.endsWith(texts[index])).toBe(true)
      else expect(body.stop_reason).toBe("cancelled")
    }
    const messages = await talk.client.messages(thread)
    expect(messages.filter((message) => message.startsWith("user: "))).toHaveLength(11)
  })

  it("changes nothing in another thread", async () => {
    const first = await speaking("One")
    talk.model.script([{ text: "At once", holdAfterChunks: 100 }])
    expect((await talk.client.ask("Elsewhere")).body.response[0].text).toBe("At once")
    expect(first.end).toBeNull()
  })
})

describe("two requests at the same moment in one thread", () => {
  it("never run at the same time, whoever comes first, and all are answered", async () => {
    const thread = (await talk.client.ask("Begin")).body.thread_id
    talk.model.hold(0)
    const texts = Array.from({ length: 8 }, (_, index) => `Message ${index}`)
    const asked = Promise.all(texts.map((text) => talk.client.ask(text, { thread_id: thread })))
    const runs = await until(async () => {
      const all = await talk.client.runs(thread)
      return all.length === 9 && all
    }, "all turns")
    expect(runs.map(({ status }) => status)).toEqual(["completed", "running", ...Array(7).fill("queued")])
    talk.model.release()
    const answers = await asked
    expect(answers.map(({ body }) => body.response[0].text)).toEqual(texts.map((text) => `You said: ${text}`))
    await requireOrder(thread, ["Begin", ...texts])
  })

  it("begin one turn each in an empty thread, and call the model in vain at most once each", async () => {
    const thread = (await talk.client.call("POST", "/v1/threads")).body.id
    const texts = ["A", "B", "C", "D", "E", "F"]
    const answers = await Promise.all(texts.map((text) => talk.client.ask(text, { thread_id: thread })))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    await requireOrder(thread, texts)
    expect(talk.model.calls).toBeLessThanOrEqual(11)
  })
})

/** One turn after another: each begun after the one before had ended, answered once, and told what stood before it. */
async function requireOrder(thread: string, texts: readonly string[]): Promise<void> {
  const runs = await talk.client.runs(thread)
  expect(runs.map(({ status }) => status)).toEqual(Array(texts.length).fill("completed"))
  for (const [index, run] of runs.entries()) {
    expect(Date.parse(run.started_at)).toBeGreaterThanOrEqual(
      Date.parse(runs[index - 1]?.finished_at ?? run.started_at),
    )
  }
  const messages = await talk.client.messages(thread)
  expect([...messages].sort()).toEqual(texts.flatMap(pair).sort())
  for (let index = 0; index < messages.length; index += 2) {
    const question = messages[index]?.slice("user: ".length) ?? ""
    expect(messages[index + 1]).toBe(`assistant: You said: ${question}`)
    // A call that was made in vain was made before.
    const prompt = talk.model.requests.map(promptOf).findLast((asked) => asked.at(-1) === `user: ${question}`)
    expect(prompt).toEqual(messages.slice(0, index + 1))
  }
  const shown = await talk.client.get(`/v1/threads/${thread}`)
  expect([shown.message_count, shown.status]).toEqual([texts.length * 2, "inactive"])
}

describe("fifty turns at once in ten threads", () => {
  it("are all answered, none twice, none in another's thread, each after those before it", async () => {
    const { assistantId } = await talk.client.promoted(single())
    const threads: string[] = []
    for (let thread = 0; thread < 10; thread += 1) {
      threads.push((await talk.client.call("POST", "/v1/threads", { body: { assistant_id: assistantId } })).body.id)
    }
    const turns = threads.flatMap((thread, row) =>
      Array.from({ length: 5 }, (_, column) => ({ thread, text: `thread ${row} turn ${column}` })),
    )
    const said = await Promise.all(
      turns.map(async ({ thread, text }, index) => {
        if (index % 2 === 0) return (await talk.client.ask(text, { thread_id: thread })).body.response[0].text
        const stream = talk.client.hear(text, { thread_id: thread })
        await stream.all()
        expect(stream.end).toBe("done")
        return stream.text
      }),
    )
    expect(said).toEqual(turns.map(({ text }) => `You said: ${text}`))
    for (const [row, thread] of threads.entries()) {
      await requireOrder(
        thread,
        Array.from({ length: 5 }, (_, column) => `thread ${row} turn ${column}`),
      )
    }
    expect(talk.model.calls).toBeLessThanOrEqual(90)
  })
})
