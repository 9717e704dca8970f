import { describe, expect, it } from "vitest"
import { readOptions } from "./options.ts"

const names = ["turns16", "runs16"]

describe("readOptions", () => {
  it("takes measures by their names, and all where none is named", () => {
    expect(readOptions(["runs16"], names)).toMatchObject({
      measures: ["runs16"],
      rounds: 3,
      roundMs: 4_000,
      json: false,
    })
    expect(readOptions([], names).measures).toEqual([])
  })

  it("makes rounds short where a look is enough, and never fewer than three", () => {
    expect(readOptions(["--quick"], names)).toMatchObject({ rounds: 3, roundMs: 1_000, othersCoresMax: Infinity })
    expect(readOptions(["--quick", "--seconds", "2.5"], names).roundMs).toBe(2_500)
    expect(() => readOptions(["--rounds", "2"], names)).toThrow("--rounds must be a number of at least 3")
  })

  it("refuses what it does not know", () => {
    expect(() => readOptions(["turns17"], names)).toThrow("There is no measure turns17. There are: turns16, runs16.")
    expect(() => readOptions(["--seconds", "soon"], names)).toThrow("--seconds")
    expect(() => readOptions(["--others", ""], names)).toThrow("--others")
    expect(() => readOptions(["--fast"], names)).toThrow("--fast")
  })
})
