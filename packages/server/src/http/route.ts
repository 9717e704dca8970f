/** Binds a declared route to the function that answers it. What happens before and after it is in `call.ts`. */
import type { Route, RouteInput } from "@brevet/core/contract/route"
import type { Context } from "../ports/context.ts"
import type { IdempotencyRecord } from "../ports/idempotency-table.ts"
import type { IdempotencyMark } from "../ports/owner.ts"
import type { EventSink } from "./sse.ts"

/**
 * The idempotency of a request whose route has `idempotency: "run"`. `found` is the mark of the run that an earlier
 * request with the same key and body started: the answer attaches to it (header `idempotent-replayed: true`). Refusals
 * that such a call throws are kept and answered again by the door itself.
 */
export type IdempotentRequest = IdempotencyMark & {
  readonly found: IdempotencyRecord | null
  /** Where the answer of the run that was found is not kept (5xx): frees the key, so that the request is made anew. */
  startOver(): Promise<void>
}

/**
 * Under which generation of the organization the caller was judged. With `credentials: "remembered"` that may have been
 * up to a few seconds ago, so what the call does must be refused where the generation has risen since; `renew` then
 * judges the caller again and gives the context to go on with. Throws as authentication does.
 */
export type Standing = { readonly generation: number; renew(): Promise<{ cx: Context; standing: Standing }> }

/** What a call is handed: the parsed inputs, and what the headers say. */
export type CallInput<R> = RouteInput<R> & {
  /** The revision that `If-Match` names; undefined: any. A tag that is none of ours becomes -1, which matches nothing. */
  readonly ifRevision: number | undefined
  /** The header of a reader that resumes a stream. */
  readonly lastEventId: string | null
  /** `Accept` names `text/event-stream`. */
  readonly acceptsStream: boolean
  /** `Accept` names `application/json` and no `text/event-stream`. */
  readonly acceptsJsonAlone: boolean
  /** Null without an `Idempotency-Key`, and for routes whose idempotency is not "run". */
  readonly idempotency: IdempotentRequest | null
  readonly standing: Standing
}

/** Headers of an answer, by their lower-case names. */
export type AnswerHeaders = Readonly<Record<string, string>>

/** An answer as JSON; `body: null` with a status that declares no schema is an empty one. */
export type JsonAnswer = {
  readonly status: number
  readonly body: unknown
  readonly headers?: AnswerHeaders
  /** Of routes with `secret`: the id of what was made, which a replay names instead of the secret. */
  readonly secretId?: string
  readonly stream?: never
}

/** An answer as an event stream. `stream` is called once, after the headers; it must not throw. */
export type StreamAnswer = {
  readonly status: 200
  readonly stream: (sink: EventSink) => void
  readonly headers?: AnswerHeaders
}

/** What a call gives. Refusals are thrown. */
export type Answer = JsonAnswer | StreamAnswer

/** How a caller is judged: by the store at every request, or from memory (see `Standing`). */
export type BindOptions = { readonly credentials?: "fresh" | "remembered" }

/** A route with the function that answers it. */
export type BoundRoute = {
  readonly route: Route
  readonly handle: (cx: Context, input: CallInput<Route>) => Promise<Answer>
  readonly credentials: "fresh" | "remembered"
}

/** Binds a route. Calls of public routes have no principal in their context: reading it there is a bug and throws. */
export function bind<R extends Route>(
  route: R,
  handle: (cx: Context, input: CallInput<R>) => Promise<Answer>,
  options: BindOptions = {},
): BoundRoute {
  // The door parses the inputs by the route's own schemas before it calls, so the exact types hold.
  return { route, handle: handle as BoundRoute["handle"], credentials: options.credentials ?? "fresh" }
}
