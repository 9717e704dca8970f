import { describe, expect, it } from "vitest"
import type { JsonObject } from "../json.ts"
import { definitionOf, type ShortNode } from "../testing/definitions.ts"
import { describeEnds, endsOf, textOfItems } from "./answer.ts"
import { chatEntry } from "./entry.ts"
import { analyseFlow } from "./exclusion.ts"
import { readDefinition } from "./read.ts"

const text = (...jsons: JsonObject[]): string => textOfItems(jsons.map((json) => ({ json })))

describe("the text of items", () => {
  it.each<[JsonObject, string]>([
    [{ answer: "f", response: "e", content: "d", message: "c", text: "b", output: "a" }, "a"],
    [{ answer: "f", response: "e", content: "d", message: "c", text: "b" }, "b"],
    [{ answer: "f", response: "e", content: "d", message: "c" }, "c"],
    [{ answer: "f", response: "e", content: "d" }, "d"],
    [{ answer: "f", response: "e" }, "e"],
    [{ answer: "f", other: "g" }, "f"],
    [{ other: "g", n: 1, list: ["x"] }, "g"],
    [{ one: "a", two: "b" }, '{"one":"a","two":"b"}'],
    [{ n: 1 }, '{"n":1}'],
    [{}, "{}"],
    [{ output: null, text: "b" }, "b"],
    [{ output: "", text: "b" }, ""],
    [{ output: { a: 1 }, text: "b" }, '{"a":1}'],
    [{ output: [1, "x"] }, '[1,"x"]'],
    [{ output: 5 }, "5"],
    [{ text: false }, "false"],
    [{ message: { role: "assistant", content: "said" } }, "said"],
    [{ output: [{ type: "message", content: [{ text: "said " }, { text: "so" }] }] }, "said so"],
    [{ output: [{ content: [{ text: "said" }] }, 5] }, '[{"content":[{"text":"said"}]},5]'],
    [{ output: [] }, "[]"],
    [{ message: { role: "assistant" } }, '{"role":"assistant"}'],
    [{ output: { content: "kept whole", more: 1 } }, '{"content":"kept whole","more":1}'],
    [{ "": "only" }, "only"],
  ])("%j is %j", (json, expected) => {
    expect(text(json)).toBe(expected)
  })

  it("is joined by blank lines, and empty where there are no items", () => {
    expect(text({ text: "a" }, { other: "b" }, { n: 1 })).toBe('a\n\nb\n\n{"n":1}')
    expect(text({ text: "a" }, { text: "" }, { text: "b" })).toBe("a\n\nb")
    expect(text()).toBe("")
  })

  it("is not found in what an item inherits", () => {
    expect(text(JSON.parse('{"__proto__": {"text": "x"}, "n": 1}') as JsonObject)).toBe(
      '{"__proto__":{"text":"x"},"n":1}',
    )
  })
})

/** The ends of a graph as `name.field`. */
function ends(nodes: Readonly<Record<string, ShortNode>>, links: readonly string[]): string[] {
  const { graph } = readDefinition(definitionOf(nodes, links))
  const { start } = chatEntry(graph, null)
  if (start === null) return []
  const places = endsOf(graph, analyseFlow(graph, start.ordinal))
  return describeEnds(graph, places).map(({ node, field }) => `${node.name}.${field}`)
}

describe("where runs end", () => {
  const shapes: [name: string, nodes: Record<string, ShortNode>, links: string[], expected: string[]][] = [
    ["a model's text", { Chat: "chat", A: "llm" }, ["Chat > A"], ["A.text"]],
    ["a model's parsed answer", { A: { type: "llm", parameters: { output_schema: {} } } }, [], ["A.output"]],
    ["an agent's output", { Chat: "chat", A: "agent" }, ["Chat > A"], ["A.output"]],
    ["what noOp passes on", { Chat: "chat", A: "llm", End: "noOp" }, ["Chat > A > End"], ["End.text"]],
    ["what a disabled node passes on", { A: "llm", Off: { type: "set", disabled: true } }, ["A > Off"], ["Off.text"]],
    [
      "both ends of two branches",
      { If: "if", A: "llm", B: "assistant" },
      ["If:0 > A", "If:1 > B"],
      ["A.text", "B.text"],
    ],
    ["an open way of an If", { A: "llm", If: "if", B: "agent" }, ["A > If:0 > B"], ["If.text", "B.output"]],
    [
      "branches that agree",
      { If: "if", A: "llm", B: "llm", End: "noOp" },
      ["If:0 > A > End", "If:1 > B > End"],
      ["End.text"],
    ],
    [
      "branches that do not",
      { If: "if", A: "llm", B: "agent", End: "noOp" },
      ["If:0 > A > End", "If:1 > B > End"],
      ["End.null"],
    ],
    ["a stop is no end", { If: "if", A: "llm", Stop: "stop" }, ["If:0 > A", "If:1 > Stop"], ["A.text"]],
    ["nothing but a stop", { A: "llm", Stop: "stop" }, ["A > Stop"], []],
    ["the trigger alone", { Chat: "chat" }, [], ["Chat.null"]],
    ["another kind", { Chat: "chat", X: "foreign" }, ["Chat > X"], ["X.null"]],
    ["islands do not count", { Chat: "chat", A: "llm", Island: "noOp" }, ["Chat > A"], ["A.text"]],
  ]
  it.each(shapes)("%s", (...[, nodes, links, expected]) => {
    expect(ends(nodes, links)).toEqual(expected)
  })

  const set = (...names: string[]): JsonObject => ({
    assignments: { assignments: names.map((name) => ({ name, value: "x", type: "string" })) },
  })
  it.each<[JsonObject, string]>([
    [set("answer", "text"), "Set.text"],
    [set("only"), "Set.only"],
    [set("one", "two"), "Set.null"],
    [set("text.inner"), "Set.text"],
    [set("={{ $json.x }}"), "Set.null"],
    [{ ...set("answer"), includeOtherFields: true }, "Set.text"],
    [{ ...set("output"), includeOtherFields: true }, "Set.output"],
    [{ mode: "raw", jsonOutput: { reply: "x" } }, "Set.reply"],
    [{ mode: "raw", jsonOutput: "={{ 1 }}" }, "Set.null"],
  ])("in a Set node %j: %s", (parameters, expected) => {
    expect(ends({ A: "llm", Set: { type: "set", parameters } }, ["A > Set"])).toEqual([expected])
  })

  it("in a circle the field stays untold, and a very long chain costs nothing", () => {
    expect(ends({ A: "chat", B: "noOp", C: "if" }, ["A > B > C:0 > B"])).toEqual(["C.null"])
    const names = Array.from({ length: 5_000 }, (_, index) => `N${index}`)
    const nodes = Object.fromEntries([["A", "llm"], ...names.map((name) => [name, "noOp"])])
    expect(ends(nodes, [["A", ...names].join(" > ")])).toEqual([`N4999.null`])
  })
})
