/**
 * Runs that change hands: turns that wait and are claimed, and what a process that is gone has left. Part of
 * `owner.testsuite.ts`.
 *
 *     enqueue ──> queued ── claim ──> run
 *     run ── its process is gone ── recover by the same slot ──> run, in the next epoch
 *     run ── its process is silent ── claim by any other ──────> run, in the next epoch
 */
import type { Id } from "@brevet/core/ids"
import { describe, expect, it } from "vitest"
import type { ClaimedRun, Owner, RunStart } from "../../ports/owner.ts"
import { appendOf, note, type OwnedRun, ownedBy, ownedByClaim } from "../../testing/owned-runs.ts"
import { epochNumbers, landed, lost, type OwnerBench } from "../../testing/owner-bench.ts"

/** Defines the tests of claims. */
export function describeClaims(bench: OwnerBench): void {
  const { standing, logOf, basis, messages, begin, append, talked, next } = bench

  describe("turns that wait", () => {
    /** A thread with a turn under way, and so many that wait behind it. */
    async function busyThread(
      waiting: number,
    ): Promise<{ threadId: Id<"thread">; active: OwnedRun; queued: RunStart[] }> {
      const threadId = await talked()
      const active = await begin(await next(threadId))
      const queued: RunStart[] = []
      for (let count = 0; count < waiting; count += 1) {
        const start = await next(threadId, { messages: [bench.runs.message("user", `Waiting ${count}`)] })
        expect(await bench.owner.enqueue(start, { queuedMax: 10 })).toBe("queued")
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
      expect(await bench.owner.enqueue(await next(threadId), { queuedMax: 2 })).toBe("full")
      expect((await messages(threadId)).length).toBe(5)
    })

    it("are not taken where nothing runs, where the thread has moved on, or where something else has changed", async () => {
      const free = await talked()
      expect(await bench.owner.enqueue(await next(free), { queuedMax: 10 })).toBe("changed")
      const { threadId } = await busyThread(0)
      const late = await next(threadId)
      await bench.owner.enqueue(await next(threadId), { queuedMax: 10 })
      expect(await bench.owner.enqueue(late, { queuedMax: 10 })).toBe("changed")
      const stranger = await next(threadId, { assistantId: bench.cx.ids.next("assistant") })
      expect(await bench.owner.enqueue(stranger, { queuedMax: 10 })).toBe("changed")
      expect(await bench.owner.enqueue(await next(threadId, { generation: -1 }), { queuedMax: 10 })).toBe("changed")
      const nowhere = bench.runs.turn({ ...(await basis(threadId)), threadId: bench.cx.ids.next("thread") })
      expect(await bench.owner.enqueue(nowhere, { queuedMax: 10 })).toBe("changed")
    })

    it("are one where two come with one idempotency key", async () => {
      const [one, other] = [await busyThread(0), await busyThread(0)]
      const idempotency = { key: bench.cx.ids.next("request"), method: "POST", path: "/x", bodyHash: "cd".repeat(32) }
      const starts = [await next(one.threadId, { idempotency }), await next(other.threadId, { idempotency })]
      const outcomes = await Promise.all(starts.map((start) => bench.owner.enqueue(start, { queuedMax: 10 })))
      expect([...outcomes].sort()).toEqual(["changed", "queued"])
    })

    it("remove what an edit removes behind the turn that runs", async () => {
      const { threadId } = await busyThread(0)
      const edit = await next(threadId, {
        messages: [bench.runs.message("user", "Edited")],
        thread: { removes: { turn: 1, ordinal: 1 } },
      })
      expect(await bench.owner.enqueue(edit, { queuedMax: 10 })).toBe("queued")
      expect(await messages(threadId)).toEqual(["user: Hello", "user: Edited"])
      expect((await basis(threadId)).messageCount).toBe(2)
    })

    it("are claimed one by one in the order of turns, each in the next epoch with its first number", async () => {
      const { threadId, active, queued } = await busyThread(3)
      expect(await bench.owner.claimDue(10)).toEqual([])
      await append(active, { ending: bench.runs.ending("completed") })
      for (const [place, start] of queued.entries()) {
        await bench.owner.release(threadId)
        const claimed = await bench.owner.claimDue(10)
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
        expect(await bench.owner.claimDue(10)).toEqual([])
        expect(await append(run, { events: [note("go")] })).toEqual(landed)
        expect(await logOf(run.runId)).toEqual(["1/1 run-started", "2/1 go"])
        expect(await append(run, { ending: bench.runs.ending("completed") })).toMatchObject({ queued: place < 2 })
      }
      expect(await basis(threadId)).toMatchObject({ activeRun: null, queued: 0 })
    })

    it("are found by a claim also where nobody has released the thread", async () => {
      const { active, queued } = await busyThread(1)
      await append(active, { ending: bench.runs.ending("completed") })
      expect((await bench.owner.claimDue(10)).map(({ runId }) => runId)).toEqual(ids(queued))
    })

    it("are each claimed by exactly one of many that claim at the same time, at most as many as each asks for", async () => {
      const owners = [bench.owner, (await bench.ground.open()).owner, (await bench.ground.open("elsewhere")).owner]
      const busy = await Promise.all(Array.from({ length: 12 }, () => busyThread(1)))
      for (const { active } of busy) await append(active, { ending: bench.runs.ending("completed") })
      for (const { threadId } of busy) await bench.owner.release(threadId)
      const claims = await Promise.all([...owners, ...owners].map((by) => by.claimDue(2)))
      for (const claimed of claims) expect(claimed.length).toBeLessThanOrEqual(2)
      const rest = await Promise.all([...owners, ...owners].map((by) => by.claimDue(20)))
      const all = [...claims, ...rest].flat().map(({ runId }) => runId)
      expect([...all].sort()).toEqual(busy.flatMap(({ queued }) => ids(queued)).sort())
    })

    it("come with the mark of who wants them to end", async () => {
      const { threadId, active, queued } = await busyThread(1)
      await bench.cx.store.runs.markCancelled({ runId: ids(queued)[0] as Id<"run"> }, "RUN_CANCELLED")
      await append(active, { ending: bench.runs.ending("completed") })
      await bench.owner.release(threadId)
      expect(await bench.owner.claimDue(10)).toMatchObject([{ cancelMark: "RUN_CANCELLED" }])
    })

    it("are taken out of the middle of the queue to be ended, and the others keep their order", async () => {
      const { threadId, active, queued } = await busyThread(3)
      const [first, second, third] = ids(queued) as [Id<"run">, Id<"run">, Id<"run">]
      const taken = await bench.owner.claimQueued([second, active.runId, bench.cx.ids.next("run")])
      expect(taken).toMatchObject([{ runId: second, epoch: 2, savedNumber: epochNumbers }])
      expect((await basis(threadId)).queued).toBe(2)
      expect(await bench.owner.claimQueued([second])).toEqual([])
      const ended = await append(ownedByClaim(taken[0] as (typeof taken)[0]), {
        ending: bench.runs.ending("cancelled", { removesTurn: true }),
      })
      expect(ended).toEqual(landed)
      expect(await messages(threadId)).not.toContain("user: Waiting 1")
      expect(await basis(threadId)).toMatchObject({ messageCount: 5, activeRun: active.runId })
      await append(active, { ending: bench.runs.ending("completed") })
      for (const runId of [first, third]) {
        await bench.owner.release(threadId)
        const [run] = await bench.owner.claimDue(10)
        expect(run?.runId).toBe(runId)
        if (run !== undefined) await append(ownedByClaim(run), { ending: bench.runs.ending("completed") })
      }
    })

    it("are claimed either to run or to be ended, never both, whoever comes first", async () => {
      for (let round = 0; round < 10; round += 1) {
        const { threadId, active, queued } = await busyThread(1)
        await append(active, { ending: bench.runs.ending("completed") })
        const [dueRuns, ended] = await Promise.all([
          bench.owner.release(threadId).then(() => bench.owner.claimDue(10)),
          bench.owner.claimQueued(ids(queued)),
        ])
        const taken = [...dueRuns, ...ended, ...(await bench.owner.claimDue(10))]
        expect(taken.map(({ runId }) => runId)).toEqual(ids(queued))
        await append(ownedByClaim(taken[0] as (typeof taken)[0]), { ending: bench.runs.ending("completed") })
        expect(await basis(threadId)).toMatchObject({ activeRun: null, queued: 0 })
      }
    })

    it("releasing a thread in which nothing waits, in which something runs or that does not exist is harmless", async () => {
      const { threadId, active } = await busyThread(1)
      await bench.owner.release(threadId)
      expect(await bench.owner.claimDue(10)).toEqual([])
      expect(await basis(threadId)).toMatchObject({ activeRun: active.runId, queued: 1 })
      await bench.owner.release(await talked())
      await bench.owner.release(bench.cx.ids.next("thread"))
    })
  })

  describe("after a crash", () => {
    it("the next process of the slot gets what was under way, in the next epoch, and nothing that was over", async () => {
      const running = [await begin(bench.runs.turn(null)), await begin(bench.runs.background())]
      const over = await begin(bench.runs.background())
      await append(over, { ending: bench.runs.ending("completed") })
      await bench.opened.crash()
      const second = (await bench.ground.open()).owner
      const recovered = await second.recover()
      expect(recovered.map(({ runId }) => runId).sort()).toEqual(running.map(({ runId }) => runId).sort())
      for (const run of recovered) expect(run).toMatchObject({ epoch: 2, savedNumber: epochNumbers })
      expect(await second.recover()).toEqual([])
      const taken = ownedByClaim(recovered[0] as (typeof recovered)[0])
      expect(await second.append(appendOf(taken, { ending: bench.runs.ending("completed") }))).toEqual(landed)
      expect((await logOf(taken.runId)).map((line) => line.split(" ")[0])).toEqual(["1/1", "2/1"])
    })

    it("a run that crashes again and again goes on from epoch to epoch", async () => {
      const run = await begin(bench.runs.background())
      let opened = bench.opened
      for (let epoch = 2; epoch < 5; epoch += 1) {
        await opened.crash()
        opened = await bench.ground.open()
        const [taken] = await opened.owner.recover()
        expect(taken).toMatchObject({ runId: run.runId, epoch, savedNumber: (epoch - 1) * epochNumbers })
      }
    })

    it("a run that was claimed, or left its thread's queue, is found as well", async () => {
      const threadId = await talked()
      const active = await begin(await next(threadId))
      await bench.owner.enqueue(await next(threadId), { queuedMax: 10 })
      await append(active, { ending: bench.runs.ending("completed") })
      const claimed = await bench.owner.claimDue(10)
      await bench.opened.crash()
      expect(await (await bench.ground.open()).owner.recover()).toMatchObject([{ runId: claimed[0]?.runId, epoch: 3 }])
    })

    it("turns that wait stay where they are, for whoever claims them", async () => {
      const threadId = await talked()
      const active = await begin(await next(threadId))
      const waiting = await next(threadId)
      await bench.owner.enqueue(waiting, { queuedMax: 10 })
      await bench.opened.crash()
      const second = (await bench.ground.open()).owner
      const recovered = await second.recover()
      expect(recovered.map(({ runId }) => runId)).toEqual([active.runId])
      await second.append(
        appendOf(ownedByClaim(recovered[0] as (typeof recovered)[0]), { ending: bench.runs.ending("completed") }),
      )
      expect(await second.claimDue(10)).toMatchObject([{ runId: waiting.append.runId }])
    })

    it("nobody gets the runs of a process that lives, nor those of another folder", async () => {
      const mine = await begin(bench.runs.background())
      const stranger = await bench.ground.open("elsewhere")
      const theirs = bench.runs.background()
      await stranger.owner.start(theirs)
      const beside = (await bench.ground.open()).owner
      expect(await beside.recover()).toEqual([])
      await stranger.crash()
      expect(await (await bench.ground.open()).owner.recover()).toEqual([])
      expect(await append(mine)).toEqual(landed)
      expect(await (await bench.ground.open("elsewhere")).owner.recover()).toMatchObject([
        { runId: theirs.append.runId },
      ])
    })

    it("whatever a process still sends that was only cut off is refused, and it goes on with new runs", async () => {
      const run = await begin(bench.runs.turn(null))
      bench.opened.freeze()
      const lateAppend = append(run, {
        messages: [bench.runs.message("assistant", "Late")],
        ending: bench.runs.ending("completed"),
      })
      await bench.opened.crash()
      const second = (await bench.ground.open()).owner
      expect(await second.recover()).toMatchObject([{ runId: run.runId }])
      bench.opened.thaw()
      expect(await lateAppend).toEqual(lost)
      expect(await messages(run.threadId)).toEqual(["user: Hello"])
      expect(await append(run)).toEqual(lost)
      const fresh = await begin(bench.runs.background())
      expect(await append(fresh)).toEqual(landed)
    })
  })

  describe("a process that has been silent for too long", () => {
    /** What a process gets that asks again and again, until it has so many. */
    async function claimedBy(by: Owner, count: number): Promise<ClaimedRun[]> {
      const claimed: ClaimedRun[] = []
      while (claimed.length < count) claimed.push(...(await by.claimDue(10)))
      return claimed
    }

    it("loses its runs to any other, and what it writes once it goes on is refused; new runs it begins as before", async () => {
      const run = await begin(bench.runs.turn(null))
      const before = bench.owner.processId()
      bench.opened.freeze()
      const late = append(run, { messages: [bench.runs.message("assistant", "Late")] })
      const peer = await bench.ground.open("elsewhere")
      await bench.ground.silence(before)
      const [taken] = await claimedBy(peer.owner, 1)
      expect(taken).toMatchObject({ runId: run.runId, epoch: 2, savedNumber: epochNumbers })
      bench.opened.thaw()
      expect(await late).toEqual(lost)
      expect(await append(run)).toEqual(lost)
      expect(await messages(run.threadId)).toEqual(["user: Hello"])
      const fresh = await begin(bench.runs.background())
      expect(bench.owner.processId()).not.toBe(before)
      expect(await append(fresh)).toEqual(landed)
      const goesOn = ownedByClaim(taken as ClaimedRun)
      expect(await peer.owner.append(appendOf(goesOn, { ending: bench.runs.ending("completed") }))).toEqual(landed)
    })

    it("has each of its runs taken by exactly one of many, whether held or begun a moment ago", async () => {
      const starts = Array.from({ length: 24 }, () => bench.runs.background())
      for (const start of starts) await begin(start)
      bench.opened.freeze()
      const peers = [await bench.ground.open("b"), await bench.ground.open("c"), await bench.ground.open("d")]
      await bench.ground.silence(bench.owner.processId())
      const claimed: ClaimedRun[] = []
      while (claimed.length < starts.length) {
        const taken = await Promise.all(peers.map(({ owner }) => owner.claimDue(10)))
        claimed.push(...taken.flat())
      }
      expect(claimed.map(({ runId }) => runId).sort()).toEqual(starts.map(({ append: { runId } }) => runId).sort())
      for (const run of claimed) expect(run.epoch).toBe(2)
    })

    it("passes its runs on also where whoever took them falls silent in the middle of it", async () => {
      const run = await begin(bench.runs.background())
      bench.opened.freeze()
      const second = await bench.ground.open("b")
      await bench.ground.silence(bench.owner.processId())
      const [taken] = await claimedBy(second.owner, 1)
      second.freeze()
      const third = await bench.ground.open("c")
      await bench.ground.silence(second.owner.processId())
      expect(await claimedBy(third.owner, 1)).toMatchObject([{ runId: run.runId, epoch: 3 }])
      second.thaw()
      expect(await second.owner.append(appendOf(ownedByClaim(taken as ClaimedRun)))).toEqual(lost)
    })

    it("keeps what it has where it goes on before anybody has taken it: in a new incarnation, and the next epoch", async () => {
      const run = await begin(bench.runs.background())
      bench.opened.freeze()
      const peer = await bench.ground.open("elsewhere")
      await bench.ground.silence(bench.owner.processId())
      bench.opened.thaw()
      // Whoever comes first.
      const taken: ClaimedRun[] = []
      while (taken.length === 0) {
        for (const by of [bench.owner, peer.owner]) taken.push(...(await by.claimDue(10)))
        await bench.ground.silence(bench.owner.processId())
      }
      expect(taken).toMatchObject([{ runId: run.runId, epoch: 2 }])
      expect(await append(run)).toEqual(lost)
    })
  })

  describe("a run that was claimed and cannot be gone on with", () => {
    it("is given out again in the next epoch, once", async () => {
      const threadId = await talked()
      const active = await begin(await next(threadId))
      await bench.owner.enqueue(await next(threadId), { queuedMax: 10 })
      await append(active, { ending: bench.runs.ending("completed") })
      const [first] = await bench.owner.claimDue(10)
      const kept = await begin(bench.runs.background())
      expect(await bench.owner.claimDue(10)).toEqual([])
      bench.owner.giveBack(first?.runId as Id<"run">)
      const again = await bench.owner.claimDue(10)
      expect(again).toMatchObject([{ runId: first?.runId, epoch: 3, savedNumber: 2 * epochNumbers }])
      expect(await bench.owner.claimDue(10)).toEqual([])
      expect(await append(kept)).toEqual(landed)
    })
  })
}
