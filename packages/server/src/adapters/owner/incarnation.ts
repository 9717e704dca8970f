/**
 * This process in the table of processes: who it is, that it lives, and since when it holds which runs.
 *
 * Identity (E12): an executor is a slot of a data folder. A session-level advisory lock on the slot's name is held as
 * long as the process lives; whoever gets the lock is the only one that may take up that slot's earlier incarnations.
 *
 * States: joining → alive ⇄ (beats missed) → declared dead by a peer → alive again as a new incarnation (E5).
 * With each beat goes `low`: every run that this process started since and does not hold by mark has an id of at
 * least `low` (E4). A run older than five seconds is marked `held`, so that `low` moves on.
 */
import type { Id, IdSource } from "@brevet/core/ids"
import { uuidOf } from "@brevet/core/ids"
import pg from "pg"
import type { Clock } from "../../ports/context.ts"
import type { Sql } from "../store/postgres/sql.ts"

const beatMs = 500
const heldAfterMs = 5_000
/** Slots that one data folder may have: as many processes may share it. */
const slotsMax = 64

/** What a beat found out. */
export type Beat = { readonly due: boolean }

/** What an incarnation needs. */
export type IncarnationOptions = {
  readonly sql: Sql
  readonly connection: pg.ClientConfig
  /** Name of the data folder's executors; slots are numbered below it. */
  readonly executorName: string
  readonly ids: IdSource
  readonly clock: Clock
  onBeat(beat: Beat): void
}

/** This process's incarnation. */
export class Incarnation {
  readonly #options: IncarnationOptions
  /** Runs that this process owns, with the time it got them; those older than five seconds are marked held. */
  readonly #light = new Map<Id<"run">, number>()
  #lock: pg.Client | null = null
  #executor = ""
  #id = ""
  #timer: NodeJS.Timeout | null = null
  #beating: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: IncarnationOptions) {
    this.#options = options
  }

  /** `processes.id` of this incarnation. */
  id(): string {
    return this.#id
  }

  /** The executor: the slot that this process holds. */
  executor(): string {
    return this.#executor
  }

  /** Takes a slot, joins the table and begins to beat. */
  async join(): Promise<void> {
    await this.#takeSlot()
    await this.#insert()
    this.#scheduleBeat()
  }

  /** A run that this process has begun, and holds lightly. */
  hold(runId: Id<"run">): void {
    this.#light.set(runId, this.#options.clock.nowMs())
  }

  /** The run has left this process. */
  forget(runId: Id<"run">): void {
    this.#light.delete(runId)
  }

  /** Stops beating and leaves the table, so that nobody waits for this process. */
  async leave(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#beating
    await this.#options.sql
      .rows({ text: "UPDATE processes SET dead_at = now() WHERE id = $1", values: [this.#id] })
      .catch(() => {})
    await this.#lock?.end().catch(() => {})
    this.#lock = null
  }

  async #takeSlot(): Promise<void> {
    const client = new pg.Client(this.#options.connection)
    // Losing this session loses the slot, not the runs: those are fenced by their rows. The slot is taken anew.
    client.on("error", () => {
      if (this.#lock === client) this.#lock = null
    })
    await client.connect()
    for (let slot = 1; slot <= slotsMax; slot += 1) {
      const name = `${this.#options.executorName}/${slot}`
      const result = await client.query<{ taken: boolean }>(
        "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken",
        [name],
      )
      if (result.rows[0]?.taken === true) {
        this.#lock = client
        this.#executor = name
        return
      }
    }
    await client.end()
    throw new Error("every slot of this data folder is taken")
  }

  async #insert(): Promise<void> {
    const row = await this.#options.sql.first<{ id: string }>({
      text: `INSERT INTO processes (id, executor, incarnation, beat_at, low)
             SELECT $1 || ':' || next, $1, next, now(), $2
             FROM (SELECT COALESCE(max(incarnation), 0) + 1 AS next FROM processes WHERE executor = $1) AS counted RETURNING id`,
      values: [this.#executor, uuidOf(this.#low())],
    })
    this.#id = row?.id ?? ""
  }

  /** A bound below every run held lightly now or begun later. */
  #low(): Id<"run"> {
    const [oldest] = this.#light.keys()
    return oldest ?? this.#options.ids.next("run")
  }

  #scheduleBeat(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#beating = this.#beat()
        .catch(() => {})
        .finally(() => this.#scheduleBeat())
    }, beatMs)
  }

  async #beat(): Promise<void> {
    if (this.#lock === null) await this.#takeSlot()
    const now = this.#options.clock.nowMs()
    const old = [...this.#light].filter(([, sinceMs]) => now - sinceMs > heldAfterMs).map(([id]) => id)
    if (old.length > 0) {
      await this.#options.sql.rows({
        text: "UPDATE runs SET held = true WHERE id = ANY($1) AND owner = $2 AND status = 'running' AND NOT held",
        values: [old.map(uuidOf), this.#id],
      })
      for (const id of old) this.#light.delete(id)
    }
    const row = await this.#options.sql.first<{ alive: boolean; due: boolean }>({
      name: "beat",
      text: `WITH beat AS (UPDATE processes SET beat_at = now(), low = $2 WHERE id = $1 AND dead_at IS NULL RETURNING id)
             SELECT EXISTS (SELECT FROM beat) AS alive,
               EXISTS (SELECT FROM runs WHERE due_at <= now()) OR EXISTS (SELECT FROM threads WHERE active_run IS NULL AND queued > 0) AS due`,
      values: [this.#id, uuidOf(this.#low())],
    })
    // Declared dead: what this incarnation owned is claimed by others; a new one begins with nothing.
    if (row?.alive === false) {
      this.#light.clear()
      await this.#insert()
    }
    this.#options.onBeat({ due: row?.due === true })
  }
}
