import { errorsOf, takesIfMatch } from "@brevet/core/contract/error-sets"
import type { Route } from "@brevet/core/contract/route"
import { routes } from "@brevet/core/contract/routes"
import { type IdNoun, idFrom, idPrefixes, isId, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import pg from "pg"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { hashBytes, hashKeyText } from "../services/key-text.ts"
import { startTestServer, type TestServer, testKey } from "../testing/server.ts"

/** The conventions of the contract (§1), held against every call of the whole server. */

let server: TestServer
let ownOrganization: string

/** One of everything, made with a key. */
type World = { readonly key: string; readonly ids: Readonly<Record<string, string>> }
let own: World
let foreign: World

const call = (
  method: string,
  path: string,
  options: { body?: JsonObject; key?: string; headers?: Record<string, string> } = {},
) => server.client.call(method, path, { key: testKey, ...options })

beforeAll(async () => {
  server = await startTestServer({ BREVET_PUBLIC_URL: "https://brevet.example" })
  ownOrganization = (await call("GET", "/v1/organizations")).body.organizations[0].id
  own = await makeWorld(testKey)
  foreign = await makeWorld(await makeForeignKey())
})

afterAll(() => server.close())

/** A second organization, which only the store can make yet, with a key that may do everything. */
async function makeForeignKey(): Promise<string> {
  const text = "brv_key_of_another_organization_0123456789"
  const [organization, user, key] = (["organization", "user", "apiKey"] as const).map((noun: IdNoun, index) =>
    uuidOf(idFrom(noun, `0190000000007000800000000000ff0${index}`)),
  )
  const client = new pg.Client({ connectionString: server.connectionString })
  await client.connect()
  try {
    await client.query(
      "INSERT INTO organizations (id, name, owner_id, created_at, updated_at) VALUES ($1, 'Other', $2, now(), now())",
      [organization, user],
    )
    await client.query(
      "INSERT INTO users (id, organization_id, name, email, created_at) VALUES ($2, $1, 'Otto', 'otto@example.com', now())",
      [organization, user],
    )
    await client.query(
      `INSERT INTO api_keys (id, organization_id, user_id, hash, prefix, name, scopes, created_at)
       VALUES ($3, $1, $2, $4, 'brv_key', 'Other', '{*}', now())`,
      [organization, user, key, hashBytes(hashKeyText(text))],
    )
  } finally {
    await client.end()
  }
  return text
}

async function makeWorld(key: string): Promise<World> {
  const node = { id: "a", name: "A", type: "FreddyLLM", parameters: { model: "gpt-4o" } }
  const workflow = await call("POST", "/v1/workflows", { key, body: { name: "World", definition: { nodes: [node] } } })
  const promoted = await call("POST", `/v1/workflows/${workflow.body.id}/promote-to-assistant`, { key })
  const turn = await call("POST", "/v1/model/response", {
    key,
    body: { assistant_id: promoted.body.assistant_id, inputs: [{ role: "user", content: "Hello" }] },
  })
  const organization = (await call("GET", "/v1/organizations", { key })).body.organizations[0].id
  const made = await call("POST", `/v1/organizations/${organization}/api-keys`, {
    key,
    body: { key_name: "K", scopes: ["chat"] },
  })
  const question = { id: "q", name: "Q", type: "Ask", parameters: { message: "Which?" } }
  const asking = await call("POST", "/v1/workflows", {
    key,
    body: { name: "Asking", definition: { nodes: [question] } },
  })
  const paused = await call("POST", `/v1/workflows/${asking.body.id}/execute`, { key })
  const credential = await call("POST", "/v1/credentials", { key, body: bodies.createCredential?.() ?? {} })
  const ids = {
    workflow_id: workflow.body.id,
    assistant_id: promoted.body.assistant_id,
    thread_id: turn.body.thread_id,
    response_id: turn.body.response_id,
    run_id: turn.body.run_id,
    message_id: turn.body.message_id,
    organization_id: organization,
    key_id: made.body.id,
    version: "1",
    name: "A",
    provider_name: "openai",
    credential_id: credential.body.id,
    pause_id: paused.body.pause.id,
  }
  return { key, ids }
}

const addressOf = (route: Route, ids: World["ids"]): string =>
  route.path.replace(/\{([^}]+)\}/g, (_whole, name: string) => ids[name] ?? "unknown")

/** A body that the call takes. */
const bodies: Readonly<Record<string, () => JsonObject>> = {
  createWorkflow: () => ({ name: "W", definition: {} }),
  importWorkflow: () => ({ document: { nodes: [], connections: {} } }),
  createAssistant: () => ({ name: `A ${Math.trunc(performance.now() * 1_000)}`, organization_id: ownOrganization }),
  createApiKey: () => ({ key_name: "K", scopes: ["chat"] }),
  createCredential: () => ({
    name: `C ${Math.trunc(performance.now() * 1_000)}`,
    type: "httpBearerAuth",
    data: { token: "t" },
  }),
  validateDefinition: () => ({ definition: {} }),
  attachAssistantWorkflow: () => ({ workflow_id: own.ids.workflow_id ?? "" }),
  answerPause: () => ({ answer: "Red" }),
  createModelResponse: () => ({ inputs: [{ role: "user", content: "Hello" }] }),
}
const bodyOf = (route: Route) => (route.body === null ? {} : { body: bodies[route.id]?.() ?? {} })

const named = routes.map((route) => [`${route.method} ${route.path}`, route] as const)
const takesIds = (route: Route): boolean => Object.values(route.params).some((rule) => rule !== "text")

describe("objects of another organization", () => {
  test.each(named.filter(([, route]) => takesIds(route)))("%s does not find them", async (_name, route) => {
    const inOrganization = "organization_id" in route.params
    const { status, body } = await call(route.method, addressOf(route, foreign.ids), bodyOf(route))
    expect([status, body.error.code]).toEqual(
      inOrganization ? [403, "ORGANIZATION_ACCESS_DENIED"] : [404, expect.stringMatching(/_NOT_FOUND$/)],
    )
    expect(body.error.code).not.toBe("ROUTE_NOT_FOUND")
    // Under the caller's own organization the foreign key is not there either.
    if (!("key_id" in route.params)) return
    const mixed = await call(
      route.method,
      addressOf(route, { ...foreign.ids, organization_id: ownOrganization }),
      bodyOf(route),
    )
    expect([mixed.status, mixed.body.error.code]).toEqual([404, "API_KEY_NOT_FOUND"])
  })

  test("lists show none of them", async () => {
    for (const path of [
      "/v1/workflows",
      `/v1/assistants?organization_id=${ownOrganization}`,
      "/v1/threads",
      "/v1/runs",
      "/v1/organizations",
      "/v1/credentials",
    ]) {
      const text = JSON.stringify((await call("GET", path)).body)
      for (const id of Object.values(foreign.ids).filter((one) => one.includes("_")))
        expect(text, path).not.toContain(id)
    }
  })
})

test("a given organization that is not the key's is 403 on every call that needs a key", async () => {
  for (const route of routes) {
    // Our own calls do not know the field in their query, and say so first.
    if (route.scopes === "public" || (route.unknownQuery === "refuse" && !("organization_id" in route.query.shape)))
      continue
    const path = `${addressOf(route, own.ids)}?organization_id=${foreign.ids.organization_id}`
    const { status, body } = await call(route.method, path, bodyOf(route))
    expect([route.id, status, body.error?.code]).toEqual([route.id, 403, "ORGANIZATION_ACCESS_DENIED"])
  }
})

test("ids have their documented prefix and 32 lower-case hex digits", async () => {
  const nouns = {
    workflow_id: "workflow",
    assistant_id: "assistant",
    thread_id: "thread",
    response_id: "response",
    run_id: "run",
    message_id: "message",
    organization_id: "organization",
    key_id: "apiKey",
    credential_id: "credential",
  } as const
  for (const [name, noun] of Object.entries(nouns)) expect(isId(noun, own.ids[name] ?? ""), name).toBe(true)
  expect(Object.values(idPrefixes).sort()).toEqual(
    ["org", "usr", "ak", "flow", "asst", "thread", "msg", "resp", "run", "pause", "req", "cred", "log"].sort(),
  )
  for (const { id } of (await call("GET", "/v1/models")).body.models) expect(id).toMatch(/^mdl_[0-9a-f]{32}$/)
})

test("times are Unix seconds in workflows, assistants and audit rows, and ISO 8601 UTC with Z elsewhere", async () => {
  const nowSeconds = Math.trunc(performance.timeOrigin / 1_000)
  const seconds: readonly unknown[] = [
    (await call("GET", `/v1/workflows/${own.ids.workflow_id}`)).body.created_at,
    (await call("GET", `/v1/workflows/${own.ids.workflow_id}/versions/1`)).body.created_at,
    (await call("GET", `/v1/assistants/${own.ids.assistant_id}`)).body.updated_at,
    (await call("GET", `/v1/assistants/${own.ids.assistant_id}/history`)).body.audit_logs[0]?.timestamp ?? nowSeconds,
  ]
  for (const time of seconds) {
    expect(Number.isInteger(time)).toBe(true)
    expect(Math.abs(Number(time) - nowSeconds)).toBeLessThan(86_400)
  }
  const { organization_id: organization, key_id: key, thread_id: thread, run_id: run } = own.ids
  const instants: readonly unknown[] = [
    (await call("GET", `/v1/threads/${thread}`)).body.created_at,
    (await call("GET", `/v1/threads/${thread}/messages`)).body.data[0].created_at,
    (await call("GET", `/v1/organizations/${organization}/api-keys/${key}`)).body.created_at,
    (await call("GET", `/v1/organizations/${organization}`)).body.updated_at,
    (await call("GET", `/v1/runs/${run}`)).body.finished_at,
    (await call("GET", `/v1/credentials/${own.ids.credential_id}`)).body.created_at,
    (await call("GET", "/v1/nothing")).body.error.timestamp,
  ]
  for (const time of instants) expect(time).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/)
})

test("JSON is kept as it was sent: order of keys, NUL, lone surrogates, other languages' words", async () => {
  const text =
    '{"z": {"b": 1, "a": [1e21, -0.5, "\\u0000", "\\ud800"], "\\udfff": null}, "nodes": [], "constructor": {"2": 1, "1": 2}, "": "=1"}'
  const definition = JSON.parse(text)
  const made = await call("POST", "/v1/workflows", { body: { name: "Kept", definition } })
  const read = await call("GET", `/v1/workflows/${made.body.id}`)
  for (const { body } of [made, read]) expect(JSON.stringify(body.definition)).toBe(JSON.stringify(definition))
  const content = "a\u0000b \ud800 \u{1f600}"
  const answer = await call("POST", "/v1/model/response", { body: { inputs: [{ role: "user", content }] } })
  const messages = await call("GET", `/v1/threads/${answer.body.thread_id}/messages?order=asc`)
  expect(messages.body.data.map((message: { content: string }) => message.content)).toContain(content)
  for (const name of ["a\u0000b", "\ud800"]) {
    const refused = await call("POST", "/v1/workflows", { body: { name, definition } })
    expect([refused.status, refused.body.error.details.fields[0].field]).toEqual([422, "name"])
  }
})

test("a call that is repeated under its key gets an answer with such text again as it was", async () => {
  const request = {
    body: { name: "Kept", definition: { text: "\u0000\ud800", z: 1, a: 2 } },
    headers: { "idempotency-key": "kept" },
  }
  const [first, again] = [await call("POST", "/v1/workflows", request), await call("POST", "/v1/workflows", request)]
  expect(again.headers.get("idempotent-replayed")).toBe("true")
  expect(JSON.stringify(again.body)).toBe(JSON.stringify(first.body))
})

test("an unknown field of a body is 422 on every call but the documented exception", async () => {
  for (const route of routes) {
    if (route.body === null) continue
    const body = { ...bodies[route.id]?.(), surely_unknown: 1 }
    const { status, body: answer } = await call(route.method, addressOf(route, own.ids), { body })
    if (route.id === "createModelResponse") expect(status).toBe(200)
    else
      expect([route.id, status, answer.error.details.fields?.[0]]).toMatchObject([
        route.id,
        422,
        { field: "surely_unknown", code: "unknown_field" },
      ])
  }
})

test("an unknown query field is ignored on documented calls and 422 on our own", async () => {
  for (const route of routes.filter(({ method }) => method === "GET")) {
    const required = "organization_id" in route.query.shape ? `&organization_id=${ownOrganization}` : ""
    const answer = await server.client.send("GET", `${addressOf(route, own.ids)}?surely_unknown=1${required}`)
    await answer.body?.cancel()
    expect([route.id, answer.status]).toEqual([route.id, route.unknownQuery === "refuse" ? 422 : 200])
  }
})

test("lists take 1 to 100 and an offset from 0, and have 50 or, where there are cursors, 20", async () => {
  for (const route of routes.filter(
    ({ method, query }) => method === "GET" && "limit" in query.shape && !("starting_after" in query.shape),
  )) {
    const path = `${addressOf(route, own.ids)}?${"organization_id" in route.query.shape ? `organization_id=${ownOrganization}&` : ""}`
    const ask = async (query: string) => (await call("GET", `${path}${query}`)).status
    for (const query of ["limit=0", "limit=101", "limit=-1", "limit=1.5", "limit=x", "limit="])
      expect([route.id, query, await ask(query)]).toEqual([route.id, query, 422])
    for (const query of ["limit=1", "limit=100"])
      expect([route.id, query, await ask(query)]).toEqual([route.id, query, 200])
    const paging = "offset" in route.query.shape ? "offset" : "skip" in route.query.shape ? "skip" : null
    if (paging !== null) expect([await ask(`${paging}=-1`), await ask(`${paging}=0`)]).toEqual([422, 200])
    const { body } = await call("GET", path)
    expect([route.id, body.limit ?? body.pagination?.limit ?? "cursors"]).toEqual([
      route.id,
      "after" in route.query.shape ? (body.limit ?? "cursors") : 50,
    ])
    if ("after" in route.query.shape && body.limit !== undefined) expect(body.limit).toBe(20)
  }
})

test("every 201 has a Location that can be read, of promotion the assistant", async () => {
  const workflow = await call("POST", "/v1/workflows", {
    body: { name: "Located", definition: { nodes: [{ id: "a", name: "A", type: "FreddyLLM" }] } },
  })
  const promoted = await call("POST", `/v1/workflows/${workflow.body.id}/promote-to-assistant`, {
    body: { name: "Located" },
  })
  expect(promoted.headers.get("location")).toBe(`/v1/assistants/${promoted.body.assistant_id}`)
  const plain = await call("POST", "/v1/assistants", { body: { name: "To convert", organization_id: ownOrganization } })
  const made = [
    workflow,
    await call("POST", "/v1/workflows/import", { body: { document: { nodes: [], connections: {} } } }),
    promoted,
    plain,
    await call("POST", `/v1/assistants/${plain.body.id}/convert-to-workflow`),
    await call("POST", "/v1/threads", { body: {} }),
    await call("POST", `/v1/organizations/${ownOrganization}/api-keys`, { body: { key_name: "K", scopes: ["chat"] } }),
    await call("POST", "/v1/credentials", { body: bodies.createCredential?.() ?? {} }),
  ]
  expect(made).toHaveLength(routes.filter(({ answers }) => answers[201] !== undefined).length)
  for (const { status, headers } of made) {
    expect(status).toBe(201)
    expect((await call("GET", headers.get("location") ?? "")).status).toBe(200)
  }
})

test("an ETag is a revision that a change raises, and If-Match is honoured wherever one is given out", async () => {
  for (const path of [
    `/v1/workflows/${own.ids.workflow_id}`,
    `/v1/assistants/${own.ids.assistant_id}`,
    `/v1/threads/${own.ids.thread_id}`,
    `/v1/organizations/${ownOrganization}`,
    `/v1/organizations/${ownOrganization}/api-keys/${own.ids.key_id}`,
  ]) {
    const tag = (await call("GET", path)).headers.get("etag") ?? ""
    expect(tag).toMatch(/^"\d+"$/)
    const field = path.includes("threads") ? "title" : path.includes("api-keys") ? "key_name" : "name"
    const change = (to: string, match: string) =>
      call("PATCH", path, { body: { [field]: to }, headers: { "if-match": match } })
    const changed = await change("Changed", tag)
    expect([path, changed.status]).toEqual([path, 200])
    expect(changed.headers.get("etag")).not.toBe(tag)
    expect((await change("Changed again", tag)).status).toBe(409)
    expect((await call("GET", path)).body[field]).toBe("Changed")
    expect((await change("By anybody", "*")).status).toBe(200)
  }
})

test.each(named.filter(([, route]) => takesIfMatch(route)))(
  "%s does nothing under an If-Match that is not current",
  async (_name, route) => {
    const query = "organization_id" in route.query.shape ? `?organization_id=${ownOrganization}` : ""
    const { status, body } = await call(route.method, `${addressOf(route, own.ids)}${query}`, {
      ...bodyOf(route),
      headers: { "if-match": '"987654321"' },
    })
    expect([status, body.error?.code]).toEqual([409, "VERSION_CONFLICT"])
    expect(errorsOf(route)).toContain("VERSION_CONFLICT")
  },
)

test("what is documented and not supported yet is taken at its default and refused otherwise, with its name", async () => {
  const make = (fields: JsonObject) =>
    call("POST", "/v1/assistants", { body: { ...bodies.createAssistant?.(), ...fields } })
  for (const [field, standard, other] of [
    ["access_users", [], ["usr_1"]],
    ["vector_store_ids", [], ["vs_1"]],
    ["rule_ids", null, ["rule_1"]],
    ["moderation_enabled", false, true],
  ] as const) {
    expect([field, (await make({ [field]: standard })).status]).toEqual([field, 201])
    const refused = await make({ [field]: other })
    expect([field, refused.status, refused.body.error.code, refused.body.error.details.field]).toEqual([
      field,
      422,
      "UNSUPPORTED_PARAMETER",
      field,
    ])
  }
})

test("links that are handed out begin with the public address", async () => {
  expect(
    (await server.client.call("GET", "/openapi.json", { key: null, headers: { "x-forwarded-host": "evil.example" } }))
      .body.servers,
  ).toEqual([{ url: "https://brevet.example" }])
})

test("other documented groups are 404 ROUTE_NOT_FOUND", async () => {
  for (const path of ["/v1/files", "/v1/vector-stores", "/v1/spaces", "/v1/rules", "/v2/workflows", "/"]) {
    const { status, body } = await call("GET", path)
    expect([path, status, body.error.code]).toEqual([path, 404, "ROUTE_NOT_FOUND"])
  }
})
