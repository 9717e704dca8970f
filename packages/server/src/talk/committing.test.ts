/** What may happen before a turn is in the store, and what may not (`runs` R5, R6). */
import { type Id, uuidOf } from "@brevet/core/ids"
import { describe, expect, it } from "vitest"
import { promptOf, until, useTalkServer } from "../testing/talk.ts"

const talk = useTalkServer()

/** A few requests that the server answers meanwhile: whatever could have been sent has been sent by then. */
async function letOthersWork(): Promise<void> {
  for (let count = 0; count < 10; count += 1) await talk.client.get("/v1/models")
}

describe("a turn whose start is not committed yet", () => {
  it("has called the model already, and shows nothing of its answer before the commit", async () => {
    talk.model.script([{ chunks: ["to", "kens"] }])
    const { stream, asked } = await talk.sql.transaction(async (sql) => {
      // Whoever stores a run waits; reading goes on.
      await sql.rows({ text: "LOCK TABLE runs IN SHARE MODE" })
      const reader = talk.client.hear("Hi")
      await talk.model.whenCalled(1)
      const json = talk.client.ask("And as JSON")
      await talk.model.whenCalled(2)
      await letOthersWork()
      expect([reader.blocks, reader.end]).toEqual([[], null])
      return { stream: reader, asked: json }
    })
    await stream.all()
    expect(stream.events.slice(0, 3)).toEqual(["response.processing", "response.created", "response.content_delta"])
    expect([stream.text, (await asked).body.response[0].text]).toEqual(["tokens", "You said: And as JSON"])
    expect(talk.model.calls).toBe(2)
  })

  it("cuts the call off where the thread has changed meanwhile, and is made anew of what is there now", async () => {
    const thread = (await talk.client.ask("One")).body.thread_id
    const [question] = (await talk.client.get(`/v1/threads/${thread}/messages?order=asc`)).data
    talk.model.hold(0)
    const id = uuidOf(thread as Id<"thread">)
    const asked = await talk.sql.transaction(async (sql) => {
      await sql.rows({ text: "SELECT 1 FROM threads WHERE id = $1 FOR UPDATE", values: [id] })
      const second = talk.client.ask("Two", { thread_id: thread })
      await talk.model.whenCalled(2)
      await sql.rows({
        text: "UPDATE messages SET content = '\"Uno\"' WHERE thread_id = $1 AND id = $2",
        values: [id, uuidOf(question.id)],
      })
      await sql.rows({ text: "UPDATE threads SET revision = revision + 1 WHERE id = $1", values: [id] })
      return { second }
    })
    await talk.model.whenAborted()
    await talk.model.whenCalled(3)
    talk.model.release()
    expect((await asked.second).status).toBe(200)
    expect(promptOf(talk.model.requests[1])).toEqual(["user: One", "assistant: You said: One", "user: Two"])
    expect(promptOf(talk.model.requests[2])).toEqual(["user: Uno", "assistant: You said: One", "user: Two"])
    expect(await talk.client.messages(thread)).toHaveLength(4)
  })

  it("is refused where what answers has changed meanwhile: the next look decides", async () => {
    const organization = (await talk.client.get("/v1/organizations")).organizations[0].id
    const made = await talk.client.call("POST", "/v1/assistants", {
      body: { name: "Changing", organization_id: organization },
    })
    const thread = (await talk.client.ask("One", { assistant_id: made.body.id })).body.thread_id
    talk.model.hold(0)
    const asked = await talk.sql.transaction(async (sql) => {
      const values = [uuidOf(thread as Id<"thread">)]
      await sql.rows({ text: "SELECT 1 FROM threads WHERE id = $1 FOR UPDATE", values })
      const second = talk.client.ask("Two", { thread_id: thread })
      await talk.model.whenCalled(2)
      await talk.client.call("PATCH", `/v1/assistants/${made.body.id}`, { body: { is_active: false } })
      // The statement that waits for the row sees the organization as it was when it began; the thread's revision tells.
      await sql.rows({ text: "UPDATE threads SET revision = revision + 1 WHERE id = $1", values })
      return { second }
    })
    const { status, body } = await asked.second
    expect([status, body.error.code]).toEqual([409, "ASSISTANT_INACTIVE"])
    await talk.model.whenAborted()
    expect(await talk.client.messages(thread)).toHaveLength(2)
  })
})

describe("shown text", () => {
  it("is saved within about a second, without waiting for the end", async () => {
    talk.model.script([{ chunks: ["some ", "text"] }])
    talk.model.hold(1)
    const stream = talk.client.hear("Hi")
    await stream.says("some ")
    const { runId } = await stream.created()
    await until(async () => {
      const { events } = await talk.client.get(`/v1/runs/${runId}/events`)
      return events.some(({ delta }: { delta?: string }) => delta === "some ")
    }, "the text in the log")
    expect(stream.end).toBeNull()
  })
})
