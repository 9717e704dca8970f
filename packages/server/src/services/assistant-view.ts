/** What an assistant looks like from outside: its own row, and what the version of its workflow gives it at the moment. */
import { isAssistantSettingName } from "@brevet/core/contract/assistant-settings"
import type { AssistantView, AssistantWorkflowView, ListedAssistantView } from "@brevet/core/contract/assistants"
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

type ListedWorkflow = ListedAssistantView["workflow"]

/** What lists show of the link. A deleted workflow has no link any more, so that its row need not be read. */
async function viewListedWorkflow(store: Store, assistant: AssistantRecord): Promise<ListedWorkflow> {
  const { workflowId, pinnedVersion, primaryNode } = assistant
  if (workflowId === null) return null
  const given = await newThreadVersion(store, { workflowId, pinnedVersion, primaryNode })
  const inherited = given === null ? {} : inheritedSettings(given.report)
  return { id: workflowId, version: given?.version ?? null, inherited }
}

async function viewWorkflow(store: Store, assistant: AssistantRecord): Promise<AssistantWorkflowView | null> {
  const { workflowId, organizationId } = assistant
  const workflow = workflowId === null ? null : await store.workflows.find(organizationId, workflowId)
  const listed = await viewListedWorkflow(store, assistant)
  if (workflow === null || listed === null) return null
  const newest = await store.workflows.findVersion(workflow.id, workflow.version)
  const findings = newest === null ? [] : findingsOf(newest.report)
  return { ...listed, latestVersion: workflow.version, findings }
}

/** The whole view of an assistant. */
export async function viewAssistant(store: Store, assistant: AssistantRecord): Promise<AssistantView> {
  return { ...assistant, workflow: await viewWorkflow(store, assistant) }
}

/** What lists show of an assistant. */
export async function viewListedAssistant(store: Store, assistant: AssistantRecord): Promise<ListedAssistantView> {
  return { ...assistant, workflow: await viewListedWorkflow(store, assistant) }
}
