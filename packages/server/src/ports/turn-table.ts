/** What a turn reads of the store before it begins, and what is read of one afterwards. */
import type { RunStatus } from "@brevet/core/contract/runs"
import type { Id } from "@brevet/core/ids"

/** A thread as the next turn finds it. */
export type TurnBasis = {
  readonly threadId: Id<"thread">
  readonly revision: number
  /** The number of its newest turn; 0 where there was none. */
  readonly turn: number
  /** Living messages. */
  readonly messageCount: number
  readonly assistantId: Id<"assistant"> | null
  readonly pinnedWorkflow: { readonly id: Id<"workflow">; readonly version: number } | null
  readonly plain: boolean
  /** The versions of called assistants that were fixed with its own (JSON); null: none was. */
  readonly pins: string | null
  /** The turn that runs in it now. */
  readonly activeRun: Id<"run"> | null
  /** Turns that wait for it. */
  readonly queued: number
  /** A turn of it has asked the person who chats something, and waits. */
  readonly hasQuestion: boolean
}

/** The place of a message in its thread. */
export type MessagePlace = { readonly turn: number; readonly ordinal: number }

/** A response: one answer of the API to a stretch of a run. */
export type ResponseRecord = {
  readonly responseId: Id<"response">
  readonly runId: Id<"run">
  readonly threadId: Id<"thread">
  readonly turn: number
  /** The number in the run's log at which the response begins. */
  readonly firstNumber: number
  readonly status: RunStatus
}

/** The functions. */
export interface TurnTable {
  /** Null for threads that are deleted, of others, or that do not exist. */
  findBasis(organizationId: Id<"organization">, threadId: Id<"thread">): Promise<TurnBasis | null>
  /** The thread in which a called assistant talks for a node of another thread. */
  findChild(parent: { readonly threadId: Id<"thread">; readonly node: string }): Promise<TurnBasis | null>
  /** A living message's place. */
  findMessage(threadId: Id<"thread">, messageId: Id<"message">): Promise<MessagePlace | null>
  findResponse(organizationId: Id<"organization">, responseId: Id<"response">): Promise<ResponseRecord | null>
  /** The turn that failed within the last minute on the same request (hex digest). */
  findFailed(
    organizationId: Id<"organization">,
    requestHash: string,
    options: { readonly atMs: number },
  ): Promise<{ readonly threadId: Id<"thread">; readonly turn: number } | null>
  /** Removes what is known of failed turns before an instant. */
  purgeFailed(options: { readonly beforeMs: number }): Promise<void>
  /** When the run began to work; null where it has not, or is over. */
  findRunningSince(runId: Id<"run">): Promise<number | null>
  /** The runs of a thread that are not over and whose turn is at least this one, in the order of their turns. */
  listOpenRuns(
    threadId: Id<"thread">,
    fromTurn: number,
  ): Promise<readonly { readonly runId: Id<"run">; readonly turn: number }[]>
  /** True where a living message of the thread stands before the place. */
  hasMessageBefore(threadId: Id<"thread">, place: MessagePlace): Promise<boolean>
}
