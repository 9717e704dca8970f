/**
 * Stored threads. A thread's row is written by services, and by the owner when a turn starts and ends; both raise its
 * revision, so that a service's write is a comparison: it lands only on the revision that was read.
 */
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"

/** The part of a thread that a change can set. */
export type ThreadFields = {
  readonly assistantId: Id<"assistant"> | null
  /** The version that turns are answered by; set at the first turn, or by a move. */
  readonly pinnedWorkflow: { readonly id: Id<"workflow">; readonly version: number } | null
  /** Its turns are answered without a workflow. */
  readonly plain: boolean
  readonly title: string | null
  readonly metadata: JsonObject
  readonly visibleInUi: boolean
  readonly isPinned: boolean
  readonly pinnedAtMs: number | null
}

/** A thread. */
export type ThreadRecord = ThreadFields & {
  readonly id: Id<"thread">
  readonly organizationId: Id<"organization">
  readonly userId: Id<"user"> | null
  /** The caller's own word for the workflow, given when the thread was made. */
  readonly workflowTag: string | null
  /** A turn runs in it. */
  readonly isStreaming: boolean
  /** Turns that wait for the one that runs. */
  readonly queued: number
  /** What its turns wait for, the oldest first. */
  readonly openPauses: readonly Id<"pause">[]
  /** Living messages. */
  readonly messageCount: number
  readonly lastModelUsed: string | null
  readonly lastMessageAtMs: number | null
  readonly revision: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** What creates a thread without messages. */
export type NewThread = {
  readonly id: Id<"thread">
  readonly organizationId: Id<"organization">
  readonly userId: Id<"user">
  readonly assistantId: Id<"assistant"> | null
  readonly title: string | null
  readonly metadata: JsonObject
  readonly visibleInUi: boolean
  readonly createdAtMs: number
}

/** Which threads of an organization are meant. `workflow` is a tag, or the id of the workflow that a thread is pinned to. */
export type ThreadFilter = {
  readonly organizationId: Id<"organization">
  readonly assistantId?: Id<"assistant">
  readonly workflow?: string
  readonly isPinned?: boolean
  readonly visibleInUi: boolean
  readonly includeDeleted: boolean
}

/** Where a thread stands in lists. The times are the store's own text: exact, and only to be handed back. */
export type ThreadPlace = {
  readonly id: Id<"thread">
  readonly createdAt: string
  /** Null: the thread is not pinned. */
  readonly pinnedAt: string | null
}

/** A stretch of threads in an order, between two places (exclusive). */
export type ThreadStretch = {
  readonly orderBy: "createdAt" | "pinnedAt"
  readonly direction: "asc" | "desc"
  readonly after?: ThreadPlace
  readonly before?: ThreadPlace
  readonly limit: number
}

/** On which revision a write is to land, and when. */
export type ThreadWriteOptions = { readonly revision: number; readonly atMs: number }

/** The functions of the threads' table. Only living threads are found, but for `findPlace` and where a filter says so. */
export interface ThreadTable {
  create(thread: NewThread): Promise<ThreadRecord>
  find(organizationId: Id<"organization">, id: Id<"thread">): Promise<ThreadRecord | null>
  /** Also of a thread that was deleted, so that a list can be read on from there. */
  findPlace(organizationId: Id<"organization">, id: Id<"thread">): Promise<ThreadPlace | null>
  list(filter: ThreadFilter, stretch: ThreadStretch): Promise<readonly ThreadRecord[]>
  count(filter: ThreadFilter): Promise<number>
  /** Writes the fields given, raises the revision and moves `updatedAtMs`. Null where the thread has changed or is gone. */
  update(id: Id<"thread">, fields: Partial<ThreadFields>, options: ThreadWriteOptions): Promise<ThreadRecord | null>
  /** The same, and null also where a run of the thread is queued, running or waiting. */
  updateIdle(id: Id<"thread">, fields: Partial<ThreadFields>, options: ThreadWriteOptions): Promise<ThreadRecord | null>
  /** True if a run of the thread is queued, running or waiting. */
  isBusy(id: Id<"thread">): Promise<boolean>
  /** Marks a thread deleted. False where it has changed or is gone. */
  softDelete(id: Id<"thread">, options: ThreadWriteOptions): Promise<boolean>
  /**
   * Marks a user's threads deleted in which no run is queued, running or waiting; gives how many. Threads that somebody
   * writes at this moment are left out: it never waits.
   */
  softDeleteIdle(
    organizationId: Id<"organization">,
    userId: Id<"user">,
    options: { readonly atMs: number },
  ): Promise<number>
  /** Ids of a user's threads, at most so many. */
  listIdsOfUser(
    organizationId: Id<"organization">,
    userId: Id<"user">,
    options: { readonly limit: number },
  ): Promise<readonly Id<"thread">[]>
}
