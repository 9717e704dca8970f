/** What comes of running somebody's code, in the words that the runtime and whoever runs code share. Data; no rule. */
import type { JsonObject, JsonValue } from "../../json.ts"

/**
 * A value that code gave, as it is written in JSON, with the word for what it was: what was undefined or a function is told
 * apart from what JSON makes of it. `other` is neither list nor object; texts, numbers and truth values have a value then,
 * anything else null. A key `json` of an item that JSON would leave out has the value null.
 */
export type CodeValue = {
  readonly type: "undefined" | "null" | "list" | "object" | "other"
  readonly value: JsonValue
}

/** Why code failed. `line` counts from 1 in the code as it was given; null where no line is to blame. */
export type CodeFailure = {
  readonly code: "CODE_ERROR" | "CODE_LIMIT"
  readonly message: string
  readonly line: number | null
}

/** What one call of the code gave: all items, or one of them. */
export type CodeResult = CodeValue | { readonly type: "failed"; readonly failure: CodeFailure }

/** A line that code wrote to its console. */
export type ConsoleLine = { readonly level: "debug" | "log" | "info" | "warn" | "error"; readonly text: string }

/** What code keeps for later executions within the same run: of its own node, and of all nodes. */
export type StaticData = { readonly node: JsonObject; readonly global: JsonObject }
