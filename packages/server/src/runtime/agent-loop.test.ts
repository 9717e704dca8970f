/** The agent's loop through crashes: what was paid for is never paid for again, counted at the model server. */
import type { JsonObject } from "@brevet/core/json"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import type { NewRun } from "../ports/runs.ts"
import { type OpenedRuntime, RuntimeGround } from "../testing/runtime-ground.ts"

let ground: RuntimeGround

beforeAll(async () => {
  ground = await RuntimeGround.make()
})
afterEach(() => ground.closeRuntimes())
afterAll(() => ground.close())

const langchain = "@n8n/n8n-nodes-langchain."
const serves = (type: string, ...to: string[]): JsonObject => ({
  [type]: [to.map((node) => ({ node, type, index: 0 }))],
})
const model = { name: "Model", type: `${langchain}lmChatOpenAi`, typeVersion: 1.2, parameters: { model: "gpt-4o" } }
const agent = (parameters: JsonObject = {}): JsonObject => ({
  name: "Agent",
  type: `${langchain}agent`,
  typeVersion: 2.2,
  parameters: { promptType: "define", text: "Go", ...parameters },
})

/** An agent with a calculator. */
const calculating: JsonObject = {
  nodes: [agent(), model, { name: "Calculator", type: `${langchain}toolCalculator`, typeVersion: 1 }],
  connections: { Model: serves("ai_languageModel", "Agent"), Calculator: serves("ai_tool", "Agent") },
}

/** An agent whose tool is an agent. */
const nested: JsonObject = {
  nodes: [
    agent(),
    model,
    { name: "Helper", type: `${langchain}agentTool`, typeVersion: 2.2, parameters: { toolDescription: "Helps" } },
  ],
  connections: { Model: serves("ai_languageModel", "Agent", "Helper"), Helper: serves("ai_tool", "Agent") },
}

const calls = (name: string, ...inputs: string[]) => ({
  toolCalls: inputs.map((input, index) => ({ id: `call_${input}_${index}`, name, arguments: { input } })),
})

/** Starts a run, waits until the model was called so often, and ends the process there. */
async function crashAt(definition: JsonObject, count: number): Promise<NewRun> {
  const opened = await ground.open()
  const run = ground.newRun(definition)
  await opened.runtime.start(run, { commit: "first" })
  await ground.model.whenCalled(count)
  await opened.crash()
  return run
}

async function recovered(run: NewRun): Promise<{ opened: OpenedRuntime; items: unknown }> {
  const opened = await ground.open()
  await opened.runtime.recover()
  await opened.runtime.waitForEnd(run.runId, { waitMs: 60_000 })
  const events = (await ground.events(run)).map(({ event }) => event)
  const done = events.flatMap((event) =>
    event.type === "node-completed" ? [event.outputs[0]?.map(({ json }) => json)] : [],
  )
  return { opened, items: done.at(-1) }
}

const countOf = async (run: NewRun, type: string) =>
  (await ground.events(run)).filter(({ event }) => event.type === type).length

describe("an agent whose process dies", () => {
  it("while the second answer is on its way asks for that one alone again, and uses no tool twice", async () => {
    ground.model.script([calls("Calculator", "1+1", "2*3"), { text: "8", holdAfterChunks: 0 }, { text: "It is 8." }])
    const run = await crashAt(calculating, 2)
    expect(ground.model.requests.map(({ messages }) => messages.length)).toEqual([1, 4])
    const { items } = await recovered(run)
    expect(items).toEqual([{ output: "It is 8." }])
    expect(ground.model.calls).toBe(3)
    expect(ground.model.requests[2]?.messages).toEqual(ground.model.requests[1]?.messages)
    expect(await countOf(run, "tool-call-started")).toBe(2)
    expect(await countOf(run, "tool-call-completed")).toBe(2)
    expect(await countOf(run, "model-call-completed")).toBe(2)
  })

  it("within a tool that is an agent asks neither agent again for what it said already", async () => {
    ground.model.script([
      calls("Helper", "help"),
      { text: "half", holdAfterChunks: 0 },
      { text: "helped" },
      { text: "Done." },
    ])
    const run = await crashAt(nested, 2)
    const { items } = await recovered(run)
    expect(items).toEqual([{ output: "Done." }])
    expect(ground.model.requests.map(({ messages }) => messages.at(-1)?.content)).toEqual([
      "Go",
      "help",
      "help",
      "helped",
    ])
    const lanes = (await ground.events(run)).flatMap(({ event }) =>
      event.type === "model-call-completed" ? [`${event.lane} ${event.call}`] : [],
    )
    expect(lanes).toEqual(["0 0", "0/0.0 0", "0 1"])
  })

  it("again and again comes to its end with each answer paid for once, and each that was cut off once more", async () => {
    ground.model.script([
      calls("Calculator", "1+1"),
      { text: "x", holdAfterChunks: 0 },
      { ...calls("Calculator", "2+2"), holdAfterChunks: undefined } as never,
      { text: "y", holdAfterChunks: 0 },
      { text: "The end." },
    ])
    const run = await crashAt(calculating, 2)
    const second = await ground.open()
    await second.runtime.recover()
    await ground.model.whenCalled(4)
    await second.crash()
    const { items } = await recovered(run)
    expect(items).toEqual([{ output: "The end." }])
    expect(ground.model.calls).toBe(5)
    expect(await countOf(run, "model-call-completed")).toBe(3)
    expect(await countOf(run, "tool-call-completed")).toBe(2)
  })
})

describe("the events of an agent", () => {
  it("say what a tool is called with before it does anything, and what came of it before the model is asked again", async () => {
    ground.model.script([calls("Calculator", "2*3", "(", "1/0"), { text: "Done." }])
    const run = ground.newRun(calculating)
    const opened = await ground.open()
    await (await opened.runtime.start(run, { commit: "first" }))?.ended
    const events = (await ground.events(run)).map(({ event }) => event)
    const types = events.map(({ type }) => type)
    const told = events.flatMap((event) => (event.type === "tool-call-completed" ? [[event.index, event.outcome]] : []))
    expect(types.filter((type) => /^(model-call|tool-call)/.test(type))).toEqual([
      "model-call-started",
      "model-call-completed",
      ...Array.from({ length: 3 }, () => "tool-call-started"),
      ...Array.from({ length: 3 }, () => "tool-call-completed"),
      "model-call-started",
      "model-call-completed",
    ])
    expect(told).toEqual([
      [0, { result: "6" }],
      [1, { error: "The calculation ends too early." }],
      [2, { result: "Infinity" }],
    ])
    expect(ground.model.requests[1]?.messages.slice(-3).map(({ role, content }) => [role, content])).toEqual([
      ["tool", "6"],
      ["tool", "The calculation ends too early."],
      ["tool", "Infinity"],
    ])
  })

  it("count the tokens of all its calls against the bound of the run", async () => {
    ground.model.script([{ ...calls("Calculator", "1"), usage: { inputTokens: 90, outputTokens: 20 } }])
    const opened = await ground.open({ bounds: { tokensMax: 100 } })
    const run = ground.newRun(calculating)
    const end = await (await opened.runtime.start(run, { commit: "first" }))?.ended
    expect(end?.result.failure?.code).toBe("RUN_TOKENS_EXCEEDED")
    expect(ground.model.calls).toBe(1)
  })
})
