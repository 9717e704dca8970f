import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../json.ts"
import { definitionOf, type ShortNode } from "../testing/definitions.ts"
import { chatEntry, chatItems, declaredInputs, executeEntry } from "./entry.ts"
import { findNode } from "./graph.ts"
import { readDefinition } from "./read.ts"

const webhook = "n8n-nodes-base.webhook"

/** Where a turn and an execution start, and the findings' codes of the turn. */
function entriesOf(
  nodes: Readonly<Record<string, ShortNode>>,
  links: readonly string[],
  primary: string | null = null,
) {
  const { graph } = readDefinition(definitionOf(nodes, links))
  const node = primary === null ? null : findNode(graph, primary)
  const chat = chatEntry(graph, node)
  return {
    chat: chat.start?.name ?? null,
    execute: executeEntry(graph, node).start?.name ?? null,
    codes: chat.findings.map(({ code }) => code),
  }
}

describe("where runs start", () => {
  it("a turn: chat trigger, then executeWorkflowTrigger, then manualTrigger; an execution the other way round", () => {
    const nodes = { LLM: "llm", Manual: "manual", Call: "call", Chat: "chat" }
    const links = ["Manual > LLM", "Call > LLM", "Chat > LLM"]
    expect(entriesOf(nodes, links, "LLM")).toEqual({ chat: "Chat", execute: "Manual", codes: [] })
    const { Chat: _chat, ...withoutChat } = nodes
    expect(entriesOf(withoutChat, links.slice(0, 2), "LLM")).toEqual({ chat: "Call", execute: "Manual", codes: [] })
    const { Manual: _manual, ...withoutManual } = nodes
    expect(entriesOf(withoutManual, links.slice(1), "LLM")).toEqual({ chat: "Chat", execute: "Call", codes: [] })
    expect(entriesOf({ LLM: "llm", Chat: "chat" }, ["Chat > LLM"], "LLM")).toEqual({
      chat: "Chat",
      execute: "Chat",
      codes: [],
    })
  })

  it("at the chat trigger also where it does not lead to the primary node", () => {
    expect(entriesOf({ Chat: "chat", Manual: "manual", LLM: "llm" }, ["Manual > LLM"], "LLM").chat).toBe("Chat")
  })

  it("not at a trigger that is disabled", () => {
    const nodes = { Chat: { type: "chat", disabled: true }, Manual: "manual", LLM: "llm" }
    expect(entriesOf(nodes, ["Chat > LLM", "Manual > LLM"], "LLM").chat).toBe("Manual")
  })

  it("at the other trigger that leads to the primary node, of whatever kind", () => {
    const nodes = { Hook: webhook, Mail: "n8n-nodes-base.gmailTrigger", A: "llm", B: "llm" }
    const links = ["Hook > A", "Mail > B"]
    expect(entriesOf(nodes, links, "A")).toEqual({ chat: "Hook", execute: "Hook", codes: [] })
    expect(entriesOf(nodes, links, "B")).toEqual({ chat: "Mail", execute: "Mail", codes: [] })
    expect(entriesOf(nodes, links)).toMatchObject({ chat: "Hook", codes: ["START_AMBIGUOUS"] })
  })

  it("at the node that nothing leads to: the one before the primary node, not an island beside it", () => {
    const nodes = {
      Island: "set",
      Before: "set",
      LLM: "llm",
      Note: "note",
      Model: "@n8n/n8n-nodes-langchain.lmChatOpenAi",
    }
    const links = ["Before > LLM", "Model > LLM @ai_languageModel"]
    expect(entriesOf(nodes, links, "LLM")).toEqual({ chat: "Before", execute: "Before", codes: [] })
    expect(entriesOf({ LLM: "llm" }, [], "LLM")).toEqual({ chat: "LLM", execute: "LLM", codes: [] })
  })

  it("at a disabled node only if it leads on", () => {
    const nodes = { Off: { type: "set", disabled: true }, Gone: { type: "set", disabled: true }, LLM: "llm" }
    expect(entriesOf(nodes, ["Off > LLM"], "LLM")).toEqual({ chat: "Off", execute: "Off", codes: [] })
  })

  it("at the first on the canvas where several are equally good, with an error that names them", () => {
    const nodes = {
      Low: { type: "chat", position: [0, 100] },
      Right: { type: "chat", position: [100, 0] },
      Left: { type: "chat", position: [0, 0] },
      LLM: "llm",
    }
    const all = ["Low > LLM", "Right > LLM", "Left > LLM"]
    expect(entriesOf(nodes, all, "LLM")).toEqual({ chat: "Left", execute: "Left", codes: ["START_AMBIGUOUS"] })
    expect(entriesOf(nodes, ["Low > LLM"], "LLM")).toEqual({ chat: "Low", execute: "Low", codes: [] })
    const roots = entriesOf({ B: "set", A: "set", LLM: "llm" }, ["A > LLM", "B > LLM"], "LLM")
    expect(roots).toMatchObject({ chat: "B", codes: ["START_AMBIGUOUS"] })
  })

  it("nowhere in a circle, and nowhere without nodes", () => {
    const circle = entriesOf({ LLM: "llm", Set: "set" }, ["LLM > Set", "Set > LLM"], "LLM")
    expect(circle).toEqual({ chat: null, execute: null, codes: ["NO_START_NODE"] })
    expect(entriesOf({}, [])).toEqual({ chat: null, execute: null, codes: ["NO_START_NODE"] })
    expect(entriesOf({ Note: "note" }, [])).toMatchObject({ chat: null })
  })
})

it("a chat message is one item with the thread, the text and the metadata", () => {
  expect(chatItems({ sessionId: "thread_1", text: "hi", metadata: { a: 1 } })).toEqual([
    { json: { sessionId: "thread_1", action: "sendMessage", chatInput: "hi", metadata: { a: 1 } } },
  ])
})

describe("declared inputs", () => {
  const schema = (...names: string[]): JsonObject => ({
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
    required: names.slice(0, 1),
  })
  const inputsOf = (meta: JsonObject, trigger: JsonObject = {}, type = "chat") => {
    const definition = { ...definitionOf({ Start: { type, parameters: trigger } }), meta }
    const { graph } = readDefinition(definition)
    const { perTurn, perThread } = declaredInputs(graph, chatEntry(graph, null).start)
    return [perTurn.map(({ name }) => name), perThread.map(({ name }) => name)]
  }

  it("come from the definition's meta: one schema is per turn, or one for each", () => {
    expect(inputsOf({ inputs: schema("a", "b") })).toEqual([["a", "b"], []])
    expect(inputsOf({ inputs: { per_turn: schema("a"), per_thread: schema("b") } })).toEqual([["a"], ["b"]])
    expect(inputsOf({ inputs: { perThread: schema("b") } })).toEqual([[], ["b"]])
  })

  it("come from the trigger's options and, of a called workflow, from its fields", () => {
    expect(inputsOf({ inputs: schema("a") }, { options: { inputs: { per_turn: schema("a", "c") } } })).toEqual([
      ["a", "c"],
      [],
    ])
    const fields = { workflowInputs: { values: [{ name: "x", type: "number" }, { name: "" }, 5] } }
    expect(inputsOf({}, fields, "call")).toEqual([["x"], []])
    expect(inputsOf({}, fields)).toEqual([[], []])
  })

  it("say their type and whether they are required", () => {
    const { graph } = readDefinition({ ...definitionOf({ A: "chat" }), meta: { inputs: schema("a", "b") } })
    expect(declaredInputs(graph, null).perTurn).toEqual([
      { name: "a", type: "string", required: true },
      { name: "b", type: "string", required: false },
    ])
  })

  it.each<JsonValue>([
    5,
    "x",
    [],
    { properties: 5 },
    { properties: [] },
    { per_turn: 5 },
    { properties: { a: 5 }, required: 5 },
  ])("may have any shape: %j", (inputs) => {
    expect(() => inputsOf({ inputs }, { options: { inputs } })).not.toThrow()
  })

  it("are bounded in number and length", () => {
    const many = schema(...Array.from({ length: 500 }, (_, index) => `${"n".repeat(500)}${index}`))
    const { graph } = readDefinition({ ...definitionOf({ A: "chat" }), meta: { inputs: many } })
    expect(JSON.stringify(declaredInputs(graph, null)).length).toBeLessThan(30_000)
  })
})
