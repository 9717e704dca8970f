/**
 * A whole server as tests talk to it: composed as in production, on a database of its own, with a scripted model server as
 * its provider, over real HTTP. In this process (`startTestServer`), or in one of its own that can be killed
 * (`spawnTestServer`).
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { type Server, startServer } from "../compose.ts"
import { readConfig } from "../config.ts"
import { makeTestDatabase } from "./database.ts"
import { type ScriptedModel, startScriptedModel } from "./scripted-model.ts"

/** The key of every test server. */
export const testKey = "brv_test_key_of_a_server_under_test"

/** One frame of a stream: its number (null: none), and its JSON; `"[DONE]"` at the end. */
export type TestFrame = { readonly id: number | null; readonly data: JsonObject | "[DONE]" }

/** An answer of the server. */
export type TestResponse = {
  readonly status: number
  readonly headers: Headers
  /** Of no type: tests read bodies whose form is what they check. */
  readonly body: ReturnType<typeof JSON.parse>
}

/** What is asked of the server. `key: null` sends none. */
export type TestCall = {
  readonly body?: JsonValue
  readonly headers?: Readonly<Record<string, string>>
  readonly key?: string | null
  readonly signal?: AbortSignal
}

/** Speaks to a server. */
export class TestClient {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  /** A call; its answer parsed. */
  async call(method: string, path: string, options: TestCall = {}): Promise<TestResponse> {
    const response = await this.send(method, path, options)
    const text = await response.text()
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }

  /** A call whose answer is read by the caller. */
  send(method: string, path: string, { body, headers = {}, key = testKey, signal }: TestCall = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { "x-api-key": key }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  }

  /** The frames of a stream as they come, to its end. Throws where the answer is no stream. */
  async *frames(method: string, path: string, options: TestCall = {}): AsyncGenerator<TestFrame> {
    const response = await this.send(method, path, options)
    if (!response.headers.get("content-type")?.startsWith("text/event-stream") || response.body === null) {
      throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
    }
    let open = ""
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      open += piece
      const blocks = open.split("\n\n")
      open = blocks.pop() ?? ""
      for (const block of blocks) yield parseFrame(block)
    }
  }

  /** All frames of a stream that ends. */
  async allFrames(method: string, path: string, options: TestCall = {}): Promise<TestFrame[]> {
    const frames: TestFrame[] = []
    for await (const frame of this.frames(method, path, options)) frames.push(frame)
    return frames
  }

  /** A workflow that is promoted; gives the ids. */
  async promoted(definition: JsonObject, name = `Workflow ${Math.random()}`): Promise<PromotedWorkflow> {
    const made = await this.call("POST", "/v1/workflows", { body: { name, definition } })
    if (made.status !== 201) throw new Error(`creating answered ${made.status}: ${JSON.stringify(made.body)}`)
    const workflowId = String(made.body.id)
    const promoted = await this.call("POST", `/v1/workflows/${workflowId}/promote-to-assistant`)
    if (promoted.status !== 201) throw new Error(`promoting answered ${JSON.stringify(promoted.body)}`)
    return { workflowId, assistantId: String(promoted.body.assistant_id) }
  }

  /** A turn as JSON. */
  ask(text: string, fields: JsonObject = {}): Promise<TestResponse> {
    return this.call("POST", "/v1/model/response", { body: { inputs: [{ role: "user", content: text }], ...fields } })
  }

  /** A turn as a stream, frame by frame. */
  tell(text: string, fields: JsonObject = {}): AsyncGenerator<TestFrame> {
    const body = { inputs: [{ role: "user", content: text }], stream: true, ...fields }
    return this.frames("POST", "/v1/model/response", { body })
  }
}

/** The ids of a promoted workflow. */
export type PromotedWorkflow = { readonly workflowId: string; readonly assistantId: string }

function parseFrame(block: string): TestFrame {
  const lines = block.split("\n")
  const id = lines.find((line) => line.startsWith("id: "))?.slice(4)
  const data = lines.find((line) => line.startsWith("data: "))?.slice(6) ?? "null"
  return {
    id: id === undefined ? null : Number(id),
    data: data === "[DONE]" ? data : (JSON.parse(data) as JsonObject),
  }
}

/** The text that the deltas of frames make, resets taken into account. */
export function textOf(frames: readonly TestFrame[]): string {
  let text = ""
  for (const { data } of frames) {
    if (data === "[DONE]") continue
    if (data.event === "response.content_reset") text = ""
    if (data.event === "response.content_delta") text += String(data.delta)
  }
  return text
}

/** The names of the events of frames, in order. */
export function eventsOf(frames: readonly TestFrame[]): string[] {
  return frames.map(({ data }) => (data === "[DONE]" ? data : String(data.event)))
}

/** A server under test. */
export type TestServer = {
  readonly client: TestClient
  readonly model: ScriptedModel
  readonly connectionString: string
  readonly dataDirectory: string
  close(): Promise<void>
}

type Settings = Readonly<Record<string, string>>

type Grounds = {
  readonly model: ScriptedModel
  readonly connectionString: string
  readonly dataDirectory: string
  readonly settings: Settings
  remove(): Promise<void>
}

/** What a server stands on. Models are those of the scripted model server, unless the settings say otherwise. */
async function prepareGrounds(settings: Settings): Promise<Grounds> {
  const [database, model, dataDirectory] = await Promise.all([
    makeTestDatabase(),
    startScriptedModel(),
    mkdtemp(join(tmpdir(), "brevet-server-")),
  ])
  return {
    model,
    connectionString: database.connectionString,
    dataDirectory,
    settings: {
      DATABASE_URL: database.connectionString,
      BREVET_DATA: dataDirectory,
      BREVET_PORT: "0",
      BREVET_BOOTSTRAP_API_KEY: testKey,
      BREVET_LOG_LEVEL: "silent",
      OPENAI_API_KEY: "scripted",
      OPENAI_BASE_URL: model.baseUrl,
      ...settings,
    },
    async remove() {
      await model.stop()
      await database.drop()
      await rm(dataDirectory, { recursive: true, force: true })
    },
  }
}

/** Starts a server in this process. */
export async function startTestServer(settings: Settings = {}): Promise<TestServer & { readonly server: Server }> {
  const grounds = await prepareGrounds(settings)
  const server = await startServer(readConfig(grounds.settings))
  const { model, connectionString, dataDirectory } = grounds
  return {
    server,
    client: new TestClient(server.address),
    model,
    connectionString,
    dataDirectory,
    async close() {
      await server.close()
      await grounds.remove()
    },
  }
}

/** A server's process. */
export type SpawnedProcess = {
  readonly client: TestClient
  readonly pid: number
  /** Sends a signal and waits for nothing. */
  signal(signal: NodeJS.Signals): void
  /** Ends the process as it is, and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts the process again, on the same grounds and port. */
  restart(): Promise<void>
  /** Everything that the process has written to stderr. */
  log(): string
}

/** A server in a process of its own. */
export type SpawnedServer = TestServer &
  SpawnedProcess & {
    /** One process more on the same store and data folder, with a port of its own. It is ended with this one. */
    beside(settings?: Settings): Promise<SpawnedProcess>
  }

/** How long a process may take until it is ready: far more than it needs, on a machine with much else to do. */
const readyMsMax = 60_000

/** Starts a server in a process of its own. */
export async function spawnTestServer(settings: Settings = {}): Promise<SpawnedServer> {
  const grounds = await prepareGrounds({ BREVET_LOG_LEVEL: "info", ...settings })
  const first = await spawnProcess(grounds.settings)
  const others: SpawnedProcess[] = []
  const { model, connectionString, dataDirectory } = grounds
  return Object.assign(first, {
    model,
    connectionString,
    dataDirectory,
    async beside(more: Settings = {}) {
      const other = await spawnProcess({ ...grounds.settings, ...more })
      others.push(other)
      return other
    },
    async close() {
      await Promise.all([first, ...others].map((each) => each.kill()))
      await grounds.remove()
    },
  })
}

async function spawnProcess(settings: Settings): Promise<SpawnedProcess> {
  const port = await freePort()
  const client = new TestClient(`http://127.0.0.1:${port}`)
  let log = ""

  async function start(): Promise<ChildProcess> {
    const main = fileURLToPath(new URL("../main.ts", import.meta.url))
    const options = ["--conditions=brevet-source", "--import", "tsx", main]
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isSetting(name)))
    const spawned = spawn(process.execPath, options, {
      env: { ...environment, ...settings, BREVET_PORT: String(port) },
      stdio: ["ignore", "ignore", "pipe"],
    })
    spawned.stderr?.on("data", (piece: Buffer) => {
      log += piece.toString()
    })
    await waitUntilReady(client, spawned, () => log)
    return spawned
  }

  let child = await start()
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    client,
    get pid() {
      return child.pid ?? 0
    },
    signal: (signal) => void child.kill(signal),
    async kill(signal = "SIGKILL") {
      if (isGone()) return
      const gone = new Promise((resolve) => child.once("exit", resolve))
      child.kill(signal)
      await gone
    },
    async restart() {
      child = await start()
    },
    log: () => log,
  }
}

const isSetting = (name: string): boolean => /^(BREVET_|OPENAI_|ANTHROPIC_|GOOGLE_|DATABASE_URL)/.test(name)

async function waitUntilReady(client: TestClient, child: ChildProcess, log: () => string): Promise<void> {
  const untilMs = performance.now() + readyMsMax
  while (performance.now() < untilMs) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${log()}`)
    const health = await client.call("GET", "/v1/health/details", { key: null }).catch(() => null)
    if (health?.status === 200) return
    await sleep(50)
  }
  throw new Error(`the server was not ready in time:\n${log()}`)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
}
