/** The loop: what is written when, how it ends, its bounds, its tries, and what breaks it off. */
import type { JsonObject } from "@brevet/core/json"
import { definitionOf } from "@brevet/core/testing/definitions"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import type { NewRun, RunOutcome } from "../ports/runs.ts"
import {
  KeptListener,
  type OpenedRuntime,
  passOn,
  RuntimeGround,
  type RuntimeParts,
} from "../testing/runtime-ground.ts"
import { makeDeferred } from "./deferred.ts"
import type { Performer } from "./perform.ts"
import { makeAssistantPerformer } from "./performers/assistant.ts"

let ground: RuntimeGround
beforeAll(async () => {
  ground = await RuntimeGround.make()
})
afterEach(() => ground.closeRuntimes())
afterAll(() => ground.close())

const set = (fields: JsonObject) => ({ type: "set", parameters: { mode: "raw", jsonOutput: JSON.stringify(fields) } })
const llm = (fields: JsonObject = {}) => ({ type: "llm", parameters: { model: "gpt-4o", prompt: "Say it", ...fields } })

type Ran = {
  readonly ended: RunOutcome | null
  readonly opened: OpenedRuntime
  readonly listener: KeptListener
  readonly run: NewRun
}

/** A run to its end, in a runtime of its own. */
async function runToEnd(
  run: NewRun,
  parts: RuntimeParts & { readonly commit?: "first" | "effect" } = {},
): Promise<Ran> {
  const opened = await ground.open(parts)
  const listener = new KeptListener()
  const underWay = await opened.runtime.start(run, { listener, commit: parts.commit ?? "effect" })
  const ended = (await underWay?.ended) ?? null
  return { ended, opened, listener, run }
}

/** A run under way, in a runtime of its own. */
async function launch(run: NewRun, parts: RuntimeParts = {}) {
  const opened = await ground.open(parts)
  const listener = new KeptListener()
  const started = opened.runtime.start(run, { listener, commit: "first" })
  return { opened, listener, ended: started.then((underWay) => underWay?.ended ?? null) }
}

async function cancel(opened: OpenedRuntime, run: NewRun, cause: "RUN_CANCELLED" | "TURN_WITHDRAWN" = "RUN_CANCELLED") {
  const marked = await ground.ground.cx.store.runs.markCancelled({ runId: run.runId }, cause)
  opened.runtime.endMarked(marked)
}

describe("writes", () => {
  //   A ──> B ──> C ──> D     all pure
  it("are one for a run of pure nodes alone, with its beginning and its end", async () => {
    const run = ground.newRun(
      definitionOf({ A: "manual", B: set({ n: 1 }), C: "noOp", D: set({ n: 2 }) }, ["A > B > C > D"]),
    )
    const { ended, opened } = await runToEnd(run)
    expect(ended).toMatchObject({ status: "completed", result: { node: "D" } })
    expect(opened.owner.writes).toHaveLength(1)
    expect((await ground.events(run)).map(({ event }) => event.type)).toEqual([
      "run-created",
      "run-started",
      ...Array.from({ length: 4 }, () => ["node-started", "node-completed"]).flat(),
      "run-completed",
    ])
  })

  //   A ──> B ──> L1 ──> C ──> L2 ──> D      L: a model
  it("are one for each effect, with everything pure before it, and one for the end", async () => {
    const nodes = { A: "manual", B: set({ n: 1 }), L1: llm(), C: "noOp", L2: llm(), D: "noOp" }
    const run = ground.newRun(definitionOf(nodes, ["A > B > L1 > C > L2 > D"]))
    const { opened } = await runToEnd(run)
    const lastOfEach = opened.owner.writes.map(({ body }) => JSON.parse(body).at(-1).type)
    expect(lastOfEach).toEqual(["model-call-started", "model-call-started", "run-completed"])
    expect(ground.model.calls).toBe(2)
  })

  it("are one more where the run is to be in the store before anything is done for it", async () => {
    const run = ground.newRun(definitionOf({ A: "manual" }))
    const { opened } = await runToEnd(run, { commit: "first" })
    expect(opened.owner.writes.map(({ body }) => JSON.parse(body).map(({ type }: { type: string }) => type))).toEqual([
      ["run-created"],
      ["run-started", "node-started", "node-completed", "run-completed"],
    ])
  })

  it("come between where much is unsaved", async () => {
    const big: Performer = async () => [[{ json: { text: "x".repeat(1_100_000) } }]]
    const run = ground.newRun(definitionOf({ A: "assistant", B: "noOp" }, ["A > B"]))
    const { opened } = await runToEnd(run, { perform: big })
    expect(opened.owner.writes).toHaveLength(3)
  })

  it("make a run that takes longer than a moment be in the store, also in the middle of a node", async () => {
    const gate = makeDeferred<void>()
    const opened = await ground.open({ perform: async () => gate.promise.then(() => [[]]) })
    const run = ground.newRun(definitionOf({ A: "assistant" }))
    const underWay = opened.runtime.start(run, { commit: "effect" })
    while ((await ground.log.standing(run.runId)) === null);
    expect((await ground.events(run)).map(({ event }) => event.type)).toEqual([
      "run-created",
      "run-started",
      "node-started",
    ])
    gate.resolve()
    expect((await (await underWay)?.ended)?.status).toBe("completed")
  })

  //   A ──> A ──> …
  it("and others' work are let in while a run of pure nodes goes on and on", async () => {
    const run = ground.newRun(definitionOf({ A: "noOp" }, ["A > A"]))
    let ticks = 0
    const tick = () => {
      ticks += 1
      immediate = setImmediate(tick)
    }
    let immediate = setImmediate(tick)
    const { ended, opened } = await runToEnd(run, { bounds: { executionsMax: 40_000, loopsMax: 40_000 } })
    clearImmediate(immediate)
    expect(ended?.result.failure?.code).toBe("RUN_EXECUTIONS_EXCEEDED")
    expect(ticks).toBeGreaterThan(10)
    expect(opened.owner.writes.length).toBeGreaterThan(1)
  })
})

describe("a fault of ours", () => {
  const broken: Performer = async () => {
    throw new Error("a bug")
  }
  const definition = definitionOf({ A: "assistant" })

  it("ends a run that is in the store with INTERNAL_ERROR as the cause, and is logged once", async () => {
    const run = ground.newRun(definition, { text: "Hello" })
    const { ended, opened, listener } = await runToEnd(run, { perform: broken, commit: "first" })
    expect(ended).toMatchObject({
      status: "failed",
      result: { failure: { code: "INTERNAL_ERROR", node: "A" }, error: { code: "NODE_FAILED" } },
    })
    expect(JSON.stringify(await ground.events(run))).not.toContain("a bug")
    expect(opened.logged).toEqual(["run-broken: a bug"])
    expect(listener.closed).toBe("ended")
    expect(await ground.messages(run)).toEqual(["user: Hello", "assistant: "])
  })

  it("in a run of which nothing is in the store is the trouble of whoever starts it, and leaves nothing behind", async () => {
    const opened = await ground.open({ perform: broken })
    const run = ground.newRun(definition, { text: "Hello" })
    await expect(opened.runtime.start(run, { commit: "effect" })).rejects.toThrow("a bug")
    expect(await ground.log.standing(run.runId)).toBeNull()
    expect(opened.owner.writes).toEqual([])
  })

  it("while the start is on its way ends the run once that has landed", async () => {
    let opened: OpenedRuntime | null = null
    const perform: Performer = async ({ segment }) => {
      opened?.owner.hold()
      segment.save().catch(() => {})
      await opened?.owner.whenHeld()
      throw new Error("a bug")
    }
    opened = await ground.open({ perform })
    const run = ground.newRun(definition, { text: "Hello" })
    const underWay = opened.runtime.start(run, { commit: "effect" })
    await opened.owner.whenHeld()
    opened.owner.letPass()
    expect((await (await underWay)?.ended)?.result.failure?.code).toBe("INTERNAL_ERROR")
    expect((await ground.log.standing(run.runId))?.status).toBe("failed")
  })

  it("when the end is written ends the run otherwise, or leaves it to whoever comes next", async () => {
    let opened: OpenedRuntime | null = null
    const perform: Performer = async (work) => {
      opened?.owner.failNext(new Error("cannot be written"))
      return passOn(work)
    }
    opened = await ground.open({ perform })
    const run = ground.newRun(definition, { text: "Hello" })
    const underWay = await opened.runtime.start(run, { commit: "first" })
    expect((await underWay?.ended)?.result.failure?.code).toBe("INTERNAL_ERROR")
    expect(await ground.messages(run)).toEqual(["user: Hello", "assistant: "])
    const types = (await ground.events(run)).map(({ event }) => event.type)
    expect(types.filter((type) => /run-(completed|failed)|message-added/.test(type))).toEqual(["run-failed"])
  })
})

describe("the bounds of a run", () => {
  const failureOf = ({ ended }: Ran) => [ended?.status, ended?.result.failure?.code, ended?.result.failure?.node]
  const loop = definitionOf({ A: "noOp" }, ["A > A"])

  it("of executions and of loops", async () => {
    const executions = await runToEnd(ground.newRun(loop), { bounds: { executionsMax: 5 } })
    expect(failureOf(executions)).toEqual(["failed", "RUN_EXECUTIONS_EXCEEDED", "A"])
    const loops = await runToEnd(ground.newRun(loop), { bounds: { loopsMax: 5 }, folder: "other" })
    expect(failureOf(loops)).toEqual(["failed", "RUN_LOOPS_EXCEEDED", "A"])
  })

  it("of items", async () => {
    const perform: Performer = async () => [Array.from({ length: 11 }, () => ({ json: {} }))]
    const ran = await runToEnd(ground.newRun(definitionOf({ A: "assistant" })), { perform, bounds: { itemsMax: 10 } })
    expect(failureOf(ran)).toEqual(["failed", "RUN_ITEMS_EXCEEDED", "A"])
  })

  it("of bytes: what does not fit is not kept, and the run can still be read", async () => {
    const perform: Performer = async () => [[{ json: { text: "x".repeat(30_000) } }]]
    const run = ground.newRun(definitionOf({ A: "assistant" }), { text: "Hello" })
    const ran = await runToEnd(run, { perform, bounds: { stateBytesMax: 20_000 } })
    expect(failureOf(ran)).toEqual(["failed", "RUN_BYTES_EXCEEDED", "A"])
    expect(JSON.stringify(await ground.events(run)).length).toBeLessThan(20_000)
    expect(await ground.messages(run)).toEqual(["user: Hello", "assistant: "])
  })

  it("of bytes hold for what the run begins with", async () => {
    const run = ground.newRun(definitionOf({ A: "noOp" }), { items: [{ json: { text: "x".repeat(30_000) } }] })
    const ran = await runToEnd(run, { bounds: { stateBytesMax: 20_000 } })
    expect(failureOf(ran).slice(0, 2)).toEqual(["failed", "RUN_BYTES_EXCEEDED"])
  })

  it("of tokens: no further call is made, also in the middle of a node", async () => {
    ground.model.answerWith(() => ({ text: "Hi", usage: { inputTokens: 30, outputTokens: 30 } }))
    const items = Array.from({ length: 10 }, (_, n) => ({ json: { n } }))
    const run = ground.newRun(definitionOf({ A: "manual", L: llm() }, ["A > L"]), { items })
    const ran = await runToEnd(run, { bounds: { tokensMax: 100 } })
    expect(failureOf(ran)).toEqual(["failed", "RUN_TOKENS_EXCEEDED", "L"])
    expect(ground.model.calls).toBe(2)
    expect(ran.ended?.usage.totalTokens).toBe(120)
  })

  it("of depth", async () => {
    const perform = makeAssistantPerformer({
      calls: { start: async () => null, end: async () => {} },
      waitForEnd: async () => null,
    })
    const definition = definitionOf({ A: { type: "assistant", parameters: { assistant_id: "asst_x", message: "Hi" } } })
    const ran = await runToEnd(ground.newRun(definition), { perform, bounds: { depthMax: 0 } })
    expect(failureOf(ran)).toEqual(["failed", "RUN_DEPTH_EXCEEDED", "A"])
  })

  it("of wall time, whatever the node does", async () => {
    const perform: Performer = ({ segment }) =>
      new Promise((_resolve, reject) => {
        segment.signal.addEventListener("abort", () => reject(new Error("broken off")))
      })
    const ran = await runToEnd(ground.newRun(definitionOf({ A: "assistant" }), { text: "Hello" }), {
      perform,
      bounds: { workMsMax: 30 },
    })
    expect(failureOf(ran)).toEqual(["failed", "RUN_TIMEOUT", "A"])
    expect(ran.opened.logged).toEqual([])
  })

  it("of wall time between tries", async () => {
    const failing = { ...llm(), retryOnFail: true, maxTries: 5, waitBetweenTries: 5_000 }
    ground.model.script([{ status: 500 }])
    const ran = await runToEnd(ground.newRun(definitionOf({ L: failing }), { text: "Hello" }), {
      bounds: { workMsMax: 300 },
    })
    expect(failureOf(ran).slice(0, 2)).toEqual(["failed", "RUN_TIMEOUT"])
  })
})

describe("tries", () => {
  const retrying = (fields: JsonObject = {}) => ({
    ...llm(),
    retryOnFail: true,
    maxTries: 3,
    waitBetweenTries: 0,
    ...fields,
  })

  it("of a model that breaks off take back what was shown, and do not glue the answers together", async () => {
    ground.model.script([{ chunks: ["Wrong ", "way"], breakAfterChunks: 1 }, { chunks: ["Right ", "way"] }])
    const run = ground.newRun(definitionOf({ L: retrying() }), { text: "Hello" })
    const { listener, ended } = await runToEnd(run)
    expect(listener.types).toEqual([
      "run-created",
      "run-started",
      "node-started",
      "model-call-started",
      "model-text",
      "node-failed",
      "content-reset",
      "node-started",
      "model-call-started",
      "model-text",
      "model-text",
      "model-call-completed",
      "node-completed",
      "message-added",
      "run-completed",
    ])
    expect([listener.text, ended?.result.text, ground.model.calls]).toEqual(["Right way", "Right way", 2])
    expect(listener.heard.find(({ event }) => event.type === "content-reset")?.event).toMatchObject({
      reason: "retry",
      attempt: 2,
    })
    expect(await ground.messages(run)).toEqual(["user: Hello", "assistant: Right way"])
  })

  it("that are used up end the run as the model's trouble, with the thread usable afterwards", async () => {
    ground.model.script([{ status: 500, times: 3 }])
    const run = ground.newRun(definitionOf({ L: retrying() }), { text: "Hello", requestHash: "cd".repeat(32) })
    const { ended } = await runToEnd(run)
    expect(ended?.result).toMatchObject({ failure: { code: "MODEL_ERROR", node: "L" }, error: { code: "MODEL_ERROR" } })
    expect(ground.model.calls).toBe(3)
    expect(await ground.basis(run)).toMatchObject({ activeRun: null, messageCount: 2 })
  })

  it("do not make again what an earlier one has achieved", async () => {
    // The second item's call fails once; the first item's answer is kept.
    ground.model.script([{ text: "One" }, { status: 500 }, { text: "Two" }])
    const items = [{ json: { n: 1 } }, { json: { n: 2 } }]
    const run = ground.newRun(definitionOf({ L: retrying() }), { items })
    const { ended, listener } = await runToEnd(run)
    expect(ended?.status).toBe("completed")
    expect(ground.model.calls).toBe(3)
    const outputs = listener.heard.flatMap(({ event }) =>
      event.type === "node-completed" ? (event.outputs[0] ?? []) : [],
    )
    expect(outputs.map(({ json }) => json.text)).toEqual(["One", "Two"])
  })

  //   L ─0─> After       L fails for good
  //     └─1─> Rescue
  it.each([
    { onError: "stopWorkflow", status: "failed", nodes: ["L"], last: null },
    { onError: "continueRegularOutput", status: "completed", nodes: ["L", "After"], last: "After" },
    { onError: "continueErrorOutput", status: "completed", nodes: ["L", "Rescue"], last: "Rescue" },
  ])("and then its onError: $onError", async ({ onError, status, nodes, last }) => {
    ground.model.script([{ status: 500, times: 2 }])
    const definition = definitionOf({ L: retrying({ maxTries: 2, onError }), After: "noOp", Rescue: "noOp" }, [
      "L > After",
      "L:1 > Rescue",
    ])
    const { ended, listener } = await runToEnd(ground.newRun(definition))
    expect([ended?.status, ended?.result.node]).toEqual([status, last])
    const ran = listener.heard.flatMap(({ event }) =>
      event.type === "node-started" && event.attempt === 1 ? [event.node] : [],
    )
    expect(ran).toEqual(nodes)
  })

  it("of one item among several put only that item on the error output", async () => {
    ground.model.script([{ text: "One" }, { status: 500 }, { text: "Three" }])
    const items = [1, 2, 3].map((n) => ({ json: { n } }))
    const definition = definitionOf({ L: { ...llm(), onError: "continueErrorOutput" } })
    const { listener } = await runToEnd(ground.newRun(definition, { items }))
    const outputs = listener.heard.flatMap(({ event }) => (event.type === "node-completed" ? event.outputs : []))
    expect(outputs.map((list) => list.map(({ pairedItem }) => pairedItem))).toEqual([
      [{ item: 0 }, { item: 2 }],
      [{ item: 1 }],
    ])
    expect(outputs[1]?.[0]?.json).toMatchObject({ n: 2, error: expect.any(String) })
  })
})

describe("a run that somebody cancels", () => {
  it("in the middle of its answer ends within the call: the call is closed, and what was shown is its answer", async () => {
    ground.model.script([{ chunks: ["One ", "two ", "three"], holdAfterChunks: 2 }])
    const run = ground.newRun(definitionOf({ L: llm() }), { text: "Hello" })
    const { opened, listener, ended } = await launch(run)
    await listener.until(() => listener.text === "One two ")
    await cancel(opened, run)
    expect(await ended).toMatchObject({
      status: "cancelled",
      result: { text: "One two ", cancelCause: "RUN_CANCELLED" },
    })
    await ground.model.whenAborted()
    expect(listener.types.slice(-2)).toEqual(["model-text", "run-cancelled"])
    expect(await ground.messages(run)).toEqual(["user: Hello", "assistant: One two "])
    expect(await ground.basis(run)).toMatchObject({ activeRun: null, messageCount: 2 })
    expect(opened.logged).toEqual([])
  })

  it("before it has shown anything has no answer", async () => {
    ground.model.hold(0)
    const run = ground.newRun(definitionOf({ L: llm() }), { text: "Hello" })
    const { opened, ended } = await launch(run)
    await ground.model.whenHeld()
    await cancel(opened, run)
    expect(await ended).toMatchObject({ status: "cancelled", result: { text: null, messageId: null } })
    expect(await ground.messages(run)).toEqual(["user: Hello"])
  })

  it("between tries ends at once, as cancelled and not as a fault", async () => {
    ground.model.script([{ status: 500 }])
    const waiting = { ...llm(), retryOnFail: true, maxTries: 5, waitBetweenTries: 5_000 }
    const run = ground.newRun(definitionOf({ L: waiting }), { text: "Hello" })
    const { opened, listener, ended } = await launch(run)
    await listener.until(() => listener.types.includes("node-failed"))
    await cancel(opened, run)
    expect((await ended)?.status).toBe("cancelled")
    expect([ground.model.calls, opened.logged]).toEqual([1, []])
  })

  it("and taken back leaves nothing of the turn in its thread", async () => {
    ground.model.script([{ chunks: ["One ", "two"], holdAfterChunks: 1 }])
    const run = ground.newRun(definitionOf({ L: llm() }), { text: "Hello" })
    const { opened, listener, ended } = await launch(run)
    await listener.until(() => listener.text === "One ")
    await cancel(opened, run, "TURN_WITHDRAWN")
    expect(await ended).toMatchObject({ status: "cancelled", result: { text: null } })
    expect(await ground.messages(run)).toEqual([])
    expect(await ground.basis(run)).toMatchObject({ messageCount: 0, activeRun: null })
  })

  it("by its row alone is told by its next append", async () => {
    const gate = makeDeferred<void>()
    const perform: Performer = async (work) => {
      await gate.promise
      work.segment.take({ type: "child-run-started", at: 1, ...work.key, call: 0, runId: "run_x" })
      await work.segment.save()
      work.segment.signal.throwIfAborted()
      return passOn(work)
    }
    const run = ground.newRun(definitionOf({ A: "assistant", B: "noOp" }, ["A > B"]))
    const { ended, listener } = await launch(run, { perform })
    await listener.until(() => listener.types.includes("run-created"))
    await ground.ground.cx.store.runs.markCancelled({ runId: run.runId }, "RUN_CANCELLED")
    gate.resolve()
    expect((await ended)?.status).toBe("cancelled")
    expect(listener.types).not.toContain("run-completed")
  })

  it("twice, or when it is over, ends once", async () => {
    ground.model.script([{ chunks: ["One ", "two"], holdAfterChunks: 1 }])
    const run = ground.newRun(definitionOf({ L: llm() }), { text: "Hello" })
    const { opened, listener, ended } = await launch(run)
    await listener.until(() => listener.text === "One ")
    await Promise.all([cancel(opened, run), cancel(opened, run)])
    await ended
    await cancel(opened, run)
    expect(listener.types.filter((type) => type === "run-cancelled")).toHaveLength(1)
  })
})

describe("a start that is refused", () => {
  it("gives null, and nothing of what was done for it is shown or kept", async () => {
    const first = ground.newRun(definitionOf({ A: "manual" }), { text: "Hello" })
    const { opened } = await runToEnd(first)
    const basis = await ground.basis(first)
    const run = ground.newRun(definitionOf({ L: llm() }), {
      text: "Again",
      basis: { ...basis, revision: basis.revision + 5 },
    })
    const listener = new KeptListener()
    expect(await opened.runtime.start(run, { listener, commit: "effect" })).toBeNull()
    expect(listener.heard).toEqual([])
    expect(await ground.log.standing(run.runId)).toBeNull()
    expect(await ground.messages(first)).toEqual(["user: Hello", "assistant: Hello"])
  })

  it("after a model call that failed before it is refused all the same, and never half written", async () => {
    const first = ground.newRun(definitionOf({ A: "manual" }), { text: "Hello" })
    const { opened } = await runToEnd(first)
    const basis = await ground.basis(first)
    ground.model.script([{ status: 500 }])
    opened.owner.hold()
    const run = ground.newRun(definitionOf({ L: llm() }), {
      text: "Again",
      basis: { ...basis, revision: basis.revision + 5 },
    })
    const started = opened.runtime.start(run, { commit: "effect" })
    await ground.model.whenCalled()
    await opened.owner.whenHeld()
    opened.owner.letPass()
    expect(await started).toBeNull()
    expect(await ground.log.standing(run.runId)).toBeNull()
  })

  it("by a store that is away is told as SERVICE_UNAVAILABLE, and a later one gets through", async () => {
    const opened = await ground.open()
    opened.cut()
    const definition = definitionOf({ A: "manual" })
    const attempt = () => opened.runtime.start(ground.newRun(definition, { text: "Hello" }), { commit: "effect" })
    // The first ones may find a connection that does not know yet; they wait for the store.
    const outcomes: Promise<unknown>[] = []
    const refused: string[] = []
    while (refused.length === 0) {
      outcomes.push(attempt().catch((error: { code: string }) => refused.push(error.code)))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(new Set(refused)).toEqual(new Set(["SERVICE_UNAVAILABLE"]))
    opened.restore()
    await Promise.all(outcomes)
    expect((await (await attempt())?.ended)?.status).toBe("completed")
  })
})
