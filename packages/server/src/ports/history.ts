/** The messages of threads as the runtime reads them for model calls. */
import type { History, Summary } from "@brevet/core/graph/conversation"
import type { Id } from "@brevet/core/ids"

/** Everything before a place: earlier turns whole, and of the place's own turn the messages before its ordinal. */
export type HistoryPlace = { readonly threadId: Id<"thread">; readonly turn: number; readonly ordinal: number }

/** What the runtime needs of threads beside what the owner writes. */
export interface HistoryTable {
  /** What was said before a place, oldest first; without deleted messages and without failed turns. */
  read(place: HistoryPlace): Promise<History>
  /** Keeps a summary with the thread, unless a newer one is there. */
  saveSummary(threadId: Id<"thread">, summary: Summary): Promise<void>
}
