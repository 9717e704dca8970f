/**
 * Flowise: agent flows (version 2), and chat flows, which are drawn as parts that serve each other.
 *
 *     { nodes: [ {id, type: "agentFlow" | "customNode", data: {name, label, inputs}} ], edges: [ {source, sourceHandle, …} ] }
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { asRecord, field, objectAt, objectsAt, textAt } from "./fields.ts"
import { convertAgentflow } from "./flowise-agentflow.ts"
import { convertChatflow } from "./flowise-chatflow.ts"
import type { Importer } from "./importer.ts"

/** The importer. */
export const flowise: Importer = {
  format: "flowise",
  title: "a chat flow or agent flow of Flowise",
  recognises: (document) => flowsIn(document).length > 0,
  split: flowsIn,
  convert(document) {
    const root = asRecord(document)
    const isAgentflow = objectsAt(root, "nodes").some((node) =>
      /Agentflow$/.test(textAt(objectAt(node, "data"), "name")),
    )
    const converted = isAgentflow ? convertAgentflow(root) : convertChatflow(root)
    return { name: textAt(root, "name") || null, description: textAt(root, "description") || null, ...converted }
  },
}

/** The flows of a document: one, or those of an export of everything (`{ChatFlow: [{name, flowData}], AgentFlowV2: …}`). */
function flowsIn(document: JsonValue): readonly JsonObject[] {
  if (isFlow(document)) return [document]
  const root = asRecord(document)
  const listed = [root, ...["ChatFlow", "AgentFlow", "AgentFlowV2"].flatMap((name) => objectsAt(root, name))]
  return listed.flatMap((entry) => {
    const text = field(entry, "flowData")
    const flow = typeof text === "string" ? parsed(text) : (text ?? null)
    return isFlow(flow) ? [{ ...flow, name: textAt(entry, "name"), description: textAt(entry, "description") }] : []
  })
}

function isFlow(value: JsonValue): value is JsonObject {
  if (!isJsonObject(value) || !Array.isArray(field(value, "edges"))) return false
  return objectsAt(value, "nodes").some((node) => {
    const data = objectAt(node, "data")
    const isDrawn = ["customNode", "agentFlow", "iteration", "stickyNote"].includes(textAt(node, "type"))
    return isDrawn && textAt(data, "name") !== "" && isJsonObject(field(data, "inputs"))
  })
}

/** A flow that is kept as a text inside of JSON; null where it is none. */
function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return null
    throw error
  }
}
