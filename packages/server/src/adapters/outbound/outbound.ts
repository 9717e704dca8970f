/**
 * The way out: requests over connections that the guard lets through, redirects by hand through the same gate, answers
 * bounded in size and time.
 *
 *     send ── address judged ──> request ──> answer ── redirect? ──> address judged ──> request ──> …
 *                                                └──> body, decoded within its bound
 *
 * Certificates are always checked, and no proxy of the environment is ever used: it would dial for us, past the guard.
 */
import type { Readable } from "node:stream"
import type { Agent, Dispatcher } from "undici"
import {
  type Outbound,
  type OutboundAnswer,
  type OutboundCredential,
  OutboundFailure,
  type OutboundHeaders,
  type OutboundRequest,
} from "../../ports/outbound.ts"
import { type AllowList, makeAllowList } from "./allow-list.ts"
import { acceptedEncodings, readBody } from "./body.ts"
import { checkHost, withCredential, withCredentialHeaders, withDigest } from "./credential.ts"
import { makeDial } from "./dial.ts"
import { failureOf } from "./failures.ts"
import { checkUrl, type Dial, makeGuardedConnect, type Resolve } from "./guard.ts"
import { plainHost } from "./public-addresses.ts"
import { type Hop, locationOf, nextHop } from "./redirects.ts"

/** How long a body may be silent, and how long it may take in all: five minutes for what is at most some mebibytes. */
const bodySilenceMsMax = 60_000
const bodyMsMax = 300_000
/** Connections to one origin at a time; further requests wait. */
const connectionsMax = 64

/** The way out, and the guarded connections for those who speak over them by themselves. */
export type OpenOutbound = Outbound & { dispatcher(): Promise<Dispatcher> }

/** How it is opened. */
export type OutboundOptions = {
  /** `BREVET_OUTBOUND_ALLOW`, item by item. */
  readonly allow: readonly string[]
  /** In the place of the system's resolver. */
  readonly resolve?: Resolve
  /** In the place of real connections. */
  readonly dial?: Dial
}

/** Opens the way out. Nothing is loaded before the first request. */
export function openOutbound(options: OutboundOptions): OpenOutbound {
  return new GuardedOutbound(options)
}

class GuardedOutbound implements OpenOutbound {
  readonly #options: OutboundOptions
  readonly #allow: AllowList
  #agent: Promise<Agent> | null = null

  constructor(options: OutboundOptions) {
    this.#options = options
    this.#allow = makeAllowList(options.allow)
  }

  dispatcher(): Promise<Agent> {
    this.#agent ??= this.#open()
    return this.#agent
  }

  async send(request: OutboundRequest, { signal }: { readonly signal: AbortSignal }): Promise<OutboundAnswer> {
    signal.throwIfAborted()
    const agent = await this.dispatcher()
    const clock = new Clock(request.timeoutMs, signal)
    try {
      return await this.#exchange(agent, request, clock)
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      clock.stop()
    }
  }

  async close(): Promise<void> {
    await (await this.#agent)?.destroy()
  }

  async #open(): Promise<Agent> {
    const { Agent, buildConnector: build } = await import("undici")
    const { resolve, dial = makeDial(build) } = this.#options
    const connect = makeGuardedConnect({ allow: this.#allow, dial, ...(resolve === undefined ? {} : { resolve }) })
    return new Agent({ connect, headersTimeout: 0, bodyTimeout: 0, allowH2: false, connections: connectionsMax })
  }

  async #exchange(agent: Agent, request: OutboundRequest, clock: Clock): Promise<OutboundAnswer> {
    let hop: Hop = firstHop(request)
    // The credential is on none of the hops themselves, so that no redirect can take it along.
    let credential: OutboundCredential | null = request.credential ?? null
    for (let redirects = 0; ; redirects += 1) {
      checkUrl(hop.url, this.#allow)
      const answer = await askWith(agent, { hop, credential, isFirst: redirects === 0 }, clock.signal)
      const follows = request.redirectsMax > 0
      const target = follows ? locationOf(answer.statusCode, oneOf(answer.headers.location), hop.url) : null
      if (target === null) return take(answer, hop, { request, clock })
      // The rest of an answer that nobody reads is not waited for.
      answer.body.on("error", () => {}).destroy()
      if (redirects >= request.redirectsMax) {
        throw new OutboundFailure("redirects", `The address redirects more than ${request.redirectsMax} times.`)
      }
      if (target.origin !== hop.url.origin) credential = null
      const { secretHeaders, hasSecretBody = false } = request
      hop = nextHop(hop, target, { status: answer.statusCode, secretHeaders, hasSecretBody })
    }
  }
}

/** The bounds of time: until the answer begins, then until its body is over. The caller's signal ends both. */
class Clock {
  readonly #abort = new AbortController()
  readonly #outer: AbortSignal
  readonly #onAbort = (): void => this.#abort.abort(this.#outer.reason)
  #timer: NodeJS.Timeout

  constructor(timeoutMs: number, outer: AbortSignal) {
    this.#outer = outer
    outer.addEventListener("abort", this.#onAbort, { once: true })
    this.#timer = this.#strikeAfter(timeoutMs)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The answer has begun. */
  awaitBody(): void {
    clearTimeout(this.#timer)
    this.#timer = this.#strikeAfter(bodyMsMax)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#outer.removeEventListener("abort", this.#onAbort)
  }

  #strikeAfter(ms: number): NodeJS.Timeout {
    const failure = new OutboundFailure("timeout", `There was no answer within ${ms} ms.`, {
      systemCode: "ECONNABORTED",
    })
    return setTimeout(() => this.#abort.abort(failure), ms)
  }
}

/** Throws OutboundFailure for a text that is no address. */
function firstHop({ url: text, method, headers, body }: OutboundRequest): Hop {
  if (!URL.canParse(text)) throw new OutboundFailure("invalid", "The address is not a valid URL.")
  const url = new URL(text)
  url.hash = ""
  const isOffered = headers.some(([name]) => name.toLowerCase() === "accept-encoding")
  const offer: Hop["headers"] = isOffered ? [] : [["accept-encoding", acceptedEncodings]]
  return { url, method, headers: [...headers, ...offer], body }
}

type Asking = {
  readonly hop: Hop
  readonly credential: OutboundCredential | null
  /** False: after a redirect, whose address says itself what is asked. */
  readonly isFirst: boolean
}

/** Asks with a credential, and once more where the other side challenges it. Throws OutboundFailure. */
async function askWith(
  agent: Agent,
  { hop, credential, isFirst }: Asking,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  if (credential === null) return ask(agent, hop, signal)
  const { auth } = credential
  checkHost(credential, hop.url)
  const asked = isFirst ? withCredential(hop, auth) : withCredentialHeaders(hop, auth)
  const answer = await ask(agent, asked, signal)
  if (answer.statusCode !== 401 || auth.digest === null) return answer
  const again = withDigest(asked, auth.digest, oneOf(answer.headers["www-authenticate"]))
  if (again === null) return answer
  answer.body.on("error", () => {}).destroy()
  return ask(agent, again, signal)
}

async function ask(agent: Agent, hop: Hop, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  const { url, method, headers, body } = hop
  try {
    return await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: method as Dispatcher.HttpMethod,
      headers: headers.flat(),
      body,
      signal,
      bodyTimeout: bodySilenceMsMax,
    })
  } catch (error) {
    throw translated(error, url, signal)
  }
}

async function take(
  answer: Dispatcher.ResponseData,
  { url, method }: Hop,
  { request, clock }: { readonly request: OutboundRequest; readonly clock: Clock },
): Promise<OutboundAnswer> {
  clock.awaitBody()
  const headers = headersOf(answer.headers)
  const encoding = method === "HEAD" ? undefined : oneOf(answer.headers["content-encoding"])
  try {
    const body = await readBody(answer.body as Readable, { encoding, bytesMax: request.responseBytesMax })
    return { status: answer.statusCode, statusText: answer.statusText, headers, body, url: url.href }
  } catch (error) {
    throw translated(error, url, clock.signal)
  }
}

/** An error of the transport as ours; the reason of the signal where that ended it. Faults of ours are given back as they are. */
function translated(error: unknown, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  return failureOf(error, plainHost(url.hostname)) ?? error
}

/** Decoded is decoded: who reads the headers must not do it again. */
function headersOf(headers: Dispatcher.ResponseData["headers"]): OutboundHeaders {
  const entries = Object.entries(headers).flatMap(([name, value]): [string, string | readonly string[]][] => {
    if (value === undefined || name === "content-encoding") return []
    return [[name, Array.isArray(value) && name !== "set-cookie" ? value.join(", ") : value]]
  })
  return Object.fromEntries(entries)
}

function oneOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(", ") : value
}
