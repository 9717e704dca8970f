/**
 * The floor: the least that a server can do which calls a model and keeps what was said. A bare `node:http` server over the
 * same Postgres with the same settings, one commit per request. No framework, no keys, no checks beyond parsing, no threads,
 * no history, no events, no numbers, no resuming, nothing after a crash.
 *
 * A process of its own, compiled before it starts (`floor-server`), so that it is measured as Brevet is. Takes the same
 * bodies as Brevet, so that the load is the same.
 *
 *   /turn      calls the model, relays its text as JSON or as a stream, commits question and answer before the end
 *   /run       commits what it was sent
 *   /workflow  commits what it was sent
 *   /count     how many rows there are
 *   /health    200 once the store is ready
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { parseArgs } from "node:util"
import pg from "pg"
import { type Dispatcher, Pool } from "undici"
import type { startEmbeddedPostgres } from "../packages/server/src/adapters/postgres-embedded/embedded-postgres.ts"

const { values: settings } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    data: { type: "string", default: "" },
    /** Address of the compiled module that starts Postgres. */
    postgres: { type: "string", default: "" },
    model: { type: "string", default: "" },
    "paced-model": { type: "string", default: "" },
  },
})

type PostgresModule = { readonly startEmbeddedPostgres: typeof startEmbeddedPostgres }
type TurnBody = {
  readonly inputs: readonly { readonly content: string }[]
  readonly stream?: boolean
  readonly paced?: boolean
}
type Model = { readonly pool: Pool; readonly path: string }
type Chunk = { readonly choices: readonly { readonly delta: { readonly content?: string } }[] }

/** Enough for Postgres to commit in groups; more made no difference. */
const connectionsMax = 8

const log = { info() {}, warn() {}, error: (fields: object, message: string) => console.error(message, fields) }
const { startEmbeddedPostgres: startPostgres } = (await import(settings.postgres)) as PostgresModule
const postgres = await startPostgres({ dataDirectory: settings.data, log })
const store = new pg.Pool({ ...postgres.connection, max: connectionsMax })
await store.query(
  "CREATE TABLE IF NOT EXISTS rows (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text, question text, answer text, at timestamptz DEFAULT now())",
)
const models = { prompt: openModel(settings.model), paced: openModel(settings["paced-model"]) }
const server = createServer({ keepAliveTimeout: 600_000, noDelay: true }, (request, response) => {
  serve(request, response).catch((error: unknown) => {
    console.error(error)
    response.destroy()
  })
})
server.listen(Number(settings.port), "127.0.0.1")
process.once("SIGTERM", end)
process.once("SIGINT", end)
process.once("disconnect", end)

function openModel(baseUrl: string): Model {
  const { origin, pathname } = new URL(`${baseUrl}/chat/completions`)
  return { pool: new Pool(origin, { headersTimeout: 0, bodyTimeout: 0 }), path: pathname }
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === "/health") return answer(response, { status: "ok" })
  if (request.url === "/count") {
    const { rows } = await store.query("SELECT count(*)::int AS count FROM rows WHERE kind <> 'workflow'")
    return answer(response, rows[0])
  }
  const text = await readBody(request)
  const body = JSON.parse(text) as TurnBody
  if (request.url === "/turn") return serveTurn(body, response)
  await commit(request.url === "/run" ? "run" : "workflow", text, null)
  answer(response, { success: true })
}

async function serveTurn(body: TurnBody, response: ServerResponse): Promise<void> {
  const question = body.inputs[0]?.content ?? ""
  const isStream = body.stream === true
  if (isStream) response.writeHead(200, { "content-type": "text/event-stream" })
  let text = ""
  await askModel(body.paced === true ? models.paced : models.prompt, question, (delta) => {
    text += delta
    if (isStream) response.write(`data: ${JSON.stringify({ delta })}\n\n`)
  })
  await commit("turn", question, text)
  if (isStream) response.end("data: [DONE]\n\n")
  else answer(response, { success: true, response: [{ type: "text", text }] })
}

function commit(kind: string, question: string, given: string | null): Promise<unknown> {
  const values = [kind, question, given]
  return store.query({ name: "keep", text: "INSERT INTO rows (kind, question, answer) VALUES ($1, $2, $3)", values })
}

function askModel({ pool, path }: Model, content: string, tell: (delta: string) => void): Promise<void> {
  const body = JSON.stringify({ model: "gpt-4o", stream: true, messages: [{ role: "user", content }] })
  const headers = { "content-type": "application/json" }
  return new Promise((resolve, reject) => {
    pool.dispatch({ method: "POST", path, headers, body }, makeModelReader(tell, { resolve, reject }))
  })
}

type Settling = { readonly resolve: () => void; readonly reject: (error: Error) => void }

/** Reads the model's frames. Every piece of the scripted models is ASCII, so that no character is ever split. */
function makeModelReader(tell: (delta: string) => void, { resolve, reject }: Settling): Dispatcher.DispatchHandler {
  let open = ""
  return {
    onRequestStart() {},
    onResponseStart(_controller, status) {
      if (status !== 200) reject(new Error(`the model answered ${status}`))
    },
    onResponseData(_controller, bytes) {
      const blocks = (open + bytes.toString("latin1")).split("\n\n")
      open = blocks.pop() ?? ""
      for (const block of blocks) {
        if (block === "data: [DONE]") continue
        const delta = (JSON.parse(block.slice("data: ".length)) as Chunk).choices[0]?.delta.content
        if (delta !== undefined && delta !== "") tell(delta)
      }
    },
    onResponseEnd: () => resolve(),
    onResponseError: (_controller, error) => reject(error),
  }
}

function answer(response: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text)
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => resolve(Buffer.concat(pieces).toString("utf8")))
    request.on("error", reject)
  })
}

function end(): void {
  server.close()
  server.closeAllConnections()
  void store
    .end()
    .then(() => postgres.stop())
    .then(() => process.exit(0))
}
