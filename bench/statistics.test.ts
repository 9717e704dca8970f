import { describe, expect, it } from "vitest"
import { percentile, spreadOf } from "./statistics.ts"

describe("percentile", () => {
  it("takes the nearest rank, whatever the order of the samples", () => {
    const samples = [15, 20, 35, 40, 50].reverse()
    expect([0, 5, 30, 40, 50, 99, 100].map((percent) => percentile(samples, percent))).toEqual([
      15, 15, 20, 20, 35, 50, 50,
    ])
  })

  it("orders by number, not by text", () => {
    expect(percentile([9, 10, 100], 100)).toBe(100)
    expect(percentile([9, 10, 100], 1)).toBe(9)
  })

  it("leaves the samples as they are", () => {
    const samples = [3, 1, 2]
    percentile(samples, 50)
    expect(samples).toEqual([3, 1, 2])
  })

  it("refuses to speak of no samples", () => {
    expect(() => percentile([], 50)).toThrow("no sample")
  })
})

describe("spreadOf", () => {
  it("gives the middle one of an odd number and the mean of the middle two of an even one", () => {
    expect(spreadOf([30, 10, 20])).toEqual({ median: 20, min: 10, max: 30, values: [30, 10, 20] })
    expect(spreadOf([4, 1, 2, 3]).median).toBe(2.5)
    expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7, values: [7] })
  })

  it("refuses to speak of no rounds", () => {
    expect(() => spreadOf([])).toThrow("no round")
  })
})
