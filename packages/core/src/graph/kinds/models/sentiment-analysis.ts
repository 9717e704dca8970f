/** Sentiment analysis: sends each item to the output of the mood that a model finds in its text. Pure. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { asBoolean, asText } from "../../value-types.ts"
import type { EffectKind, KindContext, Port } from "../kind.ts"
import { onePort } from "../ports.ts"
import { type AnswerItem, type Asking, optionsOf, schemaReader, textOf } from "./asking.ts"
import { checkModelServants } from "./model-servants.ts"

/** The kind. */
export const sentimentAnalysis: EffectKind = {
  name: "sentimentAnalysis",
  types: ["@n8n/n8n-nodes-langchain.sentimentAnalysis"],
  title: "Sentiment analysis",
  help: "Sends each item to the output of the mood that a language model finds in its text.",
  group: "model",
  effect: "chain",
  inputs: () => onePort,
  outputs: (node) => categoriesIn(optionsOf(node).categories).map((name) => ({ name }) satisfies Port),
  check: checkModelServants,
}

/** Documented default. */
const defaultCategories = "Positive, Neutral, Negative"
/** Outputs that a node can have (ours). */
const categoriesMax = 50

/** Categories as a text with commas; an expression, which is known only in a run, stands for the usual ones. */
function categoriesIn(given: unknown): readonly string[] {
  const text = typeof given === "string" && !given.startsWith("=") ? given : defaultCategories
  return splitCategories(text)
}

function splitCategories(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim())
  const named = names.filter((name) => name !== "").slice(0, categoriesMax)
  return named.length === 0 ? splitCategories(defaultCategories) : named
}

function categoriesOf(context: KindContext, itemIndex: number): readonly string[] {
  const given = optionsOf(context.node).categories
  return splitCategories(given === undefined ? defaultCategories : (asText(context.resolve(given, itemIndex)) ?? ""))
}

const defaultWords =
  "Decide which mood the text that the user gives is in. The moods are: {categories}. Answer in the form below and with nothing else."

/** What is asked for one item. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function prepareSentiment(context: KindContext, itemIndex: number): Asking {
  const options = optionsOf(context.node)
  const categories = categoriesOf(context, itemIndex)
  const template = asText(context.resolve(options.systemPromptTemplate ?? defaultWords, itemIndex)) ?? ""
  const words = template.replaceAll("{categories}", categories.join(", "))
  const repairs = asBoolean(context.resolve(options.enableAutoFixing ?? false, itemIndex)) === true
  const reader = schemaReader(sentimentSchema(categories), repairs ? context.node : null)
  return {
    messages: [
      { role: "system", text: `${words}\n\t\t\t${reader.instructions}` },
      { role: "user", text: textOf(context, "inputText", itemIndex) },
    ],
    reader,
  }
}

/** The words are recorded. */
function sentimentSchema(categories: readonly string[]): JsonObject {
  const strength = "Strength score for sentiment in relation to the category"
  return {
    type: "object",
    properties: {
      sentiment: { type: "string", enum: [...categories] },
      strength: { type: "number", minimum: 0, maximum: 1, description: strength },
      confidence: { type: "number", minimum: 0, maximum: 1 },
    },
    required: ["sentiment", "strength", "confidence"],
  }
}

/** The item with its mood, at the output of that mood. */
export function sentimentItems(context: KindContext, value: JsonValue, itemIndex: number): readonly AnswerItem[] {
  const { sentiment = "", strength = 0, confidence = 0 } = isJsonObject(value) ? value : {}
  const category = asText(sentiment) ?? ""
  const output = categoriesOf(context, itemIndex).findIndex((name) => name.toLowerCase() === category.toLowerCase())
  if (output < 0) return []
  const isDetailed = optionsOf(context.node).includeDetailedResults === true
  const found: JsonObject = { category, ...(isDetailed ? { strength, confidence } : {}) }
  const item = context.inputs[0]?.[itemIndex] ?? { json: {} }
  const json = { ...item.json, sentimentAnalysis: found }
  return [{ output, item: { ...item, json, pairedItem: { item: itemIndex } } }]
}
