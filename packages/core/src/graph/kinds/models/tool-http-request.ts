/**
 * HTTP request as a tool, in its older form: the author writes `{name}` where a model has to give something, and may leave
 * the value of a query field, a header or a body field to it. Pure: which arguments there are, and the request that they make.
 */
import type { JsonObject, JsonValue } from "../../../json.ts"
import type { GraphNode } from "../../graph.ts"
import { asText } from "../../value-types.ts"
import type { ServantKind } from "../kind.ts"
import { noPorts } from "../ports.ts"
import { listAt } from "./asking.ts"

/** The kind. */
export const toolHttpRequest: ServantKind = {
  name: "toolHttpRequest",
  types: ["@n8n/n8n-nodes-langchain.toolHttpRequest"],
  title: "HTTP request tool (older form)",
  help: "Lets a model make the HTTP request that you describe, with `{placeholders}` for what it has to give.",
  group: "model",
  effect: "serves",
  inputs: () => noPorts,
  outputs: () => noPorts,
  check: () => [],
}

/** Arguments of one tool (ours). */
const argumentsMax = 100

/** Parts of a request whose fields a model may give, with where the node lists them. */
const parts = [
  { holder: "parametersQuery", switchedBy: "sendQuery" },
  { holder: "parametersHeaders", switchedBy: "sendHeaders" },
  { holder: "parametersBody", switchedBy: "sendBody" },
] as const

type Argument = { readonly name: string; readonly isRequired: boolean }

/** The form of the arguments. */
export function placeholderSchema(node: GraphNode): JsonObject {
  const { parameters } = node
  const defined = new Map(
    listAt(parameters, "placeholderDefinitions", "values").map((entry) => [asText(entry.name) ?? "", entry] as const),
  )
  const texts = ["url", "jsonQuery", "jsonHeaders", "jsonBody"].map((name) => asText(parameters[name]) ?? "")
  const found: Argument[] = [
    ...texts.flatMap(placeholdersIn).map((name) => ({ name, isRequired: true })),
    ...parts.flatMap(({ holder, switchedBy }) => (parameters[switchedBy] === true ? fieldArguments(node, holder) : [])),
  ]
  const known = new Map<string, Argument>()
  for (const argument of found)
    if (!known.has(argument.name) && known.size < argumentsMax) known.set(argument.name, argument)
  const properties = [...known.keys()].map((name) => [name, formOf(defined.get(name))] as const)
  const required = [...known.values()].filter(({ isRequired }) => isRequired).map(({ name }) => name)
  return { type: "object", properties: Object.fromEntries(properties), ...(required.length === 0 ? {} : { required }) }
}

/** A field whose value is the model's, and the placeholders in one whose value is the author's. */
function fieldArguments(node: GraphNode, holder: string): readonly Argument[] {
  return listAt(node.parameters, holder, "values").flatMap((field): readonly Argument[] => {
    const name = asText(field.name) ?? ""
    if (field.valueProvider === "fieldValue") {
      return placeholdersIn(asText(field.value) ?? "").map((inner) => ({ name: inner, isRequired: true }))
    }
    return name === "" || name === "__proto__" ? [] : [{ name, isRequired: field.valueProvider !== "modelOptional" }]
  })
}

const placeholderPattern = /(?<!\{)\{([A-Za-z0-9_-]{1,64})\}/g

/** The names in single braces. Those in double braces are expressions. */
function placeholdersIn(text: string): readonly string[] {
  const names = [...text.matchAll(placeholderPattern)].map(([, name = ""]) => name)
  return names.filter((name) => name !== "__proto__")
}

/**
 * The same request as HTTP Request writes it: each placeholder and each field of the model's is a `$fromAI`, so that nothing
 * that a model gives is ever read as an expression.
 */
export function asHttpRequest(node: GraphNode): GraphNode {
  const { parameters } = node
  const fields = (holder: string) => ({
    parameters: listAt(parameters, holder, "values").map((field) => {
      const name = asText(field.name) ?? ""
      const own = field.valueProvider === "fieldValue"
      return { name, value: own ? filledText(asText(field.value) ?? "", "plain") : `={{ $fromAI(${quoted(name)}) }}` }
    }),
  })
  const json = (text: JsonValue | undefined) => (typeof text === "string" ? { text: filledText(text, "json") } : null)
  const { jsonQuery, jsonHeaders, jsonBody } = parameters
  const written: JsonObject = {
    ...parameters,
    url: filledText(asText(parameters.url) ?? "", "address"),
    ...(parameters.specifyQuery === "json" ? {} : { queryParameters: fields("parametersQuery") }),
    ...(parameters.specifyHeaders === "json" ? {} : { headerParameters: fields("parametersHeaders") }),
    ...(parameters.specifyBody === "json" ? {} : { bodyParameters: fields("parametersBody") }),
    jsonQuery: json(jsonQuery)?.text ?? "",
    jsonHeaders: json(jsonHeaders)?.text ?? "",
    jsonBody: json(jsonBody)?.text ?? "",
  }
  return { ...node, typeVersion: 4.2, parameters: written }
}

const quoted = (name: string): string => JSON.stringify(name).replaceAll("}}", "} }")

/** How what a model gives is written: as it is, as a part of an address, or within JSON, where a text in quotes stays one. */
type Writing = "plain" | "address" | "json"

/** A text with its placeholders as expressions. Texts that have expressions of their own keep them. */
function filledText(text: string, writing: Writing): string {
  if (placeholdersIn(text).length === 0) return text
  const source = text.startsWith("=") ? text.slice(1) : text
  const filled = source.replace(placeholderPattern, (whole, name: string, at: number) => {
    const value = `$fromAI(${quoted(name)})`
    if (writing === "address") return `{{ encodeURIComponent(${value}) }}`
    if (writing === "plain") return `{{ ${value} }}`
    const isInQuotes = source.charAt(at - 1) === '"' && source.charAt(at + whole.length) === '"'
    return isInQuotes ? `{{ JSON.stringify(String(${value})).slice(1, -1) }}` : `{{ JSON.stringify(${value}) }}`
  })
  return `=${filled}`
}

const types: Readonly<Record<string, JsonObject>> = {
  string: { type: "string" },
  number: { type: "number" },
  boolean: { type: "boolean" },
  json: { type: "object" },
}

function formOf(definition: JsonObject | undefined): JsonObject {
  const type = asText(definition?.type) ?? "string"
  const description = asText(definition?.description) ?? ""
  const form = Object.hasOwn(types, type) ? (types[type] ?? {}) : { type: "string" }
  return description === "" ? form : { ...form, description }
}
