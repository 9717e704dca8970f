/** What a trigger demands of whoever comes to its address: the way, and the credential that says what is right. */
import { isJsonObject } from "../../json.ts"
import type { GraphNode } from "../graph.ts"

/** A credential as a node names it, by its id or its name. */
export type CredentialReference = { readonly type: string; readonly id: string | null; readonly name: string | null }

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
  return { way, credential: referenceOf(node, type) }
}

/** The credential of that type that a node names; null where it names none. */
export function referenceOf({ credentials }: GraphNode, type: string): CredentialReference | null {
  const named = Object.hasOwn(credentials, type) ? credentials[type] : undefined
  if (typeof named === "string" && named !== "") return { type, id: null, name: named }
  if (!isJsonObject(named)) return null
  const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null)
  const reference = { type, id: text(named.id), name: text(named.name) }
  return reference.id === null && reference.name === null ? null : reference
}
