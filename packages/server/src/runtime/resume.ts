/** How a claimed run goes on: its log is read, and taken up where it ends. */
import { numbersOf, type RunCreated, type RunEvent, streamingOf } from "@brevet/core/graph/events"
import type { Id } from "@brevet/core/ids"
import type { RunLog } from "../ports/run-log.ts"
import type { Segment } from "./segment.ts"

/** Appends that are read at a time. */
const pageRows = 500

/** All events of a run, and how many characters they have as they are written. */
export async function readWhole(log: RunLog, runId: Id<"run">): Promise<{ events: RunEvent[]; chars: number }> {
  const events: RunEvent[] = []
  let chars = 0
  let after = -1
  for (;;) {
    const page = await log.read(runId, after, pageRows)
    const fresh = page.filter(({ event, number }) => number + numbersOf(event) - 1 > after)
    const last = fresh.at(-1)
    if (last === undefined) return { events, chars }
    for (const { event } of fresh) {
      events.push(event)
      chars += JSON.stringify(event).length
    }
    after = last.number + numbersOf(last.event) - 1
  }
}

/** The first event of a run of which nothing else may be readable; null where that is not either. */
export async function readBeginning(log: RunLog, runId: Id<"run">): Promise<RunCreated | null> {
  const [first] = await log.read(runId, -1, 1).catch(() => [])
  return first?.event.type === "run-created" ? first.event : null
}

/**
 * Takes a claimed run up where its log ends: a queued one begins; an execution that was under way is tried again, and
 * what its model call had shown is taken back first, since it begins anew (shown text may have been lost with the crash).
 */
export function takeUp(segment: Segment, atMs: number): void {
  const { state, graph } = segment
  if (state.startedAtMs === null) {
    segment.take({ type: "run-started", at: atMs })
    return
  }
  const { current, created } = state
  const node = current === null ? undefined : graph.nodes[current.node]
  if (current === null || node === undefined || segment.command.type === "wait") return
  const attempt = current.attempt + 1
  if (current.openCalls.length > 0 && streamingOf(created).includes(node.name)) {
    segment.take({ type: "content-reset", at: atMs, reason: "crash", attempt })
  }
  segment.take({ type: "node-started", at: atMs, node: node.name, iteration: current.iteration, attempt })
}
