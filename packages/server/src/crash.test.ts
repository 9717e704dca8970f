/** Kills the whole process in the middle of what it does, starts it again, and looks at what a client finds. */
import { afterEach, describe, expect, it } from "vitest"
import { eventsOf, type SpawnedServer, spawnTestServer, type TestFrame, textOf } from "./testing/server.ts"

let server: SpawnedServer | null = null
afterEach(async () => {
  await server?.close()
  server = null
})

const hello = { nodes: [{ id: "llm", name: "Answer", type: "FreddyLLM", parameters: {} }] }

describe("a process that is killed", () => {
  it("in the middle of a streamed answer: after the restart the turn ends, and its reader learns that the text began again", async () => {
    server = await spawnTestServer()
    const { client, model } = server
    const { assistantId } = await client.promoted(hello)
    model.script([{ chunks: ["One ", "two ", "three"] }, { chunks: ["Four ", "five"] }])
    model.hold(2)
    const seen: TestFrame[] = []
    try {
      for await (const frame of client.tell("Count", { assistant_id: assistantId })) {
        seen.push(frame)
        if (textOf(seen) === "One two ") await server.kill()
      }
    } catch {
      // The connection broke with the process.
    }
    expect(textOf(seen)).toBe("One two ")
    model.release()
    await server.restart()
    const created = seen.find(({ data }) => data !== "[DONE]" && data.event === "response.created")?.data
    if (created === undefined || created === "[DONE]") throw new Error("no created frame")
    const last = seen.at(-1)?.id ?? 0
    const rest = await client.allFrames(
      "GET",
      `/v1/model/response/${created.response_id}/events?starting_after=${last}`,
    )
    expect(eventsOf(rest)[0]).toBe("response.content_reset")
    expect(eventsOf(rest).slice(-2)).toEqual(["response.completed", "[DONE]"])
    expect(textOf([...seen, ...rest])).toBe("Four five")
    const messages = await client.call("GET", `/v1/threads/${created.thread_id}/messages`)
    expect(messages.body.data.map((message: { content: string }) => message.content)).toEqual(["Count", "Four five"])
    const numbers = [...seen, ...rest].flatMap(({ id }) => (id === null ? [] : [id]))
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    expect(model.calls).toBe(2)
  })
})
