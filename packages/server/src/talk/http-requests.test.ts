/** HTTP Request nodes on the whole server: what leaves for which settings, what comes of answers, and what must not happen. */
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { type HttpTarget, startHttpTarget, type TargetRequest } from "../testing/http-target.ts"
import type { TestResponse } from "../testing/server.ts"
import { node, until, useTalkServer, workflow } from "../testing/talk.ts"

const fileBytesMax = 65_536
const talk = useTalkServer({ BREVET_OUTBOUND_ALLOW: "127.0.0.1/32", BREVET_RUN_FILE_BYTES_MAX: String(fileBytesMax) })
let target: HttpTarget
/** Another origin. */
let other: HttpTarget

beforeAll(async () => {
  target = await startHttpTarget()
  other = await startHttpTarget()
})
beforeEach(() => {
  target.seen.length = 0
  other.seen.length = 0
})
afterAll(async () => {
  await target?.close()
  await other?.close()
})

const start = node("Start", "n8n-nodes-base.manualTrigger")
const http = (parameters: JsonObject, rest: JsonObject = {}): JsonObject => ({
  ...node("Http", "n8n-nodes-base.httpRequest", { url: `${target.url}/echo`, ...parameters }),
  typeVersion: 4.2,
  ...rest,
})
/** One HTTP node behind a start. */
const asked = (parameters: JsonObject, rest: JsonObject = {}): JsonObject =>
  workflow([start, http(parameters, rest)], [["Start", "Http"]])

type Ran = {
  readonly run: TestResponse["body"]
  readonly outputs: JsonObject[][]
  /** Everything that is told of the run. */
  readonly told: string
}

/** Runs a workflow with some items to its end; what its HTTP node put out. */
async function run(definition: JsonObject, items: readonly JsonObject[] = [{}]): Promise<Ran> {
  const { client } = talk
  const stored = await client.call("POST", "/v1/workflows", { body: { name: "Http", definition } })
  expect([stored.status, stored.body.error]).toEqual([201, undefined])
  const given = items.map((json) => ({ json }))
  const executed = await client.call("POST", `/v1/workflows/${stored.body.id}/execute`, { body: { items: given } })
  const { runs } = await client.get(`/v1/runs?workflow_id=${stored.body.id}`)
  const ended = await client.get(`/v1/runs/${runs[0].id}`)
  const nodes = await client.get(`/v1/runs/${ended.id}/nodes`)
  const events = await client.get(`/v1/runs/${ended.id}/events?limit=100`)
  const told = JSON.stringify([executed.body, ended, nodes, events])
  const one = nodes.nodes.find(({ name }: { name: string }) => name === "Http")
  return { run: ended, outputs: one?.executions.at(-1)?.outputs ?? [], told }
}

/** What the target was asked, once, and the run came to its end. */
async function sent(parameters: JsonObject, rest: JsonObject = {}): Promise<TargetRequest> {
  const { run: ended } = await run(asked(parameters, rest), [{ id: 7, name: "Ada & Bo", list: [1, 2] }])
  expect([ended.status, ended.error]).toEqual(["completed", null])
  expect(target.seen).toHaveLength(1)
  return target.seen[0] as TargetRequest
}

const failureOf = ({ run: ended }: Ran): string => `${ended.error?.details?.cause_code}: ${ended.error?.message}`

async function credential(type: string, data: JsonObject, fields: JsonObject = {}): Promise<JsonObject> {
  const name = `Credential ${target.seen.length} ${performance.now()}`
  const made = await talk.client.call("POST", "/v1/credentials", { body: { name, type, data, ...fields } })
  expect([made.status, made.body.error]).toEqual([201, undefined])
  return { [type]: { id: made.body.id, name } }
}

const generic = (type: string): JsonObject => ({ authentication: "genericCredentialType", genericAuthType: type })
const fields = (...pairs: [name: string, value: string][]): JsonObject => ({
  parameters: pairs.map(([name, value]) => ({ name, value })),
})

describe("a request of version 4", () => {
  const posts = { method: "POST", sendBody: true }
  it.each<[string, JsonObject, Partial<Record<"url" | "body" | "type", string>>]>([
    [
      "a form by fields",
      {
        ...posts,
        contentType: "form-urlencoded",
        bodyParameters: fields(
          ["n", "={{ $json.name }}"],
          ["l", "={{ $json.list }}"],
          ["gone", "={{ $json.nothing }}"],
        ),
      },
      { body: "n=Ada%20%26%20Bo&l%5B0%5D=1&l%5B1%5D=2", type: "application/x-www-form-urlencoded" },
    ],
    [
      "a form as text",
      { ...posts, contentType: "form-urlencoded", specifyBody: "string", body: "=a=1&b={{ $json.id }}" },
      { body: "a=1&b=7", type: "application/x-www-form-urlencoded" },
    ],
    ["raw text without a type", { ...posts, contentType: "raw", body: "plain" }, { body: "plain" }],
    [
      "JSON under a type of the node's own",
      {
        ...posts,
        specifyBody: "json",
        jsonBody: "[1]",
        sendHeaders: true,
        headerParameters: fields(["Content-Type", "application/vnd.api+json"]),
      },
      { body: "[1]", type: "application/vnd.api+json" },
    ],
    [
      "a query behind one that is there, before a fragment",
      {
        url: "=http://{{ 'HOST' }}/echo?a=1#part",
        sendQuery: true,
        queryParameters: fields(["b c", "d&e=f"], ["b c", "last"]),
      },
      { url: "/echo?a=1&b%20c=last" },
    ],
    [
      "a query as JSON, nested",
      { sendQuery: true, specifyQuery: "json", jsonQuery: { a: { b: [1, null] }, c: true } as JsonObject },
      { url: "/echo?a%5Bb%5D%5B0%5D=1&a%5Bb%5D%5B1%5D=&c=true" },
    ],
    [
      "lists repeated",
      {
        sendQuery: true,
        specifyQuery: "json",
        jsonQuery: '{"a": [1, 2]}',
        options: { queryParameterArrays: "repeat" },
      },
      { url: "/echo?a=1&a=2" },
    ],
    [
      "a text with half a character",
      { sendQuery: true, queryParameters: fields(["a", "\ud800"]) },
      { url: "/echo?a=%EF%BF%BD" },
    ],
  ])("sends %s", async (_what, parameters, expected) => {
    const text = JSON.stringify(parameters).replace("{{ 'HOST' }}", target.host)
    const request = await sent(JSON.parse(text) as JsonObject)
    const { url, body, headers } = request
    expect({ url, body: body.toString(), type: headers["content-type"] }).toMatchObject(expected)
  })

  it("leaves out headers that the connection writes, and sends a user of the address as a header", async () => {
    const headers = fields(["Content-Length", "99999"], ["Transfer-Encoding", "chunked"], ["X-Own", "yes"])
    const request = await sent({
      url: `http://al%40ice:s3cret@${target.host}/echo`,
      sendHeaders: true,
      headerParameters: headers,
    })
    expect(request.headers.authorization).toBe(`Basic ${Buffer.from("al@ice:s3cret").toString("base64")}`)
    expect(request.headers["x-own"]).toBe("yes")
    expect(request.headers["transfer-encoding"]).toBeUndefined()
    expect(request.headers["idempotency-key"]).toBeUndefined()
  })

  it.each<[string, JsonObject]>([
    [
      "a header whose value would end it",
      { sendHeaders: true, headerParameters: fields(["X-A", "1\r\nX-Injected: 2"]) },
    ],
    ["a header whose name would end it", { sendHeaders: true, headerParameters: fields(["X-A: 1\r\nX-B", "2"]) }],
    [
      "a header from an expression",
      { sendHeaders: true, headerParameters: fields(["X-A", "={{ 'a\\nX-Injected: 1' }}"]) },
    ],
    ["a method that is none", { method: "GET /\r\nX: 1" }],
    ["an address of another scheme", { url: "file:///etc/passwd" }],
    ["an address that is none", { url: "={{ 'http://' }}" }],
    ["a proxy", { options: { proxy: "http://127.0.0.1:1" } }],
    ["JSON that is none", { method: "POST", sendBody: true, specifyBody: "json", jsonBody: "{" }],
    ["a query that is a list", { sendQuery: true, specifyQuery: "json", jsonQuery: "[1]" }],
    ["a field that no object has", { method: "POST", sendBody: true, bodyParameters: fields(["__proto__.x", "1"]) }],
    [
      "a file that is not there",
      { method: "POST", sendBody: true, contentType: "binaryData", inputDataFieldName: "data" },
    ],
  ])("is not sent with %s", async (_what, parameters) => {
    const ran = await run(asked(parameters))
    expect(failureOf(ran)).toMatch(/^(NODE_SETTINGS_INVALID|HTTP_ERROR): ./)
    expect(target.seen).toEqual([])
  })
})

describe("a request of an early version", () => {
  const ui = (...pairs: [name: string, value: string][]): JsonObject => ({
    parameter: pairs.map(([name, value]) => ({ name, value })),
  })
  it.each<
    [
      string,
      { typeVersion: number; parameters: JsonObject },
      Partial<Record<"url" | "body" | "type" | "method", string>>,
    ]
  >([
    [
      "fields of a query",
      { typeVersion: 1, parameters: { queryParametersUi: ui(["q", "={{ $json.id }}"]) } },
      { url: "/echo?q=7", method: "GET" },
    ],
    [
      "fields of a body",
      { typeVersion: 1, parameters: { requestMethod: "POST", bodyParametersUi: ui(["a.b", "1"]) } },
      { body: '{"a.b":"1"}', type: "application/json", method: "POST" },
    ],
    [
      "JSON of body, query and headers",
      {
        typeVersion: 2,
        parameters: {
          requestMethod: "PUT",
          jsonParameters: true,
          bodyParametersJson: '={"id": {{ $json.id }}}',
          queryParametersJson: '{"v": 2}',
          headerParametersJson: '{"X-Own": "yes"}',
        },
      },
      { body: '{"id": 7}'.replace(" ", ""), url: "/echo?v=2", method: "PUT" },
    ],
    [
      "a form",
      {
        typeVersion: 1,
        parameters: {
          requestMethod: "POST",
          options: { bodyContentType: "form-urlencoded" },
          bodyParametersUi: ui(["a", "b c"]),
        },
      },
      { body: "a=b%20c", type: "application/x-www-form-urlencoded" },
    ],
    [
      "raw text",
      {
        typeVersion: 2,
        parameters: {
          requestMethod: "POST",
          jsonParameters: true,
          options: { bodyContentType: "raw", bodyContentCustomMimeType: "text/csv" },
          bodyParametersJson: "a,b",
        },
      },
      { body: "a,b", type: "text/csv" },
    ],
  ])("sends %s", async (_what, { typeVersion, parameters }, expected) => {
    const { url, body, headers, method } = await sent(parameters, { typeVersion })
    expect({ url, method, body: body.toString(), type: headers["content-type"] }).toMatchObject(expected)
  })

  it("fails on an answer that is no JSON unless it wants text, and follows no redirect of a POST", async () => {
    target.on(
      "/plain",
      (_request, response) => void response.writeHead(200, { "content-type": "text/plain" }).end("hi"),
    )
    target.on("/moved", (_request, response) => void response.writeHead(302, { location: "/echo" }).end())
    const url = `${target.url}/plain`
    expect(failureOf(await run(asked({ url }, { typeVersion: 1 })))).toContain("not valid JSON")
    const texts = await run(asked({ url, responseFormat: "string", dataPropertyName: "said" }, { typeVersion: 1 }))
    expect(texts.outputs).toEqual([[{ said: "hi" }]])
    const moved = await run(asked({ url: `${target.url}/moved`, requestMethod: "POST" }, { typeVersion: 2 }))
    expect(failureOf(moved)).toMatch(/^HTTP_ERROR: 302/)
  })
})

describe("a credential", () => {
  const secret = "s3cret-value-of-a-credential"
  it.each<[string, { data: JsonObject; part: (request: TargetRequest) => unknown }, unknown]>([
    [
      "httpHeaderAuth",
      { data: { name: "X-Api-Key", value: secret }, part: ({ headers }) => headers["x-api-key"] },
      secret,
    ],
    ["httpBearerAuth", { data: { token: secret }, part: ({ headers }) => headers.authorization }, `Bearer ${secret}`],
    [
      "httpBasicAuth",
      {
        data: { user: "é", password: secret },
        part: ({ headers }) => Buffer.from(String(headers.authorization).slice(6), "base64").toString(),
      },
      `é:${secret}`,
    ],
    ["httpQueryAuth", { data: { name: "key", value: secret }, part: ({ url }) => url }, `/echo?key=${secret}`],
    [
      "httpCustomAuth",
      {
        data: { json: { headers: { "X-A": secret }, qs: { b: secret }, body: { c: secret } } },
        part: ({ headers, url, body }) => [headers["x-a"], url, JSON.parse(body.toString())],
      },
      [secret, `/echo?b=${secret}`, { own: "1", c: secret }],
    ],
    [
      "openAiApi",
      { data: { apiKey: secret, organizationId: "org" }, part: ({ headers }) => headers.authorization },
      `Bearer ${secret}`,
    ],
    ["slackApi", { data: { accessToken: secret }, part: ({ headers }) => headers.authorization }, `Bearer ${secret}`],
    ["serpApi", { data: { apiKey: secret }, part: ({ url }) => url }, `/echo?api_key=${secret}`],
    [
      "twilioApi",
      { data: { authToken: secret, accountSid: "AC1" }, part: ({ headers }) => headers.authorization },
      `Basic ${Buffer.from(`AC1:${secret}`).toString("base64")}`,
    ],
  ])("of the type %s goes with the request, and is told nowhere", async (type, { data, part }, expected) => {
    const credentials = await credential(type, data)
    const way = type.startsWith("http")
      ? generic(type)
      : { authentication: "predefinedCredentialType", nodeCredentialType: type }
    const body = { method: "POST", sendBody: true, bodyParameters: fields(["own", "1"]) }
    const ran = await run(asked({ ...way, ...body }, { credentials }))
    expect(ran.run.status).toBe("completed")
    expect(part(target.seen[0] as TargetRequest)).toEqual(expected)
    // The target repeats what it was sent.
    expect(ran.outputs[0]).toHaveLength(1)
    expect(ran.told).not.toContain(secret)
    expect(ran.told).not.toContain(Buffer.from(`é:${secret}`).toString("base64"))
  })

  it("of the type httpDigestAuth answers the challenge, and nothing is sent without one", async () => {
    target.on("/digest", ({ headers, method }, response) => {
      const given = headers.authorization
      if (given === undefined) {
        const challenge = 'Digest realm="a \\"b\\"", qop="auth", nonce="n0nce", opaque="op", algorithm=SHA-256'
        return void response.writeHead(401, { "www-authenticate": challenge }).end("challenged")
      }
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ given, method }))
    })
    const credentials = await credential("httpDigestAuth", { user: "ann", password: secret })
    const ran = await run(asked({ ...generic("httpDigestAuth"), url: `${target.url}/digest` }, { credentials }))
    expect(target.seen.map(({ headers }) => headers.authorization === undefined)).toEqual([true, false])
    const given = String(ran.outputs[0]?.[0]?.given)
    expect(given).toMatch(
      /^Digest username="ann", realm="a \\"b\\"", nonce="n0nce", uri="\/digest", response="[0-9a-f]{64}"/,
    )
    expect(given).toMatch(/opaque="op", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="[0-9a-f]+"$/)
    expect(ran.told).not.toContain(secret)
  })

  it("that is missing, of a type that is not known, or not named, fails with its code before anything is sent", async () => {
    const named = { httpBearerAuth: { id: "1", name: "Nobody" } }
    const way = generic("httpBearerAuth")
    expect(failureOf(await run(asked(way, { credentials: named })))).toMatch(/^CREDENTIAL_MISSING: .*Nobody/)
    expect(failureOf(await run(asked(way)))).toMatch(/^CREDENTIAL_MISSING: /)
    expect(failureOf(await run(asked(generic("oAuth2Api"), { credentials: { oAuth2Api: { name: "x" } } })))).toMatch(
      /^CREDENTIAL_MISSING: .*oAuth2Api/,
    )
    expect(target.seen).toEqual([])
  })

  it("is sent to its own hosts and to no other, also where a redirect leads there", async () => {
    const credentials = await credential("httpBearerAuth", { token: secret }, { allowed_hosts: [other.host] })
    const way = generic("httpBearerAuth")
    expect(failureOf(await run(asked(way, { credentials })))).toMatch(/^OUTBOUND_REFUSED: .*allowed_hosts/)
    expect(target.seen).toEqual([])
    other.on("/away", (_request, response) => void response.writeHead(307, { location: `${target.url}/echo` }).end())
    other.on("/here", (_request, response) => void response.writeHead(302, { location: "/end" }).end())
    await run(asked({ ...way, url: `${other.url}/away` }, { credentials }))
    expect([other.seen[0]?.headers.authorization, target.seen[0]?.headers.authorization]).toEqual([
      `Bearer ${secret}`,
      undefined,
    ])
    await run(asked({ ...way, url: `${other.url}/here` }, { credentials }))
    expect(other.seen.at(-1)).toMatchObject({ url: "/end", headers: { authorization: `Bearer ${secret}` } })
  })

  it("in a body does not follow a redirect to another origin", async () => {
    other.on("/away", (_request, response) => void response.writeHead(307, { location: `${target.url}/echo` }).end())
    const credentials = await credential("httpCustomAuth", { json: { body: { key: secret } } })
    const body = { method: "POST", sendBody: true, specifyBody: "json", jsonBody: "{}" }
    const ran = await run(asked({ ...generic("httpCustomAuth"), ...body, url: `${other.url}/away` }, { credentials }))
    expect(failureOf(ran)).toMatch(/^OUTBOUND_REFUSED: /)
    expect(target.seen).toEqual([])
  })

  it("cannot be read by expressions, and is taken out of what a refusal repeats", async () => {
    target.on("/mirror", ({ headers }, response) => {
      response.writeHead(403, { "content-type": "text/plain" }).end(`no: ${headers.authorization}`)
    })
    const credentials = await credential("httpBearerAuth", { token: secret })
    const look = "={{ JSON.stringify([$parameter, $json, $request ?? null, $('Start').params, $credentials ?? null]) }}"
    const seen = await run(
      asked(
        { ...generic("httpBearerAuth"), sendQuery: true, queryParameters: fields(["look", look]) },
        { credentials },
      ),
    )
    expect(decodeURIComponent(target.seen[0]?.url ?? "")).not.toContain(secret)
    expect(seen.run.status).toBe("completed")
    const refused = await run(asked({ ...generic("httpBearerAuth"), url: `${target.url}/mirror` }, { credentials }))
    expect(failureOf(refused)).toContain('403 - "no: ***"')
    expect(refused.told).not.toContain(secret)
  })
})

describe("an answer", () => {
  it("with a file becomes a file, which other nodes send on as they got it", async () => {
    const bytes = Buffer.from([0, 255, 13, 10, 45, 45, 200])
    target.on("/picture", (_request, response) => {
      response.writeHead(200, {
        "content-type": "image/png",
        "content-disposition": 'attachment; filename="a/b\\"c.png"',
      })
      response.end(bytes)
    })
    const upload = {
      ...node("Http", "n8n-nodes-base.httpRequest", {
        method: "POST",
        url: `${target.url}/echo`,
        sendBody: true,
        contentType: "multipart-form-data",
        bodyParameters: {
          parameters: [
            { name: 'no"te\r\nX: 1', value: "text" },
            { parameterType: "formBinaryData", name: "file", inputDataFieldName: "data" },
          ],
        },
      }),
      typeVersion: 4.2,
    }
    const fetch = { ...http({ url: `${target.url}/picture` }), name: "Fetch", id: "fetch" }
    const plain = {
      ...http({ method: "PUT", sendBody: true, contentType: "binaryData", inputDataFieldName: "data" }),
      name: "Plain",
      id: "plain",
    }
    const wires: [string, string][] = [
      ["Start", "Fetch"],
      ["Fetch", "Http"],
      ["Fetch", "Plain"],
    ]
    const ran = await run(workflow([start, fetch, upload, plain], wires))
    expect(ran.run.status, ran.told).toBe("completed")
    const form = target.seen.find(({ method }) => method === "POST")
    const boundary = /boundary=(\S+)$/.exec(form?.headers["content-type"] ?? "")?.[1]
    expect(form?.body.toString("latin1")).toBe(
      [
        `--${boundary}`,
        'Content-Disposition: form-data; name="no%22te%0D%0AX: 1"',
        "",
        "text",
        `--${boundary}`,
        'Content-Disposition: form-data; name="file"; filename="b%22c.png"',
        "Content-Type: image/png",
        "",
        bytes.toString("latin1"),
        `--${boundary}--`,
        "",
      ].join("\r\n"),
    )
    const put = target.seen.find(({ method }) => method === "PUT")
    expect(put?.body.equals(bytes)).toBe(true)
    expect(put?.headers["content-type"]).toBe("image/png")
  })

  it.each<[string, { headers: Record<string, string>; body: Buffer | string; response?: JsonObject }, JsonObject[]]>([
    [
      "text in another character set",
      { headers: { "content-type": "text/plain; charset=ISO-8859-1" }, body: Buffer.from([0xe9]) },
      [{ data: "é" }],
    ],
    [
      "text in a character set that is none",
      { headers: { "content-type": "text/plain; charset=nonsense" }, body: "a" },
      [{ data: "a" }],
    ],
    ["nothing where text is wanted", { headers: {}, body: "", response: { responseFormat: "text" } }, [{ data: "" }]],
    [
      "broken JSON of a node that never fails",
      { headers: { "content-type": "application/json" }, body: "{", response: { neverError: true } },
      [{}],
    ],
    ["JSON of another name", { headers: { "content-type": "application/problem+json" }, body: '{"a": 1}' }, [{ a: 1 }]],
    [
      "a list of values",
      { headers: { "content-type": "application/json" }, body: "[1, null, {}]" },
      [{ data: 1 }, {}, {}],
    ],
    ["JSON without a type", { headers: {}, body: '{"a": 1}' }, [{ data: '{"a": 1}' }]],
    [
      "JSON that is asked for",
      { headers: { "content-type": "text/html" }, body: '{"a": 1}', response: { responseFormat: "json" } },
      [{ a: 1 }],
    ],
    [
      "text with its head",
      { headers: { "content-type": "text/plain" }, body: "hi", response: { fullResponse: true } },
      [{ data: "hi", statusCode: 200, statusMessage: "OK" }],
    ],
  ])("of %s becomes items", async (_what, { headers, body, response = {} }, expected) => {
    target.on("/answer", (_request, answer) => {
      answer.sendDate = false
      answer.writeHead(200, headers).end(body)
    })
    const { outputs } = await run(asked({ url: `${target.url}/answer`, options: { response: { response } } }))
    expect(outputs[0]?.map(({ headers: _, ...rest }) => rest)).toEqual(expected)
  })

  it.each<[string, string, RegExp]>([
    ["broken", '{"a": ', /not valid JSON/],
    ["deep", `${"[".repeat(500)}${"]".repeat(500)}`, /too deep/],
    ["with names that reach beyond the data", '{"__proto__": {"x": 1}}', /forbidden key/],
    ["with numbers that are none", '{"a": 1e999}', /not finite/],
  ])("of JSON that is %s fails the node", async (_what, body, reason) => {
    target.on(
      "/json",
      (_request, response) => void response.writeHead(200, { "content-type": "application/json" }).end(body),
    )
    expect(failureOf(await run(asked({ url: `${target.url}/json` })))).toMatch(reason)
  })

  it("without an end is cut off at the bound, one that never begins at the node's time, and a file at the run's bytes", async () => {
    target.on("/endless", (_request, response) => {
      response.writeHead(200, { "content-type": "text/plain" })
      const more = (): void => void (response.destroyed || response.write("x".repeat(16_384), more))
      more()
    })
    target.on("/silent", () => {})
    target.on("/file", (_request, response) => {
      response.writeHead(200, { "content-type": "application/zip" }).end(Buffer.alloc(fileBytesMax))
    })
    expect(failureOf(await run(asked({ url: `${target.url}/endless` })))).toMatch(/^HTTP_ERROR: /)
    expect(failureOf(await run(asked({ url: `${target.url}/silent`, options: { timeout: 50 } })))).toMatch(
      /^HTTP_ERROR: .*50 ms/,
    )
    const twice = await run(asked({ url: `={{ '${target.url}/file' }}` }, {}), [{}])
    expect(twice.run.status).toBe("completed")
    target.on("/file2", (_request, response) => {
      response.writeHead(200, { "content-type": "application/zip" }).end(Buffer.alloc(40_000, target.seen.length))
    })
    expect(failureOf(await run(asked({ url: `${target.url}/file2` }), [{}, {}]))).toMatch(/^RUN_FILES_EXCEEDED: /)
  })
})

describe("addresses that are not public", () => {
  it.each([
    "http://127.0.0.2/",
    "http://[::1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1:8080/",
    "http://0x7f.2/",
    "http://2130706434/",
    "http://[::ffff:127.0.0.2]/",
    "http://localhost./",
    "={{ 'http://192.168.0.' + 1 }}",
  ])("%s is refused", async (url) => {
    expect(failureOf(await run(asked({ url })))).toMatch(/^OUTBOUND_REFUSED: /)
  })

  it("are refused behind a redirect and behind the address of a next page", async () => {
    const inner = "http://169.254.169.254/"
    target.on("/in", (_request, response) => void response.writeHead(302, { location: inner }).end())
    expect(failureOf(await run(asked({ url: `${target.url}/in` })))).toMatch(/^OUTBOUND_REFUSED: /)
    const pagination = { pagination: { paginationMode: "responseContainsNextURL", nextURL: `=${inner}` } }
    const pages = { url: `${target.url}/echo`, options: { pagination } }
    expect(failureOf(await run(asked(pages)))).toMatch(/^OUTBOUND_REFUSED: /)
  })
})

describe("many items", () => {
  it("are asked some at a time, and their answers come in the order of the items", async () => {
    let [underWay, most] = [0, 0]
    target.on("/crowd", ({ url }, response) => {
      underWay += 1
      most = Math.max(most, underWay)
      const id = Number(new URLSearchParams(url.split("?")[1]).get("id"))
      // Later items answer earlier.
      setTimeout(() => {
        underWay -= 1
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ id }))
      }, 20 - id)
    })
    const items = Array.from({ length: 20 }, (_, id) => ({ id }))
    const { outputs } = await run(asked({ url: `=${target.url}/crowd?id={{ $json.id }}` }), items)
    expect(outputs[0]?.map(({ id }) => id)).toEqual(items.map(({ id }) => id))
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(8)
  })

  it("go in batches, one after the other", async () => {
    const open = new Set<string>()
    const together: number[] = []
    target.on("/batch", ({ url }, response) => {
      open.add(url)
      together.push(open.size)
      setTimeout(() => {
        open.delete(url)
        response.writeHead(200, { "content-type": "application/json" }).end("{}")
      }, 5)
    })
    const options = { batching: { batch: { batchSize: 1, batchInterval: 1 } } }
    const { outputs } = await run(asked({ url: `=${target.url}/batch?id={{ $json.id }}`, options }), [
      { id: 1 },
      { id: 2 },
      { id: 3 },
    ])
    expect([outputs[0]?.length, Math.max(...together)]).toEqual([3, 1])
  })

  it("fail one by one where the node goes on, with status and message for the next node", async () => {
    target.on("/some", ({ url }, response) => {
      const isBad = url.endsWith("2")
      response.writeHead(isBad ? 422 : 200, { "content-type": "application/json" }).end('{"why": "bad"}')
    })
    const url = `=${target.url}/some?id={{ $json.id }}`
    const { outputs } = await run(asked({ url }, { onError: "continueRegularOutput" }), [{ id: 1 }, { id: 2 }])
    const error = { message: '422 - "{\\"why\\": \\"bad\\"}"', code: "HTTP_ERROR", status: 422 }
    expect(outputs[0]).toEqual([{ why: "bad" }, { error }])
  })

  it("are tried again before the node goes on", async () => {
    let calls = 0
    target.on("/flaky", (_request, response) => {
      calls += 1
      response.writeHead(calls < 3 ? 500 : 200, { "content-type": "application/json" }).end('{"ok": true}')
    })
    const rules = { onError: "continueRegularOutput", retryOnFail: true, maxTries: 3, waitBetweenTries: 0 }
    const { outputs } = await run(asked({ url: `${target.url}/flaky`, method: "POST" }, rules))
    expect([outputs, calls]).toEqual([[[{ ok: true }]], 3])
  })

  it("end with pages that never end, and with the bound of pages", async () => {
    target.on(
      "/same",
      (_request, response) => void response.writeHead(200, { "content-type": "application/json" }).end('[{"a": 1}]'),
    )
    const paged = (settings: JsonObject): JsonObject =>
      asked({ url: `${target.url}/same`, options: { pagination: { pagination: settings } } })
    expect(failureOf(await run(paged({ paginationMode: "updateAParameterInEachRequest" })))).toContain("never end")
    const bounded = await run(paged({ limitPagesFetched: true, maxRequests: 3 }))
    expect(bounded.outputs[0]).toHaveLength(3)
  })
})

describe("a run that is cancelled", () => {
  it("ends while its request is under way", async () => {
    target.on("/hang", () => {})
    const stored = await talk.client.call("POST", "/v1/workflows", {
      body: { name: "Hang", definition: asked({ url: `${target.url}/hang`, method: "POST" }) },
    })
    const { body } = await talk.client.call("POST", `/v1/workflows/${stored.body.id}/execute`, {
      body: { return_mode: "poll" },
    })
    await until(() => target.seen.length === 1, "the request")
    expect((await talk.client.call("POST", `/v1/runs/${body.run_id}/cancel`)).status).toBeLessThan(300)
    await until(async () => (await talk.client.get(`/v1/runs/${body.run_id}`)).status === "cancelled", "the end")
  })
})
