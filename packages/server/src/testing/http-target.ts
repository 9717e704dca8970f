/** A server that nodes ask in tests: it says what it was asked, and behaves badly where its path says so. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** What the target was asked. */
export type TargetRequest = {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingMessage["headers"]
  readonly body: Buffer
}

/** Answers a request in the place of the target's own answer. */
export type TargetHandle = (request: TargetRequest, response: ServerResponse) => void

/** The target while it runs. */
export type HttpTarget = {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string
  /** `127.0.0.1:PORT`. */
  readonly host: string
  /** Everything that was asked, in the order in which it came. */
  readonly seen: TargetRequest[]
  /** What answers a path; without one the target says what it was asked. */
  on(path: string, handle: TargetHandle): void
  close(): Promise<void>
}

/** Starts a target on a free port. */
export async function startHttpTarget(): Promise<HttpTarget> {
  const seen: TargetRequest[] = []
  const handles = new Map<string, TargetHandle>()
  const server = createServer((incoming, response) => {
    const pieces: Buffer[] = []
    incoming.on("data", (piece: Buffer) => pieces.push(piece))
    incoming.on("error", () => {})
    response.on("error", () => {})
    incoming.on("end", () => {
      const { method = "", url = "", headers } = incoming
      const request = { method, url, headers, body: Buffer.concat(pieces) }
      seen.push(request)
      const handle = handles.get(url.split("?")[0] ?? "")
      if (handle === undefined) tell(request, response)
      else handle(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `http://${host}`,
    host,
    seen,
    on: (path, handle) => void handles.set(path, handle),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function tell({ method, url, headers, body }: TargetRequest, response: ServerResponse): void {
  const type = headers["content-type"] ?? null
  const text = JSON.stringify({ method, url, type, body: body.toString("utf8"), headers })
  response.writeHead(200, { "content-type": "application/json" }).end(text)
}
