/** Flowise, Langflow and the OpenAI Agent Builder: small documents in the form in which each keeps its flows. */
import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { runInMemory } from "../../testing/memory-run.ts"
import { promote } from "../promote.ts"
import { readDefinition } from "../read.ts"
import { celExpression } from "./cel-expression.ts"
import { importDocument } from "./formats.ts"

type MadeNode = {
  readonly name: string
  readonly type: string
  readonly parameters: JsonObject
  readonly disabled?: boolean
}

function imported(document: JsonValue) {
  const result = importDocument(document, null)
  if ("fault" in result) throw new Error(result.fault)
  expect(readDefinition(result.definition).findings).toEqual([])
  const nodes = result.definition.nodes as unknown as readonly MadeNode[]
  return { ...result, nodes, node: (name: string) => nodes.find((one) => one.name === name) }
}

const chat = { sessionId: "t", action: "sendMessage", chatInput: "refund please" }

/** Runs a definition with what its model nodes say. */
function run(definition: JsonObject, start: string, said: Readonly<Record<string, JsonObject>> = {}) {
  const given = Object.fromEntries(Object.entries({ [start]: chat, ...said }).map(([name, json]) => [name, [[[json]]]]))
  return runInMemory({ definition, start, given })
}

const part = (id: string, name: string, inputs: JsonObject): JsonObject => {
  return { id, type: "agentFlow", position: { x: 0, y: 0 }, data: { id, name, label: id, inputs } }
}
const arrow = (source: string, target: string, output = "x"): JsonObject => {
  return { source, sourceHandle: `${source}-output-${output}`, target, targetHandle: target }
}

describe("an agent flow of Flowise", () => {
  const document: JsonObject = {
    nodes: [
      part("startAgentflow_0", "startAgentflow", {
        startInputType: "chatInput",
        startState: [{ key: "mood", value: "calm" }],
      }),
      part("conditionAgentflow_0", "conditionAgentflow", {
        conditions: [{ type: "string", value1: "<p>{{ question }}</p>", operation: "contains", value2: "refund" }],
      }),
      part("llmAgentflow_0", "llmAgentflow", {
        llmModel: "chatAnthropic",
        llmModelConfig: { modelName: "claude-sonnet-4-0", temperature: "0.3" },
        llmMessages: [{ role: "system", content: "<p>Be {{ $flow.state.mood }}.</p>" }],
        llmEnableMemory: true,
        llmUpdateState: [{ key: "mood", value: "{{ output }}" }],
      }),
      part("directReplyAgentflow_0", "directReplyAgentflow", { directReplyMessage: "It is {{ $flow.state.mood }}" }),
      part("customFunctionAgentflow_0", "customFunctionAgentflow", {
        customFunctionInputVariables: [{ variableName: "said", variableValue: "{{ question }}" }],
        customFunctionJavascriptFunction: "return $said.length + $flow.state.mood",
      }),
      part("retrieverAgentflow_0", "retrieverAgentflow", { apiKey: "sk-secret" }),
    ],
    edges: [
      arrow("startAgentflow_0", "conditionAgentflow_0"),
      arrow("conditionAgentflow_0", "llmAgentflow_0", "0"),
      arrow("conditionAgentflow_0", "customFunctionAgentflow_0", "1"),
      arrow("llmAgentflow_0", "directReplyAgentflow_0"),
    ],
  }
  const { format, definition, node, report } = imported(document)

  it("keeps its steps, models, memory and branches", () => {
    expect(format).toBe("flowise")
    expect(node("llmAgentflow_0")).toMatchObject({
      type: "FreddyLLM",
      parameters: {
        model: "claude-sonnet-4-0",
        temperature: 0.3,
        include_history: true,
        system_message: expect.stringContaining(': "calm") }}.'),
      },
    })
    const outcome = run(definition, "startAgentflow_0", { llmAgentflow_0: { text: "sunny" } })
    expect(outcome.order).toEqual([
      "startAgentflow_0",
      "conditionAgentflow_0",
      "llmAgentflow_0",
      "directReplyAgentflow_0",
    ])
    expect(outcome.nodes.directReplyAgentflow_0?.[0]?.outputs).toEqual([[{ text: "It is sunny" }]])
  })

  it("hands code its variables and the state", () => {
    const jsCode = String(node("customFunctionAgentflow_0")?.parameters.jsCode)
    expect(jsCode).toContain("const $said = $('startAgentflow_0').first()?.json?.chatInput")
    expect(jsCode).toContain('state: { "mood":')
    expect(jsCode).toContain("return $said.length + $flow.state.mood")
  })

  it("tells what is lost, without its secrets", () => {
    expect(report.lost.map(({ element }) => element)).toEqual(["retrieverAgentflow_0"])
    expect(JSON.stringify(definition)).not.toContain("sk-secret")
  })

  it("goes back as often as it says, asks a person, and classifies", () => {
    const { nodes, definition: looped } = imported({
      nodes: [
        part("start_0", "startAgentflow", {}),
        part("ask_0", "humanInputAgentflow", { humanInputDescription: "Go on?" }),
        part("loop_0", "loopAgentflow", { loopBackToNode: "ask_0-Ask", maxLoopCount: 3 }),
        part("kind_0", "conditionAgentAgentflow", {
          conditionAgentScenarios: [{ scenario: "one" }, { scenario: "two" }],
        }),
        part("iteration_0", "iterationAgentflow", { iterationInput: '["a","b"]' }),
        {
          ...part("reply_0", "directReplyAgentflow", { directReplyMessage: "{{ $iteration }}!" }),
          parentNode: "iteration_0",
        },
      ],
      edges: [
        arrow("start_0", "ask_0"),
        arrow("ask_0", "kind_0", "proceed"),
        arrow("ask_0", "loop_0", "reject"),
        arrow("kind_0", "iteration_0", "1"),
      ],
    })
    expect(nodes.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["Ask", "n8n-nodes-base.splitInBatches", "@n8n/n8n-nodes-langchain.textClassifier"]),
    )
    const { graph } = readDefinition(looped)
    const leads = (name: string) => {
      const ways = graph.outgoing[graph.ordinalByName.get(name) ?? -1] ?? []
      return ways.map(({ output, to }) => `${output}: ${graph.nodes[to]?.name}`)
    }
    expect(leads("ask_0 approved")).toEqual(["0: kind_0", "1: loop_0"])
    expect(leads("loop_0")).toEqual(["0: ask_0"])
    expect(leads("kind_0")).toEqual(["1: iteration_0 items"])
  })
})

describe("a chat flow of Flowise", () => {
  const custom = (id: string, name: string, inputs: JsonObject): JsonObject => {
    return { id, type: "customNode", position: { x: 0, y: 0 }, data: { id, name, label: id, inputs } }
  }

  it("is a node for each chain, with its prompt, model and memory", () => {
    const { definition, node, report } = imported({
      nodes: [
        custom("chatOpenAI_0", "chatOpenAI", { modelName: "gpt-4o", temperature: 0.1 }),
        custom("promptTemplate_0", "promptTemplate", {
          template: "Translate {text}",
          promptValues: '{"text":"{{question}}"}',
        }),
        custom("llmChain_0", "llmChain", {
          model: "{{chatOpenAI_0.data.instance}}",
          prompt: "{{promptTemplate_0.data.instance}}",
        }),
        custom("promptTemplate_1", "promptTemplate", {
          template: "Praise {it}",
          promptValues: '{"it":"{{llmChain_0.data.instance}}"}',
        }),
        custom("llmChain_1", "llmChain", {
          model: "{{chatOpenAI_0.data.instance}}",
          prompt: "{{promptTemplate_1.data.instance}}",
        }),
        custom("faiss_0", "faiss", {}),
      ],
      edges: [],
    })
    expect(node("llmChain_0")?.parameters).toMatchObject({
      model: "gpt-4o",
      prompt: "=Translate {{ $('Chat message').first()?.json?.chatInput }}",
    })
    expect(node("llmChain_1")?.parameters).toMatchObject({
      prompt: "=Praise {{ $('llmChain_0').first()?.json?.text }}",
    })
    expect(run(definition, "Chat message", { llmChain_0: { text: "a" }, llmChain_1: { text: "b" } }).order).toEqual([
      "Chat message",
      "llmChain_0",
      "llmChain_1",
    ])
    expect(report.lost.map(({ element }) => element)).toEqual(["faiss_0"])
  })

  it("is an agent with its servants where it was one", () => {
    const { nodes, report } = imported({
      nodes: [
        custom("chatAnthropic_0", "chatAnthropic", { modelName: "claude-3-5-haiku-latest" }),
        custom("bufferWindowMemory_0", "bufferWindowMemory", { k: "4" }),
        custom("calculator_0", "calculator", {}),
        custom("serper_0", "serper", {}),
        custom("toolAgent_0", "toolAgent", {
          systemMessage: "You help.",
          model: "{{chatAnthropic_0.data.instance}}",
          memory: "{{bufferWindowMemory_0.data.instance}}",
          tools: ["{{calculator_0.data.instance}}", "{{serper_0.data.instance}}"],
        }),
      ],
      edges: [],
    })
    expect(nodes.map(({ type, disabled }) => `${type}${disabled === true ? " off" : ""}`)).toEqual([
      "@n8n/n8n-nodes-langchain.chatTrigger",
      "@n8n/n8n-nodes-langchain.agent",
      "@n8n/n8n-nodes-langchain.lmChatAnthropic",
      "@n8n/n8n-nodes-langchain.memoryBufferWindow",
      "@n8n/n8n-nodes-langchain.toolCalculator",
      "imported.flowise-serper off",
    ])
    expect(report.totals).toEqual({ kept: 4, changed: 0, lost: 1 })
  })
})

describe("a flow of Langflow", () => {
  const component = (id: string, type: string, fields: Readonly<Record<string, JsonValue>> = {}): JsonObject => {
    const template = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { value }]))
    return {
      id,
      type: "genericNode",
      position: { x: 0, y: 0 },
      data: { id, type, node: { display_name: id, template } },
    }
  }
  const wire = (source: string, target: string, [output, fieldName]: readonly [string, string]): JsonObject => ({
    source,
    target,
    data: { sourceHandle: { name: output }, targetHandle: { fieldName } },
  })
  const texts = (source: string, target: string, [output, fieldName]: readonly [string, string]): JsonObject => ({
    source,
    target,
    sourceHandle: JSON.stringify({ name: output }).replaceAll('"', "œ"),
    targetHandle: JSON.stringify({ fieldName }).replaceAll('"', "œ"),
  })

  it.each([["objects", wire] as const, ["texts", texts] as const])(
    "keeps prompts, models and what is wired, handles as %s",
    (_how, wired) => {
      const { format, name, definition, node } = imported({
        name: "Pirate",
        data: {
          nodes: [
            component("In", "ChatInput"),
            component("Style", "Prompt", { template: "As a {who}: {{x}} {text}", who: "pirate", text: "" }),
            component("Model", "OpenAIModel", {
              model_name: "gpt-4o-mini",
              temperature: 0.5,
              input_value: "",
              system_message: "",
            }),
            component("Memory", "Memory"),
            component("Out", "ChatOutput", { input_value: "" }),
          ],
          edges: [
            wired("In", "Style", ["message", "text"]),
            wired("Memory", "Style", ["messages_text", "who"]),
            wired("Style", "Model", ["prompt", "system_message"]),
            wired("In", "Model", ["message", "input_value"]),
            wired("Model", "Out", ["text_output", "input_value"]),
          ],
        },
      })
      expect([format, name]).toEqual(["langflow", "Pirate"])
      expect(node("Model")?.parameters).toMatchObject({
        model: "gpt-4o-mini",
        temperature: 0.5,
        include_history: true,
        system_message: "={{ $('Style').first()?.json?.text }}",
        prompt: "={{ $('In').first()?.json?.chatInput }}",
      })
      const outcome = run(definition, "In", { Model: { text: "Arr" } })
      expect(outcome.status).toBe("success")
      expect(outcome.nodes.Style?.[0]?.outputs).toEqual([[{ text: "As a : {x} refund please" }]])
      expect(outcome.order.at(-1)).toBe("Out")
    },
  )

  it("keeps an agent with its tools, and a branch", () => {
    const { definition, node, nodes } = imported({
      data: {
        nodes: [
          component("In", "ChatInput"),
          component("Which", "ConditionalRouter", { operator: "contains", match_text: "refund", input_text: "" }),
          component("Agent", "Agent", { agent_llm: "OpenAI", model_name: "gpt-4o", system_prompt: "Help." }),
          component("Sum", "CalculatorComponent"),
          component("Search", "TavilySearch", { api_key: "tvly-secret" }),
          component("Out", "ChatOutput"),
          component("Other", "ChatOutput"),
        ],
        edges: [
          wire("In", "Which", ["message", "input_text"]),
          wire("Which", "Agent", ["true_result", "input_value"]),
          wire("Which", "Other", ["false_result", "input_value"]),
          wire("Sum", "Agent", ["component_as_tool", "tools"]),
          wire("Search", "Agent", ["component_as_tool", "tools"]),
          wire("Agent", "Out", ["response", "input_value"]),
        ],
      },
    })
    expect(node("Sum")?.type).toBe("@n8n/n8n-nodes-langchain.toolCalculator")
    expect(node("Search")).toMatchObject({ type: "imported.langflow-TavilySearch", disabled: true })
    expect(JSON.stringify(nodes)).not.toContain("tvly-secret")
    expect(run(definition, "In", { Agent: { output: "done" } }).order).toEqual(["In", "Which", "Agent", "Out"])
  })
})

describe("a workflow of the OpenAI Agent Builder", () => {
  const step = (id: string, type: string, data: JsonObject = {}): JsonObject => ({
    id,
    type,
    position: { x: 0, y: 0 },
    data: { name: id, ...data },
  })
  const edge = (source: string, target: string, sourceHandle = "out"): JsonObject => ({ source, target, sourceHandle })
  const document: JsonObject = {
    name: "Desk",
    nodes: [
      step("Start", "start", { state_variables: [{ name: "tries", default: 0 }] }),
      step("Sort", "agent", {
        instructions: "Sort {{workflow.input_as_text}}",
        model: "gpt-5-mini",
        reasoning: { effort: "low" },
        output_schema: { type: "object", properties: { kind: { type: "string" } } },
      }),
      step("Count", "set_state", { assignments: [{ name: "tries", expression: "state.tries + 1" }] }),
      step("Which", "if_else", {
        cases: [{ id: "refund", expression: 'input.output_parsed.kind == "refund" && size(state.tries) >= 0' }],
      }),
      step("Sure", "user_approval", { message: "Give it back?" }),
      step("Help", "agent", {
        model: "gpt-5",
        tools: [
          { type: "mcp", server_url: "https://mcp.example/x", allowed_tools: ["a"] },
          { type: "web_search", api_key: "s3" },
        ],
      }),
      step("Done", "end"),
      step("Books", "file_search"),
    ],
    edges: [
      edge("Start", "Sort"),
      edge("Sort", "Count"),
      edge("Count", "Which"),
      edge("Which", "Sure", "refund"),
      edge("Which", "Help", "else"),
      edge("Sure", "Done", "approve"),
      edge("Help", "Done"),
    ],
  }
  const { format, name, definition, node, report } = imported(document)

  it("keeps agents with their models, tools and forms of answers", () => {
    expect([format, name]).toEqual(["openai-agent-builder", "Desk"])
    expect(node("Sort")).toMatchObject({
      type: "FreddyLLM",
      parameters: {
        model: "gpt-5-mini",
        reasoning_effort: "low",
        include_history: true,
        output_schema: { properties: {} },
      },
    })
    expect(node("MCP")).toMatchObject({
      type: "@n8n/n8n-nodes-langchain.mcpClientTool",
      parameters: { endpointUrl: "https://mcp.example/x" },
    })
    expect(node("web_search")).toMatchObject({ disabled: true })
    expect(report.lost.map(({ element, was }) => `${element}: ${was}`)).toEqual([
      "Help: tool web_search",
      "Books: filesearch",
    ])
  })

  it("runs the branch that its expression says, with the state that was written", () => {
    const said = (kind: string) => ({
      Sort: { text: "…", output: { kind } },
      Sure: { answer: { decision: "approve" } },
      Help: { output: "ok" },
    })
    const refund = run(definition, "Start", said("refund"))
    expect(refund.order).toEqual(["Start", "Sort", "Count", "Which", "Sure", "Sure approved", "Done"])
    expect(refund.nodes.Count?.[0]?.outputs[0]?.[0]).toMatchObject({ tries: 1 })
    expect(run(definition, "Start", said("other")).order).toEqual(["Start", "Sort", "Count", "Which", "Help", "Done"])
  })

  it("can be promoted, and says which agents could lead", () => {
    const { report: promotion } = promote(readDefinition(definition), { primaryNodeId: "Sort" })
    expect(promotion.promotable).toBe(true)
    expect(promotion.input.message).toMatchObject({ node: "Start" })
  })
})

describe("an expression of the Agent Builder", () => {
  const read = (path: readonly string[]) => (path[0] === "known" ? `at(${path.join(",")})` : null)

  it.each([
    ["known.a == 'x'", 'at(known,a) == "x"'],
    ['known.list.contains("y") || !(1 < 2.5)', 'String(at(known,list) ?? "").includes ( "y" ) || ! ( 1 < 2.5 )'],
    [
      "size(known) > 1 ? [1, 2] : null",
      "((value) => value?.length ?? Object.keys(value ?? {}).length) ( at(known) ) > 1 ? [ 1 , 2 ] : null",
    ],
  ])("is one of ours: %s", (text, code) => {
    expect(celExpression(text, read)).toBe(code)
  })

  it.each([
    "",
    "unknown.a",
    "known.map(x, x)",
    "known; other",
    "(known",
    "known)",
    "`x`",
    "known.constructor.call()",
    "=> 1",
    "x".repeat(6_000),
  ])("is nothing where it cannot be said: %s", (text) => {
    expect(celExpression(text, read)).toBeNull()
  })
})
