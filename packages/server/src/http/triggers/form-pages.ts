/** Pages of forms as HTTP: headers that keep scripts out, and answers to whoever sent one. */
import type { FastifyReply } from "fastify"
import type { FormOutcome } from "../../services/form-calls.ts"

/** No script runs on a form; what it shows of the web is what its author names. Sending it may lead elsewhere. */
const pageHeaders = {
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:; media-src https: http:; " +
    "frame-src https: http:; form-action 'self' https: http:; frame-ancestors 'none'; base-uri 'none'",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const

/** Sends a page. */
export function sendPage(
  reply: FastifyReply,
  { status, html }: { readonly status: number; readonly html: string },
): void {
  reply.code(status).headers(pageHeaders).header("content-type", "text/html; charset=utf-8").send(html)
}

/** Sends what follows a form, unless a node says it. */
export function sendFormOutcome(reply: FastifyReply, outcome: Exclude<FormOutcome, { type: "answer" }>): void {
  if (outcome.type === "page") {
    sendPage(reply, outcome)
    return
  }
  reply.code(303).headers(pageHeaders).header("location", outcome.url).send()
}
