/** The only place that says no to a caller for who it is. Scopes are judged at the door, from the route's declaration. */
import { Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"

/** The caller's organization, where the given id names it. Throws ORGANIZATION_ACCESS_DENIED for any other text. */
export function requireOrganization(cx: Context, given: string): Id<"organization"> {
  if (given !== cx.principal.organizationId) throw new Refusal("ORGANIZATION_ACCESS_DENIED")
  return cx.principal.organizationId
}
