import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { runInMemory } from "../../testing/memory-run.ts"
import { readDefinition } from "../read.ts"
import { importDocument } from "./formats.ts"

/** A chatflow as YAML, in the form of the documentation: a start with a variable, a branch, two models, an answer each. */
const chatflow = `
app: { name: Help desk, mode: advanced-chat, description: Answers or asks back }
kind: app
version: 0.3.0
workflow:
  conversation_variables: []
  environment_variables:
    - { name: company, value: Acme, value_type: string }
    - { name: key, value: sk-hidden, value_type: secret }
  features:
    opening_statement: Hello!
    speech_to_text: { enabled: true }
  graph:
    nodes:
      - id: '1'
        position: { x: 0, y: 0 }
        data:
          type: start
          title: Start
          variables: [{ variable: tone, type: text-input, label: Tone, required: false, default: calm }]
      - id: '2'
        position: { x: 200, y: 0 }
        data:
          type: if-else
          title: Is it urgent
          cases:
            - case_id: 'true'
              logical_operator: and
              conditions:
                - { variable_selector: [sys, query], comparison_operator: contains, value: urgent, varType: string }
      - id: '3'
        position: { x: 400, y: 0 }
        data:
          type: llm
          title: Quick
          model: { provider: langgenius/openai/openai, name: gpt-4o, completion_params: { temperature: 0.2, top_k: 3 } }
          prompt_template:
            - { role: system, text: 'You are {{#env.company#}}. Be {{#1.tone#}}. Do not write {{ braces }}.' }
          memory: { window: { enabled: true, size: 5 }, query_prompt_template: '' }
      - { id: '4', position: { x: 600, y: 0 }, data: { type: answer, title: Said, answer: '{{#3.text#}}' } }
      - id: '5'
        position: { x: 400, y: 200 }
        data: { type: template-transform, title: Polite, template: 'Thank you. {{ text }}', variables: [{ variable: text, value_selector: [sys, query] }] }
      - { id: '6', position: { x: 600, y: 200 }, data: { type: answer, title: Later, answer: 'We come back: {{#5.output#}}' } }
      - { id: '7', position: { x: 600, y: 400 }, data: { type: knowledge-retrieval, title: Books } }
    edges:
      - { source: '1', target: '2', sourceHandle: source, targetHandle: target }
      - { source: '2', target: '3', sourceHandle: 'true', targetHandle: target }
      - { source: '3', target: '4', sourceHandle: source, targetHandle: target }
      - { source: '2', target: '5', sourceHandle: 'false', targetHandle: target }
      - { source: '5', target: '6', sourceHandle: source, targetHandle: target }
`

type MadeNode = { readonly name: string; readonly type: string; readonly parameters: JsonObject }

function imported(document: JsonValue) {
  const result = importDocument(document, null)
  if ("fault" in result) throw new Error(result.fault)
  return result
}

const nodesOf = (definition: JsonObject) => definition.nodes as unknown as readonly MadeNode[]
const nodeOf = (definition: JsonObject, name: string) => nodesOf(definition).find((node) => node.name === name)

describe("a chatflow of Dify", () => {
  const { definition, name, description, format, report } = imported(chatflow)

  it("is a workflow of the same name that reads without a finding of structure", () => {
    expect([format, name, description]).toEqual(["dify", "Help desk", "Answers or asks back"])
    expect(readDefinition(definition).findings).toEqual([])
  })

  it("asks models with the prompt, the settings and as much of the conversation as it did", () => {
    expect(nodeOf(definition, "Quick")).toMatchObject({
      type: "FreddyLLM",
      parameters: {
        model: "gpt-4o",
        temperature: 0.2,
        include_history: true,
        history_limit: 10,
        prompt: "={{ $('Chat message').first()?.json?.chatInput }}",
        system_message:
          '=You are Acme. Be {{ $(\'Start\').first()?.json?.tone }}. Do not write {{ "{" }}{{ "{" }} braces }}.',
      },
    })
  })

  it("runs to the answer of the branch that was taken", () => {
    const chat = { sessionId: "t", action: "sendMessage", chatInput: "no hurry" }
    const outcome = runInMemory({ definition, start: "Chat message", given: { "Chat message": [[[chat]]] } })
    expect(outcome.status).toBe("success")
    expect(outcome.order).toEqual(["Chat message", "Start", "Is it urgent", "Polite", "Later"])
    expect(outcome.nodes.Later?.[0]?.outputs).toEqual([[{ text: "We come back: Thank you. no hurry" }]])
  })

  it("tells what is changed and lost, and takes no secret over", () => {
    const lost = report.lost.map(({ element, was }) => `${element}: ${was}`)
    expect(lost).toEqual([
      "env.key: secret",
      "Books: knowledge-retrieval",
      "features.speech_to_text: switched on",
      "features.opening_statement: Hello!",
    ])
    expect(report.changed.map(({ element }) => element)).toEqual(["Start"])
    expect(report.totals).toEqual({ kept: 5, changed: 1, lost: 4 })
    expect(JSON.stringify(definition)).not.toContain("sk-hidden")
  })
})

describe("an app of Dify without a graph", () => {
  it("is one node behind a chat trigger", () => {
    const { definition } = imported({
      app: { name: "Poet", mode: "chat" },
      model_config: {
        pre_prompt: "Write about {{topic}}.",
        user_input_form: [{ "text-input": { variable: "topic", label: "Topic" } }],
        model: { provider: "anthropic", name: "claude-sonnet-4-0", completion_params: { max_tokens: 100 } },
      },
    })
    const types = nodesOf(definition).map(({ type }) => type)
    expect(types).toEqual(["@n8n/n8n-nodes-langchain.chatTrigger", "FreddyLLM"])
    expect(nodeOf(definition, "Poet")?.parameters).toMatchObject({ model: "claude-sonnet-4-0", max_tokens: 100 })
    expect(definition.meta).toEqual({
      inputs: { per_turn: { type: "object", properties: { topic: { type: "string" } } } },
    })
  })

  it("is an agent with its tools switched off where it had tools", () => {
    const { definition, report } = imported({
      app: { name: "Helper", mode: "agent-chat" },
      model_config: {
        model: { provider: "openai", name: "gpt-4o" },
        agent_mode: { enabled: true, tools: [{ tool_name: "current_time", enabled: true }] },
      },
    })
    expect(nodesOf(definition).map(({ type }) => type)).toEqual([
      "@n8n/n8n-nodes-langchain.chatTrigger",
      "@n8n/n8n-nodes-langchain.agent",
      "@n8n/n8n-nodes-langchain.lmChatOpenAi",
      "@n8n/n8n-nodes-langchain.memoryBufferWindow",
      "imported.dify-current_time",
    ])
    expect(nodeOf(definition, "current_time")).toMatchObject({ disabled: true })
    expect(report.lost).toMatchObject([{ element: "Helper", was: "tool current_time" }])
  })
})
