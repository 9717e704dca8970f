/** Runs as people read them, and their cancelling. What they are made of is the runtime's; services start them elsewhere. */

import type { Frame } from "@brevet/core/contract/frames"
import { runFramesOf } from "@brevet/core/contract/run-events"
import { Refusal } from "@brevet/core/errors"
import type { RunEvent } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import { readDefinition } from "@brevet/core/graph/read"
import { type NodeView, viewItems, viewNodes } from "@brevet/core/graph/run-view"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { Context } from "../ports/context.ts"
import type { RunListFilter, RunRecord } from "../ports/run-table.ts"
import { makeGraphSource } from "./graphs.ts"

/** A run with the `json` of its answering node's items; null unless it completed, and once its details are not kept. */
export type ShownRun = RunRecord & { readonly output: readonly JsonObject[] | null }

/** A page of a run's events as frames. */
export type RunEventPage = { readonly frames: readonly Frame[]; readonly hasMore: boolean }

/** Appends that are read at a time while a page is filled. */
const appendsAtATime = 100

/** How long the answer of a cancelling waits for the run's end, so that it shows it (milliseconds). */
const cancelWaitMs = 1_000

/** The run's record. Throws RUN_NOT_FOUND. */
async function getRunRecord(cx: Context, runId: Id<"run">): Promise<RunRecord> {
  const run = await cx.store.runs.find(cx.principal.organizationId, runId)
  if (run === null) throw new Refusal("RUN_NOT_FOUND")
  return run
}

/** The run with its output. Throws RUN_NOT_FOUND. */
export async function getRun(cx: Context, runId: Id<"run">): Promise<ShownRun> {
  return show(cx, await getRunRecord(cx, runId))
}

async function show(cx: Context, run: RunRecord): Promise<ShownRun> {
  const name = run.status === "completed" ? (run.result?.node ?? null) : null
  if (name === null) return { ...run, output: run.status === "completed" ? [] : null }
  const events = await readEvents(cx, run.id)
  if (events.length === 0) return { ...run, output: null }
  const items = viewItems(await graphOf(cx, run, events), events, name)
  return { ...run, output: items.map((item) => item.json) }
}

/** A page of the organization's runs, newest first. */
export function listRuns(
  cx: Context,
  query: Omit<RunListFilter, "organizationId">,
): Promise<{ readonly records: readonly RunRecord[]; readonly total: number }> {
  return cx.store.runs.list({ ...query, organizationId: cx.principal.organizationId })
}

/** The nodes of a run that have run, in the order of their first execution. Throws RUN_NOT_FOUND and RUN_EXPIRED. */
export async function listRunNodes(cx: Context, runId: Id<"run">): Promise<readonly NodeView[]> {
  const run = await getRunRecord(cx, runId)
  const events = await readEvents(cx, run.id)
  requireKept(run, events)
  return viewRun(cx, run, events)
}

/** One node of a run. Throws RUN_NOT_FOUND, RUN_EXPIRED, and RESOURCE_NOT_FOUND for a node that has not run. */
export async function getRunNode(cx: Context, runId: Id<"run">, name: string): Promise<NodeView> {
  const node = (await listRunNodes(cx, runId)).find((view) => view.name === name)
  if (node === undefined) throw new Refusal("RESOURCE_NOT_FOUND", { message: "This node has not run." })
  return node
}

/** The events after a number, at most so many frames. Throws RUN_NOT_FOUND and RUN_EXPIRED. */
export async function listRunEvents(
  cx: Context,
  runId: Id<"run">,
  page: { readonly after: number; readonly limit: number },
): Promise<RunEventPage> {
  const run = await getRunRecord(cx, runId)
  const frames: Frame[] = []
  for (let after = page.after; frames.length <= page.limit; ) {
    const events = await cx.store.runs.readLog(run.id, { after, appendsMax: appendsAtATime })
    if (events.length === 0) break
    const fresh = events.flatMap(({ event, number }) => runFramesOf(event, number))
    frames.push(...fresh.filter((frame) => frame.number > after))
    after = frames.at(-1)?.number ?? after
  }
  if (frames.length === 0 && page.after === 0) requireKept(run, frames)
  return { frames: frames.slice(0, page.limit), hasMore: frames.length > page.limit }
}

/** Throws RUN_NOT_FOUND, and RUN_EXPIRED where the log of the run is no longer kept. */
export async function requireRunLog(cx: Context, runId: Id<"run">): Promise<void> {
  const run = await getRunRecord(cx, runId)
  if (run.finishedAtMs === null) return
  requireKept(run, await cx.store.runs.readLog(run.id, { after: 0, appendsMax: 1 }))
}

/** A run that is over has events, unless its time of keeping is over too. */
function requireKept(run: RunRecord, events: readonly unknown[]): void {
  if (events.length === 0 && run.finishedAtMs !== null) throw new Refusal("RUN_EXPIRED")
}

async function readEvents(cx: Context, runId: Id<"run">): Promise<readonly RunEvent[]> {
  const log = await cx.store.runs.readLog(runId, { after: 0, appendsMax: Number.MAX_SAFE_INTEGER })
  return log.map(({ event }) => event)
}

async function viewRun(cx: Context, run: RunRecord, events: readonly RunEvent[]): Promise<readonly NodeView[]> {
  return viewNodes(await graphOf(cx, run, events), events)
}

/** The graph of a run: of its version, or the one that it was called with. */
async function graphOf(cx: Context, run: RunRecord, [created]: readonly RunEvent[]): Promise<Graph> {
  if (created?.type === "run-created" && created.definition !== undefined) {
    return readDefinition(created.definition).graph
  }
  return makeGraphSource(cx.store).load(run.workflowId, run.workflowVersion)
}

/**
 * Cancels a run: it is marked, and its owner ends it, keeping what was shown. Gives the run as it stands then, as a rule
 * ended. Throws RUN_NOT_FOUND and RUN_FINISHED.
 */
export async function cancelRun(cx: Context, runId: Id<"run">): Promise<ShownRun> {
  await getRunRecord(cx, runId)
  const marked = await cx.store.runs.markCancelled({ runId }, "RUN_CANCELLED")
  if (marked.length === 0) throw new Refusal("RUN_FINISHED")
  cx.runs.endMarked(marked)
  await cx.runs.waitForEnd(runId, { waitMs: cancelWaitMs })
  return getRun(cx, runId)
}
