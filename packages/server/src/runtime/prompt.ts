/** The messages of a model call, in the order in which every provider understands them. Pure. */
import type { HistoryMessage } from "@brevet/core/graph/conversation"
import type { ModelMessage } from "../ports/models.ts"

/** What a prompt is made of. Null or empty: not said. */
export type Prompt = {
  readonly instructions: string | null
  readonly systemTexts: readonly string[]
  /** What stands for the turns left out. */
  readonly summary: string | null
  /** Messages that a node writes itself, before those of the conversation. */
  readonly examples?: readonly { readonly role: "user" | "assistant"; readonly text: string }[]
  readonly history: readonly HistoryMessage[]
  readonly question: string
}

const summaryHeading = "Summary of the earlier conversation:"

/**
 * System texts first, also those of the conversation (some providers take them nowhere else), then the conversation, then
 * the question. Same roles in a row are one message.
 */
export function composePrompt(prompt: Prompt): ModelMessage[] {
  const system = [
    prompt.instructions ?? "",
    ...prompt.systemTexts,
    prompt.summary === null ? "" : `${summaryHeading}\n${prompt.summary}`,
    ...prompt.history.filter(({ role }) => role === "system").map(({ text }) => text),
  ]
  const messages: ModelMessage[] = []
  for (const text of system) add(messages, "system", text)
  for (const { role, text } of prompt.examples ?? []) add(messages, role, text)
  for (const { role, text } of prompt.history) {
    // A tool's result without its call means nothing to a provider; its text does.
    if (role !== "system") add(messages, role === "tool" ? "user" : role, text)
  }
  add(messages, "user", prompt.question)
  return messages
}

/** The call that makes a summary of turns that are left out, on top of the summary so far. */
export function summaryPrompt(before: string | null, messages: readonly HistoryMessage[]): ModelMessage[] {
  const lines = messages.map(({ role, text }) => `${role}: ${text}`)
  const earlier = before === null ? [] : [`${summaryHeading}\n${before}`]
  return [
    {
      role: "system",
      text: "Summarise the conversation for somebody who goes on with it. Keep names, numbers, decisions and open questions. Answer with the summary alone.",
    },
    { role: "user", text: [...earlier, ...lines].join("\n\n") },
  ]
}

function add(messages: ModelMessage[], role: "system" | "user" | "assistant", text: string): void {
  if (text === "") return
  const last = messages.at(-1)
  if (last?.role === role) messages[messages.length - 1] = { role, text: `${last.text}\n\n${text}` }
  else messages.push({ role, text })
}
