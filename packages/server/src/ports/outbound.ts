/**
 * Requests to addresses that come from a definition, a credential or a request. All of them go through one guard (the
 * workflow language, §7): what is private, loopback or otherwise not public is refused unless the operator allows it.
 */
import type { RequestAuth } from "@brevet/core/graph/credential-types"

/** A credential that is put on a request when it leaves. Its part of a body is whoever makes the body's to put in. */
export type OutboundCredential = {
  readonly auth: RequestAuth
  /** Where it may be sent; null: anywhere. */
  readonly allowedHosts: readonly string[] | null
}

/** A request. Bodies are whole; redirects are followed by the same rules as the request itself. */
export type OutboundRequest = {
  readonly method: string
  readonly url: string
  /** In the order and spelling in which they are sent; a name may come several times. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Names (lower case) of headers that hold a secret: not sent to another origin, as `authorization` and `cookie` are not. */
  readonly secretHeaders: readonly string[]
  readonly body: Uint8Array | string | null
  /** Goes to the request's own origin and to no other. Absent: none. */
  readonly credential?: OutboundCredential | null
  /** The body holds a secret: a redirect that would take it to another origin is refused. */
  readonly hasSecretBody?: boolean
  /** Redirects that are followed; with 0 a redirect is an answer. */
  readonly redirectsMax: number
  /** Until the last answer begins. */
  readonly timeoutMs: number
  /** Of the decoded body. */
  readonly responseBytesMax: number
}

/** Headers by their lower-case names; `set-cookie` is a list. */
export type OutboundHeaders = Readonly<Record<string, string | readonly string[]>>

/** An answer of any status, its body whole and decoded. `url`: where it came from, after redirects. */
export type OutboundAnswer = {
  readonly status: number
  readonly statusText: string
  readonly headers: OutboundHeaders
  readonly body: Uint8Array
  readonly url: string
}

/**
 * Why there is no answer:
 * `refused`: the guard does not let the request go there;
 * `invalid`: the address, the method or a header cannot be sent;
 * `unreachable`: nobody listens, or the name is not known; nothing was sent;
 * `certificate`: the other side's certificate is not trusted; nothing was sent;
 * `timeout`: no answer came in time;
 * `broken`: the connection or the answer broke off, or the answer cannot be decoded;
 * `too-large`: the answer is larger than allowed;
 * `redirects`: more redirects than allowed.
 */
export type OutboundFailureKind =
  | "refused"
  | "invalid"
  | "unreachable"
  | "certificate"
  | "timeout"
  | "broken"
  | "too-large"
  | "redirects"

/** A request that got no answer. The message is safe to show: no secret, no resolved address, no words of a library. */
export class OutboundFailure extends Error {
  readonly kind: OutboundFailureKind
  /** The system's word for it (`ECONNREFUSED`), where there is one. */
  readonly systemCode: string | null

  constructor(kind: OutboundFailureKind, message: string, options: { systemCode?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = "OutboundFailure"
    this.kind = kind
    this.systemCode = options.systemCode ?? null
  }
}

/** The way out. */
export interface Outbound {
  /** Sends a request. Throws OutboundFailure, and the signal's reason as soon as it is aborted. */
  send(request: OutboundRequest, options: { readonly signal: AbortSignal }): Promise<OutboundAnswer>
  /** Cuts what runs and closes all connections. */
  close(): Promise<void>
}
