/**
 * Which secret key the store belongs to, and everything that is sealed in it. The check value is kept from the moment at
 * which the first secret is: whoever cannot open it has another key.
 */

/** One sealed value, by the table that it is in and its row there. */
export type SealedValue = {
  readonly table: "credentials" | "provider_keys"
  readonly key: string
  /** See `Secrets`: for whom it was sealed. */
  readonly owner: string
  readonly secret: Uint8Array
}

/** The functions of the key's row, and of sealed values whatever their table. */
export interface SecretKeyTable {
  /** The check value; null where nothing was ever sealed. */
  findCheck(): Promise<Uint8Array | null>
  /** Keeps a check value where there is none; gives the one that is kept. Holds its row until the transaction ends. */
  keepCheck(value: Uint8Array): Promise<Uint8Array>
  /** Puts another check value in the place of the kept one. */
  replaceCheck(value: Uint8Array): Promise<void>
  /** Processes that work on this store now, this one among them. */
  countProcesses(): Promise<number>
  /** Everything that is sealed, in pages: rows after the one given. */
  listSealed(after: Pick<SealedValue, "table" | "key"> | null, limit: number): Promise<readonly SealedValue[]>
  /** Writes a value that was sealed again, unless it was changed meanwhile. */
  reseal(value: SealedValue, secret: Uint8Array): Promise<void>
}
