import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const run = (parameters: JsonObject, ...items: JsonObject[]) =>
  runKind({ type: "markdown", parameters }, items.length > 0 ? items : [{}])
const toMarkdown = (html: string, options: JsonObject = {}): JsonValue | undefined =>
  run({ html, options }).json[0]?.[0]?.data
const toHtml = (markdown: string, options: JsonObject = {}): JsonValue | undefined =>
  run({ mode: "markdownToHtml", markdown, options }).json[0]?.[0]?.data

describe("HTML to Markdown", () => {
  it.each<[string, string]>([
    ["<h2>A <em>b</em></h2><p>c</p>", "## A _b_\n\nc"],
    ["a<br>b", "a  \nb"],
    ["<p>a  \n b</p>  <p> c </p>", "a b\n\nc"],
    ["<b> x </b>y", "**x** y"],
    ["<b></b>y", "y"],
    ["<del>a</del><s>b</s>", "~~a~~~~b~~"],
    ["1 * 2_3 [x]", "1 \\* 2\\_3 \\[x\\]"],
    ["<code>a`b</code> <code>`</code>", "``a`b`` `` ` ``"],
    ['<pre><code class="language-js">let a\n  b\n</code></pre>', "```js\nlet a\n  b\n```"],
    ["<pre>```</pre>", "````\n```\n````"],
    ['<a href="/x">y</a><a>z</a><a href="/e"></a>', "[y](/x)z"],
    ['<a href="/a b(c)">y</a>', "[y](</a%20b(c)>)"],
    ['<img src="/i.png" alt="an [i]" title="t">', '![an \\[i\\]](/i.png "t")'],
    ['<img src="data:image/png;base64,AA"><img alt="none">', ""],
    ["<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "* a\n* b\n  * c"],
    ['<ol start="3"><li>a</li><li><p>b</p><p>c</p></li></ol>', "3. a\n4. b\n\n   c"],
    ["<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"],
    ["a<hr>b", "a\n\n---\n\nb"],
    ["<table><tr><th>a</th><th>b</th></tr><tr><td>1|2</td></tr></table>", "| a | b |\n| --- | --- |\n| 1\\|2 |  |"],
    ["<div>a<div>b</div>c</div>", "a\n\nb\n\nc"],
    ["<span>a<p>b</p></span>", "a\n\nb"],
    ["<script>x</script><style>y</style><title>t</title>a<!-- c -->", "a"],
    ["a &amp; b &lt;c&gt;", "a & b <c>"],
    ["", ""],
    ["plain", "plain"],
  ])("%j is %j", (html, expected) => {
    expect(toMarkdown(html)).toBe(expected)
  })

  it.each<[JsonObject, string, string]>([
    [{ bulletMarker: "-" }, "<ul><li>a</li></ul>", "- a"],
    [{ emDelimiter: "*", strongDelimiter: "__" }, "<i>a</i> <b>b</b>", "*a* __b__"],
    [{ codeFence: "~~~" }, "<pre>a</pre>", "~~~\na\n~~~"],
    [{ codeBlockStyle: "indented" }, "<pre>a\nb</pre>", "    a\n    b"],
    [{ ignore: "h1, aside" }, "<h1>a</h1><aside>b</aside>c", "c"],
    [{ blockElements: "x-y" }, "a<x-y>b</x-y>", "a\n\nb"],
    [{ keepDataImages: true }, '<img src="data:x">', "![](data:x)"],
    [{ maxConsecutiveNewlines: 1 }, "<p>a</p><p>b</p>", "a\nb"],
    [
      { useLinkReferenceDefinitions: true },
      '<a href="/x">a</a> <a href="/y">b</a> <a href="/x">c</a>',
      "[a][1] [b][2] [c][1]\n\n[1]: /x\n[2]: /y",
    ],
    [{ bulletMarker: {}, codeFence: 5, ignore: 7, maxConsecutiveNewlines: "x" }, "<ul><li>a</li></ul>", "* a"],
    [{ bulletMarker: "x".repeat(100) }, "<ul><li>a</li></ul>", "* a"],
  ])("with %j makes of %j %j", (options, html, expected) => {
    expect(toMarkdown(html, options)).toBe(expected)
  })

  it("does not grow with every level of quotes and lists", () => {
    const deep = (tag: string) => String(toMarkdown(`<${tag}>`.repeat(120) + "x<br>".repeat(1_000)))
    expect(deep("blockquote").length).toBeLessThan(60_000)
    expect(deep("ul><li").length).toBeLessThan(60_000)
    expect(run({ html: "<blockquote>".repeat(300) }).code).toBe("NODE_SETTINGS_INVALID")
  })
})

describe("Markdown to HTML", () => {
  it.each<[string, JsonObject, string]>([
    ["# A b!", {}, '<h1 id="ab">A b!</h1>'],
    [
      "# A b!\n# A b!",
      { ghCompatibleHeaderId: true, prefixHeaderId: "p-" },
      '<h1 id="p-a-b">A b!</h1>\n<h1 id="p-a-b-1">A b!</h1>',
    ],
    ["# A", { noHeaderId: true, headerLevelStart: 3 }, "<h3>A</h3>"],
    ["###### A", { noHeaderId: true, headerLevelStart: 9 }, "<h6>A</h6>"],
    ["a\nb", {}, "<p>a\nb</p>"],
    ["a\nb", { simpleLineBreaks: true }, "<p>a<br>\nb</p>"],
    ["http://a.b", {}, "<p>http://a.b</p>"],
    [
      "http://a.b",
      { simplifiedAutoLink: true, openLinksInNewWindow: true },
      '<p><a href="http://a.b" rel="noopener noreferrer" target="_blank">http://a.b</a></p>',
    ],
    ["~~a~~", {}, "<p>~~a~~</p>"],
    ["~~a~~", { strikethrough: true }, "<p><s>a</s></p>"],
    ["|a|\n|-|\n|b|", {}, "<p>|a|\n|-|\n|b|</p>"],
    [
      "|a|\n|-|\n|b|",
      { tables: true },
      "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>b</td>\n</tr>\n</tbody>\n</table>",
    ],
    [
      "- [x] a<b\n- [ ] b",
      { tasklists: true },
      '<ul>\n<li><input type="checkbox" disabled checked> a&lt;b</li>\n<li><input type="checkbox" disabled> b</li>\n</ul>',
    ],
    ["```js\na\n```", {}, '<pre><code class="language-js">a\n</code></pre>'],
    ["```\na\n```", { ghCodeBlocks: false }, "<p><code>a</code></p>"],
    ["<b>a</b>", {}, "<p><b>a</b></p>"],
    ["", {}, ""],
  ])("%j with %j is %j", (markdown, options, expected) => {
    expect(toHtml(markdown, options)).toBe(expected)
  })

  it("makes a whole document where it is asked to", () => {
    expect(toHtml("a", { completeHTMLDocument: true })).toMatch(
      /^<!DOCTYPE HTML>\n<html>[\s\S]*<p>a<\/p>[\s\S]*<\/html>$/,
    )
  })

  it("makes no link that runs a script", () => {
    expect(toHtml("[a](javascript:alert(1))")).not.toContain("href")
  })

  it.each(["[", "*a **a ", "![a](", ">", "`", "<a ", "\\", "_a __a"])(
    "takes no time that grows without bound for %j",
    (part) => {
      expect(run({ mode: "markdownToHtml", markdown: part.repeat(Math.floor(250_000 / part.length)) }).code).toBeNull()
      expect(run({ mode: "markdownToHtml", markdown: part.repeat(300_001) }).code).toBe("NODE_SETTINGS_INVALID")
    },
  )
})

describe("markdown", () => {
  it("writes into the item, also into a nested field, and keeps its files", () => {
    const parameters = { html: "={{ $json.h }}", destinationKey: "a.b" }
    const outcome = runKind({ type: "markdown", parameters }, [
      { json: { h: "<b>x</b>", a: { c: 1 } }, binary: { f: {} } },
    ])
    expect(outcome.outputs).toEqual([
      [{ json: { h: "<b>x</b>", a: { c: 1, b: "**x**" } }, binary: { f: {} }, pairedItem: { item: 0 } }],
    ])
  })

  it("goes item by item: what fails goes where the node sends it", () => {
    const outcome = (onError: string) =>
      runKind({ type: "markdown", onError, parameters: { html: "={{ $json.h }}" } }, [{ n: 1 }, { h: "x" }]).json
    expect(outcome("continueRegularOutput")).toEqual([[{ error: expect.any(String) }, { h: "x", data: "x" }]])
    expect(outcome("continueErrorOutput")).toEqual([[{ h: "x", data: "x" }], [{ n: 1, error: expect.any(String) }]])
  })

  it.each<JsonObject>([
    { mode: "other", html: "x" },
    { mode: {}, html: "x" },
    {},
    { html: null },
    { html: "x", destinationKey: "__proto__" },
  ])("refuses %j", (parameters) => {
    expect(run(parameters).code).toBe("NODE_SETTINGS_INVALID")
  })

  it("finds an unknown mode and what is missing", () => {
    const found = (parameters: JsonObject) => findingsOf({ type: "markdown", parameters })
    expect(found({ mode: "other" })).toEqual([["SETTING_INVALID", "error", "mode"]])
    expect(found({})).toEqual([["SETTING_MISSING", "warning", "html"]])
    expect(found({ mode: "markdownToHtml", html: "x" })).toEqual([["SETTING_MISSING", "warning", "markdown"]])
    expect(found({ html: "x" })).toEqual([])
  })
})
