/** Readers of a run: from any number, during the run and after it, here and elsewhere; nothing missing, nothing twice. */
import type { JsonObject } from "@brevet/core/json"
import { definitionOf } from "@brevet/core/testing/definitions"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import type { RunLog } from "../ports/run-log.ts"
import { KeptListener, type OpenedRuntime, RuntimeGround, textOf } from "../testing/runtime-ground.ts"
import { makeDeferred } from "./deferred.ts"
import { follow } from "./follow.ts"

let ground: RuntimeGround
beforeAll(async () => {
  ground = await RuntimeGround.make()
})
afterEach(() => ground.closeRuntimes())
afterAll(() => ground.close())

const llm = (fields: JsonObject = {}) => ({ type: "llm", parameters: { model: "gpt-4o", prompt: "Say it" }, ...fields })
const talk = definitionOf({ Chat: "chat", L: llm() }, ["Chat > L"])
const words = ["One ", "two ", "three ", "four ", "five"]

/** A turn that has shown so many words, and goes on once the model is released. */
async function speaking(opened: OpenedRuntime, shown: number) {
  ground.model.script([{ chunks: words, holdAfterChunks: shown }])
  const run = ground.newRun(talk, { text: "Hello" })
  const listener = new KeptListener()
  const underWay = await opened.runtime.start(run, { listener, commit: "effect" })
  await listener.until(() => listener.text === words.slice(0, shown).join(""))
  return { run, listener, ended: underWay?.ended ?? Promise.resolve(null) }
}

/** What a reader from a number gets, to its end. */
async function read(
  opened: OpenedRuntime,
  runId: Parameters<RunLog["standing"]>[0],
  after: number,
): Promise<KeptListener> {
  const reader = new KeptListener()
  opened.runtime.follow(runId, after, reader)
  await reader.ended()
  return reader
}

/** Events with their numbers, as text; of text each piece by itself. */
const told = ({ heard }: KeptListener) => heard.map(({ number, event }) => `${number} ${JSON.stringify(event)}`)

describe("a reader of a run that is over", () => {
  it("gets exactly what comes after its number, from any number, again and again the same", async () => {
    const opened = await ground.open()
    const { run, listener, ended } = await speaking(opened, 2)
    ground.model.release()
    await ended
    const whole = told(await read(opened, run.runId, 0))
    expect(whole).toEqual(told(listener))
    for (const after of listener.numbers) {
      const suffix = await read(opened, run.runId, after)
      expect(told(suffix)).toEqual(whole.filter((line) => Number(line.split(" ")[0]) > after))
      expect(suffix.closed).toBe("ended")
    }
  })

  it("gets nothing and its end after the last number, and for a run that does not exist", async () => {
    const opened = await ground.open()
    const { run, listener, ended } = await speaking(opened, 1)
    ground.model.release()
    await ended
    for (const after of [listener.numbers.at(-1) ?? 0, Number.MAX_SAFE_INTEGER]) {
      const reader = await read(opened, run.runId, after)
      expect([reader.heard, reader.closed]).toEqual([[], "ended"])
    }
    const nobody = await read(opened, ground.newRun(talk).runId, 0)
    expect([nobody.heard, nobody.closed]).toEqual([[], "ended"])
  })
})

describe("a reader of a run under way", () => {
  it("gets what was, then what comes, from any number", async () => {
    const opened = await ground.open()
    const { run, listener, ended } = await speaking(opened, 3)
    const known = [...listener.numbers]
    const readers = [0, ...known].map((after) => {
      const reader = new KeptListener()
      opened.runtime.follow(run.runId, after, reader)
      return { after, reader }
    })
    await Promise.all(
      readers.map(({ after, reader }) =>
        reader.until(() => reader.heard.length >= known.filter((number) => number > after).length),
      ),
    )
    ground.model.release()
    await ended
    for (const { after, reader } of readers) {
      await reader.ended()
      expect(told(reader)).toEqual(told(listener).filter((line) => Number(line.split(" ")[0]) > after))
    }
  })

  it("may leave at any moment, and is told nothing more", async () => {
    const opened = await ground.open()
    const { run, ended } = await speaking(opened, 2)
    const [early, later] = [new KeptListener(), new KeptListener()]
    opened.runtime.follow(run.runId, 0, early)()
    const leave = opened.runtime.follow(run.runId, 0, later)
    await later.until(() => later.text === "One two ")
    leave()
    const count = later.heard.length
    ground.model.release()
    await ended
    expect([early.heard, early.closed, later.heard.length, later.closed]).toEqual([[], null, count, null])
  })

  it("that takes its time gets everything all the same, while others are not held up", async () => {
    const opened = await ground.open()
    const { run, listener, ended } = await speaking(opened, 2)
    const slow = new KeptListener()
    const gate = makeDeferred<void>()
    slow.drained = () => gate.promise
    opened.runtime.follow(run.runId, 0, slow)
    await slow.until(() => slow.heard.length > 0)
    ground.model.release()
    expect((await ended)?.status).toBe("completed")
    expect(slow.heard.length).toBeLessThan(listener.heard.length)
    gate.resolve()
    await slow.ended()
    expect(told(slow)).toEqual(told(listener))
  })

  it("in another process gets text before it is saved, whenever it comes, and all in order to the end", async () => {
    const opened = await ground.open()
    const elsewhere = await ground.open({ folder: "elsewhere" })
    const { run, listener, ended } = await speaking(opened, 2)
    // Nothing more of it reaches the store, so that what is read elsewhere comes from its process.
    opened.owner.hold()
    const reader = new KeptListener()
    elsewhere.runtime.follow(run.runId, 0, reader)
    await reader.until(() => reader.text === "One two ")
    ground.model.step()
    await reader.until(() => reader.text === "One two three ")
    const late = new KeptListener()
    elsewhere.runtime.follow(run.runId, 0, late)
    await late.until(() => late.text === "One two three ")
    opened.owner.letPass()
    ground.model.release()
    await ended
    await Promise.all([reader.ended(), late.ended()])
    expect([told(reader), told(late)]).toEqual([told(listener), told(listener)])
  })

  it("in another process gets what its process shows also where messages between them were lost", async () => {
    const opened = await ground.open()
    const elsewhere = await ground.open({ folder: "elsewhere" })
    const { run, listener, ended } = await speaking(opened, 2)
    const reader = new KeptListener()
    elsewhere.runtime.follow(run.runId, 0, reader)
    await reader.until(() => reader.text === "One two ")
    await ground.ground.test.sql.rows({
      text: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()",
    })
    ground.model.step()
    await reader.until(() => reader.text === "One two three ")
    ground.model.release()
    await ended
    await reader.ended()
    expect(told(reader)).toEqual(told(listener))
  })

  it("in a third process goes on with it where its process is killed and another takes it up", async () => {
    const opened = await ground.open()
    const elsewhere = await ground.open({ folder: "elsewhere" })
    const { run } = await speaking(opened, 2)
    const reader = new KeptListener()
    elsewhere.runtime.follow(run.runId, 0, reader)
    await reader.until(() => reader.text === "One two ")
    await opened.crash()
    ground.model.script([{ text: "Told elsewhere" }])
    const next = await ground.open()
    await next.runtime.recover()
    await reader.ended()
    expect([reader.text, reader.closed]).toEqual(["Told elsewhere", "ended"])
    expect(reader.numbers).toEqual([...new Set(reader.numbers)].sort((a, b) => a - b))
    opened.owner.bury()
  })

  it("in another process gets the same, as it is saved, to the end", async () => {
    const opened = await ground.open()
    const elsewhere = await ground.open({ folder: "elsewhere" })
    const { run, listener, ended } = await speaking(opened, 2)
    const reader = new KeptListener()
    elsewhere.runtime.follow(run.runId, 0, reader)
    // What was shown here reaches it within the second in which it is saved.
    await reader.until(() => reader.text === "One two ")
    ground.model.release()
    await ended
    await reader.ended()
    expect(told(reader)).toEqual(told(listener))
  })

  it("is not cut short where the run ends while its log is read", async () => {
    const opened = await ground.open()
    const { run, listener, ended } = await speaking(opened, 2)
    // The log is read, and answers only once the run is over.
    const reading = makeDeferred<void>()
    const log: RunLog = {
      ...ground.log,
      read: async (...query) => {
        const found = await ground.log.read(...query)
        await reading.promise
        return found
      },
      standing: ground.log.standing,
    }
    const reader = new KeptListener()
    const elsewhere = await ground.open({ folder: "elsewhere" })
    follow({ log, live: new Map(), relay: elsewhere.relay }, { runId: run.runId, after: 0 }, reader)
    ground.model.release()
    await ended
    reading.resolve()
    await reader.ended()
    expect(told(reader)).toEqual(told(listener))
  })

  it("of a turn that still waits in its thread waits with it", async () => {
    const opened = await ground.open()
    const { run, ended } = await speaking(opened, 1)
    const next = ground.newRun(talk, { text: "Second", basis: await ground.basis(run) })
    await opened.runtime.enqueue(next, { queuedMax: 5 })
    const reader = new KeptListener()
    opened.runtime.follow(next.runId, 0, reader)
    await reader.until(() => reader.types.includes("run-created"))
    ground.model.script([{ text: "Second answer" }])
    ground.model.release()
    await ended
    await reader.ended()
    expect(reader.text).toBe("Second answer")
    expect(reader.types.at(-1)).toBe("run-completed")
  })

  it("whose run is lost to another process follows it there", async () => {
    const opened = await ground.open()
    const { run } = await speaking(opened, 2)
    const reader = new KeptListener()
    opened.runtime.follow(run.runId, 0, reader)
    await reader.until(() => reader.text === "One two ")
    await opened.crash()
    ground.model.script([{ text: "Told elsewhere" }])
    const next = await ground.open()
    await next.runtime.recover()
    await next.runtime.waitForEnd(run.runId, { waitMs: 60_000 })
    // The first process comes back to the store, and finds that the run is not its own any more.
    opened.restore()
    opened.owner.letPass()
    ground.model.release()
    await reader.ended()
    expect(reader.text).toBe("Told elsewhere")
    expect(reader.numbers).toEqual([...new Set(reader.numbers)].sort((a, b) => a - b))
  })

  it("is closed as gone where the store cannot be read", async () => {
    const opened = await ground.open()
    const { run } = await speaking(opened, 1)
    const elsewhere = await ground.open({ folder: "elsewhere" })
    elsewhere.cut()
    const reader = new KeptListener()
    elsewhere.runtime.follow(run.runId, 0, reader)
    await reader.ended()
    expect(reader.closed).toBe("gone")
  })
})

describe("prefix and suffix", () => {
  it("together are the whole, wherever a reader was cut off and came again, live or later", async () => {
    const opened = await ground.open()
    for (const shown of [1, 3, 5]) {
      const { run, listener, ended } = await speaking(opened, shown)
      const cut = new KeptListener()
      const leave = opened.runtime.follow(run.runId, 0, cut)
      await cut.until(() => cut.text === words.slice(0, shown).join(""))
      leave()
      const rest = new KeptListener()
      opened.runtime.follow(run.runId, cut.numbers.at(-1) ?? 0, rest)
      ground.model.release()
      await ended
      await rest.ended()
      expect([...told(cut), ...told(rest)]).toEqual(told(listener))
      expect(textOf([...cut.heard, ...rest.heard].map(({ event }) => event))).toBe(words.join(""))
    }
  })
})
