/** Information extractor: reads fields from a text, once for each item. Pure. */
import type { JsonValue } from "../../../json.ts"
import { asText } from "../../value-types.ts"
import type { EffectKind, KindContext } from "../kind.ts"
import { onePort } from "../ports.ts"
import { type AnswerItem, type Asking, optionsOf, schemaReader, textOf } from "./asking.ts"
import { checkModelServants } from "./model-servants.ts"
import { schemaOfNode } from "./schema-parameters.ts"

/** The kind. */
export const informationExtractor: EffectKind = {
  name: "informationExtractor",
  types: ["@n8n/n8n-nodes-langchain.informationExtractor"],
  title: "Information extractor",
  help: "Reads the fields that you name from a text, once for each item.",
  group: "model",
  effect: "chain",
  inputs: () => onePort,
  outputs: () => onePort,
  check: checkModelServants,
}

const defaultWords =
  "Read the asked attributes from the text that the user gives. Take what the text says and nothing else; leave out an attribute that it does not tell."

/** What is asked for one item. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function prepareExtraction(context: KindContext, itemIndex: number): Asking {
  const given = optionsOf(context.node).systemPromptTemplate
  const words = given === undefined ? defaultWords : (asText(context.resolve(given, itemIndex)) ?? "")
  const reader = schemaReader(schemaOfNode(context, "extractor"), context.node)
  return {
    messages: [
      { role: "system", text: `${words}\n${reader.instructions}` },
      { role: "user", text: textOf(context, "text", itemIndex) },
    ],
    reader,
  }
}

/** The item that what was read makes. */
export function extractionItem(value: JsonValue, itemIndex: number): AnswerItem {
  return { output: 0, item: { json: { output: value }, pairedItem: { item: itemIndex } } }
}
