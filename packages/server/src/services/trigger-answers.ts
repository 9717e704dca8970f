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
import { lastNodeAnswer, startedAnswer } from "@brevet/core/graph/triggers/run-answer"
import type { WebhookSettings } from "@brevet/core/graph/triggers/webhook-settings"
import type { Id } from "@brevet/core/ids"
import type { Ports } from "../ports/context.ts"
import type { Listener } from "../ports/runs.ts"

type Ended = Extract<RunEvent, { type: "run-completed" | "run-failed" | "run-cancelled" }>

/** How the wait for an answer ended. `lost`: the run is under way, and this process hears no more of it. */
type Heard =
  | { readonly type: "answer"; readonly answer: TriggerAnswer }
  | { readonly type: "ended"; readonly event: Ended; readonly items: readonly Item[] }

/** Appends that are read at a time. */
const appendsAtATime = 500

/** Waits for the answer of one run. */
export class AnswerListener implements Listener {
  readonly #webhook: WebhookSettings
  readonly #outputs = new Map<string, Outputs>()
  #heard: Heard | null = null
  #isGone = false
  #wake: () => void = () => {}

  constructor(webhook: WebhookSettings) {
    this.#webhook = webhook
  }

  event(event: RunEvent): void {
    if (this.#heard !== null) return
    switch (event.type) {
      case "node-completed":
        if (event.answer !== undefined && this.#webhook.response.when === "node") {
          this.#settle({ type: "answer", answer: event.answer })
        } else this.#outputs.set(event.node, event.outputs)
        return
      case "run-completed":
        this.#settle({ type: "ended", event, items: itemsOf(this.#outputs.get(event.node ?? "")) })
        return
      case "run-failed":
      case "run-cancelled":
        this.#settle({ type: "ended", event, items: [] })
        return
      default:
        return
    }
  }

  close(): void {
    this.#isGone = true
    this.#wake()
  }

  #settle(heard: Heard): void {
    this.#heard = heard
    this.#outputs.clear()
    this.#wake()
  }

  /** The answer of the run, waiting for it at most so long; null where there is none yet. Throws what `answerOf` throws. */
  async wait(
    ports: Pick<Ports, "runs" | "store">,
    { runId, waitMs, isTest }: { readonly runId: Id<"run">; readonly waitMs: number; readonly isTest: boolean },
  ): Promise<TriggerAnswer | null> {
    if (this.#heard === null && !this.#isGone) await this.#woken(waitMs)
    if (this.#heard === null && this.#isGone) await this.#readOn(ports, { runId, waitMs })
    return this.#heard === null ? null : answerOf(this.#webhook, this.#heard, { runId, isTest })
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
function answerOf(
  webhook: WebhookSettings,
  heard: Heard,
  { runId, isTest }: { readonly runId: Id<"run">; readonly isTest: boolean },
): TriggerAnswer {
  if (heard.type === "answer") return heard.answer
  const { event, items } = heard
  if (event.type === "run-cancelled") throw new Refusal("RUN_CANCELLED", { details: { run_id: runId } })
  if (event.type === "run-failed") {
    const { code, message } = event.failure
    throw new Refusal("NODE_FAILED", {
      message: isTest ? message : "Error in workflow",
      systemMessage: isTest ? event.error.systemMessage : "The run that this request started has failed",
      details: { run_id: runId, ...(isTest ? { node: event.failure.node ?? null, cause_code: code } : {}) },
    })
  }
  const { response } = webhook
  return response.when === "last-node" ? lastNodeAnswer(webhook, response, items) : startedAnswer(webhook)
}
