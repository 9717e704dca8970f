/** Workflows that nodes of other workflows call: which one, with which items, what comes back, and what becomes of both. */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, until, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer({ BREVET_RUN_DEPTH_MAX: "3" })

const start = node("Start", "n8n-nodes-base.manualTrigger")
const called = { ...node("Called", "n8n-nodes-base.executeWorkflowTrigger"), typeVersion: 1 }
/** A workflow that can be called: it asks the model about each item. */
const helper = workflow([called, node("Ask", "FreddyLLM", { prompt: "={{ $json.text }}" })], [["Called", "Ask"]])
const calls = (parameters: JsonObject, fields: JsonObject = {}) =>
  workflow(
    [start, { ...node("Call", "n8n-nodes-base.executeWorkflow", parameters), typeVersion: 1.2, ...fields }],
    [["Start", "Call"]],
  )
let made = 0
async function create(definition: JsonObject, fields: JsonObject = {}): Promise<string> {
  made += 1
  const body = { name: `Called workflow ${made}`, definition, ...fields }
  return String((await talk.client.call("POST", "/v1/workflows", { body })).body.id)
}
const execute = (id: string, body: JsonObject = {}) => talk.client.call("POST", `/v1/workflows/${id}/execute`, { body })
const texts = (run: { output: { text: string }[] }) => run.output.map(({ text }) => text)
const items = [{ json: { text: "one" } }, { json: { text: "two" } }]

describe("a workflow that a node calls", () => {
  it("is found by its id, its external id or its name, and gives what its last node put out", async () => {
    const id = await create(helper, { external_id: "helper", name: "The helper" })
    for (const reference of [id, "helper", "The helper", { __rl: true, mode: "list", value: id }]) {
      const caller = await create(calls({ workflowId: reference }))
      const { status, body } = await execute(caller, { items })
      expect([status, texts(body)]).toEqual([200, ["You said: one", "You said: two"]])
      const { runs } = await talk.client.get(`/v1/runs?workflow_id=${id}&limit=1`)
      expect(runs[0]).toMatchObject({ parent_run_id: body.id, status: "completed", mode: "production" })
    }
  })

  it("runs once for each item where the node says so, and gets the fields that the node lists", async () => {
    const id = await create(helper)
    const workflowInputs = { mappingMode: "defineBelow", value: { text: "={{ $json.text.toUpperCase() }}" } }
    const caller = await create(calls({ workflowId: id, mode: "each", workflowInputs }))
    const { body } = await execute(caller, { items })
    expect(texts(body)).toEqual(["You said: ONE", "You said: TWO"])
    expect((await talk.client.get(`/v1/runs?workflow_id=${id}`)).total).toBe(2)
  })

  it("is not waited for where the node says so: the items go on as they came, and it ends by itself", async () => {
    const id = await create(helper)
    const caller = await create(calls({ workflowId: id, options: { waitForSubWorkflow: false } }))
    talk.model.hold(0)
    const { body } = await execute(caller, { items })
    expect(texts(body)).toEqual(["one", "two"])
    expect((await talk.client.get(`/v1/runs?workflow_id=${id}`)).runs[0].status).toBe("running")
    talk.model.release()
    await until(
      async () => (await talk.client.get(`/v1/runs?workflow_id=${id}`)).runs[0].status === "completed",
      "the end of the called run",
    )
  })

  it("that fails fails the node with its own words, and the node's onError goes by them", async () => {
    const failing = await create(
      workflow(
        [called, node("Stop", "n8n-nodes-base.stopAndError", { errorMessage: "no luck" })],
        [["Called", "Stop"]],
      ),
    )
    const { status, body } = await execute(await create(calls({ workflowId: failing })))
    expect([status, body.error.message, body.error.details.node]).toEqual([422, "no luck", "Call"])
    const goesOn = await create(calls({ workflowId: failing, mode: "each" }, { onError: "continueRegularOutput" }))
    expect((await execute(goesOn, { items })).body.output).toEqual([{ error: "no luck" }, { error: "no luck" }])
  })

  it("that is not there, is not active, has a name that others have, or belongs to nobody here cannot be called", async () => {
    const inactive = await create(helper)
    await talk.client.call("PATCH", `/v1/workflows/${inactive}`, { body: { is_active: false } })
    await create(helper, { name: "Twice" })
    await create(helper, { name: "Twice" })
    for (const reference of [`flow_${"0".repeat(32)}`, inactive, "Twice", "nothing of this name"]) {
      const { body } = await execute(await create(calls({ workflowId: reference })))
      expect(body.error.details.cause_code).toBe("SUBWORKFLOW_NOT_FOUND")
    }
    const empty = await execute(await create(calls({ workflowId: "" })))
    expect(empty.body.error.details.cause_code).toBe("NODE_SETTINGS_INVALID")
    for (const workflowJson of ["not JSON", "[1]", '{"__proto__": 1}']) {
      const { body } = await execute(await create(calls({ source: "parameter", workflowJson })))
      expect(body.error.details.cause_code).toBe("NODE_SETTINGS_INVALID")
    }
  })

  it("and calls itself ends at the bound on depth, which is said once", async () => {
    const id = await create(calls({ workflowId: "circle" }), { external_id: "circle" })
    const { body } = await execute(id)
    expect(body.error.details.cause_code).toBe("RUN_DEPTH_EXCEEDED")
    expect((await talk.client.get(`/v1/runs?workflow_id=${id}`)).total).toBe(4)
  })

  it("may stand in the node itself; its run can be read like any other", async () => {
    const workflowJson = JSON.stringify(helper)
    const { body } = await execute(await create(calls({ source: "parameter", workflowJson })), { items })
    expect(texts(body)).toEqual(["You said: one", "You said: two"])
    const { runs } = await talk.client.get("/v1/runs?limit=5")
    const child = runs.find(({ parent_run_id }: { parent_run_id: string | null }) => parent_run_id === body.id)
    expect(child).toMatchObject({ workflow_id: null, workflow_version: null, status: "completed" })
    const { nodes } = await talk.client.get(`/v1/runs/${child.id}/nodes`)
    expect(nodes.map(({ name }: { name: string }) => name)).toEqual(["Called", "Ask"])
  })

  it("ends with its caller where that is cancelled", async () => {
    const id = await create(helper)
    const caller = await create(calls({ workflowId: id }))
    talk.model.hold(0)
    const { body } = await execute(caller, { items, return_mode: "poll" })
    await talk.model.whenHeld(1)
    await talk.client.call("POST", `/v1/runs/${body.run_id}/cancel`)
    const child = await until(async () => {
      const [run] = (await talk.client.get(`/v1/runs?workflow_id=${id}`)).runs
      return run?.status === "cancelled" && run
    }, "the end of the called run")
    expect(child.parent_run_id).toBe(body.run_id)
  })
})
