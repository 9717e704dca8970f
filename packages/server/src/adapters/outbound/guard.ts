/**
 * The guard: who may be dialled, judged for every new connection, whatever asked for it.
 *
 *     host ── literal address ────────────────> judged ──> dialled
 *        └─── name ──> resolved once ──> every address judged ──> those addresses dialled, no others
 *                                                                       └──> where it led is judged again
 *
 * Invariants
 *   G1  An address that is not public is dialled only if the operator listed it, or the name and port that led there.
 *   G2  A name is resolved once per connection, and what was judged is what is dialled: a name that answers differently
 *       the second time (DNS rebinding) gains nothing.
 *   G3  One address that is not allowed refuses the name, however many others are.
 */
import { lookup } from "node:dns/promises"
import type { Socket } from "node:net"
import type { buildConnector } from "undici"
import { OutboundFailure } from "../../ports/outbound.ts"
import type { AllowList } from "./allow-list.ts"
import { isPublicAddress, isWebPort, parseAddress, plainHost } from "./public-addresses.ts"

/** An address of a name. */
export type ResolvedAddress = { readonly address: string; readonly family: 4 | 6 }

/** Gives all addresses of a name; throws as `dns.lookup` does where there is none. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>

/** Opens a connection to one of the addresses. */
export type Dial = (target: buildConnector.Options, addresses: readonly ResolvedAddress[]) => Promise<Socket>

/** What the guard works with. */
export type GuardOptions = {
  readonly allow: AllowList
  readonly resolve?: Resolve
  readonly dial: Dial
}

/** The system's resolver: host files and all, so that names mean here what they mean to the operator. */
const resolveBySystem: Resolve = async (hostname) => {
  const found = await lookup(hostname, { all: true, verbatim: true })
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

/** The connect function of a guarded agent. */
export function makeGuardedConnect(options: GuardOptions): buildConnector.connector {
  return (target, callback) => {
    connect(options, target).then(
      (socket) => callback(null, socket as Parameters<buildConnector.Callback>[1] & Socket),
      (error: unknown) => callback(error as Error, null),
    )
  }
}

async function connect(options: GuardOptions, target: buildConnector.Options): Promise<Socket> {
  const addresses = await admit(options, target)
  const socket = await options.dial(target, addresses)
  const remote = parseAddress(socket.remoteAddress ?? "")?.toString()
  if (remote !== undefined && addresses.some(({ address }) => parseAddress(address)?.toString() === remote)) {
    return socket
  }
  socket.destroy()
  throw refusal(target.hostname)
}

/** The addresses that may be dialled for a target. Throws OutboundFailure, or what the resolver throws. */
async function admit(options: GuardOptions, target: buildConnector.Options): Promise<readonly ResolvedAddress[]> {
  const host = plainHost(target.hostname)
  const port = portOf(target)
  const literal = admitLiteral(options.allow, { host, port })
  if (literal !== null) return [literal]
  const isListed = options.allow.allowsName(host, port)
  if (!isListed && isLocalName(host)) throw refusal(host)
  const addresses = await (options.resolve ?? resolveBySystem)(host)
  const allows = ({ address }: ResolvedAddress) => isListed || isAllowed(options.allow, { address, port })
  if (addresses.length === 0 || !addresses.every(allows)) throw refusal(host)
  return addresses
}

/** A literal address that may be dialled; null for a name. Throws OutboundFailure. */
function admitLiteral(allow: AllowList, { host, port }: { host: string; port: number }): ResolvedAddress | null {
  const address = parseAddress(host)
  if (address === null) {
    // With a zone it is an address, and none that leaves this network.
    if (host.includes(":") || host.includes("%")) throw refusal(host)
    return null
  }
  const text = address.toString()
  if (!isAllowed(allow, { address: text, port })) throw refusal(host)
  return { address: text, family: address.kind() === "ipv6" ? 6 : 4 }
}

/** Refuses an address that needs no look-up to be known as forbidden, before anything else is done. Throws OutboundFailure. */
export function checkUrl(url: URL, allow: AllowList): void {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new OutboundFailure("invalid", "Only addresses that begin with http:// or https:// can be called.")
  }
  const host = plainHost(url.hostname)
  const port = portOf(url)
  if (host === "") throw new OutboundFailure("invalid", "The address has no host name.")
  admitLiteral(allow, { host, port })
  if (isLocalName(host) && !allow.allowsName(host, port)) throw refusal(host)
}

function isAllowed(allow: AllowList, { address, port }: { address: string; port: number }): boolean {
  return allow.allowsAddress(address, port) || (isPublicAddress(address) && isWebPort(port))
}

/** Names that mean this machine wherever they are asked for (RFC 6761). */
function isLocalName(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost")
}

function portOf({ port, protocol }: { readonly port: string; readonly protocol: string }): number {
  if (port !== "") return Number(port)
  return protocol === "https:" ? 443 : 80
}

function refusal(host: string): OutboundFailure {
  const message = `The address ${host} may not be called from here: it is not public, or its port is not one of the web. The operator can list it in BREVET_OUTBOUND_ALLOW.`
  return new OutboundFailure("refused", message)
}
