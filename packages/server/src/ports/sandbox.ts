/**
 * Running what somebody else has written, without any way out: code of workflows, and regular expressions that no
 * linear-time engine takes. Asked for by the runtime.
 */
import type { CodeFailure, CodeResult, ConsoleLine, StaticData } from "@brevet/core/graph/code/outcome"
import type { CodeAnswer } from "@brevet/core/graph/code/questions"
import type { Item } from "@brevet/core/graph/items"
import type { JsonObject } from "@brevet/core/json"

/** What a run of code may take. Past any of these it ends with CODE_LIMIT. */
export type CodeBounds = {
  /** Bytes of everything that the code holds at a time; at most 64 MiB. */
  readonly memoryBytes: number
  /** Wall time from the moment at which the code begins. */
  readonly timeMs: number
  /** Characters of the results as JSON. */
  readonly outputChars: number
}

/** The bounds of code of workflows (the workflow language, §4); the output may fill a quarter of the memory. */
export const codeBounds: CodeBounds = {
  memoryBytes: 64 * 1024 * 1024,
  timeMs: 10_000,
  outputChars: 16 * 1024 * 1024,
}

/** Code to be run. The same request gives the same outcome, whenever and wherever it is run (E9). */
export type CodeRequest = {
  /** The body of an async function, JavaScript. */
  readonly code: string
  /** Called once, or once for each item. */
  readonly mode: "all" | "each"
  /** With `each`: whether an item that fails leaves the others to be done. */
  readonly keepsGoing: boolean
  readonly items: readonly Item[]
  /** Values that the code finds by name. */
  readonly variables: JsonObject
  /** What the clock says all through, milliseconds since 1970. */
  readonly nowMs: number
  /** Where random numbers begin: a whole number of 32 bits. */
  readonly seed: number
  /** IANA name of the zone of local times. */
  readonly timeZone: string
  readonly bounds: CodeBounds
}

/** What came of it; in any case what it wrote to its console, as far as that is kept. */
export type CodeOutcome = { readonly console: readonly ConsoleLine[] } & (
  | {
      readonly status: "completed"
      /** One result, or one for each item. */
      readonly results: readonly CodeResult[]
      /** What the code keeps for later; null where it did not ask for that. */
      readonly staticData: StaticData | null
    }
  | {
      readonly status: "failed"
      readonly failure: CodeFailure
      /** The place of the item that failed; null where the code ran for all of them, or none is to blame. */
      readonly item: number | null
    }
)

/** A pattern to be matched against a text, from a place on. */
export type PatternRequest = {
  readonly source: string
  /** JavaScript's flags. */
  readonly flags: string
  readonly text: string
  /** Where the first match may begin, in UTF-16 units. */
  readonly from: number
  /** Without the flags `g` and `y` there is one match at most anyway. */
  readonly matchesMax: number
  readonly timeMs: number
}

/** One match: its place in UTF-16 units, and its groups; a group that took no part is null. Group 0 is the match. */
export type PatternMatch = {
  readonly index: number
  readonly groups: readonly (string | null)[]
  readonly named: Readonly<Record<string, string | null>> | null
}

/** The matches in order; or CODE_ERROR for what is no pattern, CODE_LIMIT for one that takes too long. */
export type PatternOutcome =
  | { readonly status: "completed"; readonly matches: readonly PatternMatch[] }
  | { readonly status: "failed"; readonly failure: CodeFailure }

/** What surrounds a run of code. */
export type CodeOccasion = {
  /** Answers what the code asks for; called while the code waits. */
  answer(question: unknown): CodeAnswer
  /** Ends the run: the call throws the signal's reason at once, and what still runs is stopped. */
  readonly signal: AbortSignal
}

/** The sandbox. Calls beyond what can run side by side wait for their turn. */
export type Sandbox = {
  /** Runs code. Throws the signal's reason, and what is a fault of ours; never for what the code does. */
  runCode(request: CodeRequest, occasion: CodeOccasion): Promise<CodeOutcome>
  /** Matches a pattern. Throws as `runCode` does. */
  matchPattern(request: PatternRequest, options: { readonly signal: AbortSignal }): Promise<PatternOutcome>
  /** Stops whatever runs. Calls that wait are refused with an Error. */
  close(): Promise<void>
}
