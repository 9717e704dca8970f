import { describe, expect, it } from "vitest"
import type { JsonValue } from "../../json.ts"
import { append, type Execution, emptyLog, type RunState } from "../run-state.ts"
import { staticDataMemory, staticDataOf } from "./static-data.ts"

/** A state of a run whose executions left these memories, by node. */
function stateOf(...memories: readonly (readonly [node: number, memory: JsonValue])[]): RunState {
  let log = emptyLog<Execution>()
  const byNode = [emptyLog<Execution>(), emptyLog<Execution>()]
  for (const [node, memory] of memories) {
    const execution = { node, memory } as unknown as Execution
    log = append(log, execution)
    byNode[node] = append(byNode[node] ?? emptyLog(), execution)
  }
  return { log, byNode } as unknown as RunState
}

describe("static data", () => {
  it("is empty where nothing was kept", () => {
    expect(staticDataOf(stateOf(), 0)).toEqual({ node: {}, global: {} })
    expect(staticDataOf(stateOf([0, null], [0, { since: 1 }], [1, "x"]), 7)).toEqual({ node: {}, global: {} })
  })

  it("of a node is what that node kept last, of all what anybody kept last", () => {
    const state = stateOf(
      [0, staticDataMemory({ node: { a: 1 }, global: { g: 1 } })],
      [1, staticDataMemory({ node: { b: 1 }, global: { g: 2 } })],
      [0, null],
      [1, { context: { noItemsLeft: true } }],
    )
    expect(staticDataOf(state, 0)).toEqual({ node: { a: 1 }, global: { g: 2 } })
    expect(staticDataOf(state, 1)).toEqual({ node: { b: 1 }, global: { g: 2 } })
  })

  it("takes no memory of other forms for its own", () => {
    expect(staticDataOf(stateOf([0, { staticData: { node: [1], global: "x" } }], [0, { staticData: 7 }]), 0)).toEqual({
      node: {},
      global: {},
    })
  })
})
