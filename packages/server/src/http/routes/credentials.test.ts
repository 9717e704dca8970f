import { randomBytes } from "node:crypto"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openSqlPool } from "../../adapters/store/postgres/sql.ts"
import { StartProblem } from "../../start-problem.ts"
import { startTestServer, type TestResponse, type TestServer } from "../../testing/server.ts"
import { ContractClient } from "../../testing/talk.ts"

const secret = "sk-very-secret-9f8e7d"
const asked: IncomingMessage[] = []
/** Stands for a provider: it takes the secret as a bearer token, and redirects where it is told to. */
const provider = createServer((request, response) => {
  asked.push(request)
  const url = new URL(request.url ?? "/", "http://x")
  const to = url.searchParams.get("to")
  if (to !== null) return response.writeHead(302, { location: to }).end()
  response.writeHead(request.headers.authorization === `Bearer ${secret}` ? 200 : 401).end()
})
let server: TestServer
let client: ContractClient
let [home, hosts] = ["", ""]

beforeAll(async () => {
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve))
  hosts = `127.0.0.1:${(provider.address() as AddressInfo).port}`
  home = `http://${hosts}`
  server = await startTestServer({ BREVET_OUTBOUND_ALLOW: hosts })
  client = new ContractClient(server.client.url)
})
afterAll(async () => {
  await server.close()
  await new Promise((resolve) => provider.close(resolve))
})

const bearer = (name: string, fields: JsonObject = {}): JsonObject => ({
  name,
  type: "httpBearerAuth",
  data: { token: secret },
  ...fields,
})
const create = (body: JsonObject): Promise<TestResponse> => client.call("POST", "/v1/credentials", { body })
const change = (id: string, body: JsonObject, headers = {}): Promise<TestResponse> =>
  client.call("PATCH", `/v1/credentials/${id}`, { body, headers })
const trial = (id: string, body: JsonObject = {}): Promise<TestResponse> =>
  client.call("POST", `/v1/credentials/${id}/test`, { body })

describe("a credential", () => {
  it("is created, read, changed and deleted, and its data never comes back", async () => {
    const made = await create(bearer("First", { allowed_hosts: ["API.example.com", "*.example.org:8443"] }))
    expect(made.status).toBe(201)
    expect(made.headers.get("location")).toBe(`/v1/credentials/${made.body.id}`)
    expect(made.body).toMatchObject({
      name: "First",
      type: "httpBearerAuth",
      allowed_hosts: ["api.example.com", "*.example.org:8443"],
      readable: true,
    })
    const changed = await change(made.body.id, { name: "Renamed", data: { token: `${secret}2` }, allowed_hosts: null })
    expect(changed.body).toMatchObject({ name: "Renamed", allowed_hosts: null })
    const listed = await client.get("/v1/credentials?type=httpBearerAuth&name=renamed")
    expect(listed.credentials.map(({ id }: { id: string }) => id)).toEqual([made.body.id])
    const shown = JSON.stringify([made.body, changed.body, listed, await client.get(`/v1/credentials/${made.body.id}`)])
    expect(shown).not.toContain(secret)
    expect((await client.call("DELETE", `/v1/credentials/${made.body.id}`)).status).toBe(204)
    expect((await client.call("GET", `/v1/credentials/${made.body.id}`)).body.error.code).toBe("CREDENTIAL_NOT_FOUND")
  })

  it("is nowhere in the store as it is, neither in its row nor in audit rows and marks", async () => {
    const made = await client.call("POST", "/v1/credentials", {
      body: bearer("Sealed"),
      headers: { "idempotency-key": "seal" },
    })
    await change(made.body.id, { data: { token: `${secret}-other` } })
    const pool = openSqlPool({ connectionString: server.connectionString }, { connectionsMax: 1 })
    for (const table of ["credentials", "audit_logs", "idempotency_keys", "secret_key_checks"]) {
      const rows = await pool.rows<Record<string, unknown>>({ text: `SELECT * FROM ${table}` })
      expect(rows.length, table).toBeGreaterThan(0)
      const bytes = rows
        .flatMap((row) => Object.values(row))
        .map((value) => (Buffer.isBuffer(value) ? value : Buffer.from(String(value))))
      expect(
        bytes.some((value) => value.includes(secret)),
        table,
      ).toBe(false)
      expect(JSON.stringify(rows)).not.toContain(secret)
    }
    const changes = await pool.rows<{ action: string; changes: string }>({
      text: "SELECT action, changes FROM audit_logs WHERE resource_id = $1 ORDER BY created_at, id",
      values: [uuidOf(made.body.id)],
    })
    await pool.close()
    expect(changes.map(({ action }) => action)).toEqual(["created", "updated"])
    expect(JSON.stringify(changes[1]?.changes)).toContain("sealed anew")
  })

  it("has a name of its own among those of its type", async () => {
    const first = await create(bearer("Taken"))
    const again = await create(bearer("  TAKEN "))
    expect([again.status, again.body.error.code]).toEqual([409, "CREDENTIAL_NAME_CONFLICT"])
    expect(again.body.error.details).toMatchObject({ credential_id: first.body.id })
    const other = await create({ name: "Taken", type: "httpHeaderAuth", data: { name: "X-Key", value: secret } })
    expect(other.status).toBe(201)
    const second = await create(bearer("Free"))
    expect((await change(second.body.id, { name: "taken" })).body.error.code).toBe("CREDENTIAL_NAME_CONFLICT")
    const many = await Promise.all(Array.from({ length: 8 }, () => create(bearer("Raced"))))
    expect(many.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
  })

  it("is not changed by what it is already, and not over a revision that is old", async () => {
    const made = await create(bearer("Same", { allowed_hosts: ["example.com"] }))
    const tag = made.headers.get("etag") ?? ""
    const same = await change(
      made.body.id,
      bearer("Same", { allowed_hosts: ["EXAMPLE.com"], type: undefined as never }),
    )
    expect([same.status, same.headers.get("etag")]).toEqual([200, tag])
    const newer = await change(made.body.id, { name: "Newer" }, { "if-match": tag })
    expect([newer.status, newer.body.error]).toEqual([200, undefined])
    const late = await change(made.body.id, { name: "Newest" }, { "if-match": tag })
    expect([late.status, late.body.error.code]).toEqual([409, "VERSION_CONFLICT"])
    const gone = await client.call("DELETE", `/v1/credentials/${made.body.id}`, { headers: { "if-match": tag } })
    expect(gone.body.error.code).toBe("VERSION_CONFLICT")
  })

  it.each<[string, JsonObject, string]>([
    ["a type that is none", { type: "slackOAuth9" }, "type"],
    ["data without what the type needs", { data: {} }, "data.token"],
    ["data of another type", { data: { token: "t", user: "u" } }, "data.user"],
    ["data that is a number", { data: { token: 5 } }, "data.token"],
    ["a line break in what becomes a header", { data: { token: "a\r\nx-injected: 1" } }, "data.token"],
    ["data beyond its size", { data: { token: "x".repeat(70_000) } }, "data"],
    ["hosts with a scheme", { allowed_hosts: ["https://example.com"] }, "allowed_hosts.0"],
    ["hosts with a path", { allowed_hosts: ["example.com/a"] }, "allowed_hosts.0"],
    ["hosts with a user", { allowed_hosts: ["a@example.com"] }, "allowed_hosts.0"],
    ["everything below a top level", { allowed_hosts: ["*.com"] }, "allowed_hosts.0"],
    ["any host at all", { allowed_hosts: ["*"] }, "allowed_hosts.0"],
    ["no host", { allowed_hosts: [] }, "allowed_hosts"],
    ["a blank name", { name: " " }, "name"],
  ])("is refused with %s, and the refusal does not repeat what was sent", async (_what, fields, field) => {
    const { status, body } = await create(bearer("Refused", fields))
    expect([status, body.error.details.fields[0].field]).toEqual([422, field])
    expect(JSON.stringify(body)).not.toContain("x-injected")
    expect(JSON.stringify(body)).not.toContain(secret)
  })
})

describe("trying a credential", () => {
  it("says what the other side said, and sends the secret nowhere else", async () => {
    const made = await create(bearer("Tried", { allowed_hosts: [hosts] }))
    expect((await trial(made.body.id, { url: home })).body).toMatchObject({ success: true, status: 200 })
    await change(made.body.id, { data: { token: "wrong" } })
    expect((await trial(made.body.id, { url: home })).body).toMatchObject({ success: false, status: 401 })
    const before = asked.length
    const elsewhere = await trial(made.body.id, { url: "http://127.0.0.1:1/" })
    expect(elsewhere.body).toMatchObject({ success: false, status: null })
    await change(made.body.id, { allowed_hosts: ["example.com"] })
    expect((await trial(made.body.id, { url: home })).body.message).toContain("allowed_hosts")
    expect(asked).toHaveLength(before)
  })

  it("needs an address for a type of no provider, and hosts for an address", async () => {
    const made = await create(bearer("Unbound"))
    for (const body of [{}, { url: home }]) {
      const refused = await trial(made.body.id, body)
      expect([refused.status, refused.body.error.details.fields[0].field]).toEqual([422, "url"])
    }
    const own = await create({ name: "Own", type: "openAiApi", data: { apiKey: secret, url: home } })
    expect((await trial(own.body.id)).body).toMatchObject({ success: true, status: 200 })
    expect(asked.at(-1)?.url).toBe("/models")
  })
})

describe("validation", () => {
  const report = async (nodes: readonly JsonObject[]): Promise<string[]> => {
    const { body } = await client.call("POST", "/v1/workflows/validate", {
      body: { definition: { nodes: [...nodes] } },
    })
    const all: { code: string; node: string }[] = body.findings
    return all.filter(({ code }) => code.startsWith("CREDENTIAL")).map(({ code, node }) => `${node}: ${code}`)
  }
  const node = (name: string, credentials: JsonObject, parameters: JsonObject = {}): JsonObject => ({
    id: name,
    name,
    type: "n8n-nodes-base.set",
    typeVersion: 3.4,
    credentials,
    parameters,
  })

  it("tells of credentials that are not here, and of those that an expression could send anywhere", async () => {
    const loose = await create(bearer("Loose"))
    await create(bearer("Bound", { allowed_hosts: ["example.com"] }))
    const url = "={{ $json.url }}"
    const found = await report([
      node("missing", { httpBearerAuth: { id: "1", name: "Nobody" } }),
      node("unknown", { slackOAuth9: { name: "x" } }),
      node("server", { openAiApi: { id: "7", name: "Account" } }),
      node("loose", { httpBearerAuth: { id: loose.body.id } }, { url }),
      node("loose but fixed", { httpBearerAuth: { name: "loose" } }, { url: "https://example.com" }),
      node("bound", { httpBearerAuth: { id: "99", name: "Bound" } }, { url }),
    ])
    expect(found).toEqual([
      "missing: CREDENTIAL_MISSING",
      "unknown: CREDENTIAL_TYPE_UNKNOWN",
      "server: CREDENTIAL_OF_SERVER",
      "loose: CREDENTIAL_UNBOUND",
    ])
  })
})

describe("the secret key", () => {
  const key = (): string => randomBytes(32).toString("base64")
  const readable = async ({ client: other }: TestServer): Promise<boolean[]> => {
    const { body } = await other.call("GET", "/v1/credentials")
    return body.credentials.map((credential: { readable: boolean }) => credential.readable)
  }

  it("is changed by giving the old one as the previous; after that start the old one is not needed any more", async () => {
    const [old, next] = [key(), key()]
    const first = await startTestServer({ BREVET_SECRET_KEY: old })
    const settings = { DATABASE_URL: first.connectionString }
    await first.client.call("POST", "/v1/credentials", { body: bearer("Kept") })
    const organization = (await first.client.call("GET", "/v1/organizations")).body.organizations[0].id
    const provider = `/v1/organizations/${organization}/providers`
    await first.client.call("PATCH", `${provider}/anthropic`, { body: { api_key: secret } })
    await first.server.close()
    const turned = await startTestServer({ ...settings, BREVET_SECRET_KEY: next, BREVET_SECRET_KEY_PREVIOUS: old })
    expect(await readable(turned)).toEqual([true])
    await turned.server.close()
    await expect(startTestServer({ ...settings, BREVET_SECRET_KEY: old })).rejects.toThrow(StartProblem)
    await expect(startTestServer(settings)).rejects.toThrow(StartProblem)
    const later = await startTestServer({ ...settings, BREVET_SECRET_KEY: next })
    expect(await readable(later)).toEqual([true])
    const providers: { provider_name: string; source: string }[] = (await later.client.call("GET", provider)).body
    expect(providers.find(({ provider_name }) => provider_name === "anthropic")?.source).toBe("organization")
    for (const opened of [later, turned, first]) await opened.close()
  })

  it("has to be a setting where several processes share a store", async () => {
    const first = await startTestServer()
    const second = await startTestServer({ DATABASE_URL: first.connectionString })
    const refused = await second.client.call("POST", "/v1/credentials", { body: bearer("Lonely") })
    expect([refused.status, refused.body.error.code]).toEqual([503, "SERVICE_UNAVAILABLE"])
    expect(refused.body.error.system_message).toContain("BREVET_SECRET_KEY")
    await second.close()
    await first.close()
  })
})
