/** The owner of runs over Postgres: fenced rows, one writer, one incarnation per process (`runs` §2). */
import { Refusal } from "@brevet/core/errors"
import type { IdSource } from "@brevet/core/ids"
import type pg from "pg"
import type { Logger } from "pino"
import type { Clock } from "../../ports/context.ts"
import type { ClaimedRun, Owner, RunStart } from "../../ports/owner.ts"
import type { SqlPool } from "../store/postgres/sql.ts"
import {
  buryEarlier,
  claimDue,
  claimLeft,
  claimLost,
  claimMarked,
  claimQueued,
  forgetDead,
  queueWoken,
  release,
  releaseForgotten,
} from "./claims.ts"
import { enqueue } from "./enqueue.ts"
import { GroupWriter } from "./group-writer.ts"
import { Incarnation } from "./incarnation.ts"
import { settlePauses } from "./settling.ts"

/** What the owner needs. `onDue` is called when a beat saw work that a claim would give. */
export type OwnerOptions = {
  readonly pool: SqlPool
  readonly connection: pg.ClientConfig
  readonly executorName: string
  readonly ids: IdSource
  readonly clock: Clock
  readonly log: Logger
  onDue(): void
  /** How long an answer to a write may take before its connection counts as lost; 30 s if nothing is said. */
  readonly answerMsMax?: number
  /** After how much silence a peer counts as dead; 2 s if nothing is said. */
  readonly silenceMs?: number
}

/** How often runs of the dead are looked for again: a start that was on its way may land late (E5). */
const leftMs = 5_000

/** Woken turns that are lined up at a time. */
const wokenMax = 200

/** Joins the table of processes and opens the writer. */
export async function openOwner(options: OwnerOptions): Promise<Owner> {
  const owner = new PostgresOwner(options)
  await owner.open()
  return owner
}

class PostgresOwner implements Owner {
  readonly #pool: SqlPool
  readonly #incarnation: Incarnation
  readonly #writer: GroupWriter
  /** Runs may be this process's without anybody knowing: the answer of a claim never came, or a run was given back. */
  #hasLost = false
  /** Claims are made one after the other, so that what one has taken is known to the next. */
  #claiming: Promise<unknown> = Promise.resolve()
  readonly #clock: Clock
  #lookedForLeftMs = Number.NEGATIVE_INFINITY
  #seesLeft = false

  constructor(options: OwnerOptions) {
    const { pool, connection, executorName, ids, clock, log } = options
    this.#pool = pool
    this.#clock = clock
    this.#incarnation = new Incarnation({
      sql: pool,
      connection,
      executorName,
      ids,
      clock,
      log,
      ...(options.silenceMs === undefined ? {} : { silenceMs: options.silenceMs }),
      onBeat: ({ due, left, died }) => {
        this.#seesLeft = left
        if (died) this.#lookedForLeftMs = Number.NEGATIVE_INFINITY
        if (due || this.#hasLost || this.#isTimeForLeft()) options.onDue()
      },
    })
    this.#writer = new GroupWriter(connection, {
      processId: () => this.#incarnation.id(),
      answerMsMax: options.answerMsMax,
    })
  }

  async open(): Promise<void> {
    await this.#incarnation.join()
    try {
      await this.#writer.open()
    } catch (error) {
      await this.#incarnation.leave()
      throw error
    }
  }

  processId(): string {
    return this.#incarnation.id()
  }

  async start(start: RunStart): Promise<boolean> {
    // Held before the commit is known: a beat in between must not let `low` pass the run.
    const { runId } = start.append
    const { held } = this.#incarnation.hold(runId)
    const sentBy = this.#incarnation.id()
    try {
      const hasLanded = await this.#writer.start(start, { held })
      const landed = hasLanded || ((await this.#isAnother(sentBy)) && (await this.#writer.start(start, { held })))
      if (!landed || start.append.ending !== null) this.#incarnation.forget(runId)
      return landed
    } catch (error) {
      this.#incarnation.forget(runId)
      throw error
    }
  }

  /**
   * Whether this process is another incarnation now than the one that sent a start: that one was declared dead, and what it
   * sent was refused for that alone (E5).
   */
  async #isAnother(sentBy: string): Promise<boolean> {
    if (this.#incarnation.id() !== sentBy) return true
    const row = await this.#pool.first<{ alive: boolean }>({
      name: "is-alive",
      text: "SELECT EXISTS (SELECT FROM processes WHERE id = $1 AND dead_at IS NULL) AS alive",
      values: [sentBy],
    })
    if (row?.alive === true) return false
    await this.#incarnation.beat()
    return this.#incarnation.id() !== sentBy
  }

  enqueue(start: RunStart, options: { readonly queuedMax: number }): Promise<"queued" | "full" | "changed"> {
    return enqueue(this.#pool, start, options)
  }

  append(append: Parameters<Owner["append"]>[0]): ReturnType<Owner["append"]> {
    return this.#writer.append(append)
  }

  async claimDue(limit: number): Promise<ClaimedRun[]> {
    await queueWoken(this.#pool, wokenMax)
    await releaseForgotten(this.#pool)
    const left = this.#isTimeForLeft() ? await this.#claimLeft() : []
    const lost = this.#hasLost ? await this.#claimLost() : []
    const due = await this.#claim(() => claimDue(this.#pool, this.processId(), limit))
    return [...left, ...lost, ...due]
  }

  claimQueued(ids: Parameters<Owner["claimQueued"]>[0]): Promise<ClaimedRun[]> {
    return this.#claim(() => claimQueued(this.#pool, this.processId(), ids))
  }

  claimMarked(ids: Parameters<Owner["claimMarked"]>[0]): Promise<ClaimedRun[]> {
    if (ids.length === 0) return Promise.resolve([])
    return this.#claim(() => claimMarked(this.#pool, this.processId(), ids))
  }

  async recover(): Promise<ClaimedRun[]> {
    const executor = this.#incarnation.executor()
    if (executor !== null) await buryEarlier(this.#pool, executor, this.processId())
    return this.#claimLeft()
  }

  settle(...[runId, responseId]: Parameters<Owner["settle"]>): ReturnType<Owner["settle"]> {
    return settlePauses(this.#pool, runId, responseId)
  }

  release(threadId: Parameters<Owner["release"]>[0]): Promise<void> {
    return release(this.#pool, threadId)
  }

  forget(runId: Parameters<Owner["forget"]>[0]): void {
    this.#incarnation.forget(runId)
  }

  giveBack(runId: Parameters<Owner["giveBack"]>[0]): void {
    this.#incarnation.forget(runId)
    this.#hasLost = true
  }

  async close(): Promise<void> {
    await this.#writer.close()
    await this.#incarnation.leave()
  }

  #isTimeForLeft(): boolean {
    // The clock may have been set back meanwhile.
    return this.#seesLeft && Math.abs(this.#clock.nowMs() - this.#lookedForLeftMs) >= leftMs
  }

  async #claimLeft(): Promise<ClaimedRun[]> {
    this.#lookedForLeftMs = this.#clock.nowMs()
    const runs = await this.#claim(() => claimLeft(this.#pool, this.processId()))
    await forgetDead(this.#pool, this.processId())
    return runs
  }

  async #claimLost(): Promise<ClaimedRun[]> {
    this.#hasLost = false
    return this.#claim(() => claimLost(this.#pool, this.processId(), this.#incarnation.runs()))
  }

  /** A claim. Where its answer does not come, it may have taken runs all the same: they are looked for later. */
  #claim(take: () => Promise<ClaimedRun[]>): Promise<ClaimedRun[]> {
    const taken = this.#claiming.then(() => this.#take(take))
    this.#claiming = taken.catch(() => {})
    return taken
  }

  async #take(take: () => Promise<ClaimedRun[]>): Promise<ClaimedRun[]> {
    try {
      const runs = await take()
      for (const { runId } of runs) this.#incarnation.adopt(runId)
      return runs
    } catch (error) {
      if (error instanceof Refusal) this.#hasLost = true
      throw error
    }
  }
}
