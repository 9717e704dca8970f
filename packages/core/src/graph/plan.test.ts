import { describe, expect, it } from "vitest"
import { definitionOf } from "../testing/definitions.ts"
import { runInMemory } from "../testing/memory-run.ts"
import {
  comparable,
  createdEvent,
  executionsOf,
  type PlannedOutcome,
  type PlannedRun,
  playRun,
} from "../testing/planned-run.ts"
import type { ExecutionKey, RunEvent } from "./events.ts"
import { advance, fold, initialState } from "./plan.ts"

/** A node at a place on the canvas; its kind is unknown, so that it may have any number of inputs and outputs. */
const put = (x: number, y: number, fields: object = {}) => ({ type: "foreign", position: [x, y], ...fields })
const gives =
  (
    outcomes: Readonly<Record<string, PlannedOutcome | readonly PlannedOutcome[]>>,
  ): NonNullable<PlannedRun["outcome"]> =>
  ({ node, iteration }) => {
    const told = outcomes[node]
    return Array.isArray(told) ? told[iteration] : (told as PlannedOutcome | undefined)
  }
const counts = (...list: number[]): PlannedOutcome => ({ counts: list })

describe("the order of nodes (order v1)", () => {
  //          ┌─> A ──> A2
  //   Start ─┼─> B ──> B2
  //          └─> C
  it("is depth first: each branch runs to its end before the next, from top to bottom whatever the definition's order", () => {
    const nodes = {
      Start: put(0, 0),
      C: put(1, 200),
      B: put(1, 100),
      A: put(1, -100),
      B2: put(2, 100),
      A2: put(2, 500),
    }
    const { order } = playRun({ definition: definitionOf(nodes, ["Start > C", "Start > B > B2", "Start > A > A2"]) })
    expect(order).toEqual(["Start", "A", "A2", "B", "B2", "C"])
  })

  it("goes from left to right where branches are at the same height", () => {
    const nodes = { Start: put(0, 0), Right: put(9, 50), Left: put(-9, 50), Middle: put(0, 50) }
    const { order } = playRun({ definition: definitionOf(nodes, ["Start > Right", "Start > Left", "Start > Middle"]) })
    expect(order).toEqual(["Start", "Left", "Middle", "Right"])
  })

  //            ┌ 0 ─> Low (y 300)
  //   Start ───┼ 1 ─> High (y 100)
  //            └ 2 ─> Middle (y 200)
  it("goes by position also across the outputs of one node", () => {
    const nodes = { Start: put(0, 0), Low: put(1, 300), High: put(1, 100), Middle: put(1, 200) }
    const { lines } = playRun({
      definition: definitionOf(nodes, ["Start > Low", "Start:1 > High", "Start:2 > Middle"]),
      outcome: gives({ Start: counts(1, 1, 1) }),
    })
    expect(lines).toEqual(["Start", "High < Start:1", "Middle < Start:2", "Low < Start"])
  })

  //   Start ═ 0, 1 ═> Join
  it("runs a node once for each output that leads to it, the later output first", () => {
    const { lines } = playRun({
      definition: definitionOf({ Start: put(0, 0), Join: put(1, 0) }, ["Start > Join", "Start:1 > Join"]),
      outcome: gives({ Start: counts(2, 3) }),
    })
    expect(lines).toEqual(["Start", "Join < Start:1", "Join < Start"])
  })

  //   Start ─┬─> A ─┐
  //          └─> B ─┴─> End (one input)
  it("runs a node with one input once for each delivery, at once", () => {
    const nodes = { Start: put(0, 0), A: put(1, 0), B: put(1, 100), End: put(2, 50) }
    const { lines } = playRun({ definition: definitionOf(nodes, ["Start > A > End", "Start > B > End"]) })
    expect(lines).toEqual(["Start", "A < Start", "End < A", "B < Start", "End < B"])
  })

  it("ends behind a node that puts out nothing, and does not start what gets no items", () => {
    const nodes = { Start: put(0, 0), Never: put(1, 0), End: put(1, 100) }
    const { order, command } = playRun({
      definition: definitionOf(nodes, ["Start > Never", "Start:1 > End"]),
      outcome: gives({ Start: counts(0, 1) }),
    })
    expect(order).toEqual(["Start", "End"])
    expect(command).toMatchObject({ type: "complete", node: "End" })
  })

  it("has as its output the first output with items of the node that ran last", () => {
    const { command } = playRun({
      definition: definitionOf({ Start: put(0, 0), Last: put(1, 0) }, ["Start > Last"]),
      outcome: gives({ Last: counts(0, 0, 2, 1) }),
    })
    expect(command).toMatchObject({ type: "complete", node: "Last", items: [{ json: { from: "Last#0:2" } }, {}] })
  })

  it("is empty where nothing is connected and nothing is put out", () => {
    const { command } = playRun({ definition: definitionOf({ Start: "noOp" }), outcome: gives({ Start: counts() }) })
    expect(command).toEqual({ type: "complete", node: "Start", items: [] })
  })

  it("starts nowhere but at the node that the run names, and fails where there is no such node", () => {
    const definition = definitionOf({ A: put(0, 0), B: put(1, 0) }, ["A > B"])
    expect(playRun({ definition, start: "B" }).order).toEqual(["B"])
    expect(playRun({ definition, start: "Nobody" }).command).toMatchObject({
      type: "fail",
      failure: { code: "NO_START_NODE" },
    })
  })
})

describe("a node with several inputs", () => {
  //   Start ─┬─> A ────────┐0
  //          └─> B ──> B2 ─┴1─> M ──> End
  const nodes = { Start: put(0, 0), A: put(1, 0), B: put(1, 100), B2: put(2, 100), M: put(3, 50), End: put(4, 50) }
  const links = ["Start > A > M", "Start > B > B2 > M:1", "M > End"]

  it("waits until each input was delivered to", () => {
    const { lines } = playRun({ definition: definitionOf(nodes, links) })
    expect(lines).toEqual(["Start", "A < Start", "B < Start", "B2 < B", "M < A, B2", "End < M"])
  })

  it("runs with what it has once nothing else is ready, where one input can get nothing any more", () => {
    const { lines } = playRun({ definition: definitionOf(nodes, links), outcome: gives({ B: counts(0) }) })
    expect(lines).toEqual(["Start", "A < Start", "B < Start", "M < A, -", "End < M"])
  })

  it("runs with its second input alone where the first gets nothing", () => {
    const { lines } = playRun({ definition: definitionOf(nodes, links), outcome: gives({ A: counts(0) }) })
    expect(lines).toEqual(["Start", "A < Start", "B < Start", "B2 < B", "M < -, B2", "End < M"])
  })

  it("takes an empty delivery to a later input as one: it came, and nothing was in it", () => {
    const { lines } = playRun({ definition: definitionOf(nodes, links), outcome: gives({ B2: counts(0) }) })
    expect(lines).toEqual(["Start", "A < Start", "B < Start", "B2 < B", "M < A, B2", "End < M"])
  })

  it("does not run where no input has items", () => {
    const { order, command } = playRun({
      definition: definitionOf(nodes, links),
      outcome: gives({ A: counts(0), B2: counts(0) }),
    })
    expect(order).toEqual(["Start", "A", "B", "B2"])
    expect(command).toMatchObject({ type: "complete", node: "B2", items: [] })
  })

  //   Start ─┬─> A ─┬─0─> M
  //          │      └─> A2 ─0─┘
  //          └─> B ────1──┘
  it("keeps the second delivery to one input for another run of the node", () => {
    const twice = { Start: put(0, 0), A: put(1, 0), A2: put(2, 0), B: put(1, 100), M: put(3, 50) }
    const { lines } = playRun({
      definition: definitionOf(twice, ["Start > A > M", "A > A2 > M", "Start > B > M:1"]),
    })
    expect(lines).toEqual(["Start", "A < Start", "A2 < A", "B < Start", "M < A, B", "M < A2, -"])
  })

  it("has as many inputs as something is connected to: with only the last of three connected the others are empty", () => {
    const { lines } = playRun({
      definition: definitionOf({ Start: put(0, 0), M: put(1, 0) }, ["Start > M:2"]),
    })
    expect(lines).toEqual(["Start", "M < -, -, Start"])
  })

  it("with only the first input connected is a node with one input", () => {
    const { lines } = playRun({
      definition: definitionOf({ Start: put(0, 0), M: put(1, 0, { type: "merge" }) }, ["Start > M"]),
    })
    expect(lines).toEqual(["Start", "M < Start"])
  })

  //   Start ─1─> Late ───┐1      Late and Early both wait for an input that never comes;
  //         └─1─> Early ─┘0      Early leads to Late
  it("does not run before another one that waits and leads to it", () => {
    const two = { Start: put(0, 0), Late: put(1, -100), Early: put(1, 100) }
    const { lines } = playRun({
      definition: definitionOf(two, ["Start > Late:1", "Start > Early:1", "Early > Late"]),
    })
    expect(lines).toEqual(["Start", "Early < -, Start", "Late < Early, Start"])
  })

  it("runs by position among those that wait and do not lead to each other", () => {
    const two = { Start: put(0, 0), Low: put(1, 100), High: put(1, -100) }
    const { order } = playRun({ definition: definitionOf(two, ["Start > Low:1", "Start > High:1"]) })
    expect(order).toEqual(["Start", "High", "Low"])
  })

  it("runs also where those that wait lead to each other in a circle", () => {
    const two = { Start: put(0, 0), A: put(1, 100), B: put(1, -100) }
    const { order } = playRun({
      definition: definitionOf(two, ["Start > A:1", "Start > B:1", "A > B", "B > A"]),
      outcome: ({ node, iteration }) => (node !== "Start" && iteration > 0 ? counts(0) : undefined),
    })
    expect(order).toEqual(["Start", "B", "A", "B"])
  })

  it("can be delivered to by one node on both inputs", () => {
    const { lines } = playRun({
      definition: definitionOf({ Start: put(0, 0), M: put(1, 0) }, ["Start > M", "Start:1 > M:1"]),
      outcome: gives({ Start: counts(1, 1) }),
    })
    expect(lines).toEqual(["Start", "M < Start, Start:1"])
  })
})

describe("a loop", () => {
  //   Start ──> Count ─0─> Done
  //               ^ └─1─> Body ─┐
  //               └─────────────┘
  const definition = definitionOf({ Start: put(0, 0), Count: put(1, 0), Body: put(2, 100), Done: put(2, -100) }, [
    "Start > Count",
    "Count > Done",
    "Count:1 > Body > Count",
  ])
  const countTo =
    (rounds: number): NonNullable<PlannedRun["outcome"]> =>
    ({ node, iteration }) =>
      node === "Count" ? (iteration < rounds ? counts(0, 1) : counts(1, 0)) : undefined

  it("goes round as long as its counter says so, and on behind it", () => {
    expect(playRun({ definition, outcome: countTo(2) }).lines).toEqual([
      "Start",
      "Count < Start",
      "Body < Count:1",
      "Count < Body",
      "Body < Count#1:1",
      "Count < Body#1",
      "Done < Count#2",
    ])
  })

  it("keeps what a node remembers from one run of it to the next", () => {
    const { state } = playRun({
      definition,
      outcome: ({ node, iteration }) =>
        node === "Count" ? { counts: iteration < 3 ? [0, 1] : [1, 0], memory: { round: iteration } } : undefined,
    })
    expect(state.byNode[1]?.entries.map(({ memory }) => memory)).toEqual([0, 1, 2, 3].map((round) => ({ round })))
  })

  it("of one node alone goes round as well", () => {
    const { order } = playRun({
      definition: definitionOf({ A: put(0, 0) }, ["A > A"]),
      outcome: ({ iteration }) => (iteration === 4 ? counts(0) : undefined),
    })
    expect(order).toEqual(["A", "A", "A", "A", "A"])
  })

  it("fails with RUN_LOOPS_EXCEEDED where a node would run more often than allowed", () => {
    const { order, command } = playRun({ definition, outcome: countTo(100), limits: { loopsMax: 3 } })
    expect(order.filter((name) => name === "Count")).toHaveLength(3)
    expect(command).toMatchObject({ type: "fail", failure: { code: "RUN_LOOPS_EXCEEDED", node: "Count" } })
  })

  it("that needs exactly as many rounds as are allowed does not fail", () => {
    expect(playRun({ definition, outcome: countTo(2), limits: { loopsMax: 3 } }).command.type).toBe("complete")
  })
})

describe("the bounds of a run", () => {
  const chain = definitionOf({ A: put(0, 0), B: put(1, 0), C: put(2, 0) }, ["A > B > C"])

  it("let a run execute as many nodes as allowed, and not one more", () => {
    expect(playRun({ definition: chain, limits: { executionsMax: 3 } }).command.type).toBe("complete")
    const { order, command } = playRun({ definition: chain, limits: { executionsMax: 2 } })
    expect(order).toEqual(["A", "B"])
    expect(command).toMatchObject({ type: "fail", failure: { code: "RUN_EXECUTIONS_EXCEEDED", node: "C" } })
  })

  it("let a node put out as many items as allowed on each output, and not one more", () => {
    const run = { definition: chain, limits: { itemsMax: 5 } }
    expect(playRun({ ...run, outcome: gives({ A: counts(5, 5) }) }).command.type).toBe("complete")
    const { order, command } = playRun({ ...run, outcome: gives({ A: counts(0, 6) }) })
    expect(order).toEqual(["A"])
    expect(command).toMatchObject({ type: "fail", failure: { code: "RUN_ITEMS_EXCEEDED", node: "A" } })
  })

  it("hold for a node with several inputs that runs last", () => {
    const { command } = playRun({
      definition: definitionOf({ Start: put(0, 0), M: put(1, 0) }, ["Start > M:1"]),
      limits: { executionsMax: 1 },
    })
    expect(command).toMatchObject({ type: "fail", failure: { code: "RUN_EXECUTIONS_EXCEEDED", node: "M" } })
  })
})

describe("a node that fails", () => {
  //   A ──> B ─0─> After
  //          └─1─> Rescue
  const definition = (fields: object) =>
    definitionOf({ A: put(0, 0), B: put(1, 0, fields), After: put(2, 0), Rescue: put(2, 100) }, [
      "A > B > After",
      "B:1 > Rescue",
    ])
  const fails = gives({ A: counts(2), B: { fails: "EXPRESSION_ERROR" } })

  it("ends the run where its onError is stopWorkflow", () => {
    const { order, command, state } = playRun({ definition: definition({}), outcome: fails })
    expect(order).toEqual(["A", "B"])
    expect(command).toEqual({ type: "fail", failure: { code: "EXPRESSION_ERROR", message: "B failed", node: "B" } })
    expect(state.byNode[1]?.entries[0]).toMatchObject({ status: "failed", error: { code: "EXPRESSION_ERROR" } })
  })

  it("gives one item with the error on its regular output where the run goes on there", () => {
    const { lines, state } = playRun({ definition: definition({ onError: "continueRegularOutput" }), outcome: fails })
    expect(lines).toEqual(["A", "B < A", "After < B"])
    expect(state.byNode[1]?.entries[0]).toMatchObject({
      status: "completed",
      outputs: [[{ json: { error: "B failed" } }]],
    })
  })

  it("gives each item it got with the error beside it on the error output where the run goes on there", () => {
    const { lines, state } = playRun({ definition: definition({ onError: "continueErrorOutput" }), outcome: fails })
    expect(lines).toEqual(["A", "B < A", "Rescue < B:1"])
    expect(state.byNode[1]?.entries[0]?.outputs).toEqual([
      [],
      [0, 1].map((place) => ({
        json: { from: "A#0:0", place, error: "B failed" },
        pairedItem: { item: place },
      })),
    ])
  })

  it("gives only the item that it saw on the error output where it runs once for all items", () => {
    const once = definition({ onError: "continueErrorOutput", executeOnce: true })
    const { state } = playRun({ definition: once, outcome: fails })
    expect(state.byNode[1]?.entries[0]?.outputs[1]).toHaveLength(1)
  })

  it("is tried as often as it says, with the pause it says in between, before its onError counts", () => {
    const tried = definition({ retryOnFail: true, maxTries: 3, waitBetweenTries: 250 })
    const { events, steps, command } = playRun({ definition: tried, outcome: fails })
    const waits = steps.flatMap((step) => (step.command.type === "wait" ? [step.command] : []))
    expect(waits.map(({ waitMs, then: key }) => [waitMs, key.node, key.iteration, key.attempt])).toEqual([
      [250, "B", 0, 2],
      [250, "B", 0, 3],
    ])
    expect(events.filter(({ type }) => type === "node-failed")).toHaveLength(3)
    expect(command).toMatchObject({ type: "fail", failure: { node: "B" } })
  })

  it("goes on as if nothing had been where a later try gets through, and counts as one execution", () => {
    const tried = definition({ retryOnFail: true, maxTries: 5 })
    const { order, state } = playRun({
      definition: tried,
      outcome: ({ node, attempt }) => (node === "B" && attempt < 4 ? { fails: "HTTP_ERROR" } : undefined),
    })
    expect(order).toEqual(["A", "B", "After"])
    expect(state.byNode[1]?.entries).toMatchObject([{ attempt: 4, iteration: 0, status: "completed" }])
  })

  it("is not tried again where its failure says that this is of no use", () => {
    const tried = definition({ retryOnFail: true, maxTries: 5 })
    const { events } = playRun({
      definition: tried,
      outcome: gives({ B: { fails: "NODE_STOPPED", retryable: false } }),
    })
    expect(events.filter(({ type }) => type === "node-failed")).toHaveLength(1)
  })

  it("keeps what its earlier tries have achieved", () => {
    const tried = definition({ retryOnFail: true, maxTries: 2 })
    const { plan, steps } = playRun({ definition: tried, outcome: fails, eventsMax: 5 })
    const key = { node: "B", iteration: 0, attempt: 1 }
    const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 3 }
    const events: RunEvent[] = [
      { type: "model-call-started", at: 9, ...key, call: 0, model: "m" },
      {
        type: "model-call-completed",
        at: 9,
        ...key,
        call: 0,
        model: "m",
        text: "x",
        toolCalls: [],
        finishReason: "stop",
        usage,
      },
      { type: "node-failed", at: 9, ...key, error: { code: "MODEL_ERROR", message: "no" }, retryable: true },
      { type: "node-started", at: 9, ...key, attempt: 2 },
    ]
    const before = steps.at(-1)?.state ?? initialState(plan.graph)
    const after = events.reduce((state, event) => advance(plan, state, event).state, before)
    expect(after.current).toMatchObject({ attempt: 2, calls: [{ call: 0, text: "x" }], openCalls: [] })
  })
})

describe("a tool call of an execution", () => {
  const { plan, steps } = playRun({ definition: definitionOf({ A: "llm" }), eventsMax: 3 })
  const before = steps.at(-1)?.state ?? initialState(plan.graph)
  const place = { node: "A", iteration: 0, attempt: 1, lane: "0", call: 0, index: 0 }
  const tool = { id: "call_a", name: "add", arguments: {} }
  const begun: RunEvent = { type: "tool-call-started", at: 9, ...place, tool }
  const ended: RunEvent = { type: "tool-call-completed", at: 9, ...place, id: "call_a", outcome: { result: "3" } }
  const foldAll = (...events: readonly RunEvent[]) =>
    events.reduce((state, event) => advance(plan, state, event).state, before)

  it("ends once, and not before it began", () => {
    expect(foldAll(ended).current?.tools).toEqual([])
    const { current } = foldAll(begun, ended, { ...ended, outcome: { error: "again" } } as RunEvent)
    expect(current?.tools).toEqual([{ lane: "0", call: 0, index: 0, outcome: { result: "3" } }])
  })

  it("begins once, in the execution that is under way", () => {
    expect(foldAll(begun, begun).current?.tools).toHaveLength(1)
    expect(foldAll({ ...begun, attempt: 2 } as RunEvent, { ...begun, node: "B" } as RunEvent).current?.tools).toEqual(
      [],
    )
  })

  it("stays known to the next attempt, whether it ended or not", () => {
    const other: RunEvent = { ...begun, index: 1 } as RunEvent
    const { current } = foldAll(begun, other, ended, {
      type: "node-started",
      at: 10,
      node: "A",
      iteration: 0,
      attempt: 2,
    })
    expect(current).toMatchObject({
      attempt: 2,
      tools: [
        { index: 0, outcome: { result: "3" } },
        { index: 1, outcome: null },
      ],
    })
    const late = advance(plan, foldAll(begun), { type: "node-started", at: 10, node: "A", iteration: 0, attempt: 2 })
    expect(advance(plan, late.state, { ...ended, attempt: 2 } as RunEvent).state.current?.tools[0]?.outcome).toEqual({
      result: "3",
    })
  })
})

describe("settings that change what a node gives", () => {
  const A = { type: "set", parameters: { mode: "raw", jsonOutput: '{"a":1}' } }

  it("a disabled node passes on its first input", () => {
    const definition = definitionOf(
      { A, B: { ...A, parameters: { jsonOutput: '{"b":2}', mode: "raw" }, disabled: true } },
      ["A > B"],
    )
    expect(runInMemory({ definition, start: "A" }).nodes.B).toEqual([{ outputs: [[{ a: 1 }]] }])
  })

  it("a disabled node of a kind that cannot be run passes on its input as well", () => {
    const definition = definitionOf({ A, B: { type: "foreign", disabled: true } }, ["A > B"])
    expect(runInMemory({ definition, start: "A" }).status).toBe("success")
  })

  it("alwaysOutputData gives one empty item where a node puts out nothing, so that the next one runs", () => {
    const condition = {
      conditions: [{ leftValue: 1, rightValue: 2, operator: { type: "number", operation: "equals" } }],
    }
    const definition = (fields: object) =>
      definitionOf({ A, If: { type: "if", ...fields, parameters: { conditions: condition } }, B: "noOp" }, [
        "A > If > B",
      ])
    expect(runInMemory({ definition: definition({}), start: "A" }).order).toEqual(["A", "If"])
    const always = runInMemory({ definition: definition({ alwaysOutputData: true }), start: "A" })
    expect(always.order).toEqual(["A", "If", "B"])
    expect(always.nodes.B).toEqual([{ outputs: [[{}]] }])
  })

  it("executeOnce lets a node see only the first item", () => {
    const definition = definitionOf({ A: "manual", B: { type: "noOp", executeOnce: true } }, ["A > B"])
    const items = [1, 2, 3].map((n) => ({ json: { n } }))
    expect(runInMemory({ definition, start: "A", items }).nodes.B).toEqual([{ outputs: [[{ n: 1 }]] }])
  })

  it("pinned data stands for a node in manual runs, also where its kind cannot be run", () => {
    const definition = {
      ...definitionOf({ A, B: "foreign", C: "noOp" }, ["A > B > C"]),
      pinData: { B: [{ json: { p: 1 } }, { p: 2 }] },
    }
    const run = runInMemory({ definition, start: "A" })
    expect(run.nodes).toMatchObject({
      B: [{ outputs: [[{ p: 1 }, { p: 2 }]] }],
      C: [{ outputs: [[{ p: 1 }, { p: 2 }]] }],
    })
  })
})

describe("an event that does not fit", () => {
  const definition = definitionOf({ A: put(0, 0), B: put(1, 0, { retryOnFail: true, maxTries: 2 }) }, ["A > B"])
  const key = (node: string, fields: Partial<ExecutionKey> = {}) => ({ node, iteration: 0, attempt: 1, ...fields })
  const call = (node: string, fields: object = {}) => ({ ...key(node), call: 0, ...fields })
  const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }
  const error = { code: "CODE_ERROR", message: "no" } as const
  const completed = {
    type: "model-call-completed",
    at: 1,
    model: "m",
    text: "x",
    toolCalls: [],
    finishReason: "stop",
    usage,
  } as const
  const foreign: readonly RunEvent[] = [
    createdEvent("A"),
    { type: "run-started", at: 1 },
    { type: "node-started", at: 1, ...key("Nobody") },
    { type: "node-started", at: 1, ...key("B", { iteration: 1 }) },
    { type: "node-completed", at: 1, ...key("Nobody"), outputs: [] },
    { type: "node-completed", at: 1, ...key("B", { attempt: 9 }), outputs: [] },
    { type: "node-completed", at: 1, ...key("B", { iteration: 7 }), outputs: [] },
    { type: "node-failed", at: 1, ...key("Nobody"), error, retryable: true },
    { type: "node-failed", at: 1, ...key("B", { attempt: 9 }), error, retryable: true },
    { type: "model-call-started", at: 1, ...call("Nobody"), model: "m" },
    { type: "model-call-started", at: 1, ...call("B", { attempt: 9 }), model: "m" },
    { type: "model-text", ...call("B", { attempt: 9 }), texts: ["x"] },
    { type: "model-text", ...call("B", { call: 5 }), texts: ["x"] },
    { ...completed, ...call("B", { iteration: 3 }) },
    { ...completed, ...call("B", { call: 5 }) },
    { type: "child-run-started", at: 1, ...call("Nobody"), runId: "run_1" },
    { type: "run-completed", at: 1, node: null, messageId: null, stopReason: "stop", usage },
  ]
  const { steps, plan } = playRun({
    definition,
    outcome: ({ node, attempt }) => (node === "B" && attempt === 1 ? { fails: "CODE_ERROR" } : undefined),
  })
  // Before the last event every event above is of another moment; after it the run may complete.
  const moments = steps.slice(1, -1).map(({ state }, index) => [index, state] as const)

  it.each(moments)("changes nothing and asks for nothing, at moment %i of a run", (_index, state) => {
    for (const event of foreign) {
      const step = advance(plan, state, event)
      expect(step.state, event.type).toBe(state)
      expect(step.command).toEqual({ type: "none" })
    }
  })

  it("is every event but the first before the first", () => {
    const state = initialState(plan.graph)
    for (const event of foreign.slice(1)) expect(advance(plan, state, event).state).toBe(state)
  })

  it("is every event once the run is over, however it ended", () => {
    const created = advance(plan, initialState(plan.graph), createdEvent("A")).state
    const ends: RunEvent[] = [
      { type: "run-cancelled", at: 5, cause: "RUN_CANCELLED", messageId: null, partialLength: 0 },
      {
        type: "run-failed",
        at: 5,
        failure: error,
        error: { code: "NODE_FAILED", message: "", systemMessage: "", details: {} },
        messageId: null,
        traceId: "t",
      },
    ]
    for (const end of ends) {
      const { state, command } = advance(plan, created, end)
      expect([state.end?.status, command.type]).toEqual([end.type.slice(4), "none"])
      for (const event of [...foreign, ...ends]) expect(advance(plan, state, event).state).toBe(state)
    }
  })

  it("is a try that is not later than the one under way", () => {
    const state = steps[steps.findIndex(({ command }) => command.type === "wait")]?.state ?? initialState(plan.graph)
    expect(advance(plan, state, { type: "node-started", at: 1, ...key("B") }).state).toBe(state)
    expect(advance(plan, state, { type: "node-started", at: 1, ...key("B", { attempt: 2 }) }).command.type).toBe(
      "run-node",
    )
  })
})

describe("the next try of an execution", () => {
  it("is of the node and the iteration under way, and of no other", () => {
    const definition = definitionOf({ A: put(0, 0), B: put(1, 0) }, ["A > B"])
    const { plan, steps } = playRun({ definition, eventsMax: 3 })
    const state = steps.at(-1)?.state ?? initialState(plan.graph)
    const tryOf = (node: string, iteration: number): RunEvent => ({
      type: "node-started",
      at: 1,
      node,
      iteration,
      attempt: 2,
    })
    expect(advance(plan, state, tryOf("B", 0)).state).toBe(state)
    expect(advance(plan, state, tryOf("A", 1)).state).toBe(state)
    expect(advance(plan, state, tryOf("A", 0)).command).toMatchObject({ type: "run-node", node: "A", attempt: 2 })
  })
})

describe("a fold", () => {
  const definition = definitionOf({ Start: put(0, 0), A: put(1, 0), B: put(1, 100), M: put(2, 0) }, [
    "Start > A > M",
    "Start > B > M:1",
  ])

  it("of any prefix of a run's events is the step that the run stood at", () => {
    const { plan, events, steps } = playRun({ definition })
    for (const [index, step] of steps.entries()) {
      const folded = fold(plan, events.slice(0, index + 1))
      expect(comparable(folded.state)).toEqual(comparable(step.state))
      expect(folded.command).toEqual(index === 0 ? { type: "none" } : step.command)
    }
  })

  it("keeps what is to be done while events only tell how things go", () => {
    const { plan, events } = playRun({ definition, eventsMax: 3 })
    const key = { node: "Start", iteration: 0, attempt: 1, call: 0 }
    const told: RunEvent[] = [
      { type: "model-call-started", at: 1, ...key, model: "m" },
      { type: "model-text", ...key, texts: ["a", "b"] },
    ]
    expect(fold(plan, [...events, ...told])).toMatchObject({
      state: { shown: "ab" },
      command: { type: "run-node", node: "Start" },
    })
  })

  it("of no events is the state before any", () => {
    const { plan } = playRun({ definition })
    expect(fold(plan, [])).toEqual({ state: initialState(plan.graph), command: { type: "none" } })
  })

  it("lets two futures begin at one moment, neither of which changes the other", () => {
    const { plan, events } = playRun({ definition, eventsMax: 7 })
    const { state } = fold(plan, events)
    const one = {
      type: "node-completed",
      at: 9,
      node: "B",
      iteration: 0,
      attempt: 1,
      outputs: [[{ json: { one: 1 } }]],
    } as const
    const other = { ...one, outputs: [[{ json: { other: 2 } }]] }
    const started = advance(plan, state, { type: "node-started", at: 8, node: "B", iteration: 0, attempt: 1 }).state
    const first = advance(plan, started, one).state
    const second = advance(plan, started, other).state
    const outputs = [first, second].map((future) => executionsOf(future).at(-1)?.outputs)
    expect(outputs).toEqual([one.outputs, other.outputs])
    expect(started.log.length).toBe(first.log.length - 1)
  })
})
