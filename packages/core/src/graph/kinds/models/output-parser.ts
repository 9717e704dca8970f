/**
 * Output parsers: nodes that say which form an answer has to have. They tell the model so, and read what it answers.
 *
 * From version 1.2 on a structured answer stands under `output`, in what the model is asked for and in what the node gives
 * (recorded outcomes); the answer alone is taken too.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { fitToSchema } from "../../answers/answer-reading.ts"
import { schemaInstructions } from "../../answers/answer-words.ts"
import { canonicalSchema } from "../../answers/canonical-schema.ts"
import { jsonInText } from "../../answers/json-text.ts"
import { quote } from "../../findings.ts"
import type { Graph } from "../../graph.ts"
import { servantsOf } from "../../model-nodes.ts"
import type { ReadAnswer } from "../../structured-answer.ts"
import { asNumber, asText } from "../../value-types.ts"
import { type KindContext, NodeFailure } from "../kind.ts"
import { type AnswerReader, optionsOf, repairPrompt } from "./asking.ts"
import { schemaOfNode } from "./schema-parameters.ts"

/** A parser as its node prepares it. */
export type OutputParser = AnswerReader & {
  /** What the model is told, at the end of the prompt. */
  readonly instructions: string
  /** The form of the whole answer as a schema; null where it is no JSON. */
  readonly schema: JsonObject | null
  /** Reads an answer that came as a value: the arguments of a tool. */
  readValue(value: JsonValue): ReadAnswer
}

/** Parsers may stand in front of each other; more of them than that is a circle (ours). */
const depthMax = 5

/** What a parser's node asks for. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function prepareOutputParser(context: KindContext, graph: Graph, depth = 0): OutputParser {
  const { node } = context
  switch (depth > depthMax ? null : node.kind) {
    case "outputParserStructured":
      return structuredParser(context)
    case "outputParserItemList":
      return listParser(context)
    case "outputParserAutofixing": {
      const [inner] = servantsOf(graph, node, "ai_outputParser")
      if (inner === undefined) break
      const parser = prepareOutputParser(context.servant(inner), graph, depth + 1)
      const given = optionsOf(node).prompt
      const template = given === undefined ? null : (asText(context.resolve(given, 0)) ?? null)
      return { ...parser, repair: { node, prompt: repairPrompt(template, parser.instructions) } }
    }
  }
  throw new NodeFailure("NODE_SETTINGS_INVALID", `The node ${quote(node.name)} says no form that answers could have.`)
}

function structuredParser(context: KindContext): OutputParser {
  const { node } = context
  const inner = schemaOfNode(context, "parser")
  const isWrapped = node.typeVersion >= 1.2
  const schema: JsonObject = isWrapped ? { type: "object", properties: { output: inner } } : inner
  const instructions = schemaInstructions(schema)
  const readValue = (value: JsonValue): ReadAnswer => {
    const read = readEither(value, inner)
    return isWrapped && read.fits ? { fits: true, value: { output: read.value } } : read
  }
  const template =
    node.parameters.customizeRetryPrompt === true ? (asText(context.parameter("prompt", 0)) ?? null) : null
  const repair = node.parameters.autoFix === true ? { node, prompt: repairPrompt(template, instructions) } : null
  return {
    instructions,
    schema: canonicalSchema(schema),
    readValue,
    read(text) {
      const value = jsonInText(text)
      return value === undefined ? { fits: false, complaint: "The answer is not JSON." } : readValue(value)
    },
    repair,
  }
}

/** The answer under `output`, once or twice, or the answer alone. The first complaint is that of the form asked for. */
function readEither(value: JsonValue, schema: JsonObject): ReadAnswer {
  const under = isJsonObject(value) && Object.hasOwn(value, "output") ? value.output : undefined
  if (under === undefined) return fitToSchema(value, schema)
  const read = fitToSchema(under, schema)
  if (read.fits) return read
  const twice = isJsonObject(under) && Object.hasOwn(under, "output") ? under.output : undefined
  for (const other of [twice, value]) {
    const again = other === undefined ? read : fitToSchema(other, schema)
    if (again.fits) return again
  }
  return read
}

/** A list of texts. `numberOfItems` −1: as many as there are. */
function listParser(context: KindContext): OutputParser {
  const options = optionsOf(context.node)
  const count = Math.trunc(asNumber(context.resolve(options.numberOfItems ?? -1, 0)) ?? -1)
  const separator = (asText(context.resolve(options.separator ?? "\n", 0)) ?? "\n").replaceAll("\\n", "\n")
  const example = ["foo", "bar", "baz"].join(separator)
  const many = count > 0 ? `a list of ${count} items` : "a list of items"
  return {
    instructions: `Answer with ${many}, with ${JSON.stringify(separator)} between them and nothing else, as in: ${example}`,
    schema: null,
    readValue: (value) => readList(asText(value) ?? "", { count, separator }),
    read: (text) => readList(text, { count, separator }),
    repair: null,
  }
}

function readList(
  text: string,
  { count, separator }: { readonly count: number; readonly separator: string },
): ReadAnswer {
  const items = (separator === "" ? [text] : text.split(separator))
    .map((item) => item.trim())
    .filter((item) => item !== "")
  if (count > 0 && items.length < count) {
    return { fits: false, complaint: `The answer has ${items.length} items, and ${count} are asked for.` }
  }
  return { fits: true, value: count > 0 ? items.slice(0, count) : items }
}
