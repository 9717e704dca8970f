/**
 * The answer page, and the addresses that programs call: doors to a pause for those who have a link and no key.
 *
 *     GET  /answer/{token}            shows the form, or what became of the question; changes nothing, whoever opens it
 *     POST /answer                    the form, with its token in the body
 *     any  /webhook-waiting/{token}   of the node's method: the request is the answer
 *
 * Links are not logged. Whoever guesses is slowed down by address; signatures cannot be guessed.
 */
import { formOf } from "@brevet/core/contract/pause-form"
import { Refusal } from "@brevet/core/errors"
import { isJsonObject, type JsonObject, type JsonValue } from "@brevet/core/json"
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import type { PauseRecord } from "../../ports/pause-table.ts"
import { answerLinked, answerRequest, findLinked, type LinkPorts, linkPaths } from "../../services/pause-links.ts"
import type { Address } from "../addresses.ts"
import { makeRateLimit, type RateLimit } from "../rate-limit.ts"
import { type FormFault, formPage, leftPage, noPage, tooOftenPage } from "./pages.ts"

/** What one address may ask for in a minute. */
const requestsPerMinute = 60
/** What a form may hold: its fields are texts (bytes of the body, as it is sent). */
const formBytesMax = 1024 * 1024
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const

const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "x-robots-tag": "noindex, nofollow",
} as const

/** The addresses, for whoever answers requests that nothing answers. */
export const answerAddresses: readonly Address[] = [
  { method: "GET", path: `${linkPaths.answer}/{token}` },
  { method: "POST", path: linkPaths.answer },
  ...methods.map((method) => ({ method, path: `${linkPaths.webhook}/{token}` })),
]

type TokenRequest = FastifyRequest<{ Params: { token: string } }>

/** Serves them. */
export function addAnswerDoor(app: FastifyInstance, ports: LinkPorts): void {
  const limit = makeRateLimit(requestsPerMinute, ports.clock)
  app.route({
    method: "GET",
    url: `${linkPaths.answer}/:token`,
    exposeHeadRoute: true,
    handler: (request, reply) => show({ ports, limit }, request as TokenRequest, reply),
  })
  app.post(linkPaths.answer, (request, reply) => take({ ports, limit }, request, reply))
  app.route({
    method: [...methods],
    url: `${linkPaths.webhook}/:token`,
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      limit(request.ip)
      const { token } = (request as TokenRequest).params
      await answerRequest(ports, token, requestOf(request))
      return reply.header("cache-control", "no-store").send({ success: true })
    },
  })
}

type Grounds = { readonly ports: LinkPorts; readonly limit: RateLimit }

async function show({ ports, limit }: Grounds, request: TokenRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (!mayPass(limit, request)) return send(reply, 429, tooOftenPage)
  const { token } = request.params
  const pause = await findLinked(ports, token, "answer")
  if (pause === null) return send(reply, 404, noPage)
  if (!isOpen(ports, pause)) return send(reply, 410, leftPage(asLeft(pause), { isThanks: false }))
  return send(reply, 200, formPage({ pause, fields: formOf(pause), token, typed: new Map(), faults: [] }))
}

async function take({ ports, limit }: Grounds, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (!mayPass(limit, request)) return send(reply, 429, tooOftenPage)
  const fields = fieldsOf(request)
  const token = fields.get("_token") ?? ""
  const pause = await findLinked(ports, token, "answer")
  if (pause === null) return send(reply, 404, noPage)
  const outcome = await answerLinked(ports, pause, fields)
  if (outcome.type === "answered") return send(reply, 200, leftPage(outcome.pause, { isThanks: true }))
  if (outcome.type === "left") return send(reply, 409, leftPage(asLeft(outcome.pause), { isThanks: false }))
  const faults = outcome.faults.map((fault): FormFault => {
    return pause.kind === "question" ? { ...fault, path: "answer" } : fault
  })
  return send(reply, 422, formPage({ pause, fields: formOf(pause), token, typed: fields, faults }))
}

function mayPass(limit: RateLimit, { ip }: FastifyRequest): boolean {
  try {
    limit(ip)
    return true
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

function send(reply: FastifyReply, status: number, content: string): FastifyReply {
  return reply.code(status).headers(pageHeaders).send(content)
}

function isOpen({ clock }: LinkPorts, { status, expiresAtMs }: PauseRecord): boolean {
  return status === "open" && (expiresAtMs === null || expiresAtMs > clock.nowMs())
}

/** A pause whose time has passed, whether that was noted already or not. */
function asLeft(pause: PauseRecord): PauseRecord {
  return pause.status === "open" ? { ...pause, status: "expired" } : pause
}

/** The fields of a form in a browser's way of sending them; none for any other body. */
function fieldsOf({ body, headers }: FastifyRequest): ReadonlyMap<string, string> {
  const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true
  if (!isForm || !Buffer.isBuffer(body) || body.length > formBytesMax) return new Map()
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(body.toString("utf8"))) if (!fields.has(name)) fields.set(name, value)
  return fields
}

/** A request as the run gets it; what says who asks is left out. */
function requestOf({ method, headers, query, body }: FastifyRequest) {
  const { authorization: _authorization, cookie: _cookie, "x-api-key": _key, ...shown } = headers
  return {
    method,
    headers: JSON.parse(JSON.stringify(shown)) as JsonObject,
    query: JSON.parse(JSON.stringify(query)) as JsonObject,
    body: bodyOf(body, headers["content-type"] ?? ""),
  }
}

function bodyOf(body: unknown, contentType: string): JsonValue {
  if (!Buffer.isBuffer(body) || body.length === 0) return {}
  const text = body.toString("utf8")
  if (contentType.startsWith("application/x-www-form-urlencoded")) return Object.fromEntries(new URLSearchParams(text))
  try {
    const value = JSON.parse(text) as JsonValue
    return isJsonObject(value) || Array.isArray(value) ? value : { body: value }
  } catch {
    return { body: text }
  }
}
