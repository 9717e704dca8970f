import { describe, expect, it } from "vitest"
import { parseBusyMs, parseMemory, parseStat } from "./process-figures.ts"

/** Fields 3 to 17 of /proc/<pid>/stat: state, parent, …, utime, stime, cutime, cstime. */
const fields = "S 41 7 7 0 -1 4194304 103 0 0 0 250 50 7 3 20 0 1 0"

describe("parseStat", () => {
  it("gives the parent and times in milliseconds", () => {
    expect(parseStat(`7 (node) ${fields}`)).toEqual({ parentId: 41, ownMs: 3_000, childrenMs: 100 })
  })

  it("is not led astray by a program whose name has blanks and parentheses", () => {
    expect(parseStat(`7 (a) R 9 9 (b) ${fields}`)).toEqual({ parentId: 41, ownMs: 3_000, childrenMs: 100 })
  })

  it("refuses what is no such line", () => {
    expect(() => parseStat("")).toThrow("not a line")
    expect(() => parseStat("7 (node) S 41 7")).toThrow("not a line")
  })
})

describe("parseBusyMs", () => {
  it("adds up all that somebody took, without idling, waiting for disks and guests", () => {
    expect(parseBusyMs("cpu  10 20 30 999 888 1 2 4 777 666\ncpu0 1 1 1 1 1 1 1 1 1 1\n")).toBe(670)
  })

  it("refuses what is no such text", () => {
    expect(() => parseBusyMs("intr 5 5 5 5 5 5 5 5")).toThrow("not the text")
    expect(() => parseBusyMs("")).toThrow("not the text")
  })
})

describe("parseMemory", () => {
  it("gives bytes, and does not take Pss_Anon for Pss", () => {
    const text = "0-1 ---p 00000000 00:00 0 [rollup]\nRss:     2048 kB\nPss_Anon:  9 kB\nPss:      1024 kB\n"
    expect(parseMemory(text)).toEqual({ rssBytes: 2_097_152, pssBytes: 1_048_576 })
  })

  it("refuses a text without them", () => {
    expect(() => parseMemory("Rss: 5 kB\n")).toThrow("Pss")
  })
})
