/** The body of an OpenAI chat-completions call. Pure. */
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { ModelMessage, ModelRequest, ModelSettings, ToolChoice } from "../../ports/models.ts"
import { effortOf } from "./reasoning-effort.ts"

/** What differs between servers that speak this wire. */
export type ChatDialect = {
  /** OpenAI's own server wants `max_completion_tokens`; most others know only `max_tokens`. */
  readonly limitField: "max_completion_tokens" | "max_tokens"
}

/** The body as text. Always streamed, with usage. `model` is the provider's own name of it. */
export function chatBodyOf(request: ModelRequest, model: string, dialect: ChatDialect): string {
  const body: { [field: string]: JsonValue } = {
    model,
    messages: request.messages.map(messageOf),
    stream: true,
    stream_options: { include_usage: true },
  }
  if (request.settings !== undefined) addSettings(body, request.settings, limitFieldOf(model, dialect))
  if (request.tools !== undefined && request.tools.length > 0) addTools(body, request)
  return JSON.stringify(body)
}

/** Models that reason take the newer field on every server. */
function limitFieldOf(model: string, dialect: ChatDialect): ChatDialect["limitField"] {
  return /^(?:o\d|gpt-5)/.test(model) ? "max_completion_tokens" : dialect.limitField
}

function messageOf(message: ModelMessage): JsonObject {
  switch (message.role) {
    case "system":
    case "user":
      return { role: message.role, content: message.text }
    case "tool":
      return { role: "tool", tool_call_id: message.toolCallId, content: message.result }
    case "assistant": {
      const calls = message.toolCalls ?? []
      if (calls.length === 0) return { role: "assistant", content: message.text }
      return {
        role: "assistant",
        content: message.text === "" ? null : message.text,
        tool_calls: calls.map((call) => ({
          id: call.id,
          type: "function",
          function: { name: call.name, arguments: JSON.stringify(call.arguments) },
        })),
      }
    }
  }
}

function addSettings(body: { [field: string]: JsonValue }, settings: ModelSettings, limitField: string): void {
  const add = (field: string, value: JsonValue | undefined) => {
    if (value !== undefined) body[field] = value
  }
  add("temperature", settings.temperature)
  add("top_p", settings.topP)
  add(limitField, settings.maxOutputTokens)
  add("stop", settings.stop === undefined || settings.stop.length === 0 ? undefined : settings.stop)
  add("seed", settings.seed)
  add("frequency_penalty", settings.frequencyPenalty)
  add("presence_penalty", settings.presencePenalty)
  add("reasoning_effort", effortOf(settings.reasoningEffort) ?? undefined)
  add("service_tier", settings.serviceTier)
  add("logit_bias", settings.logitBias)
  if (settings.topLogprobs !== undefined) {
    body.logprobs = true
    body.top_logprobs = settings.topLogprobs
  }
  const format = settings.responseFormat
  if (format?.type !== "json") return
  body.response_format =
    format.schema === undefined
      ? { type: "json_object" }
      : { type: "json_schema", json_schema: { name: format.name ?? "answer", schema: format.schema } }
}

function addTools(body: { [field: string]: JsonValue }, { tools, settings }: ModelRequest): void {
  body.tools = (tools ?? []).map(({ name, description, parameters, strict }) => ({
    type: "function",
    function: {
      name,
      parameters,
      ...(description === undefined ? {} : { description }),
      ...(strict === undefined ? {} : { strict }),
    },
  }))
  if (settings?.toolChoice !== undefined) body.tool_choice = toolChoiceOf(settings.toolChoice)
  if (settings?.parallelToolCalls !== undefined) body.parallel_tool_calls = settings.parallelToolCalls
}

function toolChoiceOf(choice: ToolChoice): JsonValue {
  return typeof choice === "string" ? choice : { type: "function", function: { name: choice.name } }
}
