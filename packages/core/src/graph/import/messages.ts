/**
 * Messages that a step sends to a model, as other systems list them, and the two texts that a FreddyLLM node has for them:
 * a system prompt, and what is asked.
 */
import type { Piece } from "./expression-text.ts"

/** A message. Roles other than system and assistant count as the user's. */
export type ForeignMessage = { readonly role: "system" | "assistant" | "user"; readonly pieces: readonly Piece[] }

/** The two texts; `prompt` null: what the item says. `why` tells what could not be kept, null where all was. */
export type Asked = {
  readonly system: readonly Piece[] | null
  readonly prompt: readonly Piece[] | null
  readonly why: string | null
}

/** The role that a word means. */
export function roleOf(word: string): ForeignMessage["role"] {
  const role = word.toLowerCase()
  if (role === "system" || role === "developer") return "system"
  return role === "assistant" || role === "ai" || role === "bot" ? "assistant" : "user"
}

/**
 * The texts of messages. `question` is what is asked after them: a text, what the item says (where no message is the user's),
 * or nothing; then a system prompt alone is asked itself, since a model is always asked something.
 */
export function askedOf(messages: readonly ForeignMessage[], question: "item" | "nothing" | readonly Piece[]): Asked {
  const spoken = messages.filter(({ pieces }) => pieces.some((piece) => piece !== ""))
  const system = spaced(spoken.filter(({ role }) => role === "system").map(({ pieces }) => pieces))
  const others = spoken.filter(({ role }) => role !== "system")
  if (others.length === 0 && question === "item") return { system, prompt: null, why: null }
  if (others.length === 0 && question !== "item" && question !== "nothing") {
    return { system, prompt: question, why: null }
  }
  if (others.length === 0) {
    const why = system === null ? null : "the step sends a system message alone, and a model is always asked something"
    return { system: null, prompt: system, why }
  }
  const asked = typeof question === "string" ? others : [...others, { role: "user", pieces: question } as const]
  if (asked.every(({ role }) => role === "user")) {
    return { system, prompt: spaced(asked.map(({ pieces }) => pieces)), why: null }
  }
  const labelled = asked.map(({ role, pieces }): readonly Piece[] => [
    `${role === "user" ? "User" : "Assistant"}: `,
    ...pieces,
  ])
  return { system, prompt: spaced(labelled), why: "messages of both sides are asked as one text here" }
}

/** Texts with a blank line between them; null where there is none. */
function spaced(texts: readonly (readonly Piece[])[]): readonly Piece[] | null {
  if (texts.length === 0) return null
  return texts.flatMap((pieces, index) => (index === 0 ? pieces : ["\n\n", ...pieces]))
}
