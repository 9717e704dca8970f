/**
 * What every owner of runs has to do, whatever it is made of: the contract of `ports/owner.ts` as tests. What an owner
 * stores is looked at through the store's and the log's ports. Runs that change hands are in `owner-claims.testsuite.ts`.
 *
 *     start ──> run ── append* ──> ended
 */
import { Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import { describe, expect, it } from "vitest"
import type { Owner, RunAppend, RunStart } from "../../ports/owner.ts"
import type { TurnBasis } from "../../ports/turn-table.ts"
import { appendOf, note, type OwnedRun, ownedBy, ownedByClaim } from "../../testing/owned-runs.ts"
import { landed, lost, OwnerBench, type OwnerGround } from "../../testing/owner-bench.ts"
import { describeClaims } from "./owner-claims.testsuite.ts"

/** Defines the tests for one kind of owner. */
export function describeOwner(name: string, make: () => Promise<OwnerGround>): void {
  describe(`an owner of runs (${name})`, () => {
    const bench = new OwnerBench(make)
    const { standing, logOf, thread, basis, messages, begin, append, talked, next } = bench

    describe("starting", () => {
      it("stores the run with its first events, a new thread and its message", async () => {
        const responseId = bench.cx.ids.next("response")
        const start = bench.runs.turn(null, { events: [note("a"), note("b")], responseId })
        const run = await begin(start)
        expect(await standing(run.runId)).toEqual({ status: "running", savedNumber: 2 })
        expect(await logOf(run.runId)).toEqual(["1/1 a", "1/2 b"])
        expect(await messages(run.threadId)).toEqual(["user: Hello"])
        expect(await thread(run.threadId)).toMatchObject({ isStreaming: true, messageCount: 1, queued: 0 })
        expect(await basis(run.threadId)).toMatchObject({ turn: 1, activeRun: run.runId })
        expect(await bench.cx.store.turns.findResponse(bench.cx.principal.organizationId, responseId)).toMatchObject({
          runId: run.runId,
          firstNumber: 1,
          status: "running",
        })
      })

      it("stores a run that belongs to no conversation", async () => {
        const run = await begin(bench.runs.background())
        expect(await standing(run.runId)).toEqual({ status: "running", savedNumber: 1 })
      })

      it("takes a thread as it was read, and is refused in one that has changed since", async () => {
        const threadId = await talked()
        const [one, other] = [await next(threadId), await next(threadId)]
        const run = await begin(one)
        expect(await bench.owner.start(other)).toBe(false)
        await append(run, { ending: bench.runs.ending("completed") })
        expect(await bench.owner.start(other)).toBe(false)
        expect(await standing(other.append.runId)).toBeNull()
        expect(await messages(threadId)).toEqual(["user: Hello", "assistant: Hi", "user: Hello"])
        await begin(await next(threadId))
      })

      it("is refused while a turn runs in the thread, and while others wait in it", async () => {
        const threadId = await talked()
        const run = await begin(await next(threadId))
        expect(await bench.owner.start(await next(threadId))).toBe(false)
        expect(await bench.owner.enqueue(await next(threadId), { queuedMax: 10 })).toBe("queued")
        await append(run, { ending: bench.runs.ending("completed") })
        expect(await bench.owner.start(await next(threadId))).toBe(false)
      })

      it("is refused in a thread that was deleted, and in one that never was", async () => {
        const threadId = await talked()
        const start = await next(threadId)
        const { revision } = await thread(threadId)
        await bench.cx.store.threads.softDelete(threadId, { revision, atMs: bench.ground.clock.nowMs() })
        expect(await bench.owner.start(start)).toBe(false)
        const nowhere = bench.runs.turn({ ...(await basis(await talked())), threadId: bench.cx.ids.next("thread") })
        expect(await bench.owner.start(nowhere)).toBe(false)
        expect(await standing(nowhere.append.runId)).toBeNull()
      })

      it("is refused where what it is made of was read under another generation", async () => {
        const generation = (await bench.cx.store.organizations.findGeneration(bench.cx.principal.organizationId)) ?? 0
        expect(await bench.owner.start(bench.runs.turn(null, { generation: generation + 1 }))).toBe(false)
        expect(await bench.owner.start(bench.runs.turn(null, { generation: generation - 1 }))).toBe(false)
        expect(await bench.owner.start(bench.runs.turn(null, { generation }))).toBe(true)
      })

      it("lets exactly one of many win that begin in one thread at the same time", async () => {
        const threadId = await talked()
        const starts = await Promise.all(Array.from({ length: 20 }, () => next(threadId)))
        const outcomes = await Promise.all(starts.map((start) => bench.owner.start(start)))
        expect(outcomes.filter(Boolean)).toHaveLength(1)
        expect(await messages(threadId)).toHaveLength(3)
        const winner = starts[outcomes.indexOf(true)]
        expect(await basis(threadId)).toMatchObject({ activeRun: winner?.append.runId, turn: 2, messageCount: 3 })
      })

      it("makes one thread for a called assistant, however often its first turn is begun", async () => {
        const parent = { threadId: await talked(), node: "Ask" }
        const starts = [1, 2, 3].map(() => bench.runs.turn(null, { thread: { parent, visible: false } }))
        const outcomes = await Promise.all(starts.map((start) => bench.owner.start(start)))
        expect(outcomes.filter(Boolean)).toHaveLength(1)
        const winner = starts[outcomes.indexOf(true)]
        expect(await bench.cx.store.turns.findChild(parent)).toMatchObject({ threadId: winner?.thread?.id, turn: 1 })
      })

      it("is one write for a run that is over already: the thread is free, its end and both messages are there", async () => {
        const said = [bench.runs.message("user", "Hello"), bench.runs.message("assistant", "Hi")]
        const start = bench.runs.turn(null, {
          events: [note("a"), note("z")],
          messages: said,
          ending: bench.runs.ending("completed"),
        })
        const run = await begin(start)
        expect(await standing(run.runId)).toEqual({ status: "completed", savedNumber: 2 })
        expect(await bench.ground.log.ended(run.runId)).toMatchObject({
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
        const start = bench.runs.background({ events: [note("first")] })
        await begin(start)
        const again = bench.runs.background({ runId: start.append.runId, events: [note("second")] })
        expect(await bench.owner.start(again)).toBe(false)
        expect(await logOf(start.append.runId)).toEqual(["1/1 first"])
      })

      it("lands for each of a great many at once", async () => {
        const starts = Array.from({ length: 700 }, (_, place) => bench.runs.turn(null, { events: [note(`n${place}`)] }))
        expect(await Promise.all(starts.map((start) => bench.owner.start(start)))).toEqual(starts.map(() => true))
        expect(await logOf(starts[699]?.append.runId as Id<"run">)).toEqual(["1/1 n699"])
        const ended = starts.map((start) => append(ownedBy(start), { ending: bench.runs.ending("completed") }))
        expect(await Promise.all(ended)).toEqual(starts.map(() => landed))
      })

      it("fails alone where a row can never be stored: everybody else in the same write gets through", async () => {
        const twice = [bench.runs.message("user", "one"), bench.runs.message("user", "at the same place")]
        const faulty = bench.runs.turn(null, { messages: twice })
        const before = Array.from({ length: 5 }, () => bench.runs.turn(null))
        const running = await begin(bench.runs.background())
        const [bad, ...good] = await Promise.allSettled([
          bench.owner.start(faulty),
          ...before.map((start) => bench.owner.start(start)),
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
        const start = bench.runs.turn(null, {
          events: texts.map(note),
          messages: [bench.runs.message("user", texts.join("|"))],
        })
        const run = await begin(start)
        const events = await bench.ground.log.read(run.runId, 0, 10)
        expect(events.map(({ event }) => (event.type === "message-added" ? event.text : null))).toEqual(texts)
        expect(await messages(run.threadId)).toEqual([`user: ${texts.join("|")}`])
        const result = { ...bench.runs.ending("completed").result, model: "odd\u0000\ud800model", text: "\u0000" }
        expect(await append(run, { ending: bench.runs.ending("completed", { result }) })).toEqual(landed)
        expect((await bench.ground.log.ended(run.runId))?.result.text).toBe("\u0000")
      })
    })

    describe("starting with an idempotency key", () => {
      const keyed = (key: string, parts: Parameters<OwnerBench["next"]>[1] = {}) =>
        bench.runs.turn(null, {
          idempotency: { key, method: "POST", path: "/v1/model/response", bodyHash: "ab".repeat(32) },
          responseId: bench.cx.ids.next("response"),
          ...parts,
        })
      const find = (key: string) =>
        bench.cx.store.idempotency.find({
          organizationId: bench.cx.principal.organizationId,
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
        expect(await bench.owner.start(again)).toBe(false)
        expect(await standing(again.append.runId)).toBeNull()
        expect(await basisOrNull(again.thread?.id)).toBeNull()
        expect(await bench.owner.start(keyed("k1 of another"))).toBe(true)
      })

      it("lets exactly one of many win that come at the same instant, and all others beside them get through", async () => {
        const same = Array.from({ length: 8 }, () => keyed("k2"))
        const others = Array.from({ length: 8 }, (_, place) => keyed(`k2-${place}`))
        const outcomes = await Promise.all([...same, ...others].map((start) => bench.owner.start(start)))
        expect(outcomes.slice(0, 8).filter(Boolean)).toHaveLength(1)
        expect(outcomes.slice(8)).toEqual(others.map(() => true))
        expect(await find("k2")).toMatchObject({ runId: same[outcomes.indexOf(true)]?.append.runId })
      })

      it("lets exactly one win of two processes", async () => {
        const second = (await bench.ground.open()).owner
        const starts = Array.from({ length: 10 }, (_, place) => ({
          start: keyed("k3"),
          by: place % 2 === 0 ? bench.owner : second,
        }))
        const outcomes = await Promise.all(starts.map(({ start, by }) => by.start(start)))
        expect(outcomes.filter(Boolean)).toHaveLength(1)
      })

      async function basisOrNull(id: Id<"thread"> | undefined): Promise<TurnBasis | null> {
        return id === undefined ? null : bench.cx.store.turns.findBasis(bench.cx.principal.organizationId, id)
      }
    })

    describe("a turn whose request has just failed", () => {
      const requestHash = () => bench.cx.ids.next("request").slice(-32).repeat(2)
      const findFailed = (hash: string) =>
        bench.cx.store.turns.findFailed(bench.cx.principal.organizationId, hash, { atMs: bench.ground.clock.nowMs() })

      it("is known by its request, so that the same request is refused for a minute", async () => {
        const hash = requestHash()
        const run = await begin(bench.runs.turn(null, { requestHash: hash }))
        const failedMessage = bench.runs.message("assistant", "", { isFailed: true })
        await append(run, {
          messages: [failedMessage],
          ending: bench.runs.ending("failed", { failedRequestHash: hash }),
        })
        expect(await findFailed(hash)).toEqual({ threadId: run.threadId, turn: 1 })
        expect(await bench.owner.start(bench.runs.turn(null, { requestHash: hash }))).toBe(false)
        expect(await bench.owner.start(bench.runs.turn(null, { requestHash: requestHash() }))).toBe(true)
        bench.ground.clock.advance(60_000)
        expect(await bench.owner.start(bench.runs.turn(null, { requestHash: hash }))).toBe(true)
      })

      it("is known also where the whole run was one write", async () => {
        const hash = requestHash()
        const ending = bench.runs.ending("failed", { failedRequestHash: hash })
        const run = await begin(bench.runs.turn(null, { requestHash: hash, ending }))
        expect(await findFailed(hash)).toEqual({ threadId: run.threadId, turn: 1 })
      })

      it("gives its place to the next try: its messages are gone, and the mark with them", async () => {
        const hash = requestHash()
        const threadId = await talked()
        const run = await begin(await next(threadId, { requestHash: hash }))
        const failedMessage = bench.runs.message("assistant", "", { isFailed: true })
        await append(run, {
          messages: [failedMessage],
          ending: bench.runs.ending("failed", { failedRequestHash: hash }),
        })
        expect((await basis(threadId)).messageCount).toBe(4)
        const retry = await next(threadId, {
          requestHash: hash,
          messages: [bench.runs.message("user", "Again")],
          thread: { removes: { turn: 2, ordinal: 0 }, replacesFailed: true },
        })
        await begin(retry)
        expect(await messages(threadId)).toEqual(["user: Hello", "assistant: Hi", "user: Again"])
        expect(await basis(threadId)).toMatchObject({ messageCount: 3, turn: 3 })
        expect(await findFailed(hash)).toBeNull()
      })

      it("stays known where the try that replaces it is over at once and has failed as well", async () => {
        const hash = requestHash()
        const ending = () => bench.runs.ending("failed", { failedRequestHash: hash })
        const run = await begin(bench.runs.turn(null, { requestHash: hash, ending: ending() }))
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
        const failing = await Promise.all([1, 2, 3].map(() => begin(bench.runs.turn(null, { requestHash: hash }))))
        const ends = failing.map((run) =>
          append(run, { ending: bench.runs.ending("failed", { failedRequestHash: hash }) }),
        )
        expect(await Promise.all(ends)).toEqual([landed, landed, landed])
        expect(failing.map(({ threadId }) => threadId)).toContain((await findFailed(hash))?.threadId)
      })
    })

    describe("an edit", () => {
      it("removes the messages from its place on together with the start, and counts those that stay", async () => {
        const threadId = await talked()
        const second = await begin(await next(threadId))
        await append(second, {
          messages: [bench.runs.message("assistant", "Two")],
          ending: bench.runs.ending("completed"),
        })
        expect((await basis(threadId)).messageCount).toBe(4)
        const refused = bench.runs.turn(
          { ...(await basis(threadId)), revision: 0 },
          { thread: { removes: { turn: 1, ordinal: 1 } } },
        )
        expect(await bench.owner.start(refused)).toBe(false)
        expect((await messages(threadId)).length).toBe(4)
        await begin(
          await next(threadId, {
            messages: [bench.runs.message("user", "Edited")],
            thread: { removes: { turn: 1, ordinal: 1 } },
          }),
        )
        expect(await messages(threadId)).toEqual(["user: Hello", "user: Edited"])
        expect(await basis(threadId)).toMatchObject({ messageCount: 2, turn: 3 })
      })
    })

    describe("appending", () => {
      it("adds events under the next numbers; a chunk of text takes one for each piece", async () => {
        const run = await begin(bench.runs.background({ events: [note("a")] }))
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
        const other = (await bench.ground.open()).owner
        const run = await begin(bench.runs.turn(null))
        const made = appendOf(run, {
          messages: [bench.runs.message("assistant", "No")],
          ending: bench.runs.ending("failed"),
        })
        const attempts: readonly [Owner, RunAppend][] = [
          [bench.owner, { ...made, epoch: 2 }],
          [bench.owner, { ...made, epoch: 0 }],
          [bench.owner, { ...made, savedNumber: made.savedNumber + 1, first: made.first + 1, last: made.last + 1 }],
          [bench.owner, { ...made, savedNumber: 0, first: 1, last: 5 }],
          [bench.owner, { ...made, runId: bench.cx.ids.next("run") }],
          [other, made],
        ]
        for (const [by, attempt] of attempts) expect(await by.append(attempt)).toEqual(lost)
        expect(await logOf(run.runId)).toEqual(["1/1 run-started"])
        expect(await messages(run.threadId)).toEqual(["user: Hello"])
        expect(await basis(run.threadId)).toMatchObject({ activeRun: run.runId, messageCount: 1 })
        expect(await bench.owner.append(made)).toEqual(landed)
      })

      it("lands once, however often it is sent at the same time", async () => {
        const run = await begin(bench.runs.turn(null))
        const made = appendOf(run, { events: [note("once")], messages: [bench.runs.message("assistant", "Once")] })
        const again = { ...made, messages: [bench.runs.message("assistant", "Twice")] }
        const outcomes = await Promise.all([bench.owner.append(made), bench.owner.append(again)])
        expect(outcomes.filter((outcome) => outcome.landed).length).toBeGreaterThan(0)
        expect(await logOf(run.runId)).toEqual(["1/1 run-started", "1/2 once"])
        expect(await messages(run.threadId)).toHaveLength(2)
      })

      it("is lost once the run is over", async () => {
        const run = await begin(bench.runs.background())
        await append(run, { ending: bench.runs.ending("completed") })
        expect(await append(run, { ending: bench.runs.ending("failed") })).toEqual(lost)
        expect((await bench.ground.log.ended(run.runId))?.status).toBe("completed")
      })

      it("counts the messages that it adds, in the middle of a run and at its end", async () => {
        const run = await begin(bench.runs.turn(null))
        await append(run, { messages: [bench.runs.message("assistant", "First")] })
        expect(await basis(run.threadId)).toMatchObject({ messageCount: 2, activeRun: run.runId })
        bench.ground.clock.advance(5_000)
        const second = bench.runs.message("assistant", "Second", { ordinal: 2 })
        await append(run, { messages: [second], ending: bench.runs.ending("completed") })
        expect(await messages(run.threadId)).toEqual(["user: Hello", "assistant: First", "assistant: Second"])
        expect(await thread(run.threadId)).toMatchObject({
          messageCount: 3,
          isStreaming: false,
          lastMessageAtMs: bench.ground.clock.nowMs(),
        })
      })

      it("tells that somebody wants the run to end, and for which cause first", async () => {
        const run = await begin(bench.runs.background())
        await bench.cx.store.runs.markCancelled({ runId: run.runId }, "RUN_INTERRUPTED")
        await bench.cx.store.runs.markCancelled({ runId: run.runId }, "RUN_CANCELLED")
        expect(await append(run)).toEqual({ ...landed, cancelMark: "RUN_INTERRUPTED" })
      })

      it("of an end frees the thread and tells whether others wait in it", async () => {
        const threadId = await talked()
        const run = await begin(await next(threadId))
        expect(await append(run)).toEqual(landed)
        await bench.owner.enqueue(await next(threadId), { queuedMax: 10 })
        expect(await append(run)).toEqual(landed)
        expect(await append(run, { ending: bench.runs.ending("completed") })).toEqual({ ...landed, queued: true })
        expect(await basis(threadId)).toMatchObject({ activeRun: null, queued: 1 })
      })

      it("of an end that takes the turn back removes its messages, and only these", async () => {
        const threadId = await talked()
        const run = await begin(await next(threadId))
        await append(run, { ending: bench.runs.ending("cancelled", { removesTurn: true }) })
        expect(await messages(threadId)).toEqual(["user: Hello", "assistant: Hi"])
        expect(await basis(threadId)).toMatchObject({ messageCount: 2, activeRun: null, turn: 2 })
      })

      it("of the ends of many turns of one thread in one write counts each of them", async () => {
        const threadId = await talked()
        const active = await begin(await next(threadId))
        const waiting = [await next(threadId)]
        await bench.owner.enqueue(waiting[0] as RunStart, { queuedMax: 10 })
        waiting.push(await next(threadId))
        await bench.owner.enqueue(waiting[1] as RunStart, { queuedMax: 10 })
        const claimed = (await bench.owner.claimQueued(waiting.map(({ append: { runId } }) => runId))).map(ownedByClaim)
        expect(claimed).toHaveLength(2)
        expect((await basis(threadId)).messageCount).toBe(5)
        const [first, second] = claimed as [OwnedRun, OwnedRun]
        const outcomes = await Promise.all([
          append(first, { ending: bench.runs.ending("cancelled", { removesTurn: true }) }),
          append(active, {
            messages: [bench.runs.message("assistant", "Done")],
            ending: bench.runs.ending("completed"),
          }),
          append(second, { ending: bench.runs.ending("cancelled", { removesTurn: true }) }),
        ])
        expect(outcomes.map(({ landed: has }) => has)).toEqual([true, true, true])
        expect(await messages(threadId)).toEqual(["user: Hello", "assistant: Hi", "user: Hello", "assistant: Done"])
        expect(await basis(threadId)).toMatchObject({ messageCount: 4, activeRun: null, queued: 0 })
      })
    })

    describe("closing", () => {
      it("refuses what comes later with SERVICE_UNAVAILABLE, and leaves what was under way to the next process", async () => {
        const run = await begin(bench.runs.background())
        await bench.owner.close()
        const refusal = expect.objectContaining({ code: "SERVICE_UNAVAILABLE" })
        await expect(bench.owner.start(bench.runs.background())).rejects.toEqual(refusal)
        await expect(append(run)).rejects.toBeInstanceOf(Refusal)
        expect(await (await bench.ground.open()).owner.recover()).toMatchObject([{ runId: run.runId, epoch: 2 }])
      })

      it("lets what was written by then land", async () => {
        const writes = Array.from({ length: 50 }, () => bench.runs.background())
        const started = writes.map((start) => bench.owner.start(start))
        await new Promise((resolve) => setImmediate(resolve))
        await bench.owner.close()
        for (const [place, outcome] of (await Promise.allSettled(started)).entries()) {
          const found = await standing(writes[place]?.append.runId as Id<"run">)
          expect(found !== null).toBe(outcome.status === "fulfilled")
        }
      })
    })
    describeClaims(bench)
  })
}
