/** Which methods each address takes, for requests that no route matches: 405 with `Allow`, else 404. */
import type { Route } from "@brevet/core/contract/route"
import { Refusal } from "@brevet/core/errors"

/** An address beside the contract's, such as a page. */
export type Address = { readonly method: string; readonly path: string }

/** True for calls whose answer may be an event stream: they have no HEAD, since there is nothing to measure. */
export function mayStream(route: Route): boolean {
  return Object.values(route.answers).some(({ stream }) => stream === true)
}

/** What is answered where no route matches. */
export type Addresses = {
  /** The methods of a path, sorted; empty where there is nothing. */
  methodsOf(path: string): readonly string[]
}

/** The table of addresses; a GET has a HEAD beside it. */
export function makeAddresses(routes: readonly Route[], pages: readonly Address[]): Addresses {
  const patterns = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()
  const add = ({ method, path }: Address): void => {
    const entry = patterns.get(path) ?? { pattern: toPattern(path), methods: new Set<string>() }
    patterns.set(path, entry)
    entry.methods.add(method)
  }
  for (const route of routes) {
    add(route)
    if (route.method === "GET" && !mayStream(route)) add({ method: "HEAD", path: route.path })
  }
  for (const page of pages) {
    add(page)
    if (page.method === "GET") add({ method: "HEAD", path: page.path })
  }
  return {
    methodsOf(path) {
      const methods = new Set<string>()
      for (const entry of patterns.values()) {
        if (entry.pattern.test(path)) for (const method of entry.methods) methods.add(method)
      }
      return [...methods].sort()
    },
  }
}

/** The refusal for a request that no route matches, and the methods for its `Allow` header. */
export function refuseAddress(
  addresses: Addresses,
  { url }: { readonly url: string },
): { readonly refusal: Refusal; readonly allow: string | null } {
  const [path = ""] = url.split("?")
  const methods = addresses.methodsOf(path)
  return methods.length === 0
    ? { refusal: new Refusal("ROUTE_NOT_FOUND"), allow: null }
    : { refusal: new Refusal("METHOD_NOT_ALLOWED"), allow: methods.join(", ") }
}

/** A slash at the end does not matter, as in the router. */
function toPattern(path: string): RegExp {
  const escaped = path.replace(/\/$/, "").replace(/[.*+?^$()|[\]\\]/g, "\\$&")
  return new RegExp(`^${escaped.replace(/\{[^}]+\}/g, "[^/]+")}/?$`)
}

/** A path of the contract as the router writes it: `{id}` is `:id`. */
export function toRouterPath(path: string): string {
  return path.replace(/\{([^}]+)\}/g, ":$1")
}
