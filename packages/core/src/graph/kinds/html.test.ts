import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const page = `<html><head><title>T</title></head><body>
  <h1 id="top"> Hello  <b>World</b></h1>
  <div class="box"><p>One &amp; <a href="/a?x=1&amp;y=2">two</a></p><p>three</p></div>
  <ul><li class="x">One</li><li class="x">Two</li><li>Three <i>3</i></li></ul>
  <input name="q" value="typed"><textarea>long</textarea>
  <select><option>first</option><option selected value="2">second</option></select>
  <table><tr><td>1</td><td>2</td></tr></table><p></p></body></html>`

function extract(value: JsonObject, node: JsonObject = {}, options: JsonObject = {}) {
  const parameters = {
    operation: "extractHtmlContent",
    extractionValues: { values: [{ key: "v", ...value }] },
    options,
  }
  return runKind({ type: "html", parameters, ...node }, [{ data: page }])
}
const taken = (value: JsonObject, node?: JsonObject, options?: JsonObject): JsonValue | undefined =>
  extract(value, node, options).json[0]?.[0]?.v

describe("html taken out of a page", () => {
  it.each<[JsonObject, JsonValue | undefined]>([
    [{ cssSelector: "h1" }, "Hello World"],
    [{ cssSelector: "h1", skipSelectors: "b" }, "Hello"],
    [{ cssSelector: "li" }, "One"],
    [{ cssSelector: "li", returnArray: true }, ["One", "Two", "Three 3"]],
    [{ cssSelector: "li.x:last-of-type", returnArray: true }, []],
    [{ cssSelector: ".box" }, "One & two [/a?x=1&y=2] three"],
    [{ cssSelector: "a", returnValue: "attribute", attribute: "href" }, "/a?x=1&y=2"],
    [{ cssSelector: "a", returnValue: "attribute", attribute: "rel" }, undefined],
    [{ cssSelector: "a", returnValue: "attribute", attribute: "constructor" }, undefined],
    [{ cssSelector: "li", returnValue: "attribute", attribute: "class", returnArray: true }, ["x", "x"]],
    [{ cssSelector: "li:nth-child(3)", returnValue: "html" }, "Three <i>3</i>"],
    [{ cssSelector: ".box p:first-child", returnValue: "html" }, 'One &amp; <a href="/a?x=1&amp;y=2">two</a>'],
    [{ cssSelector: "input", returnValue: "value" }, "typed"],
    [{ cssSelector: "textarea", returnValue: "value" }, "long"],
    [{ cssSelector: "select", returnValue: "value" }, "2"],
    [{ cssSelector: "h1", returnValue: "value" }, undefined],
    [{ cssSelector: "td:contains('2')" }, "2"],
    [{ cssSelector: "li:eq(1)" }, "Two"],
    [{ cssSelector: "title" }, "T"],
    [{ cssSelector: "gone" }, ""],
    [{ cssSelector: "gone", returnValue: "html" }, undefined],
    [{ cssSelector: "gone", returnArray: true }, []],
  ])("%j is %j", (value, expected) => {
    expect(taken(value)).toEqual(expected)
  })

  it("keeps blanks and lines where it is told to, and joins all characters before version 1.2", () => {
    expect(taken({ cssSelector: ".box", skipSelectors: "a" }, {}, { cleanUpText: false })).toBe("One &\n\nthree")
    const title = (options: JsonObject) => taken({ cssSelector: "h1", returnValue: "html" }, {}, options)
    expect(title({})).toBe("Hello <b>World</b>")
    expect(title({ cleanUpText: false })).toBe("Hello  <b>World</b>")
    expect(title({ trimValues: false, cleanUpText: false })).toBe(" Hello  <b>World</b>")
    expect(taken({ cssSelector: ".box" }, { typeVersion: 1 })).toBe("One & twothree")
    expect(taken({ cssSelector: "gone" }, { typeVersion: 1 })).toBeUndefined()
  })

  it("reads a nested field, and makes an item of each page in a list, with its lineage", () => {
    const parameters = {
      operation: "extractHtmlContent",
      dataPropertyName: "a.pages",
      extractionValues: {
        values: [
          { key: "p", cssSelector: "p" },
          { key: "n.x", cssSelector: "b" },
        ],
      },
    }
    const outcome = runKind({ type: "html", parameters }, [
      { a: { pages: "<p>0" } },
      { a: { pages: ["<p>1<b>b</b>", "<p>2"] } },
    ])
    expect(outcome.outputs).toEqual([
      [
        { json: { p: "0", "n.x": "" }, pairedItem: { item: 0 } },
        { json: { p: "1b", "n.x": "b" }, pairedItem: { item: 1 } },
        { json: { p: "2", "n.x": "" }, pairedItem: { item: 1 } },
      ],
    ])
  })

  it.each<JsonObject>([
    { cssSelector: "a[" },
    { cssSelector: "" },
    { cssSelector: "a".repeat(2_000) },
    { cssSelector: "a", returnValue: "colour" },
    { cssSelector: "a", key: "__proto__" },
    { cssSelector: "h1", skipSelectors: "[" },
  ])("is refused for %j", (value) => {
    expect(extract(value).code).toBe("NODE_SETTINGS_INVALID")
  })

  it.each<[string, string]>([
    ["deep", "<div>".repeat(300_000)],
    ["deep and marked", "<b>x".repeat(300_000)],
    ["wide", "<br>".repeat(20_000)],
    ["full", `<div>${"<i></i>".repeat(5_000)}</div>`.repeat(25)],
    ["long", "x".repeat(2_000_001)],
    ["the same in itself", `${"<div>".repeat(250)}${"x".repeat(50_000)}`],
  ])("is refused for a page that is too %s, at once", (_name, data) => {
    const parameters = {
      operation: "extractHtmlContent",
      extractionValues: { values: [{ key: "v", cssSelector: "*", returnArray: true }] },
    }
    expect(runKind({ type: "html", parameters }, [{ data }]).code).toBe("NODE_SETTINGS_INVALID")
  })

  it.each<[JsonValue, JsonValue]>([
    ["", ""],
    ["no <html", ""],
    [5, ""],
    [{ a: 1 }, ""],
    [[], []],
  ])("bears %j for a page", (data) => {
    const parameters = {
      operation: "extractHtmlContent",
      extractionValues: { values: [{ key: "v", cssSelector: "p" }] },
    }
    expect(runKind({ type: "html", parameters }, [{ data }]).code).toBeNull()
  })

  it("goes item by item: what fails goes where the node sends it", () => {
    const parameters = {
      operation: "extractHtmlContent",
      extractionValues: { values: [{ key: "v", cssSelector: "p" }] },
    }
    const run = (onError: string) => runKind({ type: "html", onError, parameters }, [{ n: 1 }, { data: "<p>x" }])
    expect(run("stopWorkflow").code).toBe("NODE_SETTINGS_INVALID")
    expect(run("continueRegularOutput").json).toEqual([[{ error: expect.any(String) }, { v: "x" }]])
    expect(run("continueErrorOutput").json).toEqual([[{ v: "x" }], [{ n: 1, error: expect.any(String) }]])
  })
})

describe("html from a template", () => {
  it.each<[JsonValue, string]>([
    ["=<p>{{ $json.name }}</p>", "<p>A & B</p>"],
    ["<p>{{ $json.name }}</p>", "<p>A & B</p>"],
    ["={{ $json.name }}", "A & B"],
    ["<style>a { b: c }</style>", "<style>a { b: c }</style>"],
    ["={{ $json.none }}", ""],
    [5, "5"],
    [null, ""],
  ])("%j is %j", (html, expected) => {
    const outcome = runKind({ type: "html", parameters: { html } }, [{ name: "A & B" }])
    expect(outcome.outputs).toEqual([[{ json: { html: expected }, pairedItem: { item: 0 } }]])
  })
})

describe("html as a table", () => {
  const table = (options: JsonObject, items: JsonObject[]) =>
    runKind({ type: "html", parameters: { operation: "convertToHtmlTable", options } }, items)

  it("has a row for each item and a column for each field", () => {
    expect(
      table({}, [
        { a_b: "<x>", c: true },
        { c: null, d: { e: 1 } },
      ]).json,
    ).toEqual([
      [
        {
          table:
            '<table><thead><tr><th>a_b</th><th>c</th><th>d</th></tr></thead><tbody><tr><td>&lt;x&gt;</td><td><input type="checkbox" disabled checked></td><td></td></tr><tr><td></td><td></td><td>{"e":1}</td></tr></tbody></table>',
        },
      ],
    ])
    const titled = table({ caption: "All", capitalize: true, tableAttributes: 'class="t"' }, [{ a_b: 1 }]).json[0]?.[0]
      ?.table
    expect(titled).toBe(
      '<table class="t"><caption>All</caption><thead><tr><th>A B</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>',
    )
  })

  it("is refused where it would have more cells than a run can bear", () => {
    const items = Array.from({ length: 400 }, (_, index) => ({ [`f${index}`]: 1 }))
    expect(table({}, items).code).toBe("RUN_ITEMS_EXCEEDED")
    expect(table({ cellAttributes: "x".repeat(2_000) }, [{ a: 1 }]).code).toBe("NODE_SETTINGS_INVALID")
  })
})

describe("checking html", () => {
  it.each<[JsonObject, string[]]>([
    [{ html: "<p>" }, []],
    [{}, ["SETTING_MISSING"]],
    [{ operation: "other" }, ["SETTING_INVALID"]],
    [{ operation: "extractHtmlContent" }, ["SETTING_MISSING"]],
    [{ operation: "extractHtmlContent", sourceData: "binary" }, ["SETTING_UNSUPPORTED"]],
    [{ operation: "convertToHtmlTable" }, []],
  ])("%j finds %j", (parameters, codes) => {
    expect(findingsOf({ type: "html", parameters }).map(([code]) => code)).toEqual(codes)
  })
})
