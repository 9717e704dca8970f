/**
 * The settings of assistants: every documented one by its name on the wire, with its range, its default and what it does.
 *
 * A setting does one of four things. It shapes model calls (`toModelSettings`), it shapes turns (`toTurnPolicy`), it is
 * descriptive (kept and given back), or it is not supported yet: then only its default is taken, and anything else is
 * UNSUPPORTED_PARAMETER, since what looks like protection must never be silently ignored.
 * Names, types and the range of temperature are documented; the other ranges and all ceilings are ours.
 */
import { z } from "zod"
import type { FieldFault } from "../errors.ts"
import type { ModelSettings, ResponseFormat } from "../graph/model-settings.ts"
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { freeObject, plainText } from "./text.ts"

const shortText = plainText(255)
const idList = z.array(shortText).max(1_000)
const tokens = z.number().int().min(1).max(100_000_000)
const penalty = z.number().min(-2).max(2)

/** A system message: `{role?: "system", content}`, or the older `{type?: "text", text}` or `{texts: [{text}]}`. */
const systemMessage = freeObject(262_144).refine(
  (message) => textOfSystemMessage(message as JsonObject) !== null,
  "must have its text in content, text or texts, and no role but system",
)

const systemTool = z.looseObject({ mode: shortText.nullish() })
const mcpTool = z.looseObject({ server_label: shortText })
const toolConfigurations = z.strictObject({
  system_tools: z.record(shortText, systemTool.nullable()).nullish(),
  mcp_tools: z.array(mcpTool).max(100).nullish(),
  streamline_tools: z.array(shortText).max(100).nullish(),
})

/** How much a model thinks before it answers (documented words). */
export const reasoningLevels = ["off", "low", "medium", "high", "maximum"] as const

const reasoning = z.strictObject({
  effort: z.enum(reasoningLevels).nullish(),
  summary: z.enum(["off", "auto", "concise", "detailed"]).nullish(),
})

/** How a second message is taken while a turn runs (ours). */
export const concurrencyPolicies = ["queue", "reject", "interrupt"] as const

/** Which earlier messages a model call gets (documented words). */
export const contextStrategies = ["auto", "full", "off", "saver"] as const

/** What an answer is made of (documented words). */
export const outputModes = ["text", "plain", "structured"] as const

/** The schema of each setting. Null is no value: it clears. */
export const assistantSettingSchemas = {
  default_model_key: shortText.min(1),
  instructions: plainText(262_144),
  system_message: z.array(systemMessage).max(100),
  temperature: z.number().min(0).max(2),
  top_p: z.number().min(0).max(1),
  frequency_penalty: penalty,
  presence_penalty: penalty,
  logit_bias: z.record(z.string().max(100), z.number().min(-100).max(100)),
  top_logprobs: z.number().int().min(0).max(20),
  seed: z.number().int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER),
  stop_sequences: z.array(shortText.min(1)).max(4),
  max_completion_tokens: tokens,
  parallel_tool_calls: z.boolean(),
  response_format: z.enum(["text", "json_object", "json_schema"]),
  json_schemas: z.array(freeObject(262_144)).max(20),
  reasoning,

  allowed_model_providers: z.array(shortText.min(1)).max(100),
  context_strategy: z.enum(contextStrategies),
  context_window: tokens,
  max_tool_calls: z.number().int().min(0).max(10_000),
  output_mode: z.enum(outputModes),
  streaming: z.boolean(),
  memory_enabled: z.boolean(),
  truncation: z.boolean(),
  store_responses: z.boolean(),
  service_tier: shortText.min(1),
  concurrency_policy: z.enum(concurrencyPolicies),

  avatar_id: shortText,
  icon_id: shortText,
  icon_type: shortText,
  icon_data: plainText(1_000_000),
  is_default: z.boolean(),
  public_enabled: z.boolean(),
  preset_prompts: z.array(plainText(10_000)).max(100),
  metadata: freeObject(65_536),
  text_config: freeObject(65_536),
  instructions_thread_id: shortText,

  tool_configurations: toolConfigurations,
  vector_store_ids: idList,
  rule_ids: idList,
  access_departments: idList,
  access_users: idList,
  editable_by_users: idList,
  editable_by_roles: idList,
  visible_to_roles: idList,
  visible_in_chat_to_users: idList,
  moderation_enabled: z.boolean(),
  safety_level: shortText,
} as const satisfies Record<string, z.ZodType>

/** The name of a setting on the wire. */
export type AssistantSettingName = keyof typeof assistantSettingSchemas

/** Every setting's name, in the order in which the documentation lists them. */
export const assistantSettingNames = Object.keys(assistantSettingSchemas) as readonly AssistantSettingName[]

/** True for the name of a setting. */
export function isAssistantSettingName(name: string): name is AssistantSettingName {
  return Object.hasOwn(assistantSettingSchemas, name)
}

/** What an assistant shows for settings that nobody set and no workflow gives; all others show null. */
export const assistantSettingDefaults: Readonly<Partial<Record<AssistantSettingName, JsonValue>>> = {
  allowed_model_providers: [],
  context_strategy: "auto",
  streaming: true,
  memory_enabled: true,
  truncation: true,
  store_responses: true,
  concurrency_policy: "queue",
  is_default: false,
  public_enabled: false,
  preset_prompts: [],
  metadata: {},
  vector_store_ids: [],
  rule_ids: [],
  access_departments: [],
  access_users: [],
  editable_by_users: [],
  editable_by_roles: [],
  visible_to_roles: [],
  visible_in_chat_to_users: [],
  moderation_enabled: false,
}

const isEmptyList = (value: JsonValue): boolean => Array.isArray(value) && value.length === 0

/** Where a configuration of tools switches one on that is not there yet; null where it does not. */
function findUnsupportedTool(value: JsonValue): string | null {
  if (!isJsonObject(value)) return null
  const { system_tools: systemTools, mcp_tools: mcpTools, streamline_tools: streamlineTools } = value
  if (Array.isArray(mcpTools) && mcpTools.length > 0) return "mcp_tools"
  if (Array.isArray(streamlineTools) && streamlineTools.length > 0) return "streamline_tools"
  if (!isJsonObject(systemTools)) return null
  const name = Object.keys(systemTools).find((key) => {
    const tool = systemTools[key]
    return isJsonObject(tool) && tool.mode !== "off"
  })
  return name === undefined ? null : `system_tools.${name}`
}

/** The values that a setting without support may have. */
const supportedValues: Readonly<Partial<Record<AssistantSettingName, (value: JsonValue) => boolean>>> = {
  tool_configurations: (value) => findUnsupportedTool(value) === null,
  vector_store_ids: isEmptyList,
  rule_ids: isEmptyList,
  access_departments: isEmptyList,
  access_users: isEmptyList,
  editable_by_users: isEmptyList,
  editable_by_roles: isEmptyList,
  visible_to_roles: isEmptyList,
  visible_in_chat_to_users: isEmptyList,
  moderation_enabled: (value) => value === false,
  safety_level: (value) => value === "off" || value === "none",
}

/** The first field (a path in dots) whose value is documented and not supported yet; null where there is none. */
export function findUnsupportedSetting(settings: JsonObject): string | null {
  for (const [name, value] of Object.entries(settings)) {
    if (value === null || !isAssistantSettingName(name)) continue
    if (supportedValues[name]?.(value) ?? true) continue
    return name === "tool_configurations" ? `${name}.${findUnsupportedTool(value)}` : name
  }
  return null
}

/** What is wrong with settings together, where each alone is right. */
export function findSettingFaults(settings: JsonObject): FieldFault[] {
  const schemas = settings.json_schemas
  const hasSchema = Array.isArray(schemas) && schemas.length > 0
  if (settings.response_format !== "json_schema" || hasSchema) return []
  return [{ field: "json_schemas", message: "response_format json_schema needs json_schemas[0]", code: "required" }]
}

/** The text of a system message, or null where it has none or names another role. */
function textOfSystemMessage(message: JsonObject): string | null {
  const { role, content, text, texts } = message
  if (role !== undefined && role !== "system" && role !== "developer") return null
  if (typeof content === "string") return content
  if (typeof text === "string") return text
  const parts = Array.isArray(content) ? content : texts
  if (!Array.isArray(parts)) return null
  const lines = parts.map((part: JsonValue) => (isJsonObject(part) ? part.text : part))
  return lines.every((line) => typeof line === "string") ? lines.join("\n") : null
}

/** The schema that `json_schemas[0]` gives: itself, or its `schema` where it is wrapped with a name (`{name, schema}`). */
function answerSchema(settings: JsonObject): JsonObject | null {
  const first = Array.isArray(settings.json_schemas) ? (settings.json_schemas as readonly JsonValue[])[0] : undefined
  if (!isJsonObject(first)) return null
  return isJsonObject(first.schema) && typeof first.name === "string" ? first.schema : first
}

function responseFormat(settings: JsonObject): ResponseFormat | undefined {
  if (settings.response_format === "text" || settings.response_format === "json_object") {
    return { type: settings.response_format }
  }
  const schema = settings.response_format === "json_schema" ? answerSchema(settings) : null
  return schema === null ? undefined : { type: "json_schema", schema }
}

/** The settings that a model call takes over as they stand, with their names inside. */
const modelFields = {
  default_model_key: "model",
  instructions: "instructions",
  temperature: "temperature",
  top_p: "topP",
  max_completion_tokens: "maxOutputTokens",
  stop_sequences: "stop",
  seed: "seed",
  frequency_penalty: "frequencyPenalty",
  presence_penalty: "presencePenalty",
  logit_bias: "logitBias",
  top_logprobs: "topLogprobs",
  parallel_tool_calls: "parallelToolCalls",
  service_tier: "serviceTier",
} as const satisfies Partial<Record<AssistantSettingName, keyof ModelSettings>>

/**
 * Stored settings as a layer of model settings; what nobody set is absent, so that a lower layer shows through.
 * `reasoningEffort` is the documented word (`off` to `maximum`).
 */
export function toModelSettings(settings: JsonObject): ModelSettings {
  const layer: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(modelFields)) {
    const value = settings[name]
    if (value !== undefined && value !== null) layer[field] = value
  }
  const effort = isJsonObject(settings.reasoning) ? settings.reasoning.effort : undefined
  if (typeof effort === "string") layer.reasoningEffort = effort
  const format = responseFormat(settings)
  if (format !== undefined) layer.responseFormat = format
  return layer as ModelSettings
}

/** What an assistant's settings say about turns, as against single model calls. */
export type TurnPolicy = {
  readonly concurrencyPolicy: (typeof concurrencyPolicies)[number]
  readonly contextStrategy: (typeof contextStrategies)[number]
  /** Tokens that cap the model's own window; null: no cap. */
  readonly contextWindow: number | null
  /** False makes the strategy `auto` behave as `full`. */
  readonly truncation: boolean
  /** Null where nobody said: then the primary node decides. */
  readonly memoryEnabled: boolean | null
  /** False: no tokens go out before the answer is whole. */
  readonly streaming: boolean
  /** Tool calls that one turn may make; null: the engine's own bound. */
  readonly toolCallsMax: number | null
  /** Null where nobody said: plain text. */
  readonly outputMode: (typeof outputModes)[number] | null
  /** False hides new threads from lists, unless the request says `store`. */
  readonly storeResponses: boolean
  /** Providers whose models may answer; null: all. */
  readonly allowedProviders: readonly string[] | null
  /** Further system texts, sent after the system prompt (`system_message`). */
  readonly systemTexts: readonly string[]
}

/** The policy that stored settings make. They have passed their schemas, so that a wrong type here is a bug. */
export function toTurnPolicy(settings: JsonObject): TurnPolicy {
  const own = settings as { readonly [Name in AssistantSettingName]?: z.output<(typeof assistantSettingSchemas)[Name]> }
  const providers = own.allowed_model_providers ?? []
  return {
    concurrencyPolicy: own.concurrency_policy ?? "queue",
    contextStrategy: own.context_strategy ?? "auto",
    contextWindow: own.context_window ?? null,
    truncation: own.truncation ?? true,
    memoryEnabled: own.memory_enabled ?? null,
    streaming: own.streaming ?? true,
    toolCallsMax: own.max_tool_calls ?? null,
    outputMode: own.output_mode ?? null,
    storeResponses: own.store_responses ?? true,
    allowedProviders: providers.length === 0 ? null : providers,
    systemTexts: (own.system_message ?? []).flatMap((message) => textOfSystemMessage(message as JsonObject) ?? []),
  }
}
