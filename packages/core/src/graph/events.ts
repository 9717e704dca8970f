/**
 * The events of a run: what happened, numbered within the run, and nothing else. Run state is the fold of these (R1);
 * the frames of a stream are a pure function of them. Times, ids and seeds arrive inside events (R2).
 *
 * Every event takes one number of the run's log, but for `model-text`, which takes one for each of its texts, so that a
 * delta that was shown and the delta that is read again have the same number.
 */
import type { CauseCode, ErrorCode } from "../errors.ts"
import type { JsonObject, JsonValue } from "../json.ts"
import type { ConsoleLine } from "./code/outcome.ts"
import type { Item, Outputs } from "./items.ts"
import type { ModelSettings } from "./model-settings.ts"
import type { PauseTerms } from "./pauses/pause.ts"
import type { TriggerAnswer } from "./triggers/answer.ts"

/** The version that newly written events carry (R8). */
export const eventsVersion = 1

/** Tokens of model calls. */
export type Usage = { readonly inputTokens: number; readonly outputTokens: number; readonly totalTokens: number }

/** Why a node or a run failed: data. `message` is safe to show. */
export type Failure = {
  readonly code: CauseCode
  readonly message: string
  /** The node's name. */
  readonly node?: string
  readonly details?: JsonObject
}

/** The error of a failed run as the envelope shows it. `code` and `status` are the catalogue's. */
export type RunError = {
  readonly code: ErrorCode
  readonly message: string
  readonly systemMessage: string
  readonly details: JsonObject
}

/** A tool call that a model asked for. */
export type ToolCallRequest = { readonly id: string; readonly name: string; readonly arguments: JsonValue }

/** Why a model call ended. */
export type FinishReason = "stop" | "length" | "tool-calls"

/** Which execution of which node: the place of a command's result (R4). `iteration` counts from 0, `attempt` from 1. */
export type ExecutionKey = { readonly node: string; readonly iteration: number; readonly attempt: number }

/**
 * A model call within an execution. Calls of one lane come one after the other and are counted from 0; each lane counts for
 * itself, so that a call is found by its place again whatever became of the calls of other lanes. `2` is the lane of item 2;
 * what follows a slash lies within it: `2/summary`, `2/0.1` for the second tool call of its call 0, which is itself an agent.
 */
export type CallKey = ExecutionKey & { readonly call: number; readonly lane?: string }

/** A tool call within an execution: its place, from 0, in the answer of the model call that asks for it. */
export type ToolKey = CallKey & { readonly index: number }

/** What a tool call came to, as the model is told. */
export type ToolOutcome = { readonly result: string } | { readonly error: string }

/** Which earlier messages a model call of a turn gets. */
export type ContextPolicy = {
  readonly strategy: "auto" | "full" | "off" | "saver"
  /** Caps the model's own window; null: no cap. */
  readonly windowTokensMax: number | null
  /** Turns after this one are left out (`previous_response_id`); null: none is. */
  readonly throughTurn: number | null
}

/** What a chat turn adds to its run. */
export type Turn = {
  readonly threadId: string
  readonly responseId: string
  readonly userMessageId: string
  readonly assistantId: string | null
  /** The number of the turn in its thread, from 1. */
  readonly number: number
  /** The place of the user's message among the turn's messages, from 0; answers come after it. */
  readonly messageOrdinal: number
  /** The node whose settings the overlay replaces and that has history by default; null where none is primary. */
  readonly primaryNode: string | null
  /** Literal values over the primary node's own: the assistant's overrides and the request's. */
  readonly overlay: ModelSettings
  /** System texts that are sent after the system prompt: the assistant's further ones, and this turn's. */
  readonly systemTexts: readonly string[]
  /** False: the primary node is given no history. */
  readonly memory: boolean
  readonly context: ContextPolicy
  /** Providers whose models may answer; null: all. */
  readonly allowedProviders: readonly string[] | null
  /** Tool calls that the primary node's model may make in this turn; absent or null: as the node says. */
  readonly maxToolCalls?: number | null
  /** The answer is given without Markdown. */
  readonly plainText: boolean
  /** Names of the nodes whose text is shown while it is made. */
  readonly streaming: readonly string[]
}

/** What started a run, where that was an address or the failure of another run. */
export type RunTrigger = {
  readonly door: "webhook" | "form" | "error"
  /** Which of the start's outputs gets the items. */
  readonly output: number
  /** Names of the nodes whose text is shown while it is made. */
  readonly streaming: readonly string[]
}

/** First event of every run. */
export type RunCreated = {
  readonly type: "run-created"
  readonly v: number
  readonly at: number
  /** The request that made the run. */
  readonly traceId: string
  readonly mode: "chat" | "production" | "manual"
  readonly workflowId: string | null
  readonly workflowVersion: number | null
  /** The node at which the run starts, and the items that it gives. */
  readonly start: string
  readonly items: readonly Item[]
  /** Seed of the run's random source. */
  readonly seed: number
  /** How many runs called each other to get here; 0 for a run that nobody called. */
  readonly depth: number
  readonly turn: Turn | null
  /** Absent: a person or a program asked for the run by name. */
  readonly trigger?: RunTrigger
  /** The workflow, where it is no stored one: it stood in the node that calls it. */
  readonly definition?: JsonObject
}

/** A pause was opened for an execution (see `pauses/pause.ts`). */
export type PauseOpened = {
  readonly type: "pause-opened"
  readonly at: number
  readonly pauseId: string
  readonly terms: PauseTerms
  /** When it expires; null: never. */
  readonly expiresAt: number | null
} & ExecutionKey

/** An execution waits for a point in time. */
export type TimerSet = {
  readonly type: "timer-set"
  readonly at: number
  readonly pauseId: string
  readonly dueAt: number
} & ExecutionKey

/** A pause was left. */
export type PauseLeft =
  | ({
      readonly type: "pause-answered"
      readonly at: number
      readonly pauseId: string
      readonly answer: JsonValue
      /** Who answered, as it is shown. */
      readonly by: string
    } & ExecutionKey)
  | ({ readonly type: "pause-expired" | "timer-fired"; readonly at: number; readonly pauseId: string } & ExecutionKey)

/** Nothing is left to do but to wait: the segment ends, and with it the response that it gives. */
export type RunWaiting = {
  readonly type: "run-waiting"
  readonly at: number
  readonly stopReason: "input_required" | "tool_calls"
  /** The last message that the segment added; null where it added none. */
  readonly messageId: string | null
  /** The run's so far. */
  readonly usage: Usage
}

/**
 * The run goes on. `responseId`: the response that the new segment gives; null where it gives none. `userMessageId`: what was
 * said in the chat that it goes on with.
 */
export type RunResumed = {
  readonly type: "run-resumed"
  readonly at: number
  readonly responseId: string | null
  readonly userMessageId: string | null
}

/** Any event of a run. */
export type RunEvent =
  | RunCreated
  | { readonly type: "run-started"; readonly at: number }
  | ({ readonly type: "node-started"; readonly at: number } & ExecutionKey)
  | ({
      readonly type: "node-completed"
      readonly at: number
      readonly outputs: Outputs
      readonly memory?: JsonValue
      /** What whoever called the run's address is answered; of several answers the first counts. */
      readonly answer?: TriggerAnswer
    } & ExecutionKey)
  | ({
      readonly type: "node-failed"
      readonly at: number
      readonly error: Failure
      readonly retryable: boolean
    } & ExecutionKey)
  /** `summarized`: a summary stands for older messages. */
  | ({
      readonly type: "model-call-started"
      readonly at: number
      readonly model: string
      readonly summarized?: boolean
    } & CallKey)
  | ({ readonly type: "model-text"; readonly texts: readonly string[] } & CallKey)
  | ({
      readonly type: "model-call-completed"
      readonly at: number
      readonly model: string
      /** Null: the texts that were shown since the call began, which are not written twice. */
      readonly text: string | null
      readonly toolCalls: readonly ToolCallRequest[]
      readonly finishReason: FinishReason
      readonly usage: Usage
    } & CallKey)
  /** Before the tool does anything. */
  | ({ readonly type: "tool-call-started"; readonly at: number; readonly tool: ToolCallRequest } & ToolKey)
  /** Tool calls of one answer end in any order; `id` is that of the call. */
  | ({
      readonly type: "tool-call-completed"
      readonly at: number
      readonly id: string
      readonly outcome: ToolOutcome
    } & ToolKey)
  /** What code wrote to its console, before its node's outcome. */
  | ({ readonly type: "code-logged"; readonly at: number; readonly lines: readonly ConsoleLine[] } & ExecutionKey)
  /** Before a request over HTTP that may not be sent twice. `item`: for which item of the node; `address` without query. */
  | ({
      readonly type: "request-started"
      readonly at: number
      readonly item: number
      readonly method: string
      readonly address: string
    } & ExecutionKey)
  /** What the request's item came to; null: it failed, so that another try may ask again. */
  | ({
      readonly type: "request-completed"
      readonly at: number
      readonly item: number
      readonly items: readonly Item[] | null
    } & ExecutionKey)
  | ({ readonly type: "child-run-started"; readonly at: number; readonly runId: string } & CallKey)
  | {
      readonly type: "content-reset"
      readonly at: number
      readonly reason: "crash" | "retry" | "retracted"
      readonly attempt: number
    }
  /**
   * `text` null: what was shown delta by delta since the last message or reset; otherwise this event is its one delta.
   * `pauseId`: it is the question of that pause. `isReply`: a node answers explicitly with it.
   */
  | {
      readonly type: "message-added"
      readonly at: number
      readonly messageId: string
      readonly text: string | null
      readonly pauseId?: string
      readonly isReply?: boolean
    }
  | PauseOpened
  | TimerSet
  | PauseLeft
  | RunWaiting
  | RunResumed
  | {
      readonly type: "run-completed"
      readonly at: number
      /** The node whose output the run's is; null where nothing ran. */
      readonly node: string | null
      readonly messageId: string | null
      readonly stopReason: "stop" | "length"
      readonly usage: Usage
    }
  | {
      readonly type: "run-failed"
      readonly at: number
      readonly failure: Failure
      readonly error: RunError
      readonly messageId: string | null
      readonly traceId: string
    }
  | {
      readonly type: "run-cancelled"
      readonly at: number
      readonly cause: CauseCode
      readonly messageId: string | null
      readonly partialLength: number
    }

/** The nodes whose text is shown while it is made, whatever started the run. */
export function streamingOf(created: RunCreated | null): readonly string[] {
  return created?.turn?.streaming ?? created?.trigger?.streaming ?? []
}

/** How many numbers of the log an event takes. */
export function numbersOf(event: RunEvent): number {
  return event.type === "model-text" ? event.texts.length : 1
}

/** True for the events after which nothing can follow. */
export function isEnd(
  event: RunEvent,
): event is Extract<RunEvent, { type: "run-completed" | "run-failed" | "run-cancelled" }> {
  return event.type === "run-completed" || event.type === "run-failed" || event.type === "run-cancelled"
}
