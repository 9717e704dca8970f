/**
 * What there is to say about a definition beside what reading it found: settings, expressions, kinds, what is never
 * reached, where runs start. Findings never refuse anything; pure and deterministic.
 */
import { chatEntry, type Entry, executeEntry, isTrigger } from "./entry.ts"
import { checkExpressions } from "./expression/evaluate.ts"
import { cutText, type FindingList, makeFindingList, pathTo, quote } from "./findings.ts"
import type { Finding, Graph, GraphNode } from "./graph.ts"
import { findParameter, holdsExpression, modelParameters } from "./kinds/model-parameters.ts"
import { findKind } from "./kinds/table.ts"
import type { Read } from "./read.ts"
import { isNote, reachedFrom, servingNodes } from "./structure.ts"
import { unknownKindFindings } from "./unknown-kinds.ts"

/** What validation knows of a promotion: the node that leads, null where none does, and where a chat turn starts. */
export type ValidationContext = { readonly primary: GraphNode | null; readonly entry: Entry }

/** Every finding about a definition: those of reading it, and those about what it means. */
export function validate(read: Read, context?: ValidationContext): readonly Finding[] {
  const primary = context?.primary ?? null
  const list = makeFindingList()
  addFindings(list, read, { primary, entry: context?.entry ?? chatEntry(read.graph, primary) })
  return list.all()
}

/** The same, added to a list that takes others too. */
export function addFindings(list: FindingList, read: Read, context: ValidationContext): void {
  const { graph } = read
  list.addAll(read.findings)
  list.addAll(context.entry.findings)
  list.addAll(unknownKindFindings(graph))
  for (const node of graph.nodes) {
    if (node.disabled || isNote(node)) continue
    list.addAll(checkSettings(graph, node))
    list.addAll(checkNodeExpressions(graph, node))
  }
  list.addAll(unreachedFindings(graph, context))
}

/** A model that a node names literally. The server says of each whether a configured provider offers it. */
export type LiteralModel = { readonly node: string; readonly model: string; readonly path: string }

/** The model keys that enabled FreddyLLM nodes name, but for expressions. */
export function literalModels(graph: Graph): readonly LiteralModel[] {
  const parameter = modelParameters.find(({ field }) => field === "model")
  if (parameter === undefined) return []
  return graph.nodes.flatMap((node): LiteralModel[] => {
    const found = node.kind === "freddyLlm" && !node.disabled ? findParameter(node.parameters, parameter.names) : null
    if (found === null || holdsExpression(found.value)) return []
    const reading = parameter.read(found.value)
    const model = "value" in reading ? reading.value : null
    return typeof model === "string" ? [{ node: node.name, model, path: `${node.path}.parameters.${found.path}` }] : []
  })
}

function checkSettings(graph: Graph, node: GraphNode): readonly Finding[] {
  const kind = node.kind === null ? null : findKind(node.kind)
  return kind === null ? [] : kind.check(node, graph)
}

function checkNodeExpressions(graph: Graph, node: GraphNode): readonly Finding[] {
  const faults = checkExpressions(node.parameters, { hasNode: (name) => graph.ordinalByName.has(name) })
  return faults.map(({ path, reason, message }): Finding => {
    const steps = path.split(".").map((step) => (/^\d{1,9}$/.test(step) ? Number(step) : step))
    return {
      severity: "error",
      code: reason === "unknown node" ? "EXPRESSION_NODE_MISSING" : "EXPRESSION_INVALID",
      message: cutText(message, 300),
      node: node.name,
      path: cutText(steps.reduce<string>(pathTo, pathTo(node.path, "parameters")), 300),
    }
  })
}

/** Nodes that no start leads to: neither that of a turn nor that of an execution, nor a trigger. */
function unreachedFindings(graph: Graph, { primary, entry }: ValidationContext): readonly Finding[] {
  const starts = [entry.start, executeEntry(graph, primary).start, ...graph.nodes.filter(isEnabledTrigger)]
  const reached = reachedFrom(
    graph,
    starts.flatMap((node) => (node === null ? [] : [node.ordinal])),
  )
  const serving = servingNodes(graph)
  const left = graph.nodes.filter(
    (node) => !reached.has(node.ordinal) && !serving.has(node.ordinal) && !node.disabled && !isNote(node),
  )
  return left.map((node): Finding => {
    const isPrimary = node === primary
    const message = isPrimary
      ? `Connect the primary node ${quote(node.name)} with the start: a chat message never comes to it.`
      : `Connect ${quote(node.name)} or remove it: no run comes to it.`
    const code = isPrimary ? "PRIMARY_NODE_UNREACHED" : "NODE_UNREACHED"
    return { severity: "warning", code, message, node: node.name, path: node.path }
  })
}

const isEnabledTrigger = (node: GraphNode): boolean => !node.disabled && isTrigger(node)
