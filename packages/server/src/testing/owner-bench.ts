/**
 * What tests of an owner work with: the owner of one process that is opened for each test, and what is stored, as the
 * store's and the log's ports see it.
 */
import type { Id } from "@brevet/core/ids"
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest"
import type { Context } from "../ports/context.ts"
import type { AppendOutcome, Owner, RunStart } from "../ports/owner.ts"
import type { RunLog } from "../ports/run-log.ts"
import type { ThreadRecord } from "../ports/thread-table.ts"
import type { TurnBasis } from "../ports/turn-table.ts"
import type { TestClock } from "./context.ts"
import { type AppendParts, appendOf, type OwnedRun, OwnedRuns, ownedBy, type StartParts } from "./owned-runs.ts"

/** An owner, and what can happen to its process. */
export type OpenedOwner = {
  readonly owner: Owner
  /** The process is gone: it reaches nothing any more, and nobody hears of it. */
  crash(): Promise<void>
  /** The process stands still: what it asks is neither done nor refused, until it goes on. */
  freeze(): void
  thaw(): void
}

/** What the owners of a test stand on. */
export type OwnerGround = {
  readonly cx: Context
  readonly clock: TestClock
  readonly log: RunLog
  /** An owner for a process of this data folder; the same one if none is named. */
  open(folder?: string): Promise<OpenedOwner>
  /** All that the process of this id has told is long ago by now, and all others have told enough to see it. */
  silence(processId: string): Promise<void>
  /** Ends the owners that are open. */
  closeOwners(): Promise<void>
  close(): Promise<void>
}

/** Numbers of one epoch. */
export const epochNumbers = 2 ** 32
/** The outcome of an append that landed, and nobody waits. */
export const landed = { landed: true, cancelMark: null, queued: false }
/** The outcome of an append that did not land. */
export const lost = { landed: false }

/** The owner of a test, and what it has stored. Its hooks are registered when it is made. */
export class OwnerBench {
  #ground: OwnerGround | null = null
  #opened: OpenedOwner | null = null

  constructor(make: () => Promise<OwnerGround>) {
    beforeAll(async () => {
      this.#ground = await make()
    })
    beforeEach(async () => {
      this.#opened = await this.ground.open()
    })
    afterEach(() => this.ground.closeOwners())
    afterAll(() => this.ground.close())
  }

  get ground(): OwnerGround {
    if (this.#ground === null) throw new Error("no test has begun")
    return this.#ground
  }

  get opened(): OpenedOwner {
    if (this.#opened === null) throw new Error("no test has begun")
    return this.#opened
  }

  get owner(): Owner {
    return this.opened.owner
  }

  get cx(): Context {
    return this.ground.cx
  }

  get runs(): OwnedRuns {
    const { cx, clock } = this.ground
    return new OwnedRuns({ ids: cx.ids, clock, organizationId: cx.principal.organizationId })
  }

  readonly standing = (runId: Id<"run">) => this.ground.log.standing(runId)

  /** What the log holds, as text of its notes and the types of its other events, with epoch and number in it. */
  readonly logOf = async (runId: Id<"run">): Promise<string[]> => {
    const events = await this.ground.log.read(runId, -1, 1_000)
    return events.map(({ number, event }) => {
      const place = `${Math.floor(number / epochNumbers) + 1}/${number % epochNumbers}`
      if (event.type === "message-added") return `${place} ${event.text}`
      return `${place} ${event.type === "model-text" ? event.texts.join("") : event.type}`
    })
  }

  readonly thread = async (id: Id<"thread"> | null | undefined): Promise<ThreadRecord> => {
    const found = id == null ? null : await this.cx.store.threads.find(this.cx.principal.organizationId, id)
    if (found === null) throw new Error("there is no such thread")
    return found
  }

  readonly basis = async (id: Id<"thread"> | null | undefined): Promise<TurnBasis> => {
    const found = id == null ? null : await this.cx.store.turns.findBasis(this.cx.principal.organizationId, id)
    if (found === null) throw new Error("there is no such thread")
    return found
  }

  readonly messages = async (id: Id<"thread"> | null | undefined): Promise<string[]> => {
    if (id == null) return []
    const list = await this.cx.store.messages.list(id, { direction: "asc", limit: 100 })
    return list.map(({ role, content }) => `${role}: ${String(content)}`)
  }

  /** A run that was started. */
  readonly begin = async (start: RunStart): Promise<OwnedRun> => {
    expect(await this.owner.start(start)).toBe(true)
    return ownedBy(start)
  }

  /** An append to a run; where it lands, the run goes on behind it. */
  readonly append = async (run: OwnedRun, parts: AppendParts = {}): Promise<AppendOutcome> => {
    const made = appendOf(run, parts)
    const outcome = await this.owner.append(made)
    if (outcome.landed) run.saved = made.last
    return outcome
  }

  /** A turn that was said and answered in one write, in a thread of its own. */
  readonly talked = async (): Promise<Id<"thread">> => {
    const said = [this.runs.message("user", "Hello"), this.runs.message("assistant", "Hi")]
    const start = this.runs.turn(null, { messages: said, ending: this.runs.ending("completed") })
    await this.begin(start)
    return start.thread?.id as Id<"thread">
  }

  /** The next turn of a thread. */
  readonly next = async (threadId: Id<"thread">, parts: StartParts = {}): Promise<RunStart> =>
    this.runs.turn(await this.basis(threadId), parts)
}
