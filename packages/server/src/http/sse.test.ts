import { once } from "node:events"
import type { Socket } from "node:net"
import { Refusal } from "@brevet/core/errors"
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest"
import { makeTestApp, type TestApp } from "../testing/app.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { probeStream } from "../testing/probe-routes.ts"
import { openSocket, readSocket } from "../testing/raw-http.ts"
import { bind } from "./route.ts"
import { type EventSink, streamBufferBytesMax } from "./sse.ts"

let context: TestContext
let probe: TestApp
let port: number
/** What the next stream does. */
let begin: (sink: EventSink) => void
let sockets: Socket[] = []

beforeAll(async () => {
  context = await makeTestContext()
})

beforeEach(async () => {
  const stream = bind(probeStream, async () => ({
    status: 200,
    stream: (sink) => begin(sink),
    headers: { "x-extra": "1" },
  }))
  probe = await makeTestApp(context, { routes: [stream], settings: { corsOrigins: ["https://app.example"] } })
  port = (await probe.listen()).port
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets = []
  await probe.close()
})

afterAll(() => context.close())

/** Asks for the stream on a connection of its own and gives that connection. */
async function ask(): Promise<Socket> {
  const socket = await openSocket(port)
  sockets.push(socket)
  const head = `GET /v1/stream-probe HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nX-API-Key: ${probe.key}`
  socket.write(`${head}\r\n\r\n`)
  return socket
}

/** Asks, and gives the sink once the stream has begun. */
function openStream(): { readonly socket: Promise<Socket>; readonly sink: Promise<EventSink> } {
  const sink = new Promise<EventSink>((resolve) => {
    begin = resolve
  })
  return { socket: ask(), sink }
}

test("a stream has headers that let nothing on the way keep, change or collect it", async () => {
  begin = (sink) => {
    sink.send("data: one\n\n")
    sink.end()
  }
  const url = `http://127.0.0.1:${port}/v1/stream-probe`
  const answer = await fetch(url, { headers: { "x-api-key": probe.key, origin: "https://app.example" } })
  expect(answer.status).toBe(200)
  expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8")
  expect(answer.headers.get("cache-control")).toBe("no-store, no-transform")
  expect(answer.headers.get("x-accel-buffering")).toBe("no")
  expect(answer.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/)
  expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example")
  expect(answer.headers.get("x-extra")).toBe("1")
  expect(await answer.text()).toBe("data: one\n\n")
})

test("headers go out at once, before the first frame", async () => {
  const { socket, sink } = openStream()
  const text = await readSocket(await socket, (seen) => seen.includes("\r\n\r\n"))
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  ;(await sink).end()
})

test("frames arrive in order and whole, also those with letters of several bytes", async () => {
  const frames = Array.from({ length: 500 }, (_, index) => `id: ${index}\ndata: ${"é😀".repeat(index % 7)}\n\n`)
  begin = (sink) => {
    for (const frame of frames) sink.send(frame)
    sink.end()
  }
  const answer = await fetch(`http://127.0.0.1:${port}/v1/stream-probe`, { headers: { "x-api-key": probe.key } })
  expect(await answer.text()).toBe(frames.join(""))
})

test("a reader that leaves closes the stream once, and what is sent afterwards goes nowhere", async () => {
  const { socket, sink: opened } = openStream()
  const sink = await opened
  let closed = 0
  const gone = new Promise<void>((resolve) => {
    sink.onClose(() => {
      closed += 1
      resolve()
    })
  })
  sink.send("data: one\n\n")
  ;(await socket).destroy()
  await gone
  expect(sink.isClosed).toBe(true)
  expect(sink.send("data: two\n\n")).toBe(false)
  sink.end()
  await sink.drained()
  expect(closed).toBe(1)
  let late = 0
  sink.onClose(() => {
    late += 1
  })
  expect(late).toBe(1)
})

test("an end closes the stream once", async () => {
  const { sink: opened } = openStream()
  const sink = await opened
  let closed = 0
  sink.onClose(() => {
    closed += 1
  })
  sink.end()
  sink.end()
  expect([closed, sink.isClosed]).toEqual([1, true])
})

test("a reader that does not read is cut off at the limit, without an end frame", async () => {
  const { socket: asked, sink: opened } = openStream()
  const socket = await asked
  socket.pause()
  const sink = await opened
  const frame = `data: ${"x".repeat(64 * 1024)}\n\n`
  let most = 0
  // The system takes some megabytes of its own before anything is buffered here; then the limit counts.
  for (let sent = 0; !sink.isClosed && sent < 10_000; sent += 1) {
    sink.send(frame)
    most = Math.max(most, sink.bufferedBytes)
    if (sent % 16 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  expect(sink.isClosed).toBe(true)
  expect(most).toBeGreaterThan(streamBufferBytesMax)
  expect(most).toBeLessThan(streamBufferBytesMax + 2 * frame.length)
})

test("one frame that is larger than the limit does not cut a reader off", async () => {
  const large = `data: ${"x".repeat(3 * streamBufferBytesMax)}\n\n`
  begin = (sink) => {
    sink.send(large)
    void sink.drained().then(() => {
      sink.send("data: after\n\n")
      sink.end()
    })
  }
  const answer = await fetch(`http://127.0.0.1:${port}/v1/stream-probe`, { headers: { "x-api-key": probe.key } })
  expect(await answer.text()).toBe(`${large}data: after\n\n`)
})

test("whoever waits for the reader can send any amount", async () => {
  const frame = `data: ${"x".repeat(100_000)}\n\n`
  const frames = 100
  begin = (sink) => {
    const replay = async (): Promise<void> => {
      for (let sent = 0; sent < frames; sent += 1) if (!sink.send(frame)) await sink.drained()
      sink.end()
    }
    void replay()
  }
  const answer = await fetch(`http://127.0.0.1:${port}/v1/stream-probe`, { headers: { "x-api-key": probe.key } })
  expect((await answer.text()).length).toBe(frames * frame.length)
})

test("closing the server ends open streams without a last frame, and does not hang", async () => {
  const { socket: asked, sink: opened } = openStream()
  const text = readSocket(await asked)
  const sink = await opened
  sink.send("data: one\n\n")
  const closed = new Promise<void>((resolve) => sink.onClose(resolve))
  await probe.app.close()
  await closed
  const seen = await text
  expect(seen).toContain("data: one")
  expect(seen).not.toContain("[DONE]")
  // The chunked body has its proper end: nothing was cut, so the reader knows that this is all there is for now.
  expect(seen.endsWith("0\r\n\r\n")).toBe(true)
})

test("a hundred open streams are ended together", async () => {
  const sinks: EventSink[] = []
  const all = new Promise<void>((resolve) => {
    begin = (sink) => {
      sinks.push(sink)
      if (sinks.length === 100) resolve()
    }
  })
  const readers = Array.from({ length: 100 }, async () => readSocket(await ask()))
  await all
  await probe.app.close()
  expect(sinks.every((sink) => sink.isClosed)).toBe(true)
  expect(await Promise.all(readers)).toHaveLength(100)
})

test("a handler that breaks as it begins is logged, and the connection cut", async () => {
  begin = () => {
    throw new Error("a bug in a stream")
  }
  const socket = await ask()
  await readSocket(socket)
  expect(probe.lines).toHaveLength(1)
  expect(probe.lines[0]).toMatchObject({ msg: "answer-cut-off", route: "/v1/stream-probe" })
})

test("a refusal before the stream is a plain error, never a stream", async () => {
  await probe.close()
  const refusing = bind(probeStream, () => Promise.reject(new Refusal("RUN_EXPIRED")))
  probe = await makeTestApp(context, { routes: [refusing] })
  const { status, headers } = await probe.send({ url: "/v1/stream-probe", headers: { accept: "text/event-stream" } })
  expect([status, headers["content-type"]]).toEqual([410, "application/json; charset=utf-8"])
  const stranger = await probe.send({ url: "/v1/stream-probe", key: null, headers: { accept: "text/event-stream" } })
  expect([stranger.status, stranger.headers["content-type"]]).toEqual([401, "application/json; charset=utf-8"])
})

test("a reader that leaves before the stream begins is noticed by whoever begins it", async () => {
  await probe.close()
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let seen: EventSink | undefined
  let answered: () => void = () => {}
  const hasBegun = new Promise<void>((resolve) => {
    answered = resolve
  })
  const late = bind(probeStream, async () => {
    await held
    return {
      status: 200,
      stream: (sink) => {
        seen = sink
        sink.send("data: one\n\n")
        answered()
      },
    }
  })
  probe = await makeTestApp(context, { routes: [late] })
  port = (await probe.listen()).port
  const connected = once(probe.app.server, "request")
  const socket = await ask()
  const [request] = await connected
  const gone = once(request.socket, "close")
  socket.destroy()
  await gone
  release()
  await hasBegun
  expect(seen?.isClosed).toBe(true)
})
