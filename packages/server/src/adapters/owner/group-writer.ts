/**
 * The group-commit writer: collects what runs want to write for one tick, then sends it as one group statement over one
 * of its own connections; what arrives meanwhile rides in the next flush (E7).
 *
 * States of a row: queued → in flight → settled (landed, refused, or failed)
 *                     ^        ├─ undone for a reason that passes ─> queued once more
 *                     │        └─ the connection broke, or no answer came ─> unknown ─> asked for again
 *                     └────────────────────────────── did not land ────────────────────────┘
 *
 * A row that was unknown once and is missing from a later answer is looked up by its run before it counts as refused (E6):
 * it may have landed in the flush whose answer never came. While the store is away, appends wait until it is back, also for minutes; starts
 * that were not sent yet are refused with 503, since nothing was accepted.
 *
 * Invariants: at most one row per run in a flush (E2), kept by the callers, who have one append of a run in flight at a
 * time (E3); a row is settled exactly once; sending a row twice is harmless (runs have an id, appends a fence); a fault of
 * one row takes no other with it; `synchronous_commit` stays on.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { Refusal } from "@brevet/core/errors"
import { uuidOf } from "@brevet/core/ids"
import pg from "pg"
import type { AppendOutcome, RunAppend, RunStart } from "../../ports/owner.ts"
import { type GroupRow, groupQuery, type LandedRow } from "./group-statement.ts"
import { isKeyTaken, isLostRace, troubleOf } from "./trouble.ts"

/**
 * Settings of a writer's connection (measured, `runs` §2): a plan made while tables were small must not stay. The server
 * breaks off a statement whose client has long given it up, so that those do not pile up there.
 */
export const writerSettings =
  "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; SET plan_cache_mode = force_generic_plan; SET synchronous_commit = on; SET statement_timeout = '25s'"
/** How long an answer may take before the connection counts as lost. */
const answerMsMax = 30_000
/** The second is for what comes while a flush is held up, by a lock or by the store. */
const connectionsMax = 2
/**
 * How long what comes waits for the flush under way before it goes by the other connection. A flush takes about a
 * millisecond, most of which is the same for one row and for many: sixteen turns in flight cost Postgres a quarter less
 * in one flush at a time.
 */
const flushMsUsual = 5
/** Rows and characters in one flush: they bound the size of one statement. A single row may be longer. */
const flushRowsMax = 256
const flushCharsMax = 8 * 1024 * 1024
/** The pause before what could not be done is tried again. */
const againMs = 100
/** How long closing waits for flushes under way. */
const closeMsMax = 5_000

type FoundRow = {
  readonly id: string
  readonly owner: string | null
  readonly epoch: number
  readonly seq: number
  readonly cancel_mark: string | null
}

/** A row of the queue. `sentBy`: the processes (incarnations of this one) that have sent it. */
type Queued = {
  readonly row: GroupRow
  readonly chars: number
  readonly sentBy: Set<string>
  /** It was in a flush whose answer never came. */
  isUnknown: boolean
  settled: boolean
  resolve(outcome: AppendOutcome): void
  reject(error: unknown): void
}

/** Writes rows of runs in groups. */
export class GroupWriter {
  readonly #connection: pg.ClientConfig
  readonly #processId: () => string
  readonly #answerMsMax: number
  readonly #idle: pg.Client[] = []
  readonly #flushes = new Set<Promise<void>>()
  #queue: Queued[] = []
  #open = 0
  #scheduled = false
  #flushBeganMs = 0
  #lateTimer: NodeJS.Timeout | null = null
  #closed = false

  constructor(connection: pg.ClientConfig, options: { processId(): string; answerMsMax?: number | undefined }) {
    this.#connection = connection
    this.#processId = options.processId
    this.#answerMsMax = options.answerMsMax ?? answerMsMax
  }

  /** Opens the connections; to be awaited once, so that a wrong address is known at start. */
  async open(): Promise<void> {
    for (; this.#open < connectionsMax; this.#open += 1) this.#idle.push(await this.#connect())
  }

  /**
   * True if the run was started (or, with an ending, ran); `held`: see `GroupRow`. Throws SERVICE_UNAVAILABLE where the
   * store is away.
   */
  async start(start: RunStart, { held }: { readonly held: boolean }): Promise<boolean> {
    return (await this.#submit({ op: "start", start, held })).landed
  }

  /** Whether the append landed. Waits while the store is away. Throws SERVICE_UNAVAILABLE only once the writer is closed. */
  append(append: RunAppend): Promise<AppendOutcome> {
    return this.#submit({ op: "append", append })
  }

  /** Lets flushes under way end and ends the connections; what is queued is refused. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#lateTimer !== null) clearTimeout(this.#lateTimer)
    for (const queued of this.#queue.splice(0)) fail(queued, new Refusal("SERVICE_UNAVAILABLE"))
    const waiting = new AbortController()
    const late = sleep(closeMsMax, undefined, { signal: waiting.signal }).catch(() => {})
    const ended = Promise.all(this.#flushes).then(() => Promise.all(this.#idle.splice(0).map(end)))
    await Promise.race([ended, late])
    waiting.abort()
  }

  #submit(row: GroupRow): Promise<AppendOutcome> {
    if (this.#closed) return Promise.reject(new Refusal("SERVICE_UNAVAILABLE"))
    return new Promise((resolve, reject) => {
      this.#queue.push({
        row,
        chars: charsOf(row),
        sentBy: new Set(),
        isUnknown: false,
        settled: false,
        resolve,
        reject,
      })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#isFlushing()) return
      const client = this.#idle.pop()
      if (client !== undefined) this.#track(this.#flush(client))
      else if (this.#open < connectionsMax) this.#track(this.#reopen())
    })
  }

  /** Whether a flush is under way that may be awaited: its end schedules the next one, or else the time that it takes. */
  #isFlushing(): boolean {
    if (this.#flushes.size === 0) return false
    const leftMs = this.#flushBeganMs + flushMsUsual - performance.now()
    if (leftMs <= 0) return false
    this.#lateTimer ??= setTimeout(() => {
      this.#lateTimer = null
      this.#schedule()
    }, leftMs)
    return true
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#flushes.delete(tracked))
    this.#flushes.add(tracked)
  }

  async #flush(client: pg.Client): Promise<void> {
    this.#flushBeganMs = performance.now()
    const batch = this.#takeBatch()
    this.#schedule()
    const isGood = batch.length === 0 || (await this.#attempt(client, batch))
    if (isGood) this.#putBack(client)
  }

  #takeBatch(): Queued[] {
    let chars = 0
    let rows = 0
    for (const queued of this.#queue) {
      chars += queued.chars
      if (rows === flushRowsMax || (rows > 0 && chars > flushCharsMax)) break
      rows += 1
    }
    return this.#queue.splice(0, rows)
  }

  #putBack(client: pg.Client): void {
    if (this.#closed) {
      void end(client)
      return
    }
    this.#idle.push(client)
    this.#schedule()
  }

  /** Writes a batch, whatever it takes. False where the connection is gone. */
  async #attempt(client: pg.Client, batch: readonly Queued[]): Promise<boolean> {
    try {
      await this.#write(client, batch)
      return true
    } catch (error) {
      const open = batch.filter((queued) => !queued.settled)
      switch (troubleOf(error)) {
        case "away":
          this.#open -= 1
          for (const queued of open) queued.isUnknown = true
          await end(client)
          await this.#askAgain(open)
          return false
        case "passing":
          await this.#putOff(open, error)
          return true
        case "fault":
          return this.#single(client, open, error)
      }
    }
  }

  /** A flush that can never land as it is: each of its rows by itself, so that only the faulty one fails. */
  async #single(client: pg.Client, batch: readonly Queued[], error: unknown): Promise<boolean> {
    const [only, ...others] = batch
    if (only !== undefined && others.length === 0) {
      if (only.row.op === "start" && isKeyTaken(error)) settle(only, { landed: false })
      else fail(only, error)
      return true
    }
    let isGood = true
    for (const queued of batch) {
      // It was undone with the others, so that it can wait for the next flush.
      if (!isGood) this.#queueAgain([queued])
      else isGood = await this.#attempt(client, [queued])
    }
    return isGood
  }

  async #write(client: pg.Client, batch: readonly Queued[]): Promise<void> {
    const processId = this.#processId()
    const rows = batch.map((queued) => queued.row)
    const query = groupQuery(rows, processId)
    for (const queued of batch) queued.sentBy.add(processId)
    const result = await client.query<LandedRow>(query)
    const landed = new Map(result.rows.map((row) => [row.id, row]))
    const doubtful: Queued[] = []
    for (const queued of batch) {
      const row = landed.get(uuidOf(appendOf(queued.row).runId))
      if (row !== undefined)
        settle(queued, { landed: true, cancelMark: row.cancel_mark, queued: (row.queued ?? 0) > 0 })
      else if (queued.isUnknown) doubtful.push(queued)
      else settle(queued, { landed: false })
    }
    for (const queued of await this.#settleLanded(client, doubtful)) settle(queued, { landed: false })
  }

  /** Rows that were undone, and may land later. Where the store itself has trouble, starts are not kept waiting. */
  async #putOff(batch: readonly Queued[], error: unknown): Promise<void> {
    const refused = isLostRace(error) ? [] : batch.filter(({ row }) => row.op === "start")
    for (const queued of refused)
      fail(queued, new Refusal("SERVICE_UNAVAILABLE", { cause: error, retryAfterSeconds: 1 }))
    await sleep(againMs)
    this.#queueAgain(batch.filter((queued) => !queued.settled))
  }

  /** E6: what became of rows whose commit is unknown; those that did not land are sent once more. */
  async #askAgain(batch: readonly Queued[]): Promise<void> {
    if (batch.length === 0) return
    for (;;) {
      const client = await this.#connectAgain()
      if (client === null) {
        for (const queued of batch) fail(queued, new Refusal("SERVICE_UNAVAILABLE"))
        return
      }
      try {
        this.#queueAgain(await this.#settleLanded(client, batch))
        this.#putBack(client)
        return
      } catch {
        // It broke again while it was asked: nothing is settled yet.
        this.#open -= 1
        await end(client)
      }
    }
  }

  /** Puts rows back to the front of the queue. */
  #queueAgain(batch: readonly Queued[]): void {
    if (this.#closed) for (const queued of batch) fail(queued, new Refusal("SERVICE_UNAVAILABLE"))
    else this.#queue.unshift(...batch)
    this.#schedule()
  }

  /** Looks rows up by their runs and settles those that landed; gives back the others. */
  async #settleLanded(client: pg.Client, batch: readonly Queued[]): Promise<readonly Queued[]> {
    if (batch.length === 0) return []
    const ids = batch.map((queued) => uuidOf(appendOf(queued.row).runId))
    const found = await client.query<FoundRow>(
      "SELECT id, owner, epoch, seq, cancel_mark FROM runs WHERE id = ANY($1)",
      [ids],
    )
    const byId = new Map(found.rows.map((row) => [row.id, row]))
    return batch.filter((queued) => {
      const append = appendOf(queued.row)
      const run = byId.get(uuidOf(append.runId))
      const isMine = run !== undefined && queued.sentBy.has(run.owner ?? "") && run.epoch === append.epoch
      if (!isMine || run.seq !== append.last) return true
      // Whether others of the thread wait is not known; releasing where none waits is harmless.
      settle(queued, {
        landed: true,
        cancelMark: run.cancel_mark,
        queued: append.ending !== null || append.rest != null,
      })
      return false
    })
  }

  async #reopen(): Promise<void> {
    const client = await this.#connectAgain()
    if (client !== null) this.#putBack(client)
    this.#schedule()
  }

  /** A new connection, however long it takes; null once the writer is closed. Counts as open while it is tried. */
  async #connectAgain(): Promise<pg.Client | null> {
    this.#open += 1
    while (!this.#closed) {
      try {
        return await this.#connect()
      } catch {
        this.#refuseStarts()
        await sleep(againMs)
      }
    }
    this.#open -= 1
    return null
  }

  /** While the store is away no start is kept waiting: nothing was accepted, so the client is told to come again. */
  #refuseStarts(): void {
    const starts = this.#queue.filter(({ row, sentBy }) => row.op === "start" && sentBy.size === 0)
    this.#queue = this.#queue.filter((queued) => !starts.includes(queued))
    for (const queued of starts) fail(queued, new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 }))
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      ...this.#connection,
      connectionTimeoutMillis: 5_000,
      query_timeout: this.#answerMsMax,
      keepAlive: true,
    })
    // Without a listener a connection that breaks would end the process.
    client.on("error", () => {
      // An idle one leaves the list; one in a flush fails there.
      const place = this.#idle.indexOf(client)
      if (place < 0) return
      this.#idle.splice(place, 1)
      this.#open -= 1
      void end(client)
    })
    try {
      await client.connect()
      await client.query(writerSettings)
    } catch (error) {
      await end(client)
      throw error
    }
    return client
  }
}

function appendOf(row: GroupRow): RunAppend {
  return row.op === "start" ? row.start.append : row.append
}

/** About how many characters a row adds to the statement. */
function charsOf(row: GroupRow): number {
  const { body, messages, ending } = appendOf(row)
  const said = messages.reduce((sum, message) => sum + message.content.length, 0)
  return body.length + said + (ending?.result.text?.length ?? 0)
}

function settle(queued: Queued, outcome: AppendOutcome): void {
  queued.settled = true
  queued.resolve(outcome)
}

function fail(queued: Queued, error: unknown): void {
  queued.settled = true
  queued.reject(error)
}

/** Ends a connection, broken or not; does not wait for an end that does not come. */
async function end(client: pg.Client): Promise<void> {
  const waiting = new AbortController()
  const late = sleep(1_000, undefined, { signal: waiting.signal }).catch(() => {})
  await Promise.race([client.end().catch(() => {}), late])
  waiting.abort()
}
