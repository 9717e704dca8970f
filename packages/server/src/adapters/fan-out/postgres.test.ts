/** What processes tell each other through Postgres: who hears what, in which order, however large, and what becomes of it while the store is away. */

import { idFrom } from "@brevet/core/ids"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import type { FanOut, FanOutMessage, FeedPart } from "../../ports/fan-out.ts"
import { makeTestContext, type TestContext } from "../../testing/context.ts"
import { type StoreProxy, startStoreProxy } from "../../testing/store-proxy.ts"
import { openSqlPool } from "../store/postgres/sql.ts"
import { openFanOut } from "./postgres.ts"

let test: TestContext
beforeAll(async () => {
  test = await makeTestContext()
})
afterEach(async () => {
  for (const { close } of opened.splice(0)) await close()
})
afterAll(() => test.close())

type Opened = {
  readonly fanOut: FanOut
  readonly proxy: StoreProxy
  readonly heard: FanOutMessage[]
  gaps: number
  close(): Promise<void>
}
const opened: Opened[] = []

/** A process that listens, on a wire of its own. */
async function open(station: string): Promise<Opened> {
  const proxy = await startStoreProxy(test.connectionString)
  const connection = { connectionString: proxy.connectionString }
  const pool = openSqlPool(connection, { connectionsMax: 2 })
  const fanOut = await openFanOut({ sql: pool, connection, station })
  const process: Opened = {
    fanOut,
    proxy,
    heard: [],
    gaps: 0,
    async close() {
      await fanOut.close()
      await pool.close()
      await proxy.close()
    },
  }
  fanOut.listen({
    message: (message) => void process.heard.push(message),
    gap: () => {
      process.gaps += 1
    },
  })
  opened.push(process)
  return process
}

const run = idFrom("run", "1".padStart(32, "0"))
const text = (number: number, piece: string): FanOutMessage => ({
  type: "feed",
  runId: run,
  part: {
    type: "text",
    number,
    event: { type: "model-text", node: "L", iteration: 0, attempt: 1, call: 0, texts: [piece] },
  },
})
const until = async (what: () => boolean): Promise<void> => {
  while (!what()) await new Promise((resolve) => setImmediate(resolve))
}
const numbersOf = (messages: readonly FanOutMessage[]): number[] =>
  messages.flatMap((message) => {
    const part: FeedPart | null = message.type === "feed" ? message.part : null
    return part?.type === "text" ? [part.number] : []
  })

describe("a message", () => {
  it("to all reaches everybody but its sender; one to a process reaches that process alone", async () => {
    const [a, b, c] = [await open("a"), await open("b"), await open("c")]
    a.fanOut.send("all", { type: "due" })
    a.fanOut.send("b", { type: "watch", runId: run, to: "a" })
    b.fanOut.send("all", { type: "marked", runIds: [run] })
    await until(() => a.heard.length > 0 && b.heard.length > 1 && c.heard.length > 1)
    expect(a.heard).toEqual([{ type: "marked", runIds: [run] }])
    expect(b.heard).toEqual([{ type: "due" }, { type: "watch", runId: run, to: "a" }])
    expect(c.heard.map(({ type }) => type).sort()).toEqual(["due", "marked"])
  })

  it("arrives as it was sent, whatever is in it and however long it is, in the order of sending", async () => {
    const [a, b] = [await open("a"), await open("b")]
    const pieces = [
      "plain",
      "",
      "\0 and 'quotes' \\ \n",
      "ä€😀".repeat(5_000),
      "\ud800 half",
      "x".repeat(100_000),
      "end",
    ]
    for (const [number, piece] of pieces.entries()) a.fanOut.send("b", text(number, piece))
    await until(() => b.heard.length === pieces.length)
    expect(b.heard).toEqual(pieces.map((piece, number) => text(number, piece)))
  })

  it("of many comes in order, over many windows", async () => {
    const [a, b] = [await open("a"), await open("b")]
    for (let number = 0; number < 2_000; number += 1) {
      a.fanOut.send("b", text(number, "word ".repeat(number % 7)))
      if (number % 200 === 0) await until(() => b.heard.length > number / 2)
    }
    await until(() => b.heard.length === 2_000)
    expect(numbersOf(b.heard)).toEqual(Array.from({ length: 2_000 }, (_, number) => number))
  })

  it("that was sent before the end still goes out", async () => {
    const [a, b] = [await open("a"), await open("b")]
    a.fanOut.send("all", { type: "due" })
    await a.fanOut.close()
    await until(() => b.heard.length === 1)
    a.fanOut.send("all", { type: "due" })
    expect(b.heard).toEqual([{ type: "due" }])
  })
})

describe("a session that is lost", () => {
  it("is opened again, and says that something may have been missed; a beginning that was missed spoils nothing", async () => {
    const [a, b] = [await open("a"), await open("b")]
    b.proxy.cut()
    a.fanOut.send("b", text(1, "lost"))
    b.proxy.restore()
    await until(() => b.gaps === 1)
    a.fanOut.send("b", text(2, "heard"))
    await until(() => numbersOf(b.heard).includes(2))
    expect(b.gaps).toBe(1)
  })

  it("of a sender costs what it says meanwhile, and nothing later", async () => {
    const [a, b] = [await open("a"), await open("b")]
    a.proxy.cut()
    for (let count = 0; count < 20_000; count += 1) a.fanOut.send("b", text(count, "lost"))
    await new Promise((resolve) => setImmediate(resolve))
    a.proxy.restore()
    await until(() => a.gaps === 1)
    while (!numbersOf(b.heard).includes(-1)) {
      a.fanOut.send("b", text(-1, "heard"))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(numbersOf(b.heard).at(-1)).toBe(-1)
  })
})
