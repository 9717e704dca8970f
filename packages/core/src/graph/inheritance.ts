/**
 * What an assistant takes over from its primary node (the HTTP contract, §3.1): literal values in range, by the names that
 * assistants give them on the wire. What is out of range, or an expression that is known only in a run, is left out; the
 * first is a finding of the node's own check, the second is reported here.
 */
import { findJsonFault, isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { cutText, pathTo, quote } from "./findings.ts"
import type { Finding, Graph, GraphNode } from "./graph.ts"
import { findToolsParameter } from "./kinds/freddy-llm.ts"
import {
  type FoundParameter,
  findParameter,
  holdsExpression,
  type ModelParameter,
  modelParameters,
} from "./kinds/model-parameters.ts"
import { type ForeignSource, foreignSources, servantsOf } from "./model-nodes.ts"
import type { ResponseFormat } from "./model-settings.ts"
import type { ReportSetting } from "./report.ts"
import { findSchemaFault } from "./structured-answer.ts"

/** What is taken over, and what could not be. */
export type Inheritance = { readonly settings: readonly ReportSetting[]; readonly findings: readonly Finding[] }

/** The settings of a primary node. */
export function inheritFrom(graph: Graph, primary: GraphNode): Inheritance {
  const foreign = primary.kind === "freddyLlm" ? null : foreignSources(graph, primary)
  const found = modelParameters.flatMap((parameter): Found[] => {
    const place = foreign === null ? ownPlace(primary, parameter) : foreignPlace(foreign.sources, parameter)
    return place === null ? [] : [{ parameter, ...place }]
  })
  const taken = found.map(takeOver)
  return {
    settings: [...taken.flatMap(({ settings }) => settings), ...inheritTools(graph, primary)],
    findings: [...(foreign?.findings ?? []), ...taken.flatMap(({ findings }) => findings)],
  }
}

/** A parameter at the place where it stands. */
type Place = { readonly node: GraphNode; readonly found: FoundParameter }
type Found = Place & { readonly parameter: ModelParameter }

function ownPlace(node: GraphNode, { names }: ModelParameter): Place | null {
  const found = findParameter(node.parameters, names)
  return found === null ? null : { node, found }
}

function foreignPlace(sources: readonly ForeignSource[], { field }: ModelParameter): Place | null {
  for (const { node, values } of sources) {
    const found = values.get(field)
    if (found !== undefined) return { node, found }
  }
  return null
}

function takeOver({ parameter, node, found }: Found): Inheritance {
  const path = `${pathTo(node.path, "parameters")}.${found.path}`
  if (holdsExpression(found.value)) {
    const message = `Set ${found.path} of ${quote(node.name)} to a fixed value if the assistant should show it: an expression is known only in a run.`
    const finding: Finding = { severity: "info", code: "SETTING_NOT_INHERITED", message, node: node.name, path }
    return { settings: [], findings: [finding] }
  }
  const reading = parameter.read(found.value)
  if (!("value" in reading)) {
    const message = `Correct ${found.path} of ${quote(node.name)}: it ${reading.fault}, and the assistant does not take it over.`
    const finding: Finding = { severity: "warning", code: "SETTING_NOT_INHERITED", message, node: node.name, path }
    return { settings: [], findings: [finding] }
  }
  const fault = schemaFault(reading.value)
  if (fault !== null) {
    const message = `Correct the schema in ${quote(node.name)}, which no answer can fit: ${cutText(fault, 200)}`
    return {
      settings: [],
      findings: [{ severity: "error", code: "OUTPUT_SCHEMA_INVALID", message, node: node.name, path }],
    }
  }
  const from = { node: node.name, path }
  return {
    settings: Object.entries(toWire(parameter.field, reading.value)).map(([field, value]) => ({ field, value, from })),
    findings: [],
  }
}

/** Characters of a schema that is tried out before a run (ours): trying a greater one could hold up the answer. */
const triedSchemaCharsMax = 65_536

/** Why a schema cannot be used; null where it can, and for what is no schema. */
function schemaFault(value: JsonValue | ResponseFormat): string | null {
  if (!isFormat(value) || value.type !== "json_schema") return null
  if (findJsonFault(value.schema) !== null) return "it is nested too deeply."
  return JSON.stringify(value.schema).length > triedSchemaCharsMax ? null : findSchemaFault(value.schema)
}

const isFormat = (value: JsonValue | ResponseFormat): value is ResponseFormat => isJsonObject(value) && "type" in value

/** Names on the wire of the settings that are taken over as they stand. */
const wireNames: Readonly<Partial<Record<ModelParameter["field"], string>>> = {
  model: "default_model_key",
  instructions: "instructions",
  temperature: "temperature",
  topP: "top_p",
  maxOutputTokens: "max_completion_tokens",
  stop: "stop_sequences",
  seed: "seed",
  frequencyPenalty: "frequency_penalty",
  presencePenalty: "presence_penalty",
}

function toWire(field: ModelParameter["field"], value: JsonValue | ResponseFormat): JsonObject {
  if (field === "responseFormat") return formatToWire(value as ResponseFormat)
  if (field === "reasoningEffort") return { reasoning: { effort: value as JsonValue } }
  const name = wireNames[field]
  return name === undefined ? {} : { [name]: value as JsonValue }
}

function formatToWire(format: ResponseFormat): JsonObject {
  const schemas = format.type === "json_schema" ? { json_schemas: [format.schema] } : {}
  return { response_format: format.type, ...schemas }
}

/** Tools stay with the node; the report names them. */
function inheritTools(graph: Graph, primary: GraphNode): readonly ReportSetting[] {
  const nodes = servantsOf(graph, primary, "ai_tool").map(({ name }) => name)
  const found = primary.kind === "freddyLlm" ? findToolsParameter(primary) : null
  const isLiteral = found !== null && !holdsExpression(found.value)
  if (nodes.length === 0 && !isLiteral) return []
  const path = isLiteral ? `${pathTo(primary.path, "parameters")}.${found.path}` : primary.path
  const servers = isLiteral ? [found.value].flat() : []
  return [{ field: "tools", value: [...nodes, ...servers], from: { node: primary.name, path } }]
}
