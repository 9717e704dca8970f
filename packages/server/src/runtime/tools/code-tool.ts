/** Code as a tool: JavaScript of the workflow's author, in the sandbox, with what the model gave as `query`. */

import type { CodeResult } from "@brevet/core/graph/code/outcome"
import { answerQuestion, codeVariables } from "@brevet/core/graph/code/questions"
import { staticDataOf } from "@brevet/core/graph/code/static-data"
import type { GraphNode } from "@brevet/core/graph/graph"
import { codeWords } from "@brevet/core/graph/kinds/code"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { codeOfTool } from "@brevet/core/graph/kinds/models/tool-kinds"
import type { JsonValue } from "@brevet/core/json"
import { codeBounds, type Sandbox } from "../../ports/sandbox.ts"
import type { Work } from "../perform.ts"

/** Runs the code of a node. Throws NodeFailure for what the code does, and for what it gives that is no result. */
export async function useCode(work: Work, sandbox: Sandbox, call: CodeCall): Promise<string> {
  const { segment, workshop, key } = work
  const { node, given } = call
  const context = work.context.servant(node)
  const surroundings = { scope: context.scope, staticData: () => staticDataOf(segment.state, node.ordinal) }
  const outcome = await sandbox.runCode(
    {
      code: codeOfTool(node),
      mode: "all",
      keepsGoing: false,
      items: (context.inputs[0] ?? []).map((item, index) => ({ ...item, pairedItem: { item: index } })),
      variables: { ...codeVariables(context.scope(0)), query: given },
      nowMs: context.nowMs,
      seed: Math.floor(context.random() * 2 ** 32),
      timeZone: context.timeZone,
      bounds: codeBounds,
    },
    { signal: segment.signal, answer: (question) => answerQuestion(surroundings, question) },
  )
  if (outcome.console.length > 0) {
    segment.take({ type: "code-logged", at: workshop.clock.nowMs(), ...key, lines: outcome.console })
  }
  if (outcome.status === "failed") throw new NodeFailure(outcome.failure.code, codeWords(outcome.failure))
  return textOf(outcome.results[0])
}

/** Whose code is run, and what the model gave. */
export type CodeCall = { readonly node: GraphNode; readonly given: JsonValue }

/** A text as it is, anything else as JSON; nothing is no result. */
function textOf(result: CodeResult | undefined): string {
  if (result?.type === "failed") throw new NodeFailure(result.failure.code, codeWords(result.failure))
  if (result === undefined || result.type === "undefined" || result.type === "null") {
    throw new NodeFailure("CODE_ERROR", "The code of the tool gave nothing. Return a text.")
  }
  return typeof result.value === "string" ? result.value : JSON.stringify(result.value)
}
