/**
 * Threads on the wire (the HTTP contract, §5). Documented but for `workflow_id`, `pinned_workflow`, `workflow_version`,
 * `open_pauses` and `end_user_id`, which are ours. Times are ISO 8601 (documented).
 */
import { z } from "zod"
import type { Finding } from "../graph/graph.ts"
import type { JsonObject } from "../json.ts"
import { toIso, toIsoOrNull } from "../time.ts"
import { metadataField } from "./metadata.ts"
import { findingAnswer } from "./promotion.ts"
import { plainText } from "./text.ts"

/** The title of a thread: at most 200 characters (documented), plain text. */
const titleField = plainText(200)

/** The body of a creation. `null` counts as absent. */
export const threadCreateBody = z.strictObject({
  organization_id: z.string().nullish(),
  title: titleField.nullish(),
  assistant_id: z.string().nullish(),
  metadata: metadataField.nullish(),
  visible_in_ui: z.boolean().nullish(),
})

/** A parsed creation. */
export type ThreadCreation = z.output<typeof threadCreateBody>

/** The body of an update: what is absent stays; metadata is merged (documented), `null` clears or returns to the default. */
export const threadUpdateBody = z.strictObject({
  title: titleField.nullish(),
  assistant_id: z.string().nullish(),
  metadata: metadataField.nullish(),
  visible_in_ui: z.boolean().nullish(),
})

/** A parsed update. */
export type ThreadUpdate = z.output<typeof threadUpdateBody>

/** A thread. */
export const threadAnswer = z
  .object({
    id: z.string(),
    object: z.literal("thread"),
    created_at: z.string(),
    updated_at: z.string(),
    last_message_at: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    assistant_id: z.string().nullable(),
    organization_id: z.string(),
    user_id: z.string().nullable(),
    title: z.string().nullable(),
    status: z.enum(["streaming", "inactive"]),
    message_count: z.number().int(),
    visible_in_ui: z.boolean(),
    last_model_used: z.string().nullable(),
    is_pinned: z.boolean(),
    pinned_at: z.string().nullable(),
    space_ids: z.array(z.string()),
    workflow_id: z.string().nullable(),
    pinned_workflow: z.object({ id: z.string(), version: z.number().int() }).nullable(),
    workflow_version: z.number().int().nullable(),
    open_pauses: z.array(z.string()),
    end_user_id: z.string().nullable(),
  })
  .meta({ id: "Thread" })

/** What a thread is shown from. */
export type ThreadView = {
  readonly id: string
  readonly openPauses: readonly string[]
  readonly organizationId: string
  readonly userId: string | null
  readonly assistantId: string | null
  /** The version of a workflow that the thread's turns are answered by. */
  readonly pinnedWorkflow: { readonly id: string; readonly version: number } | null
  /** The caller's own word for the workflow, given when the thread was made. */
  readonly workflowTag: string | null
  readonly title: string | null
  readonly metadata: JsonObject
  readonly visibleInUi: boolean
  readonly isPinned: boolean
  readonly pinnedAtMs: number | null
  /** A turn runs in it. */
  readonly isStreaming: boolean
  readonly messageCount: number
  readonly lastModelUsed: string | null
  readonly lastMessageAtMs: number | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** A thread in wire form. */
export function presentThread(thread: ThreadView): JsonObject & { readonly id: string } {
  return {
    id: thread.id,
    object: "thread",
    created_at: toIso(thread.createdAtMs),
    updated_at: toIso(thread.updatedAtMs),
    last_message_at: toIsoOrNull(thread.lastMessageAtMs),
    metadata: thread.metadata,
    assistant_id: thread.assistantId,
    organization_id: thread.organizationId,
    user_id: thread.userId,
    title: thread.title,
    status: thread.isStreaming ? "streaming" : "inactive",
    message_count: thread.messageCount,
    visible_in_ui: thread.visibleInUi,
    last_model_used: thread.lastModelUsed,
    is_pinned: thread.isPinned,
    pinned_at: toIsoOrNull(thread.pinnedAtMs),
    space_ids: [],
    workflow_id: thread.workflowTag ?? thread.pinnedWorkflow?.id ?? null,
    pinned_workflow: thread.pinnedWorkflow,
    workflow_version: thread.pinnedWorkflow?.version ?? null,
    open_pauses: thread.openPauses,
    end_user_id: null,
  }
}

/** The answer of pinning and unpinning (documented). */
export const pinAnswer = z.object({
  id: z.string(),
  is_pinned: z.boolean(),
  pinned_at: z.string().nullable(),
  message: z.string(),
})

/** Whether a thread is pinned, in wire form. */
export function presentPin(thread: ThreadView): z.input<typeof pinAnswer> {
  return {
    id: thread.id,
    is_pinned: thread.isPinned,
    pinned_at: toIsoOrNull(thread.pinnedAtMs),
    message: thread.isPinned ? "Thread pinned successfully" : "Thread unpinned successfully",
  }
}

/** The answer of naming: both of the documented forms in one (`title` with its thread; `name` with success and message). */
export const threadNameAnswer = z.object({
  id: z.string(),
  title: z.string(),
  updated_at: z.string(),
  success: z.literal(true),
  thread_id: z.string(),
  name: z.string(),
  message: z.string(),
})

/** A thread's new name in wire form. */
export function presentThreadName(thread: ThreadView): z.input<typeof threadNameAnswer> {
  const title = thread.title ?? ""
  return {
    id: thread.id,
    title,
    updated_at: toIso(thread.updatedAtMs),
    success: true,
    thread_id: thread.id,
    name: title,
    message: "Thread name generated successfully",
  }
}

/** The answer of a move (ours). `from` and `to` are versions; `from` is null for a thread that was not pinned. */
export const moveAnswer = z.object({
  thread_id: z.string(),
  workflow_id: z.string(),
  from: z.number().int().nullable(),
  to: z.number().int(),
  findings: z.array(findingAnswer),
  dry_run: z.boolean(),
})

/** What a move did, or would do. */
export type MoveView = {
  readonly threadId: string
  readonly workflowId: string
  readonly from: number | null
  readonly to: number
  readonly findings: readonly Finding[]
  readonly isDryRun: boolean
}

/** A move in wire form. */
export function presentMove(move: MoveView): z.input<typeof moveAnswer> {
  return {
    thread_id: move.threadId,
    workflow_id: move.workflowId,
    from: move.from,
    to: move.to,
    findings: [...move.findings],
    dry_run: move.isDryRun,
  }
}
