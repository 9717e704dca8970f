/**
 * A credential on its way out: put on at the last moment, on the request to the origin that it was meant for and on what
 * follows there, never on anything else.
 *
 *     request ── host allowed? ──> with headers and query ──> answer ── 401 with a digest challenge? ──> once more
 *                                                               └── redirect: same origin ── headers ──> …
 *                                                                             another ── nothing ─────> …
 */
import { createHash, randomBytes } from "node:crypto"
import { allowsHost } from "@brevet/core/graph/credential-hosts"
import type { RequestAuth } from "@brevet/core/graph/credential-types"
import { type OutboundCredential, OutboundFailure } from "../../ports/outbound.ts"
import type { Hop } from "./redirects.ts"

/** Throws OutboundFailure where the credential may not be sent to that host. */
export function checkHost({ allowedHosts }: OutboundCredential, url: URL): void {
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port)
  if (allowsHost(allowedHosts, { host: url.hostname, port })) return
  const message = `The credential may not be sent to ${url.host}: its allowed_hosts do not list that host.`
  throw new OutboundFailure("refused", message)
}

/** The request with a credential's headers, each in the place of one of the same name, and its fields of the query. */
export function withCredential(hop: Hop, { headers, query }: RequestAuth): Hop {
  const own = new Set(headers.map(([name]) => name.toLowerCase()))
  const url = new URL(hop.url)
  for (const [name, value] of query) url.searchParams.set(name, value)
  return { ...withHeaders(hop, headers, own), url }
}

/** The request with a credential's headers: what a redirect within the same origin gets. */
export function withCredentialHeaders(hop: Hop, { headers }: RequestAuth): Hop {
  return withHeaders(hop, headers, new Set(headers.map(([name]) => name.toLowerCase())))
}

function withHeaders(hop: Hop, headers: RequestAuth["headers"], own: ReadonlySet<string>): Hop {
  return { ...hop, headers: [...hop.headers.filter(([name]) => !own.has(name.toLowerCase())), ...headers] }
}

const digests: Readonly<Record<string, string>> = { MD5: "md5", "SHA-256": "sha256", "SHA-512-256": "sha512-256" }

/** The request with an answer to a digest challenge (RFC 7616); null where there is none that can be answered. */
export function withDigest(
  hop: Hop,
  { user, password }: NonNullable<RequestAuth["digest"]>,
  challenge: string | undefined,
): Hop | null {
  const fields = readChallenge(challenge ?? "")
  const algorithm = (fields?.algorithm ?? "MD5").toUpperCase()
  const digest = digests[algorithm.replace(/-SESS$/, "")]
  const qops = (fields?.qop ?? "").split(",").map((word) => word.trim())
  const qop = qops.includes("auth") ? "auth" : null
  if (fields?.nonce === undefined || digest === undefined || (qop === null && fields.qop !== undefined)) return null
  const hash = (text: string): string => createHash(digest).update(text, "utf8").digest("hex")
  const { realm = "", nonce, opaque } = fields
  const uri = `${hop.url.pathname}${hop.url.search}`
  const client = randomBytes(8).toString("hex")
  const plain = hash(`${user}:${realm}:${password}`)
  const secret = algorithm.endsWith("-SESS") ? hash(`${plain}:${nonce}:${client}`) : plain
  const place = hash(`${hop.method}:${uri}`)
  const answer = hash(
    qop === null ? `${secret}:${nonce}:${place}` : `${secret}:${nonce}:00000001:${client}:${qop}:${place}`,
  )
  const quoted = { username: user, realm, nonce, uri, response: answer, ...(opaque === undefined ? {} : { opaque }) }
  const parts = Object.entries(quoted).map(([name, value]) => `${name}="${value.replace(/[\\"]/g, "\\$&")}"`)
  if (fields.algorithm !== undefined) parts.push(`algorithm=${fields.algorithm}`)
  if (qop !== null) parts.push(`qop=${qop}`, "nc=00000001", `cnonce="${client}"`)
  return withHeaders(hop, [["Authorization", `Digest ${parts.join(", ")}`]], new Set(["authorization"]))
}

type Challenge = Readonly<Partial<Record<"realm" | "nonce" | "opaque" | "qop" | "algorithm", string>>>

/** The fields of the first digest challenge of a header; null where there is none. */
function readChallenge(header: string): Challenge | null {
  const start = /(?:^|,\s*)digest\s+/i.exec(header)
  if (start === null) return null
  const text = header.slice(start.index + start[0].length, start.index + 4_096)
  const fields = [...text.matchAll(/([a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi)]
  return Object.fromEntries(
    fields.map(([, name = "", quoted, bare]) => [name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? bare ?? ""]),
  )
}
