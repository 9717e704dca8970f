/**
 * The doors of triggers: `/webhook/{path}` and `/form/{path}` of armed workflows, `/webhook-test/…` and `/form-test/…` while
 * somebody listens. No key is asked for here but what the node itself demands.
 */
import { Refusal } from "@brevet/core/errors"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import { showForm, submitForm, troublePage } from "../../services/form-calls.ts"
import type { LetIn } from "../../services/trigger-callers.ts"
import { readAnswerFile } from "../../services/trigger-runs.ts"
import { callWebhook, webhookOf } from "../../services/webhook-calls.ts"
import { sendError } from "../envelope.ts"
import type { OpenStreams } from "../sse.ts"
import { type Admission, admit, type TriggerDoor } from "./admission.ts"
import { sendTriggerAnswer, sendTriggerStream, stillRunning } from "./answer.ts"
import { fieldsOf, readFormBody, readTriggerBody } from "./body.ts"
import { sendFormOutcome, sendPage } from "./form-pages.ts"

/** Requests that wait for an answer at a time (ours): whoever comes beyond them is to come again. */
const waitingMax = 10_000

const methods = {
  webhook: ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
  form: ["GET", "HEAD", "POST"],
} as const

/** True for addresses that belong to triggers, whatever is armed there. */
export function isTriggerUrl(url: string): boolean {
  return /^\/(?:webhook|form)(?:-test)?(?:\/|\?|$)/.test(url)
}

type OpenDoor = TriggerDoor & { readonly streams: OpenStreams }
type Exchange = { readonly request: FastifyRequest; readonly reply: FastifyReply }

/** Opens the doors. */
export function addTriggerDoor(app: FastifyInstance, door: OpenDoor): void {
  app.decorateRequest("trigger", null)
  let waiting = 0
  for (const { name, isTest, prefix } of doors) {
    const handle = name === "form" ? handleForm : handleWebhook
    app.route({
      method: [...methods[name]],
      url: `${prefix}/*`,
      bodyLimit: door.bodyBytesMax,
      exposeHeadRoute: false,
      // People get their troubles as pages.
      ...(name === "form" ? { errorHandler: (error, request, reply) => fail(door, error, { request, reply }) } : {}),
      onRequest: (request, reply, done) => admit(door, { door: name, isTest, prefix, request, reply }, done),
      handler: (request, reply) => {
        if (waiting >= waitingMax) {
          throw new Refusal("SERVICE_UNAVAILABLE", { systemMessage: "Too many requests wait", retryAfterSeconds: 1 })
        }
        waiting += 1
        handle(door, request, reply)
          .catch((error: unknown) => fail(door, error, { request, reply }))
          .finally(() => {
            waiting -= 1
          })
        return reply
      },
    })
  }
}

const doors: readonly (Pick<Admission, "isTest" | "prefix"> & { readonly name: Admission["door"] })[] = [
  { name: "webhook", isTest: false, prefix: "/webhook" },
  { name: "webhook", isTest: true, prefix: "/webhook-test" },
  { name: "form", isTest: false, prefix: "/form" },
  { name: "form", isTest: true, prefix: "/form-test" },
]

function fail({ ports }: OpenDoor, error: unknown, exchange: Exchange): void {
  const { request, reply } = exchange
  if (reply.sent) {
    // The answer has begun, so nothing can be said any more; a cut connection is what tells the client.
    ports.log.error({ err: error, trace_id: request.id, route: request.routeOptions.url }, "answer-cut-off")
    reply.raw.destroy()
    return
  }
  const takesPages = /^\/form/.test(request.url) && request.headers.accept?.includes("text/html") === true
  if (!takesPages || !(error instanceof Refusal)) {
    sendError(ports, error, exchange)
    return
  }
  const page = troublePage(error, request.id)
  sendPage(reply, page)
}

async function handleWebhook(door: OpenDoor, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { found, caller } = triggerOf(request)
  const webhook = webhookOf(found.place)
  const sent = await readTriggerBody(request.body as Buffer | undefined, request.headers["content-type"], webhook)
  const [address = ""] = request.url.split("?")
  const outcome = await callWebhook(door, found, {
    ...sent,
    headers: headersOf(request, caller),
    claims: caller.claims,
    query: queryOf(request),
    url: door.publicUrl() + address,
    traceId: traceIdOf(request),
  })
  if (outcome.stream !== undefined) {
    sendTriggerStream(door.streams, reply, outcome.stream)
    return
  }
  const { answer, scope } = outcome
  await sendTriggerAnswer(reply, answer ?? stillRunning, (id) => readAnswerFile(door.ports, scope, id))
}

async function handleForm(door: OpenDoor, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { found } = triggerOf(request)
  const query = queryOf(request)
  if (request.method !== "POST") {
    sendPage(reply, { status: 200, html: showForm(found, query) })
    return
  }
  const sent = await readFormBody(request.body as Buffer | undefined, request.headers["content-type"])
  const outcome = await submitForm(door, found, { ...sent, query, traceId: traceIdOf(request) })
  if (outcome.type !== "answer") {
    sendFormOutcome(reply, outcome)
    return
  }
  await sendTriggerAnswer(reply, outcome.answer, (id) => readAnswerFile(door.ports, outcome.scope, id))
}

function triggerOf({ trigger }: FastifyRequest): NonNullable<FastifyRequest["trigger"]> {
  if (trigger === null) throw new Error("a request came to a trigger without one")
  return trigger
}

function traceIdOf({ id }: FastifyRequest): Parameters<typeof callWebhook>[2]["traceId"] {
  return id as Parameters<typeof callWebhook>[2]["traceId"]
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
