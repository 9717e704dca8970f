/** Tools that reach out, on the whole server: HTTP requests in both forms, MCP servers, and tools of FreddyLLM. */
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { langchain, modelNode, runToEnd, type Serving, served, versioned } from "../testing/model-workflows.ts"
import { type ScriptedMcp, startScriptedMcp } from "../testing/scripted-mcp.ts"
import { node, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer({ BREVET_OUTBOUND_ALLOW: "127.0.0.0/8" })
const start = node("Start", "n8n-nodes-base.manualTrigger")

let echo: Server
let origin = ""
let mcp: ScriptedMcp
const seen: { method: string | undefined; url: string | undefined; body: string; key: string | undefined }[] = []

beforeAll(async () => {
  echo = createServer(async (request, response) => {
    let body = ""
    for await (const piece of request.setEncoding("utf8")) body += String(piece)
    const { method, url, headers } = request
    const key = headers["idempotency-key"]
    seen.push({ method, url, body, key: typeof key === "string" ? key : undefined })
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify({ method, path: url }))
  })
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve))
  origin = `http://127.0.0.1:${(echo.address() as AddressInfo).port}`
  mcp = await startScriptedMcp(
    [
      {
        name: "add two",
        description: "Adds",
        inputSchema: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } },
        call: ({ a, b }) => ({ content: [{ type: "text", text: String(Number(a) + Number(b)) }] }),
      },
      { name: "fails", call: () => ({ content: [{ type: "text", text: "no luck" }], isError: true }) },
      { name: "hidden", call: () => ({ content: [] }) },
    ],
    { streams: true },
  )
})
afterAll(async () => {
  await mcp.stop()
  await new Promise((resolve) => echo.close(resolve))
})

const call = (name: string, given: JsonObject, id = name) => ({ id, name, arguments: given })
const agent = versioned(node("Agent", `${langchain}agent`, { promptType: "define", text: "Go" }), 2.2)
const run = (tools: readonly JsonObject[], first: JsonObject = agent, serving: readonly Serving[] = []) => {
  const lines = tools.map((tool): Serving => [String(tool.name), "Agent", "ai_tool"])
  const definition = workflow([start, first, modelNode(), ...tools], [["Start", "Agent"]])
  return runToEnd(
    talk.client,
    served(definition, [["Model", "Agent", "ai_languageModel"], ...lines, ...serving]),
    "Agent",
  )
}
const told = (request: number, count: number) =>
  talk.model.requests[request]?.messages.slice(-count).map(({ content }) => content)
const offered = () =>
  ((talk.model.requests[0]?.body.tools ?? []) as { function: JsonObject }[]).map((tool) => tool.function)

describe("an HTTP request as a tool", () => {
  const tool = (parameters: JsonObject, rest: JsonObject = {}) => ({
    ...versioned(node("Look up", "n8n-nodes-base.httpRequestTool", { toolDescription: "Looks", ...parameters }), 4.2),
    ...rest,
  })

  it("takes from the model what $fromAI says, and nothing that the model gives is ever an expression", async () => {
    seen.length = 0
    talk.model.script([{ toolCalls: [call("Look_up", { id: "={{ 1 + 1 }}", kind: "a&b" })] }, { text: "Found." }])
    const url = `=${origin}/records/{{ encodeURIComponent($fromAI('id', 'which', 'string')) }}`
    const query = { parameters: [{ name: "kind", value: "={{ $fromAI('kind') }}" }] }
    const { outputs } = await run([tool({ url, sendQuery: true, queryParameters: query })])
    expect(outputs).toEqual([[{ output: "Found." }]])
    expect(seen.map((one) => one.url)).toEqual(["/records/%3D%7B%7B%201%20%2B%201%20%7D%7D?kind=a%26b"])
    expect(offered()[0]).toMatchObject({ name: "Look_up", parameters: { required: ["id", "kind"] } })
    expect(JSON.parse(String(told(1, 1)?.[0]))).toMatchObject({ method: "GET" })
  })

  it("that says it may come twice has a key of its own for each call", async () => {
    seen.length = 0
    const post = { method: "POST", url: `${origin}/orders`, options: { idempotencyKey: true } }
    talk.model.script([{ toolCalls: [call("Look_up", {}, "one"), call("Look_up", {}, "two")] }, { text: "Done." }])
    await run([tool(post)])
    const keys = seen.map(({ key }) => key).filter((key) => key !== undefined)
    expect(seen).toHaveLength(2)
    expect(new Set(keys).size).toBe(keys.length)
  })

  it("in its older form fills placeholders in address, query and body, each as it has to be written there", async () => {
    seen.length = 0
    const older = versioned(
      node("Send", `${langchain}toolHttpRequest`, {
        toolDescription: "Sends",
        method: "POST",
        url: `${origin}/a/{id}`,
        sendQuery: true,
        parametersQuery: { values: [{ name: "q" }, { name: "fixed", valueProvider: "fieldValue", value: "yes" }] },
        sendBody: true,
        specifyBody: "json",
        jsonBody: '{"note": "{note}", "count": {count}}',
        placeholderDefinitions: { values: [{ name: "count", type: "number" }] },
      }),
      1.1,
    )
    talk.model.script([
      { toolCalls: [call("Send", { id: "x/y", q: "={{ 2 }}", note: 'say "hi"', count: 3 })] },
      { text: "Sent." },
    ])
    await run([older])
    expect(seen.map(({ method, url, body }) => [method, url, JSON.parse(body)])).toEqual([
      ["POST", "/a/x%2Fy?q=%3D%7B%7B%202%20%7D%7D&fixed=yes", { note: 'say "hi"', count: 3 }],
    ])
  })

  it("does not get past the guard, and the model hears of it", async () => {
    talk.model.script([{ toolCalls: [call("Look_up", {})] }, { text: "Sorry." }])
    const { outputs } = await run([tool({ url: "http://169.254.169.254/latest" })])
    expect(outputs).toEqual([[{ output: "Sorry." }]])
    expect(String(told(1, 1)?.[0])).not.toContain("latest")
  })
})

describe("an MCP server", () => {
  const client = (parameters: JsonObject = {}) =>
    versioned(node("Mcp", `${langchain}mcpClientTool`, { endpointUrl: mcp.url, ...parameters }), 1.1)

  it("gives an agent its tools, and what went wrong with one is told to the model", async () => {
    talk.model.script([{ toolCalls: [call("add_two", { a: 2, b: 3 }), call("fails", {})] }, { text: "Five." }])
    const { outputs, run: ended } = await run([client({ include: "except", excludeTools: ["hidden"] })])
    expect(ended.error ?? null).toBeNull()
    expect(outputs).toEqual([[{ output: "Five." }]])
    expect(offered().map(({ name }) => name)).toEqual(["add_two", "fails"])
    expect(told(1, 2)).toEqual(["5", "no luck"])
    expect(mcp.calls.slice(-2)).toContainEqual({ name: "add two", arguments: { a: 2, b: 3 } })
  })

  it("gives FreddyLLM those that it allows, without any node", async () => {
    talk.model.script([{ toolCalls: [call("add_two", { a: 1, b: 1 })] }, { text: "Two." }])
    const asking = node("Agent", "FreddyLLM", {
      prompt: "1+1?",
      tools: [{ server_url: mcp.url, allowed_tools: ["add two"] }],
    })
    const { outputs } = await runToEnd(talk.client, workflow([start, asking], [["Start", "Agent"]]), "Agent")
    expect(outputs[0][0]).toMatchObject({
      text: "Two.",
      tool_calls: [{ id: "add_two", name: "add_two", arguments: { a: 1, b: 1 } }],
    })
    expect(offered().map(({ name }) => name)).toEqual(["add_two"])
  })

  it("that cannot be asked fails the node in words that name no secret", async () => {
    const { run: failed } = await run([client({ endpointUrl: "http://10.1.2.3/mcp" })])
    expect(failed.error.details).toMatchObject({ node: "Agent", cause_code: "OUTBOUND_REFUSED" })
    const { run: silent } = await run([client({ endpointUrl: `${origin}/nothing` })])
    expect(silent.error.details.cause_code).toBe("HTTP_ERROR")
  })
})

describe("tools of FreddyLLM", () => {
  it("come over connections as an agent's do", async () => {
    const calculator = node("Calculator", `${langchain}toolCalculator`)
    talk.model.script([{ toolCalls: [call("Calculator", { input: "6*7" })] }, { text: "42" }])
    const { outputs } = await run([calculator], node("Agent", "FreddyLLM", { prompt: "6*7?" }))
    expect(outputs[0][0].text).toBe("42")
    expect(told(1, 1)).toEqual(["42"])
  })
})
