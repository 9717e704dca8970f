/**
 * Stored workflows and their versions. A workflow's row is what promotion, updates and deletion hold while they judge;
 * versions are added and never removed. Whoever holds rows of both holds the workflow's first, then the assistant's.
 */
import type { PromotionReport } from "@brevet/core/graph/report"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"

/** What was found about a version when it was stored, or when its workflow was linked or unlinked afterwards. */
export type Verdict = {
  readonly promotable: boolean
  /** Id (or unique name) of the node that leads, null where none can be told. */
  readonly primaryNode: string | null
  readonly report: PromotionReport
  /** The definition holds an Assistant node. */
  readonly hasAssistant: boolean
  readonly findingsCount: number
}

/** A living workflow with its newest version. `assistantId` is the link that promotion makes. */
export type WorkflowRecord = {
  readonly id: Id<"workflow">
  readonly organizationId: Id<"organization">
  readonly name: string
  readonly description: string | null
  readonly externalId: string | null
  readonly definition: JsonObject
  readonly version: number
  readonly isActive: boolean
  readonly triggersArmed: boolean
  readonly promotable: boolean
  readonly hasAssistant: boolean
  readonly findingsCount: number
  readonly assistantId: Id<"assistant"> | null
  readonly createdBy: Id<"user"> | null
  /** Rises with every change of the workflow, its link included. */
  readonly revision: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** A version. */
export type WorkflowVersionRecord = Verdict & {
  readonly workflowId: Id<"workflow">
  readonly version: number
  readonly definition: JsonObject
  readonly createdBy: Id<"user"> | null
  readonly createdAtMs: number
}

/** The part of a workflow that a change can set. */
export type WorkflowFields = {
  readonly name: string
  readonly description: string | null
  readonly externalId: string | null
  readonly version: number
  readonly isActive: boolean
  readonly triggersArmed: boolean
}

/** What creates a workflow. */
export type NewWorkflow = Omit<WorkflowFields, "isActive"> & {
  readonly id: Id<"workflow">
  readonly organizationId: Id<"organization">
  readonly createdBy: Id<"user"> | null
  readonly createdAtMs: number
}

/** Which living workflows of an organization are listed, newest first. */
export type WorkflowFilter = {
  readonly organizationId: Id<"organization">
  readonly externalId?: string
  readonly activeOnly: boolean
  readonly limit: number
  readonly offset: number
}

/** The functions of the workflows' tables. Only living workflows are found, but for versions. */
export interface WorkflowTable {
  /** Stores a workflow without a version; false where a living one has that external id. */
  create(workflow: NewWorkflow): Promise<boolean>
  find(organizationId: Id<"organization">, id: Id<"workflow">): Promise<WorkflowRecord | null>
  /** Holds the workflow's row until the transaction ends; false where there is none. What is read afterwards is current. */
  hold(organizationId: Id<"organization">, id: Id<"workflow">): Promise<boolean>
  /** The id of the workflow that has this external id. */
  findIdByExternalId(organizationId: Id<"organization">, externalId: string): Promise<Id<"workflow"> | null>
  /** The id of the only living workflow of that name; null where there is none, or more than one. */
  findIdByName(organizationId: Id<"organization">, name: string): Promise<Id<"workflow"> | null>
  list(filter: WorkflowFilter): Promise<{ readonly records: readonly WorkflowRecord[]; readonly total: number }>
  /**
   * Writes the fields given (none: only the link changed), raises the revision and moves `updatedAtMs`. False where a
   * living workflow has that external id; the transaction goes on.
   */
  update(id: Id<"workflow">, fields: Partial<WorkflowFields>, options: { atMs: number }): Promise<boolean>
  /** Marks a workflow deleted. False where it was not alive. */
  softDelete(id: Id<"workflow">, options: { atMs: number }): Promise<boolean>

  addVersion(version: WorkflowVersionRecord): Promise<void>
  /** Versions outlive their workflow: this one is found also where that was deleted. */
  findVersion(workflowId: Id<"workflow">, version: number): Promise<WorkflowVersionRecord | null>
  /** The newest version whose verdict says that it can be promoted, without its definition. */
  findPromotable(workflowId: Id<"workflow">): Promise<({ readonly version: number } & Verdict) | null>
  /** Versions of a workflow, newest first. */
  listVersions(
    workflowId: Id<"workflow">,
    page: { readonly limit: number; readonly offset: number },
  ): Promise<{ readonly records: readonly WorkflowVersionRecord[]; readonly total: number }>
  /** Replaces the verdict of a version, after its workflow was linked or unlinked. */
  updateVerdict(workflowId: Id<"workflow">, version: number, verdict: Verdict): Promise<void>
}
