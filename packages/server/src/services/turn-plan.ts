/**
 * Makes the run of a turn: its first event, its messages and what its row says. Pure, but for the ids that it takes.
 *
 * Messages of a turn stand in its order: what the request says, then the answers. What the request says before its last
 * message is history to the model, as if it had been said in turns of its own.
 */

import type { HistoryMessage, Summary } from "@brevet/core/graph/conversation"
import { chatItems } from "@brevet/core/graph/entry"
import type { ContextPolicy, RunCreated, Turn } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import { layerSettings } from "@brevet/core/graph/model-settings"
import { plainNodeId } from "@brevet/core/graph/plain-graph"
import type { Id, IdSource } from "@brevet/core/ids"
import type { IdempotencyMark, MessageWrite, ThreadWrite } from "../ports/owner.ts"
import type { NewRun } from "../ports/runs.ts"
import type { MessagePlace, TurnBasis } from "../ports/turn-table.ts"
import { turnShapeOf } from "./graphs.ts"
import type { TurnMessage, TurnRequest } from "./turn-request.ts"
import type { TurnSubject } from "./turn-subject.ts"

/** Everything that a turn's run is made of. */
export type TurnParts = {
  readonly request: TurnRequest
  readonly subject: TurnSubject
  readonly graph: Graph
  /** The thread as it was found; null: the turn makes one. */
  readonly basis: TurnBasis | null
  /** The place from which on messages are removed. */
  readonly removes: MessagePlace | null
  /** No message of the thread stands before the turn. */
  readonly isFirst: boolean
  readonly replacesFailed: boolean
  /** Turns after this one are left out of the context. */
  readonly throughTurn: number | null
  /** The versions of called assistants that hold in this thread (JSON). */
  readonly pins: string | null
  readonly history: readonly HistoryMessage[]
  readonly summary: Summary | null
}

/** Who asks, when, and with which ids. */
export type TurnOccasion = {
  readonly organizationId: Id<"organization">
  /** Whose thread it is; null: nobody's, of a called assistant. */
  readonly userId: Id<"user"> | null
  readonly traceId: string
  readonly generation: number
  readonly atMs: number
  readonly seed: number
  readonly ids: IdSource
  readonly idempotency: IdempotencyMark | null
  /** How many runs called each other to get here, and who called. */
  readonly depth: number
  readonly parent: { readonly runId: Id<"run">; readonly thread: ThreadWrite["parent"] } | null
  readonly runId: Id<"run">
}

/** A turn ready to start. */
export type PlannedTurn = {
  readonly run: NewRun
  readonly threadId: Id<"thread">
  readonly responseId: Id<"response">
  readonly userMessageId: Id<"message">
}

/** Makes the run. */
export function planTurn(parts: TurnParts, occasion: TurnOccasion): PlannedTurn {
  const { basis, request, subject, graph } = parts
  const said = saidNow(parts)
  const threadId = basis?.threadId ?? occasion.ids.next("thread")
  const responseId = occasion.ids.next("response")
  const number = (basis?.turn ?? 0) + 1
  const messages = said.stored.map((message, ordinal) => messageOf(message, { ordinal, request, said, occasion }))
  const question = messages.at(-1)
  if (question === undefined) throw new Error("a turn without a message")
  const shape = turnShapeOf(graph, subject.workflow === null ? plainNodeId : subject.workflow.primaryNode)
  const turn: Turn = {
    threadId,
    responseId,
    userMessageId: question.id,
    assistantId: subject.assistant?.record.id ?? null,
    number,
    messageOrdinal: question.ordinal,
    primaryNode: shape.primaryNode,
    ...turnSettings(parts, said),
    maxToolCalls: subject.assistant?.policy.toolCallsMax ?? null,
    // `streaming: false` of the assistant holds the text back until it is whole.
    streaming: subject.assistant?.policy.streaming === false ? [] : shape.streaming,
  }
  const text = said.stored.at(-1)?.text ?? ""
  const created: RunCreated = {
    type: "run-created",
    v: 1,
    at: occasion.atMs,
    traceId: occasion.traceId,
    mode: "chat",
    workflowId: subject.workflow?.id ?? null,
    workflowVersion: subject.workflow?.version ?? null,
    start: shape.start ?? "",
    items: chatItems({ sessionId: threadId, text, metadata: request.metadata }),
    seed: occasion.seed,
    depth: occasion.depth,
    turn,
  }
  const earlier = said.stored
    .slice(0, -1)
    .map(({ role, text: earlierText }) => ({ turn: number, role, text: earlierText }))
  const run: NewRun = {
    runId: occasion.runId,
    graph,
    created,
    messages,
    history: { messages: [...parts.history, ...earlier], summary: parts.summary },
    start: {
      organizationId: occasion.organizationId,
      generation: occasion.generation,
      requestHash: request.digest,
      workflowId: subject.workflow?.id ?? null,
      workflowVersion: subject.workflow?.version ?? null,
      assistantId: subject.assistant?.record.id ?? null,
      parentRunId: occasion.parent?.runId ?? null,
      retryOf: null,
      responseId,
      mode: "chat",
      thread: threadWrite(parts, occasion, threadId),
      idempotency: occasion.idempotency,
      createdAtMs: occasion.atMs,
    },
  }
  return { run, threadId, responseId, userMessageId: question.id }
}

type SaidNow = { readonly stored: readonly TurnMessage[]; readonly systemTexts: readonly string[] }

/**
 * What of the request is new. In a new thread all of it; in one with messages what comes after the request's last answer
 * (what is before it is known), and system texts count for this turn alone.
 */
function saidNow({ request: { inputs }, isFirst }: TurnParts): SaidNow {
  if (isFirst) return { stored: inputs, systemTexts: [] }
  const fresh = inputs.slice(inputs.findLastIndex(({ role }) => role === "assistant") + 1)
  return {
    stored: fresh.filter(({ role }) => role !== "system"),
    systemTexts: fresh.filter(({ role }) => role === "system").map(({ text }) => text),
  }
}

function messageOf(
  message: TurnMessage,
  place: {
    readonly ordinal: number
    readonly request: TurnRequest
    readonly said: SaidNow
    readonly occasion: TurnOccasion
  },
): MessageWrite {
  const { ordinal, request, said, occasion } = place
  const isQuestion = ordinal === said.stored.length - 1
  const hasMetadata = isQuestion && Object.keys(request.metadata).length > 0
  return {
    id: occasion.ids.next("message"),
    ordinal,
    role: message.role,
    content: JSON.stringify(message.text),
    metadata: hasMetadata ? JSON.stringify(request.metadata) : null,
    isFailed: false,
    createdAtMs: occasion.atMs,
  }
}

const plainInstruction = "Answer in plain text, without Markdown."

/** What holds for this turn: the request's values over the assistant's; where nobody answers but a model, the request's. */
function turnSettings(
  { request, subject, throughTurn }: TurnParts,
  said: SaidNow,
): Pick<Turn, "overlay" | "systemTexts" | "memory" | "context" | "allowedProviders" | "plainText"> {
  const policy = subject.assistant?.policy ?? null
  const isPlain = (request.outputMode ?? policy?.outputMode ?? "text") === "plain"
  const context: ContextPolicy = {
    strategy: contextStrategy(policy),
    windowTokensMax: policy?.contextWindow ?? null,
    throughTurn,
  }
  return {
    overlay: layerSettings(request.settings, subject.assistant?.overrides ?? {}),
    systemTexts: [...(policy?.systemTexts ?? []), ...said.systemTexts, ...(isPlain ? [plainInstruction] : [])],
    memory: policy?.memoryEnabled ?? true,
    context,
    allowedProviders: policy?.allowedProviders ?? null,
    plainText: isPlain,
  }
}

type Policy = NonNullable<TurnSubject["assistant"]>["policy"]

function contextStrategy(policy: Policy | null): ContextPolicy["strategy"] {
  const strategy = policy?.contextStrategy ?? "auto"
  return strategy === "auto" && policy?.truncation === false ? "full" : strategy
}

function threadWrite(parts: TurnParts, occasion: TurnOccasion, threadId: Id<"thread">): ThreadWrite {
  const { basis, subject, request, removes, replacesFailed } = parts
  return {
    id: threadId,
    expectedRevision: basis?.revision ?? null,
    userId: occasion.userId,
    assistantId: subject.assistant?.record.id ?? null,
    pinnedWorkflowId: subject.workflow?.id ?? null,
    pinnedVersion: subject.workflow?.version ?? null,
    workflowTag: request.workflowTag,
    plain: subject.workflow === null,
    pins: parts.pins,
    metadata: "{}",
    visible: occasion.parent === null && (request.store ?? subject.assistant?.policy.storeResponses ?? true),
    removes,
    replacesFailed,
    parent: occasion.parent?.thread ?? null,
  }
}
