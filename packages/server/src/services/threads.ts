/**
 * Threads: create, read, change, pin, delete. Lists are in `thread-list.ts`, names in `thread-name.ts`, moves to another
 * version in `thread-move.ts`.
 *
 * A thread's row is also written by the owner of its turns, many rows in one statement. So nothing here holds it: a change
 * is decided on what was read and lands only on that revision, else it is decided anew. A deletion first marks the
 * thread's runs, then takes the thread, which is the order in which the owner ends a turn.
 */
import { findMetadataFault, mergeMetadata } from "@brevet/core/contract/metadata"
import type { ThreadCreation, ThreadUpdate } from "@brevet/core/contract/threads"
import { invalidFields, Refusal } from "@brevet/core/errors"
import { type Id, isId } from "@brevet/core/ids"
import { type JsonObject, jsonEqual } from "@brevet/core/json"
import type { Context } from "../ports/context.ts"
import type { ThreadFields, ThreadRecord } from "../ports/thread-table.ts"
import { requireOrganization } from "./access.ts"

/** Which thread is meant, and the revision that the caller believes it has (`If-Match`; absent: any). */
export type ThreadTarget = { readonly threadId: Id<"thread">; readonly ifRevision?: number | undefined }

/** How often a change is decided anew when the thread has changed meanwhile: far more than turns can begin and end. */
const attemptsMax = 50

/** Threads that are deleted one by one in one round, because runs of theirs have to be ended. */
const deletedAtATime = 100

/** Creates a thread (documented). Throws ORGANIZATION_ACCESS_DENIED and ASSISTANT_NOT_FOUND. */
export async function createThread(cx: Context, body: ThreadCreation): Promise<ThreadRecord> {
  const { organization_id: given, assistant_id: assistantId } = body
  const organizationId = given == null ? cx.principal.organizationId : requireOrganization(cx, given)
  return cx.store.threads.create({
    id: cx.ids.next("thread"),
    organizationId,
    userId: cx.principal.userId,
    assistantId: assistantId == null ? null : await requireAssistant(cx, assistantId),
    title: body.title ?? null,
    metadata: (body.metadata ?? {}) as JsonObject,
    visibleInUi: body.visible_in_ui ?? true,
    createdAtMs: cx.clock.nowMs(),
  })
}

async function requireAssistant(cx: Context, given: string): Promise<Id<"assistant">> {
  const isThere =
    isId("assistant", given) && (await cx.store.assistants.find(cx.principal.organizationId, given)) !== null
  if (!isThere) throw new Refusal("ASSISTANT_NOT_FOUND")
  return given
}

/** The thread. Throws THREAD_NOT_FOUND. */
export async function getThread(cx: Context, threadId: Id<"thread">): Promise<ThreadRecord> {
  const thread = await cx.store.threads.find(cx.principal.organizationId, threadId)
  if (thread === null) throw new Refusal("THREAD_NOT_FOUND")
  return thread
}

/**
 * Changes a thread (documented; metadata is merged). Saying what is there already changes nothing. Throws THREAD_NOT_FOUND,
 * ASSISTANT_NOT_FOUND, THREAD_ASSISTANT_LOCKED, VERSION_CONFLICT, and VALIDATION_ERROR for too much metadata in the end.
 */
export async function updateThread(cx: Context, target: ThreadTarget, update: ThreadUpdate): Promise<ThreadRecord> {
  const { assistant_id: given } = update
  await getThread(cx, target.threadId)
  const assistantId = given == null ? given : await requireAssistant(cx, given)
  return changeThread(cx, target, (thread) => ({
    ...changedTexts(thread, update),
    ...changedAssistant(thread, assistantId),
  }))
}

function changedTexts(thread: ThreadRecord, update: ThreadUpdate): Partial<ThreadFields> {
  const { title, visible_in_ui: visible } = update
  const visibleInUi = visible === undefined ? thread.visibleInUi : (visible ?? true)
  return {
    ...(title === undefined || title === thread.title ? {} : { title }),
    ...(visibleInUi === thread.visibleInUi ? {} : { visibleInUi }),
    ...changedMetadata(thread, update.metadata),
  }
}

function changedMetadata(thread: ThreadRecord, over: ThreadUpdate["metadata"]): Partial<ThreadFields> {
  if (over === undefined) return {}
  const metadata = over === null ? {} : mergeMetadata(thread.metadata, over)
  const fault = findMetadataFault(metadata)
  if (fault !== null) throw invalidFields([{ field: "metadata", message: fault.message, code: "too_big" }])
  return jsonEqual(metadata, thread.metadata) ? {} : { metadata }
}

/** Another assistant begins anew: what the thread was pinned to belonged to the one before. */
function changedAssistant(
  thread: ThreadRecord,
  assistantId: Id<"assistant"> | null | undefined,
): Partial<ThreadFields> {
  if (assistantId === undefined || assistantId === thread.assistantId) return {}
  if (thread.messageCount > 0 || thread.isStreaming || thread.queued > 0) {
    throw new Refusal("THREAD_ASSISTANT_LOCKED", {
      details: { thread_id: thread.id, assistant_id: thread.assistantId },
    })
  }
  return { assistantId, pinnedWorkflow: null, plain: false }
}

/** Pins a thread (documented); one that is pinned keeps its time. Throws THREAD_NOT_FOUND. */
export function pinThread(cx: Context, threadId: Id<"thread">): Promise<ThreadRecord> {
  const fields = { isPinned: true, pinnedAtMs: cx.clock.nowMs() }
  return changeThread(cx, { threadId }, (thread) => (thread.isPinned ? {} : fields))
}

/** Unpins a thread (documented). Throws THREAD_NOT_FOUND. */
export function unpinThread(cx: Context, threadId: Id<"thread">): Promise<ThreadRecord> {
  return changeThread(cx, { threadId }, (thread) => (thread.isPinned ? { isPinned: false, pinnedAtMs: null } : {}))
}

/**
 * Writes what `decide` makes of a thread; nothing where that is nothing. Decided anew for as long as the thread changes in
 * between. Throws THREAD_NOT_FOUND, VERSION_CONFLICT, and what `decide` throws.
 */
export async function changeThread(
  cx: Context,
  target: ThreadTarget,
  decide: (thread: ThreadRecord) => Partial<ThreadFields>,
): Promise<ThreadRecord> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const thread = await getExpected(cx, target)
    const fields = decide(thread)
    if (Object.keys(fields).length === 0) return thread
    const options = { revision: thread.revision, atMs: cx.clock.nowMs() }
    const written = await cx.store.threads.update(thread.id, fields, options)
    if (written !== null) return written
  }
  throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
}

async function getExpected(cx: Context, { threadId, ifRevision }: ThreadTarget): Promise<ThreadRecord> {
  const thread = await getThread(cx, threadId)
  if (ifRevision !== undefined && ifRevision !== thread.revision) throw new Refusal("VERSION_CONFLICT")
  return thread
}

/**
 * Deletes a thread (documented: soft). What runs in it is marked for its end in the same transaction and ended after it.
 * Throws THREAD_NOT_FOUND and VERSION_CONFLICT.
 */
export async function deleteThread(cx: Context, target: ThreadTarget): Promise<void> {
  const marked = await cx.store.transaction(async (store) => {
    const ids = new Set<Id<"run">>()
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const thread = await getExpected({ ...cx, store }, target)
      for (const id of await store.runs.markCancelled({ threadId: thread.id }, "THREAD_DELETED")) ids.add(id)
      // A turn that began in between has raised the revision: then its run is marked as well, and the thread taken then.
      const options = { revision: thread.revision, atMs: cx.clock.nowMs() }
      if (await store.threads.softDelete(thread.id, options)) return [...ids]
    }
    throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
  })
  cx.runs.endMarked(marked)
}

/**
 * Deletes the threads of the caller's user (documented); gives how many. Those in which something runs go one by one, each
 * in a transaction of its own. Throws ORGANIZATION_ACCESS_DENIED.
 */
export async function deleteThreads(cx: Context, given: string | undefined): Promise<number> {
  const organizationId = given === undefined ? cx.principal.organizationId : requireOrganization(cx, given)
  const { userId } = cx.principal
  let deleted = await cx.store.threads.softDeleteIdle(organizationId, userId, { atMs: cx.clock.nowMs() })
  for (;;) {
    const ids = await cx.store.threads.listIdsOfUser(organizationId, userId, { limit: deletedAtATime })
    for (const threadId of ids) if (await isDeleted(cx, threadId)) deleted += 1
    if (ids.length < deletedAtATime) return deleted
  }
}

/** Deletes a thread; false where somebody else was first. */
async function isDeleted(cx: Context, threadId: Id<"thread">): Promise<boolean> {
  try {
    await deleteThread(cx, { threadId })
    return true
  } catch (error) {
    if (error instanceof Refusal && error.code === "THREAD_NOT_FOUND") return false
    throw error
  }
}
