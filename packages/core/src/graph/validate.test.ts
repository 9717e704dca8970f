import { describe, expect, it } from "vitest"
import type { JsonValue } from "../json.ts"
import { definitionOf, type ShortNode } from "../testing/definitions.ts"
import { findingsOfCodeMax, makeFindingList, pathTo, quote } from "./findings.ts"
import { readDefinition } from "./read.ts"
import { literalModels, validate } from "./validate.ts"

type Nodes = Readonly<Record<string, ShortNode>>

/** Findings as "CODE node". */
const found = (nodes: Nodes, links: readonly string[] = []): string[] =>
  validate(readDefinition(definitionOf(nodes, links))).map(({ code, node }) =>
    node === undefined ? code : `${code} ${node}`,
  )

describe("validation", () => {
  it("says nothing of a workflow that is right", () => {
    const prompt = "={{ $('Chat').item.json.chatInput }}"
    expect(found({ Chat: "chat", A: { type: "llm", parameters: { prompt } }, Note: "note" }, ["Chat > A"])).toEqual([])
  })

  it("names nodes that no run comes to, whatever may start one; not those that serve, are disabled or are notes", () => {
    const nodes: Nodes = {
      Chat: "chat",
      Hook: "n8n-nodes-base.webhook",
      A: "llm",
      ByHook: "noOp",
      Island: "noOp",
      Behind: "noOp",
      Off: { type: "noOp", disabled: true },
      Note: "note",
      Tool: "n8n-nodes-base.httpRequestTool",
    }
    expect(found(nodes, ["Chat > A", "Hook > ByHook", "Island > Behind", "Tool > A @ai_tool"])).toEqual([
      "TRIGGER_PATH_MISSING Hook",
      "TOOL_DESCRIPTION_MISSING Tool",
      "NODE_UNREACHED Island",
      "NODE_UNREACHED Behind",
    ])
  })

  it("says that there is nowhere to start, and where two starts are equally good", () => {
    expect(found({ A: "noOp", B: "noOp" }, ["A > B > A"])).toContain("NO_START_NODE")
    expect(found({ A: "chat", B: "chat" })).toContain("START_AMBIGUOUS A")
  })

  it("finds expressions that cannot be compiled and nodes that they name and that are not there, at their place", () => {
    const parameters = { options: { list: ["={{ 1 + }}", "={{ $('Gone').first() }}", "={{ $('A').first() }}"] } }
    const findings = validate(readDefinition(definitionOf({ A: { type: "foreign", parameters } })))
    expect(findings.filter(({ code }) => code.startsWith("EXPRESSION")).map(({ code, path }) => [code, path])).toEqual([
      ["EXPRESSION_INVALID", "nodes[0].parameters.options.list[0]"],
      ["EXPRESSION_NODE_MISSING", "nodes[0].parameters.options.list[1]"],
    ])
  })

  it("leaves disabled nodes alone", () => {
    const off = { type: "llm", disabled: true, parameters: { temperature: 99, prompt: "={{ ( }}" } }
    expect(found({ Chat: "chat", Off: off }, ["Chat > Off"])).toEqual([])
  })

  it("says everything in a sentence that ends, and shows no more of a name than is needed", () => {
    const name = "n".repeat(250)
    const nodes: Nodes = {
      [name]: { type: "llm", parameters: { temperature: 99 } },
      Set: "set",
      X: "foreign",
      If: "if",
    }
    for (const { message } of validate(readDefinition(definitionOf(nodes)))) {
      expect(message).toMatch(/[.!]$/)
      expect(message.length).toBeLessThan(400)
    }
  })
})

it("literal model keys are those of enabled FreddyLLM nodes, but for expressions", () => {
  const nodes: Nodes = {
    A: { type: "llm", parameters: { model: "gpt-4o" } },
    B: { type: "llm", parameters: { options: { modelId: { value: "claude" } } } },
    C: { type: "llm", parameters: { model: "={{ $json.m }}" } },
    D: { type: "llm", parameters: { model: "off" }, disabled: true },
    E: { type: "@n8n/n8n-nodes-langchain.lmChatOpenAi", parameters: { model: "gpt-4" } },
    F: { type: "llm", parameters: { model: 5 } },
    G: "llm",
  }
  expect(literalModels(readDefinition(definitionOf(nodes)).graph)).toEqual([
    { node: "A", model: "gpt-4o", path: "nodes[0].parameters.model" },
    { node: "B", model: "claude", path: "nodes[1].parameters.options.modelId" },
  ])
})

describe("a list of findings", () => {
  it("keeps so many of a code, and says how many more there were", () => {
    const list = makeFindingList()
    for (let count = 0; count < findingsOfCodeMax + 5; count += 1) {
      list.add({ severity: "warning", code: "A", message: `${count}.` })
    }
    list.add({ severity: "info", code: "B", message: "b." })
    const all = list.all()
    expect(all).toHaveLength(findingsOfCodeMax + 2)
    expect(all.at(-2)).toMatchObject({ code: "B" })
    expect(all.at(-1)).toMatchObject({ code: "A", severity: "warning", message: expect.stringMatching(/^5 more/) })
  })

  it("shows names cut between whole characters, and paths as they are written in JSON", () => {
    expect(quote(`${"x".repeat(59)}😀y`)).toBe(`'${"x".repeat(59)}…'`)
    const paths: [string, string | number, JsonValue][] = [
      ["", "nodes", "nodes"],
      ["nodes", 2, "nodes[2]"],
      ["nodes[2]", "parameters", "nodes[2].parameters"],
      ["connections", 'My "node"', 'connections["My \\"node\\""]'],
      ["connections", "", 'connections[""]'],
    ]
    for (const [path, key, expected] of paths) expect(pathTo(path, key)).toBe(expected)
  })
})
