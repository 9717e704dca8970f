/** What memory nodes keep: turns of conversations that are not those of threads, by session. */
import type { Id } from "@brevet/core/ids"

/** A session of a workflow; two workflows never share one. `workflowId` null: of a definition that is stored nowhere. */
export type MemorySession = {
  readonly organizationId: Id<"organization">
  readonly workflowId: string | null
  readonly sessionKey: string
}

/** What was asked, and what was answered in the end. */
export type MemoryTurn = { readonly question: string; readonly answer: string }

/** The functions of the table. */
export interface ChatMemoryTable {
  /** The newest turns, oldest first, but for the one that was added from that place. */
  read(
    session: MemorySession,
    options: { readonly turnsMax: number; readonly exceptPlace: string },
  ): Promise<readonly MemoryTurn[]>
  /** Adds a turn, once for each place. */
  add(session: MemorySession, turn: MemoryTurn & { readonly place: string; readonly atMs: number }): Promise<void>
}
