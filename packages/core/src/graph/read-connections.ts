/**
 * The connections of a definition: n8n's `connections` by source, and React Flow's `edges`. What leads nowhere is left out
 * with a finding.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { type FindingList, pathTo, quote } from "./findings.ts"
import type { Connection, Graph, GraphNode, Servant } from "./graph.ts"
import { findKind } from "./kinds/table.ts"
import { sourcePort, targetPort } from "./read-edge-handles.ts"
import type { ReadNodes } from "./read-nodes.ts"

/** The parts of a graph that connections make. */
export type Links = Pick<Graph, "outgoing" | "incoming" | "servants">

/** Inputs and outputs that a node can have (ours): a run sets up a place for each input that something leads to. */
const portsMax = 100

/** A connection as it was said. `type` is `main` or the service that the source gives (`ai_tool`). */
type Said = {
  readonly from: number
  readonly output: number
  readonly to: number
  readonly input: number
  readonly type: string
  readonly path: string
}

type Reading = { readonly nodes: ReadNodes; readonly findings: FindingList; add(said: Said): void }

/** Reads both forms. */
export function readConnections(root: JsonObject, nodes: ReadNodes, findings: FindingList): Links {
  const count = nodes.nodes.length
  const outgoing: Connection[][] = Array.from({ length: count }, () => [])
  const incoming: Connection[][] = Array.from({ length: count }, () => [])
  const servants: Servant[][] = Array.from({ length: count }, () => [])
  const known = new Set<string>()
  const add = (said: Said): void => {
    if (!admit(said, { nodes, findings, known })) return
    const { from, output, to, input, type } = said
    if (type !== "main") {
      servants[to]?.push({ type, node: from, input })
      return
    }
    const connection: Connection = { from, output, to, input }
    outgoing[from]?.push(connection)
    incoming[to]?.push(connection)
  }
  const reading: Reading = { nodes, findings, add }
  readBySource(root.connections, reading)
  readEdges(root.edges, reading)
  // Planner and streaming go by output; the order within an output is the definition's.
  for (const connections of outgoing) connections.sort((a, b) => a.output - b.output)
  return { outgoing, incoming, servants }
}

type Admission = { readonly nodes: ReadNodes; readonly findings: FindingList; readonly known: Set<string> }

/** Whether a connection means something; a finding where it does not. */
function admit(said: Said, { nodes, findings, known }: Admission): boolean {
  const source = nodes.nodes[said.from]
  const target = nodes.nodes[said.to]
  if (source === undefined || target === undefined) return false
  const problem = findProblem(said, { source, target, known })
  if (problem === null) return true
  const { node, code, message } = problem
  findings.add({ severity: "warning", code, message, node: node.name, path: said.path })
  return false
}

type Ends = { readonly source: GraphNode; readonly target: GraphNode; readonly known: Set<string> }
type Problem = { readonly node: GraphNode; readonly code: string; readonly message: string }

/** What is wrong with a connection between two nodes; null where nothing is, and then it is known. */
function findProblem({ from, output, to, input, type }: Said, { source, target, known }: Ends): Problem | null {
  const [one, other] = [quote(source.name), quote(target.name)]
  if (type !== "main" && !type.startsWith("ai_")) {
    const message = `Connect ${one} by main or by an ai_ type: ${quote(type)} is neither.`
    return { node: source, code: "CONNECTION_TYPE_UNKNOWN", message }
  }
  if (type === "main" && !hasOutput(source, output)) {
    const message = `Connect ${one} from an output that it has: it has no output ${output}.`
    return { node: source, code: "CONNECTION_OUTPUT_MISSING", message }
  }
  if (type === "main" && !hasInput(target, input)) {
    const message = `Connect ${other} at an input that it has: it has no input ${input}.`
    return { node: target, code: "CONNECTION_INPUT_MISSING", message }
  }
  const key = `${type}/${from}/${output}/${to}/${input}`
  if (known.has(key)) {
    const message = `Remove this connection: ${one} leads to ${other} by another one like it.`
    return { node: source, code: "CONNECTION_DUPLICATE", message }
  }
  known.add(key)
  return null
}

function hasOutput(node: GraphNode, output: number): boolean {
  const isKnown = node.kind !== null && findKind(node.kind) !== null
  const count = node.outputs + (node.onError === "continueErrorOutput" ? 1 : 0)
  return output >= 0 && output < (isKnown ? count : portsMax)
}

function hasInput(node: GraphNode, input: number): boolean {
  const kind = node.kind === null ? null : findKind(node.kind)
  return input >= 0 && input < (kind === null ? portsMax : kind.inputs(node).length)
}

/** n8n's form: by the source's name, then by type, then by output. */
function readBySource(connections: JsonValue | undefined, reading: Reading): void {
  if (connections === undefined || connections === null) return
  if (!isJsonObject(connections)) {
    const message = "Make connections an object by the names of the nodes that they leave: it was ignored."
    reading.findings.add({ severity: "error", code: "CONNECTIONS_INVALID", message, path: "connections" })
    return
  }
  for (const [name, byType] of Object.entries(connections)) {
    const path = pathTo("connections", name)
    const from = reading.nodes.byGivenName.get(name) ?? reading.nodes.byId.get(name)
    if (from === undefined) reading.findings.add(missing("CONNECTION_SOURCE_MISSING", name, path))
    else if (isJsonObject(byType)) readTypes(byType, { from, path }, reading)
    else reading.findings.add(malformed(path))
  }
}

type From = { readonly from: number; readonly path: string }

function readTypes(byType: JsonObject, { from, path }: From, reading: Reading): void {
  for (const [type, outputs] of Object.entries(byType)) {
    const typePath = pathTo(path, type)
    if (!Array.isArray(outputs)) {
      if (outputs !== null) reading.findings.add(malformed(typePath))
      continue
    }
    ;(outputs as readonly JsonValue[]).forEach((targets, output) => {
      const outputPath = pathTo(typePath, output)
      // A list of targets that was not put into a list per output is output 0; null is an output without targets.
      if (isJsonObject(targets)) readTarget(targets, { from, output: 0, type, path: outputPath }, reading)
      else if (Array.isArray(targets)) {
        ;(targets as readonly JsonValue[]).forEach((target, index) => {
          readTarget(target, { from, output, type, path: pathTo(outputPath, index) }, reading)
        })
      } else if (targets !== null) reading.findings.add(malformed(outputPath))
    })
  }
}

function readTarget(target: JsonValue, said: Omit<Said, "to" | "input">, reading: Reading): void {
  if (!isJsonObject(target) || typeof target.node !== "string") {
    reading.findings.add(malformed(said.path))
    return
  }
  const to = reading.nodes.byGivenName.get(target.node) ?? reading.nodes.byId.get(target.node)
  const input = target.index ?? 0
  if (to === undefined) reading.findings.add(missing("CONNECTION_TARGET_MISSING", target.node, said.path))
  else if (typeof input !== "number" || !Number.isInteger(input)) reading.findings.add(malformed(said.path))
  else reading.add({ ...said, to, input })
}

/** React Flow's form: by the ids of source and target. */
function readEdges(edges: JsonValue | undefined, reading: Reading): void {
  if (edges === undefined || edges === null) return
  if (!Array.isArray(edges)) {
    const message = "Make edges a list of {source, target}: it was ignored."
    reading.findings.add({ severity: "error", code: "CONNECTIONS_INVALID", message, path: "edges" })
    return
  }
  ;(edges as readonly JsonValue[]).forEach((edge, index) => {
    readEdge(edge, pathTo("edges", index), reading)
  })
}

function readEdge(edge: JsonValue, path: string, { nodes, findings, add }: Reading): void {
  const ends = isJsonObject(edge) ? [endOf(edge.source), endOf(edge.target)] : []
  const [source, target] = ends
  if (!isJsonObject(edge) || source == null || target == null) {
    findings.add(malformed(path))
    return
  }
  const from = nodes.byId.get(source) ?? nodes.byGivenName.get(source)
  const to = nodes.byId.get(target) ?? nodes.byGivenName.get(target)
  const fromNode = from === undefined ? undefined : nodes.nodes[from]
  const toNode = to === undefined ? undefined : nodes.nodes[to]
  if (from === undefined || fromNode === undefined) findings.add(missing("CONNECTION_SOURCE_MISSING", source, path))
  else if (to === undefined || toNode === undefined) findings.add(missing("CONNECTION_TARGET_MISSING", target, path))
  else {
    const output = sourcePort(edge.sourceHandle, fromNode)
    const input = targetPort(edge.targetHandle, toNode)
    const type = output.type === "main" ? input.type : output.type
    add({ from, output: output.index, to, input: input.index, type, path })
  }
}

function endOf(value: JsonValue | undefined): string | null {
  return typeof value === "string" || typeof value === "number" ? String(value) : null
}

function missing(code: string, name: string, path: string) {
  const message = `Remove this connection, or add the node ${quote(name)} that it names: there is none.`
  return { severity: "warning", code, message, path } as const
}

function malformed(path: string) {
  const message =
    "Write this connection as {node, type, index} in a list per output, or as an edge {source, target}: it was ignored."
  return { severity: "warning", code: "CONNECTION_INVALID", message, path } as const
}
