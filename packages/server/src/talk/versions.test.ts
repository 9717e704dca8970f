/** Which version of a workflow answers, and whether anybody does (the HTTP contract, §3.3). */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, promptOf, single, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()

const version = (number: number): JsonObject => single({ system_message: `Version ${number}` })
const publish = (workflowId: string, definition: JsonObject) =>
  talk.client.call("PATCH", `/v1/workflows/${workflowId}`, { body: { definition } })
const patchAssistant = (assistantId: string, body: JsonObject) =>
  talk.client.call("PATCH", `/v1/assistants/${assistantId}`, { body })
/** The system prompt of the last model call. */
const lastSystem = (): string | undefined =>
  promptOf(talk.model.requests.at(-1)).find((text) => text.startsWith("system"))

/** Asks in a thread; gives the system prompt that answered. */
async function answeredBy(fields: JsonObject): Promise<string | undefined> {
  const { status, body } = await talk.client.ask("Hi", fields)
  expect([status, body.error?.code]).toEqual([200, undefined])
  return lastSystem()
}

const refusal = async (fields: JsonObject): Promise<unknown[]> => {
  const { status, body } = await talk.client.ask("Hi", fields)
  return [status, body.error?.code]
}

describe("a conversation and the versions of its workflow", () => {
  it("is pinned at its first message, and a new version changes nothing for it", async () => {
    const { workflowId, assistantId } = await talk.client.promoted(version(1))
    const first = (await talk.client.ask("Hi", { assistant_id: assistantId })).body
    expect(await talk.client.get(`/v1/threads/${first.thread_id}`)).toMatchObject({
      pinned_workflow: { id: workflowId, version: 1 },
      workflow_version: 1,
      workflow_id: workflowId,
    })
    await publish(workflowId, version(2))
    expect(await answeredBy({ thread_id: first.thread_id })).toBe("system: Version 1")
    expect(await answeredBy({ assistant_id: assistantId })).toBe("system: Version 2")
    expect(await answeredBy({ thread_id: first.thread_id, assistant_id: assistantId })).toBe("system: Version 1")
    const runs = await talk.client.runs(first.thread_id)
    expect(runs.map(({ workflow_version: number }) => number)).toEqual([1, 1, 1])
  })

  it("is not pinned before its first message", async () => {
    const { workflowId, assistantId } = await talk.client.promoted(version(1))
    const thread = (await talk.client.call("POST", "/v1/threads", { body: { assistant_id: assistantId } })).body
    expect(thread.pinned_workflow).toBeNull()
    await publish(workflowId, version(2))
    expect(await answeredBy({ thread_id: thread.id })).toBe("system: Version 2")
  })

  it("is moved by one explicit call, and the next turn is answered by the other version", async () => {
    const { workflowId, assistantId } = await talk.client.promoted(version(1))
    const thread = (await talk.client.ask("Hi", { assistant_id: assistantId })).body.thread_id
    await publish(workflowId, version(2))
    await publish(workflowId, version(3))
    const move = (body: JsonObject) => talk.client.call("POST", `/v1/threads/${thread}/move`, { body })
    expect((await move({ workflow_version: 2 })).body).toMatchObject({ from: 1, to: 2 })
    expect(await answeredBy({ thread_id: thread })).toBe("system: Version 2")
    expect((await move({})).body).toMatchObject({ from: 2, to: 3 })
    expect(await answeredBy({ thread_id: thread })).toBe("system: Version 3")
    expect((await move({ workflow_version: 1 })).body).toMatchObject({ from: 3, to: 1 })
    expect(await answeredBy({ thread_id: thread })).toBe("system: Version 1")
  })

  it("begins on the newest version that can answer, and on the one that the assistant is pinned to", async () => {
    const { workflowId, assistantId } = await talk.client.promoted(version(1))
    await publish(workflowId, version(2))
    await publish(workflowId, workflow([node("Nobody", "noOp")]))
    expect(await answeredBy({ assistant_id: assistantId })).toBe("system: Version 2")
    await patchAssistant(assistantId, { workflow_version: 1 })
    expect(await answeredBy({ assistant_id: assistantId })).toBe("system: Version 1")
    await patchAssistant(assistantId, { workflow_version: null })
    expect(await answeredBy({ assistant_id: assistantId })).toBe("system: Version 2")
  })

  it("has the inherited settings of its own version, and overrides on top of whichever that is", async () => {
    const { workflowId, assistantId } = await talk.client.promoted(single({ temperature: 0.1, top_p: 0.1 }))
    const old = (await talk.client.ask("Hi", { assistant_id: assistantId })).body.thread_id
    await publish(workflowId, single({ temperature: 0.2, top_p: 0.2 }))
    await patchAssistant(assistantId, { top_p: 0.9 })
    await talk.client.ask("Hi", { thread_id: old })
    await talk.client.ask("Hi", { assistant_id: assistantId })
    const settings = talk.model.requests.slice(1).map(({ body }) => [body.temperature, body.top_p])
    expect(settings).toEqual([
      [0.1, 0.9],
      [0.2, 0.9],
    ])
  })
})

describe("a workflow that is detached, deleted or switched off", () => {
  it("keeps answering in its threads once it is detached, and new threads are plain", async () => {
    const { workflowId, assistantId } = await talk.client.promoted(version(1))
    await patchAssistant(assistantId, { seed: 5 })
    const thread = (await talk.client.ask("Hi", { assistant_id: assistantId })).body.thread_id
    await talk.client.call("DELETE", `/v1/assistants/${assistantId}/workflow`)
    expect(await answeredBy({ thread_id: thread })).toBe("system: Version 1")
    const plain = await talk.client.ask("Hi", { assistant_id: assistantId })
    expect([plain.status, lastSystem(), talk.model.requests.at(-1)?.body.seed]).toEqual([200, undefined, 5])
    expect(await talk.client.get(`/v1/threads/${plain.body.thread_id}`)).toMatchObject({ pinned_workflow: null })
    // Attached again, what began plain stays plain.
    await talk.client.call("POST", `/v1/assistants/${assistantId}/workflow`, { body: { workflow_id: workflowId } })
    expect(await answeredBy({ thread_id: plain.body.thread_id })).toBeUndefined()
    expect(await answeredBy({ assistant_id: assistantId })).toBe("system: Version 1")
  })

  it("lets a run finish that is under way while it is detached", async () => {
    const { assistantId } = await talk.client.promoted(version(1))
    talk.model.hold(1)
    const stream = talk.client.hear("Hi", { assistant_id: assistantId })
    await stream.created()
    await talk.client.call("DELETE", `/v1/assistants/${assistantId}/workflow`)
    talk.model.release()
    await stream.all()
    expect([stream.text, stream.end]).toEqual(["You said: Hi", "done"])
  })

  it("ends its runs once it is deleted, and the next turn of any thread is answered by the assistant alone", async () => {
    const { workflowId, assistantId } = await talk.client.promoted(version(1))
    await patchAssistant(assistantId, { seed: 6 })
    talk.model.script([{ chunks: ["Half ", "an answer"] }])
    talk.model.hold(1)
    const stream = talk.client.hear("Hi", { assistant_id: assistantId })
    await stream.says("Half ")
    const { threadId, runId } = await stream.created()
    await talk.client.call("DELETE", `/v1/workflows/${workflowId}`)
    await stream.all()
    expect(stream.events.slice(-2)).toEqual(["response.cancelled", "[DONE]"])
    expect((await talk.client.get(`/v1/runs/${runId}`)).error.details.cause_code).toBe("WORKFLOW_DELETED")
    talk.model.release()
    expect(await answeredBy({ thread_id: threadId })).toBeUndefined()
    expect(talk.model.requests.at(-1)?.body.seed).toBe(6)
    expect(promptOf(talk.model.requests.at(-1))).toEqual(["user: Hi", "assistant: Half ", "user: Hi"])
    expect(await answeredBy({ assistant_id: assistantId })).toBeUndefined()
    expect(await talk.client.get(`/v1/threads/${threadId}`)).toMatchObject({ pinned_workflow: null })
  })

  it("refuses new turns while it is switched off, in old threads and new ones, and lets what runs finish", async () => {
    const { workflowId, assistantId } = await talk.client.promoted(version(1))
    const thread = (await talk.client.ask("Hi", { assistant_id: assistantId })).body.thread_id
    talk.model.hold(1)
    const running = talk.client.hear("Hi", { thread_id: thread })
    await running.created()
    await talk.client.call("PATCH", `/v1/workflows/${workflowId}`, { body: { is_active: false } })
    expect(await refusal({ thread_id: thread })).toEqual([409, "WORKFLOW_INACTIVE"])
    expect(await refusal({ assistant_id: assistantId })).toEqual([409, "WORKFLOW_INACTIVE"])
    talk.model.release()
    await running.all()
    expect(running.text).toBe("You said: Hi")
    await talk.client.call("PATCH", `/v1/workflows/${workflowId}`, { body: { is_active: true } })
    expect(await answeredBy({ thread_id: thread })).toBe("system: Version 1")
    expect(await talk.client.messages(thread)).toHaveLength(6)
  })

  it("says why where no version can answer a new thread, and stores nothing", async () => {
    const { workflowId, assistantId } = await talk.client.promoted(version(1))
    const thread = (await talk.client.ask("Hi", { assistant_id: assistantId })).body.thread_id
    await publish(workflowId, workflow([node("Nobody", "noOp")]))
    await talk.sql.rows({ text: "UPDATE workflow_versions SET promotable = false WHERE version = 1" })
    // No call leads there, since a version that was promoted stays. The change of the workflow makes the server look anew.
    await publish(workflowId, workflow([node("Still nobody", "noOp")]))
    const { status, body } = await talk.client.ask("Hi", { assistant_id: assistantId })
    expect([status, body.error.code]).toEqual([422, "FREDDY_LLM_NODE_REQUIRED"])
    expect(await answeredBy({ thread_id: thread })).toBe("system: Version 1")
    await talk.sql.rows({ text: "UPDATE workflow_versions SET promotable = true WHERE version = 1" })
  })
})

describe("an assistant that is deleted or switched off", () => {
  it("ends its runs once it is deleted, keeps its threads readable, and is 404 for the next message", async () => {
    const { assistantId } = await talk.client.promoted(version(1))
    const thread = (await talk.client.ask("Hi", { assistant_id: assistantId })).body.thread_id
    talk.model.hold(1)
    const running = talk.client.hear("Go on", { thread_id: thread })
    await running.created()
    await talk.client.call("DELETE", `/v1/assistants/${assistantId}`)
    await running.all()
    expect(running.events).toContain("response.cancelled")
    expect(await refusal({ thread_id: thread })).toEqual([404, "ASSISTANT_NOT_FOUND"])
    expect(await refusal({ assistant_id: assistantId })).toEqual([404, "ASSISTANT_NOT_FOUND"])
    expect((await talk.client.messages(thread)).slice(0, 3)).toEqual([
      "user: Hi",
      "assistant: You said: Hi",
      "user: Go on",
    ])
  })

  it("is 409 while it is not active, and 403 for keys while `api_enabled` is false, which is said first", async () => {
    const { assistantId } = await talk.client.promoted(version(1))
    const thread = (await talk.client.ask("Hi", { assistant_id: assistantId })).body.thread_id
    const refusals = async () => [await refusal({ assistant_id: assistantId }), await refusal({ thread_id: thread })]
    await patchAssistant(assistantId, { is_active: false })
    expect(await refusals()).toEqual(Array(2).fill([409, "ASSISTANT_INACTIVE"]))
    await patchAssistant(assistantId, { api_enabled: false })
    expect(await refusals()).toEqual(Array(2).fill([403, "ASSISTANT_API_DISABLED"]))
    await patchAssistant(assistantId, { is_active: true })
    expect(await refusals()).toEqual(Array(2).fill([403, "ASSISTANT_API_DISABLED"]))
    await patchAssistant(assistantId, { api_enabled: true })
    expect(await answeredBy({ thread_id: thread })).toBe("system: Version 1")
  })

  it("is 404 where it does not exist, is another noun's id, or none, before a thread says that it is locked", async () => {
    const thread = (await talk.client.ask("Hi")).body.thread_id
    for (const id of [`asst_${"0".repeat(32)}`, "asst_1", `flow_${"0".repeat(32)}`]) {
      expect(await refusal({ assistant_id: id })).toEqual([404, "ASSISTANT_NOT_FOUND"])
      expect(await refusal({ assistant_id: id, thread_id: thread })).toEqual([404, "ASSISTANT_NOT_FOUND"])
    }
  })
})
