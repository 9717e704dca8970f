/** Moving a thread to another version of its workflow (ours, the HTTP contract §3.3): one explicit, checked call. */
import type { MoveView } from "@brevet/core/contract/threads"
import { invalidFields, Refusal } from "@brevet/core/errors"
import type { Finding } from "@brevet/core/graph/graph"
import type { PromotionReport } from "@brevet/core/graph/report"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { ThreadRecord } from "../ports/thread-table.ts"
import { judgeVersionOf, newThreadVersion } from "./promotion.ts"
import { getThread } from "./threads.ts"

/** Where a thread is to be moved. Null: to the version that new threads get. */
export type MoveRequest = { readonly version: number | null; readonly isDryRun: boolean }

/** The workflow that a thread belongs to, and what the link of its assistant says about it. */
type Link = {
  readonly workflowId: Id<"workflow">
  readonly newestVersion: number
  readonly pinnedVersion: number | null
  readonly primaryNode: string | null
}

/** A version that turns can be answered by. */
type Target = { readonly version: number; readonly primaryNode: string | null; readonly report: PromotionReport }

/** How often a move is tried when the thread has changed meanwhile and is not busy. */
const attemptsMax = 50

/**
 * Moves a thread, or says what a move would do. A thread that was not pinned is pinned to the workflow of its assistant.
 * Throws THREAD_NOT_FOUND, RESOURCE_NOT_FOUND where there is no workflow, WORKFLOW_NOT_FOUND where it was deleted,
 * VALIDATION_ERROR for a version that never was, promotion's codes for one that cannot answer, and THREAD_BUSY.
 */
export async function moveThread(cx: Context, threadId: Id<"thread">, request: MoveRequest): Promise<MoveView> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const thread = await getThread(cx, threadId)
    const link = await findLink(cx, thread)
    const target = await findTarget(cx, link, request.version)
    const move: MoveView = {
      threadId,
      workflowId: link.workflowId,
      from: thread.pinnedWorkflow?.version ?? null,
      to: target.version,
      findings: [...(await compare(cx, { thread, link, target })), ...target.report.findings],
      isDryRun: request.isDryRun,
    }
    if (request.isDryRun || move.from === move.to) return move
    const fields = { pinnedWorkflow: { id: link.workflowId, version: target.version }, plain: false }
    const options = { revision: thread.revision, atMs: cx.clock.nowMs() }
    if ((await cx.store.threads.updateIdle(threadId, fields, options)) !== null) return move
    if (await cx.store.threads.isBusy(threadId)) throw new Refusal("THREAD_BUSY", { details: { thread_id: threadId } })
  }
  throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
}

async function findLink(cx: Context, thread: ThreadRecord): Promise<Link> {
  const { organizationId } = cx.principal
  const { assistantId, pinnedWorkflow } = thread
  const assistant = assistantId === null ? null : await cx.store.assistants.find(organizationId, assistantId)
  const workflowId = pinnedWorkflow?.id ?? assistant?.workflowId ?? null
  if (workflowId === null) throw new Refusal("RESOURCE_NOT_FOUND", { message: "This thread has no workflow." })
  const workflow = await cx.store.workflows.find(organizationId, workflowId)
  if (workflow === null) throw new Refusal("WORKFLOW_NOT_FOUND")
  // The workflow of a thread may have been detached from its assistant, and another one attached.
  const link = assistant?.workflowId === workflowId ? assistant : null
  return {
    workflowId,
    newestVersion: workflow.version,
    pinnedVersion: link?.pinnedVersion ?? null,
    primaryNode: link?.primaryNode ?? null,
  }
}

async function findTarget(cx: Context, link: Link, wanted: number | null): Promise<Target> {
  const given = wanted === null ? await newThreadVersion(cx.store, link) : null
  if (given !== null) return given
  const { workflowId, primaryNode } = link
  const version = wanted ?? link.pinnedVersion ?? link.newestVersion
  const judged = await judgeVersionOf(cx.store, { workflowId, version, primaryNode })
  if (judged === null) {
    throw invalidFields([{ field: "workflow_version", message: "the workflow has no such version", code: "invalid" }])
  }
  if (judged.promotable) return judged
  const { error } = judged.report
  if (error === undefined) throw new Error("an unpromotable version without a reason")
  throw new Refusal(error.code, { message: error.message, details: error.details })
}

/** What changes for the conversation itself. */
async function compare(cx: Context, move: { thread: ThreadRecord; link: Link; target: Target }): Promise<Finding[]> {
  const { thread, link, target } = move
  const from = thread.pinnedWorkflow?.version
  if (from === undefined || from === target.version) return []
  const { workflowId, primaryNode } = link
  const before = await judgeVersionOf(cx.store, { workflowId, version: from, primaryNode })
  if (before === null) throw new Error(`thread ${thread.id} is pinned to a version that does not exist`)
  const findings: Finding[] = []
  if (before.primaryNode !== target.primaryNode) {
    findings.push({
      severity: "warning",
      code: "MOVE_PRIMARY_NODE_CHANGED",
      message:
        "Another node leads in the new version: the assistant's settings and the conversation's memory go to it from the " +
        "next turn on. Check its prompt and its model.",
    })
  }
  const known = new Set(before.report.input.per_thread.map(({ name }) => name))
  for (const { name, required } of target.report.input.per_thread) {
    if (!required || known.has(name)) continue
    findings.push({
      severity: "warning",
      code: "MOVE_THREAD_INPUT_MISSING",
      message:
        `The new version needs the input '${name}' when a thread begins, which this one was never given. Begin a new ` +
        "thread, or make the input optional.",
    })
  }
  return findings
}
