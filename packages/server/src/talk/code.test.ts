/** Code nodes on the whole server: recorded outcomes, consoles, what is kept within a run, limits, cancelling. */
import { readFileSync } from "node:fs"
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, until, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()

/** A case of the conformance suite, recorded from n8n 2.41.1. */
type RecordedCase = {
  readonly id: string
  readonly title: string
  readonly informative?: true
  readonly workflow: JsonObject
  readonly expected: {
    readonly status: "success" | "error"
    readonly nodes: Readonly<Record<string, readonly { outputs: JsonObject[][]; error?: string }[]>>
    readonly order: readonly string[]
    readonly lastNode: string | null
    readonly error?: { readonly node: string | null }
  }
}

const recordedCases = readFileSync(new URL("../testing/recorded-code.jsonl", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as RecordedCase)

type NodeAnswer = {
  name: string
  executions: { index: number; status: string; outputs: JsonObject[][]; console?: { level: string; text: string }[] }[]
}

async function store(definition: JsonObject): Promise<string> {
  const { status, body } = await talk.client.call("POST", "/v1/workflows", { body: { name: "Code", definition } })
  expect([status, body.error]).toEqual([201, undefined])
  return body.id
}

/** Runs a workflow to its end; the run and its nodes. */
async function run(definition: JsonObject, body: JsonObject = {}) {
  const id = await store(definition)
  await talk.client.call("POST", `/v1/workflows/${id}/execute`, { body })
  const { runs } = await talk.client.get(`/v1/runs?workflow_id=${id}`)
  const answer = await talk.client.get(`/v1/runs/${runs[0].id}`)
  const { nodes } = (await talk.client.get(`/v1/runs/${answer.id}/nodes`)) as { nodes: NodeAnswer[] }
  return { run: answer, nodes }
}

/** Outputs without the empty ones at the end, which count as absent, and errors as whether there is one. */
function comparable(outputs: readonly (readonly JsonObject[])[]) {
  const lists = outputs.map((items) =>
    items.map((json) => ("error" in json ? { ...json, error: "error" in json } : json)),
  )
  while (lists.length > 0 && lists.at(-1)?.length === 0) lists.pop()
  return lists
}

const code = (jsCode: string, parameters: JsonObject = {}, rest: JsonObject = {}): JsonObject => {
  return { ...node("Code", "n8n-nodes-base.code", { jsCode, ...parameters }), typeVersion: 2, ...rest }
}
const start = node("Start", "n8n-nodes-base.manualTrigger")
/** One Code node behind a start. */
const coded = (jsCode: string, parameters: JsonObject = {}, rest: JsonObject = {}): JsonObject =>
  workflow([start, code(jsCode, parameters, rest)], [["Start", "Code"]])

describe("a recorded outcome of code", () => {
  it.each(recordedCases.map((recorded) => [recorded.id, recorded.title, recorded] as const))(
    "is ours too: %s (%s)",
    async (_id, _title, { workflow: definition, expected }) => {
      const { run: ended, nodes } = await run(definition)
      expect(ended.status, JSON.stringify(ended.error)).toBe(expected.status === "success" ? "completed" : "failed")
      const names = nodes.map(({ name }) => name).sort()
      expect(names).toEqual(Object.keys(expected.nodes).sort())
      for (const { name, executions } of nodes) {
        const outputs = executions.map((execution) => comparable(execution.outputs))
        expect(outputs, name).toEqual(expected.nodes[name]?.map((execution) => comparable(execution.outputs)))
      }
      const order = nodes.flatMap(({ name, executions }) => executions.map(({ index }) => ({ name, index })))
      order.sort((left, right) => left.index - right.index)
      expect(order.map(({ name }) => name)).toEqual(expected.order)
      if (expected.error !== undefined) expect(ended.error.details.node).toBe(expected.error.node)
    },
  )

  it("is one of thirty-two", () => {
    expect(recordedCases).toHaveLength(32)
  })
})

describe("the console of code", () => {
  it("is shown with the execution that wrote it, also where the code fails after it", async () => {
    const lines = `console.log("seen", { a: [1] }); console.warn("careful"); console.error(new Error("told").message)`
    const shown = [
      { level: "log", text: 'seen {"a":[1]}' },
      { level: "warn", text: "careful" },
      { level: "error", text: "told" },
    ]
    const completed = await run(coded(`${lines}; return []`))
    expect(completed.nodes.find(({ name }) => name === "Code")?.executions[0]?.console).toEqual(shown)
    expect(completed.nodes.find(({ name }) => name === "Start")?.executions[0]).not.toHaveProperty("console")
    const failed = await run(coded(`${lines}; throw new Error("too late")`))
    expect(failed.nodes.find(({ name }) => name === "Code")?.executions[0]?.console).toEqual(shown)
    const { events } = await talk.client.get(`/v1/runs/${failed.run.id}/events?limit=100`)
    const logged = events.find(({ event }: JsonObject) => event === "code-logged")
    expect(logged).toMatchObject({ node: "Code", iteration: 0, attempt: 1, lines: shown })
  })
})

describe("code that fails", () => {
  it("fails its run with what it threw, the line, and the code of the cause", async () => {
    const { run: thrown, nodes } = await run(coded("const a = 1\n\nthrow new Error('third line')"))
    expect(thrown.error).toMatchObject({ code: "NODE_FAILED", details: { node: "Code", cause_code: "CODE_ERROR" } })
    const [failure] = nodes.find(({ name }) => name === "Code")?.executions ?? []
    expect(failure).toMatchObject({
      status: "failed",
      error: { code: "CODE_ERROR", message: "third line [line 3]", details: { line: 3 } },
    })
  })

  it("says so where it is Python, and where it goes past its memory", async () => {
    const python = await run(coded("", { language: "pythonNative", pythonCode: "return []" }))
    expect(python.run.error.details).toMatchObject({ node: "Code", cause_code: "NODE_KIND_UNKNOWN" })
    const greedy = await run(coded("const all = []; for (;;) all.push(new Array(1000).fill(7))"))
    expect(greedy.run.error.details).toMatchObject({ node: "Code", cause_code: "CODE_LIMIT" })
    const after = await run(coded("return { fine: true }"))
    expect(after.run.output).toEqual([{ fine: true }])
  })

  it("is tried again as its node says", async () => {
    const twice = coded("throw new Error('always')", {}, { retryOnFail: true, maxTries: 2, waitBetweenTries: 0 })
    const { run: failed } = await run(twice)
    const { events } = await talk.client.get(`/v1/runs/${failed.id}/events?limit=100`)
    const attempts = events.filter(({ event, node: of }: JsonObject) => event === "node-failed" && of === "Code")
    expect(attempts.map(({ attempt }: JsonObject) => attempt)).toEqual([1, 2])
  })
})

describe("a run with code", () => {
  it("gives the same random numbers and times again, and others to other nodes", async () => {
    const dice = "return { dice: [Math.random(), Math.random()], now: Date.now(), iso: $now.toISO() }"
    const second = { ...code(dice), name: "Second" }
    const definition = workflow(
      [start, code(dice), second],
      [
        ["Start", "Code"],
        ["Start", "Second"],
      ],
    )
    const { nodes } = await run(definition)
    const [first, other] = ["Code", "Second"].map(
      (name) => nodes.find((entry) => entry.name === name)?.executions[0]?.outputs[0]?.[0],
    )
    expect(first?.now).toBe(other?.now)
    expect(first?.iso).toBe(new Date(Number(first?.now)).toISOString())
    expect(first?.dice).not.toEqual(other?.dice)
  })

  it("keeps static data from one execution to the next, within the run alone", async () => {
    const count = `const own = $getWorkflowStaticData("node"), all = $getWorkflowStaticData("global")
      own.count = (own.count ?? 0) + 1
      all.names = [...(all.names ?? []), $runIndex]
      return { own: own.count, all: all.names, left: $json.left ?? 3 }`
    const again = { ...code("return { left: $json.left - 1 }"), name: "Again" }
    const more = node("More", "n8n-nodes-base.filter", {
      conditions: {
        options: {},
        combinator: "and",
        conditions: [{ leftValue: "={{ $json.left }}", rightValue: 0, operator: { type: "number", operation: "gt" } }],
      },
    })
    const definition = workflow(
      [start, code(count), again, { ...more, typeVersion: 2 }],
      [
        ["Start", "Code"],
        ["Code", "Again"],
        ["Again", "More"],
        ["More", "Code"],
      ],
    )
    const seen = async () => {
      const { nodes } = await run(definition)
      return nodes.find(({ name }) => name === "Code")?.executions.map(({ outputs }) => outputs[0]?.[0])
    }
    const expected = [
      { own: 1, all: [0], left: 3 },
      { own: 2, all: [0, 1], left: 2 },
      { own: 3, all: [0, 1, 2], left: 1 },
    ]
    expect(await seen()).toEqual(expected)
    expect(await seen()).toEqual(expected)
  })

  it("ends at once when it is cancelled, while its code works", async () => {
    const id = await store(coded("console.log('begun'); for (;;) ;"))
    const { body } = await talk.client.call("POST", `/v1/workflows/${id}/execute`, { body: { return_mode: "poll" } })
    await talk.client.call("POST", `/v1/runs/${body.run_id}/cancel`, {})
    const ended = await until(async () => {
      const answer = await talk.client.get(`/v1/runs/${body.run_id}`)
      return answer.finished_at !== null && answer
    }, "the end of the run")
    expect(ended.status).toBe("cancelled")
    const took = Date.parse(ended.finished_at) - Date.parse(ended.created_at)
    // Code may work for ten seconds; the run did not wait for that.
    expect(took).toBeLessThan(10_000)
  })

  it("lets code see lineage, other nodes and the items of each branch", async () => {
    const make = { ...code("return [1, 2, 3, 4].map((n) => ({ n }))"), name: "Make" }
    const even = { ...code("return $input.all().filter(({ json }) => json.n % 2 === 0)"), name: "Even" }
    const each = code("return { n: $json.n, from: $('Make').item.json.n, index: $itemIndex }", {
      mode: "runOnceForEachItem",
    })
    const definition = workflow(
      [start, make, even, each],
      [
        ["Start", "Make"],
        ["Make", "Even"],
        ["Even", "Code"],
      ],
    )
    const { run: ended } = await run(definition)
    expect(ended.output).toEqual([
      { n: 2, from: 2, index: 0 },
      { n: 4, from: 4, index: 1 },
    ])
  })
})
