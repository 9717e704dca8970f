/** What an assistant looks like from outside: its own row, and what the version of its workflow gives it at the moment. */
import { isAssistantSettingName } from "@brevet/core/contract/assistant-settings"
import type { AssistantView, AssistantWorkflowView } from "@brevet/core/contract/assistants"
import type { PromotionReport } from "@brevet/core/graph/report"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { AssistantRecord } from "../ports/assistant-table.ts"
import type { Store } from "../ports/store.ts"
import { newThreadVersion } from "./promotion.ts"

/** The settings that a report takes over from the primary node, by their wire names. */
export function inheritedSettings(report: PromotionReport): JsonObject {
  const pairs = report.settings.filter(({ field, value }) => isAssistantSettingName(field) && value !== null)
  return Object.fromEntries(pairs.map(({ field, value }) => [field, value]))
}

/** The findings of a report, and before them why it says no. */
function findingsOf(report: PromotionReport): JsonValue[] {
  const findings = report.findings as unknown as JsonValue[] // JSON by its type, but for optional fields
  if (report.error === undefined) return findings
  const { code, message } = report.error
  return [{ severity: "error", code, message }, ...findings]
}

async function viewWorkflow(store: Store, assistant: AssistantRecord): Promise<AssistantWorkflowView | null> {
  const { workflowId, pinnedVersion, primaryNode } = assistant
  if (workflowId === null) return null
  const workflow = await store.workflows.find(assistant.organizationId, workflowId)
  if (workflow === null) return null
  const given = await newThreadVersion(store, { workflowId, pinnedVersion, primaryNode })
  const newest = await store.workflows.findVersion(workflowId, workflow.version)
  return {
    id: workflowId,
    version: given?.version ?? null,
    latestVersion: workflow.version,
    findings: newest === null ? [] : findingsOf(newest.report),
    inherited: given === null ? {} : inheritedSettings(given.report),
  }
}

/** The whole view of an assistant. */
export async function viewAssistant(store: Store, assistant: AssistantRecord): Promise<AssistantView> {
  const { settings, revision: _revision, ...shown } = assistant
  return { ...shown, settings, workflow: await viewWorkflow(store, assistant) }
}
