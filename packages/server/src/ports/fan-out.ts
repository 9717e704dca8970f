/**
 * Messages between the processes of one store: who is to look at something now, and text that is shown elsewhere. A message
 * may be lost; then polling finds what it would have said, a little later.
 */
import type { RunEvent } from "@brevet/core/graph/events"
import type { Id } from "@brevet/core/ids"

/** What is told of a run that another process works on, in the order in which its own listeners are told. */
export type FeedPart =
  /** The feed begins: what was shown and is not in the log came before it, everything else is in the log. */
  | { readonly type: "begun" }
  /** Text that was shown, under the number of its first piece. */
  | { readonly type: "text"; readonly number: number; readonly event: Extract<RunEvent, { type: "model-text" }> }
  /** The log holds everything up to this number; `more`: other things than text that was told. */
  | { readonly type: "saved"; readonly number: number; readonly more: boolean }
  | { readonly type: "closed"; readonly reason: "ended" | "gone" }

/** What processes tell each other. */
export type FanOutMessage =
  /** Somewhere is work that a claim would give. */
  | { readonly type: "due" }
  /** These runs are to end. */
  | { readonly type: "marked"; readonly runIds: readonly Id<"run">[] }
  /** A process (`to`) wants to be told of a run, and no more. */
  | { readonly type: "watch"; readonly runId: Id<"run">; readonly to: string }
  | { readonly type: "unwatch"; readonly runId: Id<"run">; readonly to: string }
  | { readonly type: "feed"; readonly runId: Id<"run">; readonly part: FeedPart }

/** Who is told. */
export type FanOutListener = {
  message(message: FanOutMessage): void
  /** Messages may have been lost since the last one. */
  gap(): void
}

/** The ways between processes. */
export interface FanOut {
  /** The name of this process. */
  readonly station: string
  /** Tells one process, or all others. Messages to one arrive in order, those of some milliseconds together. */
  send(to: string | "all", message: FanOutMessage): void
  /** Sets who is told what comes in. */
  listen(listener: FanOutListener): void
  close(): Promise<void>
}
