/**
 * What code may ask for while it runs, and the answers: data of other nodes, which costs nothing where it is not asked for.
 *
 * Questions come out of a sandbox and are read as anything from outside is. Answers are plain data; what the workflow
 * language refuses (a node that does not exist or has not run) is a sentence that the code gets thrown.
 */
import { z } from "zod"
import type { JsonObject, JsonValue } from "../../json.ts"
import { ExpressionError } from "../expression/errors.ts"
import type { ExpressionItem, ExpressionNode, ExpressionScope } from "../expression/scope.ts"
import type { StaticData } from "./outcome.ts"

/** Items whose ancestors are asked for at a time. */
export const ancestorsMax = 500

const index = z.number().int().min(0).max(1_000_000)
const node = z.string()

const questionShape = z.discriminatedUnion("ask", [
  z.object({ ask: z.literal("node"), node }),
  z.object({ ask: z.literal("items"), node, branch: index.nullable(), run: z.number().int().nullable() }),
  z.object({ ask: z.literal("ancestors"), node, from: index, count: z.number().int().min(1).max(ancestorsMax) }),
  z.object({ ask: z.literal("input") }),
  z.object({ ask: z.literal("parameters") }),
  z.object({ ask: z.literal("static-data") }),
])

/** The answer to a question, or why there is none. */
export type CodeAnswer = { readonly value: JsonValue } | { readonly refused: string }

/** What answers are made from: the scope of an item, and what the run keeps. */
export type CodeSurroundings = {
  scope(itemIndex: number): ExpressionScope
  staticData(): StaticData
}

/** Answers a question in whatever form it comes. Never throws but for bugs. */
export function answerQuestion(surroundings: CodeSurroundings, asked: unknown): CodeAnswer {
  const question = questionShape.safeParse(asked)
  if (!question.success) return { refused: "What the code asks for is not in a form that can be answered." }
  try {
    return { value: answer(surroundings, question.data) }
  } catch (error) {
    if (error instanceof ExpressionError) return { refused: error.message }
    throw error
  }
}

function answer(surroundings: CodeSurroundings, question: z.infer<typeof questionShape>): JsonValue {
  const scope = surroundings.scope(0)
  switch (question.ask) {
    case "node": {
      const { params, isExecuted, runIndex = 0, context = null } = scope.node(question.node)
      return { params, isExecuted, runIndex, context }
    }
    case "items": {
      const { branch, run } = question
      return asJson(scope.node(question.node).all(branch ?? undefined, run ?? undefined))
    }
    case "ancestors":
      return ancestors(scope.node(question.node), question)
    case "input":
      return { params: scope.input.params, context: scope.input.context ?? null }
    case "parameters":
      return scope.parameters
    case "static-data":
      return surroundings.staticData()
  }
}

/** The ancestor of each of some items: each ancestor once, and by item its place, or the sentence why it has none. */
function ancestors(target: ExpressionNode, { from, count }: { from: number; count: number }): JsonValue {
  const places = new Map<ExpressionItem, number>()
  const found: JsonValue[] = []
  for (let itemIndex = from; itemIndex < from + count; itemIndex += 1) {
    try {
      const item = target.itemMatching(itemIndex)
      if (!places.has(item)) places.set(item, places.size)
      found.push(places.get(item) ?? null)
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error
      found.push(error.message)
    }
  }
  return { items: asJson([...places.keys()]), places: found }
}

/** Items are JSON but for fields that are absent. */
function asJson(items: readonly ExpressionItem[]): JsonValue {
  return items as unknown as JsonValue
}

/** What code finds by name without asking: small facts of the execution, by the names of the workflow language. */
export function codeVariables(scope: ExpressionScope): JsonObject {
  const { workflow, execution, prevNode, runIndex, vars, currentNode } = scope
  return {
    $workflow: workflow,
    $execution: { ...execution },
    $prevNode: prevNode,
    $runIndex: runIndex,
    $vars: vars,
    $nodeId: currentNode?.id ?? "",
    $nodeVersion: currentNode?.typeVersion ?? 1,
  }
}
