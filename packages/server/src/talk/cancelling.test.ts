/** Cancelling the turn that runs in a thread (the HTTP contract, §5 "cancel"). */
import { type Id, uuidOf } from "@brevet/core/ids"
import { describe, expect, it } from "vitest"
import { promptOf, type StreamReader, single, until, useTalkServer } from "../testing/talk.ts"

const talk = useTalkServer()

const cancel = (threadId: string, headers: Record<string, string> = {}) =>
  talk.client.call("POST", `/v1/model/response/${threadId}/cancel`, { headers })

/** A turn that has said `Half ` and goes on only once the model is released. */
async function speaking(fields: Record<string, string> = {}): Promise<StreamReader> {
  talk.model.script([{ chunks: ["Half ", "an answer"] }])
  talk.model.hold(1)
  const stream = talk.client.hear("Tell me", fields)
  await stream.says("Half ")
  return stream
}

/** Lets a run have begun earlier: clocks of a composed server cannot be held by hand. */
const makeOlder = (runId: string, seconds: number) =>
  talk.sql.rows({
    text: "UPDATE runs SET started_at = started_at - make_interval(secs => $2) WHERE id = $1",
    values: [uuidOf(runId as Id<"run">), seconds],
  })

describe("a turn that is cancelled within five seconds", () => {
  it("is taken back with both messages, and its reader is told", async () => {
    const stream = await speaking()
    const { threadId, responseId, runId } = await stream.created()
    const { status, body } = await cancel(threadId)
    expect([status, body]).toEqual([
      200,
      {
        success: true,
        cancel_mode: "quick_edit",
        elapsed_seconds: expect.any(Number),
        user_message_deleted: true,
        assistant_response_deleted: true,
        partial_content_saved: false,
      },
    ])
    expect(body.elapsed_seconds).toBeGreaterThanOrEqual(0)
    expect(body.elapsed_seconds).toBeLessThan(5)
    await stream.all()
    expect(stream.frames.at(-2)?.data).toEqual({ event: "response.cancelled", partial_content_length: 5 })
    expect(stream.end).toBe("done")
    await talk.model.whenAborted()
    expect(await talk.client.messages(threadId)).toEqual([])
    expect(await talk.client.get(`/v1/threads/${threadId}`)).toMatchObject({ status: "inactive", message_count: 0 })
    expect(await talk.client.get(`/v1/model/response/${responseId}`)).toMatchObject({
      success: true,
      status: "cancelled",
      stop_reason: "cancelled",
      message_id: null,
    })
    expect((await talk.client.get(`/v1/runs/${runId}`)).error.details.cause_code).toBe("TURN_WITHDRAWN")
  })

  it("leaves the conversation before it as it was, which goes on", async () => {
    const thread = (await talk.client.ask("One")).body.thread_id
    const stream = await speaking({ thread_id: thread })
    await cancel(thread)
    await stream.all()
    talk.model.release()
    await talk.client.ask("Two", { thread_id: thread })
    expect(promptOf(talk.model.requests.at(-1))).toEqual(["user: One", "assistant: You said: One", "user: Two"])
    expect(await talk.client.messages(thread)).toHaveLength(4)
  })

  it("answers whoever waits for its JSON with 200 and no text", async () => {
    talk.model.hold(1)
    const thread = (await talk.client.call("POST", "/v1/threads")).body.id
    const asked = talk.client.ask("Hi", { thread_id: thread })
    await talk.model.whenHeld()
    await until(async () => (await cancel(thread)).status === 200, "a turn that can be cancelled")
    const { status, body } = await asked
    expect([status, body.stop_reason, body.response, body.message_id]).toEqual([
      200,
      "cancelled",
      [{ type: "text", text: "" }],
      null,
    ])
  })

  it("lets a thread begin anew whose only turn it was, with all inputs and its assistant", async () => {
    const { assistantId } = await talk.client.promoted(single({ system_message: "Same" }))
    const stream = await speaking({ assistant_id: assistantId })
    const { threadId } = await stream.created()
    await cancel(threadId)
    await stream.all()
    talk.model.release()
    const inputs = [
      { role: "user", content: "A" },
      { role: "assistant", content: "B" },
      { role: "user", content: "C" },
    ]
    await talk.client.call("POST", "/v1/model/response", { body: { inputs, thread_id: threadId } })
    expect(promptOf(talk.model.requests.at(-1))).toEqual(["system: Same", "user: A", "assistant: B", "user: C"])
  })
})

describe("a turn that is cancelled later", () => {
  it("keeps its question and what was said so far, which stays in the context", async () => {
    const stream = await speaking()
    const { threadId, runId, responseId } = await stream.created()
    await makeOlder(runId, 5)
    const { body } = await cancel(threadId)
    expect(body).toEqual({
      success: true,
      cancel_mode: "keep_partial",
      elapsed_seconds: expect.any(Number),
      user_message_deleted: false,
      assistant_response_deleted: false,
      partial_content_saved: true,
    })
    expect(body.elapsed_seconds).toBeGreaterThanOrEqual(5)
    await stream.all()
    expect(stream.frames.at(-2)?.data).toEqual({ event: "response.cancelled", partial_content_length: 5 })
    const [, partial] = (await talk.client.get(`/v1/threads/${threadId}/messages?order=asc`)).data
    expect(partial).toMatchObject({
      role: "assistant",
      content: "Half ",
      metadata: { status: "cancelled", run_id: runId },
    })
    expect(await talk.client.get(`/v1/model/response/${responseId}`)).toMatchObject({
      status: "cancelled",
      stop_reason: "cancelled",
      message_id: partial.id,
      response: [{ type: "text", text: "Half " }],
    })
    talk.model.release()
    await talk.client.ask("Go on", { thread_id: threadId })
    expect(promptOf(talk.model.requests.at(-1))).toEqual(["user: Tell me", "assistant: Half ", "user: Go on"])
  })

  it("keeps its question alone where nothing was said yet", async () => {
    talk.model.hold(0)
    const stream = talk.client.hear("Tell me")
    const { threadId, runId } = await stream.created()
    await makeOlder(runId, 60)
    const { body } = await cancel(threadId)
    expect([body.cancel_mode, body.partial_content_saved]).toEqual(["keep_partial", false])
    expect(await talk.client.messages(threadId)).toEqual(["user: Tell me"])
    await stream.all()
    expect(stream.frames.at(-2)?.data).toEqual({ event: "response.cancelled", partial_content_length: 0 })
  })

  it("answers whoever waits for its JSON with 200 and what was said, also when the same request is sent again", async () => {
    const threadId = (await talk.client.call("POST", "/v1/threads")).body.id
    const body = { inputs: [{ role: "user", content: "Tell me" }], thread_id: threadId }
    const headers = { "idempotency-key": "waits for JSON" }
    const ask = () => talk.client.call("POST", "/v1/model/response", { body, headers })
    talk.model.script([{ chunks: ["Half ", "an answer"] }])
    talk.model.hold(1)
    const asked = ask()
    const run = await until(async () => (await talk.client.runs(threadId))[0], "the run")
    await talk.client.replay(run.responses[0]).says("Half ")
    await makeOlder(run.id, 5)
    await cancel(threadId)
    const answer = await asked
    expect([answer.status, answer.body.stop_reason, answer.body.response[0].text]).toEqual([200, "cancelled", "Half "])
    const replay = await ask()
    expect([replay.body, replay.headers.get("idempotent-replayed")]).toEqual([answer.body, "true"])
  })
})

describe("cancelling", () => {
  it("is 404 where nothing runs: in a quiet thread, an empty one, and for one that is not there", async () => {
    const quiet = (await talk.client.ask("Hi")).body.thread_id
    const empty = (await talk.client.call("POST", "/v1/threads")).body.id
    for (const [id, code] of [
      [quiet, "RESOURCE_NOT_FOUND"],
      [empty, "RESOURCE_NOT_FOUND"],
      [`thread_${"0".repeat(32)}`, "THREAD_NOT_FOUND"],
      ["thread_1", "THREAD_NOT_FOUND"],
    ]) {
      const { status, body } = await cancel(String(id))
      expect([status, body.error.code]).toEqual([404, code])
    }
    expect(await talk.client.messages(quiet)).toHaveLength(2)
  })

  it("is done once by two at the same moment, who are told the same", async () => {
    const stream = await speaking()
    const { threadId } = await stream.created()
    const [one, other] = await Promise.all([cancel(threadId), cancel(threadId)])
    const statuses = [one.status, other.status].sort()
    expect([
      [200, 200],
      [200, 404],
    ]).toContainEqual(statuses)
    for (const { status, body } of [one, other]) if (status === 200) expect(body.cancel_mode).toBe("quick_edit")
    expect(await talk.client.settled(threadId)).toEqual(["cancelled"])
  })

  it("says what became of the turn, whoever ended it first and how", async () => {
    const stream = await speaking()
    const { threadId, runId } = await stream.created()
    await talk.sql.rows({
      text: "UPDATE runs SET cancel_mark = 'RUN_CANCELLED' WHERE id = $1",
      values: [uuidOf(runId as Id<"run">)],
    })
    const { body } = await cancel(threadId)
    expect([body.cancel_mode, body.partial_content_saved]).toEqual(["keep_partial", true])
    expect(await talk.client.messages(threadId)).toEqual(["user: Tell me", "assistant: Half "])
  })

  it("answers the same again to the same idempotency key, and cancels nothing more", async () => {
    const stream = await speaking()
    const { threadId } = await stream.created()
    const headers = { "idempotency-key": "cancel-once" }
    const first = await cancel(threadId, headers)
    talk.model.release()
    const next = await speaking({ thread_id: threadId })
    const again = await cancel(threadId, headers)
    expect([again.body, again.headers.get("idempotent-replayed")]).toEqual([first.body, "true"])
    expect(next.end).toBeNull()
  })

  it("lets the next turn of the thread begin", async () => {
    const stream = await speaking()
    const { threadId } = await stream.created()
    const next = talk.client.hear("And now?", { thread_id: threadId })
    await next.created()
    await cancel(threadId)
    await stream.all()
    talk.model.release()
    await next.all()
    expect(next.text).toBe("You said: And now?")
    expect(await talk.client.messages(threadId)).toEqual(["user: And now?", "assistant: You said: And now?"])
  })

  it("of a turn that waits is done by its run: it never begins, its question stays, the others go on", async () => {
    const stream = await speaking()
    const { threadId } = await stream.created()
    const second = talk.client.hear("Second", { thread_id: threadId })
    const { runId, responseId } = await second.created()
    const third = talk.client.hear("Third", { thread_id: threadId })
    await third.created()
    const { status, body } = await talk.client.call("POST", `/v1/runs/${runId}/cancel`)
    expect([status, body.status]).toEqual([200, "cancelled"])
    await second.all()
    expect(second.events).toEqual(["response.processing", "response.created", "response.cancelled", "[DONE]"])
    expect(await talk.client.get(`/v1/model/response/${responseId}`)).toMatchObject({ stop_reason: "cancelled" })
    talk.model.release()
    await Promise.all([stream.all(), third.all()])
    expect([stream.text, third.text]).toEqual(["Half an answer", "You said: Second\n\nThird"])
    expect(await talk.client.messages(threadId)).toEqual([
      "user: Tell me",
      "assistant: Half an answer",
      "user: Second",
      "user: Third",
      "assistant: You said: Second\n\nThird",
    ])
    expect(talk.model.calls).toBe(2)
  })
})
