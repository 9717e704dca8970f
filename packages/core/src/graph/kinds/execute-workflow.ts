/**
 * Execute Workflow: calls another workflow of the organization, or one that stands in the node, with its items (recorded
 * outcomes for workflows as JSON; documented for the rest). Pure: which workflow, with which items, how often; the call
 * itself is the performer's.
 */
import { findJsonFault, isJsonObject, type JsonObject } from "../../json.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { type EffectKind, type KindContext, NodeFailure } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. */
export const executeWorkflow: EffectKind = {
  name: "executeWorkflow",
  types: ["n8n-nodes-base.executeWorkflow"],
  title: "Execute Workflow",
  help: "Calls another workflow with the items, all at once or once for each, and gives out what that one gives.",
  group: "flow",
  effect: "workflow",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
}

/** Which workflow is called: a stored one by its id, external id or unique name, or the definition itself. */
export type WorkflowTarget =
  | { readonly type: "stored"; readonly reference: string }
  | { readonly type: "inline"; readonly definition: JsonObject }

/** A call: `indexes` are the items of the first input for which it is made. */
export type WorkflowCallPlan = {
  readonly target: WorkflowTarget
  readonly items: readonly Item[]
  readonly indexes: readonly number[]
}

/** The calls of an execution, one for all items or one for each. */
export function planWorkflowCalls(context: KindContext): readonly (() => WorkflowCallPlan)[] {
  const items = context.inputs[0] ?? []
  const all = items.map((_, index) => index)
  const calls = context.parameter("mode", 0) === "each" ? all.map((index) => [index]) : [all]
  return calls.map((indexes) => () => ({
    target: targetOf(context, indexes[0] ?? 0),
    items: indexes.map((index) => itemFor(context, index)),
    indexes,
  }))
}

/** False where the node goes on without waiting for the workflow (documented: `waitForSubWorkflow`). */
export function waitsForWorkflow(context: KindContext): boolean {
  return context.parameter("options.waitForSubWorkflow", 0) !== false
}

function targetOf(context: KindContext, index: number): WorkflowTarget {
  const source = context.parameter("source", index)
  if (source === "parameter") return inlineTarget(context.parameter("workflowJson", index))
  if (source !== undefined && source !== null && source !== "database") {
    const message = `The node takes its workflow from '${String(source)}', which is not supported: store it and name it.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
  const value = context.parameter("workflowId", index)
  const reference = isJsonObject(value) ? value.value : value
  if (typeof reference !== "string" || reference.trim() === "") {
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The node names no workflow; give its id in workflowId.")
  }
  return { type: "stored", reference: reference.trim() }
}

function inlineTarget(value: unknown): WorkflowTarget {
  const definition = typeof value === "string" ? parsed(value) : value
  if (isJsonObject(definition) && findJsonFault(definition) === null) return { type: "inline", definition }
  throw new NodeFailure("NODE_SETTINGS_INVALID", "The workflow in workflowJson is no JSON object.")
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Said by whoever reads what it gives.
    return null
  }
}

/** The item as the called workflow gets it: where the node lists the fields (`workflowInputs`), these. */
function itemFor(context: KindContext, index: number): Item {
  const item = context.inputs[0]?.[index] ?? { json: {} }
  const inputs = context.node.parameters.workflowInputs
  const value = isJsonObject(inputs) && inputs.mappingMode !== "autoMapInputData" ? inputs.value : null
  const given = { ...item, pairedItem: { item: index } }
  if (!isJsonObject(value) || Object.keys(value).length === 0) return given
  const json = context.resolve(value, index)
  return isJsonObject(json) ? { ...given, json } : given
}

function check(node: GraphNode): Finding[] {
  const { source, workflowId, workflowJson } = node.parameters
  const field = source === "parameter" ? "workflowJson" : "workflowId"
  const value = source === "parameter" ? workflowJson : isJsonObject(workflowId) ? workflowId.value : workflowId
  if (value !== undefined && value !== null && value !== "") return []
  const message = `Give ${quote(node.name)} the workflow that it calls, in ${field}.`
  const path = pathTo(pathTo(node.path, "parameters"), field)
  return [{ severity: "error", code: "SETTING_MISSING", message, node: node.name, path }]
}
