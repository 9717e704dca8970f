/** Models on the wire: the documented list and, in the same object, the shape that OpenAI clients read. */
import { z } from "zod"
import { toIso, toUnixSeconds } from "../time.ts"
import { outputModes, reasoningLevels } from "./assistant-settings.ts"
import { route } from "./route.ts"
import { queryBoolean } from "./text.ts"

/** What is known of a model. Numbers are tokens; null where unknown. */
export type ModelView = {
  readonly id: string
  readonly key: string
  readonly name: string
  readonly provider: string
  readonly description: string
  readonly capabilities: readonly string[]
  readonly contextWindow: number | null
  readonly maxOutputTokens: number | null
  readonly isDeprecated: boolean
  readonly createdAtMs: number
}

const modelAnswer = z.object({
  id: z.string(),
  key: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  provider: z.string(),
  is_visible_in_ui: z.boolean(),
  is_deprecated: z.boolean(),
  availability_status: z.string(),
  capabilities: z.array(z.string()).nullable(),
  context_window: z.number().int().nullable(),
  pricing: z.object({ message: z.string() }).nullable(),
  release_date: z.string().nullable().optional(),
  /** Ours. */
  max_output_tokens: z.number().int().nullable().optional(),
  last_used_at: z.string().nullable().optional(),
})

const openAiModel = z.object({
  id: z.string(),
  object: z.literal("model"),
  created: z.number().int(),
  owned_by: z.string(),
})

const modelListAnswer = z
  .object({
    models: z.array(modelAnswer),
    total_count: z.number().int(),
    object: z.literal("list"),
    data: z.array(openAiModel),
  })
  .meta({ id: "ModelList" })

/** Which parts of each model are shown. */
export type ModelParts = {
  readonly include_pricing: boolean
  readonly include_details: boolean
  readonly include_capabilities: boolean
  readonly include_recent_usage: boolean
}

function presentModel(view: ModelView, parts: ModelParts): z.output<typeof modelAnswer> {
  return {
    id: view.id,
    key: view.key,
    name: view.name,
    description: view.description,
    provider: view.provider,
    is_visible_in_ui: true,
    is_deprecated: view.isDeprecated,
    availability_status: "general_availability",
    capabilities: parts.include_capabilities ? [...view.capabilities] : null,
    context_window: view.contextWindow,
    pricing: parts.include_pricing ? { message: "Billed by the provider" } : null,
    ...(parts.include_details
      ? {
          release_date: view.createdAtMs === 0 ? null : toIso(view.createdAtMs),
          max_output_tokens: view.maxOutputTokens,
        }
      : {}),
    ...(parts.include_recent_usage ? { last_used_at: null } : {}),
  }
}

/** The list in both shapes. */
export function presentModels(views: readonly ModelView[], parts: ModelParts): z.output<typeof modelListAnswer> {
  return {
    models: views.map((view) => presentModel(view, parts)),
    total_count: views.length,
    object: "list",
    data: views.map((view) => ({
      id: view.key,
      object: "model",
      created: toUnixSeconds(view.createdAtMs),
      owned_by: view.provider,
    })),
  }
}

const outputModeTexts: Record<(typeof outputModes)[number], string> = {
  text: "The answer as the model writes it, Markdown included",
  plain: "The answer as plain text",
  structured: "The answer as blocks of content",
}

const reasoningTexts: Record<(typeof reasoningLevels)[number], string> = {
  off: "The model answers without thinking first",
  low: "Little thinking, quick answers",
  medium: "Some thinking",
  high: "Much thinking, slower answers",
  maximum: "As much thinking as the model can do",
}

/** The output modes with their words; the first is the default. */
export const outputModeList = outputModes.map((mode, index) => ({
  mode,
  description: outputModeTexts[mode],
  is_default: index === 0,
}))

/** The levels of reasoning with their words. */
export const reasoningLevelList = reasoningLevels.map((level) => ({
  level,
  description: reasoningTexts[level],
  is_default: level === "off",
}))

const choiceFields = { description: z.string(), is_default: z.boolean() }

/** `GET /v1/models` (documented). */
export const listModelsRoute = route({
  id: "listModels",
  method: "GET",
  path: "/v1/models",
  summary: "List the models",
  description: "The documented list, and in the same object the list that OpenAI clients read.",
  tag: "Models",
  scopes: ["chat"],
  params: {},
  query: z.object({
    ui_models_only: queryBoolean.default(false),
    include_pricing: queryBoolean.default(false),
    include_details: queryBoolean.default(false),
    include_capabilities: queryBoolean.default(true),
    include_deprecated: queryBoolean.default(false),
    include_legacy: queryBoolean.default(false),
    include_recent_usage: queryBoolean.default(false),
  }),
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "The models", schema: modelListAnswer } },
  errors: [],
  idempotency: "none",
})

/** `GET /v1/model/response/output-modes` (documented). */
export const listOutputModesRoute = route({
  id: "listOutputModes",
  method: "GET",
  path: "/v1/model/response/output-modes",
  summary: "List the output modes",
  tag: "Models",
  scopes: [],
  params: {},
  query: z.object({}),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "The output modes",
      schema: z.object({
        success: z.literal(true),
        output_modes: z.array(z.object({ mode: z.string(), ...choiceFields })),
      }),
    },
  },
  errors: [],
  idempotency: "none",
})

/** `GET /v1/model/response/reasoning-levels` (documented). */
export const listReasoningLevelsRoute = route({
  id: "listReasoningLevels",
  method: "GET",
  path: "/v1/model/response/reasoning-levels",
  summary: "List the levels of reasoning",
  tag: "Models",
  scopes: [],
  params: {},
  query: z.object({}),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "The levels",
      schema: z.object({
        success: z.literal(true),
        reasoning_levels: z.array(z.object({ level: z.string(), ...choiceFields })),
      }),
    },
  },
  errors: [],
  idempotency: "none",
})
