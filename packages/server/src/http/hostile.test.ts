import type { Route } from "@brevet/core/contract/route"
import { routes } from "@brevet/core/contract/routes"
import { type ErrorCode, errorCatalogue } from "@brevet/core/errors"
import { idPrefixes } from "@brevet/core/ids"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { startTestServer, type TestServer, testKey } from "../testing/server.ts"

/**
 * The whole server against input that means harm, call by call: whatever is sent, the answer is a success or the envelope
 * with a code of the catalogue, never a 500, and nothing of the server's insides shows.
 */

let server: TestServer
/** Ids of things that exist, by the name of the placeholder. */
let ids: Readonly<Record<string, string>>

beforeAll(async () => {
  server = await startTestServer()
  const { client } = server
  const definition = { nodes: [{ id: "a", name: "A", type: "FreddyLLM", parameters: { model: "gpt-4o" } }] }
  const promoted = await client.promoted(definition)
  const turn = await client.ask("Hello", { assistant_id: promoted.assistantId })
  const organization = (await client.call("GET", "/v1/organizations")).body.organizations[0].id
  const key = await client.call("POST", `/v1/organizations/${organization}/api-keys`, {
    body: { key_name: "Other", scopes: ["chat"] },
  })
  const asking = {
    nodes: [...definition.nodes, { id: "q", name: "Q", type: "Ask", parameters: { message: "Which?" } }],
  }
  const asker = await client.promoted({
    ...asking,
    connections: { Q: { main: [[{ node: "A", type: "main", index: 0 }]] } },
  })
  const question = await client.ask("Hello", { assistant_id: asker.assistantId })
  const credential = await client.call("POST", "/v1/credentials", { body: goodBodies.createCredential?.() ?? {} })
  ids = {
    workflow_id: promoted.workflowId,
    assistant_id: promoted.assistantId,
    thread_id: turn.body.thread_id,
    response_id: turn.body.response_id,
    run_id: turn.body.run_id,
    message_id: turn.body.message_id,
    organization_id: organization,
    key_id: key.body.id,
    version: "1",
    name: "A",
    provider_name: "openai",
    credential_id: credential.body.id,
    pause_id: question.body.pause.id,
  }
})

afterAll(() => server.close())

const nested = (depth: number): JsonValue => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`)

/** Values that somebody may put into any field. */
const hostileValues: readonly JsonValue[] = [
  null,
  true,
  0,
  -1,
  1.5,
  9_007_199_254_740_991,
  1e308,
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "'; DROP TABLE api_keys; --",
  "={{ $json.constructor.constructor('return process')() }}",
  "../../../etc/passwd",
  "x".repeat(20_000),
  "flow_00000000000000000000000000000000",
  [],
  ["\u0000"],
  [null],
  {},
  { constructor: { prototype: {} }, toString: null, length: -1 },
  { "\u0000": "\ud800" },
  nested(90),
]

/** A body that each call takes, so that one hostile field at a time gets past the shape of the others. */
const goodBodies: Readonly<Record<string, () => JsonObject>> = {
  createWorkflow: () => ({ name: "W", definition: {} }),
  importWorkflow: () => ({ document: { nodes: [], connections: {} } }),
  createAssistant: () => ({ name: "A new one", organization_id: ids.organization_id ?? "" }),
  createApiKey: () => ({ key_name: "K", scopes: ["chat"] }),
  createCredential: () => ({
    name: `C ${Math.trunc(performance.now() * 1_000)}`,
    type: "httpBearerAuth",
    data: { token: "t" },
  }),
  validateDefinition: () => ({ definition: {} }),
  attachAssistantWorkflow: () => ({ workflow_id: ids.workflow_id ?? "" }),
  answerPause: () => ({ answer: "Red" }),
  createModelResponse: () => ({ inputs: [{ role: "user", content: "Hello" }] }),
}

/** Calls that would take away what the others need are made on things that do not exist. */
const isDestructive = ({ id, method }: Route): boolean =>
  method === "DELETE" || ["rotateApiKey", "deactivateApiKey", "pauseApiKey"].includes(id)

function addressOf(route: Route): string {
  return route.path.replace(/\{([^}]+)\}/g, (_whole, name: string) => {
    const rule = route.params[name]
    const isOwn = name === "organization_id" || !isDestructive(route)
    if (rule === undefined || rule === "text" || isOwn) return ids[name] ?? "unknown"
    return `${idPrefixes[rule.noun]}_${"0".repeat(32)}`
  })
}

const insides = /node_modules|\.ts:\d|\bat \w+ \(|postgres|relation "|syntax error|api_keys|idempotency_keys|pg_|zod/i

/** Sends a request and judges the answer. Gives its status. */
async function attack(
  route: Route,
  request: { query?: string; address?: string; body?: string; headers?: Record<string, string> },
): Promise<number> {
  const { query = "", address = addressOf(route), body, headers } = request
  const answer = await fetch(`${server.client.url}${address}${query}`, {
    method: route.method,
    headers: {
      "x-api-key": testKey,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  })
  const what = `${route.id} ${address}${query} ${body?.slice(0, 200)}`
  expect(answer.headers.get("x-request-id"), what).toMatch(/^req_[0-9a-f]{32}$/)
  if (answer.headers.get("content-type")?.startsWith("text/event-stream")) {
    await answer.body?.cancel()
    return answer.status
  }
  const text = await answer.text()
  if (answer.status < 400) return answer.status
  const { success, error } = JSON.parse(text)
  expect([success, error.status], what).toEqual([false, answer.status])
  expect(errorCatalogue[error.code as ErrorCode]?.status, what).toBe(answer.status)
  expect(error.code, `${what} ${text}`).not.toBe("INTERNAL_ERROR")
  expect(answer.status, `${what} ${text}`).toBeLessThan(500)
  const { message, system_message: systemMessage } = error
  expect(`${message} ${systemMessage}`, what).not.toMatch(insides)
  return answer.status
}

const named = routes.map((route) => [`${route.method} ${route.path}`, route] as const)

describe("a hostile body", () => {
  test.each(named.filter(([, { body }]) => body !== null))(
    "%s takes any value in any field without harm",
    async (_name, route) => {
      const shape = route.body instanceof z.ZodObject ? Object.keys(route.body.shape) : []
      const good = goodBodies[route.id]?.() ?? {}
      for (const field of [...shape, "unknown_field", "__proto__"]) {
        for (const value of hostileValues) {
          await attack(route, {
            body: JSON.stringify({ ...good }).replace(
              /\}$/,
              `${Object.keys(good).length > 0 ? "," : ""}${JSON.stringify(field)}:${JSON.stringify(value)}}`,
            ),
          })
        }
      }
    },
  )

  test.each(named.filter(([, { method }]) => method !== "GET"))(
    "%s takes any text as its body without harm",
    async (_name, route) => {
      for (const body of [
        "",
        "{",
        "[]",
        "null",
        "1e400",
        '{"__proto__":{"a":1}}',
        `{"a":${"[".repeat(5_000)}`,
        "\u0000",
        "{}x",
        '"\ud800"',
      ]) {
        await attack(route, { body })
        await attack(route, { body, headers: { "content-type": "application/x-www-form-urlencoded" } })
        await attack(route, {
          body,
          headers: { "idempotency-key": `k${body.length}`, "if-match": '"x"' },
        })
      }
    },
  )
})

describe("a hostile address", () => {
  test.each(named)("%s takes any query without harm", async (_name, route) => {
    for (const field of [...Object.keys(route.query.shape), "organization_id", "unknown"]) {
      for (const value of [
        "",
        "%00",
        "%ff",
        "-1",
        "1e400",
        "99999999999999999999",
        "'",
        "a".repeat(4_000),
        "%F0%9F%98%80",
        "2026-13-45",
        "null",
        "0x10",
      ]) {
        await attack(route, { query: `?${field}=${value}` })
      }
      await attack(route, { query: `?${field}=1&${field}=2` })
      await attack(route, { query: `?${field}[]=1` })
    }
  })

  test.each(named.filter(([, { params }]) => Object.keys(params).length > 0))(
    "%s takes anything in its path without harm",
    async (_name, route) => {
      for (const text of [
        "%00",
        "%ff",
        "..",
        "%2e%2e%2f",
        "'",
        "a".repeat(8_000),
        "%F0%9F%98%80",
        "-1",
        "0",
        "99999999999",
        "1e3",
        "=1",
        "{}",
        "%25",
      ]) {
        const address = route.path.replace(/\{[^}]+\}/g, text)
        const status = await attack(route, { address })
        expect([400, 401, 403, 404, 405, 422], `${route.id} ${text}`).toContain(status)
      }
    },
  )

  test.each(named.filter(([, { params }]) => Object.values(params).some((rule) => rule !== "text")))(
    "%s does not find what is unknown",
    async (_name, route) => {
      const address = route.path.replace(/\{([^}]+)\}/g, (_whole, name: string) => {
        const rule = route.params[name]
        if (name === "organization_id") return ids.organization_id ?? ""
        return rule === undefined || rule === "text" ? "some" : `${idPrefixes[rule.noun]}_${"0".repeat(32)}`
      })
      if (Object.keys(route.params).every((name) => name === "organization_id" || route.params[name] === "text")) return
      const body = route.body === null ? undefined : JSON.stringify(goodBodies[route.id]?.() ?? {})
      expect(await attack(route, { address, ...(body === undefined ? {} : { body }) })).toBe(404)
    },
  )
})

test("after all that the server still talks", async () => {
  const { status, body } = await server.client.ask("Still there?")
  expect([status, body.success]).toEqual([200, true])
})
