import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { readCsv, writeCsv } from "./csv.ts"

const comma = { delimiter: "," }

describe("comma-separated values", () => {
  it.each<[string, string[][]]>([
    [
      "a,b\n1,2\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      "a,b\r\n1,2",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ["\uFEFFa\n", [["a"]]],
    ['"a,b","c""d","e\nf"\n', [["a,b", 'c"d', "e\nf"]]],
    [
      "a,\n,b\n",
      [
        ["a", ""],
        ["", "b"],
      ],
    ],
    ["a,", [["a", ""]]],
    ["\n\na\n\n", [["a"]]],
    ['"never closed,\nb', [["never closed,\nb"]]],
    ['"a"x,b', [["ax", "b"]]],
    ["", []],
  ])("are read: %j", (text, rows) => {
    expect(readCsv(text, comma, 100)).toEqual(rows)
  })

  it("have any delimiter, and as many rows as are wanted", () => {
    expect(readCsv("a;b\n1;2\n3;4\n", { delimiter: ";" }, 2)).toEqual([
      ["a", "b"],
      ["1", "2"],
    ])
    expect(readCsv("a||b", { delimiter: "||" }, 2)).toEqual([["a", "b"]])
  })

  it("come back as they were written, whatever is in them", () => {
    const row = fc.array(fc.string({ unit: "binary" }), { minLength: 2, maxLength: 5 })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), (rows) => {
        expect(readCsv(writeCsv(rows, comma), comma, 100)).toEqual(rows)
      }),
    )
  })
})
