/**
 * What comes out of a run as the answer of a chat turn (the workflow language, §6 "Out"): the text of items, and, before a
 * run, which node and field it will be.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import type { Flow, Place } from "./exclusion.ts"
import type { Graph, GraphNode } from "./graph.ts"
import type { Item } from "./items.ts"
import { mayTimeOut, timedOutOutput } from "./kinds/ask.ts"
import { hasOutputSchema } from "./kinds/freddy-llm.ts"
import { listSetFields } from "./kinds/set-fields.ts"
import { executionOf, type RunState } from "./run-state.ts"
import { fromOutput } from "./structure.ts"

/** Fields of an item that are taken for its text, in this order. */
const textFields = ["output", "text", "message", "content", "response", "answer"] as const

/** The text of items: of each its text, joined by a blank line; the empty text where there is none. */
export function textOfItems(items: readonly Item[]): string {
  return items
    .map(({ json }) => textOfJson(json))
    .filter((text) => text !== "")
    .join("\n\n")
}

function textOfJson(json: JsonObject): string {
  for (const field of textFields) {
    const value = Object.hasOwn(json, field) ? json[field] : undefined
    if (value !== undefined && value !== null) return textOfValue(value, field)
  }
  const texts = Object.values(json).filter((value) => typeof value === "string")
  return texts.length === 1 ? (texts[0] as string) : JSON.stringify(json)
}

/** A value as text. A message of a model, `{role, content}`, is its content. */
function textOfValue(value: JsonValue, field: string): string {
  if (typeof value === "string") return value
  if (field === "output") return textOfParts(value) ?? JSON.stringify(value)
  if (field === "message" && isJsonObject(value) && typeof value.content === "string") return value.content
  return JSON.stringify(value)
}

/**
 * The items that a run gives: those of the first output that has any, of the last execution of the node that its result
 * names. None where no node is named.
 */
export function itemsOfResult(graph: Graph, state: RunState, name: string | null): readonly Item[] {
  const node = name === null ? undefined : graph.nodes.find((each) => each.name === name)
  const outputs = node === undefined ? [] : (executionOf(state, node.ordinal, -1)?.outputs ?? [])
  return outputs.find((output) => output.length > 0) ?? []
}

/** The text of an answer in the form of OpenAI's responses, `[{content: [{text}]}]`; null for anything else. */
function textOfParts(value: JsonValue): string | null {
  if (!Array.isArray(value) || value.length === 0) return null
  const parts = (value as readonly JsonValue[]).flatMap((message) =>
    isJsonObject(message) && Array.isArray(message.content) ? (message.content as readonly JsonValue[]) : [null],
  )
  const texts = parts.map((part) => (isJsonObject(part) && typeof part.text === "string" ? part.text : null))
  return texts.every((text) => text !== null) ? texts.join("") : null
}

/** A node with which a run can end, and the field of its items that is the answer; null: told by the items alone. */
export type AnswerEnd = { readonly node: GraphNode; readonly field: string | null }

/** The places at which the runs of a flow can end: outputs that nothing is connected to. */
export function endsOf(graph: Graph, flow: Flow): readonly Place[] {
  return [...flow.reached]
    .sort((a, b) => a - b)
    .flatMap((ordinal) => {
      const node = graph.nodes[ordinal]
      return node === undefined ? [] : openOutputs(graph, node).map((output) => ({ node: ordinal, output }))
    })
}

function openOutputs(graph: Graph, node: GraphNode): readonly number[] {
  // A disabled node passes on what it gets by its first output.
  const count = node.disabled ? 1 : node.outputs
  const outputs = Array.from({ length: count }, (_, output) => output).filter(
    (output) => node.kind !== "ask" || output !== timedOutOutput || mayTimeOut(node),
  )
  return outputs.filter((output) => fromOutput(graph, node.ordinal, output).length === 0)
}

/** The nodes with which a run can end, each once, with the field that answers. */
export function describeEnds(graph: Graph, ends: readonly Place[]): readonly AnswerEnd[] {
  const known: KnownFields = new Map()
  const ordinals = [...new Set(ends.map(({ node }) => node))]
  return ordinals.flatMap((ordinal) => {
    const node = graph.nodes[ordinal]
    return node === undefined ? [] : [{ node, field: answerField(graph, node, known) }]
  })
}

/** What was found out of nodes by their ordinals; null while a node is looked at, so that cycles end. */
type KnownFields = Map<number, string | null>

/** Nodes that are looked at for the sake of a report (ours): past them the field stays untold. */
const lookedAtMax = 500

/** The field of a node's items that is the answer, as far as the graph tells. */
function answerField(graph: Graph, node: GraphNode, known: KnownFields): string | null {
  const found = known.get(node.ordinal)
  if (found !== undefined || known.size >= lookedAtMax) return found ?? null
  known.set(node.ordinal, null)
  const field = ownField(graph, node, known)
  known.set(node.ordinal, field)
  return field
}

function ownField(graph: Graph, node: GraphNode, known: KnownFields): string | null {
  if (node.disabled) return passedField(graph, node, known)
  switch (node.kind) {
    case "freddyLlm":
      return hasOutputSchema(node) ? "output" : "text"
    case "assistant":
    case "chainLlm":
      return "text"
    case "agent":
      return "output"
    case "openAi":
      return node.typeVersion >= 2 ? "output" : "message"
    case "set":
      return setField(graph, node, known)
    case "noOp":
    case "if":
    case "merge":
      return passedField(graph, node, known)
    default:
      return null
  }
}

/** What a node passes on is what it is given: the field where all its sources agree. */
function passedField(graph: Graph, node: GraphNode, known: KnownFields): string | null {
  const sources = new Set((graph.incoming[node.ordinal] ?? []).map(({ from }) => from))
  const fields = new Set<string | null>()
  for (const ordinal of sources) {
    const source = graph.nodes[ordinal]
    fields.add(source === undefined ? null : answerField(graph, source, known))
    if (fields.size > 1) return null
  }
  return [...fields][0] ?? null
}

/** Of fields that a node writes by literal names; what it keeps of its input is known only if it writes a better one. */
function setField(graph: Graph, node: GraphNode, known: KnownFields): string | null {
  const fields = node.parameters.mode === "raw" ? rawNames(node) : writtenNames(node)
  if (fields === null) return null
  const written = textFields.find((field) => fields.includes(field)) ?? null
  if (!keepsOthers(node)) return written ?? (fields.length === 1 ? (fields[0] ?? null) : null)
  const kept = passedField(graph, node, known)
  const best = textFields.find((field) => field === written || field === kept)
  return best ?? null
}

function keepsOthers({ typeVersion, parameters }: GraphNode): boolean {
  if (typeVersion < 3) return parameters.keepOnlySet !== true
  return typeVersion < 3.3 ? parameters.include !== "none" : parameters.includeOtherFields === true
}

function writtenNames(node: GraphNode): readonly string[] | null {
  const names = listSetFields(node).map(({ name }) => name)
  const isLiteral = (name: JsonValue): name is string => typeof name === "string" && !name.startsWith("=")
  return names.every(isLiteral) ? names.map((name) => name.split(".")[0] ?? name) : null
}

function rawNames(node: GraphNode): readonly string[] | null {
  const { jsonOutput } = node.parameters
  return isJsonObject(jsonOutput) ? Object.keys(jsonOutput) : null
}
