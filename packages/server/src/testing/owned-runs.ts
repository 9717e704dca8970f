/** Runs, their appends and their ends, as the runtime hands them to the owner: for tests of the owner. */
import { numbersOf, type RunEvent } from "@brevet/core/graph/events"
import type { RunResult } from "@brevet/core/graph/run-result"
import { type Id, type IdSource, idFrom } from "@brevet/core/ids"
import type { Clock } from "../ports/context.ts"
import type { ClaimedRun, MessageWrite, RunAppend, RunEnding, RunStart, ThreadWrite } from "../ports/owner.ts"
import type { TurnBasis } from "../ports/turn-table.ts"

/** Where a run stands, as whoever works on it knows: kept up by `landed`. */
export type OwnedRun = {
  readonly runId: Id<"run">
  readonly threadId: Id<"thread"> | null
  readonly turn: number | null
  readonly epoch: number
  saved: number
}

/** What an append holds. */
export type AppendParts = {
  readonly events?: readonly RunEvent[]
  readonly messages?: readonly MessageWrite[]
  readonly ending?: RunEnding | null
}

/** What a start says beside its first append, where it matters. */
export type StartParts = Partial<Omit<RunStart, "append" | "thread">> &
  AppendParts & { readonly thread?: Partial<ThreadWrite>; readonly runId?: Id<"run"> }

/** Makes them, for one organization. */
export class OwnedRuns {
  readonly #ids: IdSource
  readonly #clock: Clock
  readonly #organizationId: Id<"organization">

  constructor(options: {
    readonly ids: IdSource
    readonly clock: Clock
    readonly organizationId: Id<"organization">
  }) {
    this.#ids = options.ids
    this.#clock = options.clock
    this.#organizationId = options.organizationId
  }

  /** A run that belongs to no conversation. */
  background(parts: StartParts = {}): RunStart {
    return this.#start(null, parts)
  }

  /** A turn in a thread: in a new one, or in one as it was read. */
  turn(basis: TurnBasis | null, parts: StartParts = {}): RunStart {
    const thread: ThreadWrite = {
      id: basis?.threadId ?? this.#ids.next("thread"),
      expectedRevision: basis?.revision ?? null,
      userId: null,
      assistantId: null,
      pinnedWorkflowId: null,
      pinnedVersion: null,
      workflowTag: null,
      plain: true,
      metadata: "{}",
      visible: true,
      pins: null,
      removes: null,
      replacesFailed: false,
      parent: null,
      ...parts.thread,
    }
    const messages = parts.messages ?? [this.message("user", "Hello")]
    return this.#start({ thread, turn: (basis?.turn ?? 0) + 1 }, { ...parts, messages })
  }

  /** A message of a turn. */
  message(role: MessageWrite["role"], text: string, fields: Partial<MessageWrite> = {}): MessageWrite {
    return {
      id: this.#ids.next("message"),
      ordinal: role === "user" ? 0 : 1,
      role,
      content: JSON.stringify(text),
      metadata: null,
      isFailed: false,
      createdAtMs: this.#clock.nowMs(),
      ...fields,
    }
  }

  /** How a run ended. */
  ending(status: RunEnding["status"], fields: Partial<RunEnding> = {}): RunEnding {
    const result: RunResult = {
      node: null,
      messageId: null,
      text: null,
      stopReason: null,
      model: "scripted-1",
      isSummarized: false,
      failure: null,
      error: null,
      cancelCause: null,
      traceId: "trace",
      endedAtMs: this.#clock.nowMs(),
    }
    const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 3 }
    return {
      status,
      atMs: this.#clock.nowMs(),
      usage,
      result,
      removesTurn: false,
      failedRequestHash: null,
      ...fields,
    }
  }

  #start(place: { readonly thread: ThreadWrite; readonly turn: number } | null, parts: StartParts): RunStart {
    const { thread: _thread, events, messages, ending, runId = this.#ids.next("run"), ...facts } = parts
    const run: OwnedRun = {
      runId,
      threadId: place?.thread.id ?? null,
      turn: place?.turn ?? null,
      epoch: 1,
      saved: 0,
    }
    return {
      organizationId: this.#organizationId,
      generation: null,
      requestHash: null,
      workflowId: null,
      workflowVersion: null,
      assistantId: null,
      parentRunId: null,
      retryOf: null,
      responseId: null,
      mode: place === null ? "production" : "chat",
      thread: place?.thread ?? null,
      idempotency: null,
      createdAtMs: this.#clock.nowMs(),
      ...facts,
      append: appendOf(run, { events: events ?? [started], messages: messages ?? [], ending: ending ?? null }),
    }
  }
}

const started: RunEvent = { type: "run-started", at: 1 }

/** A run that was started, as its owner knows it. */
export function ownedBy({ append }: RunStart): OwnedRun {
  const { runId, threadId, turn, epoch, last } = append
  return { runId, threadId, turn, epoch, saved: last }
}

/** A run that was claimed. */
export function ownedByClaim({ runId, threadId, turn, epoch, savedNumber }: ClaimedRun): OwnedRun {
  return { runId, threadId, turn, epoch, saved: savedNumber }
}

/** An append to a run. */
export function appendOf(run: OwnedRun, parts: AppendParts = {}): RunAppend {
  const events = parts.events ?? [started]
  const count = events.reduce((sum, event) => sum + numbersOf(event), 0)
  const { runId, threadId, turn, epoch, saved } = run
  return {
    runId,
    threadId,
    turn,
    epoch,
    savedNumber: saved,
    first: saved + 1,
    last: saved + count,
    body: JSON.stringify(events),
    messages: parts.messages ?? [],
    ending: parts.ending ?? null,
  }
}

/** An event that says a text, to be found again. */
export function note(text: string): RunEvent {
  return { type: "message-added", at: 1, messageId: idFrom("message", "0".repeat(32)), text }
}
