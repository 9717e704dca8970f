import { once } from "node:events"
import { afterAll, beforeAll, expect, test } from "vitest"
import { makeTestApp, type TestApp } from "../testing/app.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { probeStream, shownProbes } from "../testing/probe-routes.ts"
import { openSocket, parseRaw, readSocket, sendRaw } from "../testing/raw-http.ts"
import { bind } from "./route.ts"

const url = `/v1/probe/flow_${"0".repeat(32)}`
let context: TestContext
let probe: TestApp
let port: number

beforeAll(async () => {
  context = await makeTestContext()
  const openStream = bind(probeStream, async () => ({
    status: 200,
    stream: (sink) => void sink.send("data: begun\n\n"),
  }))
  probe = await makeTestApp(context, { routes: [...shownProbes, openStream], requestTimeoutMs: 300 })
  port = (await probe.listen()).port
})

afterAll(async () => {
  // Nothing of all this is a bug, so nothing of it was logged.
  expect(probe.lines).toEqual([])
  await probe.close()
  await context.close()
})

/** The server still answers, and says so. */
async function expectAlive(): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/probe`, { headers: { "x-api-key": probe.key } })
  expect(answer.status).toBe(200)
  await answer.arrayBuffer()
}

/** The answer has the envelope and nothing of the server's insides. */
function expectEnvelope(
  answer: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly text: string },
  code: string,
) {
  const { error, success } = JSON.parse(answer.text.replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, ""))
  expect(success).toBe(false)
  expect([error.code, error.status]).toEqual([code, answer.status])
  expect(error.trace_id).toMatch(/^req_[0-9a-f]{32}$/)
  expect(answer.headers["x-request-id"]).toBe(error.trace_id)
  expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8")
  expect(answer.text).not.toMatch(/node:|\.ts|at .+\(|api_keys|select /i)
}

const malformed: readonly (readonly [what: string, bytes: string])[] = [
  ["no HTTP at all", "hello\r\n\r\n"],
  ["a TLS greeting", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\r\n\r\n"],
  ["an unknown method", "FOO / HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["another version", "GET / HTTP/9.9\r\nHost: x\r\n\r\n"],
  ["a header without a colon", "GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n"],
  ["NUL in a header", "GET / HTTP/1.1\r\nHost: x\r\nX-A: a\u0000b\r\n\r\n"],
  ["two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
  ["a negative length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"],
  [
    "a length and chunks",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["a blank in the address", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["a flood of headers", `GET / HTTP/1.1\r\nHost: x\r\n${`X-A: ${"a".repeat(100)}\r\n`.repeat(1_000)}\r\n`],
  ["one endless header", `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${"a".repeat(100_000)}\r\n\r\n`],
  ["an endless address", `GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
  ["a tunnel", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"],
  ["an expectation that we do not know", "GET /v1/probe HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n"],
  ["no Host in HTTP/1.1", "GET /v1/probe HTTP/1.1\r\nConnection: close\r\n\r\n"],
  ["a path with a broken escape", "GET /v1/text-probe/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
]

test.each(malformed)("%s is 400 with the envelope, and the server goes on", async (_what, bytes) => {
  const answer = await sendRaw(port, bytes)
  expect(answer.status).toBe(400)
  expectEnvelope(answer, "BAD_REQUEST")
  await expectAlive()
})

test("a chunk that is none is 400, once the caller is known", async () => {
  const head = `PATCH ${url} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${probe.key}\r\nTransfer-Encoding: chunked\r\n\r\n`
  const answer = await sendRaw(port, `${head}zz\r\nhello\r\n0\r\n\r\n`)
  expect(answer.status).toBe(400)
  expectEnvelope(answer, "BAD_REQUEST")
  await expectAlive()
})

test("the methods of HTTP that no call has are 405 or 404, never anything else", async () => {
  for (const method of ["PROPFIND", "TRACE", "SEARCH", "OPTIONS", "LINK", "QUERY"]) {
    const known = await sendRaw(port, `${method} /v1/probe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect([method, known.status, known.headers.allow]).toEqual([method, 405, "GET, HEAD"])
    expectEnvelope(known, "METHOD_NOT_ALLOWED")
    const unknown = await sendRaw(port, `${method} /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect([method, unknown.status]).toEqual([method, 404])
    expectEnvelope(unknown, "ROUTE_NOT_FOUND")
  }
})

test("odd addresses are not found", async () => {
  for (const path of [
    "/",
    "//",
    "/v1",
    "/v1//probe",
    "/v1/probe/../probe",
    "/V1/PROBE",
    "/v1/probe;x",
    "*",
    "/%2e%2e/etc/passwd",
  ]) {
    const answer = await sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect([path, answer.status]).toEqual([path, 404])
    expectEnvelope(answer, "ROUTE_NOT_FOUND")
  }
})

test("an address with a scheme and a host is taken by its path alone", async () => {
  const head = `Host: evil.example\r\nX-API-Key: ${probe.key}\r\nConnection: close`
  const answer = await sendRaw(port, `GET http://evil.example/v1/probe?limit=3 HTTP/1.1\r\n${head}\r\n\r\n`)
  expect([200, 404]).toContain(answer.status)
  expect(answer.text).not.toContain("evil.example")
})

test("headers that do not arrive in time are 400", async () => {
  const answer = await sendRaw(port, "GET /v1/probe HTTP/1.1\r\nHost: x\r\nX-A: ")
  expect(answer.status).toBe(400)
  expectEnvelope(answer, "BAD_REQUEST")
})

test("a body that does not arrive in time is 400", async () => {
  const head = `PATCH ${url} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${probe.key}\r\nContent-Type: application/json`
  const answer = await sendRaw(port, `${head}\r\nContent-Length: 1000\r\n\r\n{"name": `)
  expect(answer.status).toBe(400)
  expectEnvelope(answer, "BAD_REQUEST")
  await expectAlive()
})

test("a body that is cut off harms nobody", async () => {
  const head = `PATCH ${url} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${probe.key}\r\nContent-Type: application/json`
  for (let round = 0; round < 20; round += 1) {
    const socket = await openSocket(port)
    socket.write(`${head}\r\nContent-Length: 1000\r\n\r\n{"name": `)
    socket.destroy()
    await once(socket, "close")
  }
  await expectAlive()
})

test("a body that is too large is refused while it still comes in, whether its length is told or not", async () => {
  const head = `PATCH ${url} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${probe.key}\r\nContent-Type: application/json`
  const told = await sendRaw(port, `${head}\r\nContent-Length: 99999999999\r\n\r\n{`)
  expect(told.status).toBe(413)
  expectEnvelope(told, "REQUEST_TOO_LARGE")
  const socket = await openSocket(port)
  const answered = readSocket(socket, (text) => text.includes("REQUEST_TOO_LARGE"))
  socket.write(`${head}\r\nTransfer-Encoding: chunked\r\n\r\n`)
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`
  for (let sent = 0; sent < 100; sent += 1) socket.write(chunk)
  const answer = parseRaw(await answered)
  expect(answer.status).toBe(413)
  socket.destroy()
  await expectAlive()
})

test("a pipelined second request is answered after the first", async () => {
  const one = `GET /v1/probe HTTP/1.1\r\nHost: x\r\nX-API-Key: ${probe.key}\r\n`
  const socket = await openSocket(port)
  socket.write(`${one}\r\n${one}Connection: close\r\n\r\n`)
  expect((await readSocket(socket)).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
})

test("nonsense behind an open stream cuts it, and never becomes a part of it", async () => {
  const socket = await openSocket(port)
  const begun = readSocket(socket, (text) => text.includes("data: begun"))
  socket.write(`GET /v1/stream-probe HTTP/1.1\r\nHost: x\r\nX-API-Key: ${probe.key}\r\n\r\n`)
  await begun
  const rest = readSocket(socket)
  socket.write("nonsense\r\n\r\n")
  expect(await rest).not.toContain("HTTP/1.1 400")
  await expectAlive()
})

test("HTTP/1.0 is answered, and the connection closed", async () => {
  const answer = await sendRaw(port, `GET /v1/probe HTTP/1.0\r\nX-API-Key: ${probe.key}\r\n\r\n`)
  expect(answer.status).toBe(200)
})

test("HEAD has the headers of GET and no body", async () => {
  const ask = async (method: string, path: string) =>
    sendRaw(port, `${method} ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${probe.key}\r\nConnection: close\r\n\r\n`)
  const [head, get] = [await ask("HEAD", "/v1/probe"), await ask("GET", "/v1/probe")]
  expect([head.status, head.text]).toEqual([200, ""])
  expect(head.headers["content-type"]).toBe(get.headers["content-type"])
  expect((await ask("HEAD", "/nothing")).status).toBe(404)
  // A stream has no length that could be told.
  expect(await ask("HEAD", "/v1/stream-probe")).toMatchObject({ status: 405, headers: { allow: "GET" } })
})
