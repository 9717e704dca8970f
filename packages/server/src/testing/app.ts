/**
 * The HTTP server as tests drive it: on the real store of a test context, with a key of its owner, its log lines kept, and
 * every answer and refusal held against the contract.
 */
import type { AddressInfo } from "node:net"
import { keyCreateBody } from "@brevet/core/contract/keys"
import type { Scope } from "@brevet/core/contract/route"
import type { JsonObject } from "@brevet/core/json"
import type { FastifyInstance, LightMyRequestResponse } from "fastify"
import { pino } from "pino"
import { type AppOptions, createApp } from "../http/app.ts"
import type { BoundRoute } from "../http/route.ts"
import type { Context } from "../ports/context.ts"
import type { ReadinessState } from "../ports/readiness.ts"
import { makeKeyring } from "../services/keyring.ts"
import { createKey } from "../services/keys.ts"
import type { TestContext } from "./context.ts"

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>>

/** What a test asks of the app; headers are added to that of the key. `key: null` sends none. */
export type TestRequest = {
  readonly method?: string
  readonly url: string
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string>>
  /** JSON, or the body as it is sent where it is a text or bytes. */
  readonly body?: unknown
}

/** An answer, its JSON body parsed; null where there is none. */
export type TestAnswer = {
  readonly status: number
  readonly headers: LightMyRequestResponse["headers"]
  readonly text: string
  /** As it was parsed: its form is what tests check. */
  readonly body: ReturnType<typeof JSON.parse>
}

/** The app, and what tests need beside it. */
export type TestApp = {
  readonly app: FastifyInstance
  /** The text of a key of the context's owner that may do everything. */
  readonly key: string
  readonly lines: LogLine[]
  /** Sends a request without a connection. */
  send(request: TestRequest): Promise<TestAnswer>
  /** Makes a further key of the owner. */
  makeKey(scopes: readonly Scope[]): Promise<string>
  setState(state: ReadinessState): void
  /** Listens on a free port, for tests that need real connections. */
  listen(): Promise<{ readonly url: string; readonly port: number }>
  close(): Promise<void>
}

/** What the app is made with beside the context. */
export type TestAppOptions = Partial<Omit<AppOptions, "routes" | "ports" | "settings">> & {
  readonly settings?: Partial<AppOptions["settings"]>
  /** Routes; a function gets the keyring and the context with the app's log. */
  readonly routes:
    | readonly BoundRoute[]
    | ((made: { keyring: AppOptions["keyring"] & object; cx: Context }) => readonly BoundRoute[])
}

/** Makes a key of a context's owner and gives its text. */
async function makeTestKey(cx: Context, scopes: readonly Scope[] = ["*"]): Promise<string> {
  const body = keyCreateBody.parse({ key_name: "Test key", scopes: [...scopes] })
  return (await createKey(cx, cx.principal.organizationId, body)).text
}

/** Makes the app. Close it before the context. */
export async function makeTestApp(context: TestContext, options: TestAppOptions): Promise<TestApp> {
  const lines: LogLine[] = []
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) })
  const cx: Context = { ...context.cx, log }
  const { settings, routes, ...rest } = options
  const keyring = makeKeyring(cx)
  let state: ReadinessState = "ready"
  const app = await createApp({
    keyring,
    readiness: { state: () => state },
    checkAnswers: true,
    ...rest,
    ports: cx,
    routes: typeof routes === "function" ? routes({ keyring, cx }) : routes,
    settings: {
      bodyBytesMax: 5 * 1024 * 1024,
      rateLimitPerMinute: null,
      corsOrigins: [],
      trustedProxies: [],
      ...settings,
    },
  })
  const key = await makeTestKey(cx)
  return {
    app,
    key,
    lines,
    send: (request) => send(app, { key, ...request }),
    makeKey: (scopes) => makeTestKey(cx, scopes),
    setState(next) {
      state = next
    },
    async listen() {
      await app.listen({ host: "127.0.0.1", port: 0 })
      const { port } = app.server.address() as AddressInfo
      return { url: `http://127.0.0.1:${port}`, port }
    },
    close: () => app.close(),
  }
}

async function send(app: FastifyInstance, request: TestRequest & { readonly key: string | null }): Promise<TestAnswer> {
  const { method = "GET", url, key, headers = {}, body } = request
  const isRaw = typeof body === "string" || Buffer.isBuffer(body)
  const answer = await app.inject({
    method: method as "GET",
    url,
    headers: {
      ...(key === null ? {} : { "x-api-key": key }),
      ...(body === undefined || isRaw ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: isRaw ? body : JSON.stringify(body) }),
  })
  const isJson = String(answer.headers["content-type"]).startsWith("application/json")
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: answer.body,
    body: isJson ? (JSON.parse(answer.body) as JsonObject) : null,
  }
}
