import { describe, expect, it } from "vitest"
import { makeRows } from "./figures.ts"
import { renderTable } from "./table.ts"

const turns = {
  what: "turns",
  unit: "1/s",
  digits: 0,
  brevet: [900, 1_200, 1_000],
  floor: [2_000, 2_000, 4_000],
} as const

describe("makeRows", () => {
  it("compares within rounds, not medians", () => {
    const [row] = makeRows(turns)
    expect(row?.ratio?.values).toEqual([0.45, 0.6, 0.25])
    expect(row?.ratio?.median).toBe(0.45)
    expect(row?.reached).toBeNull()
  })

  it("judges by the median of what the aim is about", () => {
    const reached = (of: "figure" | "ratio", at: "least" | "most", value: number) =>
      makeRows({ ...turns, aim: { of, at, value } })[0]?.reached
    expect(reached("ratio", "least", 0.45)).toBe(true)
    expect(reached("ratio", "least", 0.46)).toBe(false)
    expect(reached("figure", "most", 1_000)).toBe(true)
    expect(reached("figure", "most", 999)).toBe(false)
  })

  it("has no row for what this machine cannot tell, and no ratio without a floor", () => {
    expect(makeRows({ ...turns, brevet: [] })).toEqual([])
    const [row] = makeRows({ ...turns, floor: [], aim: { of: "ratio", at: "least", value: 1 } })
    expect(row).toMatchObject({ floor: null, ratio: null, reached: null })
  })
})

describe("renderTable", () => {
  it("gives a Markdown table whose columns stand below one another", () => {
    const rows = [
      ...makeRows({ ...turns, aim: { of: "ratio", at: "least", value: 0.5 } }),
      ...makeRows({
        what: "start",
        unit: "ms",
        digits: 1,
        brevet: [431.26],
        aim: { of: "figure", at: "most", value: 600 },
      }),
    ]
    expect(renderTable(rows).split("\n")).toEqual([
      "| what        |            Brevet |               floor |            ratio | aim                            |",
      "| ----------- | ----------------: | ------------------: | ---------------: | ------------------------------ |",
      "| turns (1/s) | 1,000 (900–1,200) | 2,000 (2,000–4,000) | 0.45 (0.25–0.60) | ≥ 0.5 of the floor, **missed** |",
      "| start (ms)  |             431.3 |                   – |                – | ≤ 600, reached                 |",
    ])
  })
})
