/** The nodes of a definition: from the raw entries of any form to the nodes of a graph with unique names. */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { cutText, type FindingList, pathTo, quote } from "./findings.ts"
import type { GraphNode } from "./graph.ts"
import { findKind } from "./kinds/table.ts"
import { kindOfType, nameOfType, newestVersion } from "./kinds/type-names.ts"
import { flattenNode } from "./read-flow-node.ts"
import { readNodeRules } from "./read-node-rules.ts"

/** The nodes, and how connections find them. */
export type ReadNodes = {
  readonly nodes: readonly GraphNode[]
  readonly ordinalByName: ReadonlyMap<string, number>
  /** The node that a connection means by a name, as the definition spells it. */
  readonly byGivenName: ReadonlyMap<string, number>
  /** The node that an edge means by an id; the first of several. */
  readonly byId: ReadonlyMap<string, number>
  /** Names that several nodes were given. */
  readonly sharedNames: ReadonlySet<string>
}

/** Characters of a name, an id or a type that are kept (ours, as names of workflows): longer ones would fill reports. */
const nodeTextMax = 255

/** An entry of `nodes` with its place. */
type RawNode = { readonly raw: JsonObject; readonly path: string }

/** Reads `nodes`: a list, or a map by id. */
export function readNodes(nodes: JsonValue | undefined, findings: FindingList): ReadNodes {
  const raws = listRawNodes(nodes, findings)
  const names = giveNames(raws, findings)
  const read = raws.map((entry, ordinal) => readNode(entry, { ordinal, name: names[ordinal] ?? "" }, findings))
  const byId = new Map<string, number>()
  for (const node of read) {
    if (node.id === null) continue
    if (!byId.has(node.id)) byId.set(node.id, node.ordinal)
    else findings.add(duplicateId(node, node.id))
  }
  const byGivenName = new Map<string, number>()
  const sharedNames = new Set<string>()
  raws.forEach(({ raw }, ordinal) => {
    if (typeof raw.name !== "string") return
    if (byGivenName.has(raw.name)) sharedNames.add(raw.name)
    else byGivenName.set(raw.name, ordinal)
  })
  return {
    nodes: read,
    ordinalByName: new Map(read.map(({ name, ordinal }) => [name, ordinal])),
    byGivenName,
    byId,
    sharedNames,
  }
}

function listRawNodes(nodes: JsonValue | undefined, findings: FindingList): RawNode[] {
  return entriesOf(nodes, findings).flatMap(([key, value]): RawNode[] => {
    const path = pathTo("nodes", key)
    if (!isJsonObject(value)) {
      const message = "Make each entry of nodes an object with id, name, type and parameters: this one was left out."
      findings.add({ severity: "error", code: "NODE_INVALID", message, path })
      return []
    }
    const keyed = typeof key === "string" && typeof value.id !== "string" ? { ...value, id: key } : value
    return [{ raw: flattenNode(keyed), path }]
  })
}

function entriesOf(nodes: JsonValue | undefined, findings: FindingList): [string | number, JsonValue][] {
  if (Array.isArray(nodes)) return [...(nodes as readonly JsonValue[]).entries()]
  if (isJsonObject(nodes)) return Object.entries(nodes)
  const message = "Give the definition a list of nodes."
  findings.add({ severity: "error", code: "NODES_MISSING", message, path: "nodes" })
  return []
}

/** Unique names in the order of the nodes. Given names go first, so that a name that is made up is nobody's. */
function giveNames(raws: readonly RawNode[], findings: FindingList): readonly string[] {
  const names: (string | undefined)[] = raws.map(() => undefined)
  const taken = new Set<string>()
  raws.forEach(({ raw, path }, ordinal) => {
    if (typeof raw.name !== "string" || raw.name === "") return
    const name = cutText(raw.name, nodeTextMax)
    if (taken.has(name)) findings.add(duplicateName(name, path))
    else names[ordinal] = name
    taken.add(name)
    if (name !== raw.name) findings.add(longText(path, "name"))
  })
  const counters = new Map<string, number>()
  return raws.map(({ raw, path }, ordinal) => {
    const name = names[ordinal] ?? makeName(baseName(raw), taken, counters)
    if (typeof raw.name !== "string" || raw.name === "") findings.add(missingName(name, path))
    return name
  })
}

/** What a node without a name of its own is called after: its name where another one has it, its id, its type. */
function baseName(raw: JsonObject): string {
  const texts = [raw.name, raw.id, typeof raw.type === "string" ? nameOfType(raw.type) : ""]
  const base = texts.find((text): text is string => typeof text === "string" && text !== "") ?? "Node"
  return cutText(base, nodeTextMax)
}

function makeName(base: string, taken: Set<string>, counters: Map<string, number>): string {
  let name = base
  for (let count = counters.get(base) ?? 1; taken.has(name); count += 1) {
    name = `${base} ${count + 1}`
    counters.set(base, count + 1)
  }
  taken.add(name)
  return name
}

function readNode(
  { raw, path }: RawNode,
  { ordinal, name }: { ordinal: number; name: string },
  findings: FindingList,
): GraphNode {
  const place = { node: name, path }
  const type = readType(raw, place, findings)
  const kind = kindOfType(type)
  const node: GraphNode = {
    ordinal,
    id: readId(raw, place, findings),
    name,
    type: cutText(type, nodeTextMax),
    kind,
    typeVersion: readVersion(raw, kind),
    position: readPosition(raw.position, ordinal),
    parameters: readObject(raw, "parameters", { place, findings }),
    disabled: raw.disabled === true,
    ...readNodeRules(raw, place, findings),
    outputs: 1,
    credentials: readObject(raw, "credentials", { place, findings }),
    webhookId: typeof raw.webhookId === "string" && raw.webhookId !== "" ? cutText(raw.webhookId, nodeTextMax) : null,
    path,
  }
  const known = kind === null ? null : findKind(kind)
  return known === null ? node : { ...node, outputs: known.outputs(node).length }
}

type Place = { readonly node: string; readonly path: string }

function readType(raw: JsonObject, place: Place, findings: FindingList): string {
  if (typeof raw.type === "string" && raw.type.trim() !== "") return raw.type
  const message = `Give the node ${quote(place.node)} a type: without one it cannot be run.`
  findings.add({ severity: "error", code: "NODE_TYPE_MISSING", message, ...place })
  return ""
}

/** Ids are texts; numbers are read as such. Without one a node is named by its name. */
function readId(raw: JsonObject, place: Place, findings: FindingList): string | null {
  const { id } = raw
  const text = typeof id === "number" ? String(id) : id
  if (text === undefined || text === null || text === "") return null
  if (typeof text === "string" && text.length <= nodeTextMax) return text
  const message = `Make the id of ${quote(place.node)} a text of at most ${nodeTextMax} characters: it was ignored.`
  findings.add({
    severity: "warning",
    code: "NODE_ID_INVALID",
    message,
    node: place.node,
    path: pathTo(place.path, "id"),
  })
  return null
}

function readVersion(raw: JsonObject, kind: string | null): number {
  const version = typeof raw.typeVersion === "string" ? Number(raw.typeVersion) : raw.typeVersion
  const isVersion = typeof version === "number" && Number.isFinite(version) && version > 0
  return isVersion ? version : newestVersion(kind)
}

/** Where a node has no position it stands on one line in the order of the nodes, so that they run in that order. */
function readPosition(position: JsonValue | undefined, ordinal: number): { x: number; y: number } {
  const [x, y] = Array.isArray(position)
    ? (position as readonly JsonValue[])
    : isJsonObject(position)
      ? [position.x, position.y]
      : []
  const isPlace = typeof x === "number" && typeof y === "number" && Number.isFinite(x) && Number.isFinite(y)
  return isPlace ? { x, y } : { x: ordinal * 200, y: 0 }
}

function readObject(
  raw: JsonObject,
  field: "parameters" | "credentials",
  { place, findings }: { place: Place; findings: FindingList },
): JsonObject {
  const value = raw[field]
  if (value === undefined || value === null) return {}
  if (isJsonObject(value)) return value
  const message = `Make ${field} of ${quote(place.node)} an object: what is there was ignored.`
  findings.add({
    severity: "warning",
    code: "NODE_FIELD_INVALID",
    message,
    node: place.node,
    path: pathTo(place.path, field),
  })
  return {}
}

function duplicateName(name: string, path: string) {
  const message = `Rename one of the nodes called ${quote(name)}: connections and expressions reach only the first.`
  return { severity: "error", code: "NODE_NAME_DUPLICATE", message, node: name, path } as const
}

function missingName(name: string, path: string) {
  const message = `Give this node a name: it is called ${quote(name)} here.`
  return { severity: "info", code: "NODE_NAME_MISSING", message, node: name, path } as const
}

function longText(path: string, field: string) {
  const message = `Shorten this ${field} to ${nodeTextMax} characters: the rest was cut.`
  return { severity: "warning", code: "NODE_NAME_LONG", message, path: pathTo(path, field) } as const
}

function duplicateId(node: GraphNode, id: string) {
  const message = `Give ${quote(node.name)} an id of its own: another node has ${quote(id)} too.`
  const path = pathTo(node.path, "id")
  return { severity: "warning", code: "NODE_ID_DUPLICATE", message, node: node.name, path } as const
}
