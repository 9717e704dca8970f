import { describe, expect, it } from "vitest"
import { definitionOf } from "../testing/definitions.ts"
import { playRun } from "../testing/planned-run.ts"
import type { RunEvent } from "./events.ts"
import { narrate } from "./narration.ts"
import type { RunState } from "./run-state.ts"

/** A run whose only node is under way. */
const { state: underWay } = playRun({ definition: definitionOf({ Talk: "llm" }), eventsMax: 3 })
const key = { node: "Talk", iteration: 0, attempt: 1 }
const usage = { inputTokens: 2, outputTokens: 3, totalTokens: 5 }

const started = (call: number, model = "m"): RunEvent => ({ type: "model-call-started", at: 5, ...key, call, model })
const text = (call: number, ...texts: string[]): RunEvent => ({ type: "model-text", ...key, call, texts })
const completed = (call: number, whole: string | null, finishReason: "stop" | "length" = "stop"): RunEvent => ({
  type: "model-call-completed",
  at: 6,
  ...key,
  call,
  model: `m-${call}`,
  text: whole,
  toolCalls: [],
  finishReason,
  usage,
})
const reset: RunEvent = { type: "content-reset", at: 7, reason: "retry", attempt: 2 }
const said = (whole: string | null): RunEvent => ({ type: "message-added", at: 8, messageId: "msg_1", text: whole })
const after = (...events: readonly RunEvent[]): RunState => events.reduce(narrate, underWay)

describe("a model call", () => {
  it("is open from its beginning to its end, and what it gave is kept by its number", () => {
    expect(after(started(0)).current).toMatchObject({ openCalls: [{ call: 0 }], calls: [] })
    const { current, hasEffects } = after(started(0), completed(0, "Hi"))
    expect(current).toMatchObject({ openCalls: [], calls: [{ call: 0, text: "Hi", model: "m-0" }] })
    expect([after(started(0)).hasEffects, hasEffects]).toEqual([false, true])
  })

  it("has as its text what was shown since it began, where it is not written twice", () => {
    const { current } = after(
      started(0),
      text(0, "a", "b"),
      completed(0, null),
      started(1),
      text(1, "c"),
      completed(1, null),
    )
    expect(current?.calls.map((call) => call.text)).toEqual(["ab", "c"])
  })

  it("adds its tokens to the run's, names its model and says how it ended", () => {
    const state = after(started(0), completed(0, "a"), started(1, "other"), completed(1, "b", "length"))
    expect(state.usage).toEqual({ inputTokens: 4, outputTokens: 6, totalTokens: 10 })
    expect([state.lastModel, state.lastFinish]).toEqual(["m-1", "length"])
    expect(after(started(0, "first"))).toMatchObject({ lastModel: "first", lastFinish: null })
  })

  it("with a summary in the place of older messages marks the run for good", () => {
    const summarized = { ...started(0), summarized: true } as RunEvent
    expect([after(started(0)).isSummarized, after(summarized, started(1)).isSummarized]).toEqual([false, true])
  })
})

describe("model calls of several lanes", () => {
  const inLane = (event: RunEvent, lane: string): RunEvent => ({ ...event, lane }) as RunEvent

  it("are told apart by their lanes, and each is open until it ends itself", () => {
    const both = [inLane(started(0), "0/0.0"), inLane(started(0), "0/0.1")]
    const one = after(...both, inLane(completed(0, "second"), "0/0.1"))
    expect(one.current).toMatchObject({
      openCalls: [{ lane: "0/0.0", call: 0 }],
      calls: [{ lane: "0/0.1", call: 0, text: "second" }],
    })
    const two = [one, inLane(completed(0, "first"), "0/0.0")] as const
    expect(narrate(...two).current).toMatchObject({ openCalls: [], calls: [{ text: "second" }, { text: "first" }] })
  })

  it("that begin again after a crash are open once", () => {
    expect(after(inLane(started(0), "1"), inLane(started(0), "1")).current?.openCalls).toEqual([{ lane: "1", call: 0 }])
  })
})

describe("a tool call", () => {
  const place = (index: number) => ({ ...key, lane: "0", call: 0, index })
  const begun = (index: number): RunEvent => ({
    type: "tool-call-started",
    at: 6,
    ...place(index),
    tool: { id: `call_${index}`, name: "add", arguments: {} },
  })
  const ended = (index: number, outcome: { result: string } | { error: string }): RunEvent => ({
    type: "tool-call-completed",
    at: 7,
    ...place(index),
    id: `call_${index}`,
    outcome,
  })

  it("is kept by its place with what it came to, in whatever order calls end", () => {
    const state = after(begun(0), begun(1), ended(1, { error: "no" }))
    expect(state.current?.tools).toEqual([
      { lane: "0", call: 0, index: 0, outcome: null },
      { lane: "0", call: 0, index: 1, outcome: { error: "no" } },
    ])
    expect(narrate(state, ended(0, { result: "3" })).current?.tools[0]?.outcome).toEqual({ result: "3" })
  })

  it("counts as an effect from its beginning", () => {
    expect([after().hasEffects, after(begun(0)).hasEffects]).toEqual([false, true])
  })
})

describe("shown text", () => {
  it("grows piece by piece until a message is made of it", () => {
    expect(after(started(0), text(0, "One ", "two"), text(0, " three")).shown).toBe("One two three")
    const state = after(started(0), text(0, "One"), completed(0, null), said(null))
    expect([state.shown, state.reply]).toEqual(["", "One"])
  })

  it("is taken back by a reset, and what comes then stands alone", () => {
    const state = after(started(0), text(0, "Wrong"), reset, started(0), text(0, "Right"), completed(0, null))
    expect(state.shown).toBe("Right")
    expect(state.current?.calls[0]?.text).toBe("Right")
  })

  it("makes no part of a message that has a text of its own", () => {
    expect(after(started(0), text(0, "draft"), said("Final"))).toMatchObject({ reply: "Final", shown: "" })
  })
})

describe("messages", () => {
  it("are joined by a blank line", () => {
    expect([
      after().reply,
      after(said("One")).reply,
      after(said("One"), said("")).reply,
      after(said("A"), said("B")).reply,
    ]).toEqual([null, "One", "One\n\n", "A\n\nB"])
  })
})

describe("a run that was called", () => {
  it("is kept with the execution that called it, by call", () => {
    const call = (place: number, runId: string): RunEvent => ({
      type: "child-run-started",
      at: 5,
      ...key,
      call: place,
      runId,
    })
    const state = after(call(0, "run_a"), call(1, "run_b"))
    expect(state.current?.children).toEqual([
      { call: 0, runId: "run_a" },
      { call: 1, runId: "run_b" },
    ])
    expect(state.hasEffects).toBe(true)
  })
})

describe("the end of a run", () => {
  const ends: RunEvent[] = [
    { type: "run-completed", at: 9, node: "Talk", messageId: "msg_1", stopReason: "length", usage },
    {
      type: "run-failed",
      at: 9,
      failure: { code: "MODEL_ERROR", message: "no" },
      error: { code: "MODEL_ERROR", message: "no", systemMessage: "no", details: {} },
      messageId: "msg_2",
      traceId: "t",
    },
    { type: "run-cancelled", at: 9, cause: "RUN_INTERRUPTED", messageId: null, partialLength: 3 },
  ]

  it.each(ends)("says how it ended and when, and leaves nothing to be done ($type)", (end) => {
    const state = after(started(0), text(0, "abc"), end)
    expect(state).toMatchObject({ endedAtMs: 9, ready: null, collecting: [], shown: "abc" })
    expect(state.end?.status).toBe(end.type.slice("run-".length))
    expect(state.end?.messageId).toBe("messageId" in end ? end.messageId : undefined)
  })
})

describe("events that are the planner's", () => {
  it("leave everything as it is here", () => {
    const planned: RunEvent = { type: "node-completed", at: 9, ...key, outputs: [[{ json: {} }]] }
    expect(narrate(underWay, planned)).toBe(underWay)
  })
})
