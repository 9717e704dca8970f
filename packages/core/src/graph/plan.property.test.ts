/**
 * What holds for every graph and every outcome: a run always ends, any prefix of its events folds to where it stood,
 * nothing that is handed in is altered, and the order in which independent branches stand changes only the order.
 */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { definitionOf } from "../testing/definitions.ts"
import {
  comparable,
  executionsOf,
  nextEvent,
  type PlannedOutcome,
  type PlannedRun,
  playGraph,
} from "../testing/planned-run.ts"
import type { ExecutionKey, RunEvent } from "./events.ts"
import type { Graph } from "./graph.ts"
import { advance, fold, type Plan, type PlanLimits } from "./plan.ts"
import { readDefinition } from "./read.ts"
import type { RunState } from "./run-state.ts"

const runs = { numRuns: 300 }
const limits: PlanLimits = { executionsMax: 40, itemsMax: 4, loopsMax: 12 }

type RandomNode = {
  readonly x: number
  readonly y: number
  readonly onError: string
  readonly retries: number
  readonly once: boolean
}
type RandomLink = { readonly from: number; readonly output: number; readonly to: number; readonly input: number }

const node: fc.Arbitrary<RandomNode> = fc.record({
  x: fc.integer({ min: 0, max: 2 }),
  y: fc.integer({ min: 0, max: 2 }),
  onError: fc.constantFrom("stopWorkflow", "continueRegularOutput", "continueErrorOutput"),
  retries: fc.integer({ min: 1, max: 3 }),
  once: fc.boolean(),
})

/** Any graph of up to nine nodes: circles, several inputs and outputs, nodes at one place, nodes that nothing leads to. */
const anyGraph: fc.Arbitrary<Graph> = fc
  .array(node, { minLength: 1, maxLength: 9 })
  .chain((nodes) => {
    const place = fc.integer({ min: 0, max: nodes.length - 1 })
    const port = fc.integer({ min: 0, max: 2 })
    const link: fc.Arbitrary<RandomLink> = fc.record({ from: place, output: port, to: place, input: port })
    return fc.tuple(fc.constant(nodes), fc.array(link, { maxLength: 20 }))
  })
  .map(([nodes, links]) => graphOf(nodes, links))

function graphOf(nodes: readonly RandomNode[], links: readonly RandomLink[]): Graph {
  const named = nodes.map(({ x, y, onError, retries, once }, place) => {
    const tries = retries === 1 ? {} : { retryOnFail: true, maxTries: retries, waitBetweenTries: 0 }
    return [`N${place}`, { type: "foreign", position: [x, y], onError, executeOnce: once, ...tries }] as const
  })
  const texts = links.map(({ from, output, to, input }) => `N${from}:${output} > N${to}:${input}`)
  return readDefinition(definitionOf(Object.fromEntries(named), texts)).graph
}

/** Outcomes drawn once for each execution and try: up to three outputs with up to five items (one too many), or a failure. */
const anyOutcome: fc.Arbitrary<NonNullable<PlannedRun["outcome"]>> = fc
  .func(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc
          .array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 })
          .map((list): PlannedOutcome => ({ counts: list })),
      },
      {
        weight: 1,
        arbitrary: fc.boolean().map((retryable): PlannedOutcome => ({ fails: "CODE_ERROR", retryable })),
      },
      { weight: 1, arbitrary: fc.constant<PlannedOutcome>({ counts: [5] }) },
    ),
  )
  .map((outcome) => (key: ExecutionKey) => outcome(key.node, key.iteration, key.attempt))

/** Alters nothing, and lets nobody else: but for the lists of logs, which are shared and only grow. */
function freeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value
  const isLog = "entries" in value && "length" in value
  for (const [name, inner] of Object.entries(value)) {
    if (isLog && name === "entries") (inner as unknown[]).forEach(freeze)
    else freeze(inner)
  }
  return Object.freeze(value)
}

describe("for every graph and every outcome", () => {
  it("a run ends, by itself or at one of its bounds, within as many events as these allow", () => {
    fc.assert(
      fc.property(anyGraph, anyOutcome, (graph, outcome) => {
        const { command, state, events } = playGraph(graph, { outcome, limits })
        expect(["complete", "fail"]).toContain(command.type)
        expect(state.log.length).toBeLessThanOrEqual(limits.executionsMax)
        for (const log of state.byNode) expect(log.length).toBeLessThanOrEqual(limits.loopsMax)
        // Two events at most for each of three tries, and the two at the beginning.
        expect(events.length).toBeLessThanOrEqual(2 + 6 * limits.executionsMax)
      }),
      runs,
    )
  })

  it("one execution is under way at a time, its number is the next of its node, and it has items", () => {
    fc.assert(
      fc.property(anyGraph, anyOutcome, (graph, outcome) => {
        const { events, state } = playGraph(graph, { outcome, limits })
        let open: string | null = null
        for (const event of events) {
          if (event.type === "node-started") {
            if (event.attempt === 1) expect(open).toBeNull()
            open = `${event.node}/${event.iteration}`
          } else if (event.type === "node-completed") {
            expect(open).toBe(`${event.node}/${event.iteration}`)
            open = null
          } else if (event.type === "node-failed") {
            expect(open).toBe(`${event.node}/${event.iteration}`)
            if (
              state.byNode[graph.ordinalByName.get(event.node) ?? -1]?.entries[event.iteration]?.attempt ===
              event.attempt
            )
              open = null
          }
        }
        for (const execution of executionsOf(state).slice(1)) checkSources(state, execution)
      }),
      runs,
    )
  })

  it("any prefix of its events folds to where the run stood then", () => {
    fc.assert(
      fc.property(anyGraph, anyOutcome, fc.nat(), (graph, outcome, cut) => {
        const { plan, events, steps } = playGraph(graph, { outcome, limits })
        const count = 2 + (cut % (events.length - 1))
        const folded = fold(plan, events.slice(0, count))
        const stood = steps[count - 1]
        expect(comparable(folded.state)).toEqual(comparable(stood?.state ?? folded.state))
        expect(folded.command).toEqual(stood?.command)
      }),
      runs,
    )
  })

  it("a run that is taken up from any prefix goes the same way", () => {
    fc.assert(
      fc.property(anyGraph, anyOutcome, fc.nat(), (graph, outcome, cut) => {
        const whole = playGraph(graph, { outcome, limits })
        const events = whole.events.slice(0, 2 + (cut % (whole.events.length - 1)))
        let step = fold(whole.plan, events)
        for (;;) {
          const event = nextEvent(step, { run: { outcome }, atMs: events.length + 1 })
          if (event === null) break
          step = advance(whole.plan, step.state, event)
          events.push(event)
        }
        expect(events).toEqual(whole.events)
        expect(step.command).toEqual(whole.command)
      }),
      runs,
    )
  })

  it("nothing that is handed in is altered, and the same is given again for the same", () => {
    fc.assert(
      fc.property(anyGraph, anyOutcome, (graph, outcome) => {
        const { plan, events, steps } = playGraph(freeze(graph), { outcome, limits })
        freeze(plan.limits)
        const kept = steps.map(({ state }) => JSON.stringify(comparable(freeze(state))))
        for (const [index, event] of events.slice(1).entries()) {
          const before = steps[index]
          if (before === undefined) throw new Error("there is a step before each event")
          const again = advance(plan, before.state, freeze(event))
          const after = steps[index + 1]
          expect(JSON.stringify(comparable(again.state))).toBe(JSON.stringify(comparable(after?.state ?? again.state)))
          expect(again.command).toEqual(after?.command)
        }
        expect(steps.map(({ state }) => JSON.stringify(comparable(state)))).toEqual(kept)
      }),
      { numRuns: 100 },
    )
  })

  it("events of other moments and of other runs neither throw nor break anything: the run still ends", () => {
    fc.assert(
      fc.property(anyGraph, anyOutcome, anyGraph, anyOutcome, fc.array(fc.nat(), { maxLength: 40 }), (...drawn) => {
        const [graph, outcome, otherGraph, otherOutcome, picks] = drawn
        const { events } = playGraph(otherGraph, { outcome: otherOutcome, limits })
        const plan: Plan = { graph, limits }
        let step = fold(plan, playGraph(graph, { outcome, limits, eventsMax: 2 }).events)
        for (const pick of picks) {
          const event = events[pick % events.length]
          if (event !== undefined) step = foldOn(plan, step, event)
          const fitting = nextEvent(step, { run: { outcome }, atMs: 1 })
          if (fitting !== null) step = foldOn(plan, step, fitting)
        }
        for (let count = 0; count < 8 * limits.executionsMax; count += 1) {
          const event = nextEvent(step, { run: { outcome }, atMs: 1 })
          if (event === null) break
          step = foldOn(plan, step, event)
        }
        expect(["complete", "fail"]).toContain(step.command.type)
      }),
      runs,
    )
  })

  it("a crash in the middle of any execution costs a try and changes nothing else", () => {
    fc.assert(
      fc.property(anyGraph, anyOutcome, fc.array(fc.nat({ max: 200 }), { maxLength: 5 }), (graph, outcome, crashes) => {
        // Without failures, which count tries.
        const calm: NonNullable<PlannedRun["outcome"]> = (key, received) => {
          const told = outcome({ ...key, attempt: 1 }, received)
          return told !== undefined && "fails" in told ? { counts: [1] } : told
        }
        const whole = playGraph(graph, { outcome: calm, limits })
        let step = fold(whole.plan, whole.events.slice(0, 2))
        for (let count = 0; ; count += 1) {
          const event = nextEvent(step, { run: { outcome: calm }, atMs: 1 })
          if (event === null) break
          step = advance(whole.plan, step.state, event)
          if (step.command.type !== "run-node" || !crashes.includes(count)) continue
          const { node: name, iteration, attempt } = step.command
          const again: RunEvent = { type: "node-started", at: 1, node: name, iteration, attempt: attempt + 1 }
          step = advance(whole.plan, step.state, again)
        }
        const outlineOf = (state: RunState) =>
          executionsOf(state).map(({ node: place, iteration, sources, outputs }) => ({
            place,
            iteration,
            sources,
            outputs,
          }))
        expect(outlineOf(step.state)).toEqual(outlineOf(whole.state))
      }),
      runs,
    )
  })
})

/** A step that keeps what is to be done where the event asks for nothing, as whoever works on a run does. */
function foldOn(plan: Plan, step: ReturnType<typeof advance>, event: RunEvent): ReturnType<typeof advance> {
  const next = advance(plan, step.state, event)
  return next.command.type === "none" && next.state.end === null ? { state: next.state, command: step.command } : next
}

/** Every source is an execution that ended before; one at least has items. */
function checkSources(state: RunState, { index, sources }: ReturnType<typeof executionsOf>[number]): void {
  const counts = sources.map((source) => {
    if (source === null) return 0
    const execution = state.byNode[source.node]?.entries[source.iteration]
    if (execution === undefined) throw new Error("a source that has not run")
    expect(execution.index).toBeLessThan(index)
    return execution.outputs[source.output]?.length ?? 0
  })
  expect(Math.max(...counts)).toBeGreaterThan(0)
}

describe("for every graph without circles in which each node has one input", () => {
  const places = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })), {
    minLength: 8,
    maxLength: 8,
  })
  const forwardLinks = fc.array(
    fc.tuple(fc.nat({ max: 7 }), fc.integer({ min: 0, max: 1 }), fc.nat({ max: 7 })).map(([a, output, b]) => ({
      from: Math.min(a, b),
      output,
      to: Math.max(a, b),
      input: 0,
    })),
    { maxLength: 12 },
  )
  const outputs = fc.array(fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }), { minLength: 8, maxLength: 8 })

  /** Which way each execution's items came, without regard to the order in which things ran. */
  function waysOf(nodes: readonly (readonly [number, number])[], links: readonly RandomLink[], counts: number[][]) {
    const acyclic = links.filter(({ from, to }) => from !== to)
    const plain = { onError: "stopWorkflow", retries: 1, once: false }
    const graph = graphOf(
      nodes.map(([x, y]) => ({ x, y, ...plain })),
      acyclic,
    )
    const { state } = playGraph(graph, {
      outcome: ({ node: name }) => ({ counts: counts[graph.ordinalByName.get(name) ?? 0] ?? [] }),
    })
    const ways: string[] = []
    for (const { node: place, sources } of executionsOf(state)) {
      const [source] = sources
      const before = source == null ? "" : ways[state.byNode[source.node]?.entries[source.iteration]?.index ?? -1]
      ways.push(`${before}${source == null ? "" : `:${source.output}`} > ${place}`)
    }
    return ways
  }

  it("the places on the canvas decide the order in which branches run, and nothing but the order", () => {
    fc.assert(
      fc.property(places, places, forwardLinks, outputs, (...drawn) => {
        const [one, other, links, counts] = drawn
        expect(waysOf(one, links, counts).sort()).toEqual(waysOf(other, links, counts).sort())
      }),
      runs,
    )
  })
})
