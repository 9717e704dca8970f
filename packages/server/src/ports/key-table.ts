/**
 * Stored API keys. Only the SHA-256 of a key's text is kept. A deleted key (rotation deletes too) is never found again.
 * Whoever judges which keys an organization keeps holds the organization's row first (`organizations.findForUpdate`).
 */
import type { Scope } from "@brevet/core/contract/route"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"

/** The part of a key that a change can set. */
export type KeyFields = {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly isActive: boolean
  readonly isPaused: boolean
  /** A figure for people: nothing is priced here. */
  readonly usageLimitChf: number | null
  readonly metadata: JsonObject
  /** From this instant on the key is refused; null: never. */
  readonly expiresAtMs: number | null
}

/** A stored key. `prefix` is the beginning of its text, by which people recognise it. */
export type KeyRecord = KeyFields & {
  readonly id: Id<"apiKey">
  readonly organizationId: Id<"organization">
  /** Who made it, and in whose name it acts. */
  readonly userId: Id<"user">
  readonly prefix: string
  readonly revision: number
  readonly createdAtMs: number
  readonly lastUsedAtMs: number | null
}

/** What is needed to judge a caller: the key, its person, and the generation of its organization when it was read. */
export type KeyHolder = KeyRecord & {
  readonly hash: Uint8Array
  readonly userName: string
  readonly userEmail: string
  readonly generation: number
}

/** What creates a key. */
export type NewKey = Omit<KeyRecord, "revision" | "lastUsedAtMs"> & { readonly hash: Uint8Array }

/** The functions of the keys' table. */
export interface KeyTable {
  create(key: NewKey): Promise<KeyRecord>
  /** The key whose text has this SHA-256. */
  findByHash(hash: Uint8Array): Promise<KeyHolder | null>
  find(organizationId: Id<"organization">, id: Id<"apiKey">): Promise<KeyRecord | null>
  /** Keys of an organization, newest first. */
  list(
    organizationId: Id<"organization">,
    page: { readonly limit: number; readonly offset: number },
  ): Promise<{ readonly records: readonly KeyRecord[]; readonly total: number }>
  /** Writes the fields given and raises the revision. Null where there is none. */
  update(id: Id<"apiKey">, fields: Partial<KeyFields>): Promise<KeyRecord | null>
  /** Marks a key deleted. False where it was not there. */
  softDelete(id: Id<"apiKey">, options: { atMs: number }): Promise<boolean>
  /** Whether the organization has a living key with the scope `*` beside this one. */
  hasOtherFullKey(organizationId: Id<"organization">, id: Id<"apiKey">, options: { atMs: number }): Promise<boolean>
  /** Notes the last use. The revision does not move: it is no change of the key. */
  touch(id: Id<"apiKey">, options: { atMs: number }): Promise<void>
  /** Waits for whoever else makes the first organization, until the transaction ends. */
  holdFirstStart(): Promise<void>
}
