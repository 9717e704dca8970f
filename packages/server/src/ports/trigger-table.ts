/**
 * The addresses of triggers: of armed workflows, and those at which somebody listens for a while to try a workflow out. One
 * address is one workflow's, whoever it belongs to.
 */
import type { TriggerDoor } from "@brevet/core/graph/triggers/addresses"
import type { TriggerPath } from "@brevet/core/graph/triggers/path"
import type { Id } from "@brevet/core/ids"

/** The workflow whose addresses they are, and the version that requests run. */
export type AddressOwner = {
  readonly organizationId: Id<"organization">
  readonly workflowId: Id<"workflow">
  readonly version: number
}

/** An address to be kept. `node`: the place of its node in the version. */
export type NewAddress = {
  readonly door: TriggerDoor
  /** `*`: all methods. */
  readonly method: string
  readonly path: TriggerPath
  readonly node: number
}

/** For how long addresses are those of somebody who listens. */
export type Listening = { readonly untilMs: number; readonly nowMs: number }

/** An address that another workflow has, or that is named twice. */
export type AddressConflict = {
  readonly method: string
  readonly path: string
  readonly owner: Pick<AddressOwner, "organizationId" | "workflowId">
}

/** A kept address. `generation`: of its organization when it was read. */
export type AddressRecord = AddressOwner & {
  readonly method: string
  readonly path: string
  readonly node: number
  readonly generation: number
}

/** Which addresses are looked for: all whose path may fit these steps. `shape`: the steps as they are, with slashes. */
export type AddressQuery = {
  readonly isTest: boolean
  readonly door: TriggerDoor
  readonly steps: number
  readonly shape: string
  readonly nowMs: number
}

/** The functions of the addresses' table. */
export interface TriggerTable {
  /**
   * Gives a workflow these addresses in the place of those that it has: the armed ones, or where `listening` is given those
   * of a listener. Gives the first conflict, where there is one; then the transaction is to be rolled back.
   */
  replace(
    owner: AddressOwner,
    addresses: readonly NewAddress[],
    options: { readonly listening: Listening | null },
  ): Promise<AddressConflict | null>
  /** Takes all addresses from a workflow. */
  clear(workflowId: Id<"workflow">): Promise<void>
  /** Takes those of a listener from it; false where there were none. */
  clearListening(workflowId: Id<"workflow">): Promise<boolean>
  /** Until when somebody listens for a workflow; null: nobody does. */
  findListening(workflowId: Id<"workflow">, options: { readonly nowMs: number }): Promise<number | null>
  /** The addresses that may be meant. */
  find(query: AddressQuery): Promise<readonly AddressRecord[]>
}
