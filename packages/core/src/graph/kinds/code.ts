/**
 * Code: JavaScript of the workflow's author, once for all items or once for each. Pure: what is to be run, and what items
 * its results make; running it is the performer's, in a sandbox without any way out.
 */
import type { JsonObject } from "../../json.ts"
import { type ReadItems, readAllItems, readOneItem } from "../code/items.ts"
import type { CodeFailure, CodeResult } from "../code/outcome.ts"
import type { Item, Outputs } from "../items.ts"
import { checkCode } from "./code-check.ts"
import { type EffectKind, type KindContext, NodeFailure } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. */
export const code: EffectKind = {
  name: "code",
  types: ["n8n-nodes-base.code"],
  title: "Code",
  help: "Runs JavaScript of your own, once for all items or once for each of them.",
  group: "data",
  effect: "code",
  inputs: () => onePort,
  outputs: () => onePort,
  check: (node) => checkCode(node),
}

/** What is to be run. `keepsGoing`: an item that fails does not end the others (code that runs for each item only). */
export type CodePlan = { readonly code: string; readonly mode: "all" | "each"; readonly keepsGoing: boolean }

/** What a node runs. Throws NODE_KIND_UNKNOWN for languages other than JavaScript, and NODE_SETTINGS_INVALID. */
export function prepareCode({ node }: KindContext): CodePlan {
  const { parameters } = node
  if ((parameters.language ?? "javaScript") !== "javaScript") {
    throw new NodeFailure(
      "NODE_KIND_UNKNOWN",
      "Only JavaScript is run here: write the code of this node in JavaScript.",
    )
  }
  const text = parameters.jsCode ?? ""
  if (typeof text !== "string") {
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The code of the node is not text; write it in jsCode.")
  }
  const mode = parameters.mode === "runOnceForEachItem" ? "each" : "all"
  return { code: text, mode, keepsGoing: mode === "each" && node.onError !== "stopWorkflow" }
}

/** The outputs that results make: one result where the code ran for all items, else one for each. Throws CODE_ERROR. */
export function codeOutputs(context: KindContext, plan: CodePlan, results: readonly CodeResult[]): Outputs {
  return plan.mode === "all" ? outputsOfAll(context, results) : outputsOfEach(context, results)
}

/** What a failure of code means for its node. */
export function codeFailure(failure: CodeFailure, item: number | null = null): NodeFailure {
  const details: JsonObject = { line: failure.line, ...(item === null ? {} : { item }) }
  return new NodeFailure(failure.code, codeWords(failure), { details })
}

function outputsOfAll(context: KindContext, [result]: readonly CodeResult[]): Outputs {
  if (result === undefined) throw new Error("the code ran for all items and gave no result")
  if (result.type === "failed") throw codeFailure(result.failure)
  const items = itemsOf(readAllItems(result, context.inputs[0]?.length ?? 0))
  return context.node.onError === "continueErrorOutput" ? [items, []] : [items]
}

/** An item that failed goes where the node's `onError` sends it, with what went wrong (recorded outcomes). */
function outputsOfEach({ node, inputs }: KindContext, results: readonly CodeResult[]): Outputs {
  const made: Item[] = []
  const failed: Item[] = []
  for (const [index, result] of results.entries()) {
    const read: ReadItems = result.type === "failed" ? { fault: codeWords(result.failure) } : readOneItem(result, index)
    if ("items" in read) made.push(...read.items)
    else if (node.onError === "stopWorkflow") itemsOf(read)
    else if (node.onError === "continueRegularOutput") made.push(withError({}, index, read.fault))
    else failed.push(withError(inputs[0]?.[index]?.json ?? {}, index, read.fault))
  }
  return node.onError === "continueErrorOutput" ? [made, failed] : [made]
}

function withError(json: JsonObject, index: number, error: string): Item {
  return { json: { ...json, error }, pairedItem: { item: index } }
}

function itemsOf(read: ReadItems): readonly Item[] {
  if ("items" in read) return read.items
  throw new NodeFailure("CODE_ERROR", read.fault)
}

/** What code failed with: its words, and where it was; n8n writes the place in the same way. */
export function codeWords({ message, line }: CodeFailure): string {
  return line === null ? message : `${message} [line ${line}]`
}
