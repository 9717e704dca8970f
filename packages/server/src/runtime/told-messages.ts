/**
 * What a model is told for a node that writes its messages itself: those messages, of a primary node with the conversation
 * among them, of a node with a memory with what that holds.
 */
import type { PromptMessage } from "@brevet/core/graph/kinds/models/asking"
import type { ModelMessage } from "../ports/models.ts"
import type { AskedModels } from "./asked-models.ts"
import type { ModelCalls } from "./model-calls.ts"
import type { Work } from "./perform.ts"
import { composePrompt } from "./prompt.ts"
import { ledTurn, tellConversation } from "./turn-conversation.ts"

/** What a memory gives a model: turns of its own, or those of the thread, no more than so many messages of them. */
export type Remembered =
  | { readonly from: "memory"; readonly messages: readonly PromptMessage[] }
  | { readonly from: "thread"; readonly messagesMax: number }

/** What a node says. The last of its messages is the question. */
export type NodeWords = {
  readonly models: AskedModels
  readonly messages: readonly PromptMessage[]
  /** The lane of the item. */
  readonly lane: string
  /** Null or absent: the node has no memory. */
  readonly remembered?: Remembered | null
}

/** The messages of the first call of an item. `summarized`: a summary stands for older turns. */
export async function tellNode(
  work: Work,
  calls: ModelCalls,
  { models, messages, lane, remembered = null }: NodeWords,
): Promise<{ readonly messages: readonly ModelMessage[]; readonly summarized: boolean }> {
  const turn = ledTurn(work)
  const own = remembered?.from === "memory" ? remembered.messages : []
  if (turn === null) return { messages: amid(messages, own), summarized: false }
  const { target, settings } = models.first
  const conversation = await tellConversation(work, calls, {
    target,
    summaryPlace: { call: 0, lane: `${lane}/summary` },
    isPrimary: true,
    includes: remembered?.from === "memory" ? false : null,
    historyLimit: remembered?.from === "thread" ? { messages: remembered.messagesMax } : null,
    texts: [settings.instructions ?? "", ...[...messages, ...own].map(({ text }) => text)],
    outputTokens: settings.maxOutputTokens ?? null,
  })
  const parts = partsOf(amid(messages, own), settings.instructions)
  const prompt = composePrompt({ systemTexts: turn.systemTexts, ...conversation, ...parts })
  return { messages: prompt, summarized: conversation.summary !== null }
}

/** Messages with those of a memory behind the system's. */
function amid(messages: readonly PromptMessage[], remembered: readonly PromptMessage[]): readonly PromptMessage[] {
  if (remembered.length === 0) return messages
  const system = messages.filter(({ role }) => role === "system")
  return [...system, ...remembered, ...messages.filter(({ role }) => role !== "system")]
}

/** The node's own messages in the places of a prompt; a system text that an assistant sets stands for the node's. */
function partsOf(messages: readonly PromptMessage[], instructions: string | undefined) {
  const system = messages.filter(({ role }) => role === "system").map(({ text }) => text)
  const said = messages.flatMap(({ role, text }) => (role === "system" ? [] : [{ role, text }]))
  return {
    instructions: instructions ?? system.join("\n\n"),
    examples: said.slice(0, -1),
    question: said.at(-1)?.text ?? "",
  }
}
