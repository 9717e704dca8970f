/** The arguments of a tool call, as models write them. */
import type { JsonValue } from "@brevet/core/json"
import type { ToolCall } from "../../ports/models.ts"

/** Reads the text of a call's arguments. No text means none; what is no JSON is kept beside `{}`. */
export function parseArguments(text: string): Pick<ToolCall, "arguments" | "brokenArguments"> {
  if (text.trim() === "") return { arguments: {} }
  try {
    return { arguments: JSON.parse(text) as JsonValue }
  } catch {
    return { arguments: {}, brokenArguments: text }
  }
}
