/**
 * The HTTP server: routes of the contract, pages, and what holds for every request whatever it asks for.
 *
 * Owns the request id (which is the trace id), the answer to whatever no route answers, the size of bodies, CORS, readiness
 * and the end of open streams. What a call does is in `call.ts`; what an error looks like is in `envelope.ts`.
 *
 * Invariants
 * 1. Every answer that is not 2xx or 3xx has the envelope, whoever made it: a route, the router, the parser, a crash. The
 *    exceptions are what a workflow itself answers, and pages of forms, which speak to people.
 * 2. `Host` and `X-Forwarded-*` name nothing that is handed out; the latter tell the client's address behind proxies that
 *    are trusted, and nothing else.
 */
import type { Server } from "node:http"
import { Refusal } from "@brevet/core/errors"
import cors from "@fastify/cors"
import Fastify, { type FastifyInstance } from "fastify"
import type { Ports } from "../ports/context.ts"
import type { Readiness } from "../ports/readiness.ts"
import { type Keyring, makeKeyring } from "../services/keyring.ts"
import type { LinkPorts } from "../services/pause-links.ts"
import { type Address, makeAddresses, mayStream, refuseAddress, toRouterPath } from "./addresses.ts"
import { addAnswerDoor, answerAddresses } from "./answer-page/door.ts"
import { makeCall } from "./call.ts"
import { sendError } from "./envelope.ts"
import { answerMalformed, refuseOddRequests } from "./malformed.ts"
import { addPage, type Page } from "./pages.ts"
import { makeRateLimit } from "./rate-limit.ts"
import type { BoundRoute } from "./route.ts"
import { makeOpenStreams } from "./sse.ts"
import type { TriggerDoor } from "./triggers/admission.ts"
import { addTriggerDoor, isTriggerUrl } from "./triggers/door.ts"

/** The settings that the HTTP server reads; `readConfig` gives them all. */
export type HttpSettings = {
  readonly bodyBytesMax: number
  /** Requests per minute and key; null: no limit. */
  readonly rateLimitPerMinute: number | null
  /** Origins of browsers that may call, or `*` alone. */
  readonly corsOrigins: readonly string[]
  /** Addresses and ranges of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
}

/** What the server is made of. */
export type AppOptions = {
  readonly ports: Ports
  readonly routes: readonly BoundRoute[]
  readonly pages?: readonly Page[]
  /** The addresses of triggers; absent: there are none. */
  readonly triggers?: TriggerDoor
  /** Doors to pauses for those who have a link and no key; null: there are none. */
  readonly links?: LinkPorts | null
  readonly readiness: Readiness
  readonly settings: HttpSettings
  /** Who judges callers; shared with whoever must be told of changed keys. */
  readonly keyring?: Keyring
  /** For tests: answers and refusals are held against the contract, and a mismatch fails the request. */
  readonly checkAnswers?: boolean
  /** How long a request may take to arrive whole, and how long a close waits for answers under way (milliseconds). */
  readonly requestTimeoutMs?: number
  readonly closeGraceMs?: number
}

/** A slow upload of the largest body over a bad line takes less; whoever needs longer holds a connection for nothing. */
const requestTimeoutDefaultMs = 120_000

/** How long the headers of a request may take to arrive (milliseconds). */
const headersTimeoutMs = 60_000

/** How long a close waits for answers under way before it cuts them (milliseconds). Whoever drains does so before. */
const closeGraceDefaultMs = 5_000

/** Longer than any path that the parser lets through: what does not fit an id is the call's to refuse. */
const parameterLengthMax = 16_384

/** Headers that a page of another origin may read. */
const exposedHeaders = ["x-request-id", "location", "etag", "retry-after", "allow", "idempotent-replayed"]

/** How long a browser may remember what CORS allows (seconds). */
const corsMaxAgeSeconds = 600

/** Makes the server; it does not listen yet. Closing it ends open streams, without `[DONE]`. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { ports, routes, settings } = options
  const keyring = options.keyring ?? makeKeyring(ports)
  const streams = makeOpenStreams()
  const door = {
    ports,
    keyring,
    streams,
    rateLimit: settings.rateLimitPerMinute === null ? null : makeRateLimit(settings.rateLimitPerMinute, ports.clock),
    checkAnswers: options.checkAnswers ?? false,
  }
  const app = makeServer(options)
  app.decorateRequest("holder", null)
  app.setErrorHandler((error, request, reply) => sendError(ports, error, { request, reply }))
  app.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id)
    done()
  })
  await addCors(app, settings.corsOrigins)
  addGate(app, options)
  addBodyParser(app)
  for (const bound of routes) {
    const { admit, handle } = makeCall(door, bound)
    app.route({
      method: bound.route.method,
      url: toRouterPath(bound.route.path),
      exposeHeadRoute: bound.route.method === "GET" && !mayStream(bound.route),
      config: { alwaysOpen: bound.route.tag === "Health" },
      ...(admit === null ? {} : { onRequest: admit }),
      handler: handle,
    })
  }
  for (const page of options.pages ?? []) addPage(app, page)
  if (options.triggers !== undefined) addTriggerDoor(app, { ...options.triggers, streams })
  if (options.links != null) addAnswerDoor(app, options.links)
  let cut: NodeJS.Timeout | undefined
  app.addHook("preClose", (done) => {
    streams.endAll()
    // A request that never ends, such as half a body, would keep the server open for as long as it may take.
    cut = setTimeout(() => app.server.closeAllConnections(), options.closeGraceMs ?? closeGraceDefaultMs)
    done()
  })
  app.addHook("onClose", () => {
    clearTimeout(cut)
    return keyring.settle()
  })
  await app.ready()
  return app
}

function makeServer({ ports, settings, requestTimeoutMs = requestTimeoutDefaultMs }: AppOptions): FastifyInstance {
  const app: FastifyInstance = Fastify({
    bodyLimit: settings.bodyBytesMax,
    trustProxy: settings.trustedProxies.length === 0 ? false : [...settings.trustedProxies],
    genReqId: () => ports.ids.next("request"),
    requestIdHeader: false,
    logger: false,
    requestTimeout: requestTimeoutMs,
    http: {
      // A request without Host reaches the gate, which answers with the envelope; Node's own refusal has none.
      requireHostHeader: false,
      // Node checks the time of bodies only where that of headers is not the longer one.
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      connectionsCheckingInterval: Math.min(30_000, requestTimeoutMs),
    },
    // Requests on connections that are still open while the server closes get the envelope from the gate.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: parameterLengthMax },
    exposeHeadRoutes: false,
    frameworkErrors: (error, request, reply) => {
      reply.header("x-request-id", request.id)
      sendError(ports, error, { request, reply })
    },
    clientErrorHandler: (error, socket) => answerMalformed(ports, error, socket),
  })
  refuseOddRequests(app.server as Server, ports)
  return app
}

async function addCors(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  const all = origins.includes("*")
  const options = {
    origin: all ? "*" : [...origins],
    credentials: !all,
    methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    exposedHeaders,
    maxAge: corsMaxAgeSeconds,
    strictPreflight: false,
  }
  await app.register(cors, {
    // Which pages may call a trigger is for its node to say.
    delegator: (request, decide) => decide(null, isTriggerUrl(request.url ?? "") ? { origin: false } : options),
  })
}

/** What is asked before anything else: is it HTTP, do we take work, is there anything at the address? */
function addGate(app: FastifyInstance, { ports, routes, pages = [], links = null, readiness }: AppOptions): void {
  const addresses = makeAddresses(
    routes.map(({ route }) => route),
    [...pages.map(({ path }): Address => ({ method: "GET", path })), ...(links === null ? [] : answerAddresses)],
  )
  let closing = false
  app.addHook("preClose", (done) => {
    closing = true
    done()
  })
  app.addHook("onRequest", (request, reply, done) => {
    if (request.raw.httpVersion === "1.1" && request.raw.headers.host === undefined) {
      done(new Refusal("BAD_REQUEST", { systemMessage: "A request of HTTP/1.1 needs a Host header" }))
      return
    }
    const state = closing ? "draining" : readiness.state()
    if (state !== "ready") {
      const { alwaysOpen } = request.routeOptions.config as { alwaysOpen?: boolean }
      if (alwaysOpen !== true) {
        if (state === "draining") reply.header("connection", "close")
        done(new Refusal("SERVICE_UNAVAILABLE", { systemMessage: `The server is ${state}`, retryAfterSeconds: 1 }))
        return
      }
    }
    if (request.is404) {
      const { refusal, allow } = refuseAddress(addresses, request)
      if (allow !== null) reply.header("allow", allow)
      done(refusal)
      return
    }
    done()
  })
  app.setNotFoundHandler((request, reply) => {
    // Only where a hook or plugin gives a request back: the gate answers before.
    const { refusal, allow } = refuseAddress(addresses, request)
    if (allow !== null) reply.header("allow", allow)
    sendError(ports, refusal, { request, reply })
  })
}

/** Bodies are read as bytes, whatever they are declared to be, up to the limit; the call makes sense of them. */
function addBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body))
}
