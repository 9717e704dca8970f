/** Runs that wait for a time, and what waiting survives: timers, expiry, other processes, the end of one. */
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type SpawnedServer, spawnTestServer } from "../testing/server.ts"
import { node, until, useTalkServer, workflow } from "../testing/talk.ts"

const start = node("Start", "n8n-nodes-base.manualTrigger")
const wait = (parameters: JsonObject) => node("Wait", "n8n-nodes-base.wait", parameters)
const askSoon = (timeout: number) => node("Ask", "Ask", { message: "Are you there?", timeout })

describe("a run that waits for a time", () => {
  const grounds = useTalkServer()

  const execute = async (definition: JsonObject, body: JsonObject = {}) => {
    const { client } = grounds
    const made = await client.call("POST", "/v1/workflows", { body: { name: `W ${performance.now()}`, definition } })
    return client.call("POST", `/v1/workflows/${made.body.id}/execute`, { body })
  }
  const ended = (runId: string) =>
    until(async () => {
      const run = await grounds.client.get(`/v1/runs/${runId}`)
      return ["completed", "failed", "cancelled"].includes(run.status) && run
    }, "the end of the run")

  it("goes on when the time has passed, with its items as they were", async () => {
    const definition = workflow([start, wait({ amount: 1, unit: "seconds" })], [["Start", "Wait"]])
    const run = await execute(definition, { items: [{ json: { a: 1 } }, { json: { a: 2 } }] })
    expect([run.status, run.body.status]).toEqual([202, "waiting"])
    expect(run.body.pause).toMatchObject({ kind: "timer" })
    const refused = await grounds.client.call("POST", `/v1/pauses/${run.body.pause.id}/answer`, { body: { answer: 1 } })
    expect([refused.status, refused.body.error.code]).toEqual([409, "PAUSE_NOT_ANSWERABLE"])
    expect((await ended(run.body.run_id)).output).toEqual([{ a: 1 }, { a: 2 }])
    const { events } = await grounds.client.get(`/v1/runs/${run.body.run_id}/events`)
    const names = events.map(({ event }: JsonObject) => event)
    for (const name of ["timer-set", "run-waiting", "run-resumed", "timer-fired"]) expect(names).toContain(name)
  })

  it("goes on at once where the date has passed", async () => {
    const definition = workflow([start, wait({ resume: "specificTime", dateTime: "2001-01-01" })], [["Start", "Wait"]])
    const run = await execute(definition)
    expect((await ended(run.body.run_id ?? run.body.id)).status).toBe("completed")
  })

  it("does what else is ready first; what the waiting node leads to waits with it", async () => {
    // Start ─┬─> Wait ──┐
    //        └─> Other ─┴─> Join
    const definition = workflow(
      [
        start,
        wait({ amount: 1, unit: "seconds" }),
        node("Other", "n8n-nodes-base.noOp"),
        node("Join", "n8n-nodes-base.merge"),
      ],
      [
        ["Start", "Wait"],
        ["Start", "Other"],
        ["Wait", "Join"],
        ["Other", "Join", 0, 1],
      ],
    )
    const run = await execute(definition, { inputs: { a: 1 } })
    const before = await grounds.client.get(`/v1/runs/${run.body.run_id}/nodes`)
    expect(before.nodes.map(({ name, status }: JsonObject) => `${name} ${status}`).sort()).toEqual([
      "Other completed",
      "Start completed",
      "Wait waiting",
    ])
    expect((await ended(run.body.run_id)).output).toHaveLength(2)
  })

  it("puts out what nobody answered in time on an output of its own, and takes no answer then", async () => {
    const definition = workflow(
      [start, askSoon(1), node("Late", "n8n-nodes-base.noOp")],
      [
        ["Start", "Ask"],
        ["Ask", "Late", 1],
      ],
    )
    const run = await execute(definition, { inputs: { a: 1 } })
    expect((await ended(run.body.run_id)).output).toEqual([{ a: 1, timed_out: true }])
    const late = await grounds.client.call("POST", `/v1/pauses/${run.body.pause.id}/answer`, {
      body: { answer: "yes" },
    })
    expect([late.status, late.body.error.code]).toEqual([409, "PAUSE_EXPIRED"])
  })

  it("is either answered or out of time, whoever comes first, and never both", async () => {
    const definition = workflow([start, askSoon(1)], [["Start", "Ask"]])
    const runs = await Promise.all(Array.from({ length: 6 }, () => execute(definition)))
    const bornMs = Date.now()
    const outcomes = await Promise.all(
      runs.map(async ({ body }, index) => {
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, 850 + index * 60 - (Date.now() - bornMs))))
        const path = `/v1/pauses/${body.pause.id}/answer`
        const answer = await grounds.client.call("POST", path, { body: { answer: "yes" } })
        await ended(body.run_id)
        const { nodes } = await grounds.client.get(`/v1/runs/${body.run_id}/nodes`)
        const [answered, timedOut] = nodes.at(-1).executions[0].outputs
        return { status: answer.status, answered: answered.length, timedOut: timedOut.length }
      }),
    )
    for (const { status, answered, timedOut } of outcomes) {
      expect([200, 409]).toContain(status)
      expect({ answered, timedOut }).toEqual(
        status === 200 ? { answered: 1, timedOut: 0 } : { answered: 0, timedOut: 1 },
      )
    }
  })

  it("says something in the chat and goes on, or waits for the reply, as Respond to Chat is set", async () => {
    const { client } = grounds
    const chat = (name: string, parameters: JsonObject) => node(name, "@n8n/n8n-nodes-langchain.chat", parameters)
    const definition = workflow(
      [
        node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger"),
        chat("Greet", { message: "Hello!", waitUserReply: false }),
        chat("Name", { message: "Your name?", waitUserReply: true }),
        node("Answer", "FreddyLLM", { prompt: "={{ $json.chatInput }}" }),
      ],
      [
        ["Chat", "Greet"],
        ["Greet", "Name"],
        ["Name", "Answer"],
      ],
    )
    const { assistantId } = await client.promoted(definition)
    const { body } = await client.ask("Hi", { assistant_id: assistantId })
    expect(body.response[0].text).toBe("Hello!\n\nYour name?")
    expect(await client.replay(body.response_id).all()).toContainEqual(expect.stringContaining('"\\n\\nYour name?"'))
    const { body: next } = await client.ask("Ada", { thread_id: body.thread_id })
    expect(next.response[0].text).toBe("You said: Ada")
    expect(await client.messages(body.thread_id)).toEqual([
      "user: Hi",
      "assistant: Hello!",
      "assistant: Your name?",
      "user: Ada",
      "assistant: You said: Ada",
    ])
  })
})

describe("a run that waits while its process ends", () => {
  let server: SpawnedServer
  beforeAll(async () => {
    server = await spawnTestServer()
  })
  afterAll(() => server.close())

  it("is answered afterwards by another, after kill -9, with its response to be read; timers fire that were due meanwhile", async () => {
    const { client } = server
    const definition = workflow(
      [
        node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger"),
        node("Ask", "Ask", { message: "Which colour?" }),
        node("Answer", "FreddyLLM", { prompt: "={{ $json.answer }}" }),
      ],
      [
        ["Chat", "Ask"],
        ["Ask", "Answer"],
      ],
    )
    const { assistantId } = await client.promoted(definition)
    const { body: asked } = await client.ask("Hello", { assistant_id: assistantId })
    const timed = await client.call("POST", "/v1/workflows", {
      body: { name: "Timed", definition: workflow([start, wait({ amount: 1, unit: "seconds" })], [["Start", "Wait"]]) },
    })
    const timer = await client.call("POST", `/v1/workflows/${timed.body.id}/execute`)
    await server.kill()
    await server.restart()
    const { body } = await client.ask("Red", { thread_id: asked.thread_id })
    expect(body).toMatchObject({ run_id: asked.run_id, response: [{ type: "text", text: "You said: Red" }] })
    // The answer is in the store before the run goes on: a process that dies right after it loses nothing.
    const { body: again } = await client.ask("Hello again", { thread_id: asked.thread_id })
    const path = `/v1/pauses/${again.pause.id}/answer`
    expect((await client.call("POST", path, { body: { answer: "Blue" } })).status).toBe(200)
    await server.kill()
    await server.restart()
    await until(async () => {
      const { body: run } = await client.call("GET", `/v1/runs/${again.run_id}`)
      return run.status === "completed" && run.text === "You said: Blue"
    }, "the end of the run that was answered before the kill")
    await until(async () => {
      const { body: run } = await client.call("GET", `/v1/runs/${timer.body.run_id}`)
      return run.status === "completed"
    }, "the end of the run whose timer was due meanwhile")
  })
})
