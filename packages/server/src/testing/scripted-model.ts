/**
 * A scripted model server: the OpenAI chat-completions wire over real HTTP, with answers that a test wrote down. It also
 * speaks Anthropic's and Google's wires, as far as their adapters need it for their tests.
 *
 * Owns: the socket, the queue of answers, the record of what was asked. Knows nothing of Brevet.
 *
 * An answer is made of *chunks*: pieces of reasoning, then of text, of a refusal, then parts of tool calls; each is one
 * frame. Before a chunk (and before the finish, which counts as the chunk after the last one) a stream may be *held*:
 * `hold(2)` stops every stream that begins later once two chunks are out, `step()` lets each held stream send one more,
 * `release()` lets all of them go. So a test stops a stream at an exact token without a timer.
 * Where nothing holds, delays or breaks an answer, it is written in one piece: the benchmarks measure the client.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type {
  ScriptedAnswer,
  ScriptedFrames,
  ScriptedModel,
  ScriptedModelOptions,
  ScriptedRequest,
  ScriptedWire,
} from "./scripted-answer.ts"
import { anthropicWire } from "./scripted-anthropic.ts"
import { googleWire } from "./scripted-google.ts"
import { openaiWire } from "./scripted-openai.ts"

export type { ScriptedAnswer, ScriptedModel, ScriptedModelOptions, ScriptedRequest } from "./scripted-answer.ts"

type LiveStream = { limit: number; wake: (() => void) | null }

/** A count that can be waited for. */
class Tally {
  value = 0
  #waiters: { count: number; resolve: () => void }[] = []

  set(value: number): void {
    this.value = value
    const due = this.#waiters.filter((waiter) => value >= waiter.count)
    this.#waiters = this.#waiters.filter((waiter) => value < waiter.count)
    for (const waiter of due) waiter.resolve()
  }

  reach(count: number): Promise<void> {
    if (this.value >= count) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ count, resolve }))
  }
}

type State = {
  readonly queue: { answer: ScriptedAnswer; left: number }[]
  readonly requests: ScriptedRequest[]
  readonly streams: Set<LiveStream>
  readonly calls: Tally
  readonly aborted: Tally
  readonly held: Tally
  readonly models: readonly string[]
  readonly record: boolean
  readonly firstFallback: (request: ScriptedRequest) => ScriptedAnswer
  fallback: (request: ScriptedRequest) => ScriptedAnswer
  holdAfterChunks: number
  stopping: boolean
}

/** Starts the server on a free loopback port. The default answer is `You said: <last text of the user>`. */
export async function startScriptedModel(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const state: State = {
    queue: [],
    requests: [],
    streams: new Set(),
    calls: new Tally(),
    aborted: new Tally(),
    held: new Tally(),
    models: options.models ?? ["gpt-4o", "gpt-4o-mini", "scripted-1"],
    record: options.record ?? true,
    firstFallback: options.answer ?? echo,
    fallback: options.answer ?? echo,
    holdAfterChunks: Number.POSITIVE_INFINITY,
    stopping: false,
  }
  const server = createServer({ keepAliveTimeout: 600_000, noDelay: true }, (request, response) => {
    response.sendDate = false
    serve(state, request, response).catch(() => response.destroy())
  })
  let connections = 0
  server.on("connection", () => {
    connections += 1
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(options.port ?? 0, "127.0.0.1", resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    googleBaseUrl: `http://127.0.0.1:${port}/v1beta`,
    requests: state.requests,
    get calls() {
      return state.calls.value
    },
    get aborted() {
      return state.aborted.value
    },
    get connections() {
      return connections
    },
    get pending() {
      return state.queue.length
    },
    ...controls(state),
    stop: () =>
      new Promise((resolve) => {
        state.stopping = true
        releaseAll(state)
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function controls(state: State) {
  return {
    script(answers: readonly ScriptedAnswer[]) {
      for (const answer of answers) state.queue.push({ answer, left: answer.times ?? 1 })
    },
    answerWith(answer: (request: ScriptedRequest) => ScriptedAnswer) {
      state.fallback = answer
    },
    hold(afterChunks = 0) {
      state.holdAfterChunks = afterChunks
    },
    step(chunks = 1) {
      for (const stream of state.streams) {
        if (stream.wake === null) continue
        stream.limit += chunks
        wake(state, stream)
      }
    },
    release: () => releaseAll(state),
    whenHeld: (count = 1) => state.held.reach(count),
    whenCalled: (count = 1) => state.calls.reach(count),
    whenAborted: (count = 1) => state.aborted.reach(count),
    reset() {
      state.queue.length = 0
      state.requests.length = 0
      state.calls.value = 0
      state.aborted.value = 0
      state.fallback = state.firstFallback
      releaseAll(state)
    },
  }
}

/** The text of the last user message of a request, or "". */
export function lastUserText(request: ScriptedRequest): string {
  for (let index = request.messages.length - 1; index >= 0; index--) {
    const message = request.messages[index]
    if (message?.role === "user") return textOf(message.content)
  }
  return ""
}

function echo(request: ScriptedRequest): ScriptedAnswer {
  return { text: `You said: ${lastUserText(request)}` }
}

function textOf(content: JsonValue | undefined): string {
  if (typeof content === "string") return content
  if (!Array.isArray(content)) return ""
  return (content as JsonObject[]).map((part) => (typeof part.text === "string" ? part.text : "")).join("")
}

const wires: { readonly [Name in ScriptedRequest["wire"]]: ScriptedWire } = {
  openai: openaiWire,
  anthropic: anthropicWire,
  google: googleWire,
}

type Door = { readonly wire: ScriptedRequest["wire"]; readonly model?: string; readonly stream?: boolean }

/** Which wire a path belongs to. Google's path names the model and whether it streams. */
function doorOf(path: string): Door | null {
  if (path === "/v1/chat/completions") return { wire: "openai" }
  if (path === "/v1/messages") return { wire: "anthropic" }
  const [, model, verb] = /^\/v1beta\/models\/([^/:]+):(generateContent|streamGenerateContent)$/.exec(path) ?? []
  return model === undefined ? null : { wire: "google", model, stream: verb === "streamGenerateContent" }
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "").split("?")[0] ?? ""
  if (request.method === "GET" && path === "/v1/models") {
    const data = state.models.map((id) => ({ id, object: "model", created: 1_700_000_000, owned_by: "scripted" }))
    return sendJson(response, { status: 200, body: { object: "list", data } })
  }
  const body = await readBody(request)
  const door = request.method === "POST" ? doorOf(path) : null
  if (door === null)
    return sendJson(response, { status: 404, body: openaiWire.error(404, "There is nothing at this address") })
  let parsed: JsonObject
  try {
    parsed = JSON.parse(body) as JsonObject
  } catch {
    return sendJson(response, { status: 400, body: wires[door.wire].error(400, "The body is not JSON") })
  }
  const messages = parsed.messages ?? parsed.contents
  const recorded: ScriptedRequest = {
    wire: door.wire,
    model: door.model ?? String(parsed.model),
    messages: Array.isArray(messages) ? (messages as JsonObject[]) : [],
    stream: door.stream ?? parsed.stream === true,
    body: parsed,
    headers: request.headers,
  }
  if (state.record) state.requests.push(recorded)
  const answer = takeAnswer(state, recorded)
  state.calls.set(state.calls.value + 1)
  response.once("close", () => {
    if (!response.writableFinished && !brokenByUs.has(response) && !state.stopping) {
      state.aborted.set(state.aborted.value + 1)
    }
  })
  await give(state, { answer, request: recorded, response })
}

const brokenByUs = new WeakSet<ServerResponse>()

type Exchange = {
  readonly answer: ScriptedAnswer
  readonly request: ScriptedRequest
  readonly response: ServerResponse
}

async function give(state: State, exchange: Exchange): Promise<void> {
  const { answer, request, response } = exchange
  const wire = wires[request.wire]
  if (answer.delayMs !== undefined) await pause(answer.delayMs)
  if (answer.status !== undefined) {
    const body = answer.errorBody ?? wire.error(answer.status, `Scripted error ${answer.status}`)
    return sendJson(response, { status: answer.status, body, headers: answer.headers })
  }
  const frames = wire.frames(answer, request, state.calls.value)
  if (request.stream) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache", ...answer.headers })
    if (answer.rawBody !== undefined) return write(exchange, answer.rawBody).then(() => void response.end())
    if (isPlain(state, answer)) return void response.end(frames.head + frames.chunks.join("") + frames.tail)
  }
  const stream: LiveStream = { limit: answer.holdAfterChunks ?? state.holdAfterChunks, wake: null }
  state.streams.add(stream)
  response.once("close", () => wake(state, stream))
  try {
    await (request.stream ? streamOut(state, exchange, { frames, stream }) : answerWhole(state, exchange, stream))
  } finally {
    state.streams.delete(stream)
  }
}

function isPlain(state: State, answer: ScriptedAnswer): boolean {
  return (
    state.holdAfterChunks === Number.POSITIVE_INFINITY &&
    answer.holdAfterChunks === undefined &&
    answer.chunkDelayMs === undefined &&
    answer.breakAfterChunks === undefined &&
    answer.hangAfterChunks === undefined &&
    answer.sliceBytes === undefined
  )
}

async function streamOut(
  state: State,
  exchange: Exchange,
  { frames, stream }: { frames: ScriptedFrames; stream: LiveStream },
): Promise<void> {
  const { answer, response } = exchange
  await write(exchange, frames.head)
  for (let index = 0; index <= frames.chunks.length; index++) {
    if (answer.breakAfterChunks === index) return breakOff(response)
    if (answer.hangAfterChunks === index) return
    await pass(state, stream, { index, response })
    const chunk = frames.chunks[index]
    if (chunk !== undefined && answer.chunkDelayMs !== undefined) await pause(answer.chunkDelayMs)
    if (response.destroyed) return
    await write(exchange, chunk ?? frames.tail)
  }
  response.end()
}

async function answerWhole(state: State, exchange: Exchange, stream: LiveStream): Promise<void> {
  const { answer, request, response } = exchange
  if (answer.hangAfterChunks !== undefined) return
  if (answer.breakAfterChunks !== undefined) return breakOff(response)
  await pass(state, stream, { index: 0, response })
  if (response.destroyed) return
  const body = wires[request.wire].whole(answer, request, state.calls.value)
  sendJson(response, { status: 200, body, headers: answer.headers })
}

/** Waits while the stream is held before the chunk with this index. */
async function pass(state: State, stream: LiveStream, at: { index: number; response: ServerResponse }): Promise<void> {
  while (at.index >= stream.limit && !at.response.destroyed) {
    await new Promise<void>((resolve) => {
      stream.wake = resolve
      state.held.set(state.held.value + 1)
    })
  }
}

function wake(state: State, stream: LiveStream): void {
  if (stream.wake === null) return
  const resolve = stream.wake
  stream.wake = null
  state.held.value -= 1
  resolve()
}

function releaseAll(state: State): void {
  state.holdAfterChunks = Number.POSITIVE_INFINITY
  for (const stream of state.streams) {
    stream.limit = Number.POSITIVE_INFINITY
    wake(state, stream)
  }
}

async function write({ answer, response }: Exchange, text: string): Promise<void> {
  if (answer.sliceBytes === undefined) return void response.write(text)
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += answer.sliceBytes) {
    response.write(bytes.subarray(start, start + answer.sliceBytes))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The listening socket keeps the process alive; a wait for a client that has gone must not. */
function pause(ms: number): Promise<void> {
  return sleep(ms, undefined, { ref: false })
}

/** Cuts the connection, once what was written has left. */
function breakOff(response: ServerResponse): void {
  brokenByUs.add(response)
  response.write("", () => response.destroy())
}

function takeAnswer(state: State, request: ScriptedRequest): ScriptedAnswer {
  const index = state.queue.findIndex(({ answer }) => answer.match === undefined || answer.match(request))
  const entry = state.queue[index]
  if (entry === undefined) return state.fallback(request)
  entry.left -= 1
  if (entry.left <= 0) state.queue.splice(index, 1)
  return entry.answer
}

type JsonAnswer = {
  readonly status: number
  readonly body: JsonValue
  readonly headers?: ScriptedAnswer["headers"] | undefined
}

function sendJson(response: ServerResponse, { status, body, headers = {} }: JsonAnswer): void {
  const text = typeof body === "string" ? body : JSON.stringify(body)
  response.writeHead(status, { "content-type": "application/json", ...headers })
  response.end(text)
}

async function readBody(request: IncomingMessage): Promise<string> {
  request.setEncoding("utf8")
  let text = ""
  return new Promise((resolve, reject) => {
    request.on("data", (piece: string) => {
      text += piece
    })
    request.on("end", () => resolve(text))
    request.on("error", reject)
  })
}
