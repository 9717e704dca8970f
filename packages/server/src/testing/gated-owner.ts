/**
 * An owner between a runtime and the real one, for tests: it counts and records writes, can keep them back, can let one fail,
 * and can die: then nothing that is written from that moment on goes anywhere, as when the process is killed.
 *
 *     runtime ── start, append ──> [ gate ] ──> owner ──> store
 */
import type { RunEvent } from "@brevet/core/graph/events"
import type { AppendOutcome, Owner, RunAppend, RunStart } from "../ports/owner.ts"
import { makeDeferred } from "../runtime/deferred.ts"

/** What is done with a write instead of writing it, or before. */
type Treatment = "pass" | "hold" | "die" | "lose"

/** The gate. */
export class GatedOwner implements Owner {
  /** Every write that was asked for, in order: a start's first append, and appends. */
  readonly writes: RunAppend[] = []
  /** How many writes are in flight for each run, at most. */
  inFlightMax = 0
  readonly #owner: Owner
  readonly #inFlight = new Map<string, number>()
  #treatment: Treatment = "pass"
  #death: { readonly write: number; readonly when: "before" | "after" } | null = null
  #held: (() => void)[] = []
  #buried: (() => void)[] = []
  #failure: Error | null = null
  #whenHeld: (() => void)[] = []

  constructor(owner: Owner) {
    this.#owner = owner
  }

  /** The events of all writes, in order. */
  get events(): RunEvent[] {
    return this.writes.flatMap(({ body }) => JSON.parse(body) as RunEvent[])
  }

  /** True once it has died. */
  get isDead(): boolean {
    return this.#treatment === "die" || this.#treatment === "lose"
  }

  /** Keeps writes back from now on. */
  hold(): void {
    this.#treatment = "hold"
  }

  /** Lets everything pass. */
  letPass(): void {
    this.#treatment = "pass"
    this.#death = null
    for (const pass of this.#held.splice(0)) pass()
  }

  /** Resolves once a write is kept back. */
  whenHeld(): Promise<void> {
    return this.#held.length > 0 ? Promise.resolve() : new Promise((resolve) => this.#whenHeld.push(resolve))
  }

  /** Lets the next write fail with this, without anything being written. */
  failNext(error: Error): void {
    this.#failure = error
  }

  /** Dies at a write, counted from 1: before it is written, or after it has landed and before anybody is told. */
  dieAt(write: number, when: "before" | "after"): void {
    this.#death = { write, when }
  }

  /** Dies now. */
  die(): void {
    this.#treatment = "die"
    for (const pass of this.#held.splice(0)) pass()
  }

  /** Tells whoever waits for a write of the dead, or asks for one, that it is lost: nothing is left behind in the test. */
  bury(): void {
    this.#treatment = "lose"
    for (const settle of this.#buried.splice(0)) settle()
  }

  processId(): string {
    return this.#owner.processId()
  }

  start(start: RunStart): Promise<boolean> {
    return this.#write({ append: start.append, lost: false }, () => this.#owner.start(start))
  }

  append(append: RunAppend): Promise<AppendOutcome> {
    const lost: AppendOutcome = { landed: false }
    return this.#write({ append, lost }, () => this.#owner.append(append))
  }

  enqueue(start: RunStart, options: { readonly queuedMax: number }): ReturnType<Owner["enqueue"]> {
    return this.#owner.enqueue(start, options)
  }

  claimDue(limit: number): ReturnType<Owner["claimDue"]> {
    return this.isDead ? Promise.resolve([]) : this.#owner.claimDue(limit)
  }

  claimQueued(ids: Parameters<Owner["claimQueued"]>[0]): ReturnType<Owner["claimQueued"]> {
    return this.isDead ? Promise.resolve([]) : this.#owner.claimQueued(ids)
  }

  claimMarked(ids: Parameters<Owner["claimMarked"]>[0]): ReturnType<Owner["claimMarked"]> {
    return this.isDead ? Promise.resolve([]) : this.#owner.claimMarked(ids)
  }

  recover(): ReturnType<Owner["recover"]> {
    return this.#owner.recover()
  }

  settle(...[runId, responseId]: Parameters<Owner["settle"]>): ReturnType<Owner["settle"]> {
    return this.#owner.settle(runId, responseId)
  }

  async release(threadId: Parameters<Owner["release"]>[0]): Promise<void> {
    if (!this.isDead) await this.#owner.release(threadId)
  }

  forget(runId: Parameters<Owner["forget"]>[0]): void {
    if (!this.isDead) this.#owner.forget(runId)
  }

  giveBack(runId: Parameters<Owner["giveBack"]>[0]): void {
    if (!this.isDead) this.#owner.giveBack(runId)
  }

  close(): Promise<void> {
    return this.#owner.close()
  }

  async #write<Outcome>(
    { append, lost }: { readonly append: RunAppend; readonly lost: Outcome },
    write: () => Promise<Outcome>,
  ): Promise<Outcome> {
    const count = (this.#inFlight.get(append.runId) ?? 0) + 1
    this.#inFlight.set(append.runId, count)
    this.inFlightMax = Math.max(this.inFlightMax, count)
    try {
      if (this.#treatment === "hold") await this.#keepBack()
      const failure = this.#failure
      this.#failure = null
      if (failure !== null) throw failure
      const { write: last = 0, when } = this.#death ?? {}
      if (when === "before" && this.writes.length + 1 >= last) this.#treatment = "die"
      if (this.#treatment === "lose") return lost
      if (this.isDead) return await this.#never(lost)
      this.writes.push(append)
      const outcome = await write()
      if (when === "after" && this.writes.length >= last) this.#treatment = "die"
      return this.isDead ? await this.#never(lost) : outcome
    } finally {
      this.#inFlight.set(append.runId, (this.#inFlight.get(append.runId) ?? 1) - 1)
    }
  }

  async #keepBack(): Promise<void> {
    const gate = makeDeferred<void>()
    this.#held.push(() => gate.resolve())
    for (const resolve of this.#whenHeld.splice(0)) resolve()
    await gate.promise
  }

  async #never<Outcome>(lost: Outcome): Promise<Outcome> {
    const grave = makeDeferred<void>()
    this.#buried.push(() => grave.resolve())
    await grave.promise
    return lost
  }
}
