/** What the nodes that ask a model have in common: messages, how an answer is read, and where a prompt stands. Pure. */
import { isJsonObject, type JsonObject } from "../../../json.ts"
import { readBySchema } from "../../answers/answer-reading.ts"
import { fillTemplate, recordedComplaint, repairTemplate, schemaInstructions } from "../../answers/answer-words.ts"
import { quote } from "../../findings.ts"
import type { Graph, GraphNode } from "../../graph.ts"
import type { Item } from "../../items.ts"
import { servantsOf } from "../../model-nodes.ts"
import type { ReadAnswer } from "../../structured-answer.ts"
import { asText } from "../../value-types.ts"
import { type KindContext, NodeFailure } from "../kind.ts"

/** A message as a node writes it. */
export type PromptMessage = { readonly role: "system" | "user" | "assistant"; readonly text: string }

/** How an answer is asked for once more where it does not fit. */
export type Repair = {
  /** The node whose `ai_languageModel` is asked. */
  readonly node: GraphNode
  /** The whole prompt, given the answer and what is wrong with it. */
  prompt(answer: string, complaint: string): string
}

/** How an answer is read, and repaired. */
export type AnswerReader = { read(text: string): ReadAnswer; readonly repair: Repair | null }

/** What is asked for one item. `reader` null: the answer is its text. */
export type Asking = { readonly messages: readonly PromptMessage[]; readonly reader: AnswerReader | null }

/** An item that an answer makes, and the output that it goes to. */
export type AnswerItem = { readonly output: number; readonly item: Item }

/** The words that repair an answer: the node's own, or the usual ones. */
export function repairPrompt(template: string | null, instructions: string): Repair["prompt"] {
  return (completion, error) => fillTemplate(template ?? repairTemplate, { instructions, completion, error })
}

/**
 * A reader by a schema for nodes that ask for the repair by themselves: what they say of an answer that does not fit is
 * recorded, and so are the words in which they say it.
 */
export function schemaReader(
  schema: JsonObject,
  repairs: GraphNode | null,
): AnswerReader & { readonly instructions: string } {
  const instructions = schemaInstructions(schema)
  const words = repairPrompt(null, instructions)
  const repair =
    repairs === null ? null : { node: repairs, prompt: (answer: string) => words(answer, recordedComplaint(answer)) }
  return { instructions, read: (text) => readBySchema(text, schema), repair }
}

/** The text of a parameter for an item; empty where it says nothing. Throws ExpressionError. */
export function textOf(context: KindContext, path: string, itemIndex: number): string {
  return asText(context.parameter(path, itemIndex)) ?? ""
}

/** The object at `options`; empty where there is none. Expressions in it stand as they were written. */
export function optionsOf({ parameters }: GraphNode): JsonObject {
  return isJsonObject(parameters.options) ? parameters.options : {}
}

/** A list in the form `{outer: {inner: [{…}]}}`, or `{outer: [{…}]}`; entries of other forms are left out. */
export function listAt(parameters: JsonObject, outer: string, inner: string): readonly JsonObject[] {
  const holder = parameters[outer]
  const list: unknown = isJsonObject(holder) ? holder[inner] : holder
  return Array.isArray(list) ? list.filter(isJsonObject) : []
}

/**
 * What a node asks: the text that it defines, else the field of the item that its version takes (`chatInput`). Throws
 * NODE_SETTINGS_INVALID where that says nothing.
 */
export function definedPrompt(context: KindContext, itemIndex: number, where: PromptPlace): string {
  const { node } = context
  const text = where.isDefined
    ? textOf(context, where.parameter, itemIndex)
    : (asText(context.inputs[0]?.[itemIndex]?.json[where.field]) ?? "")
  if (text !== "") return text
  const message = where.isDefined
    ? `The parameter ${where.parameter} of ${quote(node.name)} gives nothing for item ${itemIndex}; correct it.`
    : `Give ${quote(node.name)} a prompt: item ${itemIndex} has no ${where.field}.`
  throw new NodeFailure("NODE_SETTINGS_INVALID", message)
}

/** Where a node's prompt stands. */
export type PromptPlace =
  | { readonly isDefined: true; readonly parameter: string }
  | { readonly isDefined: false; readonly field: string }

/** The node that serves as output parser; null where there is none, or the node says that it has none. */
export function parserNodeOf(graph: Graph, node: GraphNode): GraphNode | null {
  if (node.parameters.hasOutputParser === false) return null
  return servantsOf(graph, node, "ai_outputParser")[0] ?? null
}
