/**
 * The stretch of a run that a process owns: what is written when, what is shown when, and under which numbers.
 *
 *     take ──> unsaved ──save──> in flight ──> landed ──> told
 *     show ──> told at once ──> a chunk ──save──> in the log under the number of its first piece
 */
import type { CallKey, RunEvent } from "@brevet/core/graph/events"
import { definitionOf } from "@brevet/core/testing/definitions"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { GatedOwner } from "../testing/gated-owner.ts"
import { KeptListener, RuntimeGround, wideBounds } from "../testing/runtime-ground.ts"
import { RunBoundPassed, RunCancelled } from "./reasons.ts"
import { RunLost, Segment, StartRefused } from "./segment.ts"
import type { SegmentOptions } from "./segment-options.ts"

let ground: RuntimeGround
beforeAll(async () => {
  ground = await RuntimeGround.make()
})
afterEach(() => ground.closeRuntimes())
afterAll(() => ground.close())

const key: CallKey = { node: "A", iteration: 0, attempt: 1, call: 0 }
const nodeStarted: RunEvent = { type: "node-started", at: 1, node: "A", iteration: 0, attempt: 1 }
const callStarted: RunEvent = { type: "model-call-started", at: 1, ...key, model: "m" }
const note = (text: string): RunEvent => ({ type: "message-added", at: 1, messageId: "msg_1", text })
const ended: RunEvent = { type: "run-cancelled", at: 1, cause: "RUN_CANCELLED", messageId: null, partialLength: 0 }
const callCompleted = (totalTokens: number): RunEvent => ({
  type: "model-call-completed",
  at: 1,
  ...key,
  model: "m",
  text: null,
  toolCalls: [],
  finishReason: "stop",
  usage: { inputTokens: 0, outputTokens: totalTokens, totalTokens },
})

/** A segment that begins a turn, with everything that happened to it. */
async function begin(options: Partial<SegmentOptions> = {}) {
  const { owner } = await ground.ground.open()
  const gate = new GatedOwner(owner)
  const run = ground.newRun(definitionOf({ A: "llm" }), { text: "Hello" })
  const marks: string[] = []
  const released: string[] = []
  const faults: unknown[] = []
  const segment = new Segment({
    runId: run.runId,
    organizationId: run.start.organizationId,
    generation: null,
    threadId: run.start.thread?.id ?? null,
    turn: 1,
    graph: run.graph,
    facts: { runId: run.runId, workflowId: "", active: true },
    traceId: "trace",
    requestHash: null,
    limits: wideBounds,
    owner: gate,
    epoch: 1,
    savedNumber: 0,
    start: run.start,
    startsWithAnswer: false,
    readHistory: async () => ({ messages: [], summary: null }),
    folded: null,
    onMark: (cause) => void marks.push(cause),
    onReleased: (threadId) => void released.push(threadId),
    onListenerFault: (error) => void faults.push(error),
    ...options,
  })
  const listener = new KeptListener()
  segment.follow(listener)
  segment.take(run.created)
  for (const message of run.messages) segment.addMessage(message)
  return { segment, gate, run, listener, marks, released, faults, owner }
}

/** The same with its model call begun and saved: text may be shown. */
async function speaking(options: Partial<SegmentOptions> = {}) {
  const begun = await begin(options)
  for (const event of [{ type: "run-started", at: 1 } as const, nodeStarted, callStarted]) begun.segment.take(event)
  await begun.segment.save()
  return begun
}

const numbersIn = async (runId: Parameters<RuntimeGround["log"]["read"]>[0]) =>
  (await ground.log.read(runId, -1, 100)).map(({ number, event }) => `${number} ${event.type}`)
const ending = (segment: Segment) => ({
  events: [ended],
  message: null,
  row: { ...ground.runs.ending("cancelled"), atMs: 1, usage: segment.state.usage },
})

describe("the intent of a run's first effect (R5)", () => {
  it("is saved at once, and the effect may begin meanwhile", async () => {
    const { segment, gate } = await begin()
    gate.hold()
    const { saved, mayBegin } = segment.announce()
    await gate.whenHeld()
    expect(mayBegin).toBe(true)
    gate.letPass()
    await saved
    expect(segment.isStarted).toBe(true)
  })

  it("goes in with the answer where nobody hears of the run before, as one write with all numbers", async () => {
    const { segment, gate, run, listener } = await begin({ startsWithAnswer: true })
    for (const event of [{ type: "run-started", at: 1 } as const, nodeStarted, callStarted]) segment.take(event)
    expect(segment.announce().mayBegin).toBe(true)
    expect(segment.isUnheard).toBe(true)
    segment.take({ type: "model-text", ...key, texts: ["Hel", "lo"] })
    segment.take(note("after"))
    await segment.end(ending(segment))
    expect(gate.writes).toHaveLength(1)
    const log = await numbersIn(run.runId)
    expect(log.slice(4)).toEqual(["5 model-text", "7 message-added", "8 run-cancelled"])
    expect(listener.heard.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 7, 8])
  })

  it("is saved by itself a moment later where the answer takes its time", async () => {
    const { segment, gate, run } = await begin({ startsWithAnswer: true })
    segment.take({ type: "run-started", at: 1 })
    await segment.announce().saved
    expect(segment.isUnheard).toBe(false)
    expect(gate.writes).toHaveLength(1)
    expect(await numbersIn(run.runId)).toEqual(["1 run-created", "2 run-started"])
  })

  it("holds up every later effect until it is saved, also before the run is stored", async () => {
    const { segment, gate } = await begin({ startsWithAnswer: true })
    expect(segment.announce().mayBegin).toBe(true)
    gate.hold()
    const second = segment.announce()
    expect(second.mayBegin).toBe(false)
    await gate.whenHeld()
    gate.letPass()
    await second.saved
    expect(segment.announce().mayBegin).toBe(false)
  })

  it("of a run that is refused ends the effect by its signal", async () => {
    const { segment, gate } = await begin({ startsWithAnswer: true })
    gate.die()
    gate.bury()
    segment.announce()
    await new Promise((resolve) => segment.signal.addEventListener("abort", resolve))
    expect(segment.signal.reason).toBeInstanceOf(StartRefused)
    await expect(segment.save()).rejects.toBeInstanceOf(StartRefused)
  })
})

describe("a save (S1)", () => {
  it("is the start where the segment begins the run: everything that was taken till then goes in with it", async () => {
    const { segment, gate, run } = await begin()
    segment.take({ type: "run-started", at: 1 })
    expect(segment.isStarted).toBe(false)
    await segment.save()
    expect(segment.isStarted).toBe(true)
    expect(gate.writes).toHaveLength(1)
    expect(await numbersIn(run.runId)).toEqual(["1 run-created", "2 run-started"])
    expect(await ground.messages(run)).toEqual(["user: Hello"])
  })

  it("is one at a time: what is taken meanwhile goes with the next, as one append", async () => {
    const { segment, gate, run } = await begin()
    await segment.save()
    gate.hold()
    segment.take(note("a"))
    const saves = [segment.save()]
    await gate.whenHeld()
    for (const text of ["b", "c", "d"]) {
      segment.take(note(text))
      saves.push(segment.save())
    }
    gate.letPass()
    await Promise.all(saves)
    expect(gate.inFlightMax).toBe(1)
    expect(gate.writes.map(({ first, last }) => [first, last])).toEqual([
      [1, 1],
      [2, 2],
      [3, 5],
    ])
    expect((await numbersIn(run.runId)).length).toBe(5)
  })

  it("waits for another one that was asked for in the same moment", async () => {
    const { segment, gate, run } = await begin()
    const saves = [segment.save()]
    for (const text of ["a", "b"]) {
      segment.take(note(text))
      saves.push(segment.save())
    }
    await Promise.all(saves)
    expect(gate.inFlightMax).toBe(1)
    expect(await numbersIn(run.runId)).toEqual(["1 run-created", "2 message-added", "3 message-added"])
  })

  it("of nothing writes nothing", async () => {
    const { segment, gate } = await begin()
    await segment.save()
    await Promise.all([segment.save(), segment.save()])
    expect(gate.writes).toHaveLength(1)
  })

  it("carries everything that was shown before it (E3)", async () => {
    const { segment, gate, run } = await speaking()
    segment.show(key, "One ")
    segment.show(key, "two")
    segment.take(callCompleted(3))
    await segment.save()
    expect(gate.writes).toHaveLength(2)
    expect(await numbersIn(run.runId)).toEqual([
      "1 run-created",
      "2 run-started",
      "3 node-started",
      "4 model-call-started",
      "5 model-text",
      "7 model-call-completed",
    ])
  })

  it("happens by itself within a second after text was shown (R6)", async () => {
    const { segment, gate, run } = await speaking()
    segment.show(key, "Hello")
    while (gate.writes.length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
    await segment.whenIdle()
    expect((await numbersIn(run.runId)).at(-1)).toBe("5 model-text")
    segment.close("gone")
  })
})

describe("what a listener is told (S2)", () => {
  it("is nothing but text before it is saved, and everything in the order of numbers", async () => {
    const { segment, gate, listener } = await speaking()
    expect(listener.types).toEqual(["run-created", "run-started", "node-started", "model-call-started"])
    segment.show(key, "One ")
    expect(listener.types.at(-1)).toBe("model-text")
    gate.hold()
    segment.take(callCompleted(1))
    const saving = segment.save()
    await gate.whenHeld()
    expect(listener.types.at(-1)).toBe("model-text")
    gate.letPass()
    await saving
    expect(listener.types.at(-1)).toBe("model-call-completed")
    expect(listener.numbers).toEqual([1, 2, 3, 4, 5, 6])
  })

  it("begins, for one that comes late, with what was shown and is not saved; the log has the rest", async () => {
    const { segment, gate } = await speaking()
    segment.show(key, "One ")
    gate.hold()
    const saving = segment.save()
    await gate.whenHeld()
    segment.show(key, "two ")
    segment.show(key, "three")
    const late = new KeptListener()
    segment.follow(late)
    expect(late.heard.map(({ number, event }) => [number, event.type === "model-text" ? event.texts : []])).toEqual([
      [5, ["One "]],
      [6, ["two ", "three"]],
    ])
    gate.letPass()
    await saving
    segment.show(key, "!")
    expect(late.numbers).toEqual([5, 6, 8])
    segment.close("gone")
  })

  it("ends for one that leaves, and for all with the segment", async () => {
    const { segment, listener } = await speaking()
    const leaving = new KeptListener()
    const leave = segment.follow(leaving)
    leave()
    segment.show(key, "x")
    segment.close("ended")
    expect([leaving.heard, leaving.closed, listener.closed]).toEqual([[], null, "ended"])
    const tooLate = new KeptListener()
    segment.follow(tooLate)
    expect(tooLate.closed).toBe("gone")
  })

  it("fails nobody but the listener that fails: it is told nothing more, and the run goes on", async () => {
    const { segment, faults, listener } = await speaking()
    const fault = new Error("a reader's fault")
    let told = 0
    segment.follow({
      event() {
        told += 1
        throw fault
      },
      close() {},
    })
    segment.show(key, "a")
    segment.show(key, "b")
    await segment.save()
    expect([told, faults, listener.numbers.at(-1)]).toEqual([1, [fault], 6])
  })
})

describe("numbers (S3)", () => {
  it("are used once: text takes one for each piece, and a replay has the same pieces under the same numbers", async () => {
    const { segment, run, listener } = await speaking()
    for (const text of ["a", "b", "c"]) segment.show(key, text)
    await segment.save()
    segment.show(key, "d")
    segment.take(callCompleted(1))
    await segment.save()
    const shown = listener.heard.flatMap(({ number, event }) =>
      event.type === "model-text" ? [[number, event.texts[0]]] : [],
    )
    const log = await ground.log.read(run.runId, -1, 100)
    const replayed = log.flatMap(({ number, event }) =>
      event.type === "model-text" ? event.texts.map((text, place) => [number + place, text]) : [],
    )
    expect(replayed).toEqual(shown)
    expect(shown.map(([number]) => number)).toEqual([5, 6, 7, 8])
  })

  it("do not leave a gap where an event cannot be written", async () => {
    const { segment, run } = await speaking()
    const odd = { type: "message-added", at: 1, messageId: "m", text: 1n } as unknown as RunEvent
    expect(() => segment.take(odd)).toThrow(TypeError)
    segment.take(note("next"))
    await segment.save()
    expect((await numbersIn(run.runId)).at(-1)).toBe("5 message-added")
  })
})

describe("a run that is lost (S4)", () => {
  it("is broken off by the save that finds out, and nothing more is written or shown", async () => {
    const { segment, gate, listener } = await speaking()
    const thief = {
      ...gate.writes[0],
      first: 5,
      last: 5,
      savedNumber: 4,
      body: "[]",
      messages: [],
      ending: ground.runs.ending("failed"),
    }
    await gate.append(thief as (typeof gate.writes)[0])
    segment.show(key, "shown in ignorance")
    await expect(segment.save()).rejects.toBeInstanceOf(RunLost)
    expect(segment.signal.reason).toBeInstanceOf(RunLost)
    const heard = listener.heard.length
    segment.show(key, "shown after the loss")
    expect(listener.heard).toHaveLength(heard)
    await expect(segment.save()).rejects.toBeInstanceOf(RunLost)
    segment.close("gone")
    await expect(segment.save()).rejects.toBeInstanceOf(RunLost)
  })

  it("that is to end shows nothing more either", async () => {
    const { segment, listener } = await speaking()
    segment.show(key, "before")
    segment.abort(new RunCancelled("RUN_CANCELLED"))
    segment.show(key, "after")
    expect(listener.text).toBe("before")
    await segment.save()
    expect(segment.state.shown).toBe("before")
  })
})

describe("a save that fails (S5)", () => {
  it("loses nothing: the next one carries what it could not write, under the same numbers", async () => {
    const { segment, gate, run, listener } = await speaking()
    segment.show(key, "a")
    segment.take(callCompleted(1))
    segment.addMessage(ground.runs.message("assistant", "Hi"))
    gate.failNext(new Error("a fault"))
    await expect(segment.save()).rejects.toThrow("a fault")
    expect(listener.types.at(-1)).toBe("model-text")
    segment.take(note("b"))
    await segment.save()
    expect((await numbersIn(run.runId)).slice(4)).toEqual(["5 model-text", "6 model-call-completed", "7 message-added"])
    expect(await ground.messages(run)).toEqual(["user: Hello", "assistant: Hi"])
    expect(listener.numbers).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it("of an ending leaves the run as it was before, so that it can end otherwise", async () => {
    const { segment, gate, run } = await speaking()
    segment.show(key, "a")
    gate.failNext(new Error("a fault"))
    const { state } = segment
    await expect(segment.end(ending(segment))).rejects.toThrow("a fault")
    expect(segment.state.end).toBeNull()
    expect(segment.state.current).toEqual(state.current)
    expect(segment.ended).toBeNull()
    await segment.end(ending(segment))
    expect(segment.ended?.status).toBe("cancelled")
    expect((await numbersIn(run.runId)).slice(4)).toEqual(["5 model-text", "6 run-cancelled"])
  })

  it("that is the start breaks the run off for good: nothing of it is ever written from here", async () => {
    const { segment, gate, run } = await begin()
    const refusal = new Error("away")
    gate.failNext(refusal)
    const saving = segment.save()
    segment.take({ type: "run-started", at: 1 })
    const second = segment.save()
    await expect(saving).rejects.toBe(refusal)
    await expect(second).rejects.toBe(refusal)
    await expect(segment.end(ending(segment))).rejects.toBe(refusal)
    expect(segment.signal.reason).toBe(refusal)
    expect(gate.writes).toEqual([])
    expect(await ground.log.standing(run.runId)).toBeNull()
  })

  it("that is a start which was refused says so", async () => {
    const { segment, owner, run } = await begin()
    const append = {
      ...run.start,
      append: {
        runId: run.runId,
        threadId: null,
        turn: null,
        epoch: 1,
        savedNumber: 0,
        first: 1,
        last: 9,
        body: "[]",
        messages: [],
        ending: null,
      },
    }
    await owner.start({ ...append, thread: null })
    await expect(segment.save()).rejects.toBeInstanceOf(StartRefused)
  })
})

describe("the bounds of bytes and tokens (S6)", () => {
  it("break the run off with the tokens that pass it", async () => {
    const { segment } = await speaking({ limits: { ...wideBounds, tokensMax: 10 } })
    segment.take(callCompleted(10))
    expect(segment.signal.aborted).toBe(false)
    segment.take(callStarted)
    segment.take(callCompleted(1))
    expect(segment.signal.reason).toMatchObject({ failure: { code: "RUN_TOKENS_EXCEEDED", node: "A" } })
  })

  it("leave out an event that has no room, and let the run end all the same", async () => {
    const { segment, run } = await speaking({ limits: { ...wideBounds, stateBytesMax: 5_000 } })
    const outputs = [[{ json: { text: "x".repeat(5_000) } }]]
    const tooLong: RunEvent = { type: "node-completed", at: 1, node: "A", iteration: 0, attempt: 1, outputs }
    expect(() => segment.take(tooLong)).toThrow(RunBoundPassed)
    expect(segment.signal.reason).toMatchObject({ failure: { code: "RUN_BYTES_EXCEEDED", node: "A" } })
    await segment.end(ending(segment))
    expect((await numbersIn(run.runId)).slice(4)).toEqual(["5 run-cancelled"])
  })

  it("count what was shown, which is written whatever it is", async () => {
    const { segment, run } = await speaking({ limits: { ...wideBounds, stateBytesMax: 5_000 } })
    segment.show(key, "x".repeat(6_000))
    await segment.save()
    expect(segment.signal.reason).toMatchObject({ failure: { code: "RUN_BYTES_EXCEEDED" } })
    expect((await numbersIn(run.runId)).at(-1)).toBe("5 model-text")
  })

  it("count what the run has held before it was claimed", async () => {
    const { segment } = await begin({ limits: { ...wideBounds, stateBytesMax: 5_000 } })
    const { state, command } = segment
    const claimed = await begin({
      limits: { ...wideBounds, stateBytesMax: 5_000 },
      folded: { state, command, chars: 4_990 },
    })
    expect(claimed.segment.signal.reason).toMatchObject({ failure: { code: "RUN_BYTES_EXCEEDED" } })
  })
})

describe("what an append tells", () => {
  it("is handed on: that somebody wants the run to end, and that others of the thread wait", async () => {
    const { segment, run, marks, released, owner } = await speaking()
    const { cx } = ground.ground
    await cx.store.runs.markCancelled({ runId: run.runId }, "RUN_INTERRUPTED")
    segment.take(note("x"))
    await segment.save()
    expect(marks).toEqual(["RUN_INTERRUPTED"])
    await owner.enqueue(ground.runs.turn(await ground.basis(run)), { queuedMax: 10 })
    await segment.end(ending(segment))
    expect(released).toEqual([run.start.thread?.id])
  })
})
