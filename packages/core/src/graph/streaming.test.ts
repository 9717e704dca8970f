import { describe, expect, it } from "vitest"
import type { JsonObject } from "../json.ts"
import { definitionOf, type ShortNode } from "../testing/definitions.ts"
import { chatEntry } from "./entry.ts"
import { analyseFlow, excludeEachOther } from "./exclusion.ts"
import { findNode } from "./graph.ts"
import { readDefinition } from "./read.ts"
import { streamingNodes } from "./streaming.ts"

type Nodes = Readonly<Record<string, ShortNode>>

function streams(nodes: Nodes, links: readonly string[]): readonly string[] {
  const { graph } = readDefinition(definitionOf(nodes, links))
  return streamingNodes(graph, chatEntry(graph, null).start?.ordinal ?? null)
}

const llm = (parameters: JsonObject): JsonObject => ({ type: "llm", parameters })

describe("a node streams", () => {
  it.each<[string, Nodes, string[], string[]]>([
    ["alone", { A: "llm" }, [], ["A"]],
    ["at the end", { Chat: "chat", Set: "set", A: "llm" }, ["Chat > Set > A"], ["A"]],
    ["before nodes that do nothing", { Chat: "chat", A: "llm", X: "noOp", Y: "noOp" }, ["Chat > A > X > Y"], ["A"]],
    ["before a disabled node", { A: "llm", Off: { type: "set", disabled: true } }, ["A > Off"], ["A"]],
    // Chat > If ─┬─ A
    //            └─ B
    [
      "on both ways of an If",
      { Chat: "chat", If: "if", A: "llm", B: "llm" },
      ["Chat > If:0 > A", "If:1 > B"],
      ["A", "B"],
    ],
    [
      "where the ways meet again",
      { If: "if", A: "llm", B: "llm", End: "noOp" },
      ["If:0 > A > End", "If:1 > B > End"],
      ["A", "B"],
    ],
    ["beside an open way of the If", { If: "if", A: "llm" }, ["If:0 > A"], ["A"]],
    ["beside a way that ends in another kind", { If: "if", A: "llm", B: "foreign" }, ["If:0 > A", "If:1 > B"], ["A"]],
    ["beside a way that stops", { If: "if", A: "llm", Stop: "stop" }, ["If:0 > A", "If:1 > Stop"], ["A"]],
    [
      "on every way of a chain of Ifs",
      { If: "if", Or: "if", A: "llm", B: "llm", C: "llm" },
      ["If:0 > A", "If:1 > Or:0 > B", "Or:1 > C"],
      ["A", "B", "C"],
    ],
    ["behind another model", { A: "llm", B: "llm" }, ["A > B"], ["B"]],
    [
      "behind an If whose ways meet before it",
      { If: "if", X: "set", Y: "set", A: "llm" },
      ["If:0 > X > A", "If:1 > Y > A"],
      ["A"],
    ],
    ["behind a merge of one input", { Chat: "chat", Merge: "merge", A: "llm" }, ["Chat > Merge > A"], ["A"]],
    ["beside islands that no run comes to", { Chat: "chat", A: "llm", Island: "llm" }, ["Chat > A"], ["A"]],
    [
      "behind many items, which only the run can count",
      { Chat: "chat", X: "foreign", A: "llm" },
      ["Chat > X > A"],
      ["A"],
    ],
  ])("%s", (...[, nodes, links, expected]) => {
    expect(streams(nodes, links)).toEqual(expected)
  })

  it.each<[string, Nodes, string[]]>([
    ["its text is changed afterwards", { A: "llm", Set: "set" }, ["A > Set"]],
    ["another model asks on", { A: "llm", B: "llm", Set: "set" }, ["A > B > Set"]],
    ["it has a schema", { A: llm({ output_schema: { type: "object" } }) }, []],
    ["its format is an expression", { A: llm({ output_schema: "={{ $json.s }}" }) }, []],
    ["it says no", { A: llm({ stream: false }) }, []],
    ["it is disabled", { Chat: "chat", A: { type: "llm", disabled: true } }, ["Chat > A"]],
    ["it is an assistant", { If: "if", A: "assistant", B: "code" }, ["If:0 > A", "If:1 > B"]],
    // Chat ─┬─ A
    //       └─ B
    ["another end can run too", { Chat: "chat", A: "llm", B: "llm" }, ["Chat > A", "Chat > B"]],
    ["another end does nothing but pass on", { Chat: "chat", A: "llm", B: "noOp" }, ["Chat > A", "Chat > B"]],
    [
      "both ways of the If can run: it gets many items",
      { X: "foreign", If: "if", A: "llm", B: "llm" },
      ["X > If:0 > A", "If:1 > B"],
    ],
    [
      "the items were multiplied",
      { Set: { type: "set", parameters: { duplicateItem: true } }, If: "if", A: "llm", B: "llm" },
      ["Set > If:0 > A", "If:1 > B"],
    ],
    [
      "the items of two branches were joined",
      { Chat: "chat", X: "set", Y: "set", M: "merge", If: "if", A: "llm", B: "llm" },
      ["Chat > X > M", "Chat > Y > M:1", "M > If:0 > A", "If:1 > B"],
    ],
    [
      "the If has an item on its first output whatever happens",
      { If: { type: "if", alwaysOutputData: true }, A: "llm", B: "llm" },
      ["If:0 > A", "If:1 > B"],
    ],
    [
      "the If is disabled and passes all on by one way",
      { If: { type: "if", disabled: true }, A: "llm", B: "llm" },
      ["If:0 > A", "If:1 > B"],
    ],
    ["it runs twice", { Chat: "chat", X: "set", Y: "set", A: "llm" }, ["Chat > X > A", "Chat > Y > A"]],
    ["it lies in a circle", { Chat: "chat", A: "llm", If: "if" }, ["Chat > A > If:0 > A"]],
    [
      "its end is come to by another text too",
      { Chat: "chat", A: "llm", B: "assistant", End: "noOp" },
      ["Chat > A > End", "Chat > B > End"],
    ],
    [
      "the If runs twice",
      { Chat: "chat", X: "set", Y: "set", If: "if", A: "llm", B: "llm" },
      ["Chat > X > If", "Chat > Y > If", "If:0 > A", "If:1 > B"],
    ],
    [
      "the way goes on in a circle",
      { If: "if", X: "noOp", A: "llm", B: "noOp" },
      ["If:0 > X > X", "X > A", "If:1 > B"],
    ],
    ["an error goes another way", { A: { type: "llm", onError: "continueErrorOutput" }, B: "set" }, ["A:1 > B"]],
  ])("not if %s", (_name, nodes, links) => {
    expect(streams(nodes, links)).toEqual([])
  })

  it("nowhere where there is no start", () => {
    expect(streams({ A: "llm", B: "llm" }, ["A > B", "B > A"])).toEqual([])
  })

  it("is decided fast in great graphs, and errs on the quiet side where there are very many Ifs", () => {
    const count = 600
    const nodes: Record<string, ShortNode> = {}
    const links: string[] = []
    for (let index = 0; index < count; index += 1) {
      nodes[`If${index}`] = "if"
      nodes[`A${index}`] = "llm"
      links.push(`If${index}:0 > A${index}`)
      if (index > 0) links.push(`If${index - 1}:1 > If${index}`)
    }
    const streaming = streams(nodes, links)
    expect(streaming).toContain("A0")
    expect(streaming.length).toBeLessThan(count)
  })
})

describe("exclusion", () => {
  it("is the same both ways, and never of a node with itself", () => {
    const { graph } = readDefinition(
      definitionOf({ If: "if", A: "llm", B: "llm", End: "noOp" }, ["If:0 > A > End", "If:1 > B > End"]),
    )
    const flow = analyseFlow(graph, findNode(graph, "If")?.ordinal ?? -1)
    const at = (name: string) => ({ node: findNode(graph, name)?.ordinal ?? -1 })
    const excludes = (a: string, b: string) => [
      excludeEachOther(flow, at(a), at(b)),
      excludeEachOther(flow, at(b), at(a)),
    ]
    expect(excludes("A", "B")).toEqual([true, true])
    expect(excludes("A", "End")).toEqual([false, false])
    expect(excludes("A", "A")).toEqual([false, false])
    expect(excludes("If", "A")).toEqual([false, false])
    expect(excludeEachOther(flow, { node: at("If").node, output: 1 }, at("A"))).toBe(true)
    expect(excludeEachOther(flow, { node: at("If").node, output: 0 }, at("A"))).toBe(false)
  })
})
