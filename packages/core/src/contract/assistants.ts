/**
 * Assistants on the wire: what a client may send, the three shapes that are given back (documented: summary, standard,
 * full), and the conversions. A setting is shown with its effective value: the assistant's own, else the one inherited
 * from the version of its workflow that a new thread gets, else its default. Times are Unix seconds (documented).
 */
import { z } from "zod"
import type { JsonObject, JsonValue } from "../json.ts"
import { toUnixSeconds } from "../time.ts"
import {
  type AssistantSettingName,
  assistantSettingDefaults,
  assistantSettingNames,
  assistantSettingSchemas,
} from "./assistant-settings.ts"
import { descriptionText, nameText } from "./text.ts"

/** Each setting may be absent or null. */
type NullishSettings = {
  [Name in AssistantSettingName]: z.ZodOptional<z.ZodNullable<(typeof assistantSettingSchemas)[Name]>>
}
const nullishSettings = Object.fromEntries(
  assistantSettingNames.map((name) => [name, assistantSettingSchemas[name].nullish()]),
) as unknown as NullishSettings // fromEntries forgets which schema belongs to which name

/** Who may see an assistant (documented). */
export const accessModes = ["private", "organization", "public"] as const

const switches = {
  access_mode: z.enum(accessModes).nullish(),
  is_active: z.boolean().nullish(),
  api_enabled: z.boolean().nullish(),
}

/** The body of a creation. */
export const assistantCreateBody = z
  .strictObject({
    name: nameText,
    organization_id: z.string(),
    description: descriptionText.nullish(),
    ...switches,
    ...nullishSettings,
  })
  .meta({ id: "AssistantCreate" })

/** The body of an update: absent fields stay, null returns a setting to inherited or not set. */
export const assistantUpdateBody = z
  .strictObject({
    name: nameText.optional(),
    description: descriptionText.nullish(),
    ...switches,
    ...nullishSettings,
    assistant_metadata: assistantSettingSchemas.metadata.nullish(),
    workflow_version: z.number().int().min(1).max(2_147_483_647).nullish(),
  })
  .meta({ id: "AssistantUpdate" })

/** A parsed update. */
export type AssistantUpdate = z.output<typeof assistantUpdateBody>

/** A parsed creation. */
export type AssistantCreation = z.output<typeof assistantCreateBody>

/** What an assistant's workflow gives it at the moment. */
export type AssistantWorkflowView = {
  readonly id: string
  /** The version that a new thread gets; null where none can be promoted any more. */
  readonly version: number | null
  readonly latestVersion: number
  /** Findings of the newest version, and why it cannot be promoted where it cannot. */
  readonly findings: readonly JsonValue[]
  /** Settings that the primary node gives, by their wire names. */
  readonly inherited: JsonObject
}

/** All that is needed to show an assistant in a list. */
export type ListedAssistantView = Omit<AssistantView, "workflow"> & {
  readonly workflow: Pick<AssistantWorkflowView, "id" | "version" | "inherited"> | null
}

/** All that is needed to show an assistant. */
export type AssistantView = {
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly description: string | null
  readonly settings: JsonObject
  readonly accessMode: (typeof accessModes)[number]
  readonly isActive: boolean
  readonly apiEnabled: boolean
  readonly createdBy: string | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly deletedAtMs: number | null
  readonly workflow: AssistantWorkflowView | null
}

const summaryShape = {
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  icon_id: z.string().nullable(),
  icon_url: z.string().nullable(),
  icon_type: z.string().nullable(),
  icon_data: z.string().nullable(),
  is_default: z.boolean(),
  created_at: z.number().int(),
  updated_at: z.number().int(),
  access_mode: z.enum(accessModes),
  api_enabled: z.boolean(),
  is_active: z.boolean(),
  temperature: z.number(),
  user_access_level: z.string(),
  workflow_id: z.string().nullable(),
  workflow_version: z.number().int().nullable(),
  workflow_based: z.boolean(),
}

/** A list item of `fields=summary`. */
export const assistantSummary = z.object(summaryShape)

/** A list item of `fields=standard`. */
export const assistantStandard = z.object({
  ...summaryShape,
  default_model_key: z.string(),
  allowed_model_providers: z.array(z.string()).nullable(),
  context_strategy: z.string(),
})

/** The whole assistant. */
export const assistantAnswer = z
  .object({
    ...(Object.fromEntries(assistantSettingNames.map((name) => [name, z.unknown()])) as Record<
      AssistantSettingName,
      z.ZodUnknown
    >),
    id: z.string(),
    organization_id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    access_mode: z.enum(accessModes),
    is_active: z.boolean(),
    api_enabled: z.boolean(),
    created_by: z.string(),
    created_at: z.number().int(),
    updated_at: z.number().int(),
    deleted_at: z.number().int().nullable(),
    icon_url: z.string().nullable(),
    user_access_level: z.string(),
    tool_capabilities: z.record(z.string(), z.unknown()).nullable(),
    workflow_id: z.string().nullable(),
    workflow_version: z.number().int().nullable(),
    workflow_based: z.boolean(),
    workflow_latest_version: z.number().int().nullable(),
    workflow_findings: z.array(z.unknown()),
    inherited: z.array(z.string()),
  })
  .meta({ id: "Assistant" })

const isSet = (value: JsonValue | undefined): value is JsonValue => value !== undefined && value !== null

/** The fields whose value comes from the workflow: it gives them, and nobody set them on the assistant. */
function inheritedFields(view: AssistantView): AssistantSettingName[] {
  const given = view.workflow?.inherited ?? {}
  return assistantSettingNames.filter((name) => isSet(given[name]) && !isSet(view.settings[name]))
}

/** The effective value of every setting; null where there is none. */
export function effectiveSettings(view: ListedAssistantView): Record<AssistantSettingName, JsonValue> {
  const pairs = assistantSettingNames.map((name) => [
    name,
    view.settings[name] ?? view.workflow?.inherited[name] ?? assistantSettingDefaults[name] ?? null,
  ])
  return Object.fromEntries(pairs) as Record<AssistantSettingName, JsonValue>
}

function presentWorkflow(view: ListedAssistantView) {
  return {
    workflow_id: view.workflow?.id ?? null,
    workflow_version: view.workflow?.version ?? null,
    workflow_based: view.workflow !== null,
  }
}

/** The whole assistant as documented. */
export function presentAssistant(view: AssistantView): JsonObject {
  return {
    id: view.id,
    organization_id: view.organizationId,
    name: view.name,
    description: view.description,
    ...effectiveSettings(view),
    access_mode: view.accessMode,
    is_active: view.isActive,
    api_enabled: view.apiEnabled,
    created_by: view.createdBy ?? "system",
    created_at: toUnixSeconds(view.createdAtMs),
    updated_at: toUnixSeconds(view.updatedAtMs),
    deleted_at: view.deletedAtMs === null ? null : toUnixSeconds(view.deletedAtMs),
    icon_url: null,
    user_access_level: "owner",
    tool_capabilities: null,
    ...presentWorkflow(view),
    workflow_latest_version: view.workflow?.latestVersion ?? null,
    workflow_findings: view.workflow?.findings ?? [],
    inherited: inheritedFields(view),
  }
}

/** What a summary shows for the temperature where nobody set one (documented: always a number). */
const temperatureShown = 0.7

/** A list item of `fields=summary`. */
export function presentAssistantSummary(view: ListedAssistantView): JsonObject {
  const { icon_id, icon_type, icon_data, is_default, temperature } = effectiveSettings(view)
  return {
    id: view.id,
    name: view.name,
    description: view.description,
    icon_id,
    icon_url: null,
    icon_type,
    icon_data,
    is_default,
    created_at: toUnixSeconds(view.createdAtMs),
    updated_at: toUnixSeconds(view.updatedAtMs),
    access_mode: view.accessMode,
    api_enabled: view.apiEnabled,
    is_active: view.isActive,
    temperature: typeof temperature === "number" ? temperature : temperatureShown,
    user_access_level: "owner",
    ...presentWorkflow(view),
  }
}

/** A list item of `fields=standard`. `defaultModel` is the server's default model key, shown where none is set. */
export function presentAssistantStandard(view: ListedAssistantView, defaultModel: string): JsonObject {
  const { default_model_key, allowed_model_providers, context_strategy } = effectiveSettings(view)
  return {
    ...presentAssistantSummary(view),
    default_model_key: typeof default_model_key === "string" ? default_model_key : defaultModel,
    allowed_model_providers,
    context_strategy: typeof context_strategy === "string" ? context_strategy : "auto",
  }
}
