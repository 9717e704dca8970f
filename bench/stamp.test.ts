import { describe, expect, it } from "vitest"
import { makeStampedPiece, nowMs, readStamps } from "./stamp.ts"

describe("stamped pieces", () => {
  it("are read in their order out of whatever is around them, with the time at which they were made", () => {
    const before = nowMs()
    const text = [0, 1, 2].map((index) => `data: {"delta":"${makeStampedPiece(index)}"}\n\n`).join("")
    const stamps = readStamps(text)
    expect(stamps.map(({ index }) => index)).toEqual([0, 1, 2])
    // Times are written to the microsecond.
    for (const { sentMs } of stamps) {
      expect(sentMs).toBeGreaterThanOrEqual(before - 0.001)
      expect(sentMs).toBeLessThanOrEqual(nowMs() + 0.001)
    }
  })

  it("are none where one was cut off before its end", () => {
    expect(readStamps(makeStampedPiece(7).trimEnd())).toEqual([])
  })
})
