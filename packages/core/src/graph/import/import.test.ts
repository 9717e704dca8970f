import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { readDefinition } from "../read.ts"
import { importDocument } from "./formats.ts"
import { importFormats } from "./importer.ts"

const set = { id: "s", name: "Set", type: "n8n-nodes-base.set", typeVersion: 3.4, position: [0, 0], parameters: {} }
const mail = { id: "m", name: "Mail", type: "n8n-nodes-base.gmail", typeVersion: 2, position: [1, 0], parameters: {} }
const exported = { name: "Two", nodes: [set, mail], connections: {}, settings: { executionOrder: "v1" } }

describe("a workflow of n8n", () => {
  it.each<[string, JsonValue]>([
    ["an export", exported],
    ["an export in a text", JSON.stringify(exported)],
    ["a list of one", [exported]],
    ["a template", { id: 7, name: "Two", workflow: exported }],
    ["an answer of its API", { data: [exported], nextCursor: null }],
  ])("is kept as it stands out of %s", (_what, document) => {
    const imported = importDocument(document, null)
    expect(imported).toMatchObject({ format: "n8n", name: "Two", definition: exported })
    expect((imported as { definition: JsonObject }).definition).toEqual(exported)
  })

  it("is told node by node, with what is not run here and the credentials that an export does not hold", () => {
    const credentials = { httpHeaderAuth: { id: "1", name: "Key" } }
    const nodes = [
      set,
      mail,
      { ...set, id: "t", name: "Other", credentials },
      { ...set, id: "u", name: "U", credentials },
    ]
    const imported = importDocument({ ...exported, nodes }, "n8n")
    if ("fault" in imported) throw new Error(imported.fault)
    expect(imported.report.kept.map(({ element }) => element)).toEqual(["Set", "Other", "U"])
    expect(imported.report.lost).toMatchObject([{ element: "Mail", id: "m", was: "n8n-nodes-base.gmail" }])
    expect(imported.report.changed).toMatchObject([{ element: "credential Key", was: "httpHeaderAuth" }])
    expect(imported.report.totals).toEqual({ kept: 3, changed: 1, lost: 1 })
  })

  it("is read where something stands behind it, which is told", () => {
    const named = JSON.stringify({ ...exported, name: 'a "}" b' })
    for (const rest of ["Two and more", "{", '{"nodes": []}']) {
      const imported = importDocument(named + rest, null)
      expect(imported).toMatchObject({ format: "n8n", name: 'a "}" b', report: { totals: { lost: 2 } } })
    }
  })

  it("is not armed by being imported", () => {
    const imported = importDocument({ ...exported, active: true }, null)
    expect(imported).toMatchObject({ definition: { active: false }, report: { changed: [{ element: "active" }] } })
  })
})

describe("a document that is no workflow", () => {
  it.each<[string, JsonValue, string]>([
    ["nothing", null, "is not "],
    ["an empty text", "", "is not "],
    ["a number", 7, "is not "],
    ["an object of something else", { hello: "world" }, "is not "],
    ["a program", "import os\nprint(1)", "is code of an agents SDK"],
    ["broken YAML", "a: [1, 2", "is neither JSON nor YAML"],
    ["two workflows", [exported, exported], "holds 2 workflows"],
    ["deep JSON", "[".repeat(200) + "]".repeat(200), "is nested more than"],
    ["aliases that grow", billionLaughs(), "holds more than"],
  ])("is refused with a reason: %s", (_what, document, reason) => {
    expect(importDocument(document, null)).toMatchObject({ fault: expect.stringContaining(reason) })
  })

  it("is refused where it is of another format than is said", () => {
    expect(importDocument(exported, "dify")).toEqual({ fault: "is not an app in Dify's DSL" })
  })
})

function billionLaughs(): string {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
  for (let level = 1; level < 9; level += 1) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ")}]`)
  }
  return lines.join("\n")
}

/** Words that importers look for: documents of these come further than those of any words. */
const words = [
  "app kind mode workflow graph nodes edges data type title id position source target sourceHandle targetHandle start llm",
  "if-else code answer end http-request iteration loop agent note variable-aggregator assigner question-classifier",
  "parameter-extractor template-transform model provider name completion_params prompt_template role text system user",
  "variables variable_selector value_selector variable value cases case_id conditions comparison_operator iterator_selector",
  "output_selector parentId iteration_id advanced-chat workflow chat model_config pre_prompt agent_mode enabled tools items",
  "operation classes parameters instruction memory window size structured_output schema headers params body authorization",
  "customNode genericNode agentFlow inputs template node display_name fieldName connections parameters custom-note",
  "ChatInput ChatOutput Prompt OpenAIModel Agent input_value system_message tools viewport outputs instance credential",
  "llmChain toolAgent promptTemplate template promptValues llmMessages llmUpdateState conditions cases expression assignments",
  "startAgentflow agentAgentflow llmAgentflow conditionAgentflow directReplyAgentflow iterationAgentflow httpAgentflow",
  "set_state user_approval guardrails mcp while classify file_search transform expr config label instructions",
  "{{#1.text#}} {{#sys.query#}} {{ question }} {{llmAgentflow_0}} {topic} {{ $flow.state.x }} input.output_text contains = in",
]
  .join(" ")
  .split(" ")

const word = fc.oneof(fc.constantFrom(...words), fc.constantFrom("1", "2", "3", "true", "false", ""), fc.string())
const document = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 7, withCrossShrink: true },
    word,
    fc.constantFrom<JsonValue>(null, true, false, 0, 1, -1.5, 1e300),
    fc.array(tie("value"), { maxLength: 6 }),
    fc.dictionary(
      word.filter((key) => key !== "__proto__"),
      tie("value"),
      { maxKeys: 8 },
    ),
  ),
})).value

/** A document that an importer recognises, with anything inside. */
const framed: readonly ((nodes: JsonValue, edges: JsonValue) => JsonValue)[] = [
  (nodes, edges) => ({ app: { mode: "workflow" }, workflow: { graph: { nodes, edges } } }),
  (nodes) => ({
    app: { mode: "chat" },
    model_config: { agent_mode: nodes, prompt_type: "advanced", chat_prompt_config: nodes },
  }),
  (nodes, edges) => ({ nodes: [...drawnAs(nodes, "agentFlow"), { ...anchor, type: "agentFlow" }], edges }),
  (nodes, edges) => ({ nodes: [...drawnAs(nodes, "customNode"), { ...anchor, type: "customNode" }], edges }),
  (nodes, edges) => ({ data: { nodes, edges: Array.isArray(edges) ? edges : [] }, name: "x" }),
  (nodes, edges) => ({
    nodes: [{ id: "0", type: "start" }, ...(nodes as readonly JsonObject[]).filter(isBuilt)],
    edges,
  }),
  (nodes, connections) => ({ nodes, connections }),
]

/** A part that says what kind of document it is in. */
const anchor = { id: "0", position: { x: 0, y: 0 }, data: { name: "startAgentflow", label: "Start", inputs: {} } }
const drawnAs = (nodes: JsonValue, type: string): JsonObject[] =>
  (nodes as readonly JsonObject[]).map((one) => ({ ...one, type }))
const isBuilt = ({ type }: JsonObject): boolean =>
  /^(agent|end|note|classify|if-else|while|user_approval|guardrails|mcp|file_search|transform|set_state)$/.test(
    String(type),
  )

const field = fc.constantFrom(...words)
const key = fc.constantFrom("1", "2", "3", "4")
const node = fc.record({
  id: key,
  type: field,
  position: document,
  parentId: fc.option(key, { nil: undefined }),
  data: fc.tuple(field, fc.dictionary(field, document, { maxKeys: 8 }), document).map(([type, rest, inputs]) => ({
    type,
    name: type,
    id: type,
    title: type,
    inputs,
    ...rest,
  })),
})
const edge = fc.record({ source: key, target: key, sourceHandle: word, targetHandle: word })

function requireTotal(document: JsonValue): void {
  const before = JSON.stringify(document)
  for (const format of [null, ...importFormats]) {
    const imported = importDocument(document, format)
    if ("fault" in imported) expect(imported.fault).not.toBe("")
    else {
      const { findings } = readDefinition(imported.definition)
      if (imported.format !== "n8n") expect(findings.filter(({ severity }) => severity === "error")).toEqual([])
      expect(() => JSON.stringify(imported)).not.toThrow()
    }
  }
  expect(JSON.stringify(document)).toBe(before)
}

describe("importing", () => {
  it("gives a definition or a reason for any document whatever, and never alters it", () => {
    fc.assert(fc.property(document, requireTotal), { numRuns: 300 })
    fc.assert(fc.property(fc.string(), requireTotal), { numRuns: 300 })
  })

  it("gives a definition that reads without errors for any nodes and edges in any frame", () => {
    const anything = fc.tuple(
      fc.constantFrom(...framed),
      fc.array(node, { maxLength: 6 }),
      fc.oneof(fc.array(edge, { maxLength: 10 }), document),
    )
    fc.assert(
      fc.property(anything, ([frame, nodes, edges]) => {
        requireTotal(frame(nodes as unknown as JsonValue, edges as JsonValue))
      }),
      { numRuns: 1_500 },
    )
  })
})
