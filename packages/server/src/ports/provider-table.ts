/** Model keys of providers that an organization set through the API. The secret is kept encrypted, see `secrets`. */
import type { Id } from "@brevet/core/ids"

/** What an organization keeps for one provider. `secret` is ciphertext; null: no key of its own. */
export type ProviderRecord = {
  readonly organizationId: Id<"organization">
  readonly provider: string
  readonly isActive: boolean
  readonly secret: Uint8Array | null
  readonly providerOrganizationId: string | null
  readonly providerProjectId: string | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** What a change may set; what is absent stays. */
export type ProviderChange = Partial<
  Pick<ProviderRecord, "isActive" | "secret" | "providerOrganizationId" | "providerProjectId">
>

/** The functions of the providers' table. */
export interface ProviderTable {
  list(organizationId: Id<"organization">): Promise<readonly ProviderRecord[]>
  find(organizationId: Id<"organization">, provider: string): Promise<ProviderRecord | null>
  /** Makes the row where there is none, and writes the fields given. */
  save(
    key: { readonly organizationId: Id<"organization">; readonly provider: string },
    change: ProviderChange,
    options: { atMs: number },
  ): Promise<ProviderRecord>
}
