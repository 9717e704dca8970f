/**
 * A model that answers at a steady pace, as a process of its own: a piece of text every so many milliseconds, and each piece
 * says when it was sent, so that whoever receives it knows how long it was on its way. OpenAI's wire, nothing else.
 *
 *   --tokens N          pieces of an answer
 *   --chunk-delay-ms N  wait before each
 *
 * Prints `{"base_url": …}` as one line. Times are of the machine's monotonic clock, which all processes share.
 */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { parseArgs } from "node:util"
import { makeStampedPiece } from "./stamp.ts"

const { values } = parseArgs({
  options: { tokens: { type: "string", default: "50" }, "chunk-delay-ms": { type: "string", default: "20" } },
})
const tokens = Number(values.tokens)
const delayMs = Number(values["chunk-delay-ms"])

const server = createServer({ keepAliveTimeout: 600_000, noDelay: true }, (request, response) => {
  request.resume()
  request.once("end", () => {
    if (request.url === "/v1/models") {
      response.writeHead(200, { "content-type": "application/json" })
      response.end(JSON.stringify({ object: "list", data: [{ id: "paced-1", object: "model" }] }))
      return
    }
    response.writeHead(200, { "content-type": "text/event-stream" })
    response.write(frame({ role: "assistant", content: "" }))
    sendPieces(response, 0)
  })
})
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ base_url: `http://127.0.0.1:${port}/v1` })}\n`)
})
for (const occasion of ["SIGTERM", "SIGINT", "disconnect"]) process.once(occasion, () => process.exit(0))

function sendPieces(response: ServerResponse, index: number): void {
  setTimeout(() => {
    if (response.destroyed) return
    response.write(frame({ content: makeStampedPiece(index) }))
    if (index + 1 < tokens) sendPieces(response, index + 1)
    else response.end(`${frame({}, "stop")}data: [DONE]\n\n`)
  }, delayMs)
}

function frame(delta: object, reason: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: reason }]
  return `data: ${JSON.stringify({ id: "paced", object: "chat.completion.chunk", created: 0, model: "paced-1", choices })}\n\n`
}
