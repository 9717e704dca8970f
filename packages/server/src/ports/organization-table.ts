/** Stored organizations and their people. */
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"

/** The part of an organization that a change can set. `profile` holds its descriptive fields by their wire names. */
export type OrganizationFields = {
  readonly name: string
  readonly description: string | null
  readonly isActive: boolean
  readonly profile: JsonObject
}

/** A stored organization. */
export type OrganizationRecord = OrganizationFields & {
  readonly id: Id<"organization">
  readonly ownerId: Id<"user">
  readonly revision: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** A person of an organization. */
export type UserRecord = {
  readonly id: Id<"user">
  readonly organizationId: Id<"organization">
  readonly name: string
  readonly email: string
  readonly createdAtMs: number
}

/** The functions of the organizations' and users' tables. */
export interface OrganizationTable {
  /** Stores an organization together with its owner. */
  create(organization: {
    readonly id: Id<"organization">
    readonly name: string
    readonly description?: string | null
    readonly owner: { readonly id: Id<"user">; readonly name: string; readonly email: string }
    readonly createdAtMs: number
  }): Promise<void>
  /** The oldest organization: the one of the first start. Null before it. */
  findFirst(): Promise<OrganizationRecord | null>
  find(id: Id<"organization">): Promise<OrganizationRecord | null>
  /** The number that rises with each change of what turns are made of. Null where there is no such organization. */
  findGeneration(id: Id<"organization">): Promise<number | null>
  /** The same, holding the row until the transaction ends. */
  findForUpdate(id: Id<"organization">): Promise<OrganizationRecord | null>
  /** Writes the fields given, raises the revision and moves `updatedAtMs`. Null where there is none. */
  update(
    id: Id<"organization">,
    fields: Partial<OrganizationFields>,
    options: { atMs: number },
  ): Promise<OrganizationRecord | null>
  findUser(id: Id<"user">): Promise<UserRecord | null>
  listUsers(organizationId: Id<"organization">): Promise<readonly UserRecord[]>
}
