/**
 * OpenAI's chat-completions wire, for OpenAI and for every server that speaks it, over undici's dispatch.
 *
 * Own code in place of a provider package since this is the hot path of a turn (docs/adr/0010-openai-wire.md).
 * Owns one exchange: request, response, the clock of silence. Does not know messages or frames (`openai-chat-body`,
 * `openai-chat-answer`), nor what failures mean (`failures`).
 *
 * An exchange is *idle* until its first event is asked for, then *open*, and ends as one of: *answered* (finish was
 * pushed), *failed*, *left* (aborted, or the reader stopped). Invariants:
 *  1. The queue is closed exactly once, and nothing is pushed after that.
 *  2. An exchange that ends before its response does closes its connection at once; one that was answered lets the
 *     response end by itself, so that the connection is used again.
 *  3. The clock runs from the request to the end of the answer; tokens wind it up again, comments do not, and while the
 *     reader is behind it does not strike.
 */
import type { Dispatcher } from "undici"
import { type ModelEvent, ModelFailure } from "../../ports/models.ts"
import { EventQueue } from "./event-queue.ts"
import { failureOfAnswer, failureOfBrokenAnswer, failureOfConnection, failureOfSilence } from "./failures.ts"
import { ChatAnswer } from "./openai-chat-answer.ts"
import { type ChatDialect, chatBodyOf } from "./openai-chat-body.ts"
import { type Provider, type ProviderOptions, secretsOf } from "./provider.ts"
import { SseScanner } from "./sse-scanner.ts"

/** OpenAI's own address. */
export const openaiBaseUrl = "https://api.openai.com/v1"

const queuedEventsMax = 1024
const wholeBodyBytesMax = 16 * 1024 * 1024
const errorBodyBytesMax = 64 * 1024

type Target = {
  readonly origin: string
  readonly path: string
  readonly headers: string[]
  readonly secrets: readonly string[]
  readonly options: ProviderOptions
}

/** A provider that speaks the chat-completions wire. */
export function createOpenaiChat(options: ProviderOptions): Provider {
  const url = new URL(`${options.baseUrl}/chat/completions`)
  const headers = ["content-type", "application/json", "accept", "text/event-stream"]
  if (options.apiKey !== null) headers.push("authorization", `Bearer ${options.apiKey}`)
  for (const [name, value] of options.headers ?? []) headers.push(name, value)
  const secrets = secretsOf(options)
  const target: Target = { origin: url.origin, path: url.pathname + url.search, headers, secrets, options }
  const limitField = options.baseUrl === openaiBaseUrl ? "max_completion_tokens" : "max_tokens"
  const dialect: ChatDialect = { limitField }
  let dispatcher: Dispatcher | null = null
  return {
    stream(request, { model, signal }) {
      const connect = (send: (dispatcher: Dispatcher) => void, fail: (error: unknown) => void) => {
        if (dispatcher !== null) return send(dispatcher)
        options.dispatcher().then((loaded) => {
          dispatcher = loaded
          send(loaded)
        }, fail)
      }
      return new Exchange({ target, signal, model, body: () => chatBodyOf(request, model, dialect), connect })
    },
  }
}

type AnswerHeaders = { readonly [name: string]: string | string[] | undefined }

type ExchangeOptions = {
  readonly target: Target
  readonly signal: AbortSignal
  readonly model: string
  readonly body: () => string
  readonly connect: (send: (dispatcher: Dispatcher) => void, fail: (error: unknown) => void) => void
}

class Exchange implements AsyncIterableIterator<ModelEvent, undefined>, Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions
  readonly #queue = new EventQueue<ModelEvent>()
  readonly #answer: ChatAnswer
  #state: "idle" | "open" | "answered" | "failed" | "left" = "idle"
  #controller: Dispatcher.DispatchController | null = null
  #clock: ReturnType<typeof setTimeout> | null = null
  #status = 0
  #headers: AnswerHeaders = {}
  #scanner: SseScanner | null = null
  #whole: Buffer[] = []
  #wholeBytes = 0

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.#answer = new ChatAnswer({
      model: options.model,
      secrets: options.target.secrets,
      emit: (event) => this.#queue.push(event),
    })
  }

  [Symbol.asyncIterator]() {
    return this
  }

  next(): Promise<IteratorResult<ModelEvent, undefined>> {
    if (this.#state === "idle") this.#open()
    if (this.#controller?.paused === true && this.#queue.length < queuedEventsMax / 2) this.#controller.resume()
    return this.#queue.pull()
  }

  return(): Promise<IteratorResult<ModelEvent, undefined>> {
    this.#leave()
    this.#queue.clear()
    return Promise.resolve({ value: undefined, done: true })
  }

  #open(): void {
    const { signal, target, body, connect } = this.#options
    this.#state = "open"
    if (signal.aborted) {
      this.#onAbort()
      return
    }
    signal.addEventListener("abort", this.#onAbort, { once: true })
    const { timeoutMs } = target.options
    this.#clock = setTimeout(() => this.#strike(timeoutMs), timeoutMs)
    const { origin, path, headers } = target
    connect(
      (dispatcher) => {
        if (this.#state !== "open") return
        const request = {
          origin,
          path,
          method: "POST",
          headers,
          body: body(),
          headersTimeout: 0,
          bodyTimeout: 0,
        } as const
        dispatcher.dispatch(request, this)
      },
      (error) => this.#fail(error),
    )
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#state !== "open") this.#cut()
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    if (this.#isGood && !String(headers["content-type"]).includes("json")) {
      this.#scanner = new SseScanner((data) => this.#answer.take(data))
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (this.#state !== "open") return
    if (this.#scanner === null) {
      this.#collect(bytes)
      return
    }
    const before = this.#answer.tokens
    this.#attempt((scanner) => scanner?.feed(bytes))
    if (this.#answer.tokens !== before) this.#clock?.refresh()
    if (this.#queue.length > queuedEventsMax) controller.pause()
  }

  onResponseEnd(): void {
    this.#stopClock()
    if (this.#state !== "open") return
    if (!this.#isGood) this.#failByStatus()
    else if (this.#scanner === null) this.#attempt(() => this.#answer.takeWhole(this.#wholeBody()))
    else {
      this.#attempt((scanner) => {
        scanner?.end()
        this.#answer.end()
      })
    }
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#stopClock()
    if (this.#state !== "open") return
    if (this.#status === 0) this.#fail(failureOfConnection(error))
    else if (this.#isGood) this.#fail(failureOfBrokenAnswer(error))
    else this.#failByStatus()
  }

  get #isGood(): boolean {
    return this.#status >= 200 && this.#status < 300
  }

  /** Lets the answer take something; closes the queue when it is complete, or when it threw. */
  #attempt(take: (scanner: SseScanner | null) => void): void {
    try {
      take(this.#scanner)
    } catch (error) {
      this.#fail(error instanceof ModelFailure ? error : failureOfBrokenAnswer(error))
      return
    }
    if (!this.#answer.isOver) return
    this.#state = "answered"
    this.#options.signal.removeEventListener("abort", this.#onAbort)
    this.#queue.end()
  }

  #collect(bytes: Buffer): void {
    this.#whole.push(bytes)
    this.#wholeBytes += bytes.length
    if (this.#wholeBytes <= (this.#isGood ? wholeBodyBytesMax : errorBodyBytesMax)) return
    if (this.#isGood) this.#fail(failureOfBrokenAnswer(new Error("the body is too large")))
    else this.#failByStatus()
  }

  #wholeBody(): string {
    return Buffer.concat(this.#whole).toString("utf8")
  }

  #failByStatus(): void {
    const { secrets } = this.#options.target
    this.#fail(failureOfAnswer({ status: this.#status, headers: this.#headers, body: this.#wholeBody(), secrets }))
  }

  #fail(error: unknown): void {
    if (this.#state !== "open") return
    this.#state = "failed"
    this.#options.signal.removeEventListener("abort", this.#onAbort)
    this.#queue.fail(error)
    this.#cut()
  }

  #leave(): void {
    if (this.#state === "answered" || this.#state === "failed") return
    this.#state = "left"
    this.#options.signal.removeEventListener("abort", this.#onAbort)
    this.#queue.end()
    this.#cut()
  }

  readonly #onAbort = (): void => {
    if (this.#state !== "open") return
    this.#queue.clear()
    this.#fail(this.#options.signal.reason)
  }

  #strike(timeoutMs: number): void {
    if (this.#state !== "open") this.#cut()
    else if (this.#queue.length > 0) this.#clock?.refresh()
    else this.#fail(failureOfSilence(timeoutMs))
  }

  #stopClock(): void {
    if (this.#clock !== null) clearTimeout(this.#clock)
    this.#clock = null
  }

  #cut(): void {
    this.#stopClock()
    this.#controller?.abort(new Error("the exchange has ended"))
  }
}
