/** The credentials that nodes name, opened, as the runtime asks for them. Implemented by services. */
import type { RequestAuth } from "@brevet/core/graph/credential-types"
import type { CredentialReference } from "@brevet/core/graph/kinds/models/credential"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"

/** A credential, opened. It is handed to whoever sends a request and to nobody else: no event, log or expression sees it. */
export type OpenCredential = {
  readonly name: string
  readonly type: string
  /** The fields of its type. */
  readonly data: JsonObject
  /** How it is put on a request. */
  readonly auth: RequestAuth
  /** Where it may be sent; null: anywhere. */
  readonly allowedHosts: readonly string[] | null
  /** Texts that must not be seen anywhere, the longest first. */
  readonly secrets: readonly string[]
}

/** A credential, or why there is none. `unreadable`: it was sealed with another secret key. */
export type FoundCredential =
  | { readonly found: true; readonly credential: OpenCredential }
  | { readonly found: false; readonly reason: "missing" | "unreadable" }

/** Finds credentials: by the id that a node names, else by its name and type. */
export interface CredentialAccess {
  find(organizationId: Id<"organization">, reference: CredentialReference): Promise<FoundCredential>
}
