/** The only place that says no to a caller for who it is. Scopes are judged at the door, from the route's declaration. */
import type { Route, Scope } from "@brevet/core/contract/route"
import { holdsScopes } from "@brevet/core/contract/scopes"
import { Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { Context, Principal } from "../ports/context.ts"

/** The caller's organization, where the given id names it. Throws ORGANIZATION_ACCESS_DENIED for any other text. */
export function requireOrganization(cx: Pick<Context, "principal">, given: string): Id<"organization"> {
  if (given !== cx.principal.organizationId) throw new Refusal("ORGANIZATION_ACCESS_DENIED")
  return cx.principal.organizationId
}

/** Throws INSUFFICIENT_PERMISSIONS unless the caller holds all of the scopes. */
export function requireScopes(principal: Principal, needed: readonly Scope[]): void {
  if (!holdsScopes(principal.scopes, needed)) throw new Refusal("INSUFFICIENT_PERMISSIONS")
}

/**
 * Throws INSUFFICIENT_PERMISSIONS where the caller may never make this call; `given` are the names of the query's fields.
 * The same table is shown in the documentation.
 */
export function requireRoute(principal: Principal, route: Route, given: Readonly<Record<string, unknown>>): void {
  const { scopes, scopesWithQuery, anyScope } = route
  if (scopes === "public") return
  const isEnough = anyScope === undefined || anyScope.some((scope) => holdsScopes(principal.scopes, [scope]))
  if (!isEnough) throw new Refusal("INSUFFICIENT_PERMISSIONS")
  const other = scopesWithQuery !== undefined && given[scopesWithQuery.field] !== undefined
  requireScopes(principal, other ? scopesWithQuery.scopes : scopes)
}
