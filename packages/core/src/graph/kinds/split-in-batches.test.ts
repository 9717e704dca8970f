import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { definitionOf } from "../../testing/definitions.ts"
import { findingsOf, runKind, wholeNode } from "../../testing/kind-run.ts"
import { runInMemory } from "../../testing/memory-run.ts"

/**
 *     Start ──> Data ──> Loop ──done──> Done
 *                         │  ^
 *                        loop└── Body
 */
function loop(parameters: JsonObject, counts: number, more: { body?: JsonObject; node?: JsonObject } = {}) {
  const body = more.body ?? { type: "noOp" }
  const definition = definitionOf(
    {
      Start: "manual",
      Data: "data",
      Loop: wholeNode({ type: "splitInBatches", parameters, ...more.node }),
      Body: body,
      Done: "noOp",
    },
    ["Start > Data > Loop:0 > Done", "Loop:1 > Body > Loop"],
  )
  const items = Array.from({ length: counts }, (_, n) => ({ n }))
  return runInMemory({ definition, start: "Start", given: { Data: [[items]] }, limits })
}
const limits = { executionsMax: 1_000, itemsMax: 100_000, loopsMax: 300 }
const batches = (outcome: ReturnType<typeof loop>) =>
  outcome.nodes.Body?.map(({ outputs }) => outputs[0]?.map(({ n }) => n))

describe("splitInBatches", () => {
  it.each<[JsonObject, number, number[][]]>([
    [{}, 3, [[0], [1], [2]]],
    [{ batchSize: 2 }, 5, [[0, 1], [2, 3], [4]]],
    [{ batchSize: "2" }, 2, [[0, 1]]],
    [{ batchSize: 100 }, 3, [[0, 1, 2]]],
    [{ batchSize: 1.9 }, 2, [[0], [1]]],
    [{ batchSize: "={{ 2 }}", options: { reset: false } }, 3, [[0, 1], [2]]],
  ])("with %j hands %i items out as %j, and gives them all at the end", (parameters, count, expected) => {
    const outcome = loop(parameters, count)
    expect(batches(outcome)).toEqual(expected)
    expect(outcome.nodes.Done?.[0]?.outputs[0]?.map(({ n }) => n)).toEqual(expected.flat())
    expect(outcome.order.filter((name) => name === "Loop")).toHaveLength(expected.length + 1)
  })

  it("shows expressions how far it is", () => {
    const fields = ["noItemsLeft", "currentRunIndex", "maxRunIndex", "done"]
    const body = {
      type: "set",
      parameters: {
        mode: "raw",
        jsonOutput: `={{ { ${fields.map((name) => `${name}: $('Loop').context.${name}`).join(", ")}, old: $node['Loop'].context.noItemsLeft } }}`,
      },
    }
    const outcome = loop({ batchSize: 2 }, 3, { body })
    expect(outcome.nodes.Body?.map(({ outputs }) => outputs[0]?.[0])).toEqual([
      { noItemsLeft: false, currentRunIndex: 0, maxRunIndex: 2, done: false, old: false },
      { noItemsLeft: true, currentRunIndex: 1, maxRunIndex: 2, done: false, old: true },
    ])
  })

  it("keeps the lineage of every item, in each batch and at the end", () => {
    const body = {
      type: "set",
      parameters: { mode: "raw", jsonOutput: "={{ { from: $('Data').item.json.n, own: $('Loop').item.json.n } }}" },
    }
    const done = {
      type: "set",
      parameters: { mode: "raw", jsonOutput: "={{ { ...$json, data: $('Data').item.json.n } }}" },
    }
    const definition = definitionOf(
      {
        Start: "manual",
        Data: "data",
        Loop: wholeNode({ type: "splitInBatches", parameters: { batchSize: 2 } }),
        Body: body,
        Done: done,
      },
      ["Start > Data > Loop:0 > Done", "Loop:1 > Body > Loop"],
    )
    const items = Array.from({ length: 5 }, (_, n) => ({ n }))
    const outcome = runInMemory({ definition, start: "Start", given: { Data: [[items]] } })
    expect(outcome.items.map(({ json }) => json)).toEqual(items.map(({ n }) => ({ from: n, own: n, data: n })))
  })

  it("begins anew with each execution where it is reset", () => {
    const definition = definitionOf(
      {
        Start: "manual",
        Data: "data",
        Loop: wholeNode({ type: "splitInBatches", parameters: { options: { reset: "={{ $json.page < 3 }}" } } }),
        Body: { type: "set", parameters: { mode: "raw", jsonOutput: "={{ { page: $json.page + 1 } }}" } },
        Done: "noOp",
      },
      ["Start > Data > Loop:0 > Done", "Loop:1 > Body > Loop"],
    )
    const outcome = runInMemory({ definition, start: "Start", given: { Data: [[[{ page: 1 }]]] } })
    expect(outcome.nodes.Body?.map(({ outputs }) => outputs[0])).toEqual([[{ page: 2 }], [{ page: 3 }]])
    expect(outcome.nodes.Done?.[0]?.outputs).toEqual([[{ page: 3 }]])
  })

  it("that is reset for ever ends at the bound of loops", () => {
    expect(loop({ options: { reset: true } }, 1).error?.code).toBe("RUN_LOOPS_EXCEEDED")
  })

  it("has its outputs in another order in version 2, and one alone in version 1", () => {
    const outputs = (typeVersion: number) =>
      runKind({ type: "splitInBatches", typeVersion, parameters: { batchSize: 1 } }, [{ n: 1 }, { n: 2 }]).json
    expect(outputs(3)).toEqual([[], [{ n: 1 }]])
    expect(outputs(2)).toEqual([[{ n: 1 }], []])
    expect(outputs(1)).toEqual([[{ n: 1 }]])
    const ten = Array.from({ length: 11 }, (_, n) => ({ n }))
    expect(runKind({ type: "splitInBatches", typeVersion: 1, parameters: {} }, ten).json[0]).toHaveLength(10)
  })

  it("keeps no items itself, however many it hands out", () => {
    const outcome = loop({ batchSize: 50 }, 10_000)
    expect(outcome.nodes.Done?.[0]?.outputs[0]).toHaveLength(10_000)
  })

  it.each<JsonValue>([0, -1, "x", {}, [], "={{ 'x' }}"])("refuses the batch size %j", (size) => {
    expect(runKind({ type: "splitInBatches", parameters: { batchSize: size } }, [{}]).code).toBe(
      "NODE_SETTINGS_INVALID",
    )
    const found = findingsOf({ type: "splitInBatches", parameters: { batchSize: size } })
    const isExpression = typeof size === "string" && size.startsWith("=")
    expect(found.filter(([code]) => code === "SETTING_INVALID")).toHaveLength(isExpression ? 0 : 1)
  })
})
