/**
 * The performer of HTTP Request: the requests of all items, some at a time, in batches where the node wants pauses.
 *
 * A request that the other side may get twice states no intent: after a crash it is asked again. Any other one is said
 * before it leaves and after it came back (R5); one that was under way in a crash is asked by nobody again, since nobody
 * knows whether it was received: its run fails with NODE_OUTCOME_UNKNOWN. What other items came to is not asked again.
 *
 *     item ── known from before a crash? ──> its items
 *        └──> settings, credential ──> may repeat? ── no ──> intent saved ──┐
 *                                            └─ yes ────────────────────────┴──> page, page, … ──> items
 */
import { setTimeout } from "node:timers/promises"
import { ExpressionError } from "@brevet/core/graph/expression/errors"
import type { Item, Outputs } from "@brevet/core/graph/items"
import { prepareHttpRequest, readBatching, requestCount } from "@brevet/core/graph/kinds/http/http-request"
import { type Page, readPagination } from "@brevet/core/graph/kinds/http/pagination"
import { type HttpRequest, mayRepeat } from "@brevet/core/graph/kinds/http/request"
import { answerItems, isEmptyAnswer } from "@brevet/core/graph/kinds/http/response-items"
import { boundItems } from "@brevet/core/graph/kinds/item-bound"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { SentRequest } from "@brevet/core/graph/run-state"
import type { JsonObject } from "@brevet/core/json"
import type { OpenCredential } from "../../ports/credential-access.ts"
import { type Performer, requireCredential, type Work } from "../perform.ts"
import { ask, type HttpPorts, type Occasion } from "./http-exchange.ts"

/** Requests of one node that are under way at a time (ours). */
const underWayMax = 8

/** How often the same answer may come to the same request before pages are taken for a loop (documented). */
const sameAnswersMax = 5

/** What became of an item. */
type Outcome = { readonly items: readonly Item[] } | { readonly error: NodeFailure | ExpressionError }

/** Makes the performer. */
export function makeHttpPerformer(ports: HttpPorts): Performer {
  return (work) => new HttpRequests(ports, work).all()
}

class HttpRequests {
  readonly #ports: HttpPorts
  readonly #work: Work
  readonly #outcomes: Outcome[] = []
  readonly #sent: ReadonlyMap<number, SentRequest>
  readonly #credentials = new Map<string, Promise<OpenCredential>>()
  #hasStopped = false
  #hasIntents = false

  constructor(ports: HttpPorts, work: Work) {
    this.#ports = ports
    this.#work = work
    this.#sent = new Map((work.segment.state.current?.requests ?? []).map((sent) => [sent.item, sent]))
  }

  async all(): Promise<Outputs> {
    const { context, segment } = this.#work
    const count = requestCount(context)
    const { size, intervalMs } = readBatching(context)
    for (let from = 0; from < count && !this.#hasStopped; from += size ?? count) {
      if (from > 0) await pause(this.#work, intervalMs)
      await this.#batch(from, Math.min(count, from + (size ?? count)))
    }
    // What came to requests that cannot be repeated is in the store before anything else happens.
    if (this.#hasIntents) await segment.save()
    return this.#outputs()
  }

  async #batch(from: number, to: number): Promise<void> {
    let next = from
    const worker = async (): Promise<void> => {
      while (next < to && !this.#hasStopped) {
        const index = next
        next += 1
        this.#outcomes[index] = await this.#outcomeOf(index)
      }
    }
    const workers = Array.from({ length: Math.min(underWayMax, to - from) }, worker)
    // All of them end before anything is thrown: none goes on behind the node's back.
    for (const done of await Promise.allSettled(workers)) {
      if (done.status === "rejected") throw done.reason
    }
  }

  async #outcomeOf(index: number): Promise<Outcome> {
    try {
      return { items: await this.#itemsOf(index) }
    } catch (error) {
      this.#work.segment.signal.throwIfAborted()
      if (!(error instanceof NodeFailure || error instanceof ExpressionError)) throw error
      if (this.#endsNode(error)) this.#hasStopped = true
      return { error }
    }
  }

  /** Whether the failure of an item is one of the node: also where the node has another try before it goes on. */
  #endsNode({ code }: NodeFailure | ExpressionError): boolean {
    const { context, key } = this.#work
    const { onError, tries } = context.node
    return onError === "stopWorkflow" || key.attempt < tries.max || code === "NODE_OUTCOME_UNKNOWN"
  }

  async #itemsOf(itemIndex: number): Promise<readonly Item[]> {
    const { context, segment, workshop, key } = this.#work
    const sent = this.#sent.get(itemIndex)
    if (sent?.status === "completed") return sent.items
    if (sent?.status === "open") throw outcomeUnknown(itemIndex)
    const request = prepareHttpRequest(context, itemIndex)
    const type = request.credentialType
    const credential = type === null ? null : await this.#credential(type)
    const asking: Occasion = { itemIndex, credential }
    if (mayRepeat(request)) return this.#pages(request, asking)
    const { method, url } = request
    const place = { ...key, item: itemIndex }
    const address = plainAddress(url)
    segment.take({ type: "request-started", at: workshop.clock.nowMs(), ...place, method, address })
    this.#hasIntents = true
    await segment.save()
    const items = await this.#pages(request, asking).catch((error: unknown) => {
      segment.signal.throwIfAborted()
      segment.take({ type: "request-completed", at: workshop.clock.nowMs(), ...place, items: null })
      throw error
    })
    segment.take({ type: "request-completed", at: workshop.clock.nowMs(), ...place, items })
    return items
  }

  /** Looked for once in an execution of the node, however many items it has. */
  #credential(type: string): Promise<OpenCredential> {
    const known = this.#credentials.get(type)
    if (known !== undefined) return known
    const found = requireCredential(this.#work, this.#work.context.node, type)
    this.#credentials.set(type, found)
    return found
  }

  async #pages(request: HttpRequest, asking: Occasion): Promise<readonly Item[]> {
    const { context } = this.#work
    const { itemIndex } = asking
    const pagination = readPagination(context, itemIndex)
    if (pagination === null) {
      return answerItems(request.response, await ask(this.#ports, this.#work, { ...asking, request }), itemIndex)
    }
    const items: Item[] = []
    const loop = new LoopWatch()
    let page: Page = { count: 0, answer: null }
    for (;;) {
      const asked = pagination.next(request, page)
      const accepts = (status: number): boolean => pagination.endsWith(status)
      const answer = await ask(this.#ports, this.#work, { ...asking, request: asked, accepts })
      const isFailure = answer.status >= 300 && !request.response.neverFails
      const isBlank = page.count > 0 && isEmptyAnswer(answer) && !request.response.isFull
      if (!isFailure && !isBlank) items.push(...answerItems(request.response, answer, itemIndex))
      boundItems(items.length)
      page = { count: page.count + 1, answer }
      if (page.count >= pagination.pagesMax || isFailure || pagination.isComplete(asked, page)) return items
      loop.note(asked, answer)
      await pause(this.#work, pagination.intervalMs)
    }
  }

  /** The outputs, with the node's `onError` applied to each item. Throws the failure of the first item that ends the node. */
  #outputs(): Outputs {
    const { context } = this.#work
    const { onError } = context.node
    const errors = this.#outcomes.flatMap((one) => ("error" in one ? [one.error] : []))
    const ending = errors.find((error) => this.#endsNode(error))
    if (ending !== undefined) throw ending
    const answered: Item[] = []
    const failed: Item[] = []
    for (const [index, outcome] of this.#outcomes.entries()) {
      if ("items" in outcome) {
        answered.push(...outcome.items)
        continue
      }
      const isApart = onError === "continueErrorOutput"
      const own = isApart ? (context.inputs[0]?.[index]?.json ?? {}) : {}
      const target = isApart ? failed : answered
      target.push({ json: { ...own, error: errorJson(outcome.error) }, pairedItem: { item: index } })
    }
    return onError === "continueErrorOutput" ? [answered, failed] : [answered]
  }
}

/** Ends pages that bring the same again and again. */
class LoopWatch {
  #last = ""
  #count = 0

  /** Throws HTTP_ERROR where the same answer came to the same request too often. */
  note(request: HttpRequest, { content }: Awaited<ReturnType<typeof ask>>): void {
    const exchange = JSON.stringify([request.url, request.query, request.body, content])
    this.#count = exchange === this.#last ? this.#count + 1 : 1
    this.#last = exchange
    if (this.#count < sameAnswersMax) return
    const message = `The same answer came ${sameAnswersMax} times to the same request: the pages of the node never end. Correct when they are complete.`
    throw new NodeFailure("HTTP_ERROR", message)
  }
}

function outcomeUnknown(item: number): NodeFailure {
  const message =
    "The server stopped while this request was under way, and nobody knows whether it was received. Look at the other side, then run the workflow again or go on by hand."
  return new NodeFailure("NODE_OUTCOME_UNKNOWN", message, { details: { item } })
}

/** What a node's own error handling sees of a failure. */
function errorJson(error: NodeFailure | ExpressionError): JsonObject {
  const details = error instanceof NodeFailure ? error.details : {}
  const status = details.status === undefined ? {} : { status: details.status }
  return { message: error.message, code: error.code, ...status }
}

/** An address as events show it: without user, query and fragment, where secrets may stand. */
function plainAddress(text: string): string {
  if (!URL.canParse(text)) return ""
  const { origin, pathname } = new URL(text)
  return `${origin}${pathname}`
}

/** A pause. Throws the reason of the segment's signal, whatever the timer says. */
async function pause({ segment }: Work, ms: number): Promise<void> {
  if (ms <= 0) return
  await setTimeout(ms, undefined, { signal: segment.signal }).catch((error: unknown) => {
    segment.signal.throwIfAborted()
    throw error
  })
}
