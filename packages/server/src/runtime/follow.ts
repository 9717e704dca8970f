/**
 * Following a run from any number: what is in the log, then what comes, without a gap or a repeat, to the run's end.
 *
 *     reading ── the log has no more, the run is here ──> live ── ended ──> closed
 *      ^  ^ └─── the log has no more, it is elsewhere ──> fed ───┤  └── gone ──> reading
 *      │  │          its owner does not tell of it ──┐           └── gone ──> reading
 *      │  └───────── (a moment later) ───────────────┘
 *      └─── the log has no more, the run is over ─────> closed
 *
 * The reader is put behind the live run before the log is read for the last time, so that nothing falls between the two;
 * what the run has shown and not saved, and what comes meanwhile, waits and is given after the log, without what was read
 * already. Numbers tell. Until then a reader is given only what it takes; from then on whoever lags too far is cut off.
 */
import { setTimeout } from "node:timers/promises"
import type { Id } from "@brevet/core/ids"
import type { FeedPart } from "../ports/fan-out.ts"
import type { NumberedEvent, RunLog, RunStanding } from "../ports/run-log.ts"
import type { Listener, ReadingListener } from "../ports/runs.ts"
import { makeDeferred } from "./deferred.ts"
import type { Relay } from "./relay.ts"
import type { Segment } from "./segment.ts"

/** Appends that are read at a time. */
const pageRows = 50
/** Events that may wait for a reader who lags behind the live run; past that the log is read on instead. */
const waitingMax = 10_000
/** How often the log of a run of another process is looked at. */
const watchMs = 200

/** After how much silence of a run's process it is asked whether the run is still there. */
const silenceMs = 2_000

/** What following needs: the log, the runs of this process, and those of others. */
export type FollowPorts = {
  readonly log: RunLog
  readonly live: ReadonlyMap<Id<"run">, Segment>
  readonly relay: Relay
}

/** Gives the listener everything above `after`. Gives back what ends that. Troubles of the store close it as `gone`. */
export function follow(
  ports: FollowPorts,
  subject: { readonly runId: Id<"run">; readonly after: number },
  listener: ReadingListener,
): () => void {
  const follower = new Follower(ports, subject, listener)
  follower.run().catch(() => follower.close("gone"))
  return () => follower.stop()
}

class Follower {
  readonly #ports: FollowPorts
  readonly #runId: Id<"run">
  readonly #listener: ReadingListener
  readonly #stopped = new AbortController()
  /** The last number that was given. */
  #last: number

  constructor(
    ports: FollowPorts,
    subject: { readonly runId: Id<"run">; readonly after: number },
    listener: ReadingListener,
  ) {
    this.#ports = ports
    this.#runId = subject.runId
    this.#last = subject.after
    this.#listener = listener
  }

  stop(): void {
    this.#stopped.abort()
  }

  close(reason: "ended" | "gone"): void {
    if (this.#stopped.signal.aborted) return
    this.stop()
    this.#listener.close(reason)
  }

  async run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const segment = this.#ports.live.get(this.#runId)
      const isOver = segment === undefined ? await this.#readElsewhere() : await this.#readThenListen(segment)
      if (isOver) return this.close("ended")
    }
  }

  /** The run is elsewhere, or over. True once it is over and everything was given. */
  async #readElsewhere(): Promise<boolean> {
    // Asked before the log is read: what is in the log of a run that is over stays as it is.
    const standing = await this.#ports.log.standing(this.#runId)
    await this.#readLog()
    if (standing === null || !["queued", "running", "waiting"].includes(standing.status)) return true
    const outcome = standing.status === "running" ? await this.#readThenFeed(standing) : null
    if (outcome === null) await setTimeout(watchMs, undefined, { signal: this.#stopped.signal }).catch(() => {})
    return outcome === "ended"
  }

  /** What the run's process tells of it, to the end; null where none does. */
  async #readThenFeed(standing: RunStanding): Promise<"ended" | "gone" | null> {
    const parts: FeedPart[] = []
    let wake = makeDeferred<void>()
    const unfollow = await this.#ports.relay.follow(this.#runId, {
      part: (part) => {
        parts.push(part)
        wake.resolve()
      },
    })
    if (unfollow === null) return null
    this.#stopped.signal.addEventListener("abort", () => wake.resolve(), { once: true })
    try {
      await this.#readLog()
      while (!this.#stopped.signal.aborted && parts.length <= waitingMax) {
        const part = parts.shift()
        if (part?.type === "text") await this.#giveInTime(part)
        else if (part?.type === "saved" && part.more) await this.#readLog()
        else if (part?.type === "closed") {
          await this.#readLog()
          return part.reason
        } else if (part === undefined) {
          const isSilent = await isLate(wake.promise, silenceMs)
          if (isSilent && (await this.#hasMoved(standing))) return "gone"
          if (!isSilent) wake = makeDeferred<void>()
        }
      }
      return "gone"
    } finally {
      unfollow()
    }
  }

  /** A process that was killed does not say that it tells nothing more: whether the run has left it. */
  async #hasMoved(before: RunStanding): Promise<boolean> {
    if (this.#ports.live.has(this.#runId)) return true
    const now = await this.#ports.log.standing(this.#runId)
    return now === null || now.status !== "running" || epochOf(now) !== epochOf(before)
  }

  /** True once the run has ended here and everything was given; false where this process does not go on with it. */
  async #readThenListen(segment: Segment): Promise<boolean> {
    // However slowly the reader takes it: what comes meanwhile is in the log by then, and nothing is kept for it.
    await this.#readLog()
    const ending = makeDeferred<"ended" | "gone">()
    let waiting: NumberedEvent[] | null = []
    let given = 0
    let isTooMuch = false
    const between: Listener = {
      event: (event, number) => {
        if (waiting === null) for (const piece of piecesOf({ event, number })) this.#give(piece)
        else if (waiting.length - given < waitingMax) waiting.push({ event, number })
        else isTooMuch = true
      },
      close: ending.resolve,
    }
    const unfollow = segment.follow(between)
    this.#stopped.signal.addEventListener("abort", () => ending.resolve("gone"), { once: true })
    try {
      await this.#readLog()
      for (let next = waiting[0]; next !== undefined && !isTooMuch; next = waiting[given]) {
        await this.#giveInTime(next)
        given += 1
      }
      if (isTooMuch) return false
      waiting = null
      return (await ending.promise) === "ended"
    } finally {
      unfollow()
    }
  }

  async #readLog(): Promise<void> {
    for (;;) {
      const before = this.#last
      const events = await this.#ports.log.read(this.#runId, before, pageRows)
      if (events.length === 0 || this.#stopped.signal.aborted) return
      for (const event of events) await this.#giveInTime(event)
      if (this.#last === before) return
    }
  }

  /** Gives an event as fast as its reader takes it: a reader who lags is waited for, and not cut off. */
  async #giveInTime(event: NumberedEvent): Promise<void> {
    for (const piece of piecesOf(event)) {
      if (this.#give(piece)) await this.#listener.drained()
      if (this.#stopped.signal.aborted) return
    }
  }

  /** Gives what was not given yet. */
  #give({ event, number }: NumberedEvent): boolean {
    if (this.#stopped.signal.aborted || number <= this.#last) return false
    this.#last = number
    this.#listener.event(event, number)
    return true
  }
}

/** True where a promise has not settled after so long. */
async function isLate(promise: Promise<void>, ms: number): Promise<boolean> {
  const waiting = new AbortController()
  const late = setTimeout(ms, true, { signal: waiting.signal }).catch(() => true)
  const outcome = await Promise.race([promise.then(() => false), late])
  waiting.abort()
  return outcome
}

/** Each claim begins a new one (R3). */
function epochOf({ savedNumber }: RunStanding): number {
  return Math.floor(savedNumber / 2 ** 32)
}

/** An event as it is given: of text each piece by itself. */
function* piecesOf({ event, number }: NumberedEvent): Generator<NumberedEvent> {
  if (event.type !== "model-text") {
    yield { event, number }
    return
  }
  for (const [index, text] of event.texts.entries())
    yield { event: { ...event, texts: [text] }, number: number + index }
}
