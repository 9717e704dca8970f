/**
 * What whoever called an address is answered, told from the events of the run as they come.
 *
 *     at once ────────────────────────────────> answered
 *     events ── an answer of a node ──────────> answered
 *            ├─ the run ended ────────────────> answered, or failed
 *            └─ this process lost the run ────> its end is waited for in the store, then its log is read
 *
 * An answer is given once: what comes after it changes nothing.
 */
import { Refusal } from "@brevet/core/errors"
import type { RunEvent } from "@brevet/core/graph/events"
import type { Item, Outputs } from "@brevet/core/graph/items"
import type { TriggerAnswer } from "@brevet/core/graph/triggers/answer"
import type { Id } from "@brevet/core/ids"
import type { Ports } from "../ports/context.ts"
import type { Listener } from "../ports/runs.ts"

/** What was heard of a run: an answer of a node, or that it has ended, with the items of its last node. */
export type Heard =
  | { readonly type: "answer"; readonly answer: TriggerAnswer }
  | { readonly type: "completed"; readonly items: readonly Item[] }

type Ending =
  | Heard
  | { readonly type: "broken"; readonly event: Extract<RunEvent, { type: "run-failed" | "run-cancelled" }> }

/** Appends that are read at a time. */
const appendsAtATime = 500

/** Waits for the answer of one run. */
export class AnswerListener implements Listener {
  readonly #takesAnswers: boolean
  readonly #outputs = new Map<string, Outputs>()
  #heard: Ending | null = null
  #isGone = false
  #wake: () => void = () => {}

  /** `takesAnswers`: a node says what is answered. */
  constructor({ takesAnswers }: { readonly takesAnswers: boolean }) {
    this.#takesAnswers = takesAnswers
  }

  event(event: RunEvent): void {
    if (this.#heard !== null) return
    switch (event.type) {
      case "node-completed":
        if (event.answer !== undefined && this.#takesAnswers) {
          this.#settle({ type: "answer", answer: event.answer })
        } else this.#outputs.set(event.node, event.outputs)
        return
      case "run-completed":
        this.#settle({ type: "completed", items: itemsOf(this.#outputs.get(event.node ?? "")) })
        return
      case "run-failed":
      case "run-cancelled":
        this.#settle({ type: "broken", event })
        return
      default:
        return
    }
  }

  close(): void {
    this.#isGone = true
    this.#wake()
  }

  #settle(heard: Ending): void {
    this.#heard = heard
    this.#outputs.clear()
    this.#wake()
  }

  /** What there is to say, waiting for it at most so long; null where there is nothing yet. Throws what `heardOf` throws. */
  async wait(
    ports: Pick<Ports, "runs" | "store">,
    { runId, waitMs, isTest }: { readonly runId: Id<"run">; readonly waitMs: number; readonly isTest: boolean },
  ): Promise<Heard | null> {
    if (this.#heard === null && !this.#isGone) await this.#woken(waitMs)
    if (this.#heard === null && this.#isGone) await this.#readOn(ports, { runId, waitMs })
    return this.#heard === null ? null : heardOf(this.#heard, { runId, isTest })
  }

  #woken(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** The run is another process's now: its end is waited for, then everything is heard anew. */
  async #readOn(
    { runs, store }: Pick<Ports, "runs" | "store">,
    { runId, waitMs }: { readonly runId: Id<"run">; readonly waitMs: number },
  ): Promise<void> {
    if ((await runs.waitForEnd(runId, { waitMs })) === null) return
    for (let after = -1; this.#heard === null; ) {
      const events = await store.runs.readLog(runId, { after, appendsMax: appendsAtATime })
      const last = events.at(-1)
      if (last === undefined || last.number <= after) return
      for (const { event } of events) this.event(event)
      after = last.number
    }
  }
}

/** The items of a run's output: of its last node the first output that has some. */
function itemsOf(outputs: Outputs | undefined): readonly Item[] {
  return outputs?.find((items) => items.length > 0) ?? []
}

/** Throws NODE_FAILED and RUN_CANCELLED. What went wrong is told only to whoever tries the workflow out. */
function heardOf(heard: Ending, { runId, isTest }: { readonly runId: Id<"run">; readonly isTest: boolean }): Heard {
  if (heard.type !== "broken") return heard
  const { event } = heard
  if (event.type === "run-cancelled") throw new Refusal("RUN_CANCELLED", { details: { run_id: runId } })
  const { code, message, node = null } = event.failure
  throw new Refusal("NODE_FAILED", {
    message: isTest ? message : "Error in workflow",
    systemMessage: isTest ? event.error.systemMessage : "The run that this request started has failed",
    details: { run_id: runId, ...(isTest ? { node, cause_code: code } : {}) },
  })
}
