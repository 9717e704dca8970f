import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isPlainText } from "./text.ts"
import { cleanTitle, madeTitleLengthMax, titleFromText } from "./thread-title.ts"

describe("a title cut from a text", () => {
  it("is the first line that says something", () => {
    expect(titleFromText("What is the height of the Eiger?")).toBe("What is the height of the Eiger?")
    expect(titleFromText("\n\n  # Trip   to\tBern\nmore")).toBe("Trip to Bern")
    expect(titleFromText("```\ncode only\n```")).toBe("code only")
  })

  it("is cut between words, or within one that is longer than a title", () => {
    const long = titleFromText("How do I configure Docker volumes for my PostgreSQL database on a small server?")
    expect(long).toBe("How do I configure Docker volumes for my…")
    expect(titleFromText("a".repeat(80))).toBe(`${"a".repeat(49)}…`)
    expect([...(titleFromText("🌍".repeat(80)) ?? "")]).toHaveLength(50)
  })

  it("is null where nothing can be read", () => {
    for (const text of ["", " \n\t", "\0\ud800", "***", "---\n\n"]) expect(titleFromText(text)).toBeNull()
  })

  it("is short plain text on one line, whatever was said", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const title = titleFromText(text)
        if (title === null) return
        expect([...title].length).toBeLessThanOrEqual(madeTitleLengthMax)
        expect(isPlainText(title)).toBe(true)
        expect(title).not.toMatch(/[\n\r\t]/)
        expect(title.trim()).toBe(title)
      }),
    )
  })
})

describe("a model's title", () => {
  it("is freed of quotes, labels, Markdown and full stops", () => {
    expect(cleanTitle('"Trip to Bern."')).toBe("Trip to Bern")
    expect(cleanTitle("Title: **Trip to Bern**")).toBe("Trip to Bern")
    expect(cleanTitle("« Voyage à Berne »\n\nVoilà")).toBe("Voyage à Berne")
    expect(cleanTitle("“Titel: Reise”")).toBe("Reise")
  })

  it("is null where nothing is left", () => {
    for (const text of ["", '""', "Title:", "…"]) expect(cleanTitle(text)).toBeNull()
  })
})
