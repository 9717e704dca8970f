/** Text classifier: sends each item to the outputs of the categories that a model finds in its text. Pure. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { quote } from "../../findings.ts"
import type { Finding, Graph, GraphNode } from "../../graph.ts"
import type { Item } from "../../items.ts"
import { asBoolean, asText } from "../../value-types.ts"
import { type EffectKind, type KindContext, NodeFailure, type Port } from "../kind.ts"
import { onePort } from "../ports.ts"
import { type AnswerItem, type Asking, listAt, optionsOf, schemaReader, textOf } from "./asking.ts"
import { checkModelServants } from "./model-servants.ts"

/** The kind. */
export const textClassifier: EffectKind = {
  name: "textClassifier",
  types: ["@n8n/n8n-nodes-langchain.textClassifier"],
  title: "Text classifier",
  help: "Sends each item to the outputs of the categories that a language model finds in its text.",
  group: "model",
  effect: "chain",
  inputs: () => onePort,
  outputs,
  check,
}

/** Outputs that a node can have (ours). */
const categoriesMax = 50
const fallbackField = "fallback"

function outputs(node: GraphNode): readonly Port[] {
  const names = listedCategories(node).map(({ category }, index) => asText(category) ?? `${index}`)
  const ports = names.map((name) => ({ name }))
  const all = hasOther(node) ? [...ports, { name: "Other" }] : ports
  return all.length === 0 ? onePort : all
}

const listedCategories = ({ parameters }: GraphNode): readonly JsonObject[] =>
  listAt(parameters, "categories", "categories").slice(0, categoriesMax)

/** Items of no category go to an output of their own, or nowhere (the default). */
const hasOther = (node: GraphNode): boolean => optionsOf(node).fallback === "other"

type Category = { readonly name: string; readonly description: string }

function categoriesOf(context: KindContext, itemIndex: number): readonly Category[] {
  return listedCategories(context.node).map(({ category = "", description = "" }) => ({
    name: asText(context.resolve(category, itemIndex)) ?? "",
    description: asText(context.resolve(description, itemIndex)) ?? "",
  }))
}

const defaultWords =
  "Decide to which of these categories the text that the user gives belongs: {categories}. Answer in the form below, without explaining."

/** What is asked for one item. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function prepareClassification(context: KindContext, itemIndex: number): Asking {
  const { node } = context
  const text = textOf(context, "inputText", itemIndex)
  if (text === "") {
    throw new NodeFailure("NODE_SETTINGS_INVALID", `The text for ${quote(node.name)} of item ${itemIndex} is empty.`)
  }
  const categories = categoriesOf(context, itemIndex)
  const options = optionsOf(node)
  const template = options.systemPromptTemplate ?? defaultWords
  const words = (asText(context.resolve(template, itemIndex)) ?? "").replaceAll(
    "{categories}",
    categories.map(({ name }) => name).join(", "),
  )
  const repairs = asBoolean(context.resolve(options.enableAutoFixing ?? false, itemIndex)) === true
  const reader = schemaReader(categoriesSchema(node, categories), repairs ? node : null)
  const several = asBoolean(context.resolve(options.multiClass ?? false, itemIndex)) === true
  const rules = [several ? severalRule : oneRule, hasOther(node) ? otherRule : noneRule]
  return {
    messages: [
      { role: "system", text: `${words}\n\t${reader.instructions}\n${rules.join("\n")}` },
      { role: "user", text },
    ],
    reader,
  }
}

const oneRule = "Exactly one category fits: set it to true and all others to false."
const severalRule = "Several categories may fit: set each of them to true and the others to false."
const otherRule = `If no category fits, set ${fallbackField} to true.`
const noneRule = "If no category fits, set all of them to false."

function categoriesSchema(node: GraphNode, categories: readonly Category[]): JsonObject {
  const properties = categories.map(({ name, description }) => {
    const told = description === "" ? "" : ` that stands for ${description} as its author says;`
    const words = `Whether the text belongs to the category ${name} or not:${told} true where it does, else false.`
    return [name, { type: "boolean", description: words }] as const
  })
  const other = [
    fallbackField,
    { type: "boolean", description: "True where no other category fits, else false." },
  ] as const
  const all = hasOther(node) ? [...properties, other] : properties
  const named = all.filter(([name]) => name !== "__proto__")
  return { type: "object", properties: Object.fromEntries(named), required: named.map(([name]) => name) }
}

/** The item at the output of each category that is true. */
export function classifiedItems(context: KindContext, value: JsonValue, itemIndex: number): readonly AnswerItem[] {
  const { node, inputs } = context
  const item: Item = { ...(inputs[0]?.[itemIndex] ?? { json: {} }), pairedItem: { item: itemIndex } }
  const categories = categoriesOf(context, itemIndex)
  const holds = (name: string): boolean => isJsonObject(value) && Object.hasOwn(value, name) && value[name] === true
  const placed = categories.flatMap(({ name }, output) => (holds(name) ? [{ output, item }] : []))
  return hasOther(node) && holds(fallbackField) ? [...placed, { output: categories.length, item }] : placed
}

function check(node: GraphNode, graph: Graph): readonly Finding[] {
  const findings = [...checkModelServants(node, graph)]
  if (listAt(node.parameters, "categories", "categories").length > 0) return findings
  const message = `Give ${quote(node.name)} at least one category.`
  return [...findings, { severity: "error", code: "SETTING_MISSING", message, node: node.name, path: node.path }]
}
