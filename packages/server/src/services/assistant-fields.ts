/**
 * From what a client sends to what is stored: which settings somebody set, which fields a change alters, and what the
 * audit row says about it. Pure.
 */
import {
  assistantSettingNames,
  findSettingFaults,
  findUnsupportedSetting,
} from "@brevet/core/contract/assistant-settings"
import type { AssistantCreation, AssistantUpdate } from "@brevet/core/contract/assistants"
import { invalidFields, Refusal } from "@brevet/core/errors"
import { type JsonObject, type JsonValue, jsonEqual } from "@brevet/core/json"
import type { AssistantFields, AssistantRecord } from "../ports/assistant-table.ts"
import type { AuditChange } from "../ports/audit-table.ts"

/**
 * The settings of a body by their wire names; null stands for "clear". Throws UNSUPPORTED_PARAMETER for what is documented
 * and not there yet, and VALIDATION_ERROR where the two names of the metadata disagree.
 */
export function readSettings(body: AssistantCreation | AssistantUpdate): JsonObject {
  const given: Record<string, JsonValue> = {}
  for (const name of assistantSettingNames) {
    const value = body[name] as JsonValue | undefined // parsed JSON: what its schema let through
    if (value !== undefined) given[name] = value
  }
  const alias = "assistant_metadata" in body ? (body.assistant_metadata as JsonValue | undefined) : undefined
  if (alias !== undefined) {
    if (given.metadata !== undefined && !jsonEqual(given.metadata, alias)) {
      const message = "differs from metadata, which is the same field"
      throw invalidFields([{ field: "assistant_metadata", message, code: "conflict" }])
    }
    given.metadata = alias
  }
  const field = findUnsupportedSetting(given)
  if (field !== null) throw new Refusal("UNSUPPORTED_PARAMETER", { details: { field } })
  return given
}

/** Settings after a change: null removes, the rest is laid over. Throws VALIDATION_ERROR where they do not fit together. */
export function mergeSettings(stored: JsonObject, given: JsonObject): JsonObject {
  const merged: Record<string, JsonValue> = { ...stored }
  for (const [name, value] of Object.entries(given)) {
    if (value === null) delete merged[name]
    else merged[name] = value
  }
  const faults = findSettingFaults(merged)
  if (faults.length > 0) throw invalidFields(faults)
  return merged
}

/** The stored fields that an update alters; empty where it says what is there already. */
export function changedFields(stored: AssistantRecord, update: AssistantUpdate): Partial<AssistantFields> {
  const settings = mergeSettings(stored.settings, readSettings(update))
  const wanted: Partial<AssistantFields> = {
    ...(update.name === undefined ? {} : { name: update.name }),
    ...(update.description === undefined ? {} : { description: update.description }),
    ...(update.access_mode === undefined ? {} : { accessMode: update.access_mode ?? "private" }),
    ...(update.is_active === undefined ? {} : { isActive: update.is_active ?? true }),
    ...(update.api_enabled === undefined ? {} : { apiEnabled: update.api_enabled ?? true }),
    ...(update.workflow_version === undefined ? {} : { pinnedVersion: update.workflow_version }),
  }
  const changed = Object.entries(wanted).filter(([name, value]) => stored[name as keyof AssistantFields] !== value)
  return {
    ...(Object.fromEntries(changed) as Partial<AssistantFields>),
    ...(jsonEqual(settings, stored.settings) ? {} : { settings }),
  }
}

/** What an assistant's own fields are on the wire, for comparison. Inherited values are not its own. */
function ownFields(assistant: AssistantFields): JsonObject {
  return {
    name: assistant.name,
    description: assistant.description,
    access_mode: assistant.accessMode,
    is_active: assistant.isActive,
    api_enabled: assistant.apiEnabled,
    workflow_id: assistant.workflowId,
    workflow_version: assistant.pinnedVersion,
    ...assistant.settings,
  }
}

/** The fields that differ, by their wire names, for an audit row. `before` is null for a creation. */
export function auditChanges(before: AssistantFields | null, after: AssistantFields): AuditChange[] {
  const old = before === null ? {} : ownFields(before)
  const now = ownFields(after)
  const fields = [...new Set([...Object.keys(old), ...Object.keys(now)])]
  return fields
    .map((field) => ({ field, oldValue: old[field] ?? null, newValue: now[field] ?? null }))
    .filter(({ oldValue, newValue }) => !jsonEqual(oldValue, newValue))
}
