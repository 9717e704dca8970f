/** Webhooks over HTTP: their addresses, what a request brings, who may call, and when they are there. */
import { createHmac } from "node:crypto"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, until, useTalkServer, workflow } from "../testing/talk.ts"
import { hook, makeTriggerClient } from "../testing/triggers.ts"

const talk = useTalkServer({ BREVET_TRIGGER_BODY_BYTES_MAX: "100000" })
const { arm, store, send, runsOf } = makeTriggerClient(talk)

/** Answers with the item that the webhook gives. */
const echo = (parameters: JsonObject, rest: JsonObject = {}): JsonObject =>
  workflow([hook({ responseMode: "lastNode", ...parameters }, rest)])
const post = (body: string, type = "application/json") => ({ method: "POST", body, headers: { "content-type": type } })
const setActive = (id: string, { to }: { to: boolean }) =>
  talk.client.call("PATCH", `/v1/workflows/${id}`, { body: { is_active: to } })

describe("the address of a webhook", () => {
  it("is there from the moment at which the workflow is armed until it is disarmed, changed or deleted", async () => {
    const id = await store(echo({ path: "life" }))
    expect((await send("/webhook/life")).json.error.code).toBe("ROUTE_NOT_FOUND")
    await setActive(id, { to: true })
    expect((await send("/webhook/life")).status).toBe(200)
    await setActive(id, { to: false })
    expect((await send("/webhook/life")).status).toBe(404)
    await setActive(id, { to: true })
    expect((await send("/webhook/life/")).status).toBe(200)
    await talk.client.call("PATCH", `/v1/workflows/${id}`, { body: { definition: echo({ path: "other" }) } })
    expect([(await send("/webhook/life")).status, (await send("/webhook/other")).status]).toEqual([404, 200])
    await talk.client.call("DELETE", `/v1/workflows/${id}`)
    expect((await send("/webhook/other")).status).toBe(404)
  })

  it("is armed by a definition that says so", async () => {
    await store({ ...echo({ path: "self-armed" }), active: true })
    expect((await send("/webhook/self-armed")).status).toBe(200)
  })

  it("runs the newest version", async () => {
    const said = (text: string): JsonObject =>
      echo({ path: "newest", responseMode: "onReceived", options: { responseData: text } })
    const id = await arm(said("first"))
    expect((await send("/webhook/newest")).text).toBe("first")
    await talk.client.call("PATCH", `/v1/workflows/${id}`, { body: { definition: said("second") } })
    expect((await send("/webhook/newest")).text).toBe("second")
  })

  it("has parameters, and a path without them goes first", async () => {
    await arm(echo({ path: "/orders/:id/items/:item/" }))
    await arm(echo({ path: "orders/new/items/:item" }))
    expect((await send("/webhook/orders/1%2F7/items/%C3%A4")).json.params).toEqual({ id: "1/7", item: "ä" })
    expect((await send("/webhook/orders/new/items/3")).json.params).toEqual({ item: "3" })
    for (const path of [
      "orders",
      "orders/1/items",
      "orders/1/items/2/3",
      "orders//items/2",
      "orders/1/items/%E0%A4%A",
    ]) {
      expect((await send(`/webhook/${path}`)).status).toBeGreaterThanOrEqual(400)
    }
  })

  it("is the name that n8n gave it where it says no path, and below that name where it has parameters", async () => {
    await arm(echo({}, { webhookId: "4f0e-made-by-n8n" }))
    await arm(echo({ path: "users/:id" }, { webhookId: "77-made-by-n8n" }))
    expect((await send("/webhook/4f0e-made-by-n8n")).status).toBe(200)
    expect((await send("/webhook/77-made-by-n8n/users/9")).json.params).toEqual({ id: "9" })
    expect((await send("/webhook/users/9")).json.params).toEqual({ id: "9" })
  })

  it("takes its own methods alone, and says which", async () => {
    await arm(echo({ path: "put-it", httpMethod: "PUT" }))
    const { status, headers, json } = await send("/webhook/put-it", post("{}"))
    expect([status, headers.get("allow"), json.error.code]).toEqual([405, "PUT", "METHOD_NOT_ALLOWED"])
    expect((await send("/webhook/put-it", { method: "PUT" })).status).toBe(200)
  })

  it("leads to an output for each method", async () => {
    const set = (name: string) => ({
      ...node(name, "n8n-nodes-base.set", { mode: "raw", jsonOutput: JSON.stringify({ by: name }) }),
      typeVersion: 3.4,
    })
    const definition = workflow(
      [
        hook({ path: "many", multipleMethods: true, httpMethod: ["GET", "POST"], responseMode: "lastNode" }),
        set("G"),
        set("P"),
      ],
      [
        ["Hook", "G", 0],
        ["Hook", "P", 1],
      ],
    )
    await arm(definition)
    expect([(await send("/webhook/many")).json, (await send("/webhook/many", post("{}"))).json]).toEqual([
      { by: "G" },
      { by: "P" },
    ])
  })

  it("is one workflow's: whoever arms another one there is refused, and nothing changes", async () => {
    const first = await arm(echo({ path: "mine/:a" }))
    const second = await store(echo({ path: "mine/:b", httpMethod: "GET" }))
    const refused = await setActive(second, { to: true })
    expect([refused.status, refused.body.error.code, refused.body.error.details]).toEqual([
      409,
      "WEBHOOK_PATH_CONFLICT",
      { method: "GET", path: "mine/:b", workflow_id: first },
    ])
    expect((await talk.client.get(`/v1/workflows/${second}`)).triggers_armed).toBe(false)
    const created = await talk.client.call("POST", "/v1/workflows", {
      body: { name: "Third", definition: { ...echo({ path: "mine/:c" }), active: true } },
    })
    expect(created.body.error.code).toBe("WEBHOOK_PATH_CONFLICT")
    // Another method is another address, and what is freed can be taken.
    await arm(echo({ path: "mine/:a", httpMethod: "POST" }))
    await setActive(first, { to: false })
    expect((await setActive(second, { to: true })).status).toBe(200)
  })

  it("is not two nodes' of one workflow", async () => {
    const id = await store(workflow([hook({ path: "twice" }), { ...hook({ path: "twice/" }), name: "Again" }]))
    expect((await setActive(id, { to: true })).body.error.code).toBe("WEBHOOK_PATH_CONFLICT")
  })

  it("goes to one of many who want it at the same moment", async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => store(echo({ path: "wanted" }))))
    const statuses = (await Promise.all(ids.map((id) => setActive(id, { to: true })))).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([200, ...Array(7).fill(409)])
  })

  it("is listed with the workflow", async () => {
    const id = await arm(
      workflow([hook({ path: "listed", httpMethod: "POST" }), { ...hook({ path: "" }), name: "Nowhere" }]),
    )
    const url = talk.client.url
    expect(await talk.client.get(`/v1/workflows/${id}/triggers`)).toEqual({
      armed: true,
      listening_until: null,
      triggers: [
        {
          node: "Hook",
          kind: "webhook",
          method: "POST",
          path: "listed",
          url: `${url}/webhook/listed`,
          test_url: `${url}/webhook-test/listed`,
        },
      ],
    })
    const { findings } = (await talk.client.call("POST", `/v1/workflows/${id}/validate`)).body
    expect(findings).toContainEqual(expect.objectContaining({ code: "TRIGGER_PATH_MISSING", node: "Nowhere" }))
  })
})

describe("what a request brings", () => {
  it("is the documented item, and the run is one as all others", async () => {
    const id = await arm(echo({ path: "item", httpMethod: "POST" }))
    const { json, headers } = await send("/webhook/item?a=1&b=2&b=3&c[]=4", {
      ...post('{"deep":{"x":[1,null]}}'),
      headers: { "content-type": "application/json", "X-Mine": "7" },
    })
    expect(json).toEqual({
      headers: expect.objectContaining({ "x-mine": "7", "content-type": "application/json" }),
      params: {},
      query: { a: "1", b: ["2", "3"], c: ["4"] },
      body: { deep: { x: [1, null] } },
      webhookUrl: `${talk.client.url}/webhook/item`,
      executionMode: "production",
    })
    const [run] = await runsOf(id)
    expect(run).toMatchObject({ status: "completed", mode: "production", workflow_version: 1 })
    expect(headers.get("x-request-id")).toMatch(/^req_/)
  })

  it.each([
    ["application/json", "[1,2]", [1, 2]],
    ["application/vnd.x+json; charset=utf-8", '"text"', "text"],
    ["application/json", " ", {}],
    ["application/x-www-form-urlencoded", "a=1&b=x%20y&b=z", { a: "1", b: ["x y", "z"] }],
    ["text/plain", "grüezi", "grüezi"],
    ["application/xml", "<a/>", "<a/>"],
  ])("has a body of %s: %s", async (type, body, wanted: JsonValue) => {
    const id = await arm(echo({ path: "bodies", httpMethod: "POST" }))
    expect((await send("/webhook/bodies", post(body, type))).json.body).toEqual(wanted)
    await setActive(id, { to: false })
  })

  it.each([
    ["application/json", '{"a":', "invalid_json"],
    ["application/json", '{"__proto__":{"a":1}}', "forbidden_key"],
    ["application/json", `${"[".repeat(200)}${"]".repeat(200)}`, "too_deep"],
    ["application/json", '{"a":1e400}', "not_finite"],
    ["application/x-www-form-urlencoded", "__proto__=1", "forbidden_key"],
    ["multipart/form-data; boundary=x", "no form at all", "invalid_form"],
    ["multipart/form-data", "--x--", "invalid_form"],
  ])("is refused where its body is broken: %s %s", async (type, body, code) => {
    const id = await arm(echo({ path: "broken", httpMethod: "POST" }))
    const { status, json } = await send("/webhook/broken", post(body, type))
    expect([status, json.error.code, json.error.details.fields[0].code]).toEqual([422, "VALIDATION_ERROR", code])
    expect(await runsOf(id)).toEqual([])
    await setActive(id, { to: false })
  })

  it("is refused where it is too large, before it is read", async () => {
    const id = await arm(echo({ path: "large", httpMethod: "POST" }))
    const { status, json } = await send("/webhook/large", post(JSON.stringify("x".repeat(200_000))))
    expect([status, json.error.code, await runsOf(id)]).toEqual([413, "REQUEST_TOO_LARGE", []])
  })

  it("has files beside its fields, kept apart from the run's events", async () => {
    const id = await arm(
      echo({
        path: "upload",
        httpMethod: "POST",
        responseData: "firstEntryBinary",
        responseBinaryPropertyName: "photo",
      }),
    )
    const form = new FormData()
    form.append("title", "Cat")
    form.append("photo", new Blob([new Uint8Array([0, 255, 1, 254])], { type: "image/png" }), "../../cat.png")
    form.append("notes", new Blob(["a"]), "a.txt")
    form.append("notes", new Blob(["b"]), "b.txt")
    const { bytes, headers } = await send("/webhook/upload", { method: "POST", body: form })
    expect([[...bytes], headers.get("content-type")]).toEqual([[0, 255, 1, 254], "image/png"])
    const [run] = await runsOf(id)
    const { executions } = await talk.client.get(`/v1/runs/${run.id}/nodes/Hook`)
    expect(executions[0].outputs[0][0].body).toEqual({ title: "Cat" })
    const rows = await talk.sql.rows<{ body: string }>({
      text: "SELECT body FROM events WHERE run_id = $1 ORDER BY seq",
      values: [run.id.replace("run_", "")],
    })
    const [created] = JSON.parse(rows[0]?.body ?? "[]")
    expect(Object.keys(created.items[0].binary).toSorted()).toEqual(["notes0", "notes1", "photo"])
    expect(created.items[0].binary.photo).toMatchObject({ mimeType: "image/png", fileName: "../../cat.png", bytes: 4 })
    expect(created.items[0].binary.photo.data).toBeUndefined()
  })

  it("is a file where it is nothing else, or where the node asks for the raw body", async () => {
    const raw = { responseData: "firstEntryBinary", httpMethod: "POST" }
    await arm(echo({ ...raw, path: "bytes" }))
    const bytes = new Uint8Array([1, 2, 3])
    const pdf = await send("/webhook/bytes", {
      method: "POST",
      body: bytes,
      headers: { "content-type": "application/pdf" },
    })
    expect([[...pdf.bytes], pdf.headers.get("content-type")]).toEqual([[1, 2, 3], "application/pdf"])
    await arm(echo({ ...raw, path: "raw", options: { rawBody: true } }))
    expect((await send("/webhook/raw", post('{ "a" : 1 }'))).text).toBe('{ "a" : 1 }')
  })
})

describe("who may call", () => {
  const credential = async (type: string, data: JsonObject): Promise<JsonObject> => {
    const made = await talk.client.call("POST", "/v1/credentials", {
      body: { name: `${type} ${JSON.stringify(data).length}`, type, data },
    })
    expect([made.status, made.body.error]).toEqual([201, undefined])
    return { [type]: { id: made.body.id, name: made.body.name } }
  }

  it("is whoever knows the name and password, which no item shows", async () => {
    const credentials = await credential("httpBasicAuth", { user: "ada", password: "lovelace:1" })
    const id = await arm(echo({ path: "basic", authentication: "basicAuth" }, { credentials }))
    const basic = (pair: string) => ({ headers: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` } })
    const none = await send("/webhook/basic")
    expect([none.status, none.headers.get("www-authenticate")]).toEqual([401, expect.stringContaining("Basic realm=")])
    for (const pair of ["ada:", "ada:lovelace", "eve:lovelace:1", ":", "ada"]) {
      expect((await send("/webhook/basic", basic(pair))).status).toBe(401)
    }
    expect(await runsOf(id)).toEqual([])
    const { status, json } = await send("/webhook/basic", basic("ada:lovelace:1"))
    expect([status, json.headers.authorization]).toEqual([200, undefined])
  })

  it("is whoever has the header", async () => {
    const credentials = await credential("httpHeaderAuth", { name: "X-Token", value: "s3cret-s3cret" })
    await arm(echo({ path: "header", authentication: "headerAuth" }, { credentials }))
    expect((await send("/webhook/header")).status).toBe(403)
    expect((await send("/webhook/header", { headers: { "x-token": "s3cret" } })).status).toBe(403)
    const { status, text } = await send("/webhook/header", { headers: { "x-token": "s3cret-s3cret" } })
    expect([status, text.includes("s3cret")]).toEqual([200, false])
  })

  it("is whoever has a token that is signed as the credential says, and good now", async () => {
    const credentials = await credential("jwtAuth", { secret: "signing-secret", algorithm: "HS256" })
    await arm(echo({ path: "jwt", authentication: "jwtAuth" }, { credentials }))
    const part = (value: JsonValue) => Buffer.from(JSON.stringify(value)).toString("base64url")
    const token = (head: JsonObject, claims: JsonObject, secret = "signing-secret") => {
      const signed = `${part(head)}.${part(claims)}`
      return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`
    }
    const bearer = (text: string) => send("/webhook/jwt", { headers: { authorization: `Bearer ${text}` } })
    const good = await bearer(token({ alg: "HS256" }, { sub: "ada", exp: Date.now() / 1_000 + 60 }))
    expect([good.status, good.json.jwtPayload.sub]).toEqual([200, "ada"])
    const bad = [
      token({ alg: "HS256" }, { sub: "ada" }, "another"),
      token({ alg: "none" }, { sub: "ada" }),
      token({ alg: "HS512" }, { sub: "ada" }),
      token({ alg: "HS256" }, { exp: 1 }),
      token({ alg: "HS256" }, { nbf: Date.now() / 1_000 + 600 }),
      `${part({ alg: "none" })}.${part({ sub: "ada" })}.x`,
      "a.b.c",
    ]
    for (const text of bad) expect((await bearer(text)).status).toBe(403)
    expect((await send("/webhook/jwt")).status).toBe(401)
  })

  it.each([
    ["a credential that is not there", { authentication: "headerAuth" }, { httpHeaderAuth: { name: "gone" } }],
    ["no credential", { authentication: "basicAuth" }, {}],
    ["a way that is not known", { authentication: "oAuth2" }, {}],
  ])("is nobody where the node names %s", async (_, parameters: JsonObject, credentials: JsonObject) => {
    const id = await arm(echo({ path: "nobody", ...parameters }, { credentials }))
    const answer = await send("/webhook/nobody", { headers: { authorization: "Basic Og==" } })
    expect([answer.status, await runsOf(id)]).toEqual([403, []])
    await setActive(id, { to: false })
  })

  it("is told by its address, and by whether it is a bot", async () => {
    await arm(echo({ path: "listed-callers", options: { ipWhitelist: "10.0.0.0/8, 127.0.0.1" } }))
    await arm(echo({ path: "other-callers", options: { ipWhitelist: "10.0.0.0/8,127.0.0,nonsense" } }))
    await arm(echo({ path: "people", options: { ignoreBots: true } }))
    expect((await send("/webhook/listed-callers")).status).toBe(200)
    expect((await send("/webhook/other-callers", { headers: { "x-forwarded-for": "10.0.0.1" } })).status).toBe(403)
    expect((await send("/webhook/people", { headers: { "user-agent": "Slackbot-LinkExpanding 1.0" } })).status).toBe(
      403,
    )
    expect((await send("/webhook/people", { headers: { "user-agent": "Mozilla/5.0 Firefox/130.0" } })).status).toBe(200)
  })

  it("is told to browsers by the origins that the node names", async () => {
    await arm(echo({ path: "all-origins" }))
    await arm(echo({ path: "some-origins", httpMethod: "POST", options: { allowedOrigins: "https://a.example" } }))
    const from = (origin: string) => ({ headers: { origin } })
    expect(
      (await send("/webhook/all-origins", from("https://x.example"))).headers.get("access-control-allow-origin"),
    ).toBe("*")
    const preflight = async (origin: string) => {
      const headers = { origin, "access-control-request-method": "POST", "access-control-request-headers": "x-a" }
      const answer = await send("/webhook/some-origins", { method: "OPTIONS", headers })
      return [
        answer.status,
        answer.headers.get("access-control-allow-origin"),
        answer.headers.get("access-control-allow-headers"),
      ]
    }
    expect(await preflight("https://a.example")).toEqual([204, "https://a.example", "x-a"])
    expect(await preflight("https://b.example")).toEqual([204, null, "x-a"])
  })
})

describe("the test address", () => {
  const listen = (id: string, body: JsonObject = {}) => talk.client.call("POST", `/v1/workflows/${id}/listen`, { body })

  it("is there while somebody listens, for one request, as a manual run of the newest version", async () => {
    const id = await store(echo({ path: "try" }))
    expect((await send("/webhook-test/try")).status).toBe(404)
    const { body } = await listen(id)
    expect(body).toMatchObject({ armed: false, triggers: [{ test_url: `${talk.client.url}/webhook-test/try` }] })
    expect((await send("/webhook/try")).status).toBe(404)
    const { status, json } = await send("/webhook-test/try?a=b")
    expect([status, json.executionMode, json.query]).toEqual([200, "test", { a: "b" }])
    expect((await send("/webhook-test/try")).status).toBe(404)
    expect((await runsOf(id)).map(({ mode }) => mode)).toEqual(["manual"])
  })

  it("serves one of many who come at once", async () => {
    const id = await store(echo({ path: "crowd" }))
    await listen(id)
    const answers = await Promise.all(Array.from({ length: 6 }, () => send("/webhook-test/crowd")))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 404, 404, 404, 404, 404])
    expect(await runsOf(id)).toHaveLength(1)
  })

  it("is gone when its time is over, or nobody listens any more", async () => {
    const id = await store(echo({ path: "while" }))
    await listen(id, { seconds: 1 })
    await until(async () => (await talk.client.get(`/v1/workflows/${id}/triggers`)).listening_until === null, "its end")
    expect((await send("/webhook-test/while")).status).toBe(404)
    await listen(id)
    await talk.client.call("DELETE", `/v1/workflows/${id}/listen`)
    expect((await send("/webhook-test/while")).status).toBe(404)
  })

  it("gives what was sent, whatever is pinned to the webhook, and tells its caller what went wrong", async () => {
    const stop = node("Stop", "n8n-nodes-base.stopAndError", { errorMessage: "={{ 'no ' + $json.query.what }}" })
    const definition = workflow([hook({ path: "pinned", responseMode: "lastNode" }), stop], [["Hook", "Stop"]])
    const id = await store({ ...definition, pinData: { Hook: [{ json: { query: { what: "pins" } } }] } })
    await listen(id)
    const { status, json } = await send("/webhook-test/pinned?what=way")
    expect([status, json.error.message, json.error.details.node]).toEqual([422, "no way", "Stop"])
  })
})
