/**
 * Summarization chain: a short text of a long one, in one call, piece by piece, or by refining (documented). Pure: the
 * pieces and the prompts; how often the model is asked is told by `summaryMethodOf`.
 *
 *     stuff        all pieces in one prompt
 *     map_reduce   (default) all in one prompt where they are short; else each piece by itself, then what came of them
 *     refine       the first piece, then with each next one the summary so far
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { fillTemplate } from "../../answers/answer-words.ts"
import { pathTo, quote } from "../../findings.ts"
import type { Finding, Graph, GraphNode } from "../../graph.ts"
import { asNumber, asText } from "../../value-types.ts"
import { type EffectKind, type KindContext, NodeFailure } from "../kind.ts"
import { onePort } from "../ports.ts"
import { type AnswerItem, optionsOf } from "./asking.ts"
import { checkModelServants } from "./model-servants.ts"
import { splitText } from "./text-splitting.ts"

/** The kind. */
export const chainSummarization: EffectKind = {
  name: "chainSummarization",
  types: ["@n8n/n8n-nodes-langchain.chainSummarization"],
  title: "Summarization chain",
  help: "Makes a short text of a long one, once for each item.",
  group: "model",
  effect: "chain",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
}

/** How a text is summarised. Prompts are functions of the text, and of the summary so far. */
export type SummaryPlan = {
  readonly pieces: readonly string[]
  readonly method: "stuff" | "map_reduce" | "refine"
  piece(text: string): string
  whole(text: string): string
  refined(summary: string, text: string): string
}

/** Pieces of an item that are asked for by themselves (ours): more would be a bill, not a summary. */
const piecesMax = 200
/** Characters that count as short enough for one prompt: about 3,000 tokens (recorded outcome). */
const shortChars = 12_000

const defaultPrompt = `Write a concise summary of the following:


"{text}"


CONCISE SUMMARY:`
const defaultRefinement = `Here is a summary so far: "{existing_answer}"
Improve it, only where needed, by what follows:
------------
"{text}"
------------

REFINED SUMMARY:`

/** What is to be summarised for one item. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function prepareSummary(context: KindContext, itemIndex: number): SummaryPlan {
  const { node, inputs } = context
  if (!readsJson(node)) {
    const message = `Let ${quote(node.name)} read the JSON of its items: files and document loaders are not read here.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
  const pieces = piecesOf(context, textsIn(inputs[0]?.[itemIndex]?.json ?? {}))
  if (pieces.length > piecesMax) {
    const message = `The text for ${quote(node.name)} has ${pieces.length} pieces; at most ${piecesMax} are summarised. Make them larger.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
  const values = methodValues(node)
  const prompt = (name: string, fallback: string) => {
    const given = values[name]
    return given === undefined ? fallback : (asText(context.resolve(given, itemIndex)) ?? fallback)
  }
  const method = values.summarizationMethod
  const whole = prompt(method === "stuff" ? "prompt" : "combineMapPrompt", defaultPrompt)
  const first = prompt(method === "refine" ? "refineQuestionPrompt" : "prompt", defaultPrompt)
  const refinement = prompt("refinePrompt", defaultRefinement)
  return {
    pieces,
    method: method === "stuff" || method === "refine" ? method : "map_reduce",
    piece: (text) => fillTemplate(first, { text }),
    whole: (text) => fillTemplate(whole, { text }),
    refined: (summary, text) => fillTemplate(refinement, { existing_answer: summary, text }),
  }
}

/** Whether the pieces are short enough for one prompt. */
export function fitsOnePrompt(pieces: readonly string[]): boolean {
  return pieces.reduce((chars, piece) => chars + piece.length, 0) < shortChars
}

/** The item that a summary makes; its place differs by version and method (recorded outcomes). */
export function summaryItem(
  { node }: KindContext,
  { plan, text }: { readonly plan: SummaryPlan; readonly text: string },
  itemIndex: number,
): AnswerItem {
  const place = plan.method === "refine" ? "output_text" : "text"
  const json = { [node.typeVersion >= 2.1 ? "output" : "response"]: { [place]: text } }
  return { output: 0, item: { json, pairedItem: { item: itemIndex } } }
}

/** The texts of a value, in order; numbers and truth values are none (documented for JSON documents). */
function textsIn(json: JsonObject): readonly string[] {
  const texts: string[] = []
  const stack: JsonValue[] = [json]
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (typeof value === "string") texts.push(value)
    else if (typeof value === "object" && value !== null) stack.push(...Object.values(value).reverse())
  }
  return texts
}

function piecesOf(context: KindContext, texts: readonly string[]): readonly string[] {
  if (context.parameter("chunkingMode", 0) === "none") return texts
  const size = asNumber(context.parameter("chunkSize", 0)) ?? 1_000
  const overlap = asNumber(context.parameter("chunkOverlap", 0)) ?? 200
  return texts.flatMap((text) => splitText(text, { size, overlap }))
}

function methodValues(node: GraphNode): JsonObject {
  const given = optionsOf(node).summarizationMethodAndPrompts
  return isJsonObject(given) && isJsonObject(given.values) ? given.values : {}
}

const readsJson = ({ typeVersion, parameters }: GraphNode): boolean =>
  typeVersion >= 2 && (parameters.operationMode ?? "nodeInputJson") === "nodeInputJson"

function check(node: GraphNode, graph: Graph): readonly Finding[] {
  const findings = [...checkModelServants(node, graph)]
  if (readsJson(node)) return findings
  const message = `Let ${quote(node.name)} (version 2 or newer) read the JSON of its items: files and document loaders are not read here.`
  const path = pathTo(pathTo(node.path, "parameters"), "operationMode")
  return [...findings, { severity: "error", code: "SETTING_INVALID", message, node: node.name, path }]
}
