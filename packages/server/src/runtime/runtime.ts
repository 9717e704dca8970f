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
import { setTimeout as sleep } from "node:timers/promises"
import { type CauseCode, Refusal } from "@brevet/core/errors"
import type { History } from "@brevet/core/graph/conversation"
import type { RunCreated } from "@brevet/core/graph/events"
import { fold } from "@brevet/core/graph/plan"
import { readDefinition } from "@brevet/core/graph/read"
import { openPausesOf } from "@brevet/core/graph/run-state"
import type { Id } from "@brevet/core/ids"
import type { FanOut, FanOutMessage } from "../ports/fan-out.ts"
import type { GraphSource } from "../ports/graph-source.ts"
import type { ClaimedRun, Owner } from "../ports/owner.ts"
import type { RunLog } from "../ports/run-log.ts"
import type {
  EndedHere,
  EndedRun,
  NewRun,
  RestedRun,
  RunOutcome,
  Runs,
  RunUnderWay,
  StartOptions,
} from "../ports/runs.ts"
import { follow } from "./follow.ts"
import { interpret } from "./interpret.ts"
import { resumeWith } from "./pauses.ts"
import { RunCancelled, RunHandedOver, RunTimedOut } from "./reasons.ts"
import { Relay } from "./relay.ts"
import { readBeginning, readWhole, takeUp } from "./resume.ts"
import { RunLost, Segment, StartRefused } from "./segment.ts"
import type { SegmentOptions } from "./segment-options.ts"
import type { Workshop } from "./workshop.ts"

/** Runs that are claimed at a time. */
const claimMax = 32
/** How long handing over may take. */
const handOverMsMax = 5_000
/** How often a run of another process is looked at by whoever waits for its end. */
const watchMs = 100
/** How long the owner of a run may take to end it, where somebody wants it to end, until it is claimed (E11). */
const endMsMax = 2_000

/** What the runtime needs beside its workshop. `marks` gives the causes for which runs are to end. */
export type RuntimePorts = {
  readonly owner: Owner
  readonly log: RunLog
  readonly graphs: GraphSource
  readonly fanOut: FanOut
  readonly workshop: Workshop
}

/** What is known of a claimed run. `created` null: its log could not be read. */
type ClaimedParts = Pick<SegmentOptions, "graph" | "folded"> & { readonly created: RunCreated | null }

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
  readonly #relay: Relay
  readonly #loops = new Set<Promise<unknown>>()
  #claiming: Promise<void> | null = null
  #claimAgain = false
  #draining = false
  /** Aborted once this process works on no run any more: whoever waits for one here waits in vain. */
  readonly #left = new AbortController()

  constructor(ports: RuntimePorts) {
    this.#ports = ports
    this.#relay = new Relay(ports.fanOut, this.#live)
    ports.fanOut.listen({
      message: (message) => this.#hear(message),
      gap: () => {
        this.#relay.gap()
        this.claimDue()
      },
    })
    setMaxListeners(0, this.#left.signal)
  }

  async start(run: NewRun, { listener, commit }: StartOptions): Promise<RunUnderWay | null> {
    if (this.#draining) throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
    const segment = this.#makeSegment(run, commit)
    if (listener !== undefined) segment.follow(listener)
    segment.take(run.created)
    for (const message of run.messages) segment.addMessage(message)
    try {
      const ended = this.#work(segment, async () => {
        if (commit === "first") await segment.save()
        segment.take({ type: "run-started", at: this.#ports.workshop.clock.nowMs() })
      })
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
    return follow({ log: this.#ports.log, live: this.#live, relay: this.#relay }, { runId, after }, listener)
  }

  async waitForEnd(
    runId: Id<"run">,
    { waitMs, signal }: { readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<EndedRun | null> {
    const untilMs = performance.now() + waitMs
    for (;;) {
      const leftMs = untilMs - performance.now()
      const ended = await this.#ports.log.ended(runId).catch((error: unknown) => {
        // The store is away for a while: the run was accepted, and whoever waits for it goes on waiting.
        if (error instanceof Refusal && leftMs > 0) return null
        throw error
      })
      if (ended !== null || leftMs <= 0 || signal?.aborted === true || this.#left.signal.aborted) return ended
      await this.#endOrMoment(runId, { leftMs, signal })
    }
  }

  async waitForRest(
    place: { readonly runId: Id<"run">; readonly responseId: Id<"response"> | null },
    { waitMs, signal }: { readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<RunOutcome | null> {
    const untilMs = performance.now() + waitMs
    for (;;) {
      const outcome = await this.#ports.log.outcome(place)
      const leftMs = untilMs - performance.now()
      if (outcome !== null || leftMs <= 0 || signal?.aborted === true || this.#left.signal.aborted) return outcome
      await this.#endOrMoment(place.runId, { leftMs, signal })
    }
  }

  wake(): void {
    this.claimDue()
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
    if (this.#draining) {
      this.#ports.fanOut.send("all", { type: "due" })
      return
    }
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
    const all = () => Promise.allSettled([...this.#loops, this.#claiming])
    let timer: NodeJS.Timeout | undefined
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, drainMs)
    })
    await Promise.race([all(), late])
    clearTimeout(timer)
    for (const segment of this.#live.values()) segment.abort(new RunHandedOver())
    // Handing over writes what is unsaved. While the store is away that cannot be waited for.
    const tooLate = new Promise((resolve) => {
      timer = setTimeout(resolve, handOverMsMax)
    })
    await Promise.race([all(), tooLate])
    clearTimeout(timer)
    this.#left.abort()
  }

  #makeSegment(run: NewRun, commit: StartOptions["commit"]): Segment {
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
      startsWithAnswer: commit === "answer",
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
      onListenerFault: (error: unknown) => workshop.log.error({ run_id: runId, err: error }, "listener-failed"),
    }
  }

  #readHistory(created: RunCreated) {
    const { turn } = created
    if (turn === null) return Promise.resolve(noHistory)
    const place = { threadId: turn.threadId as Id<"thread">, turn: turn.number, ordinal: turn.messageOrdinal }
    return this.#ports.workshop.history.read(place)
  }

  /** Works on a segment until it is over or gone; first does what it begins with. */
  async #work(segment: Segment, begin: () => Promise<void> = async () => {}): Promise<EndedHere | RestedRun | null> {
    const { workshop } = this.#ports
    this.#live.set(segment.runId, segment)
    const timer = setTimeout(() => segment.abort(new RunTimedOut()), workshop.bounds.workMsMax)
    const loop = begin()
      .then(() => interpret(segment, workshop))
      .finally(() => {
        clearTimeout(timer)
        this.#loops.delete(loop)
        // Lost by an earlier incarnation of this process and claimed by this one: then it is another segment's by now.
        if (this.#live.get(segment.runId) !== segment) return
        this.#live.delete(segment.runId)
        this.#letGo(segment)
      })
    this.#loops.add(loop)
    await loop
    return segment.ended
  }

  /**
   * Runs that ended, were lost or never started are forgotten. What is handed over, or could not be ended, stays among
   * those that this process tells of, so that whoever comes next finds it.
   */
  #letGo(segment: Segment): void {
    const isOver = segment.ended !== null || !segment.isStarted || segment.signal.reason instanceof RunLost
    if (isOver) this.#ports.owner.forget(segment.runId)
  }

  async #endOrMoment(
    runId: Id<"run">,
    { leftMs, signal }: { readonly leftMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    const segment = this.#live.get(runId)
    const signals = signal === undefined ? [this.#left.signal] : [this.#left.signal, signal]
    await new Promise<void>((resolve) => {
      let unfollow = () => {}
      const timer = setTimeout(() => done(), segment === undefined ? Math.min(watchMs, leftMs) : leftMs)
      const done = () => {
        clearTimeout(timer)
        unfollow()
        for (const each of signals) each.removeEventListener("abort", done)
        resolve()
      }
      for (const each of signals) each.addEventListener("abort", done)
      // A segment that is over tells so at once.
      if (segment !== undefined) unfollow = segment.follow({ event() {}, close: done })
    })
  }

  /** What another process says. */
  #hear(message: FanOutMessage): void {
    switch (message.type) {
      case "due":
        if (!this.#draining) this.claimDue()
        return
      case "marked":
        this.#abortMarked(message.runIds.filter((runId) => this.#live.has(runId)))
        return
      case "watch":
        this.#relay.serve(message.runId, message.to)
        return
      case "unwatch":
        this.#relay.unserve(message.runId, message.to)
        return
      case "feed":
        this.#relay.receive(message.runId, message.part)
    }
  }

  /** Runs that are here end at once, those that wait for their turn are claimed for it, others are their owners' to end. */
  async #endMarked(ids: readonly Id<"run">[]): Promise<void> {
    const { owner, log, fanOut } = this.#ports
    for (const { runId, cause } of await log.marks(ids)) this.#live.get(runId)?.abort(new RunCancelled(cause))
    const elsewhere = ids.filter((runId) => !this.#live.has(runId))
    if (elsewhere.length > 0) fanOut.send("all", { type: "marked", runIds: elsewhere })
    const queued = await owner.claimQueued(ids)
    await Promise.all(queued.map((run) => this.#resume(run)))
    // Those that wait are due with their mark.
    this.claimDue()
    if (elsewhere.length === 0) return
    await sleep(endMsMax, undefined, { signal: this.#left.signal }).catch(() => {})
    if (this.#draining) return
    const unanswered = await owner.claimMarked(elsewhere.filter((runId) => !this.#live.has(runId)))
    await Promise.all(unanswered.map((run) => this.#resume(run)))
  }

  async #claim(): Promise<void> {
    while (!this.#draining) {
      const claimed = await this.#ports.owner.claimDue(claimMax)
      await Promise.all(claimed.map((run) => this.#resume(run)))
      if (claimed.length < claimMax) return
    }
  }

  /** Goes on with a run that was claimed; settles once its loop has begun. */
  async #resume(claimed: ClaimedRun): Promise<void> {
    const { workshop, owner } = this.#ports
    // Whoever comes next finds it among the runs that this process has left.
    if (this.#draining) return
    // It was this process's own, until that was declared dead: who works on it here does so in vain.
    this.#live.get(claimed.runId)?.abort(new RunLost())
    let segment: Segment
    try {
      segment = await this.#resumedSegment(claimed)
    } catch (error) {
      if (error instanceof Refusal) {
        // The store is away: a later claim gives the run out again.
        owner.giveBack(claimed.runId)
        return
      }
      segment = await this.#brokenSegment(claimed, error as Error)
    }
    workshop.log.info({ run_id: claimed.runId, epoch: claimed.epoch }, "run-claimed")
    this.#work(segment).catch((error: unknown) => {
      workshop.log.error({ run_id: claimed.runId, err: error }, "run-resume-failed")
    })
    if (this.#draining) segment.abort(new RunHandedOver())
    // Somebody may have wanted the run to end after its claim and before it was live here.
    if (claimed.cancelMark === null) this.#abortMarked([claimed.runId])
  }

  /** Ends those of the runs that somebody wants to end. */
  #abortMarked(ids: readonly Id<"run">[]): void {
    if (ids.length === 0) return
    this.#ports.log.marks(ids).then(
      (marks) => {
        for (const { runId, cause } of marks) this.#live.get(runId)?.abort(new RunCancelled(cause))
      },
      // The store is away: the next append tells it.
      () => {},
    )
  }

  /** A claimed run where its log ends, taken up. */
  async #resumedSegment(claimed: ClaimedRun): Promise<Segment> {
    const { log, graphs, workshop, owner } = this.#ports
    const { events, chars } = await readWhole(log, claimed.runId)
    const created = events[0]
    if (created?.type !== "run-created") throw new Error(`the log of run ${claimed.runId} has no beginning`)
    const graph =
      created.definition === undefined
        ? await graphs.load(created.workflowId as Id<"workflow"> | null, created.workflowVersion)
        : readDefinition(created.definition).graph
    const folded = fold({ graph, limits: workshop.bounds }, events)
    const segment = this.#claimedSegment(claimed, { created, graph, folded: { ...folded, chars } })
    if (openPausesOf(folded.state).length > 0) {
      const settled = await owner.settle(claimed.runId, workshop.ids.next("response"))
      resumeWith(segment, settled, workshop.clock.nowMs())
    }
    takeUp(segment, workshop.clock.nowMs())
    if (claimed.cancelMark !== null) segment.abort(new RunCancelled(claimed.cancelMark as CauseCode))
    return segment
  }

  /** A claimed run that nobody can go on with: a fault of ours, which ends it. */
  async #brokenSegment(claimed: ClaimedRun, fault: Error): Promise<Segment> {
    const created = await readBeginning(this.#ports.log, claimed.runId)
    const { state } = fold({ graph: noGraph, limits: this.#ports.workshop.bounds }, created === null ? [] : [created])
    const folded = { state, command: { type: "none" }, chars: 0 } as const
    const segment = this.#claimedSegment(claimed, { created, graph: noGraph, folded })
    segment.abort(fault)
    return segment
  }

  #claimedSegment(claimed: ClaimedRun, { created, graph, folded }: ClaimedParts): Segment {
    return new Segment({
      ...this.#common(claimed.runId),
      organizationId: claimed.organizationId,
      generation: null,
      threadId: claimed.threadId,
      turn: claimed.turn,
      graph,
      facts: { runId: claimed.runId, workflowId: created?.workflowId ?? "", active: graph.active },
      traceId: created?.traceId ?? "",
      requestHash: claimed.requestHash,
      epoch: claimed.epoch,
      savedNumber: claimed.savedNumber,
      start: null,
      startsWithAnswer: false,
      readHistory: () => (created === null ? Promise.resolve(noHistory) : this.#readHistory(created)),
      folded,
    })
  }
}

const noHistory: History = { messages: [], summary: null }
/** Stands for the graph of a run whose own cannot be had. */
const noGraph = readDefinition({ nodes: [] }).graph
