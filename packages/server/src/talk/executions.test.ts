/** Running a workflow outside of conversations (the HTTP contract, §2 "execute"). */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { lastUserText } from "../testing/scripted-model.ts"
import { node, type StreamReader, until, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()
/** Another server, which waits a second for a run and no longer. */
const hasty = useTalkServer({ BREVET_WAIT_SECONDS: "1" })

/** Writes fields into each item. */
const set = (name: string, fields: Readonly<Record<string, string>>, rest: JsonObject = {}): JsonObject => {
  const assignments = Object.entries(fields).map(([field, value], index) => {
    return { id: String(index), name: field, value, type: "string" }
  })
  const parameters = { assignments: { assignments }, includeOtherFields: true }
  return { ...node(name, "n8n-nodes-base.set", parameters), typeVersion: 3.4, ...rest }
}

const manual = node("Start", "n8n-nodes-base.manualTrigger")
const shout = (value = "={{ $json.name }}!"): JsonObject =>
  workflow([manual, set("Shout", { loud: value })], [["Start", "Shout"]])

async function store(definition: JsonObject): Promise<string> {
  const { status, body } = await talk.client.call("POST", "/v1/workflows", { body: { name: "Executed", definition } })
  expect([status, body.error]).toEqual([201, undefined])
  return body.id
}

const execute = (id: string, body: JsonObject = {}, headers: Record<string, string> = {}) =>
  talk.client.call("POST", `/v1/workflows/${id}/execute`, { body, headers })
const executeAsStream = (id: string, body: JsonObject = {}, headers: Record<string, string> = {}): StreamReader =>
  talk.client.listen("POST", `/v1/workflows/${id}/execute`, { body: { ...body, return_mode: "stream" }, headers })
const countOfRuns = async (id: string): Promise<number> => (await talk.client.get(`/v1/runs?workflow_id=${id}`)).total
/** Waits for a run's end; gives it. */
const ended = (runId: string) =>
  until(async () => {
    const run = await talk.client.get(`/v1/runs/${runId}`)
    return run.finished_at !== null && run
  }, `the end of ${runId}`)

describe("an execution that is waited for", () => {
  it("answers with the run and its output", async () => {
    const id = await store(shout())
    const { status, body } = await execute(id, { inputs: { name: "Ada" } })
    expect(status).toBe(200)
    expect(body).toEqual({
      id: expect.stringMatching(/^run_/),
      workflow_id: id,
      workflow_version: 1,
      assistant_id: null,
      thread_id: null,
      parent_run_id: null,
      retry_of: null,
      status: "completed",
      mode: "production",
      created_at: expect.any(String),
      started_at: expect.any(String),
      finished_at: expect.any(String),
      usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 },
      output: [{ name: "Ada", loud: "Ada!" }],
      text: expect.any(String),
      error: null,
      pause: null,
      responses: [],
    })
    expect(await talk.client.get(`/v1/runs/${body.id}`)).toEqual(body)
  })

  it("takes several items, one, or none: then one that is empty", async () => {
    const id = await store(shout("={{ $json.name ?? 'nobody' }}"))
    const output = async (body: JsonObject): Promise<unknown> => (await execute(id, body)).body.output
    expect(await output({ items: [{ json: { name: "A" } }, { json: { name: "B" } }] })).toEqual([
      { name: "A", loud: "A" },
      { name: "B", loud: "B" },
    ])
    expect(await output({ inputs: { name: "C" } })).toEqual([{ name: "C", loud: "C" }])
    for (const nothing of [{}, { inputs: null, items: null }, { inputs: {} }]) {
      expect(await output(nothing)).toEqual([{ loud: "nobody" }])
    }
    const { status, body } = await execute(id, { items: [] })
    expect([status, body.output]).toEqual([200, []])
  })

  it("needs no body at all", async () => {
    const id = await store(shout("x"))
    expect((await talk.client.call("POST", `/v1/workflows/${id}/execute`)).body.output).toEqual([{ loud: "x" }])
  })

  it("keeps what was sent as it was sent: NUL, lone surrogates, keys in their order", async () => {
    const id = await store(workflow([manual]))
    const inputs = { z: "\u0000", a: "\ud800", nested: { list: [1, null, "é"] } }
    const { body } = await execute(id, { inputs })
    expect(JSON.stringify(body.output)).toBe(JSON.stringify([inputs]))
  })

  it("starts at the manual trigger, else at the one for calls, else as a chat turn would", async () => {
    const call = node("Called", "n8n-nodes-base.executeWorkflowTrigger")
    const chat = node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger")
    const ends = (...starts: JsonObject[]): JsonObject =>
      workflow(
        [...starts, ...starts.map(({ name }) => set(`After ${name}`, { from: String(name) }))],
        starts.map(({ name }): [string, string] => [String(name), `After ${name}`]),
      )
    const from = async (definition: JsonObject): Promise<unknown> =>
      (await execute(await store(definition))).body.output[0].from
    expect(await from(ends(chat, call, manual))).toBe("Start")
    expect(await from(ends(chat, call))).toBe("Called")
    expect(await from(ends(chat))).toBe("Chat")
    expect(await from(workflow([set("Alone", { from: "Alone" })]))).toBe("Alone")
  })

  it("runs the newest version, or the one that is named; one that never was is 404", async () => {
    const id = await store(shout("one"))
    await talk.client.call("PATCH", `/v1/workflows/${id}`, { body: { definition: shout("two") } })
    const loud = async (body: JsonObject): Promise<unknown> => (await execute(id, body)).body.output[0].loud
    expect([await loud({}), await loud({ version: 1 }), await loud({ version: 2 })]).toEqual(["two", "one", "two"])
    const { status, body } = await execute(id, { version: 3 })
    expect([status, body.error.code]).toEqual([404, "RESOURCE_NOT_FOUND"])
  })

  it("takes pinned data in manual runs only", async () => {
    const definition = workflow([manual, set("Shout", { loud: "ran" })], [["Start", "Shout"]], {
      pinData: { Shout: [{ json: { loud: "pinned" } }] },
    })
    const id = await store(definition)
    const loud = async (body: JsonObject): Promise<unknown> => {
      const { body: run } = await execute(id, body)
      return [run.mode, run.output[0].loud]
    }
    expect(await loud({ mode: "manual" })).toEqual(["manual", "pinned"])
    expect(await loud({ mode: "production" })).toEqual(["production", "ran"])
    expect(await loud({})).toEqual(["production", "ran"])
  })

  it("asks models what the item says, counts their tokens, and belongs to no conversation", async () => {
    const id = await store(workflow([manual, node("Ask", "FreddyLLM")], [["Start", "Ask"]]))
    talk.model.script([{ text: "Yes", usage: { inputTokens: 3, outputTokens: 1 } }])
    const { body } = await execute(id, { inputs: { text: "Is it so?" } })
    expect(lastUserText(talk.model.requests[0] ?? ({} as never))).toBe("Is it so?")
    expect(body).toMatchObject({
      thread_id: null,
      output: [{ text: "Yes" }],
      usage: { input_tokens: 3, output_tokens: 1, total_tokens: 4 },
    })
  })

  it("answers 202 with the run's id once it has waited long enough, and the run goes on", async () => {
    const definition = workflow([manual, node("Ask", "FreddyLLM")], [["Start", "Ask"]])
    const made = await hasty.client.call("POST", "/v1/workflows", { body: { name: "Slow", definition } })
    hasty.model.hold(0)
    const { status, headers, body } = await hasty.client.call("POST", `/v1/workflows/${made.body.id}/execute`, {
      body: { inputs: { text: "Slow" } },
    })
    expect([status, body]).toEqual([202, { run_id: expect.stringMatching(/^run_/), status: "running" }])
    expect(headers.get("location")).toBe(`/v1/runs/${body.run_id}`)
    hasty.model.release()
    const run = await until(async () => {
      const found = await hasty.client.get(`/v1/runs/${body.run_id}`)
      return found.finished_at !== null && found
    }, "its end")
    expect(run.output[0].text).toBe("You said: Slow")
  })

  it("is cancelled while it is waited for: 422 RUN_CANCELLED", async () => {
    const id = await store(workflow([manual, node("Ask", "FreddyLLM")], [["Start", "Ask"]]))
    talk.model.hold(0)
    const waiting = execute(id, { inputs: { text: "Wait" } })
    await talk.model.whenHeld()
    const run = await until(async () => (await talk.client.get(`/v1/runs?workflow_id=${id}`)).runs[0], "the run")
    await talk.client.call("POST", `/v1/runs/${run.id}/cancel`)
    const { status, body } = await waiting
    expect([status, body.error.code, body.error.details]).toEqual([
      422,
      "RUN_CANCELLED",
      { run_id: run.id, cause_code: "RUN_CANCELLED" },
    ])
  })
})

describe("an execution that fails", () => {
  it("is 422 NODE_FAILED with the node and the cause, and can be read as a failed run", async () => {
    const id = await store(
      workflow([manual, node("Stop", "n8n-nodes-base.stopAndError", { errorMessage: "Enough." })], [["Start", "Stop"]]),
    )
    const { status, body } = await execute(id)
    expect([status, body.error.code, body.error.message]).toEqual([422, "NODE_FAILED", "Enough."])
    const { run_id: runId, node: name, cause_code: cause } = body.error.details
    expect([name, cause]).toEqual(["Stop", "NODE_STOPPED"])
    expect(await talk.client.get(`/v1/runs/${runId}`)).toMatchObject({
      status: "failed",
      error: body.error,
      output: null,
    })
  })

  it("answers with the model's status where nothing was achieved before", async () => {
    const id = await store(workflow([manual, node("Ask", "FreddyLLM")], [["Start", "Ask"]]))
    for (const [scripted, status, code] of [
      [500, 502, "MODEL_ERROR"],
      [429, 503, "MODEL_UNAVAILABLE"],
      [400, 422, "MODEL_REFUSED"],
    ] as const) {
      talk.model.script([{ status: scripted }])
      const answer = await execute(id, { inputs: { text: String(scripted) } })
      expect([answer.status, answer.body.error.code]).toEqual([status, code])
    }
  })

  it("has no node at which it could start", async () => {
    for (const definition of [{}, { nodes: [] }, workflow([node("Note", "n8n-nodes-base.stickyNote")])]) {
      const { status, body } = await execute(await store(definition))
      expect([status, body.error.code, body.error.details.cause_code]).toEqual([422, "NODE_FAILED", "NO_START_NODE"])
    }
  })

  it("is refused for a workflow that is not there, is deleted or switched off", async () => {
    const id = await store(shout())
    await talk.client.call("PATCH", `/v1/workflows/${id}`, { body: { is_active: false } })
    const inactive = await execute(id)
    expect([inactive.status, inactive.body.error.code]).toEqual([409, "WORKFLOW_INACTIVE"])
    await talk.client.call("DELETE", `/v1/workflows/${id}`)
    for (const missing of [id, `flow_${"0".repeat(32)}`, "flow_1"]) {
      const { status, body } = await execute(missing)
      expect([status, body.error.code]).toEqual([404, "WORKFLOW_NOT_FOUND"])
    }
  })

  it("is cancelled with its workflow, where that is deleted", async () => {
    const id = await store(workflow([manual, node("Ask", "FreddyLLM")], [["Start", "Ask"]]))
    talk.model.hold(0)
    const { body } = await execute(id, { return_mode: "poll", inputs: { text: "Go" } })
    await talk.model.whenHeld()
    await talk.client.call("DELETE", `/v1/workflows/${id}`)
    const run = await ended(body.run_id)
    expect([run.status, run.error.details.cause_code]).toEqual(["cancelled", "WORKFLOW_DELETED"])
  })

  type Fault = { readonly what: string; readonly sent: JsonObject; readonly code: string; readonly field: string }
  const invalid = (what: string, field: string, sent: JsonObject): Fault => ({
    what,
    sent,
    code: "VALIDATION_ERROR",
    field,
  })
  const later = (field: string, sent: JsonObject): Fault => ({
    what: field,
    sent,
    code: "UNSUPPORTED_PARAMETER",
    field,
  })
  const faults: readonly Fault[] = [
    invalid("inputs and items", "items", { inputs: {}, items: [] }),
    invalid("inputs that are a list", "inputs", { inputs: [] }),
    invalid("items without json", "items.0.json", { items: [{}] }),
    invalid("items that are no list", "items", { items: {} }),
    invalid("json that is a text", "items.0.json", { items: [{ json: "x" }] }),
    invalid("an unknown field of an item", "items.0.jsn", { items: [{ json: {}, jsn: 1 }] }),
    invalid("an unknown field", "input", { input: {} }),
    invalid("an unknown return mode", "return_mode", { return_mode: "later" }),
    invalid("an unknown mode", "mode", { mode: "test" }),
    invalid("version 0", "version", { version: 0 }),
    invalid("a version in words", "version", { version: "1" }),
    later("until_node", { until_node: "Shout" }),
    later("pin_data", { pin_data: {} }),
    later("items", { items: [{ json: {}, binary: {} }] }),
  ]
  it.each(faults)("is refused, and nothing runs: $what", async ({ sent, code, field }) => {
    const id = await store(shout())
    const { status, body } = await execute(id, sent)
    expect([status, body.error.code]).toEqual([422, code])
    const { fields, field: named } = body.error.details
    expect(named ?? fields.map((fault: { field: string }) => fault.field)).toEqual(
      named === undefined ? [field] : field,
    )
    expect(await countOfRuns(id)).toBe(0)
  })
})

describe("an execution that is polled", () => {
  it("answers 202 at once, and is read by its id", async () => {
    const id = await store(workflow([manual, node("Ask", "FreddyLLM")], [["Start", "Ask"]]))
    talk.model.hold(0)
    const { status, headers, body } = await execute(id, { return_mode: "poll", inputs: { text: "Hi" } })
    expect([status, body.status]).toEqual([202, "running"])
    expect(headers.get("location")).toBe(`/v1/runs/${body.run_id}`)
    expect((await talk.client.get(`/v1/runs/${body.run_id}`)).status).toBe("running")
    talk.model.release()
    expect(await ended(body.run_id)).toMatchObject({ status: "completed", output: [{ text: "You said: Hi" }] })
  })
})

describe("an execution as a stream", () => {
  it("gives the events of the run, live, and the same when they are read again", async () => {
    const id = await store(workflow([manual, node("Ask", "FreddyLLM")], [["Start", "Ask"]]))
    talk.model.script([{ chunks: ["a", "b"] }])
    const stream = executeAsStream(id, { inputs: { text: "Spell" } })
    await stream.all()
    expect(stream.end).toBe("done")
    const created = await stream.frame("run-created")
    expect(created).toMatchObject({
      seq: 1,
      mode: "production",
      workflow_id: id,
      start: "Start",
      items: [{ text: "Spell" }],
    })
    expect(stream.events.slice(0, 4)).toEqual(["run-created", "run-started", "node-started", "node-completed"])
    expect(stream.events.slice(-2)).toEqual(["run-completed", "[DONE]"])
    const { runs } = await talk.client.get(`/v1/runs?workflow_id=${id}`)
    const again = talk.client.listen("GET", `/v1/runs/${runs[0].id}/events`)
    expect(await again.all()).toEqual(stream.blocks)
  })

  it("ends with the failure, and is a plain error where nothing could begin", async () => {
    const id = await store(workflow([manual, node("Stop", "n8n-nodes-base.stopAndError")], [["Start", "Stop"]]))
    const stream = executeAsStream(id)
    await stream.all()
    expect(await stream.frame("run-failed")).toMatchObject({
      node: "Stop",
      error: { code: "NODE_FAILED", status: 422 },
    })
    expect(stream.end).toBe("done")
    const missing = executeAsStream(`flow_${"0".repeat(32)}`)
    await missing.all()
    expect(missing.refused?.status).toBe(404)
  })

  it("goes on where its reader leaves", async () => {
    const id = await store(workflow([manual, node("Ask", "FreddyLLM")], [["Start", "Ask"]]))
    talk.model.hold(0)
    const stream = executeAsStream(id, { inputs: { text: "Hi" } })
    await stream.frame("model-call-started")
    await stream.leave()
    talk.model.release()
    const { runs } = await talk.client.get(`/v1/runs?workflow_id=${id}`)
    expect((await ended(runs[0].id)).status).toBe("completed")
  })
})

describe("an execution with an idempotency key", () => {
  it("runs once, whatever form is asked for, also where it comes many times at the same moment", async () => {
    const id = await store(shout())
    for (const mode of ["wait", "poll"]) {
      const before = await countOfRuns(id)
      const headers = { "idempotency-key": `execute ${mode}` }
      const body = { inputs: { name: "Ada" }, return_mode: mode }
      const answers = await Promise.all(Array.from({ length: 8 }, () => execute(id, body, headers)))
      const ids = answers.map(({ body: answer }) => answer.id ?? answer.run_id)
      expect(new Set(ids).size).toBe(1)
      await ended(ids[0])
      const again = await execute(id, body, headers)
      expect([again.body.id ?? again.body.run_id, again.headers.get("idempotent-replayed")]).toEqual([ids[0], "true"])
      expect(await countOfRuns(id)).toBe(before + 1)
      const other = await execute(id, { ...body, inputs: { name: "Bob" } }, headers)
      expect([other.status, other.body.error.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"])
    }
  })

  it("gives the same stream again, from its beginning, while it runs and afterwards", async () => {
    const id = await store(workflow([manual, node("Ask", "FreddyLLM")], [["Start", "Ask"]]))
    const headers = { "idempotency-key": "execute stream" }
    talk.model.script([{ chunks: ["a", "b"] }])
    talk.model.hold(1)
    const first = executeAsStream(id, { inputs: { text: "x" } }, headers)
    await first.frame("model-call-started")
    const second = executeAsStream(id, { inputs: { text: "x" } }, headers)
    await second.frame("model-call-started")
    talk.model.release()
    await Promise.all([first.all(), second.all()])
    const third = executeAsStream(id, { inputs: { text: "x" } }, headers)
    await third.all()
    for (const stream of [second, third]) expect(stream.blocks).toEqual(first.blocks)
    expect(talk.model.calls).toBe(1)
  })

  it("is made anew where it failed with 5xx, and answered the same again where it failed otherwise", async () => {
    const id = await store(workflow([manual, node("Ask", "FreddyLLM")], [["Start", "Ask"]]))
    const headers = { "idempotency-key": "execute again" }
    talk.model.script([{ status: 500 }, { status: 400 }])
    const answers = []
    for (let attempt = 0; attempt < 3; attempt += 1) answers.push(await execute(id, { inputs: { text: "x" } }, headers))
    expect(answers.map(({ status, headers: sent }) => [status, sent.get("idempotent-replayed")])).toEqual([
      [502, null],
      [422, null],
      [422, "true"],
    ])
    expect(answers[2]?.body).toEqual(answers[1]?.body)
    expect(await countOfRuns(id)).toBe(2)
  })
})
