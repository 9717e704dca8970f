/**
 * The load: so many requests in flight, each worker sending its next one when its last was answered (a closed loop).
 *
 * It runs in the benchmark's own process and shares the machine's cores with what it measures, so it does as little as it
 * can for each request: undici's dispatch over connections that stay open, no parsing but of samples.
 */
import { type Dispatcher, Pool } from "undici"
import { nowMs } from "./stamp.ts"

/** A request. */
export type LoadRequest = {
  readonly method: "GET" | "POST"
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** How it was answered. `firstMs` and `endMs` are after the request was sent. */
export type LoadAnswer = { readonly status: number; readonly body: string; readonly endMs: number }

/** What a load found. */
export type LoadFigures = {
  readonly answered: number
  readonly seconds: number
  readonly latenciesMs: readonly number[]
}

/** What is sent: the next request of a worker, and what is done with its answer. Throwing there ends the load. */
export type Load = {
  readonly inFlight: number
  readonly durationMs: number
  next(worker: number): LoadRequest
  see(answer: LoadAnswer, worker: number): void
}

/** Connections to a server, each with one request at a time. */
export function openConnections(address: string, connections: number): Pool {
  return new Pool(address, { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
}

/** Drives a load for its duration, and until what is in flight then is answered. */
export async function driveLoad(address: string, load: Load): Promise<LoadFigures> {
  const pool = openConnections(address, load.inFlight)
  const latenciesMs: number[] = []
  const startedMs = nowMs()
  const untilMs = startedMs + load.durationMs
  const work = async (worker: number): Promise<void> => {
    do {
      const answer = await send(pool, load.next(worker))
      latenciesMs.push(answer.endMs)
      load.see(answer, worker)
    } while (nowMs() < untilMs)
  }
  try {
    await Promise.all(Array.from({ length: load.inFlight }, (_, worker) => work(worker)))
  } finally {
    await pool.destroy()
  }
  return { answered: latenciesMs.length, seconds: (nowMs() - startedMs) / 1_000, latenciesMs }
}

/** Sends one request and reads its whole answer. `onText` is called with each piece as it comes. */
export function send(
  dispatcher: Dispatcher,
  { method, path, headers, body }: LoadRequest,
  onText: ((text: string, atMs: number) => void) | null = null,
): Promise<LoadAnswer> {
  return new Promise((resolve, reject) => {
    const sentMs = nowMs()
    let status = 0
    let text = ""
    dispatcher.dispatch(
      { method, path, headers, body },
      {
        onRequestStart() {},
        onResponseStart(_controller, code) {
          status = code
        },
        onResponseData(_controller, bytes) {
          // What is measured answers in ASCII, so that no character is ever split.
          const piece = bytes.toString("latin1")
          text += piece
          onText?.(piece, nowMs() - sentMs)
        },
        onResponseEnd: () => resolve({ status, body: text, endMs: nowMs() - sentMs }),
        onResponseError: (_controller, error) => reject(error),
      },
    )
  })
}
