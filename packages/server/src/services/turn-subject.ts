/**
 * Who answers a turn: the assistant, the version of its workflow that the thread is pinned to, or the assistant alone
 * (the HTTP contract, §3.3 and §5 "thread", "version").
 *
 *     thread            pinned ──> that version, whatever became of the link since; the assistant alone once it is deleted
 *                       plain, or with messages and not pinned ──> the assistant alone
 *                       new ──> the version that new threads get
 *     no assistant ──> a plain model call
 */
import { Refusal } from "@brevet/core/errors"
import { type Id, isId } from "@brevet/core/ids"
import type { TurnBasis } from "../ports/turn-table.ts"
import type { AssistantFacts, FactScope, OrganizationFacts } from "./organization-facts.ts"
import type { TurnPins } from "./turn-pins.ts"

/** Who answers. `workflow` null: nobody but the assistant, or the model alone where `assistant` is null too. */
export type TurnSubject = {
  readonly assistant: AssistantFacts | null
  readonly workflow: {
    readonly id: Id<"workflow">
    readonly version: number
    /** The id (or unique name) of the node that leads; null where none does. */
    readonly primaryNode: string | null
  } | null
}

/**
 * What is asked: the assistant that the request names, the thread as it was found, and versions that were fixed for new
 * threads before (those of called assistants). `isInternal`: a node of a workflow asks, and no key.
 */
export type SubjectQuery = {
  readonly assistantId: string | null
  readonly basis: TurnBasis | null
  readonly pins?: TurnPins | null
  readonly isInternal?: boolean
}

/**
 * Finds who answers. Throws THREAD_ASSISTANT_LOCKED, ASSISTANT_NOT_FOUND, ASSISTANT_INACTIVE, ASSISTANT_API_DISABLED,
 * WORKFLOW_INACTIVE, and FREDDY_LLM_NODE_REQUIRED where no version can answer.
 */
export async function findSubject(
  facts: OrganizationFacts,
  scope: FactScope,
  { assistantId, basis, pins = null, isInternal = false }: SubjectQuery,
): Promise<TurnSubject> {
  const hasMessages = basis !== null && basis.messageCount > 0
  const wanted = assistantId ?? basis?.assistantId ?? null
  const assistant = wanted === null ? null : await findAssistant(facts, scope, wanted)
  if (assistant?.record.apiEnabled === false && !isInternal) {
    throw new Refusal("ASSISTANT_API_DISABLED", { details: { assistant_id: wanted } })
  }
  if (hasMessages && assistantId !== null && assistantId !== basis.assistantId) {
    throw new Refusal("THREAD_ASSISTANT_LOCKED", {
      details: { thread_id: basis.threadId, assistant_id: basis.assistantId },
    })
  }
  if (wanted === null || assistant === null) return { assistant: null, workflow: null }
  if (!assistant.record.isActive) throw new Refusal("ASSISTANT_INACTIVE", { details: { assistant_id: wanted } })
  // What was fixed with the calling conversation goes first: where that is moved, what it calls moves with it.
  const fixed = pins?.[wanted]
  if (fixed === null) return { assistant, workflow: null }
  const own = basis !== null && basis.assistantId === wanted ? basis.pinnedWorkflow : null
  const pinned = fixed === undefined ? own : { id: fixed.workflowId, version: fixed.version }
  if (pinned !== null) return { assistant, workflow: await pinnedWorkflow(facts, scope, { assistant, pinned }) }
  if (hasMessages || basis?.plain === true) return { assistant, workflow: null }
  return { assistant, workflow: await newThreadWorkflow(facts, scope, assistant) }
}

/** Throws ASSISTANT_NOT_FOUND. */
async function findAssistant(facts: OrganizationFacts, scope: FactScope, id: string): Promise<AssistantFacts> {
  const assistant = isId("assistant", id) ? await facts.assistant(scope, id) : null
  if (assistant === null) throw new Refusal("ASSISTANT_NOT_FOUND", { details: { assistant_id: id } })
  return assistant
}

async function pinnedWorkflow(
  facts: OrganizationFacts,
  scope: FactScope,
  { assistant, pinned }: { assistant: AssistantFacts; pinned: NonNullable<TurnBasis["pinnedWorkflow"]> },
): Promise<TurnSubject["workflow"]> {
  if (!(await isLiving(facts, scope, pinned.id))) return null
  const { workflowId, primaryNode } = assistant.record
  // Once the assistant has another workflow, or none, its link says nothing about this one any more.
  const linked = workflowId === pinned.id ? primaryNode : null
  const judged = await facts.version(scope, {
    workflowId: pinned.id,
    version: pinned.version,
    primaryNode: linked,
  })
  return { id: pinned.id, version: pinned.version, primaryNode: judged.primaryNode }
}

async function newThreadWorkflow(
  facts: OrganizationFacts,
  scope: FactScope,
  { record, newThread }: AssistantFacts,
): Promise<TurnSubject["workflow"]> {
  const { workflowId } = record
  if (workflowId === null || !(await isLiving(facts, scope, workflowId))) return null
  if (newThread === null) {
    throw new Refusal("FREDDY_LLM_NODE_REQUIRED", {
      message: "No version of this assistant's workflow can answer.",
      systemMessage: "GET /v1/assistants/{assistant_id}/promotion says why",
      details: { workflow_id: workflowId },
    })
  }
  return { id: workflowId, ...newThread }
}

/** False once the workflow is deleted. Throws WORKFLOW_INACTIVE. */
async function isLiving(facts: OrganizationFacts, scope: FactScope, id: Id<"workflow">): Promise<boolean> {
  const workflow = await facts.workflow(scope, id)
  if (workflow === null) return false
  if (!workflow.isActive) throw new Refusal("WORKFLOW_INACTIVE", { details: { workflow_id: id } })
  return true
}
