/** Where runs start (the workflow language, §6 "In"; the HTTP contract, §2 "execute"), and with which items. */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { cutText, quote } from "./findings.ts"
import type { Finding, Graph, GraphNode } from "./graph.ts"
import type { Item } from "./items.ts"
import { findKind } from "./kinds/table.ts"
import { nameOfType } from "./kinds/type-names.ts"
import { byPosition, hasMain, isNote, leadingTo, servingNodes } from "./structure.ts"

/** Where a run starts; `start` null: there is no node at which it could. */
export type Entry = { readonly start: GraphNode | null; readonly findings: readonly Finding[] }

/** Triggers at which a chat turn starts, the first that is there. */
const chatTriggers = ["chatTrigger", "executeWorkflowTrigger", "manualTrigger"]
const executeTriggers = ["manualTrigger", "executeWorkflowTrigger"]

/**
 * Where a chat turn starts: at the chat trigger, else at executeWorkflowTrigger, else at manualTrigger, else at the trigger
 * that leads to the primary node, else at the node that nothing leads to. Of several, the one that leads to the primary
 * node is meant; if that leaves more than one, the first on the canvas is taken and the finding says so.
 */
export function chatEntry(graph: Graph, primary: GraphNode | null): Entry {
  return enter(graph, primary, chatTriggers)
}

/** Where an execution starts: at manualTrigger, else at executeWorkflowTrigger, else as a chat turn does. */
export function executeEntry(graph: Graph, primary: GraphNode | null): Entry {
  return enter(graph, primary, [...executeTriggers, ...chatTriggers])
}

/** Where a run starts that a node of another workflow calls: at executeWorkflowTrigger, else as an execution does. */
export function calledEntry(graph: Graph): Entry {
  return enter(graph, null, ["executeWorkflowTrigger", ...executeTriggers, ...chatTriggers])
}

/** The items with which a chat turn starts. */
export function chatItems(turn: {
  readonly sessionId: string
  readonly text: string
  readonly metadata: JsonObject
}): readonly Item[] {
  const { sessionId, text, metadata } = turn
  return [{ json: { sessionId, action: "sendMessage", chatInput: text, metadata } }]
}

/** True for nodes at which runs begin: triggers that are known, and nodes of other kinds that are called so. */
export function isTrigger(node: GraphNode): boolean {
  const kind = node.kind === null ? null : findKind(node.kind)
  return kind === null ? /trigger$/i.test(nameOfType(node.type)) : kind.group === "trigger"
}

function enter(graph: Graph, primary: GraphNode | null, kinds: readonly string[]): Entry {
  const leading = primary === null ? null : leadingTo(graph, [primary.ordinal])
  const triggers = graph.nodes.filter((node) => !node.disabled && isTrigger(node))
  for (const kind of kinds) {
    const some = triggers.filter((node) => node.kind === kind)
    if (some.length > 0) return choose(some, leading)
  }
  const leadingTriggers = triggers.filter(({ ordinal }) => leading === null || leading.has(ordinal))
  if (leadingTriggers.length > 0) return choose(leadingTriggers, leading)
  return choose(rootsOf(graph), leading)
}

/** The nodes that nothing leads to, in the flow. One that is disabled counts where it leads on. */
function rootsOf(graph: Graph): readonly GraphNode[] {
  const serving = servingNodes(graph)
  return graph.nodes.filter((node) => {
    const { ordinal } = node
    if (isNote(node) || serving.has(ordinal) || (graph.incoming[ordinal]?.length ?? 0) > 0) return false
    return !node.disabled || hasMain(graph, ordinal)
  })
}

function choose(candidates: readonly GraphNode[], leading: ReadonlySet<number> | null): Entry {
  const meant = candidates.filter(({ ordinal }) => leading?.has(ordinal) === true)
  const left = (meant.length > 0 ? meant : candidates).toSorted(byPosition)
  const [start] = left
  if (start === undefined) return { start: null, findings: [noStart] }
  return { start, findings: left.length === 1 ? [] : [ambiguous(start, left)] }
}

const noStart: Finding = {
  severity: "error",
  code: "NO_START_NODE",
  message: "Add a trigger, or a node that nothing leads to: there is no node at which a run could start.",
}

function ambiguous(start: GraphNode, all: readonly GraphNode[]): Finding {
  const names = all.slice(0, 5).map(({ name }) => quote(name))
  const listed = `${names.join(", ")}${all.length > 5 ? ", …" : ""}`
  const message = `Leave one start for a chat message, or connect the others: ${listed} are equally good, and ${quote(start.name)} is taken.`
  return { severity: "error", code: "START_AMBIGUOUS", message, node: start.name, path: start.path }
}

/** An input that a workflow declares beside the message; it is there as a field of `$json.metadata`. */
export type DeclaredInput = { readonly name: string; readonly type: string | null; readonly required: boolean }

/** The declared inputs: those that may differ with each turn, and those that are set once for a thread. */
export type DeclaredInputs = {
  readonly perTurn: readonly DeclaredInput[]
  readonly perThread: readonly DeclaredInput[]
}

/** Inputs of one sort that are listed (ours). */
const inputsMax = 100

/**
 * What the start's options or the definition's `meta.inputs` declare: `{per_turn?, per_thread?}`, each a JSON Schema with
 * properties, or one such schema, which is per turn. Fields of an executeWorkflowTrigger count as per turn.
 */
export function declaredInputs(graph: Graph, start: GraphNode | null): DeclaredInputs {
  const options = isJsonObject(start?.parameters.options) ? start.parameters.options : {}
  const sources = [graph.meta.inputs, options.inputs].filter(isJsonObject)
  const scoped = sources.map((source) => ({
    perTurn: source.per_turn ?? source.perTurn ?? (hasScopes(source) ? undefined : source),
    perThread: source.per_thread ?? source.perThread,
  }))
  return {
    perTurn: distinct([...scoped.flatMap(({ perTurn }) => inputsOf(perTurn)), ...workflowInputs(start)]),
    perThread: distinct(scoped.flatMap(({ perThread }) => inputsOf(perThread))),
  }
}

const hasScopes = (source: JsonObject): boolean =>
  ["per_turn", "perTurn", "per_thread", "perThread"].some((key) => source[key] !== undefined)

function inputsOf(schema: JsonValue | undefined): readonly DeclaredInput[] {
  if (!isJsonObject(schema) || !isJsonObject(schema.properties)) return []
  const required = new Set<JsonValue>(Array.isArray(schema.required) ? (schema.required as readonly JsonValue[]) : [])
  return Object.entries(schema.properties).map(([name, property]) => ({
    name: cutText(name, 100),
    type: isJsonObject(property) && typeof property.type === "string" ? cutText(property.type, 40) : null,
    required: required.has(name),
  }))
}

/** The fields that an executeWorkflowTrigger lists (documented: `workflowInputs.values`). */
function workflowInputs(start: GraphNode | null): readonly DeclaredInput[] {
  const listed = start?.kind === "executeWorkflowTrigger" ? start.parameters.workflowInputs : undefined
  const values = isJsonObject(listed) && Array.isArray(listed.values) ? listed.values.filter(isJsonObject) : []
  return values.flatMap(({ name, type }) =>
    typeof name === "string" && name !== ""
      ? [{ name: cutText(name, 100), type: typeof type === "string" ? cutText(type, 40) : null, required: false }]
      : [],
  )
}

function distinct(inputs: readonly DeclaredInput[]): readonly DeclaredInput[] {
  const byName = new Map<string, DeclaredInput>()
  for (const input of inputs) if (!byName.has(input.name) && byName.size < inputsMax) byName.set(input.name, input)
  return [...byName.values()]
}
