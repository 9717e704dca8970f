import { describe, expect, it } from "vitest"
import type { Failure, RunEvent } from "./events.ts"
import type { Connection, Graph, GraphNode } from "./graph.ts"
import type { Item } from "./items.ts"
import { viewNodes } from "./run-view.ts"

/** A graph of nodes in a row from left to right; `links` are "from>to", "from:output>to:input". */
function makeGraph(
  nodes: readonly (Partial<GraphNode> & { readonly name: string })[],
  links: readonly string[],
): Graph {
  const made: GraphNode[] = nodes.map((node, ordinal) => ({
    ordinal,
    id: `id-${node.name}`,
    type: "n8n-nodes-base.noOp",
    kind: "noOp",
    typeVersion: 1,
    position: { x: ordinal * 100, y: 0 },
    parameters: {},
    disabled: false,
    onError: "stopWorkflow",
    tries: { max: 1, waitMs: 0 },
    alwaysOutputData: false,
    executeOnce: false,
    webhookId: null,
    outputs: 1,
    credentials: {},
    path: `nodes[${ordinal}]`,
    ...node,
  }))
  const ordinalByName = new Map(made.map(({ name, ordinal }) => [name, ordinal]))
  const end = (text: string): [number, number] => {
    const [name = "", port = "0"] = text.split(":")
    const ordinal = ordinalByName.get(name)
    if (ordinal === undefined) throw new Error(`no node ${name}`)
    return [ordinal, Number(port)]
  }
  const connections: Connection[] = links.map((link) => {
    const [source = "", target = ""] = link.split(">")
    const [from, output] = end(source)
    const [to, input] = end(target)
    return { from, output, to, input }
  })
  return {
    name: null,
    nodes: made,
    ordinalByName,
    outgoing: made.map(({ ordinal }) => connections.filter(({ from }) => from === ordinal)),
    incoming: made.map(({ ordinal }) => connections.filter(({ to }) => to === ordinal)),
    servants: made.map(() => []),
    settings: {},
    pinData: {},
    meta: {},
    active: false,
  }
}

/** A run that begins at a node with the items given; each further event is one second later than the one before. */
function makeRun(start: string, items: readonly Item[] = [{ json: { n: 1 } }]) {
  let at = 1_000
  const events: RunEvent[] = []
  const add = (event: RunEvent): void => {
    events.push(event)
    at += 1_000
  }
  add({
    type: "run-created",
    v: 1,
    at,
    traceId: "req_1",
    mode: "production",
    workflowId: null,
    workflowVersion: null,
    start,
    items,
    seed: 1,
    depth: 0,
    turn: null,
  })
  add({ type: "run-started", at })
  return {
    events,
    started(node: string, iteration = 0, attempt = 1) {
      add({ type: "node-started", at, node, iteration, attempt })
      return this
    },
    completed(node: string, outputs: readonly (readonly Item[])[], { iteration = 0, attempt = 1 } = {}) {
      add({ type: "node-completed", at, node, iteration, attempt, outputs })
      return this
    },
    failed(node: string, error: Failure, { iteration = 0, attempt = 1, retryable = false } = {}) {
      add({ type: "node-failed", at, node, iteration, attempt, error, retryable })
      return this
    },
    /** Starts and completes. */
    ran(node: string, outputs: readonly (readonly Item[])[], iteration = 0) {
      return this.started(node, iteration).completed(node, outputs, { iteration })
    },
    logged(node: string, text: string, { iteration = 0, attempt = 1 } = {}) {
      add({ type: "code-logged", at, node, iteration, attempt, lines: [{ level: "log", text }] })
      return this
    },
    cancelled() {
      add({ type: "run-cancelled", at, cause: "RUN_CANCELLED", messageId: null, partialLength: 0 })
      return this
    },
    broken(failure: Failure) {
      const error = { code: "NODE_FAILED", message: "m", systemMessage: "s", details: {} } as const
      add({ type: "run-failed", at, failure, error, messageId: null, traceId: "req_1" })
      return this
    },
  }
}

const item = (json: Item["json"]): Item => ({ json })
const boom: Failure = { code: "CODE_ERROR", message: "boom" }

describe("the view of a run", () => {
  it("is empty before anything has run", () => {
    const graph = makeGraph([{ name: "A" }], [])
    expect(viewNodes(graph, [])).toEqual([])
    expect(viewNodes(graph, makeRun("A").events)).toEqual([])
  })

  it("shows nodes in the order of their first execution, with what they were given and gave", () => {
    // A ─> B ─> C
    const graph = makeGraph(
      [{ name: "C" }, { name: "A", kind: null, type: "vendor.thing" }, { name: "B" }],
      ["A>B", "B>C"],
    )
    const run = makeRun("A", [item({ n: 1 }), item({ n: 2 })])
      .ran("A", [[item({ a: 1 })]])
      .ran("B", [[item({ b: 1 }), item({ b: 2 })]])
      .ran("C", [[]])
    const nodes = viewNodes(graph, run.events)
    expect(nodes.map(({ name, kind, status }) => [name, kind, status])).toEqual([
      ["A", "vendor.thing", "completed"],
      ["B", "noOp", "completed"],
      ["C", "noOp", "completed"],
    ])
    expect(nodes[0]?.executions).toEqual([
      {
        index: 0,
        iteration: 0,
        status: "completed",
        startedAtMs: 3_000,
        durationMs: 1_000,
        inputs: [[item({ n: 1 }), item({ n: 2 })]],
        outputs: [[item({ a: 1 })]],
        error: null,
      },
    ])
    expect(nodes[1]?.executions[0]?.inputs).toEqual([[item({ a: 1 })]])
    expect(nodes[2]?.executions[0]).toMatchObject({
      index: 2,
      inputs: [[item({ b: 1 }), item({ b: 2 })]],
      outputs: [[]],
    })
  })

  it("numbers the executions of a loop through the whole run", () => {
    // A ─> L ──again──> B ─┐
    //      ^───────────────┘
    const graph = makeGraph([{ name: "A" }, { name: "L", outputs: 2 }, { name: "B" }], ["A>L", "L:1>B", "B>L"])
    const one = [[], [item({})]]
    const run = makeRun("A")
      .ran("A", [[item({})]])
      .ran("L", one, 0)
      .ran("B", [[item({})]], 0)
      .ran("L", one, 1)
    run.ran("B", [[item({})]], 1).ran("L", [[item({ done: true })], []], 2)
    const places = viewNodes(graph, run.events).map((node) => [
      node.name,
      node.executions.map(({ index, iteration }) => `${index}/${iteration}`),
    ])
    expect(places).toEqual([
      ["A", ["0/0"]],
      ["L", ["1/0", "3/1", "5/2"]],
      ["B", ["2/0", "4/1"]],
    ])
  })

  it("shows one execution for several attempts: the last, from the start of the first", () => {
    const graph = makeGraph([{ name: "A", tries: { max: 3, waitMs: 0 } }], [])
    const run = makeRun("A").started("A").failed("A", boom, { retryable: true }).started("A", 0, 2)
    expect(viewNodes(graph, run.events)[0]?.executions).toMatchObject([
      { status: "running", durationMs: null, error: null },
    ])
    run
      .failed("A", boom, { attempt: 2, retryable: true })
      .started("A", 0, 3)
      .completed("A", [[item({ ok: true })]], { attempt: 3 })
    expect(viewNodes(graph, run.events)[0]?.executions).toMatchObject([
      {
        index: 0,
        status: "completed",
        startedAtMs: 3_000,
        durationMs: 5_000,
        outputs: [[item({ ok: true })]],
        error: null,
      },
    ])
  })

  it("shows the failure of a node that ends the run", () => {
    const graph = makeGraph([{ name: "A" }, { name: "B" }], ["A>B"])
    const run = makeRun("A")
      .ran("A", [[item({})]])
      .started("B")
      .failed("B", boom)
      .broken({ ...boom, node: "B" })
    expect(viewNodes(graph, run.events)[1]).toMatchObject({
      status: "failed",
      executions: [{ status: "failed", outputs: [], error: boom, durationMs: 1_000 }],
    })
  })

  it("shows a node as completed where onError lets the run go on, with what it then put out", () => {
    const graph = makeGraph(
      [
        { name: "R", onError: "continueRegularOutput" },
        { name: "E", onError: "continueErrorOutput" },
      ],
      ["R>E"],
    )
    const run = makeRun("R", [item({ n: 1 })])
      .started("R")
      .failed("R", boom)
      .started("E")
      .failed("E", boom)
    const [regular, split] = viewNodes(graph, run.events)
    expect(regular).toMatchObject({ status: "completed", executions: [{ error: null }] })
    expect(regular?.executions[0]?.outputs[0]?.map(({ json }) => json)).toEqual([{ error: "boom" }])
    expect(split?.status).toBe("completed")
    expect(split?.executions[0]?.outputs.map((output) => output.map(({ json }) => json))).toEqual([
      [],
      [{ error: "boom" }],
    ])
  })

  it("shows disabled nodes as completed", () => {
    const graph = makeGraph([{ name: "A", disabled: true }], [])
    expect(viewNodes(graph, makeRun("A").ran("A", [[item({ n: 1 })]]).events)[0]?.status).toBe("completed")
  })

  it("shows the node at work as running, and as cancelled once the run was cancelled", () => {
    const graph = makeGraph([{ name: "A" }, { name: "B" }], ["A>B"])
    const run = makeRun("A")
      .ran("A", [[item({})]])
      .started("B")
    expect(viewNodes(graph, run.events)[1]).toMatchObject({
      status: "running",
      executions: [{ index: 1, durationMs: null, inputs: [[item({})]], outputs: [] }],
    })
    run.cancelled()
    expect(viewNodes(graph, run.events)[1]).toMatchObject({
      status: "cancelled",
      executions: [{ index: 1, durationMs: 1_000, error: null }],
    })
  })

  it("gives the failure of the run to the node that was at work, unless it names another one", () => {
    const graph = makeGraph([{ name: "A" }], [])
    const late: Failure = { code: "RUN_TIMEOUT", message: "late" }
    expect(viewNodes(graph, makeRun("A").started("A").broken(late).events)[0]).toMatchObject({
      status: "failed",
      executions: [{ error: late, durationMs: 1_000 }],
    })
    const other = makeRun("A")
      .started("A")
      .broken({ ...late, node: "B" })
    expect(viewNodes(graph, other.events)[0]).toMatchObject({ status: "cancelled", executions: [{ error: null }] })
  })

  it("shows what joined at a node with several inputs, the empty one included", () => {
    // S ─> A ─> M:0
    //  └─> B ─> M:1
    const graph = makeGraph(
      [{ name: "S" }, { name: "A" }, { name: "B" }, { name: "M" }],
      ["S>A", "S>B", "A>M:0", "B>M:1"],
    )
    const run = makeRun("S")
      .ran("S", [[item({})]])
      .ran("A", [[item({ a: 1 })]])
      .ran("B", [[]])
    run.ran("M", [[item({ a: 1 })]])
    const joined = viewNodes(graph, run.events).at(-1)
    expect(joined?.name).toBe("M")
    expect(joined?.executions[0]?.inputs).toEqual([[item({ a: 1 })], []])
  })

  it("shows what code wrote to its console with the execution, of the last attempt alone", () => {
    const graph = makeGraph([{ name: "A", tries: { max: 2, waitMs: 0 } }, { name: "B" }], ["A>B"])
    const run = makeRun("A").started("A").logged("A", "first").failed("A", boom, { retryable: true })
    run.started("A", 0, 2).logged("A", "second").logged("A", "third", { attempt: 2 })
    run
      .completed("A", [[item({})]], { attempt: 2 })
      .started("B")
      .logged("B", "under way")
    const [first, second] = viewNodes(graph, run.events)
    expect(first?.executions[0]?.console).toEqual([{ level: "log", text: "third" }])
    expect(second?.executions[0]).toMatchObject({ status: "running", console: [{ level: "log", text: "under way" }] })
    expect(viewNodes(graph, makeRun("A").ran("A", []).events)[0]?.executions[0]).not.toHaveProperty("console")
  })

  it("is not cut short by bounds: a run that was allowed more is shown whole", () => {
    const graph = makeGraph([{ name: "A" }, { name: "B" }], ["A>B", "B>A"])
    const run = makeRun("A")
    for (let round = 0; round < 12_000; round += 1) {
      run.ran("A", [[item({})]], round).ran("B", [[item({})]], round)
    }
    const [first, second] = viewNodes(graph, run.events)
    expect(first?.executions).toHaveLength(12_000)
    expect(second?.executions.at(-1)).toMatchObject({ index: 23_999, iteration: 11_999, status: "completed" })
  })

  it("folds any prefix of a run's events, and never loses an execution that was shown", () => {
    const graph = makeGraph([{ name: "A" }, { name: "L", outputs: 2 }, { name: "B" }], ["A>L", "L:1>B", "B>L"])
    const run = makeRun("A")
      .ran("A", [[item({})]])
      .ran("L", [[], [item({})]])
      .ran("B", [[item({})]])
    run.ran("L", [[item({})], []], 1).cancelled()
    let before = 0
    for (let length = 0; length <= run.events.length; length += 1) {
      const nodes = viewNodes(graph, run.events.slice(0, length))
      const count = nodes.reduce((sum, node) => sum + node.executions.length, 0)
      expect(count).toBeGreaterThanOrEqual(before)
      before = count
    }
    expect(before).toBe(4)
  })
})
