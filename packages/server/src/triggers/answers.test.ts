/** What whoever called a webhook is answered: by the webhook itself, by a node, as a stream, and where things go wrong. */
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, until, useTalkServer, workflow } from "../testing/talk.ts"
import { hook, makeTriggerClient } from "../testing/triggers.ts"

const talk = useTalkServer()
const { arm, send, runsOf } = makeTriggerClient(talk)
/** Another server, which waits a second for a run and no longer. */
const hasty = useTalkServer({ BREVET_WAIT_SECONDS: "1" })

const raw = (name: string, value: JsonValue): JsonObject => ({
  ...node(name, "n8n-nodes-base.set", { mode: "raw", jsonOutput: JSON.stringify(value) }),
  typeVersion: 3.4,
})
const code = (name: string, jsCode: string): JsonObject => ({
  ...node(name, "n8n-nodes-base.code", { jsCode }),
  typeVersion: 2,
})
const respond = (parameters: JsonObject): JsonObject => ({
  ...node("Respond", "n8n-nodes-base.respondToWebhook", parameters),
  typeVersion: 1.4,
})
const llm = (name: string, parameters: JsonObject = {}): JsonObject =>
  node(name, "FreddyLLM", { prompt: "Say it", ...parameters })

let count = 0
/** Arms a webhook that leads through the nodes in a row; gives what asks it, and the workflow's id. */
async function chain(parameters: JsonObject, nodes: readonly JsonObject[]) {
  count += 1
  const path = `chain-${count}`
  const names = ["Hook", ...nodes.map(({ name }) => String(name))]
  const wires = names.slice(1).map((name, index): [string, string] => [names[index] ?? "", name])
  const id = await arm(workflow([hook({ path, ...parameters }), ...nodes], wires))
  return { id, path: `/webhook/${path}`, ask: () => send(`/webhook/${path}`) }
}
const byNode = (nodes: readonly JsonObject[]) => chain({ responseMode: "responseNode" }, nodes)

describe("a webhook that answers at once", () => {
  it.each<[JsonObject, number, string]>([
    [{}, 200, '{"message":"Workflow was started"}'],
    [{ options: { responseData: "taken" } }, 200, "taken"],
    [{ options: { noResponseBody: true, responseCode: { values: { responseCode: 204 } } } }, 204, ""],
    [{ responseCode: 201 }, 201, '{"message":"Workflow was started"}'],
  ])("says what its settings say: %j", async (parameters, status, text) => {
    const answer = await (await chain(parameters, [raw("A", {})])).ask()
    expect([answer.status, answer.text]).toEqual([status, text])
  })

  it("does not wait for the run, and the run is there", async () => {
    talk.model.hold()
    const { id, ask } = await chain({}, [llm("Answer")])
    expect((await ask()).status).toBe(200)
    expect((await runsOf(id)).map(({ status }) => status)).toEqual(["running"])
    talk.model.release()
    await until(async () => (await runsOf(id))[0]?.status === "completed", "its end")
  })
})

describe("a webhook that answers with what the last node gives", () => {
  const items = code("Items", 'return [{ json: { a: { b: "<x>" } } }, { json: { c: 2 } }]')
  const last = (parameters: JsonObject, ...nodes: readonly JsonObject[]) =>
    chain({ responseMode: "lastNode", ...parameters }, nodes)

  it.each<[JsonObject, string]>([
    [{}, '{"a":{"b":"<x>"}}'],
    [{ responseData: "allEntries" }, '[{"a":{"b":"<x>"}},{"c":2}]'],
    [{ responseData: "noData" }, ""],
    [{ options: { responsePropertyName: "a.b" } }, '"<x>"'],
    [{ options: { responsePropertyName: "a.b", responseContentType: "text/xml" } }, "<x>"],
    [{ options: { responsePropertyName: "a.none" } }, "null"],
    [{ responseData: "firstEntryBinary" }, ""],
  ])("says what its settings say: %j", async (parameters, text) => {
    const answer = await (await last(parameters, items)).ask()
    expect([answer.status, answer.text]).toEqual([200, text])
  })

  it("has headers and a type of its own, never those of the connection", async () => {
    const entries = [
      { name: "X-Mine", value: "1" },
      { name: "Content-Length", value: "5" },
      { name: "content-security-policy", value: "default-src *" },
    ]
    const { headers, text } = await (await last({ options: { responseHeaders: { entries } } }, items)).ask()
    expect([
      headers.get("x-mine"),
      headers.get("content-security-policy")?.startsWith("sandbox "),
      text.length,
    ]).toEqual(["1", true, 17])
  })

  it("is a refusal where the run failed, which tells nothing but the run to whoever called", async () => {
    const stop = node("Stop", "n8n-nodes-base.stopAndError", { errorMessage: "secret words" })
    const { id, ask } = await last({}, stop)
    const { status, json, text } = await ask()
    const [run] = await runsOf(id)
    expect([status, json.error.code, json.error.details]).toEqual([422, "NODE_FAILED", { run_id: run.id }])
    expect(text).not.toContain("secret words")
  })

  it("is a refusal where somebody cancelled the run", async () => {
    talk.model.hold()
    const { id, ask } = await last({}, llm("Answer"))
    const asking = ask()
    const run = await until(async () => (await runsOf(id))[0], "a run")
    await talk.client.call("POST", `/v1/runs/${run.id}/cancel`)
    expect((await asking).json.error.code).toBe("RUN_CANCELLED")
  })

  it("goes on where the caller goes away", async () => {
    talk.model.hold()
    const { id, path } = await last({}, llm("Answer"))
    const leave = new AbortController()
    const asking = send(path, { signal: leave.signal }).catch(() => "gone")
    await until(async () => (await runsOf(id))[0], "a run")
    leave.abort()
    expect(await asking).toBe("gone")
    talk.model.release()
    await until(async () => (await runsOf(id))[0]?.status === "completed", "its end")
  })

  it("is a promise where the run takes longer than a call may wait", async () => {
    hasty.model.hold()
    const client = makeTriggerClient(hasty)
    await client.arm(workflow([hook({ path: "slow", responseMode: "lastNode" }), llm("Answer")], [["Hook", "Answer"]]))
    const { status, json } = await client.send("/webhook/slow")
    expect([status, json]).toEqual([202, { message: "Workflow is still running" }])
  })
})

describe("a node that answers", () => {
  it.each<[JsonObject, number, string, string | null]>([
    [{}, 200, '{"name":"Ada"}', "application/json; charset=utf-8"],
    [{ respondWith: "allIncomingItems" }, 200, '[{"name":"Ada"}]', "application/json; charset=utf-8"],
    [{ respondWith: "allIncomingItems", options: { responseKey: "all" } }, 200, '{"all":[{"name":"Ada"}]}', null],
    [{ respondWith: "json", responseBody: '{ "a": 1 }' }, 200, '{"a":1}', null],
    [{ respondWith: "json", responseBody: "={{ { n: $json.name } }}" }, 200, '{"n":"Ada"}', null],
    [{ respondWith: "json", responseBody: "={{ [1, $json.name] }}" }, 200, '[1,"Ada"]', null],
    [
      { respondWith: "text", responseBody: "=<h1>{{ $json.name }}</h1>" },
      200,
      "<h1>Ada</h1>",
      "text/html; charset=utf-8",
    ],
    [{ respondWith: "noData", options: { responseCode: 204 } }, 204, "", null],
    [{ respondWith: "text", responseBody: "no", options: { responseCode: "={{ 400 + 18 }}" } }, 418, "no", null],
  ])("answers what its settings say: %j", async (parameters, ...[status, text, type]) => {
    const { ask } = await byNode([raw("A", { name: "Ada" }), respond(parameters)])
    const answer = await ask()
    expect([answer.status, answer.text]).toEqual([status, text])
    if (type !== null) expect(answer.headers.get("content-type")).toBe(type)
  })

  it("sets headers, by expressions too", async () => {
    const entries = [
      { name: "Content-Type", value: "text/csv" },
      { name: "x-name", value: "={{ $json.name }}" },
      { name: "set-cookie", value: "a=1" },
      { name: "x-split", value: "a\r\nx-evil: 1" },
    ]
    const { ask } = await byNode([
      raw("A", { name: "Ada" }),
      respond({ respondWith: "text", responseBody: "a,b", options: { responseHeaders: { entries } } }),
    ])
    const { headers } = await ask()
    expect(["content-type", "x-name", "set-cookie", "x-evil", "x-split"].map((name) => headers.get(name))).toEqual([
      "text/csv",
      "Ada",
      "a=1",
      null,
      null,
    ])
  })

  it.each([
    ["https://a.example/x?y=1", "https://a.example/x?y=1"],
    ["/elsewhere", "/elsewhere"],
    ["https://a.example/ä b", "https://a.example/%C3%A4%20b"],
  ])("redirects to %s", async (redirectURL, location) => {
    const { ask } = await byNode([respond({ respondWith: "redirect", redirectURL })])
    const { status, headers } = await ask()
    expect([status, headers.get("location")]).toEqual([307, location])
  })

  it("gives a file", async () => {
    const make = code(
      "Make",
      'return [{ json: {}, binary: { other: { data: "AAE=", mimeType: "image/png", fileName: "x.png" }, report: { data: "YSxi", mimeType: "text/csv" } } }]',
    )
    const first = await (await byNode([make, respond({ respondWith: "binary" })])).ask()
    const named = await (
      await byNode([make, respond({ respondWith: "binary", responseDataSource: "set", inputFieldName: "report" })])
    ).ask()
    expect([[...first.bytes], first.headers.get("content-type")]).toEqual([[0, 1], "image/png"])
    expect([named.text, named.headers.get("content-type")]).toEqual(["a,b", "text/csv"])
  })

  it("answers while the run goes on behind it, and only once", async () => {
    talk.model.hold()
    const second = { ...respond({ respondWith: "text", responseBody: "second" }), name: "Second" }
    const { id, ask } = await byNode([respond({ respondWith: "text", responseBody: "first" }), llm("Answer"), second])
    expect((await ask()).text).toBe("first")
    expect((await runsOf(id))[0].status).toBe("running")
    talk.model.release()
    await until(async () => (await runsOf(id))[0]?.status === "completed", "its end")
  })

  it("passes its items on, and what it answered where it is told to", async () => {
    const { id, ask } = await byNode([raw("A", { name: "Ada" }), respond({ options: { enableResponseOutput: true } })])
    await ask()
    const [run] = await runsOf(id)
    const { executions } = await talk.client.get(`/v1/runs/${run.id}/nodes/Respond`)
    expect(executions[0].outputs).toEqual([
      [{ name: "Ada" }],
      [{ statusCode: 200, headers: {}, body: { name: "Ada" } }],
    ])
  })

  it("is not needed: a run that ends without one is answered in the standard way", async () => {
    const branch = { ...node("Filter", "n8n-nodes-base.limit", { maxItems: 1 }), typeVersion: 1 }
    const { ask } = await byNode([branch])
    const { status, json } = await ask()
    expect([status, json]).toEqual([200, { message: "Workflow was started" }])
  })

  it.each<[JsonObject, string]>([
    [{ respondWith: "json", responseBody: "{ broken" }, "NODE_SETTINGS_INVALID"],
    [{ respondWith: "jwt" }, "NODE_SETTINGS_INVALID"],
    [{ respondWith: "binary" }, "FILE_MISSING"],
    [{ respondWith: "redirect" }, "NODE_SETTINGS_INVALID"],
    [{ respondWith: "text", responseBody: "={{ $('Nope').item.json }}" }, "EXPRESSION_ERROR"],
  ])("fails with a code where it cannot: %j", async (parameters, code) => {
    const { id, ask } = await byNode([respond(parameters)])
    expect((await ask()).json.error.code).toBe("NODE_FAILED")
    expect((await runsOf(id))[0].error.details.cause_code).toBe(code)
  })

  it("does nothing in a run that no webhook started", async () => {
    const id = await arm(workflow([node("Start", "n8n-nodes-base.manualTrigger"), respond({})], [["Start", "Respond"]]))
    const { status, body } = await talk.client.call("POST", `/v1/workflows/${id}/execute`, {
      body: { inputs: { a: 1 } },
    })
    expect([status, body.output]).toEqual([200, [{ a: 1 }]])
  })
})

describe("a webhook that streams", () => {
  const lines = (text: string): JsonObject[] =>
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
  const told = (text: string) =>
    lines(text).map(({ type, content, metadata }) => [type, content ?? (metadata as JsonObject)?.nodeName])
  const streaming = (nodes: readonly JsonObject[]) => chain({ responseMode: "streaming" }, nodes)

  it("gives each piece of a model's text the moment it comes, and says which node speaks", async () => {
    talk.model.script([{ text: "Good day Ada" }, { text: "Bye" }])
    const { ask } = await streaming([llm("Greet"), llm("Part")])
    const { headers, text } = await ask()
    expect(headers.get("content-type")).toBe("application/json; charset=utf-8")
    const said = (name: string) =>
      lines(text)
        .filter(({ type, metadata }) => type === "item" && (metadata as JsonObject).nodeName === name)
        .map(({ content }) => content)
        .join("")
    expect([said("Greet"), said("Part")]).toEqual(["Good day Ada", "Bye"])
    expect(
      lines(text)
        .filter(({ type }) => type !== "item")
        .map(({ type, metadata }) => [type, (metadata as JsonObject).nodeName]),
    ).toEqual([
      ["begin", "Greet"],
      ["end", "Greet"],
      ["begin", "Part"],
      ["end", "Part"],
    ])
  })

  it("gives the answer of a node as one more piece", async () => {
    const { ask } = await streaming([
      raw("A", { n: 1 }),
      respond({ respondWith: "text", responseBody: "=n is {{ $json.n }}" }),
    ])
    expect(told((await ask()).text)).toEqual([
      ["begin", "Respond"],
      ["item", "n is 1"],
      ["end", "Respond"],
    ])
  })

  it("gives the output of a run in which nobody spoke", async () => {
    const { ask } = await streaming([raw("A", { text: "plain" })])
    expect(told((await ask()).text)).toEqual([
      ["begin", "A"],
      ["item", "plain"],
      ["end", "A"],
    ])
  })

  it("ends with an error where the run fails", async () => {
    const { ask } = await streaming([node("Stop", "n8n-nodes-base.stopAndError", { errorMessage: "secret words" })])
    expect(told((await ask()).text)).toEqual([["error", "Error in workflow"]])
  })
})
