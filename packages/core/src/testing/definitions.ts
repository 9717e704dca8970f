/** Definitions for tests, written short. */
import type { JsonObject, JsonValue } from "../json.ts"

/** A node: its type, or its fields; what is not said is filled in. */
export type ShortNode = string | JsonObject

/** Types that tests name by one word; every other word is the type itself. */
const types: Readonly<Record<string, string>> = {
  chat: "@n8n/n8n-nodes-langchain.chatTrigger",
  manual: "n8n-nodes-base.manualTrigger",
  call: "n8n-nodes-base.executeWorkflowTrigger",
  llm: "FreddyLLM",
  assistant: "Assistant",
  agent: "@n8n/n8n-nodes-langchain.agent",
  chain: "@n8n/n8n-nodes-langchain.chainLlm",
  set: "n8n-nodes-base.set",
  if: "n8n-nodes-base.if",
  merge: "n8n-nodes-base.merge",
  noOp: "n8n-nodes-base.noOp",
  stop: "n8n-nodes-base.stopAndError",
  note: "n8n-nodes-base.stickyNote",
  foreign: "n8n-nodes-base.slack",
}

/**
 * A definition of nodes by name, from left to right, and links: `A > B`, `If:1 > B` from output 1, `A > Merge:1` to input
 * 1, `Model > Agent @ai_languageModel` for a service. Chains are written in one: `A > B > C`.
 */
export function definitionOf(nodes: Readonly<Record<string, ShortNode>>, links: readonly string[] = []): JsonObject {
  const listed = Object.entries(nodes).map(([name, node], index): JsonObject => {
    const fields = typeof node === "string" ? { type: node } : node
    const type = typeof fields.type === "string" ? (types[fields.type] ?? fields.type) : ""
    const whole: JsonObject = {
      id: name,
      name,
      typeVersion: 1,
      position: [index * 200, 0],
      parameters: {},
      ...fields,
      type,
    }
    return type === types.if || type === types.set || type === types.merge ? withVersion(whole, fields) : whole
  })
  return { nodes: listed, connections: connectionsOf(links) }
}

/** Nodes whose meaning depends on the version have the newest one where none is said. */
function withVersion({ typeVersion: _typeVersion, ...node }: JsonObject, fields: JsonObject): JsonObject {
  return fields.typeVersion === undefined ? node : { ...node, typeVersion: fields.typeVersion }
}

/** Links as n8n writes them. */
export function connectionsOf(links: readonly string[]): JsonObject {
  const connections: Record<string, Record<string, JsonValue[][]>> = {}
  for (const link of links) {
    const [path = "", type = "main"] = link.split("@").map((part) => part.trim())
    const ends = path.split(">").map((end) => end.trim())
    ends.slice(1).forEach((target, index) => {
      const [from = "", output = "0"] = (ends[index] ?? "").split(":")
      const [node = "", input = "0"] = target.split(":")
      const byType = connections[from] ?? {}
      const outputs = byType[type] ?? []
      connections[from] = byType
      byType[type] = outputs
      while (outputs.length <= Number(output)) outputs.push([])
      outputs[Number(output)]?.push({ node, type, index: Number(input) })
    })
  }
  return connections
}
