/**
 * Event streams: what a handler writes frames to, and the set of streams that are open.
 *
 *   open ──send──> open            a block goes to the socket; what the reader has not taken yet is buffered there
 *     ├── end() ──────> closed     the answer ends; without `[DONE]` that means "resume"
 *     ├── reader leaves ─> closed
 *     └── buffer full ──> closed   the connection is cut: a reader that does not read is never buffered without bound
 *
 * Invariants
 * 1. `onClose` callbacks run exactly once, whatever closed the stream; after that `send` does nothing.
 * 2. Heartbeats are the caller's: a stream here has no timer.
 */
import type { ServerResponse } from "node:http"

/**
 * Bytes that may wait for a reader. Far above what a slow line lags behind within an answer, and small enough that
 * thousands of stuck readers do not exhaust the process.
 */
export const streamBufferBytesMax = 1024 * 1024

/** What a handler writes frames to. */
export interface EventSink {
  /**
   * Sends one or more whole SSE blocks (each ends with an empty line). Blocks of the same tick leave in one packet. False:
   * the reader lags; whoever can wait (a replay of what is stored) waits for `drained`.
   */
  send(blocks: string): boolean
  /** Ends the answer after what was sent. */
  end(): void
  /** Calls back once when the stream closes, at once if it is closed already. */
  onClose(callback: () => void): void
  /** Resolves when the reader has caught up, or the stream is closed. */
  drained(): Promise<void>
  readonly isClosed: boolean
  /** Bytes that wait for the reader. */
  readonly bufferedBytes: number
}

/** The headers of every event stream: nothing on the way may keep, change or collect it. */
export const streamHeaders = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
} as const

class ResponseSink implements EventSink {
  isClosed = false
  readonly #response: ServerResponse
  #callbacks: (() => void)[] = []

  constructor(response: ServerResponse) {
    this.#response = response
    // A reader that leaves makes the response an error or a close; both come here, once.
    response.on("close", () => this.#close())
    response.on("error", () => this.#close())
    if (response.destroyed) this.#close()
  }

  get bufferedBytes(): number {
    return this.#response.writableLength
  }

  send(blocks: string): boolean {
    if (this.isClosed) return false
    // Judged before the write, so that one large block alone never cuts a reader off.
    if (this.#response.writableLength > streamBufferBytesMax) {
      this.#response.destroy()
      this.#close()
      return false
    }
    return this.#response.write(blocks)
  }

  end(): void {
    if (this.isClosed) return
    this.#response.end()
    this.#close()
  }

  onClose(callback: () => void): void {
    if (this.isClosed) callback()
    else this.#callbacks.push(callback)
  }

  drained(): Promise<void> {
    if (this.isClosed || !this.#response.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => {
      this.#response.once("drain", resolve)
      this.onClose(resolve)
    })
  }

  #close(): void {
    if (this.isClosed) return
    this.isClosed = true
    const callbacks = this.#callbacks
    this.#callbacks = []
    for (const callback of callbacks) callback()
  }
}

/** The streams that are open in this process. */
export interface OpenStreams {
  /** Answers 200 with a stream and lets `begin` write to it. Headers are sent at once. */
  open(
    response: ServerResponse,
    answer: { readonly headers: Readonly<Record<string, unknown>>; readonly begin: (sink: EventSink) => void },
  ): void
  /** Ends all of them, without `[DONE]`. For the moment before the server stops listening. */
  endAll(): void
  readonly count: number
}

/** Keeps the open streams, so that a stop can end them: a server does not close while an answer is open. */
export function makeOpenStreams(): OpenStreams {
  const open = new Set<EventSink>()
  return {
    open(response, { headers, begin }) {
      response.writeHead(200, headers as Record<string, string>)
      const sink = new ResponseSink(response)
      open.add(sink)
      sink.onClose(() => open.delete(sink))
      // Corked, so that the headers leave together with what is sent at once, and without it if nothing is.
      response.cork()
      try {
        response.flushHeaders()
        begin(sink)
      } finally {
        process.nextTick(() => response.uncork())
      }
    },
    endAll() {
      for (const sink of [...open]) sink.end()
    },
    get count() {
      return open.size
    },
  }
}
