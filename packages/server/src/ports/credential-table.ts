/** Stored credentials: named secrets of an organization. The secret is kept encrypted, see `secrets`. */
import type { Id } from "@brevet/core/ids"

/** A stored credential. `secret` is ciphertext of its data; `allowedHosts` null: wherever a node sends it. */
export type CredentialRecord = {
  readonly id: Id<"credential">
  readonly organizationId: Id<"organization">
  readonly name: string
  readonly type: string
  readonly secret: Uint8Array
  readonly allowedHosts: readonly string[] | null
  readonly createdBy: Id<"user"> | null
  readonly revision: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** What creates one. */
export type NewCredential = Omit<CredentialRecord, "revision" | "updatedAtMs">

/** What a change may set; what is absent stays. */
export type CredentialChange = Partial<Pick<CredentialRecord, "name" | "secret" | "allowedHosts">>

/** Which credentials are listed, newest first. A name is compared without regard to case and outer blanks. */
export type CredentialFilter = {
  readonly organizationId: Id<"organization">
  readonly type?: string
  readonly name?: string
  readonly limit: number
  readonly offset: number
}

/** The functions of the credentials' table. Names are unique among an organization's credentials of a type. */
export interface CredentialTable {
  /** Null where another one of that type has the name. */
  create(credential: NewCredential): Promise<CredentialRecord | null>
  find(organizationId: Id<"organization">, id: Id<"credential">): Promise<CredentialRecord | null>
  /** The same, its row held until the transaction ends. */
  hold(organizationId: Id<"organization">, id: Id<"credential">): Promise<CredentialRecord | null>
  findByName(
    organizationId: Id<"organization">,
    key: { readonly type: string; readonly name: string },
  ): Promise<CredentialRecord | null>
  list(filter: CredentialFilter): Promise<{ readonly records: readonly CredentialRecord[]; readonly total: number }>
  /** Writes the fields given and raises the revision. Null where another one of that type has the name. */
  update(id: Id<"credential">, change: CredentialChange, options: { atMs: number }): Promise<CredentialRecord | null>
  /** Removes the row, and the secret with it. */
  remove(id: Id<"credential">): Promise<void>
}
