/**
 * What a memory node holds for the node that it serves. A primary node's memory whose session is the thread gives the
 * thread's own messages, which the server keeps anyway; every other session has turns of its own (the workflow language, §6
 * "History").
 */
import { prepareMemory } from "@brevet/core/graph/kinds/models/chat-memory"
import { servantsOf } from "@brevet/core/graph/model-nodes"
import type { ChatMemoryTable, MemorySession } from "../ports/chat-memory-table.ts"
import type { Work } from "./perform.ts"
import type { Remembered } from "./told-messages.ts"
import { ledTurn } from "./turn-conversation.ts"

/** What memories are kept in. */
export type MemoryPorts = { readonly memories: ChatMemoryTable }

/** A memory, opened for one item. `keep` adds what was said, once, also where it is called again after a crash. */
export type OpenMemory = {
  readonly remembered: Remembered
  keep(turn: { readonly question: string; readonly answer: string }): Promise<void>
}

/** The memory that serves a node; null where none does. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export async function openMemory({ memories }: MemoryPorts, work: Work, index: number): Promise<OpenMemory | null> {
  const { context, segment, workshop, key } = work
  const [node] = servantsOf(segment.graph, context.node, "ai_memory")
  if (node === undefined) return null
  const { sessionKey, turnsMax } = prepareMemory(context.servant(node), segment.graph, index)
  if (ledTurn(work)?.threadId === sessionKey) {
    return { remembered: { from: "thread", messagesMax: turnsMax * 2 }, keep: async () => {} }
  }
  const session: MemorySession = {
    organizationId: segment.organizationId,
    workflowId: segment.state.created?.workflowId ?? null,
    sessionKey,
  }
  // The same after a crash, and no other execution's.
  const place = `${segment.runId}/${context.node.ordinal}/${key.iteration}/${index}`
  const turns = await memories.read(session, { turnsMax, exceptPlace: place })
  const messages = turns.flatMap(({ question, answer }) => [
    { role: "user" as const, text: question },
    { role: "assistant" as const, text: answer },
  ])
  return {
    remembered: { from: "memory", messages },
    keep: (turn) => memories.add(session, { ...turn, place, atMs: workshop.clock.nowMs() }),
  }
}
