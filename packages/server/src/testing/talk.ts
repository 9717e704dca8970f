/**
 * What tests of talking share: a server in this process whose answers are held against the contract, streams that are read
 * in the background with their bytes kept, and small workflows.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { errorsOf } from "@brevet/core/contract/error-sets"
import type { Route } from "@brevet/core/contract/route"
import { routes } from "@brevet/core/contract/routes"
import type { ErrorCode } from "@brevet/core/errors"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { afterAll, afterEach, beforeAll } from "vitest"
import { openSqlPool, type SqlPool } from "../adapters/store/postgres/sql.ts"
import type { ScriptedModel, ScriptedRequest } from "./scripted-model.ts"
import {
  startTestServer,
  type TestCall,
  TestClient,
  type TestFrame,
  type TestResponse,
  type TestServer,
} from "./server.ts"

/** How long a test waits for what is certain to come (milliseconds): far above what a busy machine needs. */
const patienceMs = 45_000

/** Asks again and again until something is there. Throws with the words given where it never comes. */
export async function until<Value>(
  look: () => Promise<Value | null | undefined | false> | Value | null | undefined | false,
  what: string,
): Promise<Value> {
  const untilMs = performance.now() + patienceMs
  for (;;) {
    const found = await look()
    if (found !== null && found !== undefined && found !== false) return found
    if (performance.now() > untilMs) throw new Error(`it never came: ${what}`)
    await sleep(10)
  }
}

/** Speaks to a server and fails where an answer is not what the contract declares for its call. */
export class ContractClient extends TestClient {
  override async call(method: string, path: string, options: TestCall = {}): Promise<TestResponse> {
    const answer = await super.call(method, path, options)
    const route = findRoute(method, path.split("?")[0] ?? "")
    if (route !== null) requireDeclared(route, answer)
    return answer
  }

  /** A stream that is read in the background. */
  listen(method: string, path: string, options: TestCall = {}): StreamReader {
    return new StreamReader(this, { method, path, options })
  }

  /** A turn as a stream that is read in the background. */
  hear(text: string, fields: JsonObject = {}, headers: Readonly<Record<string, string>> = {}): StreamReader {
    const body = { inputs: [{ role: "user", content: text }], stream: true, ...fields }
    return this.listen("POST", "/v1/model/response", { body, headers })
  }

  /** The frames of a response, read again from a number on. */
  replay(responseId: string, query = ""): StreamReader {
    return this.listen("GET", `/v1/model/response/${responseId}/events${query}`)
  }

  /** The body of a GET. */
  async get(path: string): Promise<TestResponse["body"]> {
    const { status, body } = await this.call("GET", path, { headers: { accept: "application/json" } })
    if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`)
    return body
  }

  /** The messages of a thread as `role: content`, the oldest first. */
  async messages(threadId: string): Promise<string[]> {
    const { data } = await this.get(`/v1/threads/${threadId}/messages?limit=100&order=asc`)
    return data.map(({ role, content }: { role: string; content: string }) => `${role}: ${content}`)
  }

  /** The runs of a thread, the oldest first. */
  async runs(threadId: string): Promise<TestResponse["body"][]> {
    const { runs } = await this.get(`/v1/runs?thread_id=${threadId}&limit=100`)
    return runs.reverse()
  }

  /** Waits until there are runs in a thread and all are over; gives their statuses, the oldest first. */
  settled(threadId: string): Promise<string[]> {
    return until(async () => {
      const statuses = (await this.runs(threadId)).map(({ status }) => String(status))
      // A model may be called before its turn is in the store.
      return statuses.length > 0 && statuses.every((status) => /completed|failed|cancelled/.test(status)) && statuses
    }, `the end of the runs of ${threadId}`)
  }
}

function findRoute(method: string, path: string): Route | null {
  const parts = path.split("/")
  const fits = (route: Route): boolean => {
    const wanted = route.path.split("/")
    const isSame = (part: string, index: number) => part.startsWith("{") || part === parts[index]
    return route.method === method && wanted.length === parts.length && wanted.every(isSame)
  }
  return routes.find((route) => route.method === method && route.path === path) ?? routes.find(fits) ?? null
}

function requireDeclared(route: Route, { status, body }: TestResponse): void {
  const fault = (what: string): Error => new Error(`${route.id} answered ${status} ${what}: ${JSON.stringify(body)}`)
  if (status >= 400 && route.answers[status] === undefined) {
    const code = body?.error?.code as ErrorCode | undefined
    if (code === undefined) throw fault("without the envelope")
    if (status !== 500 && !errorsOf(route).has(code)) throw fault(`with ${code}, which it does not declare`)
    return
  }
  const declared = route.answers[status]
  if (declared === undefined) throw fault("which it does not declare")
  const result = declared.schema?.safeParse(body)
  if (result?.success === false) throw fault(`against its schema (${result.error.message})`)
}

/** A stream that is read in the background. Blocks are kept as they came, without the empty line at their end. */
export class StreamReader {
  readonly blocks: string[] = []
  /** How it ended: null while it goes on; `done` after `[DONE]`. */
  end: "done" | "closed" | "broken" | null = null
  readonly #leave = new AbortController()
  readonly #reading: Promise<void>
  #refused: TestResponse | null = null

  constructor(client: TestClient, { method, path, options }: { method: string; path: string; options: TestCall }) {
    this.#reading = this.#read(client.send(method, path, { ...options, signal: this.#leave.signal }))
  }

  /** The frames so far. */
  get frames(): TestFrame[] {
    return this.blocks.map(parseBlock)
  }

  /** The names of the events so far, `[DONE]` among them. */
  get events(): string[] {
    return this.frames.map(({ data }) => (data === "[DONE]" ? data : String(data.event)))
  }

  /** The numbers so far. */
  get numbers(): number[] {
    return this.frames.flatMap(({ id }) => (id === null ? [] : [id]))
  }

  /** The text that stands there now. */
  get text(): string {
    let text = ""
    for (const { data } of this.frames) {
      if (data === "[DONE]") continue
      if (data.event === "response.content_reset") text = ""
      if (data.event === "response.content_delta") text += String(data.delta)
    }
    return text
  }

  /** The answer, where it is no stream. */
  get refused(): TestResponse | null {
    return this.#refused
  }

  /** The first frame of an event, waited for. Throws where the stream ends without it. */
  async frame(event: string): Promise<JsonObject> {
    const found = await until(() => {
      const frame = this.frames.find(({ data }) => data !== "[DONE]" && data.event === event)
      if (frame === undefined && this.end !== null) throw new Error(`no ${event}: ${this.#told()}`)
      return frame?.data
    }, event)
    return found as JsonObject
  }

  /** `response.created`, waited for, as the ids that tests ask with. */
  async created(): Promise<{ threadId: string; responseId: string; runId: string; userMessageId: string }> {
    const frame = await this.frame("response.created")
    return {
      threadId: String(frame.thread_id),
      responseId: String(frame.response_id),
      runId: String(frame.run_id),
      userMessageId: String(frame.user_message_id),
    }
  }

  /** Waits until so much text stands there. */
  async says(text: string): Promise<void> {
    await until(() => {
      if (this.end !== null && this.text !== text) throw new Error(`not ${JSON.stringify(text)}: ${this.#told()}`)
      return this.text === text
    }, text)
  }

  /** Waits for the end; gives all blocks. */
  async all(): Promise<string[]> {
    await this.#reading
    return this.blocks
  }

  /** Goes away, as a client does that is closed. */
  async leave(): Promise<void> {
    this.#leave.abort()
    await this.#reading
  }

  #told(): string {
    return this.#refused === null ? this.events.join(" ") : JSON.stringify(this.#refused.body)
  }

  async #read(sending: Promise<Response>): Promise<void> {
    try {
      const response = await sending
      if (response.headers.get("content-type")?.startsWith("text/event-stream") !== true || response.body === null) {
        this.#refused = { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
        this.end = "closed"
        return
      }
      let open = ""
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        const blocks = (open + piece).split("\n\n")
        open = blocks.pop() ?? ""
        this.blocks.push(...blocks)
      }
      this.end = this.blocks.at(-1) === "data: [DONE]" ? "done" : "closed"
    } catch {
      this.end = "broken"
    }
  }
}

function parseBlock(block: string): TestFrame {
  const lines = block.split("\n")
  const id = lines.find((line) => line.startsWith("id: "))?.slice(4)
  const data = lines.find((line) => line.startsWith("data: "))?.slice(6) ?? "null"
  return { id: id === undefined ? null : Number(id), data: data === "[DONE]" ? data : (JSON.parse(data) as JsonObject) }
}

/** What the tests of one file work with; filled in before the first of them. */
export type TalkGrounds = {
  server: TestServer
  client: ContractClient
  model: ScriptedModel
  /** Statements of the test's own, on a connection of its own. */
  sql: SqlPool
}

/** One server for the tests of a file. After each test the model forgets what it was told and holds nothing. */
export function useTalkServer(settings: Readonly<Record<string, string>> = {}): TalkGrounds {
  const grounds = {} as TalkGrounds
  beforeAll(async () => {
    const server = await startTestServer(settings)
    grounds.server = server
    grounds.client = new ContractClient(server.client.url)
    grounds.model = server.model
    grounds.sql = openSqlPool({ connectionString: server.connectionString }, { connectionsMax: 4 })
  })
  afterEach(() => {
    grounds.model.release()
    grounds.model.reset()
  })
  afterAll(async () => {
    await grounds.sql?.close()
    await grounds.server?.close()
  })
  return grounds
}

/** One node of a definition, in the shape that n8n exports. Further fields are laid over it. */
export function node(name: string, type: string, parameters: JsonObject = {}): JsonObject {
  return { id: name.toLowerCase().replaceAll(" ", "-"), name, type, typeVersion: 1, parameters }
}

/** A workflow of nodes that stand in a row on the canvas, wired as `[from, to, output, input]` say. */
export function workflow(
  nodes: readonly JsonObject[],
  wires: readonly (readonly [from: string, to: string, output?: number, input?: number])[] = [],
  rest: JsonObject = {},
): JsonObject {
  const connections: Record<string, { main: { node: string; type: string; index: number }[][] }> = {}
  for (const [from, to, output = 0, input = 0] of wires) {
    connections[from] ??= { main: [] }
    const { main } = connections[from]
    while (main.length <= output) main.push([])
    main[output]?.push({ node: to, type: "main", index: input })
  }
  const placed = nodes.map((entry, index) => ({ position: [index * 200, 0], ...entry }))
  return { nodes: placed as JsonValue, connections: connections as JsonValue, ...rest }
}

/** A workflow of a single FreddyLLM node. */
export function single(parameters: JsonObject = {}): JsonObject {
  return workflow([node("Answer", "FreddyLLM", parameters)])
}

/** The messages of a model call as `role: text`. */
export function promptOf(request: ScriptedRequest | undefined): string[] {
  return (request?.messages ?? []).map(({ role, content }) => `${role}: ${content}`)
}
