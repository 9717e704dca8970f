import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { findingsOf, runKind } from "../../testing/kind-run.ts"

const run = (parameters: JsonObject, ...items: JsonObject[]) => runKind({ type: "xml", parameters }, items)
const read = (xml: JsonValue, options: JsonObject = {}): JsonValue | undefined =>
  run({ options }, { data: xml }).json[0]?.[0]
const write = (json: JsonObject, options: JsonObject = {}): JsonValue | undefined =>
  run({ mode: "jsonToxml", options: { headless: true, ...options } }, json).json[0]?.[0]?.data

describe("XML to JSON", () => {
  const sample = '<Order id="5"><item>One</item><item n="2">Two</item><note/></Order>'

  it.each<[string, JsonObject, JsonValue]>([
    [sample, {}, { Order: { id: "5", item: ["One", { n: "2", _: "Two" }], note: "" } }],
    [
      sample,
      { mergeAttrs: false },
      { Order: { $: { id: "5" }, item: ["One", { $: { n: "2" }, _: "Two" }], note: "" } },
    ],
    [sample, { ignoreAttrs: true }, { Order: { item: ["One", "Two"], note: "" } }],
    [sample, { explicitRoot: false, ignoreAttrs: true }, { item: ["One", "Two"], note: "" }],
    [sample, { normalizeTags: true, ignoreAttrs: true }, { order: { item: ["One", "Two"], note: "" } }],
    [sample, { explicitArray: true }, { Order: { id: ["5"], item: ["One", { n: ["2"], _: "Two" }], note: [""] } }],
    [
      sample,
      { mergeAttrs: false, attrkey: "@", charkey: "#" },
      { Order: { "@": { id: "5" }, item: ["One", { "@": { n: "2" }, "#": "Two" }], note: "" } },
    ],
    ['<a b="1"><b>2</b></a>', {}, { a: { b: ["1", "2"] } }],
    ["<a> x  y </a>", {}, { a: " x  y " }],
    ["<a> x  y </a>", { trim: true }, { a: "x  y" }],
    ["<a> x  y </a>", { normalize: true }, { a: "x y" }],
    ["<a>x<b/>y</a>", {}, { a: { _: "xy", b: "" } }],
    ["<a>\n  <b>1</b>\n</a>", {}, { a: { b: "1" } }],
    ["<a><![CDATA[<x> & ]]>y</a>", {}, { a: "<x> & y" }],
    ["<a>&lt;&amp;&#65;&#x42;</a>", {}, { a: "<&AB" }],
    ["\n<?xml version='1.0'?><!-- c --><a/>", {}, { a: "" }],
    ["<a>x</a>", { explicitRoot: false }, { _: "x" }],
    ['<n:a xmlns:n="u"><n:b/></n:a>', {}, { "n:a": { "xmlns:n": "u", "n:b": "" } }],
    ["<a><constructor>1</constructor><toString>2</toString></a>", {}, { a: { constructor: "1", toString: "2" } }],
  ])("%j with %j is %j", (xml, options, expected) => {
    expect(read(xml, options)).toEqual(expected)
  })

  it("reads a nested field, and gives nothing but what it read", () => {
    const outcome = run({ dataPropertyName: "a.x" }, { a: { x: "<r>1</r>" }, b: 1 })
    expect(outcome.outputs).toEqual([[{ json: { r: "1" }, pairedItem: { item: 0 } }]])
  })

  it.each<[string, JsonValue]>([
    ["that is none", "no xml"],
    ["that is empty", ""],
    ["that is not closed", "<a>"],
    ["with two roots", "<a/><b/>"],
    ["with an entity of its own", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ["with an entity from elsewhere", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'],
    [
      "that laughs a billion times",
      `<!DOCTYPE l [<!ENTITY a "l">${"bcdefghi".replace(/./g, (name) => `<!ENTITY ${name} "&a;&a;">`)}]><l>&i;</l>`,
    ],
    ["that is deep", "<a>".repeat(200) + "</a>".repeat(200)],
    ["that is deeper than the stack", "<a>".repeat(200_000)],
    ["that is long", `<a>${"x".repeat(2_000_000)}</a>`],
    ["that is a number", 5],
    ["that is an object", { a: 1 }],
  ])("refuses a document %s", (_name, data) => {
    expect(run({}, { data }).code).toBe("NODE_SETTINGS_INVALID")
  })

  it("leaves out a field that would change what objects are", () => {
    expect(JSON.stringify(read("<a><__proto__><x>1</x></__proto__><b>2</b></a>"))).toBe('{"a":{"b":"2"}}')
  })

  it("goes item by item: what fails goes where the node sends it", () => {
    const outcome = (onError: string) =>
      runKind({ type: "xml", onError, parameters: {} }, [{ data: "x" }, { data: "<a/>" }]).json
    expect(outcome("continueRegularOutput")).toEqual([[{ error: expect.any(String) }, { a: "" }]])
    expect(outcome("continueErrorOutput")).toEqual([[{ a: "" }], [{ data: "x", error: expect.any(String) }]])
  })
})

describe("JSON to XML", () => {
  it.each<[JsonObject, JsonObject, string]>([
    [{ a: 1 }, {}, "<a>1</a>"],
    [{ a: null, b: "" }, {}, "<root>\n  <a/>\n  <b/>\n</root>"],
    [
      { a: { $: { x: 'q"<' }, _: "t", b: [1, true, { c: 2 }] } },
      {},
      '<a x="q&quot;&lt;">t\n  <b>1</b>\n  <b>true</b>\n  <b>\n    <c>2</c>\n  </b>\n</a>',
    ],
    [{ a: 1 }, { rootName: "doc" }, "<doc>\n  <a>1</a>\n</doc>"],
    [{ a: [1, 2] }, {}, "<root>\n  <a>1</a>\n  <a>2</a>\n</root>"],
    [{ a: "x < y & z" }, {}, "<a>x &lt; y &amp; z</a>"],
    [{ a: "x < ]]> y" }, { cdata: true }, "<a><![CDATA[x < ]]]]><![CDATA[> y]]></a>"],
    [{ a: "plain" }, { cdata: true }, "<a>plain</a>"],
    [{ a: { "@": { x: 1 }, "#": 2 } }, { attrkey: "@", charkey: "#" }, '<a x="1">2</a>'],
    [{ a: "\u0000\u0008x\ty" }, {}, "<a>x\ty</a>"],
    [{}, {}, "<root/>"],
  ])("%j with %j is %j", (json, options, expected) => {
    expect(write(json, options)).toBe(expected)
  })

  it("has a declaration unless it is told not to, and goes into the field that is named", () => {
    const outcome = run({ mode: "jsonToxml", dataPropertyName: "out" }, { a: 1 })
    expect(outcome.json).toEqual([[{ out: '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<a>1</a>' }]])
  })

  it("gives back what was read", () => {
    const json = { order: { id: "5", item: ["a", "b"], note: "x < y" } }
    expect(read(String(write(json)))).toEqual(json)
  })

  it.each(["a b", "1a", "a<", "", "a".repeat(2_000)])("refuses the name %.10j", (name) => {
    expect(run({ mode: "jsonToxml" }, { [name]: 1 }).code).toBe("NODE_SETTINGS_INVALID")
  })

  it("finds an unknown mode, and refuses it", () => {
    expect(findingsOf({ type: "xml", parameters: { mode: "other" } })).toEqual([["SETTING_INVALID", "error", "mode"]])
    expect(findingsOf({ type: "xml", parameters: {} })).toEqual([])
    expect(run({ mode: "other" }, { data: "<a/>" }).code).toBe("NODE_SETTINGS_INVALID")
  })
})
