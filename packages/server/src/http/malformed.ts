/**
 * Requests that are no HTTP, or that HTTP's own parser refuses: they never reach a route, and are answered by hand on the
 * socket, with the envelope like every other error.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Refusal } from "@brevet/core/errors"
import type { Ports } from "../ports/context.ts"
import { jsonContentType, presentRefusal } from "./envelope.ts"

/** What the parser found, in words; by its code. */
const words: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "The headers are larger than 16 KiB",
  ERR_HTTP_REQUEST_TIMEOUT: "The request did not arrive in time",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "The extensions of a chunk are too large",
}

type Answerer = Pick<Ports, "ids" | "clock">

/** Answers what the parser refused. */
export function answerMalformed(ports: Answerer, error: Error & { code?: string }, socket: Socket): void {
  // Nobody listens, or the middle of an answer is on the way: whatever is written now would become a part of it.
  if (error.code === "ECONNRESET" || !socket.writable || hasBegun(socket)) {
    socket.destroy()
    return
  }
  answerByHand(ports, socket, words[error.code ?? ""])
}

/** Ends connections that ask for what HTTP has and we have not: a tunnel (CONNECT), or an expectation we do not know. */
export function refuseOddRequests(server: Server, ports: Answerer): void {
  server.on("connect", (_request: IncomingMessage, socket: Socket) => {
    answerByHand(ports, socket, "CONNECT is not offered")
  })
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    const { status, body, traceId } = present(ports, "The Expect header asks for what is not offered")
    response.writeHead(status, { "content-type": jsonContentType, "x-request-id": traceId, connection: "close" })
    response.end(body)
  })
}

function answerByHand(ports: Answerer, socket: Socket, systemMessage: string | undefined): void {
  const { status, body, traceId } = present(ports, systemMessage)
  socket.end(
    [
      `HTTP/1.1 ${status} Bad Request`,
      `content-type: ${jsonContentType}`,
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${traceId}`,
      "connection: close",
      "",
      body,
    ].join("\r\n"),
  )
}

function present({ ids, clock }: Answerer, systemMessage: string | undefined) {
  const traceId = ids.next("request")
  const refusal = new Refusal("BAD_REQUEST", systemMessage === undefined ? {} : { systemMessage })
  const { status, body } = presentRefusal(refusal, { traceId, atMs: clock.nowMs() })
  return { status, body: body ?? "", traceId }
}

/** True where the socket carries an answer whose headers are out. Node keeps that answer on the socket. */
function hasBegun(socket: Socket & { _httpMessage?: { headersSent?: boolean } | null }): boolean {
  return socket._httpMessage?.headersSent === true
}
