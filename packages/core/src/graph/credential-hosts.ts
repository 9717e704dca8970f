/**
 * To which hosts a credential may be sent (the workflow language, §7). Pure.
 *
 *     api.example.com        that host, on any port       *.example.com   hosts below it, not itself
 *     api.example.com:8443   that host on that port       [2001:db8::1]   an address, as URLs write it
 */

/** A place that a request goes to. `host` as a URL has it: lower case, punycode, IPv6 in brackets; `port` in effect. */
export type HostPlace = { readonly host: string; readonly port: number }

/** `host`, `*.host` or `[address]`, and a port or none. */
const hostPattern = /^(\*\.)?([a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?$/

/** A pattern of hosts as it is kept: trimmed, in lower case; null for a text that is none. */
export function readAllowedHost(text: string): string | null {
  const pattern = text.trim().toLowerCase()
  const parts = hostPattern.exec(pattern)
  if (parts === null || pattern.includes("..")) return null
  const [, below, host = "", port] = parts
  // Below an address there is nothing, and below a top level too much.
  if (below !== undefined && (host.startsWith("[") || !host.includes(".") || /^[0-9.]+$/.test(host))) return null
  return port !== undefined && (Number(port) < 1 || Number(port) > 65_535) ? null : pattern
}

/** True where a credential of these hosts may be sent to a place; null: it may be sent anywhere. */
export function allowsHost(allowed: readonly string[] | null, { host, port }: HostPlace): boolean {
  if (allowed === null) return true
  const plain = host.endsWith(".") ? host.slice(0, -1) : host
  return allowed.some((pattern) => {
    const [, below, named = "", bound] = hostPattern.exec(pattern) ?? []
    if (bound !== undefined && Number(bound) !== port) return false
    return below === undefined ? plain === named : plain.endsWith(`.${named}`) && plain.length > named.length + 1
  })
}
