import { describe, expect, it } from "vitest"
import { type CpuProfile, renderSummary, summarizeProfile } from "./profile.ts"

const frame = (id: number, functionName: string, place = "") => {
  const [, url = "", line = "1"] = /^(.*?)(?:#(\d+))?$/.exec(place) ?? []
  return { id, callFrame: { functionName, url, lineNumber: Number(line) - 1 } }
}

/** One sample a millisecond from 1,000 ms on: parse, own, own, idle, garbage, wasm. The last one has no end. */
const profile: CpuProfile = {
  nodes: [
    frame(1, "parse", "file:///anywhere/node_modules/@scope/parser/lib/parse.js#10"),
    frame(2, "", "file:///anywhere/packages/server/dist/runtime/segment.js#5"),
    frame(3, "(idle)"),
    frame(4, "(garbage collector)"),
    frame(5, "read", "node:fs"),
    frame(6, "wasm-function[20]", "wasm://wasm/00034eea"),
  ],
  startTime: 1_000_000,
  samples: [1, 2, 2, 3, 4, 6, 5],
  timeDeltas: [0, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000],
}

describe("summarizeProfile", () => {
  it("adds up self times by package, file and function, and leaves idle time out", () => {
    expect(summarizeProfile(profile, [{ fromMs: 0, toMs: 9_999 }])).toEqual({
      busyMs: 5,
      groups: [
        { name: "our server/runtime", ms: 2 },
        { name: "@scope/parser", ms: 1 },
        { name: "(garbage collector)", ms: 1 },
        { name: "wasm", ms: 1 },
        { name: "node", ms: 0 },
      ],
      files: [
        { name: "packages/server/dist/runtime/segment.js", ms: 2 },
        { name: "node_modules/@scope/parser/lib/parse.js", ms: 1 },
        { name: "(garbage collector)", ms: 1 },
        { name: "wasm", ms: 1 },
        { name: "node:fs", ms: 0 },
      ],
      functions: [
        { name: "(anonymous)  packages/server/dist/runtime/segment.js:5", ms: 2 },
        { name: "parse  node_modules/@scope/parser/lib/parse.js:10", ms: 1 },
        { name: "(garbage collector)", ms: 1 },
        { name: "wasm-function[20]  wasm:1", ms: 1 },
        { name: "read  node:fs:1", ms: 0 },
      ],
    })
  })

  it("counts samples within the stretches alone", () => {
    const stretches = [
      { fromMs: 1_002, toMs: 1_003 },
      { fromMs: 1_004, toMs: 1_005 },
    ]
    const { busyMs, groups } = summarizeProfile(profile, stretches)
    expect(busyMs).toBe(2)
    expect(groups).toEqual([
      { name: "our server/runtime", ms: 1 },
      { name: "(garbage collector)", ms: 1 },
    ])
  })
})

describe("renderSummary", () => {
  it("says shares and the time for each thing that was done", () => {
    const summary = summarizeProfile(profile, [{ fromMs: 0, toMs: 9_999 }])
    const text = renderSummary(summary, { title: "turns", done: 8, lines: 1 })
    expect(text.split("\n")).toEqual([
      "turns: 5 ms busy, 625 µs each",
      "  by package",
      "   40.0 %   250.0 µs  our server/runtime",
      "  by file",
      "   40.0 %   250.0 µs  packages/server/dist/runtime/segment.js",
      "  by function",
      "   40.0 %   250.0 µs  (anonymous)  packages/server/dist/runtime/segment.js:5",
    ])
  })
})
