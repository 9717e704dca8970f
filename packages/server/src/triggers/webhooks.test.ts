/** Webhooks over HTTP: addresses, what a request brings, and what it is answered. */
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, until, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()

const hook = (parameters: JsonObject, rest: JsonObject = {}): JsonObject => ({
  ...node("Hook", "n8n-nodes-base.webhook", parameters),
  typeVersion: 2.1,
  ...rest,
})

async function arm(definition: JsonObject): Promise<string> {
  const made = await talk.client.call("POST", "/v1/workflows", { body: { name: "Hooked", definition } })
  expect([made.status, made.body.error]).toEqual([201, undefined])
  const armed = await talk.client.call("PATCH", `/v1/workflows/${made.body.id}`, { body: { is_active: true } })
  expect([armed.status, armed.body.error]).toEqual([200, undefined])
  return made.body.id
}

type Sent = { method?: string; headers?: Record<string, string>; body?: string | FormData | Uint8Array<ArrayBuffer> }
const send = async (path: string, { method = "GET", headers = {}, body }: Sent = {}) => {
  const response = await fetch(`${talk.client.url}${path}`, {
    method,
    headers,
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

describe("x", () => {
  it("y", async () => {
    await arm(workflow([hook({ path: "echo/:id", httpMethod: "POST", responseMode: "lastNode" })]))
    const got = await send("/webhook/echo/17?a=1", {
      method: "POST",
      body: '{"b":2}',
      headers: { "content-type": "application/json" },
    })
    console.log(got.status, got.text)
  })
})
