import { describe, expect, it } from "vitest"
import { definitionOf } from "../testing/definitions.ts"
import { chooseCollecting, deliver, push } from "./deliver.ts"
import type { Graph } from "./graph.ts"
import { initialState } from "./plan.ts"
import { reachOf } from "./reach.ts"
import { readDefinition } from "./read.ts"
import type { Collecting, Execution, RunState, Stack } from "./run-state.ts"

/** A node at a place on the canvas; its kind is unknown, so that it may have any number of inputs and outputs. */
const put = (x: number, y: number) => ({ type: "foreign", position: [x, y] })
const graphOf = (...parts: Parameters<typeof definitionOf>): Graph => readDefinition(definitionOf(...parts)).graph
const ordinal = (graph: Graph, name: string): number => graph.ordinalByName.get(name) ?? -1

/** An execution of a node that put out so many items on each output. */
function executed(graph: Graph, name: string, ...counts: readonly number[]): Execution {
  return {
    index: 0,
    node: ordinal(graph, name),
    iteration: 0,
    attempt: 1,
    status: "completed",
    sources: [],
    outputs: counts.map((count) => Array.from({ length: count }, () => ({ json: {} }))),
    memory: null,
    error: null,
    startedAtMs: 0,
    endedAtMs: 0,
  }
}

/** The names on the ready stack, the next one first. */
function readyOf(graph: Graph, { ready }: RunState): string[] {
  const names: string[] = []
  for (let cell: Stack = ready; cell !== null; cell = cell.below) names.push(graph.nodes[cell.top.node]?.name ?? "")
  return names
}

/** Waiting nodes, with `+` for an input that was delivered to and `.` for one that was not. */
function waiting(graph: Graph, { collecting }: Pick<RunState, "collecting">): string[] {
  return collecting.map(({ node, sources }) => {
    const marks = sources.map((source) => (source === undefined ? "." : "+")).join("")
    return `${graph.nodes[node]?.name} ${marks}`
  })
}

describe("delivering the outputs of an execution", () => {
  it("puts successors on top of what is ready, the highest on the canvas first", () => {
    const graph = graphOf({ A: put(0, 0), Low: put(1, 9), High: put(1, -9), Before: put(0, 0) }, [
      "A > Low",
      "A > High",
    ])
    const state = {
      ...initialState(graph),
      ready: push(null, { node: ordinal(graph, "Before"), sources: [], attempt: 1 }),
    }
    expect(readyOf(graph, deliver(graph, state, executed(graph, "A", 1)))).toEqual(["High", "Low", "Before"])
  })

  it("gives nothing to successors behind outputs without items, nor behind outputs that are not there", () => {
    const graph = graphOf({ A: put(0, 0), B: put(1, 0), C: put(1, 1) }, ["A > B", "A:3 > C"])
    const state = deliver(graph, initialState(graph), executed(graph, "A", 0))
    expect([readyOf(graph, state), state.collecting]).toEqual([[], []])
  })

  it("collects for a node with several inputs until the last of them was delivered to", () => {
    const graph = graphOf({ A: put(0, 0), B: put(0, 1), C: put(0, 2), M: put(1, 0) }, ["A > M:2", "B > M", "C > M:1"])
    const first = deliver(graph, initialState(graph), executed(graph, "A", 1))
    const second = deliver(graph, first, executed(graph, "B", 1))
    const third = deliver(graph, second, executed(graph, "C", 1))
    expect([waiting(graph, first), waiting(graph, second), waiting(graph, third)]).toEqual([["M ..+"], ["M +.+"], []])
    expect(readyOf(graph, third)).toEqual(["M"])
    expect(third.ready?.top.sources.map((source) => source?.node)).toEqual(
      ["B", "C", "A"].map((name) => ordinal(graph, name)),
    )
  })

  it("lets an empty delivery count for every input but the first", () => {
    const graph = graphOf({ A: put(0, 0), B: put(0, 1), M: put(1, 0) }, ["A > M", "B > M:1"])
    expect(waiting(graph, deliver(graph, initialState(graph), executed(graph, "A", 0)))).toEqual([])
    expect(waiting(graph, deliver(graph, initialState(graph), executed(graph, "B", 0)))).toEqual(["M .+"])
  })

  it("opens another collection for a second delivery to one input, and fills the oldest that lacks an input", () => {
    const graph = graphOf({ A: put(0, 0), B: put(0, 1), M: put(1, 0) }, ["A > M", "B > M:1"])
    const a = executed(graph, "A", 1)
    const twice = deliver(graph, deliver(graph, initialState(graph), a), { ...a, iteration: 1 })
    expect(waiting(graph, twice)).toEqual(["M +.", "M +."])
    const filled = deliver(graph, twice, executed(graph, "B", 1))
    expect(waiting(graph, filled)).toEqual(["M +."])
    expect(filled.ready?.top.sources[0]?.iteration).toBe(0)
    expect(filled.collecting[0]?.sources[0]?.iteration).toBe(1)
  })

  it("leaves the state it was given as it was", () => {
    const graph = graphOf({ A: put(0, 0), B: put(0, 1), M: put(1, 0) }, ["A > M", "A > B", "B > M:1"])
    const state = initialState(graph)
    const copy = structuredClone(state)
    deliver(graph, state, executed(graph, "A", 2))
    expect(state).toEqual(copy)
  })
})

describe("choosing among the nodes that wait", () => {
  const collecting = (graph: Graph, ...names: readonly string[]): Collecting[] =>
    names.map((name, place) => ({
      node: ordinal(graph, name),
      sources: [undefined, { node: 0, iteration: place, output: 0 }],
    }))
  const chosen = (graph: Graph, ...names: readonly string[]) => {
    const found = chooseCollecting(graph, collecting(graph, ...names))
    return found === null ? null : graph.nodes[found.node]?.name
  }

  it("finds none where none waits", () => {
    expect(chosen(graphOf({ A: put(0, 0) }))).toBeNull()
  })

  it("takes the highest, and of those at one height the leftmost", () => {
    const graph = graphOf({ A: put(5, 1), B: put(4, 1), C: put(0, 2) })
    expect(chosen(graph, "A", "B", "C")).toBe("B")
  })

  it("takes one that no other leads to, however long the way", () => {
    const graph = graphOf({ Top: put(0, 0), Between: put(0, 50), Low: put(0, 99) }, ["Low > Between > Top"])
    expect(chosen(graph, "Top", "Low")).toBe("Low")
  })

  it("takes the highest of all where they lead to one another", () => {
    const graph = graphOf({ A: put(0, 3), B: put(0, 1), C: put(0, 2) }, ["A > B > C > A"])
    expect(chosen(graph, "A", "B", "C")).toBe("B")
  })

  it("does not hold a node's own loop against it", () => {
    const graph = graphOf({ A: put(0, 0), B: put(0, 1) }, ["A > A"])
    expect(chosen(graph, "B", "A")).toBe("A")
  })

  it("takes of two collections of one node the one that began first", () => {
    const graph = graphOf({ A: put(0, 0) })
    const [first, second] = collecting(graph, "A", "A")
    if (first === undefined || second === undefined) throw new Error("there are two")
    expect(chooseCollecting(graph, [first, second])).toBe(first)
    expect(chooseCollecting(graph, [second, first])).toBe(second)
  })
})

describe("what a node leads to", () => {
  it("is everything behind it, itself only by a circle", () => {
    const graph = graphOf({ A: put(0, 0), B: put(0, 1), C: put(0, 2), D: put(0, 3) }, ["A > B > C > B", "C > D"])
    expect(["A", "B", "C", "D"].map((name) => [...reachOf(graph, ordinal(graph, name))].join(""))).toEqual([
      "0111",
      "0111",
      "0111",
      "0000",
    ])
  })
})
