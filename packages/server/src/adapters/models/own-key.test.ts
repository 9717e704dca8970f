import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startTestServer, type TestServer } from "../../testing/server.ts"

let server: TestServer
let organizationId: string
beforeAll(async () => {
  server = await startTestServer()
  const list = await server.client.call("GET", "/v1/organizations")
  organizationId = list.body.organizations[0].id
})
afterAll(() => server.close())

const setProvider = (provider: string, body: { api_key?: string | null; is_active?: boolean }) =>
  server.client.call("PATCH", `/v1/organizations/${organizationId}/providers/${provider}`, { body })
const keyOfLastCall = () => server.model.requests.at(-1)?.headers.authorization

describe("a model key that an organization set through the API", () => {
  it("pays for its calls from the next turn on, and the server's again once it is removed", async () => {
    await server.client.ask("one", { model: "gpt-4o" })
    expect(keyOfLastCall()).toBe("Bearer scripted")
    expect((await setProvider("openai", { api_key: "sk-of-the-organization" })).status).toBe(200)
    expect((await server.client.ask("two", { model: "gpt-4o" })).status).toBe(200)
    expect(keyOfLastCall()).toBe("Bearer sk-of-the-organization")
    await setProvider("openai", { api_key: null })
    await server.client.ask("three", { model: "gpt-4o" })
    expect(keyOfLastCall()).toBe("Bearer scripted")
  })

  it("is never written into the log of a run", async () => {
    await setProvider("openai", { api_key: "sk-of-the-organization" })
    const answer = await server.client.ask("four", { model: "gpt-4o" })
    const events = await server.client.call("GET", `/v1/runs/${answer.body.run_id}/events`)
    expect(events.body).not.toContain("sk-of-the-organization")
    await setProvider("openai", { api_key: null })
  })

  it("a provider that is switched off answers nothing, and says why", async () => {
    await setProvider("openai", { is_active: false })
    const calls = server.model.calls
    const refused = await server.client.ask("five", { model: "gpt-4o" })
    expect(refused.status).toBe(422)
    expect(refused.body.error.code).toBe("MODEL_REFUSED")
    expect(refused.body.error.system_message).toContain("switched off")
    expect(server.model.calls).toBe(calls)
    await setProvider("openai", { is_active: true })
    expect((await server.client.ask("six", { model: "gpt-4o" })).status).toBe(200)
  })

  it("makes the models of a provider known for which the server has none", async () => {
    // The assistant allows another provider alone, so that nothing is asked of this one.
    const assistant = await server.client.call("POST", "/v1/assistants", {
      body: { name: "Careful", organization_id: organizationId, allowed_model_providers: ["openai"] },
    })
    const ask = () => server.client.ask("seven", { model: "claude-sonnet-4-5", assistant_id: assistant.body.id })
    expect((await ask()).body.error.code).toBe("MODEL_NOT_FOUND")
    await setProvider("anthropic", { api_key: "sk-ant-of-the-organization" })
    expect((await ask()).body.error.code).toBe("MODEL_REFUSED")
    await setProvider("anthropic", { api_key: null })
    expect((await ask()).body.error.code).toBe("MODEL_NOT_FOUND")
  })
})
