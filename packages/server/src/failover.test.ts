/** Two processes on one Postgres: one is killed or stands still in the middle of its work, and the other goes on with it. */
import { afterEach, describe, expect, it } from "vitest"
import { type SpawnedProcess, type SpawnedServer, spawnTestServer } from "./testing/server.ts"
import { ContractClient, single, until } from "./testing/talk.ts"

let server: SpawnedServer | null = null
afterEach(async () => {
  server?.model.release()
  await server?.close()
  server = null
})

/** Two processes of one data folder: the first works, the second looks on. */
async function two() {
  server = await spawnTestServer()
  const peer: SpawnedProcess = await server.beside()
  const [a, b] = [new ContractClient(server.client.url), new ContractClient(peer.client.url)]
  return { first: server, model: server.model, a, b }
}

describe("a turn that was begun by one process", { timeout: 300_000 }, () => {
  it("is finished by the other once the first is killed: its reader goes on there, and nothing is lost or doubled", async () => {
    const { first, model, a, b } = await two()
    model.script([{ chunks: ["One ", "two ", "three"] }, { chunks: ["Four ", "five"] }])
    model.hold(2)
    const seen = a.hear("Count")
    await seen.says("One two ")
    const { responseId, threadId } = await seen.created()
    const waiting = a.hear("Next", { thread_id: threadId })
    const queued = await waiting.created()
    await first.kill()
    await Promise.all([seen.all(), waiting.all()])
    expect([seen.end, waiting.end]).not.toContain("done")
    model.release()
    const rest = b.replay(responseId, `?starting_after=${seen.numbers.at(-1)}`)
    await rest.all()
    expect([rest.events[0], rest.text, rest.end]).toEqual(["response.content_reset", "Four five", "done"])
    const whole = b.replay(responseId)
    await whole.all()
    const numbers = [...seen.numbers, ...rest.numbers]
    expect(numbers).toEqual([...new Set(numbers)].sort((left, right) => left - right))
    expect(whole.text).toBe("Four five")
    const next = b.replay(queued.responseId)
    await next.all()
    expect([next.text, next.end]).toEqual(["You said: Next", "done"])
    expect(await b.messages(threadId)).toEqual([
      "user: Count",
      "assistant: Four five",
      "user: Next",
      "assistant: You said: Next",
    ])
    // Completed calls are not made again; the one that was cut off is, once.
    expect(model.calls).toBe(3)
  })

  it("is finished by the other while the first stands still; what that one writes once it wakes up is refused", async () => {
    const { first, model, a, b } = await two()
    const { assistantId } = await a.promoted(single())
    model.script([{ chunks: ["Old ", "words"] }, { chunks: ["New ", "words"] }])
    model.hold(1)
    const frozen = a.hear("Say it", { assistant_id: assistantId })
    await frozen.says("Old ")
    const { responseId, threadId, runId } = await frozen.created()
    const asked = a.ask("As JSON")
    await model.whenHeld(2)
    // A model may be called before its turn is stored, and only what is stored can be taken over.
    await until(async () => (await b.get("/v1/runs?status=running")).total === 2, "both turns in the store")
    first.signal("SIGSTOP")
    // The first two calls stay where they are: whoever takes the turns makes them anew.
    await until(() => model.calls === 4, "the calls of the process that took over")
    model.release()
    const taken = b.replay(responseId)
    await taken.all()
    expect(taken.end).toBe("done")
    first.signal("SIGCONT")
    await frozen.all()
    // Its reader ends up with what is stored, whether it was told the rest or has to ask for it.
    if (frozen.end === "done") expect(frozen.text).toBe(taken.text)
    expect((await asked).status).toBe(200)
    const late = a.replay(responseId)
    await late.all()
    expect(late.blocks).toEqual(taken.blocks)
    expect(await a.messages(threadId)).toEqual(["user: Say it", `assistant: ${taken.text}`])
    expect((await b.get(`/v1/runs/${runId}`)).status).toBe("completed")
    // It lives on under another name, and works as before.
    const again = await a.ask("And now?", { thread_id: threadId })
    expect(again.body.response[0].text).toBe("You said: And now?")
    await until(
      () => first.log().includes("process-declared-dead"),
      "the word of the process that it was declared dead",
    )
    expect(model.calls).toBe(5)
  })
})
