/** What a node that talks to a model or an assistant asks: what its parameter says, else what its item holds. */
import type { JsonObject } from "../../json.ts"
import { cutText } from "../findings.ts"
import { asText } from "../value-types.ts"
import { type KindContext, NodeFailure } from "./kind.ts"
import { findParameter } from "./model-parameters.ts"

/** Fields of an item that are taken for the question, in this order (the workflow language, §5). */
const questionFields = ["chatInput", "text", "message", "input", "output"] as const

/** The question for one item. Throws NODE_SETTINGS_INVALID where the parameter is there and says nothing. */
export function promptOf(context: KindContext, names: readonly string[], itemIndex: number): string {
  const found = findParameter(context.node.parameters, names)
  if (found === null) return questionOf(context.inputs[0]?.[itemIndex]?.json ?? {})
  const text = asText(context.resolve(found.value, itemIndex))
  if (text !== undefined && text !== "") return text
  const message = `The parameter ${cutText(found.path, 60)} gives nothing for item ${itemIndex}; correct it, or leave it out to ask what the item says.`
  throw new NodeFailure("NODE_SETTINGS_INVALID", message)
}

/** The question that an item holds: the chat message, else the first field that speaks, else all of it as JSON. */
export function questionOf(json: JsonObject): string {
  for (const field of questionFields) {
    const value = Object.hasOwn(json, field) ? json[field] : undefined
    const text = asText(value)
    if (text !== undefined) return text
  }
  return JSON.stringify(json)
}
