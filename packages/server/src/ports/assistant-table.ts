/**
 * Stored assistants. An assistant's link to a workflow (`workflowId`, `pinnedVersion`, `primaryNode`) is part of its
 * row. Two unique indexes over the living judge: one name per organization (trimmed, without case), one assistant per
 * workflow. A writer that loses against them gets null, and asks `findByName` and `findByWorkflow` which one it was.
 */
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"

/** Who may see an assistant (documented words). */
export type AccessMode = "private" | "organization" | "public"

/** The part of an assistant that a change can set. */
export type AssistantFields = {
  readonly name: string
  readonly description: string | null
  /** Every documented setting that somebody set, by its wire name; what is absent is inherited or at its default. */
  readonly settings: JsonObject
  readonly accessMode: AccessMode
  readonly isActive: boolean
  readonly apiEnabled: boolean
  readonly workflowId: Id<"workflow"> | null
  /** The version that new threads get, where somebody pinned one. */
  readonly pinnedVersion: number | null
  /** Id (or unique name) of the workflow's primary node, kept with the link. */
  readonly primaryNode: string | null
}

/** A stored assistant. */
export type AssistantRecord = AssistantFields & {
  readonly id: Id<"assistant">
  readonly organizationId: Id<"organization">
  readonly createdBy: Id<"user"> | null
  readonly revision: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly deletedAtMs: number | null
}

/** What creates an assistant; fields that are absent get their defaults (private, active, open to keys, no link). */
export type NewAssistant = {
  readonly id: Id<"assistant">
  readonly organizationId: Id<"organization">
  readonly name: string
  readonly createdBy: Id<"user"> | null
  readonly createdAtMs: number
} & Partial<AssistantFields>

/** Which living assistants of an organization are listed. `search` is a part of name or description, without case. */
export type AssistantFilter = {
  readonly organizationId: Id<"organization">
  readonly search?: string
  readonly accessMode?: AccessMode
  readonly includeInactive: boolean
  readonly sortBy: "name" | "created_at" | "updated_at"
  readonly sortOrder: "asc" | "desc"
  readonly limit: number
  readonly offset: number
}

/** The functions of the assistants' table. Only living assistants are found, but for `findEvenDeleted`. */
export interface AssistantTable {
  /** Stores an assistant; null where a living one has that name or that workflow. */
  create(assistant: NewAssistant): Promise<AssistantRecord | null>
  find(organizationId: Id<"organization">, id: Id<"assistant">): Promise<AssistantRecord | null>
  /** The same, holding the row until the transaction ends. */
  findForUpdate(organizationId: Id<"organization">, id: Id<"assistant">): Promise<AssistantRecord | null>
  /** Also one that was deleted: for threads that outlive their assistant. */
  findEvenDeleted(organizationId: Id<"organization">, id: Id<"assistant">): Promise<AssistantRecord | null>
  /** The assistant that is linked to a workflow. */
  findByWorkflow(organizationId: Id<"organization">, workflowId: Id<"workflow">): Promise<AssistantRecord | null>
  /** The linked assistants' ids of several workflows; workflows without one are absent. */
  findIdsByWorkflows(
    organizationId: Id<"organization">,
    workflowIds: readonly Id<"workflow">[],
  ): Promise<ReadonlyMap<Id<"workflow">, Id<"assistant">>>
  /** The assistant that owns a name, compared as the unique index does. */
  findByName(organizationId: Id<"organization">, name: string): Promise<AssistantRecord | null>
  /** Those of the names that living assistants own, as they were given. */
  findTakenNames(organizationId: Id<"organization">, names: readonly string[]): Promise<readonly string[]>
  list(filter: AssistantFilter): Promise<{ readonly records: readonly AssistantRecord[]; readonly total: number }>
  /**
   * Writes the fields given, raises the revision and moves `updatedAtMs`. Null where a living assistant has that name
   * or that workflow. To be called inside a transaction that holds the row.
   */
  update(
    id: Id<"assistant">,
    fields: Partial<AssistantFields>,
    options: { atMs: number },
  ): Promise<AssistantRecord | null>
  /** Marks an assistant deleted and clears its link. False where it was not alive. */
  softDelete(id: Id<"assistant">, options: { atMs: number }): Promise<boolean>
  /** Clears the link of the assistant that is linked to a workflow; gives its id. */
  unlinkWorkflow(workflowId: Id<"workflow">, options: { atMs: number }): Promise<Id<"assistant"> | null>
}
