import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../json.ts"
import { definitionOf, type ShortNode } from "../testing/definitions.ts"
import { judgeVersion, type PromotionVerdict, promote } from "./promote.ts"
import { readDefinition } from "./read.ts"

type Nodes = Readonly<Record<string, ShortNode>>

const promoted = (nodes: Nodes, links: readonly string[] = [], primaryNodeId?: string): PromotionVerdict =>
  promote(readDefinition(definitionOf(nodes, links)), primaryNodeId === undefined ? {} : { primaryNodeId })

/** The code of the refusal, or the node that leads. */
const outcome = ({ report, primaryNode }: PromotionVerdict): string => {
  expect(report.promotable).toBe(primaryNode !== null)
  expect(report.error === undefined).toBe(report.promotable)
  expect(report.primary_node?.id ?? null).toBe(primaryNode)
  return report.error?.code ?? `leads: ${primaryNode}`
}
const codes = ({ report }: PromotionVerdict): string[] => report.findings.map(({ code }) => code)

describe("the table of promotion", () => {
  it("one candidate, none named: it leads", () => {
    expect(outcome(promoted({ Set: "set", A: "llm", Note: "note" }))).toBe("leads: A")
  })

  it("several candidates, none named: PRIMARY_NODE_REQUIRED with the candidates, one of them suggested", () => {
    const verdict = promoted({ Chat: "chat", A: "llm", B: "llm" }, ["Chat > A > B"])
    expect(outcome(verdict)).toBe("PRIMARY_NODE_REQUIRED")
    expect(verdict.report.error?.details).toEqual({
      field: "primary_node_id",
      candidates: [
        { id: "A", name: "A", type: "FreddyLLM", suggested: false },
        { id: "B", name: "B", type: "FreddyLLM", suggested: true },
      ],
    })
    expect(verdict.report.candidates).toEqual(verdict.report.error?.details.candidates)
  })

  it.each<[string, JsonValue]>([
    ["no nodes", {}],
    ["an empty list", { nodes: [] }],
    ["nodes of the wrong type", { nodes: "no list" }],
    ["malformed nodes", { nodes: [null, 5, [], "x"] }],
    ["other kinds", definitionOf({ A: "set", B: "foreign" })],
    ["all disabled", definitionOf({ A: { type: "llm", disabled: true }, B: { type: "agent", disabled: true } })],
    ["no object", "definition"],
    ["null", null],
  ])("no candidate (%s): FREDDY_LLM_NODE_REQUIRED with the findings, whatever is named", (_name, definition) => {
    for (const options of [{}, { primaryNodeId: "A" }, { primaryNodeId: "" }]) {
      const verdict = promote(readDefinition(definition), options)
      expect(outcome(verdict)).toBe("FREDDY_LLM_NODE_REQUIRED")
      expect(verdict.report.error?.details).toEqual({ findings: verdict.report.findings })
      expect(verdict.report.candidates).toEqual([])
    }
  })

  it("a name of no node: PRIMARY_NODE_NOT_FOUND with the candidates, even if there is only one", () => {
    for (const name of ["nobody", "", "a", "__proto__", "constructor"]) {
      const verdict = promoted({ A: "llm" }, [], name)
      expect(outcome(verdict)).toBe("PRIMARY_NODE_NOT_FOUND")
      expect(verdict.report.error?.details).toEqual({
        candidates: [{ id: "A", name: "A", type: "FreddyLLM", suggested: true }],
      })
    }
  })

  it("a node of another kind, or a disabled one: PRIMARY_NODE_INVALID_TYPE with type, disabled and candidates", () => {
    const nodes: Nodes = { A: "llm", Set: "set", Agent: "agent", Off: { type: "llm", disabled: true } }
    const candidates = [{ id: "A", name: "A", type: "FreddyLLM", suggested: true }]
    for (const [name, type, disabled] of [
      ["Set", "n8n-nodes-base.set", false],
      ["Agent", "@n8n/n8n-nodes-langchain.agent", false],
      ["Off", "FreddyLLM", true],
    ] as const) {
      const verdict = promoted(nodes, [], name)
      expect(outcome(verdict)).toBe("PRIMARY_NODE_INVALID_TYPE")
      expect(verdict.report.error?.details).toEqual({ type, disabled, candidates })
    }
  })

  it("two nodes with that id: PRIMARY_NODE_REQUIRED, also where only one of them is a candidate", () => {
    const twins: Nodes = { A: { type: "llm", id: "twin" }, B: { type: "llm", id: "twin" } }
    expect(outcome(promoted(twins, [], "twin"))).toBe("PRIMARY_NODE_REQUIRED")
    const mixed: Nodes = { A: { type: "llm", id: "twin" }, B: { type: "set", id: "twin" } }
    expect(outcome(promoted(mixed, [], "twin"))).toBe("PRIMARY_NODE_REQUIRED")
    expect(outcome(promoted(mixed))).toBe("leads: twin")
  })

  it("a node without an id is named by its unique name, one with an id only by that", () => {
    const nodes: Nodes = { A: { type: "llm", id: null }, B: { type: "llm", id: "b" } }
    expect(outcome(promoted(nodes, [], "A"))).toBe("leads: A")
    expect(outcome(promoted(nodes, [], "B"))).toBe("PRIMARY_NODE_NOT_FOUND")
    expect(outcome(promoted({ A: { type: "llm", id: null }, B: { type: "llm", id: "A" } }, [], "A"))).toBe("leads: A")
  })

  it("two nodes without an id that have one name: the name is not enough, what the graph calls the second is", () => {
    const read = readDefinition({
      nodes: [
        { name: "X", type: "FreddyLLM" },
        { name: "X", type: "FreddyLLM" },
        { name: "X", type: "FreddyLLM" },
      ],
    })
    expect(outcome(promote(read, { primaryNodeId: "X 2" }))).toBe("leads: X 2")
    expect(outcome(promote(read, { primaryNodeId: "X" }))).toBe("PRIMARY_NODE_REQUIRED")
  })

  it("enabled FreddyLLM nodes are the candidates; n8n's language-model nodes only where there is none", () => {
    const openAi = "@n8n/n8n-nodes-langchain.openAi"
    expect(outcome(promoted({ Agent: "agent", A: "llm" }))).toBe("leads: A")
    expect(outcome(promoted({ Agent: "agent", A: { type: "llm", disabled: true } }))).toBe("leads: Agent")
    expect(outcome(promoted({ Chain: "chain" }))).toBe("leads: Chain")
    expect(outcome(promoted({ Message: openAi }))).toBe("leads: Message")
    expect(outcome(promoted({ Image: { type: openAi, parameters: { resource: "image" } } }))).toBe(
      "FREDDY_LLM_NODE_REQUIRED",
    )
    expect(outcome(promoted({ Agent: "agent", Chain: "chain" }))).toBe("PRIMARY_NODE_REQUIRED")
    expect(outcome(promoted({ Old: "n8n-nodes-base.openAi" }))).toBe("FREDDY_LLM_NODE_REQUIRED")
  })

  it("FreddyLLM is found in every spelling", () => {
    for (const type of ["FreddyLLM", "n8n-nodes-base.freddyLLM", "freddy_llm", "freddy-llm", "Freddy LLM"]) {
      expect(outcome(promoted({ A: type }))).toBe("leads: A")
    }
  })

  it("an Assistant node has no say", () => {
    expect(outcome(promoted({ A: "llm", Other: "assistant" }))).toBe("leads: A")
    expect(outcome(promoted({ Other: "assistant" }))).toBe("FREDDY_LLM_NODE_REQUIRED")
  })

  it("findings, errors among them, never refuse", () => {
    const broken: Nodes = {
      Chat: "chat",
      Two: "chat",
      A: { type: "llm", parameters: { temperature: 99, prompt: "={{ ( }}" } },
    }
    const verdict = promoted(broken, ["Chat > A", "Two > A", "A > Gone"])
    expect(outcome(verdict)).toBe("leads: A")
    expect(codes(verdict)).toEqual(
      expect.arrayContaining(["START_AMBIGUOUS", "SETTING_INVALID", "EXPRESSION_INVALID", "CONNECTION_TARGET_MISSING"]),
    )
  })
})

describe("the suggestion", () => {
  const suggested = (nodes: Nodes, links: readonly string[]) =>
    promoted(nodes, links)
      .report.candidates.filter((candidate) => candidate.suggested)
      .map(({ name }) => name)

  it("is one candidate: the last of the flow that a chat message comes to, else the first on the canvas", () => {
    expect(suggested({ Chat: "chat", A: "llm", B: "llm", Island: "llm" }, ["Chat > A > B"])).toEqual(["B"])
    expect(suggested({ A: { type: "llm", position: [0, 50] }, B: { type: "llm", position: [0, 0] } }, [])).toEqual([
      "B",
    ])
    expect(suggested({ Chat: "chat", A: "llm", B: "llm" }, ["Chat > A", "Chat > B"])).toEqual(["A"])
    expect(suggested({ Chat: "chat", A: "llm", B: "llm" }, ["Chat > A > B > A"])).toHaveLength(1)
  })
})

describe("what is taken over", () => {
  const settings = (verdict: PromotionVerdict) =>
    Object.fromEntries(verdict.report.settings.map(({ field, value }) => [field, value]))
  const schema = { type: "object", properties: { a: { type: "string" } } }
  const parameters: JsonObject = {
    modelKey: "gpt-4o",
    systemPrompt: "Be kind.",
    temperature: "0.5",
    topP: 0.9,
    maxTokens: 100,
    stop: "END",
    seed: 7,
    frequency_penalty: 1,
    presence_penalty: -1,
    reasoning_effort: "minimal",
    output_schema: schema,
    tools: [{ server_url: "https://tools.example", allowed_tools: ["x"] }],
  }

  it("of a FreddyLLM node are its literal values, by their names on the wire, with their place", () => {
    const verdict = promoted({ Tool: "n8n-nodes-base.httpRequestTool", A: { type: "llm", parameters } }, [
      "Tool > A @ai_tool",
    ])
    expect(settings(verdict)).toEqual({
      default_model_key: "gpt-4o",
      instructions: "Be kind.",
      temperature: 0.5,
      top_p: 0.9,
      max_completion_tokens: 100,
      stop_sequences: ["END"],
      seed: 7,
      frequency_penalty: 1,
      presence_penalty: -1,
      reasoning: { effort: "low" },
      response_format: "json_schema",
      json_schemas: [schema],
      tools: ["Tool", { server_url: "https://tools.example", allowed_tools: ["x"] }],
    })
    const from = verdict.report.settings.find(({ field }) => field === "top_p")?.from
    expect(from).toEqual({ node: "A", path: "nodes[1].parameters.topP" })
  })

  it("leave out what is out of range and what is known only in a run, and report it", () => {
    const verdict = promoted({
      A: { type: "llm", parameters: { model: "={{ $json.m }}", temperature: 5, seed: 1, stop: ["={{ 1 }}"] } },
    })
    expect(settings(verdict)).toEqual({ seed: 1 })
    const left = verdict.report.findings.filter(({ code }) => code === "SETTING_NOT_INHERITED")
    expect(left.map(({ severity, path }) => [severity, path])).toEqual([
      ["info", "nodes[0].parameters.model"],
      ["warning", "nodes[0].parameters.temperature"],
      ["info", "nodes[0].parameters.stop"],
    ])
  })

  it("leave out a schema that is none, with an error", () => {
    const verdict = promoted({ A: { type: "llm", parameters: { output_schema: { type: "no such type" } } } })
    expect(settings(verdict)).toEqual({})
    expect(verdict.report.findings).toMatchObject([{ code: "OUTPUT_SCHEMA_INVALID", severity: "error" }])
  })

  it("of an agent come from its own options and its enabled model", () => {
    const lm = "@n8n/n8n-nodes-langchain.lmChatOpenAi"
    const verdict = promoted(
      {
        Off: { type: lm, disabled: true, parameters: { model: "not this" } },
        Model: {
          type: lm,
          parameters: {
            model: { __rl: true, value: "gpt-4o-mini" },
            options: { temperature: 0.2, maxTokens: 50, topP: 0.3, responseFormat: "json_object" },
          },
        },
        Agent: {
          type: "agent",
          parameters: { options: { systemMessage: "You help." }, text: "={{ $json.chatInput }}" },
        },
        Chat: "chat",
      },
      ["Chat > Agent", "Off > Agent @ai_languageModel", "Model > Agent @ai_languageModel"],
    )
    expect(settings(verdict)).toEqual({
      default_model_key: "gpt-4o-mini",
      instructions: "You help.",
      temperature: 0.2,
      top_p: 0.3,
      max_completion_tokens: 50,
      response_format: "json_object",
    })
    expect(verdict.report.settings.find(({ field }) => field === "temperature")?.from).toEqual({
      node: "Model",
      path: "nodes[1].parameters.options.temperature",
    })
    expect(codes(verdict)).toEqual(expect.arrayContaining(["AGENT_AS_TOOLS_AGENT", "HISTORY_OF_THREAD"]))
    expect(codes(verdict)).not.toContain("MODEL_MISSING")
  })

  it("of a chain are the system messages among its prompts, and of OpenAI's node those of the role", () => {
    const chain = {
      messages: {
        messageValues: [
          { message: "One." },
          { type: "HumanMessagePromptTemplate", message: "no" },
          { message: "Two." },
        ],
      },
    }
    expect(settings(promoted({ A: { type: "chain", parameters: chain } }))).toEqual({ instructions: "One.\n\nTwo." })
    const openAi = {
      modelId: { value: "gpt-4o" },
      messages: {
        values: [{ content: "user's" }, { role: "system", content: "Sys." }, { role: "user", content: "u" }],
      },
      jsonOutput: true,
      options: { maxTokens: -1, temperature: 1 },
    }
    expect(settings(promoted({ A: { type: "@n8n/n8n-nodes-langchain.openAi", parameters: openAi } }))).toEqual({
      default_model_key: "gpt-4o",
      instructions: "Sys.",
      temperature: 1,
      response_format: "json_object",
    })
  })

  it("say that a model is missing, and that a memory keeps the thread's history out", () => {
    expect(codes(promoted({ A: "agent" }))).toEqual(expect.arrayContaining(["MODEL_MISSING", "HISTORY_OF_THREAD"]))
    const memory = promoted({ A: "agent", M: "@n8n/n8n-nodes-langchain.memoryBufferWindow" }, ["M > A @ai_memory"])
    expect(codes(memory)).not.toContain("HISTORY_OF_THREAD")
  })

  it("are those of the node that leads, and none where none does", () => {
    const nodes: Nodes = {
      A: { type: "llm", parameters: { temperature: 0.1 } },
      B: { type: "llm", parameters: { temperature: 0.2 } },
    }
    expect(settings(promoted(nodes, [], "B"))).toEqual({ temperature: 0.2 })
    expect(settings(promoted(nodes))).toEqual({})
  })
})

describe("the report", () => {
  it("has its keys in the order of the contract, with an error only where it refuses", () => {
    const keys = [
      "promotable",
      "primary_node",
      "candidates",
      "settings",
      "input",
      "output",
      "pauses",
      "streams",
      "unknown_kinds",
      "findings",
    ]
    expect(Object.keys(promoted({ A: "llm" }).report)).toEqual(keys)
    expect(Object.keys(promoted({}).report)).toEqual([keys[0], "error", ...keys.slice(1)])
    expect(Object.keys(promoted({}).report.error ?? {})).toEqual(["code", "message", "details"])
  })

  it("tells how a message enters, what comes out, what streams, where it may wait and what cannot be run", () => {
    const { report } = promoted(
      { Chat: "chat", If: "if", A: "llm", Ask: "Ask", Wait: "n8n-nodes-base.wait", Slack: "foreign", Island: "Ask" },
      ["Chat > If:0 > A", "If:1 > Ask > Wait > Slack"],
    )
    expect(report).toMatchObject({
      promotable: true,
      primary_node: { id: "A", name: "A", type: "FreddyLLM" },
      input: { message: { node: "Chat", field: "chatInput" }, per_turn: [], per_thread: [] },
      output: {
        node: null,
        field: null,
        ends: [
          { node: "A", field: "text" },
          { node: "Slack", field: null },
        ],
      },
      pauses: ["Ask", "Wait"],
      streams: ["A"],
      unknown_kinds: ["Slack"],
    })
  })

  it("names the one end and its field", () => {
    expect(promoted({ Chat: "chat", A: "llm", End: "noOp" }, ["Chat > A > End"]).report.output).toEqual({
      node: "End",
      field: "text",
      ends: [{ node: "End", field: "text" }],
    })
  })

  it("warns where nothing comes out, where two ends can, and where the primary node is not come to", () => {
    expect(
      codes(promoted({ A: "llm", Stop: { type: "stop", parameters: { errorMessage: "x" } } }, ["A > Stop"])),
    ).toEqual(["ANSWER_MISSING"])
    expect(codes(promoted({ Chat: "chat", A: "llm", B: "noOp" }, ["Chat > A", "Chat > B"]))).toEqual([
      "ANSWER_AMBIGUOUS",
    ])
    expect(
      codes(promoted({ If: "if", A: "llm", B: "noOp" }, ["If:0 > A", "If:1 > B"])).filter((code) =>
        code.startsWith("ANSWER"),
      ),
    ).toEqual([])
    expect(codes(promoted({ Chat: "chat", A: "llm" }))).toEqual(["PRIMARY_NODE_UNREACHED"])
    expect(promoted({ A: "llm", Set: "set" }, ["A > Set > A"]).report.input.message).toBeNull()
  })

  it("is plain JSON", () => {
    const { report } = promoted({ Chat: "chat", A: "llm", B: "agent", X: "foreign" }, ["Chat > A", "Chat > X"])
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })
})

describe("the verdict on a version under a link", () => {
  const verdict = (nodes: Nodes, linked: string | null) =>
    outcome(judgeVersion(readDefinition(definitionOf(nodes)), linked))

  it("takes the linked node if it is still a candidate", () => {
    expect(verdict({ A: "llm", B: "llm" }, "B")).toBe("leads: B")
  })

  it("else the only candidate", () => {
    expect(verdict({ A: "llm" }, "B")).toBe("leads: A")
    expect(verdict({ A: "llm", B: "set" }, "B")).toBe("leads: A")
    expect(verdict({ A: "llm", B: { type: "llm", disabled: true } }, "B")).toBe("leads: A")
    expect(verdict({ A: "llm", Agent: "agent" }, "Agent")).toBe("leads: A")
  })

  it("else none", () => {
    expect(verdict({ A: "llm", C: "llm" }, "B")).toBe("PRIMARY_NODE_REQUIRED")
    expect(verdict({ A: "set" }, "A")).toBe("FREDDY_LLM_NODE_REQUIRED")
    expect(verdict({}, "A")).toBe("FREDDY_LLM_NODE_REQUIRED")
  })

  it("cannot tell two candidates of one id apart", () => {
    const twins: Nodes = { A: { type: "llm", id: "twin" }, B: { type: "llm", id: "twin" } }
    expect(verdict(twins, "twin")).toBe("PRIMARY_NODE_REQUIRED")
    expect(verdict({ A: { type: "llm", id: "twin" }, B: { type: "set", id: "twin" } }, "twin")).toBe("leads: twin")
  })

  it("without a link is that of a promotion that names no node", () => {
    const read = readDefinition(definitionOf({ A: "llm", B: "llm" }))
    expect(judgeVersion(read, null)).toEqual(promote(read))
  })
})
