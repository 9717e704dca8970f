/** The frames of a turn: their order and numbers, and the same bytes whenever they are read, from any number. */
import { describe, expect, it } from "vitest"
import { node, single, until, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()

/** Blocks with a number above the given one, without what is no part of a replay. */
function numberedAfter(blocks: readonly string[], after: number): string[] {
  return blocks.filter((block) => {
    const number = /^id: (\d+)\n/.exec(block)?.[1]
    return number === undefined ? block === "data: [DONE]" : Number(number) > after
  })
}

describe("the stream of a turn", () => {
  it("has its frames in the documented order, each with its number, and ends with [DONE]", async () => {
    const { assistantId } = await talk.client.promoted(single())
    talk.model.script([{ chunks: ["Hel", "lo ", "you"], usage: { inputTokens: 5, outputTokens: 3 } }])
    const response = await talk.client.send("POST", "/v1/model/response", {
      body: { inputs: [{ role: "user", content: "Hi" }], assistant_id: assistantId, stream: true },
    })
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8")
    expect(response.headers.get("cache-control")).toContain("no-store")
    const requestId = response.headers.get("x-request-id")
    const blocks = (await response.text()).split("\n\n")
    expect(blocks.pop()).toBe("")
    expect(blocks.pop()).toBe("data: [DONE]")
    expect(blocks.every((block) => /^id: \d+\ndata: \{.*\}$/.test(block))).toBe(true)
    const frames = blocks.map((block) => JSON.parse(block.split("\ndata: ")[1] ?? "null"))
    const [, created] = frames
    expect(frames).toEqual([
      { event: "response.processing" },
      {
        event: "response.created",
        status: "in_progress",
        thread_id: expect.stringMatching(/^thread_/),
        response_id: expect.stringMatching(/^resp_/),
        run_id: expect.stringMatching(/^run_/),
        user_message_id: expect.stringMatching(/^msg_/),
        trace_id: requestId,
        assistant_id: assistantId,
      },
      { event: "response.content_delta", delta: "Hel" },
      { event: "response.content_delta", delta: "lo " },
      { event: "response.content_delta", delta: "you" },
      {
        event: "response.completed",
        thread_id: created.thread_id,
        response_id: created.response_id,
        message_id: expect.stringMatching(/^msg_/),
        stop_reason: "stop",
        usage: { input_tokens: 5, output_tokens: 3, total_tokens: 8 },
      },
    ])
    const [question, reply] = (await talk.client.get(`/v1/threads/${created.thread_id}/messages?order=asc`)).data
    expect([question.id, reply.id]).toEqual([created.user_message_id, frames.at(-1).message_id])
  })

  it("names no assistant where none answers", async () => {
    const stream = talk.client.hear("Hi")
    expect(await stream.frame("response.created")).not.toHaveProperty("assistant_id")
  })

  it("shows each piece the moment it comes, before the model has finished", async () => {
    talk.model.script([{ chunks: ["One ", "two ", "three"] }])
    talk.model.hold(1)
    const stream = talk.client.hear("Count")
    await stream.says("One ")
    talk.model.step()
    await stream.says("One two ")
    expect(stream.end).toBeNull()
    talk.model.release()
    await stream.all()
    expect([stream.text, stream.end]).toEqual(["One two three", "done"])
  })

  it("numbers its frames by rising numbers, of which none is used twice", async () => {
    const stream = talk.client.hear("One two three four five six")
    await stream.all()
    const { numbers } = stream
    expect(numbers[0]).toBe(0)
    for (const [index, number] of numbers.entries()) expect(number).toBeGreaterThan(numbers[index - 1] ?? -1)
    expect(stream.blocks.filter((block) => !block.startsWith("id: "))).toEqual(["data: [DONE]"])
  })

  it("shows nodes where `include` has them, and is the same without them otherwise", async () => {
    const definition = workflow(
      [node("Chat", "chatTrigger"), node("Prepare", "noOp"), node("Answer", "FreddyLLM")],
      [
        ["Chat", "Prepare"],
        ["Prepare", "Answer"],
      ],
    )
    const { assistantId } = await talk.client.promoted(definition)
    const stream = talk.client.hear("Hi", { assistant_id: assistantId, include: ["nodes"] })
    await stream.all()
    expect(stream.frames.flatMap(({ data }) => (data === "[DONE]" || !("node" in data) ? [] : [data]))).toEqual([
      { event: "response.node_started", node: "Chat", kind: "chatTrigger" },
      { event: "response.node_completed", node: "Chat", kind: "chatTrigger" },
      { event: "response.node_started", node: "Prepare", kind: "noOp" },
      { event: "response.node_completed", node: "Prepare", kind: "noOp" },
      { event: "response.node_started", node: "Answer", kind: "freddyLlm" },
      { event: "response.node_completed", node: "Answer", kind: "freddyLlm" },
    ])
    const { responseId } = await stream.created()
    const plain = talk.client.replay(responseId)
    const nodes = talk.client.replay(responseId, "?include=nodes")
    await Promise.all([plain.all(), nodes.all()])
    expect(nodes.blocks).toEqual(numberedAfter(stream.blocks, 0))
    expect(plain.blocks).toEqual(nodes.blocks.filter((block) => !block.includes("response.node_")))
  })
})

describe("a stream that is read again", () => {
  it("gives the same bytes as the live one, from 0 and from every number, by query and by header", async () => {
    talk.model.script([{ text: 'A rather long answer with ünïcödé, \ud83d\ude00, "quotes" and \\ and \u2028 in it' }])
    const live = talk.client.hear("Say something", { include: ["nodes"] })
    await live.all()
    const { responseId } = await live.created()
    for (const after of [...live.numbers, 3_000]) {
      const query = talk.client.replay(responseId, `?include=nodes&starting_after=${after}`)
      const header = talk.client.listen("GET", `/v1/model/response/${responseId}/events?include=nodes`, {
        headers: { "last-event-id": String(after) },
      })
      const both = talk.client.listen("GET", `/v1/model/response/${responseId}/events?include=nodes&starting_after=0`, {
        headers: { "last-event-id": String(after) },
      })
      await Promise.all([query.all(), header.all(), both.all()])
      expect(query.blocks).toEqual(numberedAfter(live.blocks, after))
      expect(header.blocks).toEqual(query.blocks)
      expect(both.blocks).toEqual(query.blocks)
    }
  })

  it("is 200 with [DONE] alone after the last number, and after any that is higher", async () => {
    const live = talk.client.hear("Hi")
    await live.all()
    const { responseId } = await live.created()
    for (const after of [live.numbers.at(-1), 4_294_967_296, Number.MAX_SAFE_INTEGER]) {
      const stream = talk.client.replay(responseId, `?starting_after=${after}`)
      expect([after, ...(await stream.all()), stream.end]).toEqual([after, "data: [DONE]", "done"])
    }
  })

  it("is joined in the middle of a turn from any number, without a gap or a repeat, by many readers", async () => {
    talk.model.script([{ chunks: ["a", "b", "c", "d", "e", "f"] }])
    talk.model.hold(3)
    const live = talk.client.hear("Spell")
    await live.says("abc")
    const { responseId } = await live.created()
    const starts = [0, ...live.numbers.slice(1)]
    const early = starts.map((after) => talk.client.replay(responseId, `?starting_after=${after}`))
    await early[0]?.says("abc")
    talk.model.step()
    await live.says("abcd")
    const late = starts.map((after) => talk.client.replay(responseId, `?starting_after=${after}`))
    talk.model.release()
    await Promise.all([...early, ...late, live].map((stream) => stream.all()))
    for (const readers of [early, late]) {
      for (const [index, stream] of readers.entries()) {
        expect(stream.blocks).toEqual(numberedAfter(live.blocks, starts[index] ?? 0))
      }
    }
  })

  it("gives text that was saved in several chunks piece by piece, as it was shown", async () => {
    talk.model.script([{ chunks: ["one ", "two ", "three ", "four"] }])
    talk.model.hold(1)
    const live = talk.client.hear("Count")
    await live.says("one ")
    const { responseId, runId } = await live.created()
    // A chunk is saved within a second; the next pieces go into another one.
    const saved = async (): Promise<string> => {
      const { events } = await talk.client.get(`/v1/runs/${runId}/events`)
      return events.map(({ delta }: { delta?: string }) => delta ?? "").join("")
    }
    await until(async () => (await saved()) === "one ", "the first chunk in the log")
    talk.model.step(2)
    await live.says("one two three ")
    await until(async () => (await saved()) === "one two three ", "the second chunk in the log")
    talk.model.release()
    await live.all()
    const again = talk.client.replay(responseId)
    expect(await again.all()).toEqual(numberedAfter(live.blocks, 0))
  })

  it("refuses what is no number and fields that it does not know", async () => {
    const live = talk.client.hear("Hi")
    const { responseId } = await live.created()
    for (const query of ["starting_after=-1", "starting_after=x", "include=everything", "after=1"]) {
      const { status, body } = await talk.client.call("GET", `/v1/model/response/${responseId}/events?${query}`)
      expect([status, body.error.code]).toEqual([422, "VALIDATION_ERROR"])
    }
  })

  it("reads from the beginning where the header is none of ours", async () => {
    const live = talk.client.hear("Hi")
    await live.all()
    const { responseId } = await live.created()
    for (const header of ["", "abc", "-4", "1e3", "99999999999999999999"]) {
      const stream = talk.client.listen("GET", `/v1/model/response/${responseId}/events`, {
        headers: { "last-event-id": header },
      })
      expect(await stream.all()).toEqual(numberedAfter(live.blocks, 0))
    }
  })

  it("is 404 for the key of nobody's thread: once the thread is deleted", async () => {
    const live = talk.client.hear("Hi")
    const { responseId, threadId } = await live.created()
    await live.all()
    await talk.client.call("DELETE", `/v1/threads/${threadId}`)
    expect((await talk.client.call("GET", `/v1/model/response/${responseId}/events`)).status).toBe(404)
  })
})

describe("a client that goes away", () => {
  it("does not stop the turn that it streamed", async () => {
    talk.model.script([{ chunks: ["still ", "here"] }])
    talk.model.hold(1)
    const stream = talk.client.hear("Go on")
    await stream.says("still ")
    const { threadId, responseId } = await stream.created()
    await stream.leave()
    talk.model.release()
    expect(await talk.client.settled(threadId)).toEqual(["completed"])
    expect(await talk.client.messages(threadId)).toEqual(["user: Go on", "assistant: still here"])
    const again = talk.client.replay(responseId)
    await again.all()
    expect([again.text, talk.model.aborted]).toEqual(["still here", 0])
  })

  it("does not stop the turn whose JSON it waited for", async () => {
    talk.model.hold(1)
    const thread = (await talk.client.call("POST", "/v1/threads")).body.id
    const leave = new AbortController()
    const body = { inputs: [{ role: "user", content: "Go on" }], thread_id: thread }
    const asked = talk.client.call("POST", "/v1/model/response", { body, signal: leave.signal }).catch(() => "left")
    await talk.model.whenHeld()
    leave.abort()
    expect(await asked).toBe("left")
    talk.model.release()
    expect(await talk.client.settled(thread)).toEqual(["completed"])
    expect(await talk.client.messages(thread)).toEqual(["user: Go on", "assistant: You said: Go on"])
    expect(talk.model.aborted).toBe(0)
  })

  it("does not disturb others who read the same turn", async () => {
    talk.model.script([{ chunks: ["a", "b", "c"] }])
    talk.model.hold(1)
    const live = talk.client.hear("Spell")
    await live.says("a")
    const { responseId } = await live.created()
    const reader = talk.client.replay(responseId)
    const leaver = talk.client.replay(responseId)
    await Promise.all([reader.says("a"), leaver.says("a")])
    await leaver.leave()
    talk.model.release()
    await Promise.all([reader.all(), live.all()])
    expect([reader.text, live.text, reader.end]).toEqual(["abc", "abc", "done"])
  })
})

describe("the events of a run", () => {
  it("are the same as a stream and as pages, with a frame for each piece of text and each number once", async () => {
    const live = talk.client.hear("One two three")
    const { runId } = await live.created()
    await live.all()
    const stream = talk.client.listen("GET", `/v1/runs/${runId}/events`)
    await stream.all()
    expect(stream.blocks.at(-1)).toBe("data: [DONE]")
    const frames = stream.frames.flatMap(({ id, data }) => (data === "[DONE]" ? [] : [{ id, data }]))
    for (const { id, data } of frames) expect(data.seq).toBe(id)
    expect(frames.map(({ id }) => id)).toEqual(frames.map((_, index) => index + 1))
    expect(frames.map(({ data }) => data.event)).toEqual([
      "run-created",
      "run-started",
      "node-started",
      "model-call-started",
      ...Array.from({ length: 5 }, () => "model-text"),
      "model-call-completed",
      "node-completed",
      "message-added",
      "run-completed",
    ])
    const pages: unknown[] = []
    for (let after = 0, more = true; more; ) {
      const page = await talk.client.call("GET", `/v1/runs/${runId}/events?limit=4&starting_after=${after}`, {
        headers: { accept: "application/json" },
      })
      pages.push(...page.body.events)
      after = page.body.last_seq
      more = page.body.has_more
    }
    expect(pages).toEqual(frames.map(({ data }) => data))
  })

  it("are read on from any number, live to the end", async () => {
    talk.model.script([{ chunks: ["a", "b", "c", "d"] }])
    talk.model.hold(2)
    const live = talk.client.hear("Spell")
    await live.says("ab")
    const { runId } = await live.created()
    const first = talk.client.listen("GET", `/v1/runs/${runId}/events`)
    const joined = talk.client.listen("GET", `/v1/runs/${runId}/events?starting_after=5`)
    const named = talk.client.listen("GET", `/v1/runs/${runId}/events`, { headers: { "last-event-id": "5" } })
    talk.model.release()
    await Promise.all([first.all(), joined.all(), named.all(), live.all()])
    expect(joined.blocks).toEqual(numberedAfter(first.blocks, 5))
    expect(named.blocks).toEqual(joined.blocks)
    const beyond = talk.client.listen("GET", `/v1/runs/${runId}/events?starting_after=${first.numbers.at(-1)}`)
    expect(await beyond.all()).toEqual(["data: [DONE]"])
  })

  it("are 404 for a run that is not there", async () => {
    const { status, body } = await talk.client.call("GET", `/v1/runs/run_${"0".repeat(32)}/events`)
    expect([status, body.error.code]).toEqual([404, "RUN_NOT_FOUND"])
  })
})
