/**
 * Assistant: asks another assistant of the organization (the workflow language, §3). Pure: whom it asks what, and what
 * item the answer makes; the call itself is the performer's.
 */
import { isJsonObject } from "../../json.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { type EffectKind, type KindContext, NodeFailure } from "./kind.ts"
import { findParameter, holdsExpression } from "./model-parameters.ts"
import { onePort } from "./ports.ts"
import { promptOf } from "./prompt-text.ts"

/** The kind. */
export const assistant: EffectKind = {
  name: "assistant",
  types: ["Assistant"],
  title: "Assistant",
  help: "Asks another assistant, once for each item.",
  group: "ours",
  effect: "assistant",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
}

/** What is to be done for one item. */
export type AssistantPlan = { readonly assistantId: string; readonly message: string }

const assistantNames = ["assistant_id", "assistant"]
const messageNames = ["message", "text", "prompt", "input"]

/** Whom a node asks what for one item, expressions resolved. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function prepareAssistant(context: KindContext, itemIndex: number): AssistantPlan {
  const found = findParameter(context.node.parameters, assistantNames)
  const value = found === null ? undefined : context.resolve(found.value, itemIndex)
  const assistantId = isJsonObject(value) ? value.value : value
  if (typeof assistantId !== "string" || assistantId.trim() === "") {
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The node names no assistant; give its id in assistant_id.")
  }
  return { assistantId: assistantId.trim(), message: promptOf(context, messageNames, itemIndex) }
}

/** The id that a node names, where that is no expression; null where it is one, or is missing. */
export function literalAssistantOf({ parameters }: GraphNode): string | null {
  const found = findParameter(parameters, assistantNames)
  if (found === null || holdsExpression(found.value)) return null
  const value = isJsonObject(found.value) ? found.value.value : found.value
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null
}

/** The item that an answer makes. */
export function assistantOutputItem(
  answer: { readonly text: string; readonly assistantId: string },
  itemIndex: number,
): Item {
  return { json: { text: answer.text, assistant_id: answer.assistantId }, pairedItem: { item: itemIndex } }
}

function check(node: GraphNode): Finding[] {
  if (findParameter(node.parameters, assistantNames) !== null) return []
  const message = `Give ${quote(node.name)} the id of the assistant that it asks, in assistant_id.`
  const path = pathTo(pathTo(node.path, "parameters"), "assistant_id")
  return [{ severity: "error", code: "SETTING_MISSING", message, node: node.name, path }]
}
