/** What an assistant says about its turns and model calls. Its own values only: the nodes' are laid under them. */
import { type TurnPolicy, toModelSettings, toTurnPolicy } from "@brevet/core/contract/assistant-settings"
import type { ModelSettings } from "@brevet/core/graph/model-settings"
import type { AssistantRecord } from "../ports/assistant-table.ts"

export type { TurnPolicy } from "@brevet/core/contract/assistant-settings"

/** The assistant's own settings as a layer over the primary node's and under the request's. Literal, never expressions. */
export function assistantOverrides(assistant: Pick<AssistantRecord, "settings">): ModelSettings {
  return toModelSettings(assistant.settings)
}

/** What the assistant says about turns. */
export function turnPolicyOf(assistant: Pick<AssistantRecord, "settings">): TurnPolicy {
  return toTurnPolicy(assistant.settings)
}
