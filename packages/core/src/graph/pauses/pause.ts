/**
 * A pause: something that an execution of a node waits for. One record, one id and one schema of its answer, whatever
 * asked for it: a question, a form, an approval, a tool that the client runs, a request to a web address, a point in time.
 *
 *               pause-opened / timer-set
 *     (none) ──────────────────────────> open ──┬── pause-answered ─> answered
 *                                               ├── pause-expired ──> expired    (its time has passed without an answer)
 *                                               ├── timer-fired ────> expired    (a point in time was what it waited for)
 *                                               └── the run ends ───> cancelled  (of the record; the run has no event for it)
 *
 * Invariants
 *   W1  A pause leaves `open` once. Who leaves it first is decided in the store, by one conditional update; the event in
 *       the run's log says what was decided there, however often it is read again after a crash.
 *   W2  An execution goes on when each of its pauses has an outcome; it is then evaluated or performed once more, with the
 *       outcomes at hand. What it had achieved before is not done again.
 *   W3  A pause is found by its execution (node, iteration) and its place there, so that an execution which is tried again
 *       after a crash finds the pauses that it has opened, and opens none twice.
 *   W4  Its texts and its answer are literal: whatever they hold, nothing of it is an expression.
 */
import type { JsonObject, JsonValue } from "../../json.ts"

/** What is waited for. */
export type PauseKind = "question" | "form" | "approval" | "tool" | "webhook" | "timer"

/** Who is asked: the person who chats, or others (an approver, a program). */
export type PauseAudience = "chat" | "others"

/** One of the answers that are offered. */
export type PauseChoice = { readonly value: JsonValue; readonly label: string }

/** What is asked, of whom, and what an answer has to be like. */
export type PauseTerms = {
  /** Its place within the execution: `""` for the only one of a node. */
  readonly place: string
  readonly kind: PauseKind
  readonly audience: PauseAudience
  readonly title: string | null
  readonly message: string | null
  /** JSON Schema of the answer; null: it takes none (timers). */
  readonly schema: JsonObject | null
  readonly choices: readonly PauseChoice[] | null
  /** What a door of one kind needs beside that: the method of a webhook, the call of a tool. */
  readonly details: JsonObject
}

/** A pause that a node asks for. `waitMs`: from now; `untilMs`: milliseconds since 1970; neither: for as long as it takes. */
export type PauseRequest = PauseTerms & ({ readonly waitMs: number | null } | { readonly untilMs: number })

/** How a pause was left. */
export type PauseOutcome =
  | { readonly type: "answered"; readonly answer: JsonValue; readonly by: string; readonly atMs: number }
  | { readonly type: "expired"; readonly atMs: number }

/** A pause of a run. `expiresAtMs` null: it waits for as long as it takes; of a timer it is what it waits for. */
export type RunPause = PauseTerms & {
  readonly id: string
  readonly openedAtMs: number
  readonly expiresAtMs: number | null
  /** Null while it is open. */
  readonly outcome: PauseOutcome | null
}

/** The schema of an approval's answer. `withArguments`: what is approved has arguments, and they may be edited. */
export function approvalSchema({ withArguments }: { readonly withArguments: boolean }): JsonObject {
  return {
    type: "object",
    properties: {
      decision: { type: "string", enum: ["approve", "deny"] },
      reason: { type: "string" },
      ...(withArguments ? { arguments: { type: "object" } } : {}),
    },
    required: ["decision"],
    additionalProperties: false,
  }
}
