/**
 * Calls of assistants by nodes of workflows: a turn of the called assistant, in a hidden conversation of its own per
 * calling conversation and node (the workflow language, §6 "References"). Called without a conversation, each call has
 * a conversation of its own.
 */
import { type CauseCode, Refusal } from "@brevet/core/errors"
import { noHistory } from "@brevet/core/graph/conversation"
import { isId } from "@brevet/core/ids"
import type { AssistantCall, AssistantCalls, CallRefused } from "../ports/assistant-calls.ts"
import type { Ports } from "../ports/context.ts"
import type { HistoryPlace } from "../ports/history.ts"
import type { TurnBasis } from "../ports/turn-table.ts"
import { seedOf } from "./new-run.ts"
import { parsePins } from "./turn-pins.ts"
import { planTurn } from "./turn-plan.ts"
import type { TurnRequest } from "./turn-request.ts"
import { findSubject } from "./turn-subject.ts"
import type { TurnPorts } from "./turns.ts"

/** How often a call is looked at again before it is given up: each time something about it has changed. */
const attemptsMax = 10

/** How long a run is given to end before something that waits for it goes on (milliseconds; E11). */
const endingMs = 2_000

/** Makes the calls. */
export function makeAssistantCalls(ports: Ports, turnPorts: TurnPorts): AssistantCalls {
  return {
    async start(call) {
      if (!isId("assistant", call.assistantId)) return notFound(call)
      try {
        for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
          if ((await ports.store.runs.find(call.organizationId, call.runId)) !== null) return null
          if (await begin(ports, turnPorts, call)) return null
        }
        return { code: "ASSISTANT_NOT_CALLABLE", message: "The called assistant is busy with this conversation." }
      } catch (error) {
        if (error instanceof Refusal && error.status < 500) return refusedFor(error)
        throw error
      }
    },
    async end(runId, cause) {
      ports.runs.endMarked(await ports.store.runs.markCancelled({ runId }, cause))
      await ports.runs.waitForEnd(runId, { waitMs: endingMs })
    },
  }
}

/** True once the call's run is under way; false where something about it has changed meanwhile. */
async function begin(ports: Ports, turnPorts: TurnPorts, call: AssistantCall): Promise<boolean> {
  const { store } = ports
  const { organizationId, parent } = call
  const generation = await store.organizations.findGeneration(organizationId)
  if (generation === null) throw new Error("a run of an organization that does not exist")
  const scope = { organizationId, generation }
  const calling = parent.threadId === null ? null : await store.turns.findBasis(organizationId, parent.threadId)
  const place = calling === null ? null : { threadId: calling.threadId, node: childNode(call) }
  const basis = place === null ? null : await store.turns.findChild(place)
  if (basis !== null && basis.activeRun !== null) {
    // A turn of this conversation that was cancelled, and its call with it.
    await ports.runs.waitForEnd(basis.activeRun, { waitMs: endingMs })
    return false
  }
  const pins = calling?.pins ?? basis?.pins ?? null
  const query = { assistantId: call.assistantId, basis, pins: parsePins(pins), isInternal: true }
  const subject = await findSubject(turnPorts.facts, scope, query)
  const graph = await turnPorts.graphs.load(subject.workflow?.id ?? null, subject.workflow?.version ?? null)
  const history = basis === null ? noHistory : await store.history.read(endOf(basis))
  const parts = {
    request: requestOf(call),
    subject,
    graph,
    basis,
    pins,
    removes: null,
    isFirst: basis === null || basis.messageCount === 0,
    replacesFailed: false,
    throughTurn: null,
    history: history.messages,
    summary: history.summary,
  }
  const { run } = planTurn(parts, {
    organizationId,
    userId: null,
    traceId: call.traceId,
    generation,
    atMs: ports.clock.nowMs(),
    seed: seedOf(call.runId),
    ids: ports.ids,
    idempotency: null,
    depth: parent.depth,
    parent: { runId: parent.runId, thread: place },
    runId: call.runId,
  })
  return (await ports.runs.start(run, { commit: "effect" })) !== null
}

/** A node may call another assistant each time; each has a conversation of its own with it. */
function childNode({ parent, assistantId }: AssistantCall): string {
  return `${parent.node} ${assistantId}`
}

function endOf({ threadId, turn }: TurnBasis): HistoryPlace {
  return { threadId, turn: turn + 1, ordinal: 0 }
}

function requestOf({ assistantId, message }: AssistantCall): TurnRequest {
  return {
    inputs: [{ role: "user", text: message }],
    threadId: null,
    assistantId,
    workflowTag: null,
    settings: {},
    metadata: {},
    store: false,
    outputMode: null,
    place: null,
    digest: null,
  }
}

function notFound({ assistantId }: AssistantCall): CallRefused {
  return { code: "ASSISTANT_NOT_CALLABLE", message: `There is no assistant with the id '${assistantId}'.` }
}

function refusedFor(error: Refusal): CallRefused {
  const code: CauseCode = "ASSISTANT_NOT_CALLABLE"
  return { code, message: `The assistant cannot be called: ${error.message}` }
}
