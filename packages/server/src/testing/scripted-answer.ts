/** What can be scripted, what is recorded, and the controls of the scripted model server. */
import type { IncomingHttpHeaders } from "node:http"
import type { JsonObject, JsonValue } from "@brevet/core/json"

/** A tool call of a scripted answer. `arguments` as a string is sent as it stands, so that broken JSON can be scripted. */
export type ScriptedToolCall = { readonly id?: string; readonly name: string; readonly arguments: JsonValue }

/** One answer. Everything is optional; `{}` is the empty answer. Times in milliseconds. */
export type ScriptedAnswer = {
  /** The text, sent word by word. */
  readonly text?: string
  /** The text in exactly these pieces; wins over `text`. */
  readonly chunks?: readonly string[]
  /** Sent before the text, word by word, as `reasoning_content`. */
  readonly reasoning?: string
  /** A refusal by the model itself, sent as `refusal`. */
  readonly refusal?: string
  readonly toolCalls?: readonly ScriptedToolCall[]
  /** Default: words counted. Null: no usage is sent. */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number } | null
  /** Default `stop`, or `tool_calls` where there are any. */
  readonly finishReason?: string
  /** Wait before the status line. */
  readonly delayMs?: number
  /** Wait before each chunk. */
  readonly chunkDelayMs?: number
  /** An HTTP error instead of an answer, with `errorBody` (a string is sent as it is) and `headers`. */
  readonly status?: number
  readonly errorBody?: JsonValue
  readonly headers?: { readonly [name: string]: string }
  /** Cut the connection after so many chunks. 0: after the headers. */
  readonly breakAfterChunks?: number
  /** Fall silent after so many chunks and keep the connection open. */
  readonly hangAfterChunks?: number
  /** As `hold`, for this answer alone. */
  readonly holdAfterChunks?: number
  /** Cut the stream's bytes into pieces of this size, each its own write: splits characters and lines. */
  readonly sliceBytes?: number
  /** The stream's whole body, sent as it stands in place of all frames. */
  readonly rawBody?: string
  /** Only requests for which this is true take the answer; others look further down the queue. */
  readonly match?: (request: ScriptedRequest) => boolean
  /** How often the answer may be taken; default 1. */
  readonly times?: number
}

/** A recorded call: its body, the parts that tests look at most, and its headers. */
export type ScriptedRequest = {
  readonly wire: "openai" | "anthropic" | "google"
  readonly model: string
  /** `messages` of the body, `contents` on Google's wire. */
  readonly messages: readonly JsonObject[]
  readonly stream: boolean
  readonly body: JsonObject
  readonly headers: IncomingHttpHeaders
}

/** The running server. */
export type ScriptedModel = {
  readonly port: number
  /** `http://127.0.0.1:<port>/v1`, without a slash at the end. */
  readonly baseUrl: string
  /** The same server under Google's version path. */
  readonly googleBaseUrl: string
  /** What was asked, in order of arrival (empty with `record: false`). */
  readonly requests: readonly ScriptedRequest[]
  /** How many chat calls came. */
  readonly calls: number
  /** How many of them the client closed before they had ended. */
  readonly aborted: number
  /** How many connections were made since the start. */
  readonly connections: number
  /** How many answers still stand in the queue. */
  readonly pending: number
  /** Adds answers to the end of the queue. */
  script(answers: readonly ScriptedAnswer[]): void
  /** What is answered when no answer of the queue fits. */
  answerWith(answer: (request: ScriptedRequest) => ScriptedAnswer): void
  /** Holds every stream that begins from now on once so many chunks are out; answers without a stream wait at 0. */
  hold(afterChunks?: number): void
  /** Lets every held stream send so many chunks more (default 1). */
  step(chunks?: number): void
  /** Lets every stream run to its end and holds no new ones. */
  release(): void
  /** Resolves once so many streams stand held at the same time (default 1). */
  whenHeld(count?: number): Promise<void>
  /** Resolves once so many calls have come since the start (default 1). */
  whenCalled(count?: number): Promise<void>
  /** Resolves once so many calls were closed by their client (default 1). */
  whenAborted(count?: number): Promise<void>
  /** Forgets queue, record, holds and counts; running streams go on to their end. */
  reset(): void
  /** Cuts all connections and frees the port. */
  stop(): Promise<void>
}

/** How to start the server. */
export type ScriptedModelOptions = {
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** What `GET /v1/models` lists. */
  readonly models?: readonly string[]
  /** Keep the requests (default true); off for long benchmarks. */
  readonly record?: boolean
  readonly answer?: (request: ScriptedRequest) => ScriptedAnswer
}

/** The SSE text of an answer: what comes before its chunks, each chunk, and what ends it. */
export type ScriptedFrames = { readonly head: string; readonly chunks: readonly string[]; readonly tail: string }

/** How a provider's wire renders answers. `number` counts the calls and gives an answer its id. */
export type ScriptedWire = {
  frames(answer: ScriptedAnswer, request: ScriptedRequest, number: number): ScriptedFrames
  /** The answer to a call without a stream. */
  whole(answer: ScriptedAnswer, request: ScriptedRequest, number: number): JsonObject
  error(status: number, message: string): JsonObject
}
