/**
 * A wire between a process and its Postgres that a test can cut, stop or listen to: how a process that was killed or frozen
 * looks from the store, and how a store that is away looks from the process.
 *
 *     client ──> [ requests ] ──> Postgres        open     both ways pass
 *            <── [ answers  ] <──                 stopped  answers are kept back, or requests and answers
 *                                                 cut      everything is broken off, and nobody gets in
 */

import type { AddressInfo } from "node:net"
import { connect as connectTo, createServer, type Server, type Socket } from "node:net"

/** Who sees every piece that passes a wire; a piece for which it gives false is lost. Wires are told apart by a number. */
export type WireTap = {
  request(piece: Buffer, wire: number): boolean
  answer(piece: Buffer, wire: number): boolean
}

/** A wire. */
export type StoreProxy = {
  /** The same database through the wire. */
  readonly connectionString: string
  /** Breaks every connection, and refuses new ones. Answers that were kept back are lost. */
  cut(): void
  /** Keeps back what Postgres answers from now on; requests still get through. */
  holdAnswers(): void
  /** Loses what Postgres answers from now on over the connections that there are; those made later are not touched. */
  swallowAnswers(): void
  /** Keeps back both ways: nothing gets through, nothing breaks. */
  freeze(): void
  /** Lets everything pass again, what was kept back first. */
  restore(): void
  /** Lets somebody see what passes, from now on; null ends that. */
  tap(tap: WireTap | null): void
  /** Resolves once Postgres has answered something that is kept back. */
  whenAnswered(): Promise<void>
  /** How many connections were made since the start. */
  readonly connections: number
  close(): Promise<void>
}

type Wire = {
  readonly client: Socket
  readonly store: Socket
  readonly answers: Buffer[]
  readonly requests: Buffer[]
  swallows: boolean
}

/** Starts a wire on a free loopback port. */
export async function startStoreProxy(connectionString: string): Promise<StoreProxy> {
  const url = new URL(connectionString)
  const socketFolder = url.searchParams.get("host")
  const port = Number(url.searchParams.get("port") ?? (url.port === "" ? "5432" : url.port))
  const target = socketFolder === null ? { host: url.hostname, port } : { path: `${socketFolder}/.s.PGSQL.${port}` }
  const proxy = new Proxying(target)
  await proxy.listen()
  url.searchParams.delete("host")
  url.searchParams.delete("port")
  url.hostname = "127.0.0.1"
  url.port = String(proxy.port)
  return Object.assign(proxy, { connectionString: url.href })
}

class Proxying {
  connections = 0
  readonly #target: { readonly host: string; readonly port: number } | { readonly path: string }
  readonly #server: Server
  readonly #wires = new Set<Wire>()
  #waiting: (() => void)[] = []
  #tap: WireTap | null = null
  #isCut = false
  #holdsAnswers = false
  #holdsRequests = false

  constructor(target: { readonly host: string; readonly port: number } | { readonly path: string }) {
    this.#target = target
    this.#server = createServer((client) => this.#join(client))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject)
      this.#server.listen(0, "127.0.0.1", resolve)
    })
  }

  cut(): void {
    this.#isCut = true
    for (const wire of this.#wires) {
      wire.client.destroy()
      wire.store.destroy()
    }
  }

  holdAnswers(): void {
    this.#holdsAnswers = true
  }

  swallowAnswers(): void {
    for (const wire of this.#wires) wire.swallows = true
  }

  freeze(): void {
    this.#holdsAnswers = true
    this.#holdsRequests = true
  }

  restore(): void {
    this.#isCut = false
    this.#holdsAnswers = false
    this.#holdsRequests = false
    for (const { client, store, answers, requests } of this.#wires) {
      for (const piece of answers.splice(0)) client.write(piece)
      for (const piece of requests.splice(0)) store.write(piece)
    }
  }

  tap(tap: WireTap | null): void {
    this.#tap = tap
  }

  whenAnswered(): Promise<void> {
    if ([...this.#wires].some(({ answers }) => answers.length > 0)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket): void {
    this.connections += 1
    if (this.#isCut) {
      client.destroy()
      return
    }
    const store = connectTo(this.#target)
    const number = this.connections
    const wire: Wire = { client, store, answers: [], requests: [], swallows: false }
    this.#wires.add(wire)
    client.setNoDelay(true)
    client.on("data", (piece: Buffer) => {
      if (this.#tap?.request(piece, number) === false) return
      if (this.#holdsRequests) wire.requests.push(piece)
      else store.write(piece)
    })
    store.on("data", (piece: Buffer) => {
      if (wire.swallows || this.#tap?.answer(piece, number) === false) return
      if (!this.#holdsAnswers) return void client.write(piece)
      wire.answers.push(piece)
      for (const resolve of this.#waiting.splice(0)) resolve()
    })
    // A frozen process leaves its end open.
    client.on("end", () => store.end())
    store.on("end", () => client.end())
    for (const [one, other] of [
      [client, store],
      [store, client],
    ] as const) {
      one.on("error", () => other.destroy())
      one.on("close", () => {
        this.#wires.delete(wire)
        other.destroy()
      })
    }
  }
}
