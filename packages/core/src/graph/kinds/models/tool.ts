/**
 * Tools as a model is told of them: name, description and the form of their arguments, per kind of node. Pure. What a tool
 * does is the server's (`runtime/tools`).
 *
 * A node of a kind that is not run here is offered all the same, so that it fails only when a model calls it.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { fitToSchema } from "../../answers/answer-reading.ts"
import { canonicalSchema } from "../../answers/canonical-schema.ts"
import { type FromAiArgument, fromAiArguments } from "../../expression/from-ai.ts"
import type { GraphNode } from "../../graph.ts"
import type { ReadAnswer } from "../../structured-answer.ts"
import { asText } from "../../value-types.ts"
import type { KindContext } from "../kind.ts"
import { schemaOfNode } from "./schema-parameters.ts"
import { placeholderSchema } from "./tool-http-request.ts"

/** A tool as a model is told of it. */
export type ToolDescription = {
  readonly name: string
  readonly description: string
  /** JSON Schema of its arguments, in the canonical form. */
  readonly parameters: JsonObject
  /** What arguments have to fit; null: what the tool gets is a text, `{input}`. */
  readonly form: JsonObject | null
}

/** The form of a tool that takes a text (recorded outcome). */
const textSchema: JsonObject = { type: "object", properties: { input: { type: "string" } } }

/** Documented descriptions, in our own words, of tools whose nodes have none. */
const descriptions: Readonly<Record<string, string>> = {
  toolCalculator:
    "Calculates. The input is a term of numbers, as in 2*(3+4) or sqrt(2)^3; the result is a number. Use it for all arithmetic.",
  toolThink:
    "A place to think before going on: write down what is known, what follows and what to do next. It changes nothing and fetches nothing.",
}

/** Describes the tool of a node. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function describeTool(context: KindContext): ToolDescription {
  const { node } = context
  const schema = schemaOf(context)
  return {
    name: toolName(node),
    description: descriptionOf(context),
    parameters: canonicalSchema(schema ?? textSchema),
    form: schema,
  }
}

/**
 * The arguments as the tool wants them, or what is wrong with them, whatever a model may have written. What it gave beyond
 * what was asked for is left out.
 */
export function readArguments({ form }: ToolDescription, given: JsonValue): ReadAnswer {
  return form === null ? { fits: true, value: textIn(given) } : fitToSchema(given, form)
}

/** The text that a tool is called with: `input`, or the only text that is there. */
function textIn(given: JsonValue): string {
  if (!isJsonObject(given)) return asText(given) ?? ""
  if (Object.hasOwn(given, "input")) return asText(given.input) ?? ""
  const values = Object.values(given)
  if (values.length === 0) return ""
  const [only] = values
  return values.length === 1 && typeof only === "string" ? only : JSON.stringify(given)
}

/** From these versions on a tool is called as its node is named, before by a parameter (documented). */
const namedByNodeSince: Readonly<Record<string, number>> = { toolCode: 1.2, toolHttpRequest: 1.1 }

/** The name by which a model calls a node's tool: letters, digits, `_` and `-`, at most 64 (what providers take). */
export function toolName(node: GraphNode): string {
  const since = node.kind === null ? undefined : namedByNodeSince[node.kind]
  const given = since !== undefined && node.typeVersion < since ? node.parameters.name : undefined
  const name = typeof given === "string" && given !== "" && !given.startsWith("=") ? given : node.name
  const cleaned = name.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 64)
  return cleaned === "" ? "tool" : cleaned
}

function descriptionOf(context: KindContext): string {
  const { node } = context
  const given = asText(context.parameter("toolDescription", 0) ?? context.parameter("description", 0)) ?? ""
  if (given !== "") return given
  return (node.kind === null ? undefined : descriptions[node.kind]) ?? ""
}

/** The form of the arguments; null: a text. */
function schemaOf(context: KindContext): JsonObject | null {
  const { node } = context
  switch (node.kind) {
    case "toolCalculator":
    case "toolThink":
      return null
    case "toolCode":
      return node.parameters.specifyInputSchema === true ? objectSchema(schemaOfNode(context, "tool")) : null
    case "toolHttpRequest":
      return placeholderSchema(node)
    case "agentTool": {
      const asked = fromAiArguments(node.parameters.text ?? "")
      return asked.length === 0 ? null : fromAiSchema(asked)
    }
    default:
      return fromAiSchema(fromAiArguments(node.parameters))
  }
}

/** Arguments are an object, whatever the schema says. */
function objectSchema(schema: JsonObject): JsonObject {
  return isJsonObject(schema.properties) || schema.type === "object" ? schema : { type: "object", properties: {} }
}

const argumentForms: Readonly<Record<FromAiArgument["type"], JsonObject>> = {
  string: { type: "string" },
  number: { type: "number" },
  boolean: { type: "boolean" },
  json: { type: "object" },
}

function fromAiSchema(asked: readonly FromAiArgument[]): JsonObject {
  const properties = asked.map(({ key, description, type, fallback }) => {
    const told = description === "" ? {} : { description }
    return [key, { ...argumentForms[type], ...told, ...(fallback === undefined ? {} : { default: fallback }) }] as const
  })
  const required = asked.filter(({ fallback }) => fallback === undefined).map(({ key }) => key)
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required }),
  }
}
