/**
 * Reads a definition: any JSON value becomes a graph and findings. Never throws, never alters what it is given, and takes
 * time in proportion to it.
 *
 *     n8n            { nodes: [ {id, name, type, …} ], connections: { "<name>": { main: [[ {node, type, index} ]] } } }
 *     map            { nodes: { "<id>": {name, type, …} }, connections }
 *     React Flow     { nodes: [ {id, type, data} ], edges: [ {source, target, sourceHandle?, targetHandle?} ] }
 *
 * The three may be mixed. What is missing (names, positions, versions) is filled in for the graph and never in what is
 * stored; what makes no sense is left out with a finding that says what to do.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { type FindingList, makeFindingList } from "./findings.ts"
import type { Finding, Graph } from "./graph.ts"
import { readConnections } from "./read-connections.ts"
import { readNodes } from "./read-nodes.ts"

/** What reading gives. */
export type Read = {
  readonly graph: Graph
  readonly findings: readonly Finding[]
  /** Names that several nodes were given; in the graph only the first has it. */
  readonly sharedNames: ReadonlySet<string>
}

/** Reads any JSON value. */
export function readDefinition(definition: JsonValue | undefined): Read {
  const findings = makeFindingList()
  const root = readRoot(definition, findings)
  const nodes = readNodes(root.nodes, findings)
  const links = readConnections(root, nodes, findings)
  const graph: Graph = {
    name: typeof root.name === "string" ? root.name : null,
    nodes: nodes.nodes,
    ordinalByName: nodes.ordinalByName,
    ...links,
    settings: readObject(root, "settings", findings),
    pinData: readObject(root, "pinData", findings),
    meta: readObject(root, "meta", findings),
    active: root.active === true,
  }
  return { graph, findings: findings.all(), sharedNames: nodes.sharedNames }
}

function readRoot(definition: JsonValue | undefined, findings: FindingList): JsonObject {
  if (isJsonObject(definition)) return definition
  const message = "Send the definition as a JSON object with nodes and connections."
  findings.add({ severity: "error", code: "DEFINITION_INVALID", message })
  return {}
}

function readObject(root: JsonObject, field: "settings" | "pinData" | "meta", findings: FindingList): JsonObject {
  const value = root[field]
  if (value === undefined || value === null) return {}
  if (isJsonObject(value)) return value
  const message = `Make ${field} an object, or leave it out: it was ignored.`
  findings.add({ severity: "warning", code: "DEFINITION_FIELD_INVALID", message, path: field })
  return {}
}
