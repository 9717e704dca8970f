/**
 * This process in the table of processes: who it is, that it lives, and since when it holds which runs.
 *
 * Identity (E12): an executor is a slot of a data folder. A session-level advisory lock on the slot's name is held as
 * long as the process lives; whoever gets the lock is the only one that may declare that slot's earlier incarnations dead
 * at once. Everybody else waits for their silence: every beat declares dead whoever has not told anything for two seconds
 * (E4). All times are the database's: whoever has itself been silent, since the database was away or its clock jumped,
 * judges nobody until its own beats have come through for as long.
 *
 * States: joining → alive ⇄ (beats missed) → declared dead by a peer → alive again as a new incarnation (E5).
 *
 * How a run is found after a crash (E4). With each beat goes `low`, the smallest id among the runs held lightly:
 *
 *      found by their mark `held`       │ found by id ≥ low
 *      ─────────────────────────────────┼──────────────────────────────> ids
 *      older than five seconds, claimed │ low   begun since
 *
 * Invariants
 *   A run that is under way here is marked, or its id is at least every `low` that may be in the table. A run's id may be
 *   older than the last `low`, since ids are made before runs are begun: such a run is begun with its mark.
 *   A light run stops being light only once its mark is known to be in the table.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Id, IdSource } from "@brevet/core/ids"
import { uuidOf } from "@brevet/core/ids"
import pg from "pg"
import type { Logger } from "pino"
import type { Clock } from "../../ports/context.ts"
import type { Sql } from "../store/postgres/sql.ts"

const beatMs = 500
/** After so much silence a process counts as dead: four beats. */
const silenceMs = 2_000
const heldAfterMs = 5_000
/** Slots that one data folder may have: as many processes may share it. */
const slotsMax = 64

/**
 * What a beat found out. `due`: there is work that a claim would give; `left`: there are dead processes, who may have left
 * runs; `died`: one of them has become so since the beat before.
 */
export type Beat = { readonly due: boolean; readonly left: boolean; readonly died: boolean }

/** What an incarnation needs. */
export type IncarnationOptions = {
  readonly sql: Sql
  readonly connection: pg.ClientConfig
  /** Name of the data folder's executors; slots are numbered below it. */
  readonly executorName: string
  readonly ids: IdSource
  readonly clock: Clock
  readonly log: Logger
  /** How often it beats; 500 ms if nothing is said. */
  readonly beatMs?: number
  /** After how much silence it declares others dead; 2 s if nothing is said. */
  readonly silenceMs?: number
  onBeat(beat: Beat): void
}

type BeatRow = {
  readonly alive: boolean
  readonly due: boolean
  readonly buried: readonly string[] | null
  readonly last_death: number | null
}

/**
 * A beat. Of peers a row that is being written is left alone: its process beats just now, or somebody else is quicker. A
 * time that lies far ahead is of a clock that was set back since, and as good as none.
 */
const beatStatement = `
  WITH beat AS (
    UPDATE processes SET beat_at = now(), low = $2, executor = $3, steady_since = CASE
        WHEN beat_at BETWEEN now() - $4 * interval '0.75 ms' AND now() + $4 * interval '0.75 ms' AND steady_since <= now()
        THEN steady_since ELSE now() END
    WHERE id = $1 AND dead_at IS NULL RETURNING steady_since),
  silent AS MATERIALIZED (
    SELECT p.id FROM processes p, beat WHERE p.id <> $1 AND p.dead_at IS NULL
      AND beat.steady_since <= now() - $4 * interval '1 ms'
      AND p.beat_at NOT BETWEEN now() - $4 * interval '1 ms' AND now() + $4 * interval '1 ms'
    FOR UPDATE OF p SKIP LOCKED),
  buried AS (UPDATE processes SET dead_at = now() WHERE id IN (SELECT id FROM silent) RETURNING id)
  SELECT EXISTS (SELECT FROM beat) AS alive,
    EXISTS (SELECT FROM runs WHERE due_at <= now()) OR EXISTS (SELECT FROM threads WHERE active_run IS NULL AND queued > 0) AS due,
    (SELECT array_agg(id) FROM buried) AS buried,
    (SELECT max(dead_at) FROM processes WHERE id <> $1) AS last_death`

type HeldRun = { readonly sinceMs: number; isMarked: boolean }

/** This process's incarnation. */
export class Incarnation {
  readonly #options: IncarnationOptions
  /** The runs that this process works on. */
  readonly #runs = new Map<Id<"run">, HeldRun>()
  #lock: pg.Client | null = null
  #executor = ""
  #id = ""
  /** The `low` that was told last, or is being told: none in the table is above it. */
  #lowMax = ""
  #timer: NodeJS.Timeout | null = null
  #beating: Promise<void> | null = null
  #isInTrouble = false
  #closed = false
  /** When the last death was that a beat has seen. */
  #lastDeathMs: number | null = null

  constructor(options: IncarnationOptions) {
    this.#options = options
  }

  /** `processes.id` of this incarnation. */
  id(): string {
    return this.#id
  }

  /** The executor: the slot that this process holds. Null while it is not sure of it: the lock's session was lost. */
  executor(): string | null {
    return this.#lock === null ? null : this.#executor
  }

  /** The runs that this process works on. */
  runs(): readonly Id<"run">[] {
    return [...this.#runs.keys()]
  }

  /** Takes a slot, joins the table and begins to beat. */
  async join(): Promise<void> {
    try {
      await this.#takeSlot()
      await this.#insert()
    } catch (error) {
      await this.#unlock()
      throw error
    }
    this.#scheduleBeat()
  }

  /** A run that this process is about to begin. Gives back whether it has to begin with its mark (see the invariants). */
  hold(runId: Id<"run">): { readonly held: boolean } {
    const isMarked = runId < this.#lowMax
    this.#runs.set(runId, { sinceMs: this.#options.clock.nowMs(), isMarked })
    return { held: isMarked }
  }

  /** A run that this process has claimed: claims mark. */
  adopt(runId: Id<"run">): void {
    this.#runs.set(runId, { sinceMs: this.#options.clock.nowMs(), isMarked: true })
  }

  /** The run has left this process. */
  forget(runId: Id<"run">): void {
    this.#runs.delete(runId)
  }

  /** Beats now, or waits for the beat under way: afterwards a process that was declared dead is a new incarnation. */
  async beat(): Promise<void> {
    this.#beating ??= this.#beatOnce().finally(() => {
      this.#beating = null
    })
    await this.#beating
  }

  /** Stops beating and leaves the table, so that nobody waits for this process. */
  async leave(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#beating
    try {
      await this.#options.sql.rows({ text: "UPDATE processes SET dead_at = now() WHERE id = $1", values: [this.#id] })
    } catch (error) {
      this.#options.log.warn({ err: error, process: this.#id }, "process-not-signed-off")
    }
    await this.#unlock()
  }

  async #unlock(): Promise<void> {
    const lock = this.#lock
    this.#lock = null
    if (lock === null) return
    const waiting = new AbortController()
    const late = sleep(1_000, undefined, { signal: waiting.signal }).catch(() => {})
    await Promise.race([lock.end().catch(() => {}), late])
    waiting.abort()
  }

  async #takeSlot(): Promise<void> {
    const client = new pg.Client({ ...this.#options.connection, connectionTimeoutMillis: 5_000, keepAlive: true })
    // Losing this session loses the slot, not the runs: those are fenced by their rows. The slot is taken anew.
    client.on("error", () => {
      if (this.#lock === client) this.#lock = null
    })
    try {
      await client.connect()
      for (let slot = 1; slot <= slotsMax; slot += 1) {
        const name = `${this.#options.executorName}/${slot}`
        const result = await client.query<{ taken: boolean }>(
          "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken",
          [name],
        )
        if (result.rows[0]?.taken !== true) continue
        this.#lock = client
        this.#executor = name
        return
      }
      throw new Error("every slot of this data folder is taken")
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
  }

  async #insert(): Promise<void> {
    const low = this.#low()
    const row = await this.#options.sql.first<{ id: string }>({
      text: `INSERT INTO processes (id, executor, incarnation, beat_at, low)
             SELECT $1 || ':' || next, $1, next, now(), $2 FROM (
               SELECT COALESCE(max(incarnation), 0) + 1 AS next FROM processes
               WHERE executor = $1 OR starts_with(id, $1 || ':')) AS counted RETURNING id`,
      values: [this.#executor, uuidOf(low)],
    })
    if (row === null) throw new Error("the process did not get a row of its own")
    this.#id = row.id
    this.#lowMax = low
  }

  /** A bound below every run held lightly now or begun later without a mark. It never falls, whatever the clock does. */
  #low(): string {
    let low: string = this.#options.ids.next("run")
    for (const [runId, { isMarked }] of this.#runs) if (!isMarked && runId < low) low = runId
    return low > this.#lowMax ? low : this.#lowMax
  }

  #scheduleBeat(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      void this.beat().then(() => this.#scheduleBeat())
    }, this.#options.beatMs ?? beatMs)
  }

  /** One beat; trouble is told once until a beat gets through again. */
  async #beatOnce(): Promise<void> {
    try {
      // Without a slot this process lives all the same; it only takes up nobody's runs.
      const lockTrouble = this.#lock === null ? await this.#takeSlot().catch((error: unknown) => error) : null
      await this.#markOld()
      this.#options.onBeat(await this.#tell())
      if (lockTrouble instanceof Error) throw lockTrouble
      this.#isInTrouble = false
    } catch (error) {
      if (!this.#isInTrouble) this.#options.log.warn({ err: error, process: this.#id }, "process-beat-missed")
      this.#isInTrouble = true
    }
  }

  /** Runs older than five seconds get their mark, so that `low` moves on. */
  async #markOld(): Promise<void> {
    const now = this.#options.clock.nowMs()
    const old = [...this.#runs].filter(([, run]) => !run.isMarked && now - run.sinceMs > heldAfterMs).map(([id]) => id)
    if (old.length === 0) return
    const marked = await this.#options.sql.rows<{ id: string }>({
      text: "UPDATE runs SET held = true WHERE id = ANY($1) AND owner = $2 AND status = 'running' RETURNING id",
      values: [old.map(uuidOf), this.#id],
    })
    // A run whose start is still on its way has no row yet, and stays light.
    const ids = new Set(marked.map(({ id }) => id))
    for (const runId of old) {
      const run = this.#runs.get(runId)
      if (run !== undefined && ids.has(uuidOf(runId))) run.isMarked = true
    }
  }

  async #tell(): Promise<Beat> {
    const low = this.#low()
    this.#lowMax = low
    const row = await this.#options.sql.first<BeatRow>({
      name: "beat",
      text: beatStatement,
      values: [this.#id, uuidOf(low), this.#executor, this.#options.silenceMs ?? silenceMs],
    })
    if (row === null) throw new Error("a beat has no answer")
    if (!row.alive) await this.#beginAgain()
    if (row.buried !== null) this.#options.log.warn({ process: this.#id, dead: row.buried }, "process-found-dead")
    const died = !row.alive || row.buried !== null || (row.last_death !== null && row.last_death !== this.#lastDeathMs)
    this.#lastDeathMs = row.last_death
    return { due: row.due, left: died || row.last_death !== null, died }
  }

  /**
   * Declared dead: what the old incarnation owned is claimed by whoever comes first, and who works on it here finds that
   * out with its next append. Starts that wait to be sent begin under the new one.
   */
  async #beginAgain(): Promise<void> {
    const before = this.#id
    await this.#insert()
    this.#options.log.warn({ process: this.#id, before }, "process-declared-dead")
  }
}
