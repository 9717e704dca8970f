/**
 * A client that gives up on nothing that it may ask again: it knows several addresses of one product, sends each request
 * under a key of its own, comes back after a 503 or a broken connection, and reads a stream on from the number at which it
 * broke off. What it ends up with is what somebody with a good client library would have.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { JsonObject } from "@brevet/core/json"
import { type TestClient, type TestFrame, type TestResponse, textOf } from "./server.ts"

/** How a request ended: an answer, or an error that a person can read. */
export type PatientOutcome =
  | { readonly status: "answered"; readonly text: string; readonly threadId: string; readonly runId: string }
  | { readonly status: "refused"; readonly httpStatus: number; readonly code: string }

/** How long it goes on asking (milliseconds): far more than any restart takes. */
const patienceMs = 120_000
const pauseMs = 50

/** What a broken connection or a 503 leaves of a request. */
const again: unique symbol = Symbol("again")

/** A client of several processes of one product. */
export class PatientClient {
  readonly #clients: readonly TestClient[]
  #turn = 0
  /** Answers that were not what the contract promises: 503 without Retry-After. */
  readonly faults: string[] = []

  constructor(clients: readonly TestClient[]) {
    this.#clients = clients
  }

  /** A turn, as JSON or as a stream that is read to its end. */
  async turn(
    key: string,
    text: string,
    { stream, ...fields }: JsonObject & { stream: boolean },
  ): Promise<PatientOutcome> {
    const body = { inputs: [{ role: "user", content: text }], ...fields }
    return this.#insist(() => (stream ? this.#heard(key, body) : this.#asked(key, body)))
  }

  /** A run of a workflow, to its end. */
  async execution(key: string, workflowId: string, inputs: JsonObject): Promise<TestResponse["body"]> {
    const started = await this.#insist(async () => {
      const body = { inputs, return_mode: "poll" as const }
      const path = `/v1/workflows/${workflowId}/execute`
      const answer = await this.#call("POST", path, { body, headers: { "idempotency-key": key } })
      return answer === again ? again : answer.body.run_id
    })
    return this.#insist(async () => {
      const run = await this.#call("GET", `/v1/runs/${started}`)
      if (run === again) return again
      return /completed|failed|cancelled/.test(run.body.status) ? run.body : again
    })
  }

  /** The body of a GET, asked for until it is there. */
  get(path: string): Promise<TestResponse["body"]> {
    return this.#insist(async () => {
      const answer = await this.#call("GET", path, { headers: { accept: "application/json" } })
      return answer === again ? again : answer.body
    })
  }

  async #insist<Value>(attempt: () => Promise<Value | typeof again>): Promise<Value> {
    const untilMs = performance.now() + patienceMs
    for (;;) {
      const outcome = await attempt()
      if (outcome !== again) return outcome
      if (performance.now() > untilMs) throw new Error("it never came to an end")
      await sleep(pauseMs)
    }
  }

  #next(): TestClient {
    this.#turn += 1
    return this.#clients[this.#turn % this.#clients.length] as TestClient
  }

  async #call(...[method, path, options]: Parameters<TestClient["call"]>): Promise<TestResponse | typeof again> {
    const answer = await this.#next()
      .call(method, path, options)
      .catch((): typeof again => again)
    if (answer === again) return again
    if (answer.status === 503 && answer.headers.get("retry-after") === null)
      this.faults.push(`503 for ${method} ${path}`)
    const isBusy = answer.status === 503 || answer.body?.error?.code === "IDEMPOTENCY_KEY_IN_USE"
    return isBusy ? again : answer
  }

  async #asked(key: string, body: JsonObject): Promise<PatientOutcome | typeof again> {
    const answer = await this.#call("POST", "/v1/model/response", { body, headers: { "idempotency-key": key } })
    if (answer === again) return again
    if (answer.status !== 200) return refusal(answer)
    return answer.body.status === "in_progress" ? this.#read(answer.body.response_id) : answered(answer.body)
  }

  async #read(responseId: string): Promise<PatientOutcome | typeof again> {
    return this.#insist(async () => {
      const answer = await this.#call("GET", `/v1/model/response/${responseId}`)
      if (answer === again || answer.body.status === "in_progress") return again
      if (answer.status !== 200) return refusal(answer)
      return answer.body.status === "failed" ? failure(answer.body.error) : answered(answer.body)
    })
  }

  async #heard(key: string, body: JsonObject): Promise<PatientOutcome | typeof again> {
    const frames: TestFrame[] = []
    const headers = { "idempotency-key": key }
    await this.#listen(frames, ["POST", "/v1/model/response", { body: { ...body, stream: true }, headers }])
    const created = named(frames, "response.created")
    // Nothing was accepted, or nobody said so: the same key asks for the same turn again.
    if (created === null) return again
    const path = `/v1/model/response/${created.response_id}/events`
    return this.#insist(async () => {
      const last = frames.findLast(({ id }) => id !== null)?.id ?? 0
      if (frames.at(-1)?.data !== "[DONE]") await this.#listen(frames, ["GET", `${path}?starting_after=${last}`, {}])
      if (frames.at(-1)?.data !== "[DONE]") return again
      const numbers = frames.flatMap(({ id }) => (id === null ? [] : [id]))
      if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0))) {
        this.faults.push(`numbers of ${path} fall: ${numbers.join(" ")}`)
      }
      const error = named(frames, "response.error")
      if (error !== null) return failure(error.error)
      return { status: "answered", text: textOf(frames), threadId: `${created.thread_id}`, runId: `${created.run_id}` }
    })
  }

  async #listen(frames: TestFrame[], request: Parameters<TestClient["frames"]>): Promise<void> {
    try {
      for await (const frame of this.#next().frames(...request)) frames.push(frame)
    } catch {
      // It broke off, or was no stream: the caller sees how far it came.
    }
  }
}

function named(frames: readonly TestFrame[], event: string): JsonObject | null {
  const found = frames.find(({ data }) => data !== "[DONE]" && data.event === event)?.data
  return found === undefined || found === "[DONE]" ? null : found
}

function answered(body: TestResponse["body"]): PatientOutcome {
  return { status: "answered", text: body.response[0]?.text ?? "", threadId: body.thread_id, runId: body.run_id }
}

function refusal({ status, body }: TestResponse): PatientOutcome {
  return { status: "refused", httpStatus: status, code: String(body?.error?.code) }
}

function failure(error: unknown): PatientOutcome {
  const { code, status } = error as { readonly code?: string; readonly status?: number }
  return { status: "refused", httpStatus: status ?? 0, code: String(code) }
}
