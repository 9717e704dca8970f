import { Refusal } from "@brevet/core/errors"
import { afterAll, beforeAll, expect, test } from "vitest"
import { makeTestApp, type TestApp, type TestAppOptions } from "../testing/app.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { probeGet, probePatch, probePost, shownProbes } from "../testing/probe-routes.ts"
import { openSocket, readSocket, sendRaw } from "../testing/raw-http.ts"
import { type Answer, bind } from "./route.ts"
import { makeHealthRoutes } from "./routes/health.ts"

const workflowUrl = `/v1/probe/flow_${"0".repeat(32)}`
let context: TestContext

beforeAll(async () => {
  context = await makeTestContext()
})

afterAll(() => context.close())

/** Runs a test with an app of its own. */
async function withApp(options: TestAppOptions, steps: (probe: TestApp) => Promise<void>): Promise<void> {
  const probe = await makeTestApp(context, options)
  try {
    await steps(probe)
  } finally {
    await probe.close()
  }
}

const answering = (answer: () => Promise<Answer>): TestAppOptions => ({ routes: [bind(probeGet, answer)] })

test("every answer has a request id of ours, which the call knows as its trace id", () =>
  withApp({ routes: shownProbes }, async (probe) => {
    const ids = new Set<unknown>()
    for (const request of [{ url: "/v1/probe" }, { url: "/v1/nothing" }, { url: "/v1/probe", key: null }]) {
      const { headers, body } = await probe.send({
        ...request,
        headers: { "x-request-id": "theirs", "request-id": "theirs" },
      })
      expect(headers["x-request-id"]).toMatch(/^req_[0-9a-f]{32}$/)
      expect(body.trace_id ?? body.error.trace_id).toBe(headers["x-request-id"])
      ids.add(headers["x-request-id"])
    }
    expect(ids.size).toBe(3)
  }))

test("an unknown address is 404 and a wrong method 405 with Allow, whatever else is wrong", () =>
  withApp({ routes: [...shownProbes, bind(probePost, async () => ({ status: 201, body: {} }))] }, async (probe) => {
    const nowhere = await probe.send({ url: "/v2/anything" })
    expect([nowhere.status, nowhere.body.error.code, nowhere.body.error.type]).toEqual([
      404,
      "ROUTE_NOT_FOUND",
      "not_found_error",
    ])
    for (const [method, url, allow] of [
      ["PUT", "/v1/probe", "GET, HEAD, POST"],
      ["DELETE", "/v1/probe/", "GET, HEAD, POST"],
      ["OPTIONS", "/v1/probe?x=1", "GET, HEAD, POST"],
      ["POST", "/v1/probe/anything", "PATCH"],
      ["PATCH", "/v1/text-probe/a%20b", "GET, HEAD"],
    ] as const) {
      const { status, body, headers } = await probe.send({ method, url })
      expect([method, url, status, headers.allow]).toEqual([method, url, 405, allow])
      expect([body.error.code, body.error.type]).toEqual(["METHOD_NOT_ALLOWED", "client_error"])
    }
    expect((await probe.send({ url: "/v1/probe/" })).status).toBe(200)
  }))

test("a crash is answered with the trace id and nothing else, and logged once", () =>
  withApp(
    answering(async () => {
      throw new Error("select secret from api_keys")
    }),
    async (probe) => {
      const { status, body, text } = await probe.send({ url: "/v1/probe" })
      expect([status, body.error.code, body.error.type, body.error.details]).toEqual([
        500,
        "INTERNAL_ERROR",
        "server_error",
        {},
      ])
      expect(text).not.toMatch(/secret|api_keys|Error:|\.ts/)
      expect(probe.lines).toHaveLength(1)
      expect(probe.lines[0]).toMatchObject({ msg: "request-failed", trace_id: body.error.trace_id, route: "/v1/probe" })
      expect(JSON.stringify(probe.lines)).toContain("select secret from api_keys")
      expect(JSON.stringify(probe.lines)).not.toContain(probe.key)
    },
  ))

test("whatever is thrown that is no refusal is a crash", async () => {
  for (const thrown of [
    "text",
    null,
    undefined,
    { statusCode: 418 },
    Object.assign(new Error("x"), { statusCode: 404, code: "ECONNRESET" }),
  ]) {
    await withApp(
      answering(() => Promise.reject(thrown)),
      async (probe) => {
        expect((await probe.send({ url: "/v1/probe" })).body.error.code).toBe("INTERNAL_ERROR")
        expect(probe.lines).toHaveLength(1)
      },
    )
  }
})

test("a refusal is shown with its details and is not logged", () =>
  withApp(
    answering(async () => {
      throw new Refusal("RUN_EXPIRED", {
        message: "Gone",
        systemMessage: "for developers",
        details: { run_id: "run_1" },
      })
    }),
    async (probe) => {
      const { status, body } = await probe.send({ url: "/v1/probe" })
      expect(status).toBe(410)
      expect(body).toEqual({
        success: false,
        error: {
          code: "RUN_EXPIRED",
          message: "Gone",
          system_message: "for developers",
          type: "client_error",
          status: 410,
          trace_id: expect.stringMatching(/^req_/),
          timestamp: new Date(context.clock.nowMs()).toISOString(),
          details: { run_id: "run_1" },
        },
      })
      expect(probe.lines).toEqual([])
    },
  ))

test("Retry-After comes with 503, also where nobody named a time", async () => {
  for (const [given, expected] of [
    [{}, "1"],
    [{ retryAfterSeconds: 7 }, "7"],
  ] as const) {
    await withApp(
      answering(async () => {
        throw new Refusal("SERVICE_UNAVAILABLE", given)
      }),
      async (probe) => {
        const { status, headers } = await probe.send({ url: "/v1/probe" })
        expect([status, headers["retry-after"]]).toEqual([503, expected])
      },
    )
  }
})

test("in tests an answer or refusal that is not declared fails loudly", async () => {
  const undeclared: readonly (readonly [says: string, answer: () => Promise<Answer>])[] = [
    ["answered 202, which it does not declare", async () => ({ status: 202, body: {} })],
    ["answered 200, against its schema", async () => ({ status: 200, body: null })],
    ["answered 200, against its schema", async () => ({ status: 200, body: "text" })],
    ["as an event stream, which it does not declare", async () => ({ status: 200, stream: () => {} })],
    ["refused with THREAD_BUSY, which it does not declare", () => Promise.reject(new Refusal("THREAD_BUSY"))],
  ]
  for (const [says, answer] of undeclared) {
    await withApp(answering(answer), async (probe) => {
      expect((await probe.send({ url: "/v1/probe" })).status).toBe(500)
      expect(JSON.stringify(probe.lines)).toContain(says)
    })
    await withApp({ ...answering(answer), checkAnswers: false }, async (probe) => {
      if (!says.includes("stream")) expect((await probe.send({ url: "/v1/probe" })).status).not.toBe(500)
    })
  }
})

test("If-Match becomes the revision that the call judges", () =>
  withApp({ routes: shownProbes }, async (probe) => {
    const seen = async (tag: string) => {
      const { status, body } = await probe.send({ method: "PATCH", url: workflowUrl, headers: { "if-match": tag } })
      return status === 200 ? body.if_revision : body.error.details.fields[0].field
    }
    expect(await seen('"7"')).toBe(7)
    expect(await seen('W/"7"')).toBe(7)
    expect(await seen(' "7" ')).toBe(7)
    expect(await seen("*")).toBeNull()
    expect(await seen('"abc"')).toBe(-1)
    expect(await seen('""')).toBe(-1)
    for (const tag of ["7", '"7", "8"', '"7', ""]) expect(await seen(tag)).toBe("If-Match")
    expect((await probe.send({ method: "PATCH", url: workflowUrl })).body.if_revision).toBeNull()
  }))

test("a call is told what Accept and Last-Event-ID say", () =>
  withApp({ routes: shownProbes }, async (probe) => {
    const stream = { accept: "application/json, text/event-stream", "last-event-id": "42" }
    const { body } = await probe.send({ url: "/v1/probe", headers: stream })
    expect([body.accepts_stream, body.last_event_id]).toEqual([true, "42"])
    const plain = (await probe.send({ url: "/v1/probe" })).body
    expect([plain.accepts_stream, plain.last_event_id]).toEqual([false, null])
  }))

test("a key may make so many requests per minute, and then is told when the next one is earned", () =>
  withApp({ routes: shownProbes, settings: { rateLimitPerMinute: 6 } }, async (probe) => {
    const statuses = async (count: number, key?: string) => {
      const answers = []
      for (let index = 0; index < count; index += 1)
        answers.push(await probe.send({ url: "/v1/probe", ...(key === undefined ? {} : { key }) }))
      return answers
    }
    expect((await statuses(6)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
    const [refused] = await statuses(1)
    expect([refused?.status, refused?.body.error.code, refused?.body.error.type]).toEqual([
      429,
      "RATE_LIMIT_EXCEEDED",
      "rate_limit_error",
    ])
    expect(refused?.headers["retry-after"]).toBe("10")
    expect((await statuses(1, await probe.makeKey(["workflows:read"])))[0]?.status).toBe(200)
    context.clock.advance(9_999)
    expect((await statuses(1))[0]?.headers["retry-after"]).toBe("1")
    context.clock.advance(1)
    expect((await statuses(2)).map(({ status }) => status)).toEqual([200, 429])
    context.clock.advance(60_000)
    expect((await statuses(7)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 429])
  }))

test("without a limit nothing is counted", () =>
  withApp({ routes: shownProbes }, async (probe) => {
    for (let index = 0; index < 50; index += 1) expect((await probe.send({ url: "/v1/probe" })).status).toBe(200)
  }))

test("CORS is off, so that no page of another origin reads an answer", () =>
  withApp({ routes: shownProbes }, async (probe) => {
    const { headers } = await probe.send({ url: "/v1/probe", headers: { origin: "https://evil.example" } })
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([])
    const preflight = { origin: "https://evil.example", "access-control-request-method": "GET" }
    expect((await probe.send({ method: "OPTIONS", url: "/v1/probe", headers: preflight })).status).toBe(405)
  }))

test("CORS lets the listed origins in and no others, with errors as well", () =>
  withApp({ routes: shownProbes, settings: { corsOrigins: ["https://app.example"] } }, async (probe) => {
    const ask = (origin: string, url = "/v1/probe") => probe.send({ url, headers: { origin } })
    const good = await ask("https://app.example")
    expect(good.headers["access-control-allow-origin"]).toBe("https://app.example")
    expect(good.headers["access-control-allow-credentials"]).toBe("true")
    expect(good.headers["access-control-expose-headers"]).toContain("x-request-id")
    expect(good.headers.vary).toMatch(/origin/i)
    for (const url of ["/v1/nothing", "/v1/probe?limit=0"]) {
      expect((await ask("https://app.example", url)).headers["access-control-allow-origin"]).toBe("https://app.example")
    }
    for (const origin of ["https://evil.example", "https://app.example.evil.example", "http://app.example", "null"]) {
      expect([origin, (await ask(origin)).headers["access-control-allow-origin"]]).toEqual([origin, undefined])
    }
    const preflight = await probe.send({
      method: "OPTIONS",
      url: "/v1/probe",
      key: null,
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "x-api-key,idempotency-key",
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers["access-control-allow-headers"]).toBe("x-api-key,idempotency-key")
    expect(preflight.headers["access-control-allow-methods"]).toContain("PATCH")
    expect(preflight.headers["x-request-id"]).toMatch(/^req_/)
  }))

test("CORS for all origins is never with credentials", () =>
  withApp({ routes: shownProbes, settings: { corsOrigins: ["*"] } }, async (probe) => {
    const { headers } = await probe.send({ url: "/v1/probe", headers: { origin: "https://any.example" } })
    expect(headers["access-control-allow-origin"]).toBe("*")
    expect(headers["access-control-allow-credentials"]).toBeUndefined()
  }))

test("the client's address is that of X-Forwarded-For behind a trusted proxy, and the connection's otherwise", async () => {
  const crash = answering(() => Promise.reject(new Error("a bug")))
  for (const [trustedProxies, expected] of [
    [[], "127.0.0.1"],
    [["10.0.0.0/8"], "127.0.0.1"],
    [["127.0.0.1"], "203.0.113.7"],
    [["127.0.0.0/8", "203.0.113.0/24"], "198.51.100.1"],
  ] as const) {
    await withApp({ ...crash, settings: { trustedProxies } }, async (probe) => {
      await probe.send({ url: "/v1/probe", headers: { "x-forwarded-for": "198.51.100.1, 203.0.113.7" } })
      expect(probe.lines[0]?.client).toBe(expected)
    })
  }
})

test("health answers while the server starts and drains, and everything else is 503", () =>
  withApp(
    {
      routes: ({ cx }) => [...shownProbes, ...makeHealthRoutes({ ...cx, readiness: { state: () => "ready" } })],
    },
    async (probe) => {
      for (const state of ["starting", "draining"] as const) {
        probe.setState(state)
        for (const url of ["/v1/health", "/v1/health/", "/v1/health/details", "/v1/config/auth-mode"]) {
          expect([url, (await probe.send({ url, key: null })).status]).toEqual([url, 200])
        }
        const { status, body, headers } = await probe.send({ url: "/v1/probe" })
        expect([status, body.error.code, headers["retry-after"]]).toEqual([503, "SERVICE_UNAVAILABLE", "1"])
        expect(headers.connection).toBe(state === "draining" ? "close" : "keep-alive")
      }
    },
  ))

test("a call that was accepted before the server drains is answered", async () => {
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let begun: () => void = () => {}
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const slow = bind(probeGet, async () => {
    begun()
    await held
    return { status: 200, body: { late: true } }
  })
  await withApp({ routes: [slow] }, async (probe) => {
    const { url } = await probe.listen()
    const answer = fetch(`${url}/v1/probe`, { headers: { "x-api-key": probe.key } })
    await hasBegun
    probe.setState("draining")
    expect((await fetch(`${url}/v1/probe`, { headers: { "x-api-key": probe.key } })).status).toBe(503)
    const closed = probe.app.close()
    release()
    expect((await answer).status).toBe(200)
    await closed
  })
})

test("a close does not wait for ever for a request that never ends", () =>
  withApp({ routes: shownProbes, closeGraceMs: 50 }, async (probe) => {
    const { port } = await probe.listen()
    const socket = await openSocket(port)
    const head = `PATCH ${workflowUrl} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${probe.key}\r\nContent-Length: 100`
    socket.write(`${head}\r\nExpect: 100-continue\r\n\r\n`)
    // The server has the headers when it asks for the body, which never comes.
    await readSocket(socket, (text) => text.includes("100 Continue"))
    await probe.app.close()
    socket.destroy()
  }))

test("links never come from Host or X-Forwarded-Host", () =>
  withApp({ routes: [...shownProbes] }, async (probe) => {
    const { port } = await probe.listen()
    const forged =
      "Host: evil.example\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example"
    const answer = await sendRaw(
      port,
      `GET /v1/probe/ HTTP/1.1\r\n${forged}\r\nX-API-Key: ${probe.key}\r\nConnection: close\r\n\r\n`,
    )
    expect(answer.status).toBe(200)
    expect(`${JSON.stringify(answer.headers)}${answer.text}`).not.toContain("evil.example")
  }))

test("a call of a public route has no principal to read", () =>
  withApp(
    { routes: [bind({ ...probeGet, scopes: "public" }, async (cx) => ({ status: 200, body: { ...cx.principal } }))] },
    async (probe) => {
      expect((await probe.send({ url: "/v1/probe", key: null })).status).toBe(500)
      expect(JSON.stringify(probe.lines)).toContain("a public call has no principal")
    },
  ))

test("an empty answer has no body and no type", () =>
  withApp(
    { routes: [bind(probePatch, async () => ({ status: 204, body: null, headers: { etag: '"3"' } }))] },
    async (probe) => {
      const { status, text, headers } = await probe.send({ method: "PATCH", url: workflowUrl })
      expect([status, text, headers["content-type"], headers.etag]).toEqual([204, "", undefined, '"3"'])
    },
  ))
