/** What a trigger demands of whoever comes to its address: the way, and the credential that says what is right. */
import type { GraphNode } from "../graph.ts"
import { type CredentialReference, credentialOf } from "../kinds/models/credential.ts"

/**
 * How callers are known. `credential` null: the node names none, so that nobody can be right. `unknown`: a way that is
 * none of these; then nobody is let in either.
 */
export type TriggerAuthentication =
  | { readonly way: "none" }
  | { readonly way: "basic" | "header" | "jwt"; readonly credential: CredentialReference | null }
  | { readonly way: "unknown" }

/** The ways by their names in a node's settings (documented), with the type of credential that each takes. */
const ways = {
  basicAuth: ["basic", "httpBasicAuth"],
  headerAuth: ["header", "httpHeaderAuth"],
  jwtAuth: ["jwt", "jwtAuth"],
} as const

/** What a node demands. */
export function readAuthentication(node: GraphNode): TriggerAuthentication {
  const { authentication = "none" } = node.parameters
  if (authentication === "none" || authentication === "") return { way: "none" }
  if (typeof authentication !== "string" || !Object.hasOwn(ways, authentication)) return { way: "unknown" }
  const [way, type] = ways[authentication as keyof typeof ways]
  return { way, credential: credentialOf(node, type) }
}
