/**
 * The model calls of one execution: each is found by its place after a crash, and made once.
 *
 * The first call of a run may begin before the run's start is committed where it has no tools (R5). What a call gives is
 * held until its beginning is in the log. Calls of different lanes may run side by side; those that show text may not.
 */
import { setTimeout } from "node:timers/promises"
import type { CallKey, ToolCallRequest } from "@brevet/core/graph/events"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { makeMarkdownStripper } from "@brevet/core/graph/markdown"
import { type CallPlace, type CompletedCall, isSameCall } from "@brevet/core/graph/run-state"
import { type ModelEvent, ModelFailure, type ModelRequest, type ToolCall } from "../ports/models.ts"
import { causeOfModelFailure } from "./model-request.ts"
import type { Work } from "./perform.ts"

/** How a call's text is shown while it comes; `none`: it is not. */
export type Showing = "as-it-is" | "plain" | "none"

/** What one call needs beside its place. */
export type CallPlan = {
  readonly request: ModelRequest
  readonly shows: Showing
  /** A summary stands for older messages. */
  readonly summarized?: boolean
  /** How often it is made again where it failed for a reason that may pass and nothing was shown; absent: never. */
  readonly retriesMax?: number
}

/** `saved` settles once the call is in the log; where the run is not stored in the end, it may never settle. */
type Announced = { readonly saved: Promise<void> }

/** The text of one try of a call on its way to whoever hears it. */
type Showed = {
  show(text: string): Promise<void>
  /** Whether any of it was shown. */
  showed(): boolean
  /** What is held, to be told with the call's end. */
  takeHeld(): string[]
  /** Nothing of it is to be shown any more. */
  discard(): void
}

/** The longest pause before a call is made again, whatever the provider asks for. */
const pauseMsMax = 30_000
const firstPauseMs = 500

/** The calls of one execution. */
export class ModelCalls {
  readonly #work: Work

  constructor(work: Work) {
    this.#work = work
  }

  /** What a call gave before a crash or an earlier try; null where it did not end. */
  find(place: CallPlace): CompletedCall | null {
    return this.#work.segment.state.current?.calls.find((completed) => isSameCall(completed, place)) ?? null
  }

  /** Makes a call, or gives what it gave already. Throws NodeFailure for what the provider did. */
  async make(place: CallPlace, plan: CallPlan): Promise<CompletedCall> {
    const done = this.find(place)
    if (done !== null) return done
    const { segment, key, workshop } = this.#work
    this.#checkProvider(plan.request)
    const request = await this.#paidFor(plan.request)
    const callKey: CallKey = { ...key, ...place }
    const started = { type: "model-call-started", at: workshop.clock.nowMs(), model: request.model } as const
    segment.take({ ...started, ...callKey, ...(plan.summarized === true ? { summarized: true } : {}) })
    const saved = await this.#announce(request)
    return this.#tryToEnd(callKey, { ...plan, request }, saved)
  }

  /** The call is in the log once this is over, or, of the first call of a run without tools, once what it gives settles. */
  async #announce({ tools = [] }: ModelRequest): Promise<Announced> {
    const { segment } = this.#work
    if (tools.length > 0) {
      await segment.save()
      return { saved: Promise.resolve() }
    }
    const { saved, mayBegin } = segment.announce()
    if (!mayBegin) await saved
    return { saved }
  }

  /** `allowed_model_providers` of the assistant. */
  #checkProvider({ model, endpoint }: ModelRequest): void {
    const { segment, workshop } = this.#work
    const allowed = segment.state.created?.turn?.allowedProviders ?? null
    if (allowed === null) return
    const known = endpoint?.provider ?? workshop.models.providerOf(model) ?? workshop.models.find(model)?.provider
    if (known === undefined || allowed.includes(known)) return
    throw new NodeFailure("MODEL_REFUSED", `The assistant does not allow models of the provider '${known}'.`)
  }

  /** The request with the organization's own key for that provider, where it has one and no credential pays. */
  async #paidFor(request: ModelRequest): Promise<ModelRequest> {
    if (request.endpoint !== undefined) return request
    const { segment, workshop } = this.#work
    const key = await workshop.access.keyFor(segment, request.model)
    if (key.use === "server") return request
    if (key.use === "own") return { ...request, ownKey: key.apiKey }
    const reason = key.reason === "inactive" ? "is switched off" : "has a key that cannot be read any more"
    throw new NodeFailure(
      "MODEL_REFUSED",
      `The provider of the model '${request.model}' ${reason} in this organization.`,
    )
  }

  async #tryToEnd(callKey: CallKey, plan: CallPlan, { saved }: Announced): Promise<CompletedCall> {
    const { signal } = this.#work.segment
    for (let tries = 0; ; tries += 1) {
      const showing = this.#showing(callKey, plan, saved)
      try {
        return await this.#stream(callKey, plan, showing)
      } catch (error) {
        signal.throwIfAborted()
        showing.discard()
        if (tries >= (plan.retriesMax ?? 0) || showing.showed() || !mayPass(error)) throw causeOfModelFailure(error)
        const asked = error instanceof ModelFailure ? error.retryAfterSeconds : undefined
        const waitMs = Math.min(pauseMsMax, asked === undefined ? firstPauseMs * 2 ** tries : asked * 1_000)
        await setTimeout(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted())
      }
    }
  }

  /** Text is held until the call is in the log; where nobody hears of the run before that, it need not be waited for. */
  #showing(callKey: CallKey, { shows }: CallPlan, saved: Promise<void>): Showed {
    const { segment } = this.#work
    let isSaved = false
    let showed = false
    const held: string[] = []
    const takeHeld = () => held.splice(0)
    const showHeld = () => {
      isSaved = true
      for (const text of takeHeld()) {
        showed = true
        segment.show(callKey, text)
      }
    }
    if (segment.isUnheard) saved.then(showHeld)
    return {
      showed: () => showed,
      takeHeld,
      discard: () => void takeHeld(),
      async show(text) {
        if (shows === "none" || text === "") return
        held.push(text)
        if (segment.isUnheard) return
        if (!isSaved) await saved
        showHeld()
      },
    }
  }

  async #stream(callKey: CallKey, plan: CallPlan, { show, takeHeld }: Showed): Promise<CompletedCall> {
    const { segment, workshop } = this.#work
    const texts: string[] = []
    const toolCalls: ToolCallRequest[] = []
    const stripper = plan.shows === "plain" ? makeMarkdownStripper() : null
    for await (const event of workshop.models.stream(plan.request, { signal: segment.signal })) {
      if (event.type === "text") {
        texts.push(event.text)
        await show(stripper === null ? event.text : stripper.push(event.text))
      } else if (event.type === "tool-call") {
        toolCalls.push(requestOf(event.call))
      } else if (event.type === "finish") {
        if (stripper !== null) await show(stripper.end())
        // The answer goes in with the start: its pieces are told with it.
        const pieces = takeHeld()
        if (pieces.length > 0) segment.take({ type: "model-text", ...callKey, texts: pieces })
        return this.#complete(callKey, plan, { text: texts.join(""), toolCalls, event })
      }
    }
    throw new Error("a model's stream ended without its finish")
  }

  #complete(callKey: CallKey, { shows }: CallPlan, { text, toolCalls, event }: Answer): CompletedCall {
    const { segment, workshop } = this.#work
    const completed = { model: event.model, toolCalls, finishReason: event.reason, usage: event.usage }
    const at = workshop.clock.nowMs()
    // Text that was shown as it is stands in the log already.
    const kept = shows === "as-it-is" ? null : text
    segment.take({ type: "model-call-completed", at, ...callKey, ...completed, text: kept })
    const { call, lane } = callKey
    return { ...completed, ...(lane === undefined ? { call } : { call, lane }), text }
  }
}

type Answer = {
  readonly text: string
  readonly toolCalls: readonly ToolCallRequest[]
  readonly event: Extract<ModelEvent, { type: "finish" }>
}

/** Arguments that are no JSON stay the text that they are: whoever reads them says so to the model. */
function requestOf({ id, name, arguments: given, brokenArguments }: ToolCall): ToolCallRequest {
  return { id, name, arguments: brokenArguments ?? given }
}

/** Failures that the same call may not meet again: the provider is at its limit, silent, or broken. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof ModelFailure)) return false
  if (error.kind === "unavailable" || error.kind === "timeout") return true
  return error.kind === "error" && (error.status === undefined || error.status >= 500)
}
