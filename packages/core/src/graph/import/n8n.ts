/**
 * n8n's own exports, and whatever else reads as a definition: it is kept as it stands, so that it means here what it means
 * there. Told are the nodes that are not run here, and what an export does not hold: its credentials.
 *
 *     { name, nodes, connections, … }      { workflow: { nodes, … } }      [ { nodes, … } ]      { data: [ { nodes, … } ] }
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import type { GraphNode } from "../graph.ts"
import { readDefinition } from "../read.ts"
import { unknownKindAdvice, unknownKindNodes } from "../unknown-kinds.ts"
import { type Fidelity, makeFidelity } from "./fidelity.ts"
import { asRecord, field, listAt, objectAt, textAt } from "./fields.ts"
import type { Importer } from "./importer.ts"

/** The importer. */
export const n8n: Importer = {
  format: "n8n",
  title: "a workflow as n8n exports it",
  recognises: (document) => workflowsIn(document).length > 0,
  split: workflowsIn,
  convert(document) {
    const exported = asRecord(document)
    const { definition, isSwitchedOff } = switchedOff(exported)
    const fidelity = makeFidelity()
    const { graph } = readDefinition(definition)
    const unknown = new Set(unknownKindNodes(graph).map(({ ordinal }) => ordinal))
    for (const node of graph.nodes) tellNode(fidelity, node, unknown)
    tellCredentials(fidelity, definition)
    if (isSwitchedOff) {
      const why = "triggers of an imported workflow are not armed by the import"
      fidelity.changed({ element: "active", was: "true" }, "false", { why, advice: "Set is_active to arm them." })
    }
    const name = textAt(exported, "name") || null
    return { name, description: textAt(exported, "description") || null, definition, report: fidelity.report() }
  },
}

/** Workflows of a document that holds one, or a list of them. */
function workflowsIn(document: JsonValue): readonly JsonObject[] {
  if (Array.isArray(document)) return (document as readonly JsonValue[]).filter(isWorkflow)
  if (isWorkflow(document)) return [document]
  const root = asRecord(document)
  const inner = field(root, "workflow") ?? null
  if (isWorkflow(inner)) return [{ ...inner, ...nameOf(root, inner) }]
  return listAt(root, "data").filter(isWorkflow)
}

/** The name of a template stands beside its workflow. */
function nameOf(root: JsonObject, inner: JsonObject): JsonObject {
  const name = textAt(inner, "name") || textAt(root, "name")
  return name === "" ? {} : { name }
}

/** Nodes with types, as a list or by their ids, and connections or edges where there is more than one. */
function isWorkflow(value: JsonValue): value is JsonObject {
  if (!isJsonObject(value)) return false
  const nodes = field(value, "nodes")
  const listed = Array.isArray(nodes) ? nodes : isJsonObject(nodes) ? Object.values(nodes) : null
  if (listed === null) return false
  const isConnected = isJsonObject(field(value, "connections")) || Array.isArray(field(value, "edges"))
  if (listed.length === 0) return isConnected
  return listed.some((node) => isJsonObject(node) && textAt(node, "type") !== "")
}

/** A workflow that is active there is not at once active here too. */
function switchedOff(exported: JsonObject): { readonly definition: JsonObject; readonly isSwitchedOff: boolean } {
  if (exported.active !== true) return { definition: exported, isSwitchedOff: false }
  return { definition: { ...exported, active: false }, isSwitchedOff: true }
}

function tellNode(fidelity: Fidelity, node: GraphNode, unknown: ReadonlySet<number>): void {
  const element = { element: node.name, id: node.id, was: node.type }
  if (!unknown.has(node.ordinal)) {
    fidelity.kept(element, node.type)
    return
  }
  const why = "nodes of this type are not run here"
  fidelity.lost(element, { became: node.type, why, advice: `It fails when it is reached; ${unknownKindAdvice(node)}.` })
}

/** Each credential that nodes name, once. */
function tellCredentials(fidelity: Fidelity, definition: JsonObject): void {
  const told = new Set<string>()
  for (const node of listAt(definition, "nodes")) {
    for (const [type, value] of Object.entries(objectAt(asRecord(node), "credentials"))) {
      const name = textAt(asRecord(value), "name")
      const key = JSON.stringify([type, name])
      if (told.has(key)) continue
      told.add(key)
      const why = "an export names credentials and does not hold them"
      const advice = "Create a credential of this type and name, where there is none yet."
      fidelity.changed({ element: `credential ${name}`, was: type }, "the credential of that name", { why, advice })
    }
  }
}
