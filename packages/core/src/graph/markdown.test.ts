import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { makeMarkdownStripper, stripMarkdown } from "./markdown.ts"

describe("text without Markdown", () => {
  it("loses headings, emphasis, lists, quotes, links, rules and code marks", () => {
    const text = [
      "# Head",
      "**bold** and __bold__, *soft* and _soft_, ~~gone~~",
      "- one",
      "* [x] two",
      "> said",
      "---",
      "see [the page](https://example.com/a_b) and ![a picture](x.png)",
      "`code` here",
    ].join("\n")
    expect(stripMarkdown(text)).toBe(
      [
        "Head",
        "bold and bold, soft and soft, gone",
        "one",
        "two",
        "said",
        "see the page and a picture",
        "code here",
      ].join("\n"),
    )
  })

  it("keeps the lines of fenced code as they are", () => {
    expect(stripMarkdown("a\n```ts\nconst **x** = 1\n# no head\n```\n**b**")).toBe("a\nconst **x** = 1\n# no head\nb")
  })

  it("keeps what only looks like Markdown", () => {
    for (const text of ["snake_case_name", "2*3*4", "1. first", "#hash", "a - b", "[x] (y)", "C:\\*.txt"]) {
      expect(stripMarkdown(text)).toBe(text)
    }
  })

  it("ends on hostile text, which a pattern that goes back and forth would not", () => {
    // A pattern that tried every way would work for hours; the time limit of tests says so.
    for (const part of [
      "[",
      "[x](",
      '[a](b "c',
      "**",
      "`",
      "_a",
      "> ",
      "- ",
      "- x",
      "*",
      "~~",
      "![",
      "_ ",
      "#",
      " \t",
    ]) {
      expect(typeof stripMarkdown(part.repeat(500_000 / part.length))).toBe("string")
    }
  })

  it("gives a text for any text, never a longer one", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'*_~`[]()!#>- \n"ax\0') }), (text) => {
        expect(stripMarkdown(text).length).toBeLessThanOrEqual(text.length)
      }),
    )
  })
})

describe("a text that comes in pieces", () => {
  it("gives the same as the whole, wherever it is cut", () => {
    const text = "# Title\n\n**bold** and `code`\n---\n```js\n# stays\n```\n- [x] one\n> two\nend"
    for (let cut = 0; cut <= text.length; cut += 1) {
      const stripper = makeMarkdownStripper()
      const pieces = [stripper.push(text.slice(0, cut)), stripper.push(text.slice(cut)), stripper.end()]
      expect(pieces.join("")).toBe(stripMarkdown(text))
    }
    const single = makeMarkdownStripper()
    expect([...text].map((letter) => single.push(letter)).join("") + single.end()).toBe(stripMarkdown(text))
  })

  it("gives whole lines as soon as they are whole, and nothing before", () => {
    const stripper = makeMarkdownStripper()
    expect(stripper.push("**bo")).toBe("")
    expect(stripper.push("ld**\nnext")).toBe("bold")
    expect(stripper.end()).toBe("\nnext")
  })
})
