/** Turns and runs when the server that works on them is told to end, or is killed (`runs` §3). */
import { afterEach, describe, expect, it } from "vitest"
import { lastUserText } from "../testing/scripted-model.ts"
import { type SpawnedServer, spawnTestServer } from "../testing/server.ts"
import { ContractClient, node, single, until, workflow } from "../testing/talk.ts"

let server: SpawnedServer | null = null
afterEach(async () => {
  server?.model.release()
  await server?.close()
  server = null
})

async function spawn(settings: Record<string, string> = {}) {
  server = await spawnTestServer(settings)
  return { server, model: server.model, client: new ContractClient(server.client.url) }
}

describe("a server that is told to end", () => {
  it("lets turns finish, refuses new work with 503 and Retry-After, and ends", async () => {
    const { server: spawned, model, client } = await spawn()
    model.hold(1)
    const stream = client.hear("Stream")
    await stream.frame("response.content_delta")
    const asked = client.ask("JSON")
    await model.whenHeld(2)
    const ended = spawned.kill("SIGTERM")
    const health = () => client.call("GET", "/v1/health/details", { key: null })
    await until(async () => (await health()).status === 503, "the server's word that it is draining")
    const refused = await client.ask("Too late")
    expect([refused.status, refused.body.error.code]).toEqual([503, "SERVICE_UNAVAILABLE"])
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/)
    expect((await client.call("GET", "/v1/health/", { key: null })).status).toBe(200)
    expect(stream.end).toBeNull()
    model.release()
    await stream.all()
    expect([stream.text, stream.end]).toEqual(["You said: Stream", "done"])
    const { status, body } = await asked
    expect([status, body.response[0].text]).toEqual([200, "You said: JSON"])
    await ended
    expect(model.calls).toBe(2)
  })

  it("hands over what does not finish in time: streams end so that they can be resumed, and the next process goes on", async () => {
    const { server: spawned, model, client } = await spawn({ BREVET_DRAIN_SECONDS: "0" })
    model.script([{ chunks: ["Half ", "an answer"] }])
    model.hold(1)
    const stream = client.hear("Stream")
    await stream.says("Half ")
    const { responseId, threadId } = await stream.created()
    const waiting = client.hear("Next", { thread_id: threadId })
    const queued = await waiting.created()
    const thread = (await client.call("POST", "/v1/threads")).body.id
    const asked = client.ask("JSON", { thread_id: thread })
    await until(async () => (await client.runs(thread)).length === 1, "the third turn")
    await spawned.kill("SIGTERM")
    await Promise.all([stream.all(), waiting.all()])
    expect([stream.end, waiting.end]).toEqual(["closed", "closed"])
    // Whoever waits for JSON is told that the turn goes on, and where: a 5xx would invite a second turn.
    const { status, body } = await asked
    expect([status, body.status, body.thread_id, body.response]).toEqual([200, "in_progress", thread, []])
    model.release()
    await spawned.restart()
    const rest = client.replay(responseId, `?starting_after=${stream.numbers.at(-1)}`)
    await rest.all()
    expect(rest.frames[0]?.data).toEqual({ event: "response.content_reset", reason: "crash", attempt: 2 })
    expect([rest.text, rest.end]).toEqual(["You said: Stream", "done"])
    const next = client.replay(queued.responseId)
    await next.all()
    expect(next.text).toBe("You said: Next")
    await client.settled(thread)
    expect((await client.get(`/v1/model/response/${body.response_id}`)).response[0].text).toBe("You said: JSON")
    expect(await client.messages(threadId)).toEqual([
      "user: Stream",
      "assistant: You said: Stream",
      "user: Next",
      "assistant: You said: Next",
    ])
    // The whole log, from the beginning, has each number once.
    const whole = client.replay(responseId)
    await whole.all()
    expect(whole.blocks).toEqual([...stream.blocks.slice(1), ...rest.blocks])
  })
})

describe("a server that is killed", () => {
  it("has lost nothing that it accepted: turns that run, wait, call assistants, and executions all end once", async () => {
    const { server: spawned, model, client } = await spawn()
    const helper = await client.promoted(single({ system_message: "Helper" }))
    const caller = await client.promoted(
      workflow(
        [
          node("Ask", "Assistant", { assistant_id: helper.assistantId }),
          node("Answer", "FreddyLLM", { prompt: "={{ $json.text }}" }),
        ],
        [["Ask", "Answer"]],
      ),
    )
    const executed = await client.call("POST", "/v1/workflows", {
      body: {
        name: "Executed",
        definition: workflow(
          [node("Start", "n8n-nodes-base.manualTrigger"), node("Ask", "FreddyLLM")],
          [["Start", "Ask"]],
        ),
      },
    })
    model.hold(0)
    const key = { "idempotency-key": "through a crash" }
    const body = { inputs: [{ role: "user", content: "With a key" }] }
    const lost = client.call("POST", "/v1/model/response", { body, headers: key }).catch(() => "cut off")
    const running = client.hear("One")
    const { threadId } = await running.created()
    const waiting = client.hear("Two", { thread_id: threadId })
    const queued = await waiting.created()
    const calling = client.hear("Call", { assistant_id: caller.assistantId })
    const called = await calling.created()
    const polled = await client.call("POST", `/v1/workflows/${executed.body.id}/execute`, {
      body: { inputs: { text: "Polled" }, return_mode: "poll" },
    })
    await model.whenHeld(4)
    const runs = await until(async () => {
      const { runs: all } = await client.get("/v1/runs?limit=100")
      return all.length === 6 && all
    }, "all runs")
    await spawned.kill()
    expect(await lost).toBe("cut off")
    model.release()
    await spawned.restart()
    const answer = await client.call("POST", "/v1/model/response", { body, headers: key })
    expect([answer.status, answer.headers.get("idempotent-replayed")]).toEqual([200, "true"])
    expect(answer.body.response[0].text).toBe("You said: With a key")
    const next = client.replay(queued.responseId)
    const parent = client.replay(called.responseId)
    await Promise.all([next.all(), parent.all()])
    expect([next.text, next.end, parent.text, parent.end]).toEqual([
      "You said: Two",
      "done",
      "You said: You said: Call",
      "done",
    ])
    await until(
      async () => (await client.get(`/v1/runs/${polled.body.run_id}`)).status === "completed",
      "the execution",
    )
    expect(await client.messages(threadId)).toEqual([
      "user: One",
      "assistant: You said: One",
      "user: Two",
      "assistant: You said: Two",
    ])
    expect(await client.messages(called.threadId)).toHaveLength(2)
    const after = (await client.get("/v1/runs?limit=100")).runs
    expect(after.map(({ id }: { id: string }) => id).sort()).toEqual(runs.map(({ id }: { id: string }) => id).sort())
    for (const run of after) expect(run.status).toBe("completed")
    // Calls that were cut off are made once more; nothing else is.
    const asked = model.requests.map(lastUserText).sort()
    expect(asked).toEqual(
      ["With a key", "With a key", "One", "One", "Two", "Call", "Call", "You said: Call", "Polled", "Polled"].sort(),
    )
  })
})
