/**
 * Errors as answers: whatever is thrown becomes the documented envelope. Refusals are shown as they are; everything else is
 * a bug, answered with the trace id and nothing else, and logged here, once.
 */
import { errorEnvelope } from "@brevet/core/contract/error-envelope"
import { type ErrorCode, type Occasion, Refusal } from "@brevet/core/errors"
import type { FastifyReply, FastifyRequest } from "fastify"
import type { Ports } from "../ports/context.ts"
import type { KeptAnswer } from "../ports/idempotency-table.ts"

/** Seconds that are named with a 429 or 503 that does not say itself. */
const retryAfterDefaultSeconds = 1

/** The type of every JSON answer. */
export const jsonContentType = "application/json; charset=utf-8"

/** Faults that the HTTP layer finds itself, by the code of its error; never by its message. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "REQUEST_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "BAD_REQUEST",
  FST_ERR_BAD_URL: "BAD_REQUEST",
  FST_ERR_MAX_PARAM_LENGTH: "ROUTE_NOT_FOUND",
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: "METHOD_NOT_ALLOWED",
}

/** What is thrown as a refusal; null for a bug. */
function toRefusal(error: unknown, request: FastifyRequest): Refusal | null {
  if (error instanceof Refusal) return error
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined
  if (typeof code !== "string") return null
  // The connection broke while the body came in: nobody reads the answer, and nothing is wrong here.
  if (code === "ECONNRESET" && request.raw.readableAborted) return new Refusal("BAD_REQUEST", { cause: error })
  const known = frameworkCodes[code]
  return known === undefined ? null : new Refusal(known, { cause: error })
}

/** A refusal as it is sent and kept: the envelope's text, and what its status asks for. Its own occasion goes first. */
export function presentRefusal(refusal: Refusal, occasion: Occasion): KeptAnswer {
  return {
    status: refusal.status,
    headers: refusalHeaders(refusal),
    body: JSON.stringify(errorEnvelope(refusal, refusal.occasion ?? occasion)),
  }
}

/** Answers with an error. A bug is logged with the trace id by which the caller can name it. */
export function sendError(
  { log, clock }: Pick<Ports, "log" | "clock">,
  error: unknown,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): void {
  let refusal = toRefusal(error, request)
  if (refusal === null) {
    const { id, ip, method, routeOptions } = request
    log.error({ err: error, trace_id: id, client: ip, method, route: routeOptions.url }, "request-failed")
    refusal = new Refusal("INTERNAL_ERROR")
  }
  const { status, headers, body } = presentRefusal(refusal, { traceId: request.id, atMs: clock.nowMs() })
  // Whoever asks for another way than a key has said so already.
  const asked = reply.getHeader("www-authenticate")
  reply.code(status).headers(headers)
  if (asked !== undefined) reply.header("www-authenticate", asked)
  reply.header("content-type", jsonContentType).send(body)
}

function refusalHeaders(refusal: Refusal): Readonly<Record<string, string>> {
  const { status, retryAfterSeconds } = refusal
  if (status === 429 || status === 503) return { "retry-after": String(retryAfterSeconds ?? retryAfterDefaultSeconds) }
  return status === 401 ? { "www-authenticate": "Bearer" } : {}
}
