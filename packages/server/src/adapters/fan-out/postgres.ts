/**
 * The ways between processes over Postgres's LISTEN and NOTIFY. What is said within twenty milliseconds goes out as one
 * statement: a commit for each piece of text would cost several times as much (`runs` §2).
 *
 *     send ──> a window of 20 ms ──> payloads ──> pg_notify ──> every session that listens ──> messages
 *
 * A process has two channels, one of all and one of its own. A payload is `<station> <id>/<part>/<parts> <text>`: the
 * messages of a window are one JSON array, in ASCII, since it is cut wherever a payload is full.
 *
 * Invariants
 * 1. One statement is under way at a time, so that messages to one process arrive in the order in which they were sent.
 * 2. Nothing here fails a caller: where the store is away, messages are lost, and `gap` says so once it is back.
 */
import { setTimeout as sleep } from "node:timers/promises"
import pg from "pg"
import type { FanOut, FanOutListener, FanOutMessage } from "../../ports/fan-out.ts"
import type { Sql } from "../store/postgres/sql.ts"

/** What it needs. */
export type FanOutOptions = {
  /** What messages are sent by. */
  readonly sql: Sql
  /** What the session that listens is opened with. */
  readonly connection: pg.ClientConfig
  /** The name of this process: letters and digits, at most 40. */
  readonly station: string
}

const windowMs = 20
/** Postgres takes less than 8,000 bytes; the head of a payload is far below 100. */
const payloadCharsMax = 7_900
/** Messages that may wait while the store is away; later ones are lost. */
const waitingMax = 10_000
const againMs = 250
const channelOfAll = "brevet_all"
const channelOf = (station: string): string => `brevet_${station}`

/** Begins to listen. */
export async function openFanOut(options: FanOutOptions): Promise<FanOut> {
  const fanOut = new PostgresFanOut(options)
  await fanOut.open()
  return fanOut
}

class PostgresFanOut implements FanOut {
  readonly station: string
  readonly #options: FanOutOptions
  /** Messages of this window by channel. */
  #window = new Map<string, FanOutMessage[]>()
  #count = 0
  #timer: NodeJS.Timeout | null = null
  #sending: Promise<void> | null = null
  #payloads = 0
  /** The parts that have come so far, by sender. */
  readonly #open = new Map<string, { readonly id: string; text: string; next: number }>()
  #listener: FanOutListener | null = null
  #session: pg.Client | null = null
  readonly #closing = new AbortController()

  constructor(options: FanOutOptions) {
    this.#options = options
    this.station = options.station
  }

  async open(): Promise<void> {
    this.#session = await this.#connect()
  }

  listen(listener: FanOutListener): void {
    this.#listener = listener
  }

  send(to: string | "all", message: FanOutMessage): void {
    if (this.#closing.signal.aborted || this.#count >= waitingMax) return
    const channel = to === "all" ? channelOfAll : channelOf(to)
    const messages = this.#window.get(channel)
    if (messages === undefined) this.#window.set(channel, [message])
    else messages.push(message)
    this.#count += 1
    this.#timer ??= setTimeout(() => this.#flush(), windowMs)
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#flush()
    await this.#sending
    this.#closing.abort()
    this.#listener = null
    const session = this.#session
    this.#session = null
    await session?.end().catch(() => {})
  }

  #flush(): void {
    this.#timer = null
    if (this.#sending !== null || this.#count === 0) return
    const window = this.#window
    this.#window = new Map()
    this.#count = 0
    this.#sending = this.#write(window).finally(() => {
      this.#sending = null
      if (this.#count > 0) this.#timer ??= setTimeout(() => this.#flush(), windowMs)
    })
  }

  async #write(window: ReadonlyMap<string, readonly FanOutMessage[]>): Promise<void> {
    const channels: string[] = []
    const payloads: string[] = []
    for (const [channel, messages] of window) {
      for (const payload of this.#payloadsOf(messages)) {
        channels.push(channel)
        payloads.push(payload)
      }
    }
    try {
      await this.#options.sql.rows({
        name: "notify",
        text: "SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS sent(channel, payload)",
        values: [channels, payloads],
      })
    } catch {
      // The store is away: what was to be said is found by polling.
    }
  }

  #payloadsOf(messages: readonly FanOutMessage[]): string[] {
    const text = asciiOf(JSON.stringify(messages))
    const parts = Math.ceil(text.length / payloadCharsMax)
    this.#payloads += 1
    return Array.from({ length: parts }, (_, part) => {
      const piece = text.slice(part * payloadCharsMax, (part + 1) * payloadCharsMax)
      return `${this.station} ${this.#payloads}/${part}/${parts} ${piece}`
    })
  }

  #receive(payload: string): void {
    const found = /^(\w+) (\d+)\/(\d+)\/(\d+) /.exec(payload)
    if (found === null) return
    const [head, from = "", id = "", part = "", parts = ""] = found
    if (from === this.station) return
    const piece = payload.slice(head.length)
    const open = part === "0" ? { id, text: "", next: 0 } : this.#open.get(from)
    // The beginning of it went by before this process listened.
    if (open === undefined || open.id !== id || open.next !== Number(part)) return
    open.text += piece
    open.next += 1
    if (open.next < Number(parts)) {
      this.#open.set(from, open)
      return
    }
    this.#open.delete(from)
    for (const message of JSON.parse(open.text) as FanOutMessage[]) this.#listener?.message(message)
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...this.#options.connection, connectionTimeoutMillis: 5_000, keepAlive: true })
    // One that breaks while it is made says so by its error, too.
    client.on("error", () => {})
    try {
      await client.connect()
      client.on("notification", ({ payload }) => this.#receive(payload ?? ""))
      client.once("end", () => this.#lost(client))
      await client.query(`LISTEN "${channelOfAll}"; LISTEN "${channelOf(this.station)}"`)
      return client
    } catch (error) {
      client.removeAllListeners("end")
      await client.end().catch(() => {})
      throw error
    }
  }

  #lost(client: pg.Client): void {
    if (this.#session !== client) return
    this.#session = null
    this.#open.clear()
    void this.#connectAgain()
  }

  async #connectAgain(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        const session = await this.#connect()
        if (signal.aborted) await session.end().catch(() => {})
        else this.#session = session
        this.#listener?.gap()
        return
      } catch {
        await sleep(againMs, undefined, { signal }).catch(() => {})
      }
    }
  }
}

/** JSON in which everything that is not ASCII is escaped, so that it can be cut anywhere. */
function asciiOf(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
}
