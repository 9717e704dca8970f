/**
 * The workflow language: what importing, planning and evaluating cost. Planning and evaluating are measured in this process,
 * as pure functions of the built core, by the processor time that they take; importing and a long run on the server. Beside
 * expressions stands the same work in plain JavaScript.
 */
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { RunEvent } from "../packages/core/src/graph/events.ts"
import type { Graph } from "../packages/core/src/graph/graph.ts"
import type { Item, Outputs } from "../packages/core/src/graph/items.ts"
import type { Step } from "../packages/core/src/graph/plan.ts"
import type { JsonObject, JsonValue } from "../packages/core/src/json.ts"
import { aims } from "./aims.ts"
import type { Bench } from "./bench.ts"
import { root } from "./child.ts"
import { makeRows, type Row } from "./figures.ts"
import { type LoadRequest, openConnections, send } from "./load.ts"
import { nowMs } from "./stamp.ts"
import { keyedHeaders, requireGood, WrongAnswer } from "./subjects.ts"

const rounds = 5
const importsOfRound = 200
const importedNodes = 30
const longChainNodes = 500
const longChainItems = 100
const plannedNodes = 100
const plannedRuns = 40
const setItems = 10_000

/** The core as it is built: what runs sources as they are adds to the cost of every function. */
type Core = Pick<typeof import("../packages/core/src/graph/read.ts"), "readDefinition"> &
  Pick<typeof import("../packages/core/src/graph/plan.ts"), "advance" | "initialState"> &
  Pick<typeof import("../packages/core/src/graph/evaluate-node.ts"), "evaluateNode">

async function loadCore(): Promise<Core> {
  const load = (name: string) => import(pathToFileURL(join(root, "packages", "core", "dist", "graph", name)).href)
  return { ...(await load("read.js")), ...(await load("plan.js")), ...(await load("evaluate-node.js")) }
}

/** Measures the language. */
export async function measureLanguage(bench: Bench): Promise<readonly Row[]> {
  bench.note("language: expressions and planning, in this process")
  const core = await loadCore()
  const expressions = repeat(() => setMs(core))
  const plain = repeat(plainMs)
  const planning = repeat(() => planStepUs(core))
  bench.note("language: importing and a long run, on the server")
  const imports = await importSeconds(bench)
  const chain = await longChainMs(bench)
  return [
    ...makeRows({
      what: "import and validate 2,000 workflows",
      unit: "s",
      digits: 1,
      brevet: imports,
      aim: aims.importSeconds,
    }),
    ...makeRows({
      what: "a run of 500 set nodes over 100 items, kept",
      unit: "ms",
      digits: 0,
      brevet: chain,
      aim: aims.longChainMs,
    }),
    ...makeRows({
      what: "plan step of a node, graph of 100",
      unit: "µs",
      digits: 1,
      brevet: planning,
      aim: aims.planStepUs,
    }),
    ...makeRows({
      what: "set, five expressions, 10,000 items (floor: the same in JavaScript)",
      unit: "ms",
      digits: 0,
      brevet: expressions,
      floor: plain,
      aim: aims.setMs,
    }),
  ]
}

/** The values of some rounds, the first thrown away. */
function repeat(measure: () => number): readonly number[] {
  measure()
  return Array.from({ length: rounds }, measure)
}

const node = (name: string, type: string, parameters: JsonObject): JsonObject => {
  return {
    id: name,
    name,
    type: `n8n-nodes-base.${type}`,
    typeVersion: type === "set" ? 3.4 : 1,
    position: [0, 0],
    parameters,
  }
}

function setNode(name: string, values: readonly string[]): JsonObject {
  const assignments = values.map((value, index) => ({ id: `${index}`, name: `field${index}`, type: "string", value }))
  return node(name, "set", { assignments: { assignments }, includeOtherFields: false, options: {} })
}

/** Nodes one after the other. */
function chainOf(nodes: readonly JsonObject[]): JsonObject {
  const connections = nodes.slice(1).map((one, index): readonly [string, JsonValue] => {
    return [String(nodes[index]?.name), { main: [[{ node: String(one.name), type: "main", index: 0 }]] }]
  })
  const placed = nodes.map((one, index) => ({ ...one, position: [index * 200, 0] }))
  return { nodes: placed, connections: Object.fromEntries(connections) }
}

const expressions = [
  "={{ $json.name.toUpperCase() }}",
  "={{ $json.price * 1.2 }}",
  "=Dear {{ $json.name }}, you owe {{ $json.price }}",
  "={{ $json.tags.map(t => t.trim()).join(', ') }}",
  "={{ $json.address?.city ?? 'nowhere' }}",
]

const bought = Array.from({ length: setItems }, (_, index) => ({
  name: `Customer ${index}`,
  price: index,
  tags: [" a", "b "],
  address: { city: "Bern" },
}))

/** Milliseconds of the processor since then. */
function workedMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1_000
}

const limits = { executionsMax: 1_000, itemsMax: 100_000, loopsMax: 1_000 }
const facts = { runId: "run_1", workflowId: "flow_1", active: true }

/** Plays a run as the runtime does. `given`: what every node puts out; null: nodes are evaluated. */
function play(
  core: Core,
  graph: Graph,
  { items, given }: { readonly items: readonly Item[]; readonly given: Outputs | null },
) {
  const start = graph.nodes[0]?.name ?? ""
  const created = { type: "run-created", v: 1, at: 1, mode: "production", start, items, seed: 7, depth: 0, turn: null }
  let step: Step = { state: core.initialState(graph), command: { type: "none" } }
  const take = (event: RunEvent): void => {
    step = core.advance({ graph, limits }, step.state, event)
  }
  take(created as unknown as RunEvent)
  take({ type: "run-started", at: 2 })
  for (let executions = 0; ; ) {
    const { state, command } = step
    if (command.type === "start-node") {
      const { node: name, iteration, attempt } = command
      executions += 1
      take({ type: "node-started", at: 3, node: name, iteration, attempt })
    } else if (command.type === "run-node" && state.current !== null) {
      const { node: name, iteration, attempt } = command
      const evaluated = given === null ? core.evaluateNode({ graph, state, current: state.current, facts }) : null
      if (evaluated !== null && evaluated.type !== "completed")
        throw new WrongAnswer(`${name} did not give its outputs`)
      take({
        type: "node-completed",
        at: 4,
        node: name,
        iteration,
        attempt,
        outputs: evaluated?.result.outputs ?? given ?? [],
      })
    } else if (command.type === "complete") return { executions, items: command.items }
    else throw new WrongAnswer(`a run came to ${command.type}`)
  }
}

/** Milliseconds for the items through one node. */
function setMs(core: Core): number {
  const { graph } = core.readDefinition(chainOf([setNode("Set", expressions)]))
  const items = bought.map((json) => ({ json }))
  const since = process.cpuUsage()
  const out = play(core, graph, { items, given: null })
  const tookMs = workedMs(since)
  if (out.items[1]?.json.field2 !== "Dear Customer 1, you owe 1")
    throw new WrongAnswer("expressions gave something else")
  return tookMs
}

/** The same in JavaScript. */
function plainMs(): number {
  const since = process.cpuUsage()
  const out = bought.map((json) => ({
    json: {
      field0: json.name.toUpperCase(),
      field1: `${json.price * 1.2}`,
      field2: `Dear ${json.name}, you owe ${json.price}`,
      field3: json.tags.map((tag) => tag.trim()).join(", "),
      field4: json.address?.city ?? "nowhere",
    },
  }))
  const tookMs = workedMs(since)
  if (out.length !== setItems) throw new WrongAnswer("JavaScript gave something else")
  return tookMs
}

/** Microseconds of the planner for each node, from its start to its end (two events). */
function planStepUs(core: Core): number {
  const nodes = Array.from({ length: plannedNodes }, (_, index) => setNode(`Node ${index}`, ["x"]))
  const { graph } = core.readDefinition(chainOf(nodes))
  const given = [[{ json: {}, pairedItem: { item: 0 } }]]
  const since = process.cpuUsage()
  let executions = 0
  for (let run = 0; run < plannedRuns; run += 1)
    executions += play(core, graph, { items: [{ json: {} }], given }).executions
  if (executions !== plannedNodes * plannedRuns) throw new WrongAnswer("the planner did not run every node")
  return (workedMs(since) * 1_000) / executions
}

/** Seconds for 2,000 workflows, one after the other on one connection, from those of each round. */
async function importSeconds(bench: Bench): Promise<readonly number[]> {
  const { subject } = await bench.brevet()
  const nodes = [
    node("Start", "manualTrigger", {}),
    ...Array.from({ length: importedNodes }, (_, index) => setNode(`Set ${index}`, expressions)),
  ]
  const document = { name: "Imported", ...chainOf(nodes) }
  const connections = openConnections(subject.address, 1)
  const seconds: number[] = []
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const startedMs = nowMs()
      for (let index = 0; index < importsOfRound; index += 1) {
        requireGood(subject, await send(connections, post("/v1/workflows/import", { document })))
      }
      if (round > 0) seconds.push(((nowMs() - startedMs) * 2_000) / importsOfRound / 1_000)
    }
  } finally {
    await connections.destroy()
  }
  return seconds
}

/** Milliseconds of an execution that is answered once it is stored. */
async function longChainMs(bench: Bench): Promise<readonly number[]> {
  const { subject } = await bench.brevet()
  const nodes = [
    node("Start", "manualTrigger", {}),
    ...Array.from({ length: longChainNodes }, (_, index) =>
      setNode(`Set ${index}`, [index === 0 ? "={{ $json.n }}" : "={{ $json.field0 }}"]),
    ),
  ]
  const items = Array.from({ length: longChainItems }, (_, n) => ({ json: { n } }))
  const connections = openConnections(subject.address, 1)
  const samplesMs: number[] = []
  try {
    const made = await send(connections, post("/v1/workflows", { name: "Long", definition: chainOf(nodes) }))
    requireGood(subject, made)
    const { id } = JSON.parse(made.body) as { readonly id: string }
    for (let round = 0; round <= rounds; round += 1) {
      const startedMs = nowMs()
      const answer = await send(connections, post(`/v1/workflows/${id}/execute`, { items }))
      if (round > 0) samplesMs.push(nowMs() - startedMs)
      const { status, output } = JSON.parse(answer.body) as { status?: string; output?: { field0?: string }[] }
      if (status !== "completed" || output?.[99]?.field0 !== "99")
        throw new WrongAnswer(`a long run answered ${answer.body.slice(0, 500)}`)
    }
  } finally {
    await connections.destroy()
  }
  return samplesMs
}

function post(path: string, body: object): LoadRequest {
  return { method: "POST", path, headers: keyedHeaders, body: JSON.stringify(body) }
}
