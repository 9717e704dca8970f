/** The workflow that an assistant without one amounts to: a single FreddyLLM node with its settings. */
import { toModelSettings } from "@brevet/core/contract/assistant-settings"
import type { JsonObject, JsonValue } from "@brevet/core/json"

/** The id of the node in such a definition. */
export const primaryNodeId = "freddy_llm"

/** True where a node would take a text in the value for an expression; settings of assistants are literal. */
function holdsExpression(value: JsonValue): boolean {
  if (typeof value === "string") return value.startsWith("=")
  if (typeof value !== "object" || value === null) return false
  return Object.values(value).some(holdsExpression)
}

/** The parameters of the node, by FreddyLLM's names. What the node could not say literally is left out. */
function parametersOf(settings: JsonObject): JsonObject {
  const model = toModelSettings(settings)
  const format = model.responseFormat
  const pairs: [string, JsonValue | undefined][] = [
    ["model", model.model],
    ["system_message", model.instructions],
    ["temperature", model.temperature],
    ["top_p", model.topP],
    ["max_tokens", model.maxOutputTokens],
    ["stop", model.stop],
    ["seed", model.seed],
    ["frequency_penalty", model.frequencyPenalty],
    ["presence_penalty", model.presencePenalty],
    ["reasoning_effort", model.reasoningEffort],
    ["output_schema", format?.type === "json_schema" ? format.schema : undefined],
  ]
  const said = pairs.filter((pair): pair is [string, JsonValue] => pair[1] !== undefined && !holdsExpression(pair[1]))
  return Object.fromEntries(said)
}

/** The definition, n8n-shaped. */
export function makeDefinition(name: string, settings: JsonObject): JsonObject {
  const node = {
    id: primaryNodeId,
    name: "FreddyLLM",
    type: "freddyLLM",
    typeVersion: 1,
    position: [0, 0],
    parameters: parametersOf(settings),
  }
  return { name, nodes: [node], connections: {} }
}
