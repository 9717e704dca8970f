/** Turns that take the place of what was said before, and turns that leave later messages out (the HTTP contract, §5). */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { promptOf, type StreamReader, useTalkServer } from "../testing/talk.ts"

const talk = useTalkServer()

type Said = { readonly threadId: string; readonly ids: readonly string[]; readonly responses: readonly string[] }

/** Says things in turn after turn of a new thread: the ids of all messages, in order, and of the responses. */
async function converse(...texts: string[]): Promise<Said> {
  let threadId: string | null = null
  const responses: string[] = []
  for (const text of texts) {
    const { body } = await talk.client.ask(text, { thread_id: threadId })
    threadId = body.thread_id
    responses.push(body.response_id)
  }
  talk.model.reset()
  return { threadId: String(threadId), ids: await idsOf(String(threadId)), responses }
}

async function idsOf(threadId: string): Promise<string[]> {
  const { data } = await talk.client.get(`/v1/threads/${threadId}/messages?order=asc&limit=100`)
  return data.map(({ id }: { id: string }) => id)
}

const pair = (text: string): string[] => [`user: ${text}`, `assistant: You said: ${text}`]
const lastPrompt = (): string[] => promptOf(talk.model.requests.at(-1))

/** A turn that has begun to speak and goes on only once the model is released. */
async function speaking(text: string, fields: JsonObject): Promise<StreamReader> {
  talk.model.hold(1)
  const stream = talk.client.hear(text, fields)
  await stream.frame("response.content_delta")
  return stream
}

describe("a turn that edits a message", () => {
  it("removes that message and all later ones, and stands in their place", async () => {
    const { threadId, ids } = await converse("One", "Two", "Three")
    const { status, body } = await talk.client.ask("Zwei", { thread_id: threadId, edit_message_id: ids[2] ?? "" })
    expect([status, body.thread_id]).toEqual([200, threadId])
    expect(await talk.client.messages(threadId)).toEqual([...pair("One"), ...pair("Zwei")])
    expect(lastPrompt()).toEqual([...pair("One"), "user: Zwei"])
    expect((await talk.client.get(`/v1/threads/${threadId}`)).message_count).toBe(4)
    // Runs and answers of the removed turns can still be read.
    expect(await talk.client.settled(threadId)).toEqual(Array(4).fill("completed"))
  })

  it("may edit an answer: the question stays", async () => {
    const { threadId, ids } = await converse("One", "Two")
    await talk.client.ask("And?", { thread_id: threadId, edit_message_id: ids[1] ?? "" })
    expect(await talk.client.messages(threadId)).toEqual([
      "user: One",
      "user: And?",
      "assistant: You said: One\n\nAnd?",
    ])
    expect(lastPrompt()).toEqual(["user: One\n\nAnd?"])
  })

  it("may edit the first message: the thread begins anew, all inputs are stored, its assistant stays", async () => {
    const { threadId, ids } = await converse("One", "Two")
    const inputs = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Eins" },
    ]
    const fields = { inputs, thread_id: threadId, edit_message_id: ids[0] ?? "" }
    await talk.client.call("POST", "/v1/model/response", { body: fields })
    expect(await talk.client.messages(threadId)).toEqual(["system: Be brief.", ...pair("Eins")])
  })

  it("streams as any other turn", async () => {
    const { threadId, ids } = await converse("One")
    const stream = talk.client.hear("Eins", { thread_id: threadId, edit_message_id: ids[0] ?? "" })
    await stream.all()
    expect([stream.text, stream.end]).toEqual(["You said: Eins", "done"])
  })

  it("is 404 for a message that is not there, was removed, is another thread's, or no id", async () => {
    const { threadId, ids } = await converse("One", "Two")
    const other = await converse("Elsewhere")
    await talk.client.ask("Zwei", { thread_id: threadId, edit_message_id: ids[2] ?? "" })
    const wrong = [ids[2] ?? "", other.ids[0] ?? "", `msg_${"0".repeat(32)}`, "msg_1"]
    for (const id of wrong) {
      for (const field of ["edit_message_id", "previous_message_id"]) {
        const { status, body } = await talk.client.ask("Hi", { thread_id: threadId, [field]: id })
        expect([status, body.error.code]).toEqual([404, "MESSAGE_NOT_FOUND"])
      }
    }
    expect(await talk.client.messages(threadId)).toEqual([...pair("One"), ...pair("Zwei")])
  })

  it("takes the place of the turn that failed where the same edit is sent again", async () => {
    const { threadId, ids } = await converse("One", "Two")
    talk.model.script([{ status: 500 }])
    const edit = () => talk.client.ask("Zwei", { thread_id: threadId, edit_message_id: ids[2] ?? "" })
    expect((await edit()).status).toBe(502)
    expect((await edit()).status).toBe(200)
    expect(await talk.client.messages(threadId)).toEqual([...pair("One"), ...pair("Zwei")])
    expect((await edit()).status).toBe(404)
  })
})

describe("a turn that goes back to a message", () => {
  it("removes everything after it", async () => {
    const { threadId, ids } = await converse("One", "Two", "Three")
    await talk.client.ask("Zwei", { thread_id: threadId, previous_message_id: ids[1] ?? "" })
    expect(await talk.client.messages(threadId)).toEqual([...pair("One"), ...pair("Zwei")])
    expect(lastPrompt()).toEqual([...pair("One"), "user: Zwei"])
  })

  it("keeps a question without its answer, and removes nothing after the last message", async () => {
    const { threadId, ids } = await converse("One", "Two")
    await talk.client.ask("And?", { thread_id: threadId, previous_message_id: ids[2] ?? "" })
    expect(lastPrompt()).toEqual([...pair("One"), "user: Two\n\nAnd?"])
    const last = (await idsOf(threadId)).at(-1) ?? ""
    await talk.client.ask("More", { thread_id: threadId, previous_message_id: last })
    expect(await talk.client.messages(threadId)).toHaveLength(7)
  })
})

describe("a turn that goes on from an earlier response", () => {
  it("leaves later messages out of its context, and removes nothing", async () => {
    const { threadId, responses } = await converse("One", "Two", "Three")
    await talk.client.ask("Four", { thread_id: threadId, previous_response_id: responses[0] ?? "" })
    expect(lastPrompt()).toEqual([...pair("One"), "user: Four"])
    expect(await talk.client.messages(threadId)).toHaveLength(8)
    await talk.client.ask("Five", { thread_id: threadId })
    expect(lastPrompt()).toHaveLength(9)
  })

  it("is 404 for a response that is not there, is another thread's, or no id", async () => {
    const { threadId } = await converse("One")
    const other = await converse("Elsewhere")
    for (const id of [other.responses[0] ?? "", `resp_${"0".repeat(32)}`, "resp_1"]) {
      const { status, body } = await talk.client.ask("Hi", { thread_id: threadId, previous_response_id: id })
      expect([status, body.error.code]).toEqual([404, "RESPONSE_NOT_FOUND"])
    }
  })

  it("waits its turn while another runs, and leaves that one out too", async () => {
    const { threadId, responses } = await converse("One")
    const running = await speaking("Two", { thread_id: threadId })
    const asked = talk.client.ask("Three", { thread_id: threadId, previous_response_id: responses[0] ?? "" })
    await talk.client.runs(threadId)
    talk.model.release()
    await Promise.all([running.all(), asked])
    expect(lastPrompt()).toEqual([...pair("One"), "user: Three"])
    expect(await talk.client.messages(threadId)).toEqual([...pair("One"), ...pair("Two"), ...pair("Three")])
  })
})

describe("an edit while a turn is under way", () => {
  it("ends the turn whose question it edits, and takes its place", async () => {
    const { threadId } = await converse("One")
    const running = await speaking("Two", { thread_id: threadId })
    const { userMessageId, runId } = await running.created()
    const edit = talk.client.hear("Zwei", { thread_id: threadId, edit_message_id: userMessageId })
    await running.all()
    expect(running.events.slice(-2)).toEqual(["response.cancelled", "[DONE]"])
    expect((await talk.client.get(`/v1/runs/${runId}`)).error.details.cause_code).toBe("TURN_REMOVED")
    talk.model.release()
    await edit.all()
    expect(edit.text).toBe("You said: Zwei")
    expect(await talk.client.messages(threadId)).toEqual([...pair("One"), ...pair("Zwei")])
    expect((await talk.client.get(`/v1/threads/${threadId}`)).message_count).toBe(4)
  })

  it("ends all turns after the one that it edits, those that wait among them, and nothing else", async () => {
    const { threadId, ids } = await converse("One", "Two")
    const running = await speaking("Three", { thread_id: threadId })
    const waiting = talk.client.hear("Four", { thread_id: threadId })
    await waiting.created()
    const edit = talk.client.ask("Zwei", { thread_id: threadId, edit_message_id: ids[2] ?? "" })
    await Promise.all([running.all(), waiting.all()])
    talk.model.release()
    expect((await edit).body.response[0].text).toBe("You said: Zwei")
    for (const stream of [running, waiting]) expect(stream.events).toContain("response.cancelled")
    expect(await talk.client.settled(threadId)).toEqual([
      "completed",
      "completed",
      "cancelled",
      "cancelled",
      "completed",
    ])
    expect(await talk.client.messages(threadId)).toEqual([...pair("One"), ...pair("Zwei")])
    expect((await talk.client.get(`/v1/threads/${threadId}`)).message_count).toBe(4)
  })

  it("edits a turn that waits without touching the one that runs, and waits in its place", async () => {
    const { threadId } = await converse("One")
    const running = await speaking("Two", { thread_id: threadId })
    const waiting = talk.client.hear("Three", { thread_id: threadId })
    const { userMessageId } = await waiting.created()
    const edit = talk.client.hear("Drei", { thread_id: threadId, edit_message_id: userMessageId })
    await waiting.all()
    expect(waiting.events).toContain("response.cancelled")
    await edit.created()
    expect(running.end).toBeNull()
    talk.model.release()
    await Promise.all([running.all(), edit.all()])
    expect([running.text, edit.text]).toEqual(["You said: Two", "You said: Drei"])
    expect(await talk.client.messages(threadId)).toEqual([...pair("One"), ...pair("Two"), ...pair("Drei")])
  })

  it("removes the question of a turn that was cancelled while it waited", async () => {
    const { threadId } = await converse("One")
    const running = await speaking("Two", { thread_id: threadId })
    const waiting = talk.client.hear("Three", { thread_id: threadId })
    const { userMessageId, runId } = await waiting.created()
    await talk.client.call("POST", `/v1/runs/${runId}/cancel`)
    await waiting.all()
    const edit = talk.client.hear("Drei", { thread_id: threadId, edit_message_id: userMessageId })
    await edit.created()
    talk.model.release()
    await Promise.all([running.all(), edit.all()])
    expect(await talk.client.messages(threadId)).toEqual([...pair("One"), ...pair("Two"), ...pair("Drei")])
    expect((await talk.client.get(`/v1/threads/${threadId}`)).message_count).toBe(6)
  })

  it("goes back to the question of the turn that runs: its answer is dropped and the question stays", async () => {
    const { threadId } = await converse("One")
    const running = await speaking("Two", { thread_id: threadId })
    const { userMessageId } = await running.created()
    const again = talk.client.hear("I mean three", { thread_id: threadId, previous_message_id: userMessageId })
    await running.all()
    expect(running.events).toContain("response.cancelled")
    talk.model.release()
    await again.all()
    expect(lastPrompt()).toEqual([...pair("One"), "user: Two\n\nI mean three"])
    expect(await talk.client.messages(threadId)).toEqual([
      ...pair("One"),
      "user: Two",
      "user: I mean three",
      "assistant: You said: Two\n\nI mean three",
    ])
  })

  it("changes nothing where it is refused", async () => {
    const { threadId } = await converse("One")
    const running = await speaking("Two", { thread_id: threadId })
    const { userMessageId } = await running.created()
    for (const fields of [{ model: "no-such-model" }, { assistant_id: `asst_${"0".repeat(32)}` }]) {
      const { status } = await talk.client.ask("Zwei", {
        thread_id: threadId,
        edit_message_id: userMessageId,
        ...fields,
      })
      expect(status).toBe(404)
    }
    expect(running.end).toBeNull()
    talk.model.release()
    await running.all()
    expect(running.text).toBe("You said: Two")
  })
})
