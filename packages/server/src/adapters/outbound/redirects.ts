/** What becomes of a request at a redirect (RFC 9110 §15.4, and the Fetch standard where that leaves a choice). Pure. */
import { OutboundFailure, type OutboundRequest } from "../../ports/outbound.ts"

/** The part of a request that a redirect changes. */
export type Hop = Pick<OutboundRequest, "method" | "headers" | "body"> & { readonly url: URL }

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Never sent to another origin than the one that they were meant for. */
const ownHeaders: readonly string[] = ["authorization", "cookie", "proxy-authorization", "host"]

/** Headers that say something about a body. */
const bodyHeaders: readonly string[] = [
  "content-type",
  "content-length",
  "content-encoding",
  "content-language",
  "content-location",
]

/** Where an answer leads; null where it is none that redirects, or names no address. Fragments and user names are left out. */
export function locationOf(status: number, location: string | undefined, from: URL): URL | null {
  if (!redirectStatuses.has(status) || location === undefined || !URL.canParse(location, from.href)) return null
  const url = new URL(location, from)
  url.hash = ""
  url.username = ""
  url.password = ""
  return url
}

/** An answer that redirects, and what of the request may not go to another origin. */
type Redirection = { readonly status: number } & Pick<OutboundRequest, "secretHeaders" | "hasSecretBody">

/**
 * The request that follows. 303 asks with GET, 301 and 302 turn POST into GET, 307 and 308 repeat what was sent. Throws
 * OutboundFailure where a secret body would go to another origin.
 */
export function nextHop(hop: Hop, target: URL, answer: Redirection): Hop {
  const { status } = answer
  const becomesGet =
    (status === 303 && hop.method !== "GET" && hop.method !== "HEAD") ||
    ((status === 301 || status === 302) && hop.method === "POST")
  if (answer.hasSecretBody === true && hop.body !== null && !becomesGet && target.origin !== hop.url.origin) {
    const message = `The address redirects to ${target.host}, and the body holds a credential, which is not sent there.`
    throw new OutboundFailure("refused", message)
  }
  const dropped = new Set<string>([
    ...(becomesGet ? bodyHeaders : []),
    ...(target.origin === hop.url.origin ? [] : [...ownHeaders, ...answer.secretHeaders]),
  ])
  return {
    url: target,
    method: becomesGet ? "GET" : hop.method,
    headers: hop.headers.filter(([name]) => !dropped.has(name.toLowerCase())),
    body: becomesGet ? null : hop.body,
  }
}
