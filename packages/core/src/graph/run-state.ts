/**
 * Run state: what the events of a run have made of it. Values of these types are never altered; `plan.advance` gives
 * new ones.
 *
 *     created ── run-started ──> running ──┬── run-completed ──> completed
 *                                 │    ^   ├── run-failed ─────> failed
 *                    run-waiting  v    │   │
 *                              waiting ┘ run-resumed
 *        (any) ── run-cancelled ───────────┴──────────────────> cancelled
 *
 *     ready       a stack; the top is the next execution (order v1: depth first, then by position)
 *     collecting  nodes with several inputs that wait for the rest of them
 *     current     the one execution under way (R3)
 *     waiting     executions that wait for a person or a time, in the order in which they began to
 *     log         every execution that ended, in order; `byNode[ordinal]` the same by node
 *
 * The two logs grow by `append`, which shares the underlying list between a state and its successor: a list is only
 * ever appended to, and each state knows how much of it is its own. Adding to a state that is not the newest copies,
 * so that any prefix of events still folds to its own state.
 */

import type { CauseCode } from "../errors.ts"
import type { JsonValue } from "../json.ts"
import type {
  CallKey,
  Failure,
  FinishReason,
  RunCreated,
  RunError,
  ToolCallRequest,
  ToolKey,
  ToolOutcome,
  Usage,
} from "./events.ts"
import type { Item, Outputs } from "./items.ts"
import type { RunPause } from "./pauses/pause.ts"

/** A list that is shared with later states; only the first `length` entries belong to this one. */
export type Log<Entry> = { readonly entries: Entry[]; readonly length: number }

/** The empty log. */
export function emptyLog<Entry>(): Log<Entry> {
  return { entries: [], length: 0 }
}

/** The log with one entry more; amortised constant time on the newest state. */
export function append<Entry>(log: Log<Entry>, entry: Entry): Log<Entry> {
  const entries = log.entries.length === log.length ? log.entries : log.entries.slice(0, log.length)
  entries.push(entry)
  return { entries, length: entries.length }
}

/** The entry at a place, counted from the end where negative; undefined outside. */
export function at<Entry>(log: Log<Entry>, index: number): Entry | undefined {
  const place = index < 0 ? log.length + index : index
  return place < log.length && place >= 0 ? log.entries[place] : undefined
}

/** Where the items of an input came from: an output of an execution of a node. */
export type Source = { readonly node: number; readonly iteration: number; readonly output: number }

/** What an execution is given: per input its source, null where nothing came. A start node has no sources. */
export type Sources = readonly (Source | null)[]

/** An execution that is to come. */
export type Pending = { readonly node: number; readonly sources: Sources; readonly attempt: number }

/** A stack as a chain of cells. */
export type Stack = { readonly top: Pending; readonly below: Stack } | null

/** A node that waits for more of its inputs. `undefined` in `sources`: nothing came yet. */
export type Collecting = { readonly node: number; readonly sources: readonly (Source | null | undefined)[] }

/** The place of a model call within its execution. */
export type CallPlace = Pick<CallKey, "call" | "lane">

/** The place of a tool call within its execution. */
export type ToolPlace = Pick<ToolKey, "call" | "lane" | "index">

/** Whether two places are the same. */
export function isSameCall(left: CallPlace, right: CallPlace): boolean {
  return left.call === right.call && left.lane === right.lane
}

/** Whether two places are the same. */
export function isSameTool(left: ToolPlace, right: ToolPlace): boolean {
  return isSameCall(left, right) && left.index === right.index
}

/** A tool call that began. `outcome` null: it has not ended, and nobody knows what it did. */
export type StartedTool = ToolPlace & { readonly outcome: ToolOutcome | null }

/** A model call that ended; never made again (a completed effect is not repeated). */
export type CompletedCall = CallPlace & {
  readonly model: string
  readonly text: string
  readonly toolCalls: readonly ToolCallRequest[]
  readonly finishReason: FinishReason
  readonly usage: Usage
}

/** A request that may not be sent twice. `open`: it has not ended, and nobody knows whether it was received. */
export type SentRequest = { readonly item: number } & (
  | { readonly status: "open" | "failed" }
  | { readonly status: "completed"; readonly items: readonly Item[] }
)

/** The execution under way. `calls`, `tools`, `requests` and `children` are what it has achieved so far. */
export type Current = Pending & {
  readonly iteration: number
  readonly startedAtMs: number
  readonly calls: readonly CompletedCall[]
  readonly tools: readonly StartedTool[]
  readonly requests: readonly SentRequest[]
  /** Runs that this execution called, by call. */
  readonly children: readonly (CallPlace & { readonly runId: string })[]
  /** The model calls that began in this attempt and have not ended; what they showed is reset if they are made again. */
  readonly openCalls: readonly CallPlace[]
  /** The pauses that it has opened, in order. While it is under way each of them has an outcome. */
  readonly pauses: readonly RunPause[]
}

/** An execution that ended: its last attempt. */
export type Execution = {
  /** Place in the run's order, from 0. */
  readonly index: number
  readonly node: number
  readonly iteration: number
  readonly attempt: number
  readonly status: "completed" | "failed"
  readonly sources: Sources
  readonly outputs: Outputs
  readonly memory: JsonValue
  readonly error: Failure | null
  readonly startedAtMs: number
  readonly endedAtMs: number
}

/** How a run ended. */
export type RunEnd =
  | {
      readonly status: "completed"
      readonly node: string | null
      readonly messageId: string | null
      readonly stopReason: "stop" | "length"
    }
  | {
      readonly status: "failed"
      readonly failure: Failure
      readonly error: RunError
      readonly messageId: string | null
    }
  | { readonly status: "cancelled"; readonly cause: CauseCode; readonly messageId: string | null }

/** The state of a run. */
export type RunState = {
  readonly created: RunCreated | null
  readonly startedAtMs: number | null
  readonly endedAtMs: number | null
  readonly end: RunEnd | null
  readonly ready: Stack
  readonly collecting: readonly Collecting[]
  readonly current: Current | null
  readonly waiting: readonly Current[]
  /** Nothing happens until the run is resumed. */
  readonly isAtRest: boolean
  /** What `now` means, milliseconds: when the segment began; null before the first. */
  readonly instantMs: number | null
  /** The response that the segment gives; null where it gives none. */
  readonly responseId: string | null
  readonly log: Log<Execution>
  readonly byNode: readonly Log<Execution>[]
  readonly usage: Usage
  /** A model call was completed, a tool or another run called: repeating the run from its beginning would do that again. */
  readonly hasEffects: boolean
  /** A model call was given a summary in the place of older messages. */
  readonly isSummarized: boolean
  /** The model of the last call. */
  readonly lastModel: string | null
  readonly lastFinish: FinishReason | null
  /** Text that was shown to the person since the last message and not reset. */
  readonly shown: string
  /** How many characters of `shown` had been shown when the model call under way began. */
  readonly shownBeforeCall: number
  /** The messages that were added in this segment, joined by a blank line; null where none was. */
  readonly reply: string | null
  /** The last message of this segment. */
  readonly lastMessageId: string | null
  /** A node has answered explicitly: then the output of the last node is not the answer. */
  readonly hasReplied: boolean
  /** The place of the next message that the run adds to its turn. */
  readonly nextOrdinal: number
}

/** Places that a question takes among the messages of its turn: its own, then those of what is said to it in the chat. */
export const questionPlaces = 1_000

/** How often a node has run. */
export function runsOf(state: RunState, node: number): number {
  return state.byNode[node]?.length ?? 0
}

/** The iteration of the next execution of a node: those that wait have theirs already. */
export function nextIteration(state: RunState, node: number): number {
  return runsOf(state, node) + state.waiting.filter((entry) => entry.node === node).length
}

/** An execution of a node by its iteration, counted from the end where negative; undefined where there is none. */
export function executionOf(state: RunState, node: number, iteration: number): Execution | undefined {
  const log = state.byNode[node]
  if (log === undefined) return undefined
  const found = at(log, iteration)
  if (iteration < 0 || found?.iteration === iteration) return found
  // One that waited has ended after a later one.
  for (let index = 0; index < log.length; index += 1) {
    const execution = at(log, index)
    if (execution?.iteration === iteration) return execution
  }
  return undefined
}

/** The pauses of a run that are open, in the order in which they were opened. */
export function openPausesOf({ waiting }: RunState): readonly RunPause[] {
  const open = waiting.flatMap(({ pauses }) => pauses.filter(({ outcome }) => outcome === null))
  return open.length < 2 ? open : open.toSorted((a, b) => a.openedAtMs - b.openedAtMs)
}

/** The items that an execution gets on each input. */
export function inputsOf(state: RunState, sources: Sources): readonly (readonly Item[])[] {
  if (sources.length === 0) return [state.created?.items ?? []]
  return sources.map((source) => {
    if (source === null) return []
    const execution = executionOf(state, source.node, source.iteration)
    return execution?.outputs[source.output] ?? []
  })
}
