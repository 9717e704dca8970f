/**
 * Promotion as a judgement (the HTTP contract, §3): may this definition become an assistant, by which node, with what
 * settings, and what could not be told. Pure, deterministic, never throws, whatever was read.
 *
 *     Read ── candidates ── which one leads? ──┬─ one ──> report, primary node
 *                                              └─ none ─> report with the refusal
 *
 * Findings, errors among them, never refuse: only the choice of the primary node does.
 */
import { type ErrorCode, errorCatalogue } from "../errors.ts"
import type { JsonObject, JsonValue } from "../json.ts"
import { describeEnds, endsOf } from "./answer.ts"
import { findCandidates, findPrimary, handleOf, nodesNamed, suggestCandidate, toReportNode } from "./candidates.ts"
import { chatEntry, declaredInputs, type Entry } from "./entry.ts"
import { analyseFlow, excludeEachOther, type Flow, type Place } from "./exclusion.ts"
import { cutText, makeFindingList, quote } from "./findings.ts"
import type { Finding, Graph, GraphNode } from "./graph.ts"
import { type Inheritance, inheritFrom } from "./inheritance.ts"
import { waitsForReply } from "./kinds/chat.ts"
import type { Read } from "./read.ts"
import type { PromotionReport, ReportAnswer, ReportCandidate, ReportEntry, ReportError } from "./report.ts"
import { streamingIn } from "./streaming.ts"
import { unknownKindNodes } from "./unknown-kinds.ts"
import { addFindings } from "./validate.ts"

/** A judgement. `primaryNode` is what names the node that leads, null where none does. */
export type PromotionVerdict = { readonly report: PromotionReport; readonly primaryNode: string | null }

/** Judges a promotion. `primaryNodeId` is what the caller names; without it the only candidate leads. */
export function promote(read: Read, options: { readonly primaryNodeId?: string } = {}): PromotionVerdict {
  const { graph } = read
  const candidates = findCandidates(graph)
  const { primaryNodeId } = options
  if (candidates.length === 0)
    return makeVerdict(read, candidates, { refusal: "FREDDY_LLM_NODE_REQUIRED", details: {} })
  if (primaryNodeId === undefined) return makeVerdict(read, candidates, chooseOnly(candidates))
  return makeVerdict(read, candidates, chooseNamed(read, candidates, primaryNodeId))
}

/**
 * Judges a version of a workflow that may be linked (§3.3): the linked primary node leads if it is still a candidate, else
 * the only candidate, else none. `linkedPrimary` null: no link.
 */
export function judgeVersion(read: Read, linkedPrimary: string | null): PromotionVerdict {
  const node = linkedPrimary === null ? null : findPrimary(read.graph, linkedPrimary)
  return node === null ? promote(read) : makeVerdict(read, findCandidates(read.graph), { node })
}

/** The node that leads, or the refusal with its own details. */
type Choice = { readonly node: GraphNode } | { readonly refusal: ErrorCode; readonly details: JsonObject }

function chooseOnly(candidates: readonly GraphNode[]): Choice {
  const [node] = candidates
  if (node !== undefined && candidates.length === 1) return { node }
  return { refusal: "PRIMARY_NODE_REQUIRED", details: { field: "primary_node_id" } }
}

function chooseNamed(read: Read, candidates: readonly GraphNode[], primaryNodeId: string): Choice {
  const named = nodesNamed(read.graph, primaryNodeId)
  const [node] = named
  if (node === undefined) return { refusal: "PRIMARY_NODE_NOT_FOUND", details: {} }
  const isShared = node.id === null && read.sharedNames.has(primaryNodeId)
  if (named.length > 1 || isShared) return { refusal: "PRIMARY_NODE_REQUIRED", details: { field: "primary_node_id" } }
  if (candidates.includes(node)) return { node }
  return { refusal: "PRIMARY_NODE_INVALID_TYPE", details: { type: node.type, disabled: node.disabled } }
}

function makeVerdict(read: Read, candidates: readonly GraphNode[], choice: Choice): PromotionVerdict {
  const { graph } = read
  const primary = "node" in choice ? choice.node : null
  const entry = chatEntry(graph, primary)
  const flow = entry.start === null ? null : analyseFlow(graph, entry.start.ordinal)
  const inheritance = primary === null ? nothing : inheritFrom(graph, primary)
  const ends = flow === null ? [] : endsOf(graph, flow)
  const findings = gatherFindings(read, { primary, entry, flow, ends, inheritance })
  const listed = listCandidates(graph, candidates)
  const report: PromotionReport = {
    promotable: primary !== null,
    ...("refusal" in choice ? { error: makeError(choice, { candidates: listed, findings }) } : {}),
    primary_node: primary === null ? null : toReportNode(primary),
    candidates: listed,
    settings: inheritance.settings,
    input: reportEntry(graph, entry),
    output: reportAnswer(graph, ends),
    pauses: pausingNodes(graph, flow),
    streams: flow === null ? [] : streamingIn(graph, flow),
    unknown_kinds: unknownKindNodes(graph).map(({ name }) => name),
    findings,
  }
  return { report, primaryNode: primary === null ? null : handleOf(primary) }
}

const nothing: Inheritance = { settings: [], findings: [] }

function makeError(
  { refusal, details }: Extract<Choice, { refusal: ErrorCode }>,
  known: { candidates: readonly ReportCandidate[]; findings: readonly Finding[] },
): ReportError {
  // Both are JSON by their types, but for optional fields.
  const shown: JsonObject =
    refusal === "FREDDY_LLM_NODE_REQUIRED"
      ? { findings: known.findings as unknown as JsonValue }
      : { ...details, candidates: known.candidates as unknown as JsonValue }
  return { code: refusal, message: errorCatalogue[refusal].message, details: shown }
}

/** The suggestion costs a search, so that it is made only where there is something to choose from. */
function listCandidates(graph: Graph, candidates: readonly GraphNode[]): readonly ReportCandidate[] {
  const suggested = candidates.length > 1 ? suggestCandidate(graph, candidates) : candidates[0]
  return candidates.map((node) => ({ ...toReportNode(node), suggested: node === suggested }))
}

function reportEntry(graph: Graph, { start }: Entry): ReportEntry {
  const { perTurn, perThread } = declaredInputs(graph, start)
  const message = start === null ? null : { node: start.name, field: "chatInput" }
  return { message, per_turn: perTurn, per_thread: perThread }
}

/** Ends that are listed (ours). */
const endsMax = 50

function reportAnswer(graph: Graph, ends: readonly Place[]): ReportAnswer {
  const described = describeEnds(graph, ends).map(({ node, field }) => ({ node: node.name, field }))
  const [only] = described
  const fields = new Set(described.map(({ field }) => field))
  return {
    node: described.length === 1 && only !== undefined ? only.node : null,
    field: fields.size === 1 && only !== undefined ? only.field : null,
    ends: described.slice(0, endsMax),
  }
}

/** Kinds at which a run may wait. */
const pausingKinds: ReadonlySet<string> = new Set(["ask", "wait"])

function pausingNodes(graph: Graph, flow: Flow | null): readonly string[] {
  const pausing = graph.nodes.filter(
    (node) => flow?.reached.has(node.ordinal) === true && !node.disabled && mayPause(node),
  )
  return pausing.map(({ name }) => name)
}

function mayPause(node: GraphNode): boolean {
  return pausingKinds.has(node.kind ?? "") || (node.kind === "chat" && waitsForReply(node))
}

type Known = {
  readonly primary: GraphNode | null
  readonly entry: Entry
  readonly flow: Flow | null
  readonly ends: readonly Place[]
  readonly inheritance: Inheritance
}

function gatherFindings(read: Read, known: Known): readonly Finding[] {
  const list = makeFindingList()
  addFindings(list, read, { primary: known.primary, entry: known.entry })
  list.addAll(known.inheritance.findings)
  list.addAll(answerFindings(read.graph, known))
  return list.all()
}

/** Ends that are compared with each other (ours). */
const comparedMax = 30

function answerFindings(graph: Graph, { flow, ends }: Known): readonly Finding[] {
  if (flow === null) return []
  if (ends.length === 0) {
    const message =
      "Let at least one branch end with a node that gives items: as it stands the answer is the empty text."
    return [{ severity: "warning", code: "ANSWER_MISSING", message }]
  }
  const rival = findRivals(flow, ends.slice(0, comparedMax))
  if (rival === null) return []
  const [one, other] = rival.map(({ node }) => quote(graph.nodes[node]?.name ?? ""))
  const message = `Join the branches that end at ${one} and ${other}: both can run for one message, and only the last one's text is the answer.`
  return [{ severity: "warning", code: "ANSWER_AMBIGUOUS", message: cutText(message, 400) }]
}

/** Two ends that can both be come to in one run; null where all exclude each other. */
function findRivals(flow: Flow, ends: readonly Place[]): readonly [Place, Place] | null {
  for (const [index, one] of ends.entries()) {
    const other = ends.slice(index + 1).find((end) => end.node !== one.node && !excludeEachOther(flow, one, end))
    if (other !== undefined) return [one, other]
  }
  return null
}
