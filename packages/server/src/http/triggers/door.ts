/**
 * The door of webhooks: `/webhook/{path}` for armed workflows, `/webhook-test/{path}` while somebody listens. No key is
 * asked for here but what the node itself demands.
 *
 *   headers are there:  is there a trigger? ── 404, 405      may they call? ── 403
 *   body is there:      size ── 413, what it is declared to be ── 422
 *   then:               the run, and its answer
 */
import { Refusal } from "@brevet/core/errors"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import type { AtAddress, FoundTrigger } from "../../services/trigger-addresses.ts"
import { type CallerPorts, judgeCaller, type LetIn } from "../../services/trigger-callers.ts"
import { callWebhook, readAnswerFile, type WebhookPorts } from "../../services/webhook-calls.ts"
import { sendError } from "../envelope.ts"
import type { OpenStreams } from "../sse.ts"
import { sendTriggerAnswer, sendTriggerStream, stillRunning } from "./answer.ts"
import { fieldsOf, readTriggerBody } from "./body.ts"
import { allowOrigin, answerPreflight, requireCaller } from "./callers.ts"

declare module "fastify" {
  interface FastifyRequest {
    /** The trigger that a request to a trigger's address means. */
    trigger: { readonly found: FoundTrigger; readonly caller: LetIn } | null
  }
}

/** What the door needs. `publicUrl`: where people reach this server. */
export type TriggerDoor = WebhookPorts & {
  readonly callers: CallerPorts
  readonly publicUrl: () => string
  readonly bodyBytesMax: number
}

/** Requests that wait for an answer at a time (ours): whoever comes beyond them is to come again. */
const waitingMax = 10_000

const methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] as const

/** True for addresses that belong to triggers, whatever is armed there. */
export function isTriggerUrl(url: string): boolean {
  return /^\/webhook(?:-test)?(?:\/|\?|$)/.test(url)
}

type OpenDoor = TriggerDoor & { readonly streams: OpenStreams }

/** Opens the door. */
export function addTriggerDoor(app: FastifyInstance, door: OpenDoor): void {
  app.decorateRequest("trigger", null)
  let waiting = 0
  for (const [prefix, isTest] of [
    ["/webhook", false],
    ["/webhook-test", true],
  ] as const) {
    app.route({
      method: [...methods],
      url: `${prefix}/*`,
      bodyLimit: door.bodyBytesMax,
      exposeHeadRoute: false,
      onRequest: (request, reply, done) =>
        admit(door, { request, reply, isTest, prefix, isPreflight: request.method === "OPTIONS" }, done),
      handler: (request, reply) => {
        if (waiting >= waitingMax) {
          throw new Refusal("SERVICE_UNAVAILABLE", { systemMessage: "Too many webhooks wait", retryAfterSeconds: 1 })
        }
        waiting += 1
        handle(door, request, reply)
          .catch((error: unknown) => {
            if (reply.sent) throw error
            sendError(door.ports, error, { request, reply })
          })
          .finally(() => {
            waiting -= 1
          })
        return reply
      },
    })
  }
}

type Admission = {
  /** A browser asks whether it may call. */
  readonly isPreflight: boolean
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly isTest: boolean
  readonly prefix: string
}

/** Nobody's body is read before it is known who may send one. */
function admit(door: TriggerDoor, admission: Admission, done: (error?: Error) => void): void {
  const { request, isTest, prefix, isPreflight } = admission
  const [path = ""] = request.url.slice(prefix.length + 1).split("?")
  const asked = isPreflight ? request.headers["access-control-request-method"] : request.method
  const address = { door: "webhook", isTest, path, method: asked ?? "OPTIONS" } as const
  const settle = (there: AtAddress): Promise<void> | null => {
    const found = requireTrigger(there, admission)
    if (found === null) return null
    request.trigger = { found, caller: { secretHeader: null, claims: null } }
    if (found.place.webhook.authentication.way !== "none") return letIn(door, found, admission).then(() => done())
    done()
    return null
  }
  try {
    const known = door.addresses.recall(address)
    const settled = known === null ? door.addresses.find(address).then(settle) : settle(known)
    settled?.catch(done)
  } catch (error) {
    done(error as Error)
  }
}

/** The trigger; null for a preflight, which is answered here. */
function requireTrigger(there: AtAddress, { request, reply, isPreflight }: Admission): FoundTrigger | null {
  if (there.type === "nothing") throw new Refusal("ROUTE_NOT_FOUND")
  if (there.type === "methods") {
    reply.header("allow", there.methods.join(", "))
    throw new Refusal("METHOD_NOT_ALLOWED")
  }
  const { webhook, method } = there.found.place
  allowOrigin(webhook, request, reply)
  if (isPreflight) {
    answerPreflight([method], request, reply)
    return null
  }
  requireCaller(webhook, request)
  return there.found
}

async function letIn(door: TriggerDoor, found: FoundTrigger, { request, reply }: Admission): Promise<void> {
  const { authentication } = found.place.webhook
  const { organizationId } = found.place
  if (authentication.way === "basic") reply.header("www-authenticate", 'Basic realm="Webhook", charset="UTF-8"')
  const caller = await judgeCaller(door.callers, { authentication, organizationId, headers: request.headers })
  reply.removeHeader("www-authenticate")
  request.trigger = { found, caller }
}

async function handle(door: OpenDoor, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (request.trigger === null) throw new Error("a request came to a trigger without one")
  const { found, caller } = request.trigger
  const { webhook } = found.place
  const sent = await readTriggerBody(request.body as Buffer | undefined, request.headers["content-type"], webhook)
  const [address = ""] = request.url.split("?")
  const outcome = await callWebhook(door, found, {
    ...sent,
    headers: headersOf(request, caller),
    claims: caller.claims,
    query: queryOf(request),
    url: door.publicUrl() + address,
    traceId: request.id as Parameters<typeof callWebhook>[2]["traceId"],
  })
  if (outcome.stream !== undefined) {
    sendTriggerStream(door.streams, reply, outcome.stream)
    return
  }
  const { answer, scope } = outcome
  await sendTriggerAnswer(reply, answer ?? stillRunning, (id) => readAnswerFile(door.ports, scope, id))
}

/** Headers as they came, by their lower-case names, without the one that let the caller in: it is a secret. */
function headersOf({ headers }: FastifyRequest, { secretHeader }: LetIn): JsonObject {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]): [string, JsonValue][] =>
      value === undefined || name === "__proto__" || name === secretHeader ? [] : [[name, value]],
    ),
  )
}

function queryOf({ url }: FastifyRequest): JsonObject {
  const start = url.indexOf("?")
  return start < 0 ? {} : fieldsOf(new URLSearchParams(url.slice(start + 1)))
}
