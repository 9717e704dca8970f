/** Where a workflow begins that another one calls, and which fields of its items it takes. */
import { isJsonObject, type JsonObject } from "../../json.ts"
import type { GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { makeTrigger } from "./trigger.ts"

/** The kind. */
export const executeWorkflowTrigger = makeTrigger({
  name: "executeWorkflowTrigger",
  types: ["n8n-nodes-base.executeWorkflowTrigger"],
  title: "When called by another workflow",
  help: "A call begins here with the items that it gives.",
  armed: true,
})

/**
 * The items with which a call begins at a node. From version 1.1 on a workflow names the fields that it takes, and gets
 * these alone, those that are missing as null (recorded outcomes); with `passthrough` the items go through as they are.
 */
export function itemsTaken(start: GraphNode, items: readonly Item[]): readonly Item[] {
  const names = start.kind === executeWorkflowTrigger.name ? fieldsOf(start) : null
  return names === null ? items : items.map((item) => ({ ...item, json: pick(item.json, names) }))
}

/** The fields that the workflow takes; null: all. */
function fieldsOf({ typeVersion, parameters }: GraphNode): readonly string[] | null {
  const { inputSource = "workflowInputs", workflowInputs, jsonExample } = parameters
  if (typeVersion < 1.1 || inputSource === "passthrough") return null
  if (inputSource === "jsonExample") return exampleFields(jsonExample)
  const values = isJsonObject(workflowInputs) && Array.isArray(workflowInputs.values) ? workflowInputs.values : []
  const names = values.flatMap((value) =>
    isJsonObject(value) && typeof value.name === "string" && value.name !== "" ? [value.name] : [],
  )
  return names.length === 0 ? null : names
}

function exampleFields(example: unknown): readonly string[] | null {
  try {
    const value: unknown = typeof example === "string" ? JSON.parse(example) : example
    return isJsonObject(value) ? Object.keys(value) : null
  } catch {
    // An example that is no JSON names no fields.
    return null
  }
}

function pick(json: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, Object.hasOwn(json, name) ? (json[name] ?? null) : null]))
}
