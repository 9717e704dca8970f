/** Long answers and many readers: a stream is whole for whoever reads it, however long it is. */
import { request } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { testKey } from "../testing/server.ts"
import { node, until, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()

/** Three thousand pieces of a thousand characters: three times what may wait for a reader. */
const pieces = Array.from({ length: 3_000 }, (_, index) => `${index}:`.padEnd(1_000, "x"))

describe("an answer of three megabytes", () => {
  it("is whole as JSON, as a live stream, and read again from any number", async () => {
    talk.model.answerWith(() => ({ chunks: pieces }))
    const live = talk.client.hear("Say much")
    await live.all()
    expect([live.text.length, live.end]).toEqual([3_000_000, "done"])
    const { responseId, runId } = await live.created()
    const again = talk.client.replay(responseId)
    expect(await again.all()).toEqual(live.blocks.slice(1))
    const after = live.numbers[1_500] ?? 0
    expect(await talk.client.replay(responseId, `?starting_after=${after}`).all()).toEqual(live.blocks.slice(1_501))
    const events = talk.client.listen("GET", `/v1/runs/${runId}/events`)
    await events.all()
    expect([events.end, events.events.filter((event) => event === "model-text").length]).toEqual(["done", 3_000])
    const { body } = await talk.client.ask("Say as much")
    expect(body.response[0].text).toBe(pieces.join(""))
    expect((await talk.client.get(`/v1/model/response/${responseId}`)).response[0].text.length).toBe(3_000_000)
  })

  it("is whole for many who read at the same time while it is made", async () => {
    talk.model.script([{ chunks: pieces }])
    talk.model.hold(1_000)
    const live = talk.client.hear("Say much")
    const { responseId } = await live.created()
    await until(() => live.blocks.length > 1_000, "a thousand pieces")
    const readers = Array.from({ length: 8 }, () => talk.client.replay(responseId))
    await Promise.all(readers.map((reader) => until(() => reader.blocks.length > 500, "what is there already")))
    talk.model.release()
    await Promise.all([live, ...readers].map((reader) => reader.all()))
    for (const reader of readers) expect(reader.blocks).toEqual(live.blocks.slice(1))
  })

  it("does not wait for a reader who does not read: that one is cut off, can resume, and the turn ends", async () => {
    talk.model.script([{ chunks: [...pieces, ...pieces, ...pieces] }])
    const body = JSON.stringify({ inputs: [{ role: "user", content: "To nobody" }], stream: true })
    const headers = { "x-api-key": testKey, "content-type": "application/json", "content-length": body.length }
    let cut = false
    const idle = request(`${talk.client.url}/v1/model/response`, { method: "POST", headers }, (response) => {
      response.pause()
      response.on("error", () => {
        cut = true
      })
      response.on("close", () => {
        cut = true
      })
    })
    idle.on("error", () => {
      cut = true
    })
    idle.end(body)
    const run = await until(async () => {
      const { runs } = await talk.client.get("/v1/runs?limit=1")
      return runs[0]?.status === "completed" && runs[0]?.text?.length === 9_000_000 && runs[0]
    }, "the end of the turn")
    // A socket that is paused does not tell of its end by itself.
    await sleep(0)
    idle.destroy()
    await until(() => cut, "the end of the connection")
    const again = talk.client.replay(run.responses[0])
    await again.all()
    expect([again.text.length, again.end]).toEqual([9_000_000, "done"])
  })

  it("is read again by whoever reads slowly, without a gap", async () => {
    talk.model.script([{ chunks: pieces }])
    const { body } = await talk.client.ask("Say much")
    const response = await talk.client.send("GET", `/v1/model/response/${body.response_id}/events`)
    let text = ""
    let reads = 0
    for await (const piece of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      text += piece
      reads += 1
      if (reads % 8 === 0) await sleep(1)
    }
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true)
    expect(text.match(/content_delta/g)?.length).toBe(3_000)
  })
})

describe("a run with a large output", () => {
  it("is given as it is, as JSON, as events and as a page", async () => {
    const start = node("Start", "n8n-nodes-base.manualTrigger")
    const made = await talk.client.call("POST", "/v1/workflows", {
      body: { name: "Large", definition: workflow([start, node("Pass", "n8n-nodes-base.noOp")], [["Start", "Pass"]]) },
    })
    const items = Array.from({ length: 2_000 }, (_, index) => ({ json: { index, text: "y".repeat(1_000) } }))
    const { status, body } = await talk.client.call("POST", `/v1/workflows/${made.body.id}/execute`, {
      body: { items },
    })
    expect([status, body.output.length, body.output[1_999].index]).toEqual([200, 2_000, 1_999])
    const stream = talk.client.listen("GET", `/v1/runs/${body.id}/events`)
    await stream.all()
    expect(stream.end).toBe("done")
    const page = await talk.client.get(`/v1/runs/${body.id}/events`)
    expect(page.events.length).toBe(stream.blocks.length - 1)
  })
})
