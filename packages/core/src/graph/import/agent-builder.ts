/**
 * Workflows of the OpenAI Agent Builder, as the builder keeps them: steps by type with their settings in `data`. What the
 * builder gives as code of an agents SDK is a program, and is not imported.
 *
 *     { name, nodes: [ {id, type: "agent", position, data: {name, instructions, model, tools}} ], edges: [ {source, target, sourceHandle} ] }
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { convertBuilderFlow } from "./agent-builder-flow.ts"
import { asRecord, field, objectsAt, squashed, textAt } from "./fields.ts"
import type { Importer } from "./importer.ts"

/** The types of steps, without case, blanks, `_` and `-`. */
const stepTypes: ReadonlySet<string> = new Set(
  "start agent end note classify ifelse while userapproval guardrails mcp filesearch transform setstate".split(" "),
)

/** The importer. */
export const agentBuilder: Importer = {
  format: "openai-agent-builder",
  title: "a workflow of the OpenAI Agent Builder",
  recognises: (document) => workflowIn(document) !== null,
  split: (document) => {
    const workflow = workflowIn(document)
    return workflow === null ? [] : [workflow]
  },
  convert(document) {
    const root = asRecord(document)
    const converted = convertBuilderFlow(root)
    return {
      name: textAt(root, "name", "title") || null,
      description: textAt(root, "description") || null,
      ...converted,
    }
  },
}

/** The workflow, which may lie inside of what names it. */
function workflowIn(document: JsonValue): JsonObject | null {
  if (!isJsonObject(document)) return null
  if (isWorkflow(document)) return document
  for (const name of ["workflow", "graph", "definition", "config"]) {
    const inner = field(document, name) ?? null
    if (isWorkflow(inner)) return { ...inner, name: textAt(document, "name", "title") || textAt(inner, "name") }
  }
  return null
}

/** A start, something else, and nothing that the builder does not have. */
function isWorkflow(value: JsonValue): value is JsonObject {
  if (!isJsonObject(value) || !Array.isArray(field(value, "edges"))) return false
  const types = objectsAt(value, "nodes").map((node) => squashed(textAt(node, "type")))
  return types.includes("start") && types.length > 1 && types.every((type) => stepTypes.has(type))
}
