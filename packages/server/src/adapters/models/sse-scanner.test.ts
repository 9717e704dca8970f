import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FrameTooLong, frameLengthMax, SseScanner } from "./sse-scanner.ts"

function scan(pieces: readonly (string | Buffer)[]): string[] {
  const found: string[] = []
  const scanner = new SseScanner((data) => found.push(data))
  for (const piece of pieces) scanner.feed(Buffer.from(piece))
  scanner.end()
  return found
}

describe("the scanner of event streams", () => {
  it("gives the data of each event and passes over names, ids, retry times and comments", () => {
    expect(scan(["event: a\nid: 1\nretry: 5\n: comment\ndata: one\n\n:\n\ndata:two\n\n"])).toEqual(["one", "two"])
  })

  it("joins several data lines of one event, and takes a bare field for an empty line", () => {
    expect(scan(["data: one\ndata\ndata:  two\n\n"])).toEqual(["one\n\n two"])
  })

  it("does not take a field that only begins like data", () => {
    expect(scan(["database: x\n\n"])).toEqual([])
  })

  it("gives the last event also without a blank line or a line end behind it", () => {
    expect(scan(["data: one\n\ndata: two"])).toEqual(["one", "two"])
  })

  it("drops a byte order mark", () => {
    expect(scan(["\ufeffdata: one\n\n"])).toEqual(["one"])
  })

  it("refuses a line without an end", () => {
    const scanner = new SseScanner(() => {})
    const piece = Buffer.from("x".repeat(frameLengthMax / 2 + 1))
    scanner.feed(piece)
    expect(() => scanner.feed(piece)).toThrow(FrameTooLong)
  })

  it("reads the same with every line end, however the bytes are cut", () => {
    const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) => !/[\r\n]/.test(text)))
    const cuts = fc.array(fc.nat({ max: 200 }))
    fc.assert(
      fc.property(texts, fc.constantFrom("\n", "\r\n", "\r"), cuts, (all, lineEnd, places) => {
        const bytes = Buffer.from(all.map((text) => `data: ${text}${lineEnd}${lineEnd}`).join(""))
        const sorted = [0, ...places.filter((place) => place < bytes.length), bytes.length].sort((a, b) => a - b)
        const pieces = sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end))
        expect(scan(pieces)).toEqual(all)
      }),
    )
  })
})
