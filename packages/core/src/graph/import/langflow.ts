/**
 * Langflow: components whose outputs are values for fields of others.
 *
 *     { name, data: { nodes: [ {id, data: {type, id, node: {display_name, template: {field: {value}}}}} ],
 *                     edges: [ {source, target, data: {sourceHandle: {name}, targetHandle: {fieldName}}} ] } }
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { asRecord, field, objectAt, objectsAt, textAt } from "./fields.ts"
import type { Importer } from "./importer.ts"
import { convertComponents } from "./langflow-flow.ts"

/** The importer. */
export const langflow: Importer = {
  format: "langflow",
  title: "a flow of Langflow",
  recognises: (document) => flowsIn(document).length > 0,
  split: flowsIn,
  convert(document) {
    const root = asRecord(document)
    const converted = convertComponents(objectAt(root, "data"))
    return { name: textAt(root, "name") || null, description: textAt(root, "description") || null, ...converted }
  },
}

/** One flow, the flows of a project (`{flows: […]}`), or a flow's data alone. */
function flowsIn(document: JsonValue): readonly JsonObject[] {
  if (!isJsonObject(document)) return []
  if (isData(field(document, "data"))) return [document]
  if (isData(document)) return [{ data: document }]
  return objectsAt(document, "flows").filter((flow) => isData(field(flow, "data")))
}

function isData(value: JsonValue | undefined): boolean {
  if (!isJsonObject(value) || !Array.isArray(field(value, "edges"))) return false
  return objectsAt(value, "nodes").some((node) => {
    const data = objectAt(node, "data")
    return textAt(data, "type") !== "" && isJsonObject(field(data, "node"))
  })
}
