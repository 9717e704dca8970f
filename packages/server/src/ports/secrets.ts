/** Secrets at rest: model keys of providers and credentials are stored sealed. */
import type { Id } from "@brevet/core/ids"

/** Seals and opens short secrets. `owner` says what a secret belongs to; sealed for one owner it opens for no other. */
export interface Secrets {
  seal(secret: string, owner: string): Uint8Array
  /** The secret, or null where it was sealed with a key that this process does not have, for another owner, or altered. */
  open(sealed: Uint8Array, owner: string): string | null
  /** 32 bytes that only who has the key can make of a text. */
  sign(text: string): Uint8Array
  /** True where they were made of that text, with the key or the one before it. Takes as long for any others. */
  isSignature(bytes: Uint8Array, text: string): boolean
  /** True where it was sealed with the key that seals now; false: with the previous one, or one that is not known. */
  isCurrent(sealed: Uint8Array): boolean
  /** True where the key is that of a setting, which other processes can have too; false: of this data folder. */
  readonly isShared: boolean
}

/** For whom a credential is sealed. */
export function credentialSecretOwner(organizationId: Id<"organization">, id: Id<"credential">): string {
  return `${organizationId}/${id}`
}

/** For whom a provider's key is sealed. */
export function providerSecretOwner(organizationId: Id<"organization">, provider: string): string {
  return `${organizationId}/${provider}`
}
