/**
 * The runs of a process: how it gets, follows, hands over and takes up runs.
 *
 *     start ──┐                    ┌──> ended
 *     claim ──┴──> live ── loop ───┤
 *                                  └──> handed over ──> the next process goes on
 */
import { Refusal } from "@brevet/core/errors"
import type { JsonObject } from "@brevet/core/json"
import { definitionOf } from "@brevet/core/testing/definitions"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import type { NewRun } from "../ports/runs.ts"
import { KeptListener, type OpenedRuntime, passOn, RuntimeGround } from "../testing/runtime-ground.ts"
import { makeDeferred } from "./deferred.ts"
import type { Performer } from "./perform.ts"

let ground: RuntimeGround
beforeAll(async () => {
  ground = await RuntimeGround.make()
})
afterEach(() => ground.closeRuntimes())
afterAll(() => ground.close())

const llm = (fields: JsonObject = {}) => ({ type: "llm", parameters: { model: "gpt-4o", prompt: "Say it" }, ...fields })
const talk = definitionOf({ L: llm() })
const pure = definitionOf({ A: "manual" })
const moment = () => new Promise((resolve) => setTimeout(resolve, 20))

/** A turn that has shown its first word, and goes on once the model is released. */
async function speaking(opened: OpenedRuntime, parts: Partial<Parameters<RuntimeGround["newRun"]>[1]> = {}) {
  ground.model.script([{ chunks: ["One ", "two ", "three"], holdAfterChunks: 1 }])
  const run = ground.newRun(talk, { text: "Hello", ...parts })
  const listener = new KeptListener()
  const underWay = await opened.runtime.start(run, { listener, commit: "effect" })
  await listener.until(() => listener.text === "One ")
  return { run, listener, ended: underWay?.ended ?? Promise.resolve(null) }
}

const statusOf = async (run: NewRun) => (await ground.log.standing(run.runId))?.status

describe("waiting for the end of a run", () => {
  it("tells how it ended, whether it ends later or has ended, here or in another process", async () => {
    const opened = await ground.open()
    const elsewhere = await ground.open({ folder: "elsewhere" })
    const { run } = await speaking(opened)
    const waits = [opened, elsewhere].map(({ runtime }) => runtime.waitForEnd(run.runId, { waitMs: 60_000 }))
    ground.model.release()
    for (const ended of await Promise.all(waits)) {
      expect(ended).toMatchObject({ status: "completed", result: { text: "One two three" } })
    }
    expect((await opened.runtime.waitForEnd(run.runId, { waitMs: 0 }))?.status).toBe("completed")
  })

  it("gives null when the time is over, when it is broken off, and for no run", async () => {
    const opened = await ground.open()
    const { run } = await speaking(opened)
    expect(await opened.runtime.waitForEnd(run.runId, { waitMs: 10 })).toBeNull()
    const aborting = new AbortController()
    const broken = opened.runtime.waitForEnd(run.runId, { waitMs: 60_000, signal: aborting.signal })
    aborting.abort()
    expect(await broken).toBeNull()
    expect(await opened.runtime.waitForEnd(run.runId, { waitMs: 60_000, signal: aborting.signal })).toBeNull()
    expect(await opened.runtime.waitForEnd(ground.newRun(pure).runId, { waitMs: 10 })).toBeNull()
  })

  it("gives null when this process leaves", async () => {
    const opened = await ground.open()
    const elsewhere = await ground.open({ folder: "elsewhere" })
    const { run } = await speaking(opened)
    const waits = elsewhere.runtime.waitForEnd(run.runId, { waitMs: 60_000 })
    await elsewhere.runtime.drain(0)
    expect(await waits).toBeNull()
  })
})

describe("turns that wait in a thread", () => {
  it("run one after the other, as soon as the one before is over, in their order", async () => {
    const opened = await ground.open()
    const { run, ended } = await speaking(opened)
    const waiting: NewRun[] = []
    for (const text of ["Second", "Third"]) {
      const next = ground.newRun(talk, { text, basis: await ground.basis(run) })
      expect(await opened.runtime.enqueue(next, { queuedMax: 5 })).toBe("queued")
      waiting.push(next)
    }
    ground.model.answerWith(({ messages }) => ({ text: `Answer ${messages.length}` }))
    ground.model.release()
    await ended
    for (const next of waiting) {
      expect((await opened.runtime.waitForEnd(next.runId, { waitMs: 60_000 }))?.status).toBe("completed")
    }
    expect((await ground.messages(run)).map((message) => message.split(":")[0])).toEqual([
      "user",
      "assistant",
      "user",
      "assistant",
      "user",
      "assistant",
    ])
    expect(await ground.basis(run)).toMatchObject({ activeRun: null, queued: 0, messageCount: 6, turn: 3 })
    // The one that waited was claimed: it goes on in the second epoch.
    expect((await ground.events(waiting[1] as NewRun)).map(({ number }) => Math.floor(number / 2 ** 32))).toContain(1)
  })

  it("are ended where they wait, without having run, when somebody cancels them", async () => {
    const opened = await ground.open()
    const { run, ended } = await speaking(opened)
    const next = ground.newRun(talk, { text: "Second", basis: await ground.basis(run) })
    await opened.runtime.enqueue(next, { queuedMax: 5 })
    const marked = await ground.ground.cx.store.runs.markCancelled({ runId: next.runId }, "RUN_CANCELLED")
    opened.runtime.endMarked(marked)
    expect(await opened.runtime.waitForEnd(next.runId, { waitMs: 60_000 })).toMatchObject({
      status: "cancelled",
      result: { cancelCause: "RUN_CANCELLED", text: null },
    })
    ground.model.release()
    expect((await ended)?.status).toBe("completed")
    expect(ground.model.calls).toBe(1)
    expect(await ground.messages(run)).toEqual(["user: Hello", "assistant: One two three", "user: Second"])
    expect(await ground.basis(run)).toMatchObject({ queued: 0, activeRun: null })
  })

  it("go on in another process where the one before ended there", async () => {
    const opened = await ground.open()
    const elsewhere = await ground.open({ folder: "elsewhere" })
    const { run, ended } = await speaking(opened)
    const next = ground.newRun(pure, { text: "Second", basis: await ground.basis(run) })
    expect(await elsewhere.runtime.enqueue(next, { queuedMax: 5 })).toBe("queued")
    ground.model.release()
    await ended
    expect((await elsewhere.runtime.waitForEnd(next.runId, { waitMs: 60_000 }))?.status).toBe("completed")
  })
})

describe("a process that is told to end", () => {
  it("starts, queues and claims nothing any more, and lets what is under way end", async () => {
    const opened = await ground.open()
    const { run, ended, listener } = await speaking(opened)
    const drained = opened.runtime.drain(60_000)
    const away = { code: "SERVICE_UNAVAILABLE", retryAfterSeconds: 1 }
    await expect(opened.runtime.start(ground.newRun(pure), { commit: "first" })).rejects.toMatchObject(away)
    const next = ground.newRun(pure, { text: "Second", basis: await ground.basis(run) })
    expect(() => opened.runtime.enqueue(next, { queuedMax: 5 })).toThrow(expect.objectContaining(away))
    opened.runtime.claimDue()
    ground.model.release()
    expect((await ended)?.status).toBe("completed")
    await drained
    expect(listener.closed).toBe("ended")
  })

  it("hands over what does not end in time: its reader is told to come again, and the next process goes on with it", async () => {
    const opened = await ground.open()
    const { run, ended, listener } = await speaking(opened)
    await opened.runtime.drain(10)
    expect([await ended, listener.closed, await statusOf(run)]).toEqual([null, "gone", "running"])
    await ground.model.whenAborted()
    await opened.owner.close()
    ground.model.script([{ text: "Anew" }])
    const next = await ground.open()
    expect(await next.runtime.recover()).toBe(1)
    const reader = new KeptListener()
    next.runtime.follow(run.runId, listener.numbers.at(-1) ?? 0, reader)
    await reader.ended()
    expect((await next.runtime.waitForEnd(run.runId, { waitMs: 60_000 }))?.result.text).toBe("Anew")
    expect(reader.types[0]).toBe("content-reset")
    expect(await ground.messages(run)).toEqual(["user: Hello", "assistant: Anew"])
  })

  it("hands over a run that waits between tries, which goes on with its next try", async () => {
    const opened = await ground.open()
    ground.model.script([{ status: 500 }, { text: "Through" }])
    const definition = definitionOf({ L: llm({ retryOnFail: true, maxTries: 3, waitBetweenTries: 300 }) })
    const run = ground.newRun(definition, { text: "Hello" })
    const listener = new KeptListener()
    await opened.runtime.start(run, { listener, commit: "first" })
    await listener.until(() => listener.types.includes("node-failed"))
    await opened.runtime.drain(0)
    await opened.owner.close()
    const next = await ground.open()
    await next.runtime.recover()
    expect((await next.runtime.waitForEnd(run.runId, { waitMs: 60_000 }))?.result.text).toBe("Through")
    expect(ground.model.calls).toBe(2)
    const attempts = (await ground.events(run)).flatMap(({ event }) =>
      event.type === "node-started" ? [event.attempt] : [],
    )
    expect(attempts).toEqual([1, 2])
  })

  it("hands over what is being started: it is in the store then, and nothing is done for it", async () => {
    const opened = await ground.open()
    opened.owner.hold()
    const run = ground.newRun(talk, { text: "Hello" })
    const started = opened.runtime.start(run, { commit: "first" })
    await opened.owner.whenHeld()
    const drained = opened.runtime.drain(0)
    await moment()
    opened.owner.letPass()
    expect(await (await started)?.ended).toBeNull()
    await drained
    expect([await statusOf(run), ground.model.calls]).toEqual(["running", 0])
    await opened.owner.close()
    const next = await ground.open()
    expect(await next.runtime.recover()).toBe(1)
    expect((await next.runtime.waitForEnd(run.runId, { waitMs: 60_000 }))?.status).toBe("completed")
  })

  it("does not wait for a store that is away", async () => {
    const opened = await ground.open()
    const { run } = await speaking(opened)
    opened.cut()
    await opened.runtime.drain(0)
    opened.restore()
    expect(await statusOf(run)).toBe("running")
  })

  it("leaves what it has just claimed to the next", async () => {
    const opened = await ground.open()
    const { run, ended } = await speaking(opened)
    const next = ground.newRun(pure, { text: "Second", basis: await ground.basis(run) })
    await opened.runtime.enqueue(next, { queuedMax: 5 })
    ground.model.release()
    await ended
    opened.runtime.claimDue()
    await opened.runtime.drain(0)
    await opened.owner.close()
    const heir = await ground.open()
    await heir.runtime.recover()
    expect((await heir.runtime.waitForEnd(next.runId, { waitMs: 60_000 }))?.status).toBe("completed")
  })
})

describe("a run of another process that is to end", () => {
  const mark = (run: NewRun) => ground.ground.cx.store.runs.markCancelled({ runId: run.runId }, "RUN_CANCELLED")

  it("is ended by that process, which keeps what was shown", async () => {
    const opened = await ground.open()
    const elsewhere = await ground.open({ folder: "elsewhere" })
    const { run, listener } = await speaking(opened)
    elsewhere.runtime.endMarked(await mark(run))
    await listener.ended()
    expect(listener.types.at(-1)).toBe("run-cancelled")
    expect(await elsewhere.runtime.waitForEnd(run.runId, { waitMs: 60_000 })).toMatchObject({
      status: "cancelled",
      result: { text: "One " },
    })
    expect(opened.logged).not.toContain("run-claimed")
  })

  it("is claimed and ended by whoever wants it to end, where that process does not answer; its late end is refused", async () => {
    const opened = await ground.open()
    const elsewhere = await ground.open({ folder: "elsewhere" })
    const { run, ended } = await speaking(opened)
    opened.owner.hold()
    elsewhere.runtime.endMarked(await mark(run))
    expect((await elsewhere.runtime.waitForEnd(run.runId, { waitMs: 60_000 }))?.status).toBe("cancelled")
    expect(elsewhere.logged).toContain("run-claimed")
    opened.owner.letPass()
    expect(await ended).toBeNull()
    const ends = (await ground.events(run)).filter(({ event }) => event.type === "run-cancelled")
    expect(ends).toHaveLength(1)
  })

  it("by many at once ends once", async () => {
    const opened = await ground.open()
    const others = [await ground.open({ folder: "b" }), await ground.open({ folder: "c" })]
    const { run } = await speaking(opened)
    opened.owner.hold()
    for (const { runtime } of others) runtime.endMarked(await mark(run))
    await Promise.all(others.map(({ runtime }) => runtime.waitForEnd(run.runId, { waitMs: 60_000 })))
    opened.owner.letPass()
    expect((await ground.events(run)).filter(({ event }) => event.type === "run-cancelled")).toHaveLength(1)
  })
})

describe("a process that leaves", () => {
  it("passes on that there is work to others", async () => {
    const opened = await ground.open()
    const elsewhere = await ground.open({ folder: "elsewhere" })
    const { run, ended } = await speaking(opened)
    const next = ground.newRun(pure, { text: "Second", basis: await ground.basis(run) })
    await opened.runtime.enqueue(next, { queuedMax: 5 })
    const drained = opened.runtime.drain(60_000)
    ground.model.release()
    await ended
    await drained
    expect((await elsewhere.runtime.waitForEnd(next.runId, { waitMs: 60_000 }))?.status).toBe("completed")
  })
})

describe("a run that cannot be gone on with", () => {
  it("since nobody has its workflow any more, ends as a fault of ours, with its thread free", async () => {
    const opened = await ground.open()
    const { run } = await speaking(opened, { requestHash: "ee".repeat(32) })
    await opened.crash()
    ground.graphs.forget(run.created.workflowId ?? "")
    const next = await ground.open()
    await next.runtime.recover()
    expect(await next.runtime.waitForEnd(run.runId, { waitMs: 60_000 })).toMatchObject({
      status: "failed",
      result: { failure: { code: "INTERNAL_ERROR" } },
    })
    expect(await ground.basis(run)).toMatchObject({ activeRun: null })
    expect(await ground.messages(run)).toEqual(["user: Hello", "assistant: "])
    expect(next.logged.filter((line) => line.startsWith("run-broken"))).toHaveLength(1)
  })

  it("since its log cannot be understood, ends as a fault of ours", async () => {
    const opened = await ground.open()
    const { run } = await speaking(opened)
    await opened.crash()
    const { sql } = ground.ground.test
    await sql.rows({
      text: "UPDATE events SET body = '[' || body WHERE run_id = (SELECT max(run_id::text)::uuid FROM events)",
    })
    const next = await ground.open()
    await next.runtime.recover()
    expect((await next.runtime.waitForEnd(run.runId, { waitMs: 60_000 }))?.result.failure?.code).toBe("INTERNAL_ERROR")
    expect(await ground.basis(run)).toMatchObject({ activeRun: null })
  })

  it("since the store went away after it was claimed, is taken up once it is back", async () => {
    const opened = await ground.open()
    const { run, ended } = await speaking(opened)
    const waiting = ground.newRun(pure, { text: "Second", basis: await ground.basis(run) })
    const gate = makeDeferred<void>()
    const load = ground.graphs.load
    await opened.runtime.enqueue(waiting, { queuedMax: 5 })
    // Its log can be read, and then nothing more.
    ground.graphs.load = async (workflowId, version) => {
      ground.graphs.load = load
      opened.cut()
      gate.resolve()
      if (workflowId === waiting.created.workflowId) throw new Refusal("SERVICE_UNAVAILABLE")
      return load(workflowId, version)
    }
    ground.model.release()
    await ended
    await gate.promise
    expect(["queued", "running"]).toContain(await statusOf(waiting))
    opened.restore()
    expect((await opened.runtime.waitForEnd(waiting.runId, { waitMs: 60_000 }))?.status).toBe("completed")
  })
})

describe("a run that somebody cancels while it changes hands", () => {
  it("is ended by whoever takes it up, also where it was marked before", async () => {
    const opened = await ground.open()
    const { run } = await speaking(opened)
    await opened.crash()
    await ground.ground.cx.store.runs.markCancelled({ runId: run.runId }, "RUN_CANCELLED")
    const next = await ground.open()
    await next.runtime.recover()
    expect((await next.runtime.waitForEnd(run.runId, { waitMs: 60_000 }))?.status).toBe("cancelled")
    expect(ground.model.calls).toBe(1)
  })

  it("or just after it was claimed, before it was live anywhere", async () => {
    const waits: Performer = ({ segment: { signal } }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error))
      })
    const opened = await ground.open({ perform: waits })
    const run = ground.newRun(definitionOf({ A: "assistant" }), { text: "Hello" })
    await opened.runtime.start(run, { commit: "first" })
    await opened.crash()
    const next = await ground.open({ perform: waits })
    const load = ground.graphs.load
    ground.graphs.load = async (workflowId, version) => {
      await ground.ground.cx.store.runs.markCancelled({ runId: run.runId }, "RUN_CANCELLED")
      ground.graphs.load = load
      return load(workflowId, version)
    }
    expect(await next.runtime.recover()).toBe(1)
    expect((await next.runtime.waitForEnd(run.runId, { waitMs: 60_000 }))?.status).toBe("cancelled")
  })
})

describe("many runs at once", () => {
  it("all end, each with its own answer, with one write in flight for each", async () => {
    const opened = await ground.open({ perform: passOn })
    ground.model.answerWith(({ messages }) => ({ text: `You said: ${String(messages.at(-1)?.content)}` }))
    const definition = definitionOf({ Chat: "chat", L: { type: "llm", parameters: { model: "gpt-4o" } } }, ["Chat > L"])
    const runs = Array.from({ length: 60 }, (_, place) => ground.newRun(definition, { text: `n${place}` }))
    const ended = await Promise.all(
      runs.map(async (run) => (await opened.runtime.start(run, { commit: "effect" }))?.ended),
    )
    expect(ended.map((end) => end?.result.text)).toEqual(runs.map((_, place) => `You said: n${place}`))
    expect(opened.owner.inFlightMax).toBe(1)
  })
})
