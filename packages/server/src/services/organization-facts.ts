/**
 * What turns need to know of an organization's assistants and workflows, kept in memory under its generation.
 *
 * The generation rises with every committed change of what is kept here (see the triggers of the first migration), and
 * the statement that starts a turn compares it: what is stale here is never acted on, it only costs a second look.
 *
 *     ask(generation) ── same as kept ──> from memory
 *                    └── another ──────> everything of the organization is forgotten, then read anew
 *
 * Invariant: a fact is kept under a generation that was read before the fact was; it may be newer than it says, never older.
 */
import type { TurnPolicy } from "@brevet/core/contract/assistant-settings"
import type { ModelSettings } from "@brevet/core/graph/model-settings"
import type { Id } from "@brevet/core/ids"
import type { AssistantRecord } from "../ports/assistant-table.ts"
import type { ProviderRecord } from "../ports/provider-table.ts"
import type { Store } from "../ports/store.ts"
import { assistantOverrides, turnPolicyOf } from "./assistant-turn.ts"
import { judgeVersionOf, newThreadVersion } from "./promotion.ts"

/** Organizations kept at most, and facts of one; beyond that the oldest go. */
const organizationsMax = 1_000
const factsMax = 5_000

/** A version under a link: which node leads. `primaryNode` is its id (or unique name); null where none does. */
export type PinnedVersion = { readonly version: number; readonly primaryNode: string | null }

/** An assistant as its next turn finds it. */
export type AssistantFacts = {
  readonly record: AssistantRecord
  readonly policy: TurnPolicy
  /** Its own settings, which lie over those of the primary node. */
  readonly overrides: ModelSettings
  /** What a new thread is pinned to; null where no version can be promoted. */
  readonly newThread: PinnedVersion | null
}

/** A workflow as its next run finds it. `version`: the newest. */
export type WorkflowFacts = { readonly isActive: boolean; readonly version: number }

/** Reads facts. `generation` is the one under which the caller was judged. */
export interface OrganizationFacts {
  assistant(scope: FactScope, id: Id<"assistant">): Promise<AssistantFacts | null>
  /** Null: the workflow was deleted. */
  workflow(scope: FactScope, id: Id<"workflow">): Promise<WorkflowFacts | null>
  /** What the organization keeps of providers of models. */
  providers(scope: FactScope): Promise<readonly ProviderRecord[]>
  /** The version that a thread is pinned to, under the link of its assistant. */
  version(
    scope: FactScope,
    subject: {
      readonly workflowId: Id<"workflow">
      readonly version: number
      readonly primaryNode: string | null
    },
  ): Promise<PinnedVersion>
}

/** Whose facts, as of which generation. */
export type FactScope = { readonly organizationId: Id<"organization">; readonly generation: number }

type Kept = { readonly generation: number; readonly facts: Map<string, Promise<unknown>> }

/** Facts over a store. */
export function makeOrganizationFacts(store: Store): OrganizationFacts {
  const organizations = new Map<Id<"organization">, Kept>()

  const keep = <Fact>(scope: FactScope, key: string, read: () => Promise<Fact>): Promise<Fact> => {
    const { facts } = keptOf(organizations, scope)
    const known = facts.get(key) as Promise<Fact> | undefined // a key names one type of fact
    if (known !== undefined) return known
    const fact = read()
    facts.set(key, fact)
    forgetOldest(facts, factsMax)
    // What could not be read, or is not there, is asked for again.
    fact.then(
      (value) => value === null && facts.delete(key),
      () => facts.delete(key),
    )
    return fact
  }

  return {
    assistant: (scope, id) => keep(scope, id, () => readAssistant(store, scope.organizationId, id)),
    workflow: (scope, id) =>
      keep(scope, id, async () => {
        const workflow = await store.workflows.find(scope.organizationId, id)
        return workflow === null ? null : { isActive: workflow.isActive, version: workflow.version }
      }),
    providers: (scope) => keep(scope, "providers", () => store.providers.list(scope.organizationId)),
    version: (scope, subject) =>
      keep(scope, `${subject.workflowId}/${subject.version}/${subject.primaryNode ?? ""}`, async () => {
        const judged = await judgeVersionOf(store, subject)
        return { version: subject.version, primaryNode: judged?.primaryNode ?? null }
      }),
  }
}

function keptOf(organizations: Map<Id<"organization">, Kept>, { organizationId, generation }: FactScope): Kept {
  const known = organizations.get(organizationId)
  if (known?.generation === generation) return known
  const fresh: Kept = { generation, facts: new Map() }
  organizations.delete(organizationId)
  organizations.set(organizationId, fresh)
  forgetOldest(organizations, organizationsMax)
  return fresh
}

function forgetOldest(map: Map<unknown, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) return
    map.delete(oldest)
  }
}

async function readAssistant(
  store: Store,
  organizationId: Id<"organization">,
  id: Id<"assistant">,
): Promise<AssistantFacts | null> {
  const record = await store.assistants.find(organizationId, id)
  if (record === null) return null
  const { workflowId, pinnedVersion, primaryNode } = record
  const newThread =
    workflowId === null ? null : await newThreadVersion(store, { workflowId, pinnedVersion, primaryNode })
  return { record, policy: turnPolicyOf(record), overrides: assistantOverrides(record), newThread }
}
