/** What a tool is to the agent's loop: how a model is told of it, and what it does when it is called. */
import type { ReadAnswer } from "@brevet/core/graph/structured-answer"
import type { JsonValue } from "@brevet/core/json"
import type { ToolDefinition } from "../../ports/models.ts"

/** A call of a tool. */
export type ToolUse = {
  /** Its arguments, as `read` gave them. */
  readonly given: JsonValue
  /** The lane of whatever is done within this call; the same after a crash, and no other call's. */
  readonly lane: string
}

/** A tool that a model may call. */
export type Tool = {
  readonly definition: ToolDefinition
  /** The arguments as the tool wants them, or what is wrong with them, in words for the model. */
  read(given: JsonValue): ReadAnswer
  /**
   * Whether a call may be made again that was under way at a crash: it changes nothing, or finds by itself what was done
   * already. Otherwise nobody knows what it did, and the run fails.
   */
  mayRepeat(given: JsonValue): boolean
  /** Does it, and gives what the model is told. Throws NodeFailure and ExpressionError for what it is told as an error. */
  use(call: ToolUse): Promise<string>
}
