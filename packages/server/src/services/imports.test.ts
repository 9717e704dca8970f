/** Importing documents over HTTP (the HTTP contract, §8). */
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { useTalkServer } from "../testing/talk.ts"

const talk = useTalkServer()

const importing = (body: JsonObject) => talk.client.call("POST", "/v1/workflows/import", { body })

const exported: JsonObject = {
  name: "Greeter",
  nodes: [
    {
      id: "c",
      name: "Chat",
      type: "@n8n/n8n-nodes-langchain.chatTrigger",
      typeVersion: 1.1,
      position: [0, 0],
      parameters: {},
    },
    { id: "a", name: "Answer", type: "FreddyLLM", typeVersion: 1, position: [200, 0], parameters: {} },
  ],
  connections: { Chat: { main: [[{ node: "Answer", type: "main", index: 0 }]] } },
}

const difyApp: JsonObject = {
  app: { name: "Poet", mode: "chat", description: "Rhymes" },
  kind: "app",
  model_config: { pre_prompt: "You rhyme.", model: { provider: "openai", name: "gpt-4o" } },
}

describe("importing", () => {
  it("stores the workflow of a document and tells how faithful it is", async () => {
    const { status, body, headers } = await importing({ document: exported })
    expect(status).toBe(201)
    expect(headers.get("location")).toBe(`/v1/workflows/${body.workflow.id}`)
    expect(body.workflow).toMatchObject({ name: "Greeter", definition: exported, version: 1, promotable: true })
    expect(body.report).toMatchObject({ format: "n8n", totals: { kept: 2, changed: 0, lost: 0 } })
    expect(await talk.client.get(`/v1/workflows/${body.workflow.id}`)).toEqual(body.workflow)
  })

  it.each<[string, JsonValue]>([
    ["JSON", difyApp],
    [
      "a text",
      "app: { name: Poet, mode: chat, description: Rhymes }\nkind: app\nmodel_config: { pre_prompt: You rhyme. }\n",
    ],
  ])("makes an app out of %s that can be promoted and talked to", async (_what, document) => {
    const { body } = await importing({ document, format: "dify" })
    expect(body.workflow).toMatchObject({ name: "Poet", description: "Rhymes" })
    const promoted = await talk.client.call("POST", `/v1/workflows/${body.workflow.id}/promote-to-assistant`, {
      body: { name: `Poet ${body.workflow.id}` },
    })
    expect(promoted.status).toBe(201)
    talk.model.reset()
    const turn = await talk.client.ask("A verse, please", { assistant_id: promoted.body.assistant_id })
    expect(turn.status).toBe(200)
    expect(turn.body.response[0].text).not.toBe("")
  })

  it("takes name, description and external id of the request before those of the document", async () => {
    const named = { name: "Other", description: "Said", external_id: "import-1" }
    const first = await importing({ document: difyApp, ...named })
    expect(first.body.workflow).toMatchObject(named)
    const second = await importing({ document: exported, external_id: "import-1" })
    expect(second.body.workflow).toMatchObject({
      id: first.body.workflow.id,
      version: 2,
      name: "Greeter",
      description: "Said",
    })
  })

  it("gives a workflow a name where the document has none that can be kept", async () => {
    for (const name of ["", "\u0000", "\ud800", 7, null]) {
      const { body } = await importing({ document: { ...exported, name } })
      expect(body.workflow.name).toBe(name === 7 ? "7" : "Imported workflow")
    }
    const { body } = await importing({ document: { ...exported, name: "n".repeat(1_000) } })
    expect(body.workflow.name).toHaveLength(251)
  })

  it.each<[string, JsonObject]>([
    ["no document", {}],
    ["a document of nothing", { document: {} }],
    ["a number", { document: 7 }],
    ["an unknown format", { document: exported, format: "zapier" }],
    ["another format", { document: exported, format: "dify" }],
    ["an unknown field", { document: exported, extra: 1 }],
    ["a list of two", { document: [exported, exported] }],
  ])("refuses %s with the field that is wrong", async (_what, body) => {
    const { status, body: answer } = await importing(body)
    expect([status, answer.error.code]).toEqual([422, "VALIDATION_ERROR"])
    expect(answer.error.details.fields[0].field).toMatch(/^(document|format|extra)/)
  })
})
