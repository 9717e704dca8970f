/**
 * The runtime of a process: the runs that it works on, and how it gets, follows and loses them.
 *
 *     start ──> segment ──┐
 *     claim ──> segment ──┴─> live ── interpret ──> ended │ gone (lost, handed over)
 *
 * Invariants
 *   T1  A run is in `live` from the moment its segment is made until its loop is over, so that whoever follows it finds it.
 *   T2  Nothing is kept of a run that is over, or that waits.
 *   T3  While draining nothing is started or claimed; what is under way may end, then is handed over.
 */

import { setMaxListeners } from "node:events"
import { type CauseCode, Refusal } from "@brevet/core/errors"
import type { RunCreated, RunEvent } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import { fold } from "@brevet/core/graph/plan"
import type { Id } from "@brevet/core/ids"
import type { GraphSource } from "../ports/graph-source.ts"
import type { ClaimedRun, Owner } from "../ports/owner.ts"
import type { RunLog } from "../ports/run-log.ts"
import type { EndedRun, NewRun, Runs, RunUnderWay, StartOptions } from "../ports/runs.ts"
import { follow } from "./follow.ts"
import { interpret } from "./interpret.ts"
import { RunCancelled, RunHandedOver, RunTimedOut } from "./reasons.ts"
import { Segment, StartRefused } from "./segment.ts"
import type { Workshop } from "./workshop.ts"

/** Runs that are claimed at a time. */
const claimMax = 32
/** How often a run of another process is looked at by whoever waits for its end. */
const watchMs = 100

/** What the runtime needs beside its workshop. `marks` gives the causes for which runs are to end. */
export type RuntimePorts = {
  readonly owner: Owner
  readonly log: RunLog
  readonly graphs: GraphSource
  readonly workshop: Workshop
}

/** The runtime as `compose` handles it; services see the `Runs` part. */
export type Runtime = Runs & {
  /** Takes up the runs that an earlier incarnation of this process left behind. To be called once, before anything else. */
  recover(): Promise<number>
  /** Takes up what is due. To be called when the owner says so. */
  claimDue(): void
  /** Lets runs end for at most so long, then hands the rest over. Nothing is started or claimed any more. */
  drain(drainMs: number): Promise<void>
}

/** Makes the runtime. */
export function createRuntime(ports: RuntimePorts): Runtime {
  return new ProcessRuntime(ports)
}

class ProcessRuntime implements Runtime {
  readonly #ports: RuntimePorts
  readonly #live = new Map<Id<"run">, Segment>()
  readonly #loops = new Set<Promise<unknown>>()
  #claiming: Promise<void> | null = null
  #claimAgain = false
  #draining = false
  /** Aborted once this process works on no run any more: whoever waits for one here waits in vain. */
  readonly #left = new AbortController()

  constructor(ports: RuntimePorts) {
    this.#ports = ports
    setMaxListeners(0, this.#left.signal)
  }

  async start(run: NewRun, { listener, commit }: StartOptions): Promise<RunUnderWay | null> {
    if (this.#draining) throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
    const segment = this.#makeSegment(run)
    if (listener !== undefined) segment.follow(listener)
    segment.take(run.created)
    for (const message of run.messages) segment.addMessage(message)
    try {
      if (commit === "first") await segment.save()
      segment.take({ type: "run-started", at: this.#ports.workshop.clock.nowMs() })
      const ended = this.#work(segment)
      await Promise.race([segment.started, ended])
      return { runId: run.runId, ended }
    } catch (error) {
      if (error instanceof StartRefused) return null
      if (error instanceof RunHandedOver) throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
      throw error
    }
  }

  enqueue(run: NewRun, options: { readonly queuedMax: number }): Promise<"queued" | "full" | "changed"> {
    if (this.#draining) throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
    const append = {
      runId: run.runId,
      threadId: run.start.thread?.id ?? null,
      turn: run.created.turn?.number ?? null,
      epoch: 1,
      savedNumber: 0,
      first: 1,
      last: 1,
      body: JSON.stringify([run.created]),
      messages: run.messages,
      ending: null,
    }
    return this.#ports.owner.enqueue({ ...run.start, append }, options)
  }

  follow(runId: Id<"run">, after: number, listener: Parameters<Runs["follow"]>[2]): () => void {
    return follow({ log: this.#ports.log, live: this.#live }, { runId, after }, listener)
  }

  async waitForEnd(
    runId: Id<"run">,
    { waitMs, signal }: { readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<EndedRun | null> {
    const untilMs = performance.now() + waitMs
    for (;;) {
      const ended = await this.#ports.log.ended(runId)
      const leftMs = untilMs - performance.now()
      if (ended !== null || leftMs <= 0 || signal?.aborted === true || this.#left.signal.aborted) return ended
      await this.#endOrMoment(runId, { leftMs, signal })
    }
  }

  endMarked(ids: readonly Id<"run">[]): void {
    if (ids.length === 0) return
    this.#endMarked(ids).catch((error: unknown) => {
      this.#ports.workshop.log.error({ err: error, run_ids: ids }, "run-cancel-failed")
    })
  }

  async recover(): Promise<number> {
    const claimed = await this.#ports.owner.recover()
    await Promise.all(claimed.map((run) => this.#resume(run)))
    return claimed.length
  }

  claimDue(): void {
    if (this.#draining) return
    if (this.#claiming !== null) {
      this.#claimAgain = true
      return
    }
    this.#claiming = this.#claim()
      .catch((error: unknown) => {
        // The store is away, or a fault of ours: the next beat asks again.
        if (!(error instanceof Refusal)) this.#ports.workshop.log.error({ err: error }, "run-claim-failed")
      })
      .finally(() => {
        this.#claiming = null
        if (this.#claimAgain) {
          this.#claimAgain = false
          this.claimDue()
        }
      })
  }

  async drain(drainMs: number): Promise<void> {
    this.#draining = true
    const all = () => Promise.allSettled([...this.#loops])
    let timer: NodeJS.Timeout | undefined
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, drainMs)
    })
    await Promise.race([all(), late])
    clearTimeout(timer)
    for (const segment of this.#live.values()) segment.abort(new RunHandedOver())
    await all()
    this.#left.abort()
  }

  #makeSegment(run: NewRun): Segment {
    const { created } = run
    const workflowId = created.workflowId ?? ""
    return new Segment({
      ...this.#common(run.runId),
      organizationId: run.start.organizationId,
      generation: run.start.generation,
      threadId: run.start.thread?.id ?? null,
      turn: created.turn?.number ?? null,
      graph: run.graph,
      facts: { runId: run.runId, workflowId, active: run.graph.active },
      traceId: created.traceId,
      requestHash: run.start.requestHash,
      epoch: 1,
      savedNumber: 0,
      start: run.start,
      readHistory: () => (run.history === null ? this.#readHistory(created) : Promise.resolve(run.history)),
      folded: null,
    })
  }

  #common(runId: Id<"run">) {
    const { owner, workshop } = this.#ports
    return {
      runId,
      limits: workshop.bounds,
      owner,
      onMark: (cause: CauseCode) => void this.#live.get(runId)?.abort(new RunCancelled(cause)),
      onReleased: (threadId: Id<"thread">) => {
        owner.release(threadId).then(
          () => this.claimDue(),
          // The next beat sees the thread that waits.
          () => {},
        )
      },
    }
  }

  #readHistory(created: RunCreated) {
    const { turn } = created
    if (turn === null) return Promise.resolve({ messages: [], summary: null })
    const place = { threadId: turn.threadId as Id<"thread">, turn: turn.number, ordinal: turn.messageOrdinal }
    return this.#ports.workshop.history.read(place)
  }

  /** Works on a segment until it is over or gone. */
  async #work(segment: Segment): Promise<EndedRun | null> {
    const { workshop, owner } = this.#ports
    this.#live.set(segment.runId, segment)
    const timer = setTimeout(() => segment.abort(new RunTimedOut()), workshop.bounds.workMsMax)
    const loop = interpret(segment, workshop).finally(() => {
      clearTimeout(timer)
      this.#live.delete(segment.runId)
      this.#loops.delete(loop)
      // A run that is handed over stays among those that this process tells of, so that whoever comes next finds it.
      if (!(segment.signal.reason instanceof RunHandedOver)) owner.forget(segment.runId)
    })
    this.#loops.add(loop)
    await loop
    return segment.ended
  }

  async #endOrMoment(
    runId: Id<"run">,
    { leftMs, signal }: { readonly leftMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    const segment = this.#live.get(runId)
    const signals = signal === undefined ? [this.#left.signal] : [this.#left.signal, signal]
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, segment === undefined ? Math.min(watchMs, leftMs) : leftMs)
      const unfollow = segment?.follow({ event() {}, close: () => done() })
      const done = () => {
        clearTimeout(timer)
        unfollow?.()
        for (const each of signals) each.removeEventListener("abort", done)
        resolve()
      }
      for (const each of signals) each.addEventListener("abort", done)
    })
  }

  async #endMarked(ids: readonly Id<"run">[]): Promise<void> {
    const { owner, log } = this.#ports
    for (const { runId, cause } of await log.marks(ids)) this.#live.get(runId)?.abort(new RunCancelled(cause))
    const queued = await owner.claimQueued(ids)
    await Promise.all(queued.map((run) => this.#resume(run)))
  }

  async #claim(): Promise<void> {
    for (;;) {
      const claimed = await this.#ports.owner.claimDue(claimMax)
      await Promise.all(claimed.map((run) => this.#resume(run)))
      if (claimed.length < claimMax) return
    }
  }

  /** Goes on with a run that was claimed; settles once its loop has begun. */
  async #resume(claimed: ClaimedRun): Promise<void> {
    const { log, graphs, workshop, owner } = this.#ports
    try {
      const events = await readWhole(log, claimed.runId)
      const created = events[0]
      if (created?.type !== "run-created") throw new Error(`the log of run ${claimed.runId} has no beginning`)
      const graph = await graphs.load(created.workflowId as Id<"workflow"> | null, created.workflowVersion)
      const segment = this.#resumedSegment(claimed, { graph, created, events })
      takeUp(segment, workshop.clock.nowMs())
      if (claimed.cancelMark !== null) segment.abort(new RunCancelled(claimed.cancelMark as CauseCode))
      workshop.log.info({ run_id: claimed.runId, epoch: claimed.epoch }, "run-claimed")
      this.#work(segment).catch((error: unknown) => {
        workshop.log.error({ run_id: claimed.runId, err: error }, "run-resume-failed")
      })
    } catch (error) {
      owner.forget(claimed.runId)
      workshop.log.error({ run_id: claimed.runId, err: error }, "run-resume-failed")
    }
  }

  #resumedSegment(
    claimed: ClaimedRun,
    made: { readonly graph: Graph; readonly created: RunCreated; readonly events: readonly RunEvent[] },
  ): Segment {
    const { created, graph, events } = made
    return new Segment({
      ...this.#common(claimed.runId),
      organizationId: claimed.organizationId,
      generation: null,
      threadId: claimed.threadId,
      turn: claimed.turn,
      graph,
      facts: { runId: claimed.runId, workflowId: created.workflowId ?? "", active: graph.active },
      traceId: created.traceId,
      requestHash: claimed.requestHash,
      epoch: claimed.epoch,
      savedNumber: claimed.savedNumber,
      start: null,
      readHistory: () => this.#readHistory(created),
      folded: fold({ graph, limits: this.#ports.workshop.bounds }, events),
    })
  }
}

/** All events of a run. */
async function readWhole(log: RunLog, runId: Id<"run">): Promise<RunEvent[]> {
  const events: RunEvent[] = []
  let after = -1
  for (;;) {
    const page = await log.read(runId, after, 500)
    const last = page.at(-1)
    if (last === undefined) return events
    events.push(...page.map(({ event }) => event))
    after = last.number + (last.event.type === "model-text" ? last.event.texts.length - 1 : 0)
  }
}

/**
 * Takes a claimed run up where its log ends: a queued one begins; an execution that was under way is tried again, and
 * what its model call had shown is taken back first, since it begins anew (shown text may have been lost with the crash).
 */
function takeUp(segment: Segment, atMs: number): void {
  const { state, graph } = segment
  if (state.startedAtMs === null) {
    segment.take({ type: "run-started", at: atMs })
    return
  }
  const { current, created } = state
  const node = current === null ? undefined : graph.nodes[current.node]
  if (current === null || node === undefined || segment.command.type === "wait") return
  const attempt = current.attempt + 1
  if (current.openCall !== null && created?.turn?.streaming.includes(node.name) === true) {
    segment.take({ type: "content-reset", at: atMs, reason: "crash", attempt })
  }
  segment.take({ type: "node-started", at: atMs, node: node.name, iteration: current.iteration, attempt })
}
