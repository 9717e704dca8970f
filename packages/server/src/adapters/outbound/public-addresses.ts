/** Which addresses and ports are public. Pure. */
import { isIP } from "node:net"
import ipaddr from "ipaddr.js"

/** The one range of IPv6 from which public addresses are given out. */
const publicIpv6 = ipaddr.IPv6.parseCIDR("2000::/3")

/** Addresses that look public and are doors of a hosting platform: the wire server of Azure's machines. */
const platformDoors: ReadonlySet<string> = new Set(["168.63.129.16"])

/**
 * Ports of other protocols, as browsers refuse them (Fetch standard, "bad port"): a request there speaks to a mail server
 * or a printer, not to the web.
 */
const foreignPorts: ReadonlySet<number> = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
])

/** An address as it is compared; null for a text that is none. IPv4 inside IPv6 is IPv4; a zone makes it no address. */
export function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  return isIP(text) === 0 || text.includes("%") ? null : ipaddr.process(text)
}

/** Whether an address is public: unicast, of no special use, and no form of IPv6 that carries an IPv4 address. */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text)
  if (address === null || address.range() !== "unicast" || platformDoors.has(address.toString())) return false
  return address instanceof ipaddr.IPv4 || address.match(publicIpv6)
}

/** Whether a port may be called at a public address. */
export function isWebPort(port: number): boolean {
  return !foreignPorts.has(port)
}

/** A host name as it is compared: small letters, without brackets and the dots at its end. */
export function plainHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.+$/, "")
}
