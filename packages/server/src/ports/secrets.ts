/** Secrets at rest: model keys of providers and, later, credentials are stored sealed. */

/** Seals and opens short secrets. `owner` says what a secret belongs to; sealed for one owner it opens for no other. */
export interface Secrets {
  seal(secret: string, owner: string): Uint8Array
  /** The secret, or null where it was sealed with a key that this process does not have, for another owner, or altered. */
  open(sealed: Uint8Array, owner: string): string | null
}
