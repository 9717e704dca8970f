/**
 * A segment: the stretch of a run that this process owns, from its start or claim to its end, its loss or its handing over.
 *
 * It owns the run's numbers, its state (the fold of everything taken so far), what is not yet saved, and who listens.
 * It does not own what is to be done next: that is the planner's, and `interpret` does it.
 *
 *     take(event) ──> state, number ──> unsaved ──save()──> the log ──> listeners
 *     show(text)  ──> number ──> listeners at once, and into the open chunk, which the next save closes
 *
 * Where the segment begins a run, the first save is its start: everything taken until then goes in with it, and where
 * the run is over by then the whole run is one write.
 *
 * Invariants
 *   S1  One save is in flight at a time, and it carries everything shown before it (E3).
 *   S2  Apart from shown text, listeners get nothing before it is saved; what they get, they get in the order of numbers.
 *   S3  A number is used once. Text takes one for each piece, so that a replay has the same pieces under the same numbers.
 *   S4  Once the run is lost, nothing more is written or shown; and nothing is shown any more once it is to end.
 *   S5  What a save could not write is part of the next one. A start that failed is never tried again from here.
 *   S6  A run that passes its bound of bytes or tokens is broken off there; an event that would pass the bound of bytes
 *       alone is left out.
 */
import type { CauseCode } from "@brevet/core/errors"
import { itemsOfResult } from "@brevet/core/graph/answer"
import type { History } from "@brevet/core/graph/conversation"
import type { CallKey, Failure, RunEvent } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import type { RunFacts } from "@brevet/core/graph/node-scope"
import { advance, type Command, initialState, type Plan } from "@brevet/core/graph/plan"
import type { RunState } from "@brevet/core/graph/run-state"
import type { Id } from "@brevet/core/ids"
import type {
  AppendOutcome,
  MessageWrite,
  PauseWrite,
  RunAppend,
  RunEnding,
  RunRest,
  RunStart,
  SettledPause,
} from "../ports/owner.ts"
import type { EndedHere, Listener, RestedRun } from "../ports/runs.ts"
import { bytesPassed, jsonWithin, passedBound } from "./bounds.ts"
import { makeDeferred } from "./deferred.ts"
import type { Ending } from "./endings.ts"
import { RunBoundPassed } from "./reasons.ts"
import type { SegmentOptions, StartFacts } from "./segment-options.ts"

/** Thrown by a save: the run is another's now, or over. Whoever works for it stops without a word. */
export class RunLost extends Error {
  override readonly name = "RunLost"
}

/** Thrown by the save that is a start: what the run was made of has changed. Whoever asked looks again. */
export class StartRefused extends Error {
  override readonly name = "StartRefused"
}

type Entry = { readonly event: RunEvent; readonly number: number; readonly json: string; readonly shown: boolean }

/** What waits for a save. `chars`: of its events. */
type Unsaved = {
  readonly entries: Entry[]
  readonly messages: MessageWrite[]
  readonly pauses: PauseWrite[]
  readonly chars: number
}

/** With what a segment ends: the run's end, or its rest. */
type Close = { readonly ending: RunEnding | null; readonly rest: RunRest | null }

const goesOn: Close = { ending: null, rest: null }

/** How long shown text may be unsaved (R6). */
const chunkMsMax = 1_000
/**
 * How long a start waits for an answer that it may go in with. Models far away take longer, and theirs begin before they
 * could notice; those nearby and answers that are known already save half of the writing.
 */
const startMsMax = 5

/** A run as this process works on it. */
export class Segment {
  readonly runId: Id<"run">
  readonly organizationId: Id<"organization">
  readonly generation: number | null
  readonly threadId: Id<"thread"> | null
  readonly turn: number | null
  readonly graph: Graph
  readonly facts: RunFacts
  readonly traceId: string
  readonly requestHash: string | null
  state: RunState
  command: Command
  /** What was brought to the run and is not taken up yet, in order; more of it is left for the next segment. */
  readonly settled: SettledPause[] = []
  hasMoreSettled = false
  readonly #options: SegmentOptions
  readonly #plan: Plan
  readonly #abort = new AbortController()
  readonly #listeners = new Set<Listener>()
  #start: StartFacts | null
  #saved: number
  #next: number
  #unsaved: Entry[] = []
  #inFlight: readonly Entry[] = []
  /** Characters of all events of the run, and of those that wait to be saved. */
  #chars: number
  #unsavedChars = 0
  #messages: MessageWrite[] = []
  #pauses: PauseWrite[] = []
  #chunk: { readonly key: CallKey; readonly first: number; readonly texts: string[] } | null = null
  #chunkTimer: NodeJS.Timeout | null = null
  #saving: Promise<void> | null = null
  #isAnnounced = false
  #startTimer: NodeJS.Timeout | null = null
  #startTrouble: Error | null = null
  #history: Promise<History> | null = null
  readonly #started = makeDeferred<void>()
  #ended: EndedHere | RestedRun | null = null
  #closed = false

  constructor(options: SegmentOptions) {
    this.runId = options.runId
    this.organizationId = options.organizationId
    this.generation = options.generation
    this.threadId = options.threadId
    this.turn = options.turn
    this.graph = options.graph
    this.facts = options.facts
    this.traceId = options.traceId
    this.requestHash = options.requestHash
    this.state = options.folded?.state ?? initialState(options.graph)
    this.command = options.folded?.command ?? { type: "none" }
    this.#options = options
    this.#plan = { graph: options.graph, limits: options.limits }
    this.#chars = options.folded?.chars ?? 0
    this.#start = options.start
    this.#saved = options.savedNumber
    this.#next = options.savedNumber + 1
  }

  /** Aborted when the run is to end before its time, is lost, or handed over; the reason says which. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** True once the run is in the store. */
  get isStarted(): boolean {
    return this.#start === null
  }

  /** Characters of events that wait to be saved. */
  get unsavedChars(): number {
    return this.#unsavedChars
  }

  /** Adds an event to the run. It is saved with the next save. Throws RunBoundPassed where the run would hold too much (S6). */
  take(event: RunEvent): void {
    this.#closeChunk()
    const json = this.#jsonOf(event)
    const number = this.#claimNumbers(event.type === "model-text" ? event.texts.length : 1)
    this.#enter({ event, number, json, shown: false })
  }

  /** Adds a message of the thread; it goes in with the next save. */
  addMessage(message: MessageWrite): void {
    this.#messages.push(message)
  }

  /** Adds a pause of the run; it goes in with the next save. */
  addPause(pause: PauseWrite): void {
    this.#pauses.push(pause)
  }

  /** Shows a piece of a model's answer at once, and saves it within a second. To be called only once the run is started. */
  show(key: CallKey, text: string): void {
    if (this.#closed || this.signal.aborted) return
    if (this.#chunk !== null && this.#chunk.key !== key) this.#closeChunk()
    const number = this.#claimNumbers(1)
    if (this.#chunk === null) this.#chunk = { key, first: number, texts: [text] }
    else this.#chunk.texts.push(text)
    const event: RunEvent = { type: "model-text", ...key, texts: [text] }
    this.#tell(event, number)
    if (this.#chunkTimer === null) {
      this.#chunkTimer = setTimeout(() => {
        this.#chunkTimer = null
        // A save that fails here fails again at the next step, where it is dealt with; a lost run is told by the signal.
        this.save().catch(() => {})
      }, chunkMsMax)
    }
  }

  /**
   * Saves everything taken and shown so far; with an ending or a rest, ends the segment. Throws RunLost, StartRefused, and
   * SERVICE_UNAVAILABLE where a start cannot reach the store.
   */
  async save(close: Close = goesOn): Promise<void> {
    // No moment may pass between looking and writing: two saves must not begin in one.
    while (this.#saving !== null) await this.#saving.catch(() => {})
    if (this.#startTrouble !== null) throw this.#startTrouble
    if (this.#closed) throw new RunLost()
    this.#closeChunk()
    if (this.#unsaved.length === 0 && this.#messages.length === 0 && close === goesOn) return
    const saving = this.#write(close)
    this.#saving = saving
    try {
      await saving
    } finally {
      this.#saving = null
    }
  }

  /**
   * Saves the intent of an effect that was taken last. `mayBegin`: it may begin before that is done, which holds for the
   * first effect of a run that this process starts (R5); what it gives is held until `saved`. Where the run is not stored
   * in the end, the signal ends the effect; `saved` then settles or not.
   */
  announce(): { readonly saved: Promise<void>; readonly mayBegin: boolean } {
    if (this.isStarted || this.#isAnnounced) return { saved: this.save(), mayBegin: false }
    this.#isAnnounced = true
    if (!this.#options.startsWithAnswer) {
      const saved = this.save()
      saved.catch(() => {})
      return { saved, mayBegin: true }
    }
    this.#startTimer = setTimeout(() => {
      // What fails here ends the effect by the signal, and is thrown by the next save.
      if (!this.isStarted && !this.#closed) this.save().catch(() => {})
    }, startMsMax)
    return { saved: this.#started.promise, mayBegin: true }
  }

  /** Whether nobody hears of the run as yet, since it is not stored and may be once it is over. */
  get isUnheard(): boolean {
    return !this.isStarted && this.#options.startsWithAnswer
  }

  /** Ends the run with these events, and saves them. Where that fails, the run is as it was before. Throws what `save` throws. */
  end({ events, message, row }: Ending): Promise<void> {
    return this.#finish(events, message, { ending: row, rest: null })
  }

  /** Lets the run come to rest, and saves that. As `end`. */
  rest(event: RunEvent, rest: RunRest): Promise<void> {
    return this.#finish([event], null, { ending: null, rest })
  }

  async #finish(events: readonly RunEvent[], message: MessageWrite | null, close: Close): Promise<void> {
    while (this.#saving !== null) await this.#saving.catch(() => {})
    this.#closeChunk()
    const before = {
      state: this.state,
      command: this.command,
      next: this.#next,
      unsaved: [...this.#unsaved],
      messages: [...this.#messages],
      chars: [this.#chars, this.#unsavedChars] as const,
    }
    for (const event of events) this.take(event)
    if (message !== null) this.addMessage(message)
    try {
      await this.save(close)
    } catch (error) {
      this.state = before.state
      this.command = before.command
      this.#next = before.next
      this.#unsaved = before.unsaved
      this.#messages = before.messages
      ;[this.#chars, this.#unsavedChars] = before.chars
      throw error
    }
  }

  /** Settles once no save is in flight. */
  async whenIdle(): Promise<void> {
    while (this.#saving !== null) await this.#saving.catch(() => {})
  }

  /** What was said in the thread before this turn's question. */
  history(): Promise<History> {
    this.#history ??= this.#options.readHistory()
    return this.#history
  }

  /** Lets the state know of everything shown so far. */
  settleShown(): void {
    this.#closeChunk()
  }

  /** Ends the run's work here: with a reason of ours (`RunCancelled`, …), which whoever works for it gets thrown. */
  abort(reason: Error): void {
    this.#abort.abort(reason)
  }

  /** Settles once the run is in the store; never where that fails, which the loop says. */
  get started(): Promise<void> {
    return this.#started.promise
  }

  /** How the run ended or came to rest; null before that, and where this process did neither. */
  get ended(): EndedHere | RestedRun | null {
    return this.#ended
  }

  /**
   * Gives everything to the listener that is not in the log yet: what was shown and is not saved, at once, then what comes.
   * Gives back what ends that.
   */
  follow(listener: Listener): () => void {
    if (this.#closed) {
      listener.close("gone")
      return () => {}
    }
    for (const { event, number, shown } of [...this.#inFlight, ...this.#unsaved]) {
      if (shown) listener.event(event, number)
    }
    const chunk = this.#chunk
    if (chunk !== null) listener.event({ type: "model-text", ...chunk.key, texts: [...chunk.texts] }, chunk.first)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** This process is done with the run. */
  close(reason: "ended" | "gone"): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#chunkTimer !== null) clearTimeout(this.#chunkTimer)
    if (this.#startTimer !== null) clearTimeout(this.#startTimer)
    for (const listener of this.#listeners) listener.close(reason)
    this.#listeners.clear()
  }

  #claimNumbers(count: number): number {
    const first = this.#next
    this.#next += count
    return first
  }

  #enter(entry: Entry): void {
    this.#unsaved.push(entry)
    this.#unsavedChars += entry.json.length
    this.#chars += entry.json.length
    const step = advance(this.#plan, this.state, entry.event)
    this.state = step.state
    if (step.command.type !== "none" || step.state.end !== null) this.command = step.command
    const passed = passedBound(this.#options.limits, { event: entry.event, state: this.state, chars: this.#chars })
    if (passed !== null) this.abort(this.#passed(passed))
  }

  /** An event as it is written. Throws RunBoundPassed for one that the run has no room for (S6). */
  #jsonOf(event: RunEvent): string {
    const json = jsonWithin(event, this.#options.limits.stateBytesMax - this.#chars)
    if (json !== null) return json
    const passed = this.#passed(bytesPassed(this.#options.limits))
    this.abort(passed)
    throw passed
  }

  #passed(failure: Failure): RunBoundPassed {
    const node = this.graph.nodes[this.state.current?.node ?? -1]
    return new RunBoundPassed(node === undefined ? failure : { ...failure, node: node.name })
  }

  #tell(event: RunEvent, number: number): void {
    for (const listener of this.#listeners) {
      try {
        listener.event(event, number)
      } catch (error) {
        this.#listeners.delete(listener)
        this.#options.onListenerFault(error)
      }
    }
  }

  /** The pieces shown since the last save become one event under the number of the first. */
  #closeChunk(): void {
    const chunk = this.#chunk
    if (chunk === null) return
    this.#chunk = null
    const event: RunEvent = { type: "model-text", ...chunk.key, texts: chunk.texts }
    this.#enter({ event, number: chunk.first, json: JSON.stringify(event), shown: true })
  }

  async #write({ ending, rest }: Close): Promise<void> {
    const taken = this.#takeUnsaved()
    const last = this.#next - 1
    const append = {
      runId: this.runId,
      threadId: this.threadId,
      turn: this.turn,
      epoch: this.#options.epoch,
      savedNumber: this.#saved,
      first: this.#saved + 1,
      last,
      body: `[${taken.entries.map((entry) => entry.json).join(",")}]`,
      messages: taken.messages,
      pauses: taken.pauses,
      ending,
      rest,
    }
    const outcome = await this.#send(append).catch((error: unknown) => {
      this.#putBack(taken)
      throw error
    })
    this.#land({ entries: taken.entries, last, close: { ending, rest } })
    this.#started.resolve()
    // A mark is a cause code: whoever sets one takes it from the catalogue.
    if (outcome.cancelMark !== null) this.#options.onMark(outcome.cancelMark as CauseCode)
    if (outcome.queued && this.threadId !== null) this.#options.onReleased(this.threadId)
  }

  /** Hands an append to the owner: the first one as the run's start, where the segment begins it. */
  async #send(append: RunAppend): Promise<Extract<AppendOutcome, { landed: true }>> {
    if (this.#start !== null) {
      await this.#begin({ ...this.#start, append })
      this.#start = null
      return { landed: true, cancelMark: null, queued: false }
    }
    const outcome = await this.#options.owner.append(append)
    if (outcome.landed) return outcome
    this.abort(new RunLost())
    throw new RunLost()
  }

  /** A start that fails ends everything that is under way for the run. */
  async #begin(start: RunStart): Promise<void> {
    try {
      if (!(await this.#options.owner.start(start))) throw new StartRefused()
    } catch (error) {
      this.#startTrouble = error as Error
      this.abort(error as Error)
      throw error
    }
  }

  #takeUnsaved(): Unsaved {
    const taken = {
      entries: this.#unsaved,
      messages: this.#messages,
      pauses: this.#pauses,
      chars: this.#unsavedChars,
    }
    this.#inFlight = taken.entries
    this.#unsaved = []
    this.#unsavedChars = 0
    this.#messages = []
    this.#pauses = []
    return taken
  }

  #putBack({ entries, messages, pauses, chars }: Unsaved): void {
    this.#inFlight = []
    this.#unsaved = [...entries, ...this.#unsaved]
    this.#unsavedChars += chars
    this.#messages = [...messages, ...this.#messages]
    this.#pauses = [...pauses, ...this.#pauses]
  }

  #endedBy({ status, usage, result }: RunEnding): EndedHere {
    return { status, usage, result, items: itemsOfResult(this.graph, this.state, result.node) }
  }

  /** A save has landed: what was not shown yet is given to whoever listens. */
  #land({ entries, last, close }: { entries: readonly Entry[]; last: number; close: Close }): void {
    this.#saved = last
    this.#inFlight = []
    const { ending, rest } = close
    if (ending !== null) this.#ended = this.#endedBy(ending)
    if (rest !== null) this.#ended = { status: "waiting", usage: rest.usage, result: rest.result }
    for (const entry of entries) {
      if (!entry.shown) this.#tell(entry.event, entry.number)
    }
    for (const listener of this.#listeners) listener.saved?.(last)
  }
}
