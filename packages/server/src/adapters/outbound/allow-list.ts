/** What the operator allows beside public addresses (`BREVET_OUTBOUND_ALLOW`): `host:port`, addresses and CIDR ranges. Pure. */
import ipaddr from "ipaddr.js"
import { parseAddress, plainHost } from "./public-addresses.ts"

/** Answers what is allowed. */
export type AllowList = {
  /** The name (plain) with this port is listed: it may be called wherever it leads. */
  allowsName(name: string, port: number): boolean
  /** The address is in a listed range, or listed with this port. */
  allowsAddress(address: string, port: number): boolean
}

/** Reads a list whose items are well formed, as the settings make sure. */
export function makeAllowList(items: readonly string[]): AllowList {
  const places = new Set<string>()
  const ranges: (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[] = []
  for (const item of items) {
    const address = parseAddress(item)
    if (address !== null) ranges.push([address, address instanceof ipaddr.IPv4 ? 32 : 128])
    else if (ipaddr.isValidCIDR(item)) ranges.push(ipaddr.parseCIDR(item))
    else places.add(placeOf(item))
  }
  return {
    allowsName: (name, port) => places.has(`${name} ${port}`),
    allowsAddress(text, port) {
      const address = parseAddress(text)
      if (address === null) return false
      const isIn = ([range, bits]: readonly [ipaddr.IPv4 | ipaddr.IPv6, number]) =>
        range.kind() === address.kind() && address.match(range, bits)
      return places.has(`${address.toString()} ${port}`) || ranges.some(isIn)
    },
  }
}

/** `[::1]:80` and `LOCALHOST:80` as they are compared. */
function placeOf(item: string): string {
  const colon = item.lastIndexOf(":")
  const host = plainHost(item.slice(0, colon))
  return `${parseAddress(host)?.toString() ?? host} ${Number(item.slice(colon + 1))}`
}
