/** Agents on the whole server: as assistants, with tools of every kind, memories, limits, forms and each other. */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { langchain, modelNode, runToEnd, type Serving, served, versioned } from "../testing/model-workflows.ts"
import { textOf } from "../testing/server.ts"
import { node, promptOf, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()
const chat = node("Chat", `${langchain}chatTrigger`)
const start = node("Start", "n8n-nodes-base.manualTrigger")
const agent = (parameters: JsonObject = {}, version = 2.2): JsonObject =>
  versioned(node("Agent", `${langchain}agent`, parameters), version)
const calculator = node("Calculator", `${langchain}toolCalculator`)
const codeTool = (name: string, jsCode: string, parameters: JsonObject = {}): JsonObject =>
  versioned(node(name, `${langchain}toolCode`, { description: `The tool ${name}`, jsCode, ...parameters }), 1.2)

type Parts = {
  readonly agent?: JsonObject
  readonly tools?: readonly JsonObject[]
  readonly others?: readonly JsonObject[]
}

/** An agent with tools behind a start; other nodes serve as is said. */
function withTools(
  first: JsonObject,
  { agent: node = agent(), tools = [], others = [] }: Parts,
  serving: readonly Serving[] = [],
) {
  const all = workflow([first, node, modelNode(), ...tools, ...others], [[String(first.name), "Agent"]])
  const toolLines = tools.map((tool): Serving => [String(tool.name), "Agent", "ai_tool"])
  return served(all, [["Model", "Agent", "ai_languageModel"], ...toolLines, ...serving])
}

const defined = (text: string, parameters: JsonObject = {}, version = 2.2) =>
  agent({ promptType: "define", text, ...parameters }, version)
const run = (definition: JsonObject) => runToEnd(talk.client, definition, "Agent")
const call = (name: string, given: unknown, id = "call_1") => ({ id, name, arguments: given as JsonObject })
const lastTold = (index: number) => talk.model.requests[index]?.messages.at(-1)?.content

describe("an agent that was promoted", () => {
  it("streams its answer, takes back what it said before a tool call, and remembers the thread", async () => {
    const { assistantId } = await talk.client.promoted(withTools(chat, { tools: [calculator] }))
    talk.model.script([
      { text: "Let me see. ", toolCalls: [call("Calculator", { input: "6*7" })] },
      { text: "It is 42." },
    ])
    const reader = talk.client.hear("6*7?", { assistant_id: assistantId })
    await reader.all()
    expect(textOf(reader.frames)).toBe("It is 42.")
    expect(reader.events.filter((event) => event === "response.content_reset")).toHaveLength(1)
    const { threadId } = await reader.created()
    expect(await talk.client.messages(threadId)).toEqual(["user: 6*7?", "assistant: It is 42."])
    await talk.client.ask("And?", { thread_id: threadId })
    expect(promptOf(talk.model.requests[2])).toEqual(["user: 6*7?", "assistant: It is 42.", "user: And?"])
    expect(talk.model.requests[2]?.body.tools).toHaveLength(1)
  })

  it("makes no more tool calls than the assistant allows, and answers then", async () => {
    const { assistantId } = await talk.client.promoted(withTools(chat, { tools: [calculator] }))
    talk.model.script([
      { toolCalls: [call("Calculator", { input: "1" }, "a"), call("Calculator", { input: "2" }, "b")] },
      { text: "Enough." },
    ])
    const changed = await talk.client.call("PATCH", `/v1/assistants/${assistantId}`, { body: { max_tool_calls: 1 } })
    expect(changed.status).toBe(200)
    const { body } = await talk.client.ask("Go", { assistant_id: assistantId })
    expect(JSON.stringify(body)).toContain("Enough.")
    expect(talk.model.requests[1]?.body.tool_choice).toBe("none")
    expect(talk.model.requests[1]?.messages.slice(-2).map(({ content }) => content)).toEqual([
      "1",
      "No more tools may be called. Answer with what you know.",
    ])
  })

  it("with a memory of the thread's session is given so many turns of the thread as the memory says", async () => {
    const memory = versioned(node("Memory", `${langchain}memoryBufferWindow`, { contextWindowLength: 1 }), 1.3)
    const { assistantId } = await talk.client.promoted(
      withTools(chat, { others: [memory] }, [["Memory", "Agent", "ai_memory"]]),
    )
    const first = await talk.client.ask("one", { assistant_id: assistantId })
    const { thread_id } = first.body
    await talk.client.ask("two", { thread_id })
    await talk.client.ask("three", { thread_id })
    expect(promptOf(talk.model.requests[2])).toEqual(["user: two", "assistant: You said: two", "user: three"])
  })

  it("with a memory of a key of its own remembers across threads, and knows nothing else of them", async () => {
    const parameters = { sessionIdType: "customKey", sessionKey: "everybody" }
    const memory = versioned(node("Memory", `${langchain}memoryBufferWindow`, parameters), 1.3)
    const { assistantId } = await talk.client.promoted(
      withTools(chat, { others: [memory] }, [["Memory", "Agent", "ai_memory"]]),
    )
    await talk.client.ask("I am Ada", { assistant_id: assistantId })
    await talk.client.ask("Who am I?", { assistant_id: assistantId })
    expect(promptOf(talk.model.requests[1])).toEqual([
      "user: I am Ada",
      "assistant: You said: I am Ada",
      "user: Who am I?",
    ])
  })
})

describe("the tools of an agent", () => {
  it("are told with what they take, and are used side by side", async () => {
    const schema = '{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a","b"]}'
    const add = codeTool("add", "return query.a + query.b", {
      specifyInputSchema: true,
      schemaType: "manual",
      inputSchema: schema,
    })
    talk.model.script([
      { toolCalls: [call("add", { a: 1, b: 2 }, "one"), call("add", { a: "x" }, "two"), call("nothing", {}, "three")] },
      { text: "3" },
    ])
    const { outputs } = await run(withTools(start, { agent: defined("Add"), tools: [add] }))
    expect(outputs).toEqual([[{ output: "3" }]])
    const told = talk.model.requests[1]?.messages.slice(-3).map((message) => [message.tool_call_id, message.content])
    expect(told).toEqual([
      ["one", "3"],
      ["two", expect.stringContaining("required property 'b'")],
      ["three", "nothing is not a valid tool, try another one."],
    ])
  })

  it("tell the model what went wrong with them, and the agent goes on", async () => {
    const breaker = codeTool("breaker", 'throw new Error("tool broke")')
    const silent = codeTool("silent", "return undefined")
    talk.model.script([
      { toolCalls: [call("breaker", { input: "x" }, "one"), call("silent", { input: "x" }, "two")] },
      { text: "Sorry." },
    ])
    const { outputs } = await run(withTools(start, { agent: defined("Try"), tools: [breaker, silent] }))
    expect(outputs).toEqual([[{ output: "Sorry." }]])
    const told = talk.model.requests[1]?.messages.slice(-2).map(({ content }) => content)
    expect(told).toEqual(["tool broke [line 1]", "The code of the tool gave nothing. Return a text."])
  })

  it("are heard of when their arguments are no JSON at all", async () => {
    const add = codeTool("add", "return query", { specifyInputSchema: true, jsonSchemaExample: '{"a":1}' })
    talk.model.script([{ toolCalls: [{ id: "one", name: "add", arguments: "{not json" }] }, { text: "Hm." }])
    const { outputs } = await run(withTools(start, { agent: defined("Add"), tools: [add] }))
    expect(outputs).toEqual([[{ output: "Hm." }]])
    expect(lastTold(1)).toContain("must be object")
  })

  it("of a kind that is not run here fail only when they are called, and two of one name are two", async () => {
    const foreign = node("Foreign", "n8n-nodes-base.slackTool")
    const twice = [
      codeTool("do it", "return 'first'"),
      codeTool("do-it!", "return 'second'"),
      codeTool("do it?", "return 'third'"),
    ]
    talk.model.script([
      { toolCalls: [call("Foreign", {}, "one"), call("do_it_", { input: "" }, "two")] },
      { text: "Done." },
    ])
    await run(withTools(start, { agent: defined("Go"), tools: [foreign, ...twice] }))
    const names = ((talk.model.requests[0]?.body.tools ?? []) as { function: { name: string } }[]).map(
      (tool) => tool.function.name,
    )
    expect(new Set(names).size).toBe(4)
    const told = talk.model.requests[1]?.messages.slice(-2).map(({ content }) => content)
    expect(told?.[0]).toContain("cannot be used as tools")
    expect(told?.[1]).toBe("third")
  })

  it("may be agents with tools of their own, whose text nobody sees", async () => {
    const expert = versioned(
      node("Expert", `${langchain}agentTool`, {
        toolDescription: "Knows",
        text: "={{ $fromAI('question', 'what to find out', 'string') }}",
        options: { systemMessage: "You know." },
      }),
      2.2,
    )
    talk.model.script([
      { toolCalls: [call("Expert", { question: "6*7?" })] },
      { toolCalls: [call("Calculator", { input: "6*7" })] },
      { text: "forty-two" },
      { text: "The expert says 42." },
    ])
    const definition = withTools(chat, { tools: [expert], others: [calculator] }, [
      ["Model", "Expert", "ai_languageModel"],
      ["Calculator", "Expert", "ai_tool"],
    ])
    const { assistantId } = await talk.client.promoted(definition)
    const reader = talk.client.hear("What?", { assistant_id: assistantId })
    await reader.all()
    expect(textOf(reader.frames)).toBe("The expert says 42.")
    expect(promptOf(talk.model.requests[1])).toEqual(["system: You know.", "user: 6*7?"])
    expect(lastTold(3)).toBe("forty-two")
    const tools = talk.model.requests[0]?.body.tools as { function: JsonObject }[]
    expect(tools[0]?.function.parameters).toMatchObject({ required: ["question"] })
  })
})

describe("an agent that comes to no answer", () => {
  const again = { toolCalls: [call("Calculator", { input: "1" })], times: 5 }

  it("says so at the limit of its rounds below version 3, and fails there from it on", async () => {
    const options = { options: { maxIterations: 2 } }
    talk.model.script([again])
    const said = await run(withTools(start, { agent: defined("Loop", options), tools: [calculator] }))
    expect(said.outputs).toEqual([[{ output: "Agent stopped due to max iterations." }]])
    expect(talk.model.calls).toBe(2)
    const failed = await run(withTools(start, { agent: defined("Loop", options, 3), tools: [calculator] }))
    expect(failed.run.error.details).toMatchObject({ node: "Agent", cause_code: "RUN_LOOPS_EXCEEDED" })
  })

  it("fails where its model does, which counts as the node's failure", async () => {
    talk.model.script([{ status: 400 }])
    const failed = await run(withTools(start, { agent: defined("Go") }))
    expect(failed.run.error.details).toMatchObject({ node: "Agent", cause_code: "MODEL_REFUSED" })
  })
})

describe("an agent whose answer has a form", () => {
  const parser = (parameters: JsonObject = {}) =>
    versioned(
      node("Parser", `${langchain}outputParserStructured`, {
        schemaType: "manual",
        inputSchema: '{"type":"object","properties":{"age":{"type":"number"}},"required":["age"]}',
        ...parameters,
      }),
      1.2,
    )
  const formed = (parameters: JsonObject = {}) =>
    withTools(start, { agent: defined("Who?", { hasOutputParser: true }), others: [parser(parameters)] }, [
      ["Parser", "Agent", "ai_outputParser"],
      ...(parameters.autoFix === true ? [["Model", "Parser", "ai_languageModel"] as const] : []),
    ])
  const finish = (given: unknown) => ({ toolCalls: [call("format_final_json_response", given)] })

  it("takes it by a tool, and has the model try again where it does not fit", async () => {
    talk.model.script([finish({ output: { age: "old" } }), finish({ output: { age: 36 } })])
    expect((await run(formed())).outputs).toEqual([[{ output: { age: 36 } }]])
    expect(lastTold(1)).toContain("number")
  })

  it("takes it as text too, and has that repaired where the parser says so", async () => {
    talk.model.script([{ text: "thirty-six" }, { text: '{"output":{"age":36}}' }])
    expect((await run(formed({ autoFix: true }))).outputs).toEqual([[{ output: { age: 36 } }]])
    talk.model.script([{ text: "thirty-six" }])
    expect((await run(formed())).run.error.details.cause_code).toBe("OUTPUT_SCHEMA_MISMATCH")
  })
})

describe("OpenAI's own node", () => {
  it("asks with its messages, calls its tools, and gives the answer as OpenAI does", async () => {
    const openAi = versioned(
      node("Agent", `${langchain}openAi`, {
        modelId: { __rl: true, value: "gpt-4o", mode: "list" },
        messages: { values: [{ role: "system", content: "Be brief." }, { content: "=Say {{ 1 + 1 }}" }] },
      }),
      1.8,
    )
    talk.model.script([{ toolCalls: [call("Calculator", { input: "1+1" })] }, { text: "Two." }])
    const { outputs } = await run(
      served(workflow([start, openAi, calculator], [["Start", "Agent"]]), [["Calculator", "Agent", "ai_tool"]]),
    )
    expect(outputs[0][0]).toMatchObject({
      index: 0,
      message: { role: "assistant", content: "Two." },
      finish_reason: "stop",
    })
    expect(promptOf(talk.model.requests[0])).toEqual(["system: Be brief.", "user: Say 2"])
    expect(lastTold(1)).toBe("2")
  })
})

describe("an agent's steps", () => {
  it("are given where the node says so", async () => {
    talk.model.script([{ toolCalls: [call("Calculator", { input: "2+2" })] }, { text: "4" }])
    const { outputs } = await run(
      withTools(start, { agent: defined("Go", { options: { returnIntermediateSteps: true } }), tools: [calculator] }),
    )
    expect(outputs[0][0].intermediateSteps).toMatchObject([
      { action: { tool: "Calculator", toolInput: { input: "2+2" }, toolCallId: "call_1" }, observation: "4" },
    ])
  })
})
