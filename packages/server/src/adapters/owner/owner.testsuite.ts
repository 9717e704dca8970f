/**
 * What every owner of runs has to do, whatever it is made of: the contract of `ports/owner.ts` as tests. What an owner
 * stores is looked at through the store's and the log's ports.
 *
 *     start ──> run ── append* ──> ended          enqueue ──> queued ── claim ──> run
 *                └── its process is gone ── recover by the same slot ──> run, in the next epoch
 */
import { Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import type { Context } from "../../ports/context.ts"
import type { AppendOutcome, Owner, RunAppend, RunStart } from "../../ports/owner.ts"
import type { RunLog } from "../../ports/run-log.ts"
import type { ThreadRecord } from "../../ports/thread-table.ts"
import type { TurnBasis } from "../../ports/turn-table.ts"
import type { TestClock } from "../../testing/context.ts"
import { appendOf, note, type OwnedRun, OwnedRuns, ownedBy, ownedByClaim } from "../../testing/owned-runs.ts"

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
  /** Ends the owners that are open. */
  closeOwners(): Promise<void>
  close(): Promise<void>
}

const epochNumbers = 2 ** 32
const landed = { landed: true, cancelMark: null, queued: false }
const lost = { landed: false }

/** Defines the tests for one kind of owner. */
export function describeOwner(name: string, make: () => Promise<OwnerGround>): void {
  describe(`an owner of runs (${name})`, () => {
    let ground: OwnerGround
    let cx: Context
    let runs: OwnedRuns
    let opened: OpenedOwner
    let owner: Owner
    beforeAll(async () => {
      ground = await make()
      cx = ground.cx
      runs = new OwnedRuns({ ids: cx.ids, clock: ground.clock, organizationId: cx.principal.organizationId })
    })
    beforeEach(async () => {
      opened = await ground.open()
      owner = opened.owner
    })
    afterEach(() => ground.closeOwners())
    afterAll(() => ground.close())

    const standing = (runId: Id<"run">) => ground.log.standing(runId)
    /** What the log holds, as text of its notes and the types of its other events, with their numbers in the epoch. */
    async function logOf(runId: Id<"run">): Promise<string[]> {
      const events = await ground.log.read(runId, -1, 1_000)
      return events.map(({ number, event }) => {
        const said =
          event.type === "message-added" ? event.text : event.type === "model-text" ? event.texts.join("") : event.type
        return `${Math.floor(number / epochNumbers) + 1}/${number % epochNumbers} ${said}`
      })
    }
    async function thread(id: Id<"thread"> | null | undefined): Promise<ThreadRecord> {
      const found = id == null ? null : await cx.store.threads.find(cx.principal.organizationId, id)
      if (found === null) throw new Error("there is no such thread")
      return found
    }
    async function basis(id: Id<"thread"> | null | undefined): Promise<TurnBasis> {
      const found = id == null ? null : await cx.store.turns.findBasis(cx.principal.organizationId, id)
      if (found === null) throw new Error("there is no such thread")
      return found
    }
    async function messages(id: Id<"thread"> | null | undefined): Promise<string[]> {
      if (id == null) return []
      const list = await cx.store.messages.list(id, { direction: "asc", limit: 100 })
      return list.map(({ role, content }) => `${role}: ${String(content)}`)
    }
    /** A run that was started. */
    async function begin(start: RunStart): Promise<OwnedRun> {
      expect(await owner.start(start)).toBe(true)
      return ownedBy(start)
    }
    async function append(run: OwnedRun, parts: Parameters<typeof appendOf>[1] = {}): Promise<AppendOutcome> {
      const made = appendOf(run, parts)
      const outcome = await owner.append(made)
      if (outcome.landed) run.saved = made.last
      return outcome
    }
    /** A turn that was said and answered in one write, in a thread of its own. */
    async function talked(): Promise<Id<"thread">> {
      const said = [runs.message("user", "Hello"), runs.message("assistant", "Hi")]
      const start = runs.turn(null, { messages: said, ending: runs.ending("completed") })
      await begin(start)
      return start.thread?.id as Id<"thread">
    }
    /** The next turn of a thread. */
    async function next(threadId: Id<"thread">, parts: Parameters<OwnedRuns["turn"]>[1] = {}): Promise<RunStart> {
      return runs.turn(await basis(threadId), parts)
    }

    describe("starting", () => {
      it("stores the run with its first events, a new thread and its message", async () => {
        const responseId = cx.ids.next("response")
        const start = runs.turn(null, { events: [note("a"), note("b")], responseId })
        const run = await begin(start)
        expect(await standing(run.runId)).toEqual({ status: "running", savedNumber: 2 })
        expect(await logOf(run.runId)).toEqual(["1/1 a", "1/2 b"])
        expect(await messages(run.threadId)).toEqual(["user: Hello"])
        expect(await thread(run.threadId)).toMatchObject({ isStreaming: true, messageCount: 1, queued: 0 })
        expect(await basis(run.threadId)).toMatchObject({ turn: 1, activeRun: run.runId })
        expect(await cx.store.turns.findResponse(cx.principal.organizationId, responseId)).toMatchObject({
          runId: run.runId,
          firstNumber: 1,
          status: "running",
        })
      })

      it("stores a run that belongs to no conversation", async () => {
        const run = await begin(runs.background())
        expect(await standing(run.runId)).toEqual({ status: "running", savedNumber: 1 })
      })

      it("takes a thread as it was read, and is refused in one that has changed since", async () => {
        const threadId = await talked()
        const [one, other] = [await next(threadId), await next(threadId)]
        const run = await begin(one)
        expect(await owner.start(other)).toBe(false)
        await append(run, { ending: runs.ending("completed") })
        expect(await owner.start(other)).toBe(false)
        expect(await standing(other.append.runId)).toBeNull()
        expect(await messages(threadId)).toEqual(["user: Hello", "assistant: Hi", "user: Hello"])
        await begin(await next(threadId))
      })

      it("is refused while a turn runs in the thread, and while others wait in it", async () => {
        const threadId = await talked()
        const run = await begin(await next(threadId))
        expect(await owner.start(await next(threadId))).toBe(false)
        expect(await owner.enqueue(await next(threadId), { queuedMax: 10 })).toBe("queued")
        await append(run, { ending: runs.ending("completed") })
        expect(await owner.start(await next(threadId))).toBe(false)
      })

      it("is refused in a thread that was deleted, and in one that never was", async () => {
        const threadId = await talked()
        const start = await next(threadId)
        const { revision } = await thread(threadId)
        await cx.store.threads.softDelete(threadId, { revision, atMs: ground.clock.nowMs() })
        expect(await owner.start(start)).toBe(false)
        const nowhere = runs.turn({ ...(await basis(await talked())), threadId: cx.ids.next("thread") })
        expect(await owner.start(nowhere)).toBe(false)
        expect(await standing(nowhere.append.runId)).toBeNull()
      })

      it("is refused where what it is made of was read under another generation", async () => {
        const generation = (await cx.store.organizations.findGeneration(cx.principal.organizationId)) ?? 0
        expect(await owner.start(runs.turn(null, { generation: generation + 1 }))).toBe(false)
        expect(await owner.start(runs.turn(null, { generation: generation - 1 }))).toBe(false)
        expect(await owner.start(runs.turn(null, { generation }))).toBe(true)
      })

      it("lets exactly one of many win that begin in one thread at the same time", async () => {
        const threadId = await talked()
        const starts = await Promise.all(Array.from({ length: 20 }, () => next(threadId)))
        const outcomes = await Promise.all(starts.map((start) => owner.start(start)))
        expect(outcomes.filter(Boolean)).toHaveLength(1)
        expect(await messages(threadId)).toHaveLength(3)
        const winner = starts[outcomes.indexOf(true)]
        expect(await basis(threadId)).toMatchObject({ activeRun: winner?.append.runId, turn: 2, messageCount: 3 })
      })

      it("makes one thread for a called assistant, however often its first turn is begun", async () => {
        const parent = { threadId: await talked(), node: "Ask" }
        const starts = [1, 2, 3].map(() => runs.turn(null, { thread: { parent, visible: false } }))
        const outcomes = await Promise.all(starts.map((start) => owner.start(start)))
        expect(outcomes.filter(Boolean)).toHaveLength(1)
        const winner = starts[outcomes.indexOf(true)]
        expect(await cx.store.turns.findChild(parent)).toMatchObject({ threadId: winner?.thread?.id, turn: 1 })
      })

      it("is one write for a run that is over already: the thread is free, its end and both messages are there", async () => {
        const said = [runs.message("user", "Hello"), runs.message("assistant", "Hi")]
        const start = runs.turn(null, {
          events: [note("a"), note("z")],
          messages: said,
          ending: runs.ending("completed"),
        })
        const run = await begin(start)
        expect(await standing(run.runId)).toEqual({ status: "completed", savedNumber: 2 })
        expect(await ground.log.ended(run.runId)).toMatchObject({
          status: "completed",
          usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
          result: { model: "scripted-1" },
        })
        expect(await thread(run.threadId)).toMatchObject({
          isStreaming: false,
          messageCount: 2,
          lastModelUsed: "scripted-1",
        })
        expect(await append(run)).toEqual(lost)
      })

      it("that would store a run a second time is refused, and changes nothing", async () => {
        const start = runs.background({ events: [note("first")] })
        await begin(start)
        const again = runs.background({ runId: start.append.runId, events: [note("second")] })
        expect(await owner.start(again)).toBe(false)
        expect(await logOf(start.append.runId)).toEqual(["1/1 first"])
      })

      it("lands for each of a great many at once", async () => {
        const starts = Array.from({ length: 700 }, (_, place) => runs.turn(null, { events: [note(`n${place}`)] }))
        expect(await Promise.all(starts.map((start) => owner.start(start)))).toEqual(starts.map(() => true))
        expect(await logOf(starts[699]?.append.runId as Id<"run">)).toEqual(["1/1 n699"])
        const ended = starts.map((start) => append(ownedBy(start), { ending: runs.ending("completed") }))
        expect(await Promise.all(ended)).toEqual(starts.map(() => landed))
      })

      it("fails alone where a row can never be stored: everybody else in the same write gets through", async () => {
        const twice = [runs.message("user", "one"), runs.message("user", "at the same place")]
        const faulty = runs.turn(null, { messages: twice })
        const before = Array.from({ length: 5 }, () => runs.turn(null))
        const running = await begin(runs.background())
        const [bad, ...good] = await Promise.allSettled([
          owner.start(faulty),
          ...before.map((start) => owner.start(start)),
          append(running, { events: [note("mine")] }),
        ])
        expect(bad?.status).toBe("rejected")
        expect(good).toEqual([
          ...before.map(() => ({ status: "fulfilled", value: true })),
          { status: "fulfilled", value: landed },
        ])
        expect(await standing(faulty.append.runId)).toBeNull()
        expect(await logOf(running.runId)).toEqual(["1/1 run-started", "1/2 mine"])
      })

      it("keeps every text: NUL, halves of characters, quotes, and many megabytes", async () => {
        const texts = ["\u0000", "\ud800", "\udc00x", "\"'\\\n\u2028", "😀", "x".repeat(3_000_000)]
        const start = runs.turn(null, { events: texts.map(note), messages: [runs.message("user", texts.join("|"))] })
        const run = await begin(start)
        const events = await ground.log.read(run.runId, 0, 10)
        expect(events.map(({ event }) => (event.type === "message-added" ? event.text : null))).toEqual(texts)
        expect(await messages(run.threadId)).toEqual([`user: ${texts.join("|")}`])
        const result = { ...runs.ending("completed").result, model: "odd\u0000\ud800model", text: "\u0000" }
        expect(await append(run, { ending: runs.ending("completed", { result }) })).toEqual(landed)
        expect((await ground.log.ended(run.runId))?.result.text).toBe("\u0000")
      })
    })

    describe("starting with an idempotency key", () => {
      const keyed = (key: string, parts: Parameters<OwnedRuns["turn"]>[1] = {}) =>
        runs.turn(null, {
          idempotency: { key, method: "POST", path: "/v1/model/response", bodyHash: "ab".repeat(32) },
          responseId: cx.ids.next("response"),
          ...parts,
        })
      const find = (key: string) =>
        cx.store.idempotency.find({
          organizationId: cx.principal.organizationId,
          key,
          method: "POST",
          path: "/v1/model/response",
        })

      it("stores the key with the run, and refuses every later start with it", async () => {
        const start = keyed("k1")
        const run = await begin(start)
        expect(await find("k1")).toMatchObject({
          runId: run.runId,
          responseId: start.responseId,
          bodyHash: "ab".repeat(32),
        })
        const again = keyed("k1")
        expect(await owner.start(again)).toBe(false)
        expect(await standing(again.append.runId)).toBeNull()
        expect(await basisOrNull(again.thread?.id)).toBeNull()
        expect(await owner.start(keyed("k1 of another"))).toBe(true)
      })

      it("lets exactly one of many win that come at the same instant, and all others beside them get through", async () => {
        const same = Array.from({ length: 8 }, () => keyed("k2"))
        const others = Array.from({ length: 8 }, (_, place) => keyed(`k2-${place}`))
        const outcomes = await Promise.all([...same, ...others].map((start) => owner.start(start)))
        expect(outcomes.slice(0, 8).filter(Boolean)).toHaveLength(1)
        expect(outcomes.slice(8)).toEqual(others.map(() => true))
        expect(await find("k2")).toMatchObject({ runId: same[outcomes.indexOf(true)]?.append.runId })
      })

      it("lets exactly one win of two processes", async () => {
        const second = (await ground.open()).owner
        const starts = Array.from({ length: 10 }, (_, place) => ({
          start: keyed("k3"),
          by: place % 2 === 0 ? owner : second,
        }))
        const outcomes = await Promise.all(starts.map(({ start, by }) => by.start(start)))
        expect(outcomes.filter(Boolean)).toHaveLength(1)
      })

      async function basisOrNull(id: Id<"thread"> | undefined): Promise<TurnBasis | null> {
        return id === undefined ? null : cx.store.turns.findBasis(cx.principal.organizationId, id)
      }
    })

    describe("a turn whose request has just failed", () => {
      const requestHash = () => cx.ids.next("request").slice(-32).repeat(2)
      const findFailed = (hash: string) =>
        cx.store.turns.findFailed(cx.principal.organizationId, hash, { atMs: ground.clock.nowMs() })

      it("is known by its request, so that the same request is refused for a minute", async () => {
        const hash = requestHash()
        const run = await begin(runs.turn(null, { requestHash: hash }))
        const failedMessage = runs.message("assistant", "", { isFailed: true })
        await append(run, { messages: [failedMessage], ending: runs.ending("failed", { failedRequestHash: hash }) })
        expect(await findFailed(hash)).toEqual({ threadId: run.threadId, turn: 1 })
        expect(await owner.start(runs.turn(null, { requestHash: hash }))).toBe(false)
        expect(await owner.start(runs.turn(null, { requestHash: requestHash() }))).toBe(true)
        ground.clock.advance(60_000)
        expect(await owner.start(runs.turn(null, { requestHash: hash }))).toBe(true)
      })

      it("is known also where the whole run was one write", async () => {
        const hash = requestHash()
        const ending = runs.ending("failed", { failedRequestHash: hash })
        const run = await begin(runs.turn(null, { requestHash: hash, ending }))
        expect(await findFailed(hash)).toEqual({ threadId: run.threadId, turn: 1 })
      })

      it("gives its place to the next try: its messages are gone, and the mark with them", async () => {
        const hash = requestHash()
        const threadId = await talked()
        const run = await begin(await next(threadId, { requestHash: hash }))
        const failedMessage = runs.message("assistant", "", { isFailed: true })
        await append(run, { messages: [failedMessage], ending: runs.ending("failed", { failedRequestHash: hash }) })
        expect((await basis(threadId)).messageCount).toBe(4)
        const retry = await next(threadId, {
          requestHash: hash,
          messages: [runs.message("user", "Again")],
          thread: { removes: { turn: 2, ordinal: 0 }, replacesFailed: true },
        })
        await begin(retry)
        expect(await messages(threadId)).toEqual(["user: Hello", "assistant: Hi", "user: Again"])
        expect(await basis(threadId)).toMatchObject({ messageCount: 3, turn: 3 })
        expect(await findFailed(hash)).toBeNull()
      })

      it("stays known where the try that replaces it is over at once and has failed as well", async () => {
        const hash = requestHash()
        const ending = () => runs.ending("failed", { failedRequestHash: hash })
        const run = await begin(runs.turn(null, { requestHash: hash, ending: ending() }))
        const threadId = run.threadId as Id<"thread">
        const retry = await next(threadId, {
          requestHash: hash,
          ending: ending(),
          thread: { removes: { turn: 1, ordinal: 0 }, replacesFailed: true },
        })
        await begin(retry)
        expect(await findFailed(hash)).toEqual({ threadId, turn: 2 })
      })

      it("is one of several that fail with one request in the same write", async () => {
        const hash = requestHash()
        const failing = await Promise.all([1, 2, 3].map(() => begin(runs.turn(null, { requestHash: hash }))))
        const ends = failing.map((run) => append(run, { ending: runs.ending("failed", { failedRequestHash: hash }) }))
        expect(await Promise.all(ends)).toEqual([landed, landed, landed])
        expect(failing.map(({ threadId }) => threadId)).toContain((await findFailed(hash))?.threadId)
      })
    })

    describe("an edit", () => {
      it("removes the messages from its place on together with the start, and counts those that stay", async () => {
        const threadId = await talked()
        const second = await begin(await next(threadId))
        await append(second, { messages: [runs.message("assistant", "Two")], ending: runs.ending("completed") })
        expect((await basis(threadId)).messageCount).toBe(4)
        const refused = runs.turn(
          { ...(await basis(threadId)), revision: 0 },
          { thread: { removes: { turn: 1, ordinal: 1 } } },
        )
        expect(await owner.start(refused)).toBe(false)
        expect((await messages(threadId)).length).toBe(4)
        await begin(
          await next(threadId, {
            messages: [runs.message("user", "Edited")],
            thread: { removes: { turn: 1, ordinal: 1 } },
          }),
        )
        expect(await messages(threadId)).toEqual(["user: Hello", "user: Edited"])
        expect(await basis(threadId)).toMatchObject({ messageCount: 2, turn: 3 })
      })
    })

    describe("appending", () => {
      it("adds events under the next numbers; a chunk of text takes one for each piece", async () => {
        const run = await begin(runs.background({ events: [note("a")] }))
        const chunk = {
          type: "model-text",
          node: "A",
          iteration: 0,
          attempt: 1,
          call: 0,
          texts: ["x", "y", "z"],
        } as const
        expect(await append(run, { events: [note("b"), chunk, note("c")] })).toEqual(landed)
        expect(await append(run, { events: [note("d")] })).toEqual(landed)
        expect(await logOf(run.runId)).toEqual(["1/1 a", "1/2 b", "1/3 xyz", "1/6 c", "1/7 d"])
        expect(await standing(run.runId)).toEqual({ status: "running", savedNumber: 7 })
      })

      it("is lost, and stores nothing, with another epoch, another number, for a run of another process and for no run", async () => {
        const other = (await ground.open()).owner
        const run = await begin(runs.turn(null))
        const made = appendOf(run, { messages: [runs.message("assistant", "No")], ending: runs.ending("failed") })
        const attempts: readonly [Owner, RunAppend][] = [
          [owner, { ...made, epoch: 2 }],
          [owner, { ...made, epoch: 0 }],
          [owner, { ...made, savedNumber: made.savedNumber + 1, first: made.first + 1, last: made.last + 1 }],
          [owner, { ...made, savedNumber: 0, first: 1, last: 5 }],
          [owner, { ...made, runId: cx.ids.next("run") }],
          [other, made],
        ]
        for (const [by, attempt] of attempts) expect(await by.append(attempt)).toEqual(lost)
        expect(await logOf(run.runId)).toEqual(["1/1 run-started"])
        expect(await messages(run.threadId)).toEqual(["user: Hello"])
        expect(await basis(run.threadId)).toMatchObject({ activeRun: run.runId, messageCount: 1 })
        expect(await owner.append(made)).toEqual(landed)
      })

      it("lands once, however often it is sent at the same time", async () => {
        const run = await begin(runs.turn(null))
        const made = appendOf(run, { events: [note("once")], messages: [runs.message("assistant", "Once")] })
        const again = { ...made, messages: [runs.message("assistant", "Twice")] }
        const outcomes = await Promise.all([owner.append(made), owner.append(again)])
        expect(outcomes.filter((outcome) => outcome.landed).length).toBeGreaterThan(0)
        expect(await logOf(run.runId)).toEqual(["1/1 run-started", "1/2 once"])
        expect(await messages(run.threadId)).toHaveLength(2)
      })

      it("is lost once the run is over", async () => {
        const run = await begin(runs.background())
        await append(run, { ending: runs.ending("completed") })
        expect(await append(run, { ending: runs.ending("failed") })).toEqual(lost)
        expect((await ground.log.ended(run.runId))?.status).toBe("completed")
      })

      it("counts the messages that it adds, in the middle of a run and at its end", async () => {
        const run = await begin(runs.turn(null))
        await append(run, { messages: [runs.message("assistant", "First")] })
        expect(await basis(run.threadId)).toMatchObject({ messageCount: 2, activeRun: run.runId })
        ground.clock.advance(5_000)
        const second = runs.message("assistant", "Second", { ordinal: 2 })
        await append(run, { messages: [second], ending: runs.ending("completed") })
        expect(await messages(run.threadId)).toEqual(["user: Hello", "assistant: First", "assistant: Second"])
        expect(await thread(run.threadId)).toMatchObject({
          messageCount: 3,
          isStreaming: false,
          lastMessageAtMs: ground.clock.nowMs(),
        })
      })

      it("tells that somebody wants the run to end, and for which cause first", async () => {
        const run = await begin(runs.background())
        await cx.store.runs.markCancelled({ runId: run.runId }, "RUN_INTERRUPTED")
        await cx.store.runs.markCancelled({ runId: run.runId }, "RUN_CANCELLED")
        expect(await append(run)).toEqual({ ...landed, cancelMark: "RUN_INTERRUPTED" })
      })

      it("of an end frees the thread and tells whether others wait in it", async () => {
        const threadId = await talked()
        const run = await begin(await next(threadId))
        expect(await append(run)).toEqual(landed)
        await owner.enqueue(await next(threadId), { queuedMax: 10 })
        expect(await append(run)).toEqual(landed)
        expect(await append(run, { ending: runs.ending("completed") })).toEqual({ ...landed, queued: true })
        expect(await basis(threadId)).toMatchObject({ activeRun: null, queued: 1 })
      })

      it("of an end that takes the turn back removes its messages, and only these", async () => {
        const threadId = await talked()
        const run = await begin(await next(threadId))
        await append(run, { ending: runs.ending("cancelled", { removesTurn: true }) })
        expect(await messages(threadId)).toEqual(["user: Hello", "assistant: Hi"])
        expect(await basis(threadId)).toMatchObject({ messageCount: 2, activeRun: null, turn: 2 })
      })

      it("of the ends of many turns of one thread in one write counts each of them", async () => {
        const threadId = await talked()
        const active = await begin(await next(threadId))
        const waiting = [await next(threadId)]
        await owner.enqueue(waiting[0] as RunStart, { queuedMax: 10 })
        waiting.push(await next(threadId))
        await owner.enqueue(waiting[1] as RunStart, { queuedMax: 10 })
        const claimed = (await owner.claimQueued(waiting.map(({ append: { runId } }) => runId))).map(ownedByClaim)
        expect(claimed).toHaveLength(2)
        expect((await basis(threadId)).messageCount).toBe(5)
        const [first, second] = claimed as [OwnedRun, OwnedRun]
        const outcomes = await Promise.all([
          append(first, { ending: runs.ending("cancelled", { removesTurn: true }) }),
          append(active, { messages: [runs.message("assistant", "Done")], ending: runs.ending("completed") }),
          append(second, { ending: runs.ending("cancelled", { removesTurn: true }) }),
        ])
        expect(outcomes.map(({ landed: has }) => has)).toEqual([true, true, true])
        expect(await messages(threadId)).toEqual(["user: Hello", "assistant: Hi", "user: Hello", "assistant: Done"])
        expect(await basis(threadId)).toMatchObject({ messageCount: 4, activeRun: null, queued: 0 })
      })
    })

    describe("turns that wait", () => {
      /** A thread with a turn under way, and so many that wait behind it. */
      async function busyThread(
        waiting: number,
      ): Promise<{ threadId: Id<"thread">; active: OwnedRun; queued: RunStart[] }> {
        const threadId = await talked()
        const active = await begin(await next(threadId))
        const queued: RunStart[] = []
        for (let count = 0; count < waiting; count += 1) {
          const start = await next(threadId, { messages: [runs.message("user", `Waiting ${count}`)] })
          expect(await owner.enqueue(start, { queuedMax: 10 })).toBe("queued")
          queued.push(start)
        }
        return { threadId, active, queued }
      }
      const ids = (starts: readonly RunStart[]) => starts.map(({ append: { runId } }) => runId)

      it("are there at once, with their message and their first event, and belong to nobody", async () => {
        const { threadId, queued } = await busyThread(1)
        const [runId] = ids(queued) as [Id<"run">]
        expect(await standing(runId)).toEqual({ status: "queued", savedNumber: 1 })
        expect(await messages(threadId)).toEqual(["user: Hello", "assistant: Hi", "user: Hello", "user: Waiting 0"])
        expect(await basis(threadId)).toMatchObject({ queued: 1, messageCount: 4, turn: 3 })
        expect(await append(ownedBy(queued[0] as RunStart))).toEqual(lost)
      })

      it("are only so many", async () => {
        const { threadId } = await busyThread(2)
        expect(await owner.enqueue(await next(threadId), { queuedMax: 2 })).toBe("full")
        expect((await messages(threadId)).length).toBe(5)
      })

      it("are not taken where nothing runs, where the thread has moved on, or where something else has changed", async () => {
        const free = await talked()
        expect(await owner.enqueue(await next(free), { queuedMax: 10 })).toBe("changed")
        const { threadId } = await busyThread(0)
        const late = await next(threadId)
        await owner.enqueue(await next(threadId), { queuedMax: 10 })
        expect(await owner.enqueue(late, { queuedMax: 10 })).toBe("changed")
        const stranger = await next(threadId, { assistantId: cx.ids.next("assistant") })
        expect(await owner.enqueue(stranger, { queuedMax: 10 })).toBe("changed")
        expect(await owner.enqueue(await next(threadId, { generation: -1 }), { queuedMax: 10 })).toBe("changed")
        const nowhere = runs.turn({ ...(await basis(threadId)), threadId: cx.ids.next("thread") })
        expect(await owner.enqueue(nowhere, { queuedMax: 10 })).toBe("changed")
      })

      it("are one where two come with one idempotency key", async () => {
        const [one, other] = [await busyThread(0), await busyThread(0)]
        const idempotency = { key: cx.ids.next("request"), method: "POST", path: "/x", bodyHash: "cd".repeat(32) }
        const starts = [await next(one.threadId, { idempotency }), await next(other.threadId, { idempotency })]
        const outcomes = await Promise.all(starts.map((start) => owner.enqueue(start, { queuedMax: 10 })))
        expect([...outcomes].sort()).toEqual(["changed", "queued"])
      })

      it("remove what an edit removes behind the turn that runs", async () => {
        const { threadId } = await busyThread(0)
        const edit = await next(threadId, {
          messages: [runs.message("user", "Edited")],
          thread: { removes: { turn: 1, ordinal: 1 } },
        })
        expect(await owner.enqueue(edit, { queuedMax: 10 })).toBe("queued")
        expect(await messages(threadId)).toEqual(["user: Hello", "user: Edited"])
        expect((await basis(threadId)).messageCount).toBe(2)
      })

      it("are claimed one by one in the order of turns, each in the next epoch with its first number", async () => {
        const { threadId, active, queued } = await busyThread(3)
        expect(await owner.claimDue(10)).toEqual([])
        await append(active, { ending: runs.ending("completed") })
        for (const [place, start] of queued.entries()) {
          await owner.release(threadId)
          const claimed = await owner.claimDue(10)
          expect(claimed).toEqual([
            expect.objectContaining({
              runId: start.append.runId,
              threadId,
              turn: place + 3,
              epoch: 2,
              savedNumber: epochNumbers,
              cancelMark: null,
              requestHash: null,
            }),
          ])
          const run = ownedByClaim(claimed[0] as (typeof claimed)[0])
          expect(await owner.claimDue(10)).toEqual([])
          expect(await append(run, { events: [note("go")] })).toEqual(landed)
          expect(await logOf(run.runId)).toEqual(["1/1 run-started", "2/1 go"])
          expect(await append(run, { ending: runs.ending("completed") })).toMatchObject({ queued: place < 2 })
        }
        expect(await basis(threadId)).toMatchObject({ activeRun: null, queued: 0 })
      })

      it("are found by a claim also where nobody has released the thread", async () => {
        const { active, queued } = await busyThread(1)
        await append(active, { ending: runs.ending("completed") })
        expect((await owner.claimDue(10)).map(({ runId }) => runId)).toEqual(ids(queued))
      })

      it("are each claimed by exactly one of many that claim at the same time, at most as many as each asks for", async () => {
        const owners = [owner, (await ground.open()).owner, (await ground.open("elsewhere")).owner]
        const busy = await Promise.all(Array.from({ length: 12 }, () => busyThread(1)))
        for (const { active } of busy) await append(active, { ending: runs.ending("completed") })
        for (const { threadId } of busy) await owner.release(threadId)
        const claims = await Promise.all([...owners, ...owners].map((by) => by.claimDue(2)))
        for (const claimed of claims) expect(claimed.length).toBeLessThanOrEqual(2)
        const rest = await Promise.all([...owners, ...owners].map((by) => by.claimDue(20)))
        const all = [...claims, ...rest].flat().map(({ runId }) => runId)
        expect([...all].sort()).toEqual(busy.flatMap(({ queued }) => ids(queued)).sort())
      })

      it("come with the mark of who wants them to end", async () => {
        const { threadId, active, queued } = await busyThread(1)
        await cx.store.runs.markCancelled({ runId: ids(queued)[0] as Id<"run"> }, "RUN_CANCELLED")
        await append(active, { ending: runs.ending("completed") })
        await owner.release(threadId)
        expect(await owner.claimDue(10)).toMatchObject([{ cancelMark: "RUN_CANCELLED" }])
      })

      it("are taken out of the middle of the queue to be ended, and the others keep their order", async () => {
        const { threadId, active, queued } = await busyThread(3)
        const [first, second, third] = ids(queued) as [Id<"run">, Id<"run">, Id<"run">]
        const taken = await owner.claimQueued([second, active.runId, cx.ids.next("run")])
        expect(taken).toMatchObject([{ runId: second, epoch: 2, savedNumber: epochNumbers }])
        expect((await basis(threadId)).queued).toBe(2)
        expect(await owner.claimQueued([second])).toEqual([])
        const ended = await append(ownedByClaim(taken[0] as (typeof taken)[0]), {
          ending: runs.ending("cancelled", { removesTurn: true }),
        })
        expect(ended).toEqual(landed)
        expect(await messages(threadId)).not.toContain("user: Waiting 1")
        expect(await basis(threadId)).toMatchObject({ messageCount: 5, activeRun: active.runId })
        await append(active, { ending: runs.ending("completed") })
        for (const runId of [first, third]) {
          await owner.release(threadId)
          const [run] = await owner.claimDue(10)
          expect(run?.runId).toBe(runId)
          if (run !== undefined) await append(ownedByClaim(run), { ending: runs.ending("completed") })
        }
      })

      it("are claimed either to run or to be ended, never both, whoever comes first", async () => {
        for (let round = 0; round < 10; round += 1) {
          const { threadId, active, queued } = await busyThread(1)
          await append(active, { ending: runs.ending("completed") })
          const [dueRuns, ended] = await Promise.all([
            owner.release(threadId).then(() => owner.claimDue(10)),
            owner.claimQueued(ids(queued)),
          ])
          const taken = [...dueRuns, ...ended, ...(await owner.claimDue(10))]
          expect(taken.map(({ runId }) => runId)).toEqual(ids(queued))
          await append(ownedByClaim(taken[0] as (typeof taken)[0]), { ending: runs.ending("completed") })
          expect(await basis(threadId)).toMatchObject({ activeRun: null, queued: 0 })
        }
      })

      it("releasing a thread in which nothing waits, in which something runs or that does not exist is harmless", async () => {
        const { threadId, active } = await busyThread(1)
        await owner.release(threadId)
        expect(await owner.claimDue(10)).toEqual([])
        expect(await basis(threadId)).toMatchObject({ activeRun: active.runId, queued: 1 })
        await owner.release(await talked())
        await owner.release(cx.ids.next("thread"))
      })
    })

    describe("after a crash", () => {
      it("the next process of the slot gets what was under way, in the next epoch, and nothing that was over", async () => {
        const running = [await begin(runs.turn(null)), await begin(runs.background())]
        const over = await begin(runs.background())
        await append(over, { ending: runs.ending("completed") })
        await opened.crash()
        const second = (await ground.open()).owner
        const recovered = await second.recover()
        expect(recovered.map(({ runId }) => runId).sort()).toEqual(running.map(({ runId }) => runId).sort())
        for (const run of recovered) expect(run).toMatchObject({ epoch: 2, savedNumber: epochNumbers })
        expect(await second.recover()).toEqual([])
        const taken = ownedByClaim(recovered[0] as (typeof recovered)[0])
        expect(await second.append(appendOf(taken, { ending: runs.ending("completed") }))).toEqual(landed)
        expect((await logOf(taken.runId)).map((line) => line.split(" ")[0])).toEqual(["1/1", "2/1"])
      })

      it("a run that crashes again and again goes on from epoch to epoch", async () => {
        const run = await begin(runs.background())
        for (let epoch = 2; epoch < 5; epoch += 1) {
          await opened.crash()
          opened = await ground.open()
          const [taken] = await opened.owner.recover()
          expect(taken).toMatchObject({ runId: run.runId, epoch, savedNumber: (epoch - 1) * epochNumbers })
        }
      })

      it("a run that was claimed, or left its thread's queue, is found as well", async () => {
        const threadId = await talked()
        const active = await begin(await next(threadId))
        await owner.enqueue(await next(threadId), { queuedMax: 10 })
        await append(active, { ending: runs.ending("completed") })
        const claimed = await owner.claimDue(10)
        await opened.crash()
        expect(await (await ground.open()).owner.recover()).toMatchObject([{ runId: claimed[0]?.runId, epoch: 3 }])
      })

      it("turns that wait stay where they are, for whoever claims them", async () => {
        const threadId = await talked()
        const active = await begin(await next(threadId))
        const waiting = await next(threadId)
        await owner.enqueue(waiting, { queuedMax: 10 })
        await opened.crash()
        const second = (await ground.open()).owner
        const recovered = await second.recover()
        expect(recovered.map(({ runId }) => runId)).toEqual([active.runId])
        await second.append(
          appendOf(ownedByClaim(recovered[0] as (typeof recovered)[0]), { ending: runs.ending("completed") }),
        )
        expect(await second.claimDue(10)).toMatchObject([{ runId: waiting.append.runId }])
      })

      it("nobody gets the runs of a process that lives, nor those of another folder", async () => {
        const mine = await begin(runs.background())
        const stranger = await ground.open("elsewhere")
        const theirs = runs.background()
        await stranger.owner.start(theirs)
        const beside = (await ground.open()).owner
        expect(await beside.recover()).toEqual([])
        await stranger.crash()
        expect(await (await ground.open()).owner.recover()).toEqual([])
        expect(await append(mine)).toEqual(landed)
        expect(await (await ground.open("elsewhere")).owner.recover()).toMatchObject([{ runId: theirs.append.runId }])
      })

      it("whatever a process still sends that was only cut off is refused, and it goes on with new runs", async () => {
        const run = await begin(runs.turn(null))
        opened.freeze()
        const lateAppend = append(run, {
          messages: [runs.message("assistant", "Late")],
          ending: runs.ending("completed"),
        })
        await opened.crash()
        const second = (await ground.open()).owner
        expect(await second.recover()).toMatchObject([{ runId: run.runId }])
        opened.thaw()
        expect(await lateAppend).toEqual(lost)
        expect(await messages(run.threadId)).toEqual(["user: Hello"])
        expect(await append(run)).toEqual(lost)
        const fresh = await begin(runs.background())
        expect(await append(fresh)).toEqual(landed)
      })
    })

    describe("a run that was claimed and cannot be gone on with", () => {
      it("is given out again in the next epoch, once", async () => {
        const threadId = await talked()
        const active = await begin(await next(threadId))
        await owner.enqueue(await next(threadId), { queuedMax: 10 })
        await append(active, { ending: runs.ending("completed") })
        const [first] = await owner.claimDue(10)
        const kept = await begin(runs.background())
        expect(await owner.claimDue(10)).toEqual([])
        owner.giveBack(first?.runId as Id<"run">)
        const again = await owner.claimDue(10)
        expect(again).toMatchObject([{ runId: first?.runId, epoch: 3, savedNumber: 2 * epochNumbers }])
        expect(await owner.claimDue(10)).toEqual([])
        expect(await append(kept)).toEqual(landed)
      })
    })

    describe("closing", () => {
      it("refuses what comes later with SERVICE_UNAVAILABLE, and leaves what was under way to the next process", async () => {
        const run = await begin(runs.background())
        await owner.close()
        const refusal = expect.objectContaining({ code: "SERVICE_UNAVAILABLE" })
        await expect(owner.start(runs.background())).rejects.toEqual(refusal)
        await expect(append(run)).rejects.toBeInstanceOf(Refusal)
        expect(await (await ground.open()).owner.recover()).toMatchObject([{ runId: run.runId, epoch: 2 }])
      })

      it("lets what was written by then land", async () => {
        const writes = Array.from({ length: 50 }, () => runs.background())
        const started = writes.map((start) => owner.start(start))
        await new Promise((resolve) => setImmediate(resolve))
        await owner.close()
        for (const [place, outcome] of (await Promise.allSettled(started)).entries()) {
          const found = await standing(writes[place]?.append.runId as Id<"run">)
          expect(found !== null).toBe(outcome.status === "fulfilled")
        }
      })
    })
  })
}
