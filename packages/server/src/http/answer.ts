/** Answers on their way out: JSON text and headers, and in tests the check that they are what the contract declares. */
import { errorsOf } from "@brevet/core/contract/error-sets"
import type { Route } from "@brevet/core/contract/route"
import type { Refusal } from "@brevet/core/errors"
import type { FastifyReply } from "fastify"
import type { KeptAnswer } from "../ports/idempotency-table.ts"
import { jsonContentType } from "./envelope.ts"
import type { Answer, AnswerHeaders, JsonAnswer } from "./route.ts"

const noHeaders: AnswerHeaders = Object.freeze({})

/** The answer as text. */
export function toKept(answer: JsonAnswer): KeptAnswer {
  return {
    status: answer.status,
    headers: answer.headers ?? noHeaders,
    body: answer.body === null ? null : JSON.stringify(answer.body),
  }
}

/** Sends an answer that is text already. */
export function sendKept(reply: FastifyReply, { status, headers, body }: KeptAnswer): void {
  reply.code(status)
  for (const name in headers) reply.header(name, headers[name])
  if (body === null) reply.send()
  else reply.header("content-type", jsonContentType).send(body)
}

/**
 * Throws an Error where an answer is not what its route declares: a status, a schema, an event stream. For tests: what
 * fails here is a bug, and the request fails loudly.
 */
export function requireDeclaredAnswer(route: Route, answer: Answer): void {
  const declared = route.answers[answer.status]
  const says = (what: string): Error => new Error(`${route.id} answered ${answer.status}, ${what}`)
  if (declared === undefined) throw says("which it does not declare")
  if (answer.stream !== undefined) {
    if (declared.stream !== true) throw says("as an event stream, which it does not declare")
    return
  }
  if (declared.schema === null) {
    if (answer.body !== null) throw says("with a body, which it does not declare")
    return
  }
  // As the client will read it: what JSON leaves out is not there.
  const result = declared.schema.safeParse(answer.body === null ? null : JSON.parse(JSON.stringify(answer.body)))
  if (!result.success) throw new Error(`${says("against its schema").message}`, { cause: result.error })
}

/** Throws an Error where a refusal is none that the route declares. For tests, as above. */
export function requireDeclaredRefusal(route: Route, refusal: Refusal): void {
  if (errorsOf(route).has(refusal.code)) return
  throw new Error(`${route.id} refused with ${refusal.code}, which it does not declare`, { cause: refusal })
}
