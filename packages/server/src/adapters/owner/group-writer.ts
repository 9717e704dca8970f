/**
 * The group-commit writer: collects what runs want to write for one tick, then sends it as one group statement over one
 * of its own connections; what arrives meanwhile rides in the next flush (E7).
 *
 * States of a row: queued → in flight → settled (landed, refused, or failed)
 *                              └─ the connection broke ─> unknown → asked for again → settled, or queued once more
 *
 * A row that is missing from the answer is looked up by its run before it counts as refused (E6): it may have landed in
 * a flush whose answer never came. While the store is away, appends wait until it is back, also for minutes; starts
 * that were not sent yet are refused with 503, since nothing was accepted.
 *
 * Invariants: at most one row per run in a flush (E2), kept by the callers, who have one append of a run in flight at a
 * time (E3); a row is settled exactly once; sending a row twice is harmless (runs have an id, appends a fence);
 * `synchronous_commit` stays on.
 */
import { Refusal } from "@brevet/core/errors"
import { idFrom, uuidOf } from "@brevet/core/ids"
import pg from "pg"
import type { AppendOutcome, RunAppend, RunStart } from "../../ports/owner.ts"
import { isStoreAway } from "../store/postgres/sql.ts"
import { type GroupRow, groupStatement, groupValues, type LandedRow } from "./group-statement.ts"

/** Settings of a writer's connection (measured, `runs` §2): a plan made while tables were small must not stay. */
const sessionSettings =
  "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; SET plan_cache_mode = force_generic_plan; SET synchronous_commit = on"
/** One is enough under load; the second helps while few requests are in flight. */
const connectionsMax = 2
/** Rows in one flush: bounds the size of one statement. */
const flushRowsMax = 256
const reconnectDelayMs = 100

type FoundRow = {
  readonly id: string
  readonly owner: string | null
  readonly epoch: number
  readonly seq: number
  readonly cancel_mark: string | null
}

type Queued = { readonly row: GroupRow; resolve(outcome: AppendOutcome): void; reject(error: unknown): void }

/** Writes rows of runs in groups. */
export class GroupWriter {
  readonly #connection: pg.ClientConfig
  readonly #processId: () => string
  readonly #idle: pg.Client[] = []
  #queue: Queued[] = []
  #open = 0
  #scheduled = false
  #closed = false

  constructor(connection: pg.ClientConfig, processId: () => string) {
    this.#connection = connection
    this.#processId = processId
  }

  /** Opens the connections; to be awaited once, so that a wrong address is known at start. */
  async open(): Promise<void> {
    for (; this.#open < connectionsMax; this.#open += 1) this.#idle.push(await this.#connect())
  }

  /** True if the run was started (or, with an ending, ran). Throws SERVICE_UNAVAILABLE where the store is away. */
  async start(start: RunStart): Promise<boolean> {
    return (await this.#submit({ op: "start", start })).landed
  }

  /** Whether the append landed. Waits while the store is away. */
  append(append: RunAppend): Promise<AppendOutcome> {
    return this.#submit({ op: "append", append })
  }

  /** Ends the connections; what is queued is refused. */
  async close(): Promise<void> {
    this.#closed = true
    for (const queued of this.#queue.splice(0)) queued.reject(new Refusal("SERVICE_UNAVAILABLE"))
    await Promise.all(this.#idle.splice(0).map((client) => client.end().catch(() => {})))
  }

  #submit(row: GroupRow): Promise<AppendOutcome> {
    if (this.#closed) return Promise.reject(new Refusal("SERVICE_UNAVAILABLE"))
    return new Promise((resolve, reject) => {
      this.#queue.push({ row, resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      const client = this.#idle.pop()
      if (client !== undefined) void this.#flush(client)
      else if (this.#open < connectionsMax) void this.#reopen()
    })
  }

  async #flush(client: pg.Client): Promise<void> {
    const batch = this.#queue.splice(0, flushRowsMax)
    if (batch.length === 0) {
      this.#idle.push(client)
      return
    }
    this.#schedule()
    try {
      await this.#write(client, batch)
      this.#idle.push(client)
      this.#schedule()
    } catch (error) {
      await this.#rescue(client, batch, error)
    }
  }

  async #write(client: pg.Client, batch: readonly Queued[]): Promise<void> {
    const processId = this.#processId()
    const rows = batch.map((queued) => queued.row)
    const values = groupValues(rows, processId)
    const result = await client.query<LandedRow>({ name: "group", text: groupStatement, values })
    const landed = new Map(result.rows.map((row) => [row.id, row]))
    const missing: Queued[] = []
    for (const queued of batch) {
      const row = landed.get(uuidOf(appendOf(queued.row).runId))
      if (row === undefined) missing.push(queued)
      else queued.resolve({ landed: true, cancelMark: row.cancel_mark, queued: (row.queued ?? 0) > 0 })
    }
    if (missing.length > 0) await this.#settle(client, missing, () => ({ landed: false }))
  }

  /** After a flush that threw. A fault of one row must not take the others with it. */
  async #rescue(client: pg.Client, batch: readonly Queued[], error: unknown): Promise<void> {
    if (isStoreAway(error)) {
      this.#open -= 1
      await client.end().catch(() => {})
      await this.#askAgain(batch)
      return
    }
    for (const queued of batch) {
      await this.#write(client, [queued]).catch((fault: unknown) => {
        // Another start with the same idempotency key was first.
        if (isUniqueViolation(fault)) queued.resolve({ landed: false })
        else queued.reject(fault)
      })
    }
    this.#idle.push(client)
    this.#schedule()
  }

  /** E6: what became of rows whose commit is unknown; those that did not land are sent once more. */
  async #askAgain(batch: readonly Queued[]): Promise<void> {
    for (;;) {
      const client = await this.#connectAgain()
      if (client === null) {
        for (const queued of batch) queued.reject(new Refusal("SERVICE_UNAVAILABLE"))
        return
      }
      try {
        await this.#settle(client, batch, (queued) => {
          this.#queue.push(queued)
          return null
        })
        this.#idle.push(client)
        this.#schedule()
        return
      } catch {
        // It broke again while it was asked: nothing is settled yet.
        this.#open -= 1
        await client.end().catch(() => {})
      }
    }
  }

  /** Looks rows up by their runs: those that landed are settled so, the others as the caller says (null: not yet). */
  async #settle(
    client: pg.Client,
    batch: readonly Queued[],
    otherwise: (queued: Queued) => AppendOutcome | null,
  ): Promise<void> {
    const ids = batch.map((queued) => uuidOf(appendOf(queued.row).runId))
    const found = await client.query<FoundRow>(
      "SELECT id, owner, epoch, seq, cancel_mark FROM runs WHERE id = ANY($1)",
      [ids],
    )
    const byId = new Map(found.rows.map((row) => [idFrom("run", row.id), row]))
    for (const queued of batch) {
      const append = appendOf(queued.row)
      const run = byId.get(append.runId)
      const isMine = run !== undefined && run.owner === this.#processId() && run.epoch === append.epoch
      const outcome: AppendOutcome | null =
        isMine && run.seq === append.last
          ? // Whether others of the thread wait is not known; releasing where none waits is harmless.
            { landed: true, cancelMark: run.cancel_mark, queued: append.ending !== null }
          : otherwise(queued)
      if (outcome !== null) queued.resolve(outcome)
    }
  }

  async #reopen(): Promise<void> {
    const client = await this.#connectAgain()
    if (client !== null) this.#idle.push(client)
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
        await new Promise((resolve) => setTimeout(resolve, reconnectDelayMs))
      }
    }
    this.#open -= 1
    return null
  }

  /** While the store is away no start is kept waiting: nothing was accepted, so the client is told to come again. */
  #refuseStarts(): void {
    const starts = this.#queue.filter((queued) => queued.row.op === "start")
    this.#queue = this.#queue.filter((queued) => queued.row.op !== "start")
    for (const queued of starts) queued.reject(new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 }))
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...this.#connection, connectionTimeoutMillis: 5_000 })
    try {
      await client.connect()
      await client.query(sessionSettings)
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    client.on("error", () => {
      // An idle connection that breaks leaves the list; one in a flush fails there.
      const place = this.#idle.indexOf(client)
      if (place < 0) return
      this.#idle.splice(place, 1)
      this.#open -= 1
    })
    return client
  }
}

function appendOf(row: GroupRow): RunAppend {
  return row.op === "start" ? row.start.append : row.append
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === "23505"
}
