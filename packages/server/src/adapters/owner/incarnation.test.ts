/** Who a process is, its beats with `low`, its marks, and what becomes of it once it is declared dead. */
import { type Id, type IdNoun, type IdSource, idFrom, uuidOf } from "@brevet/core/ids"
import pg from "pg"
import { pino } from "pino"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { makeTestClock } from "../../testing/context.ts"
import { appendOf, note, OwnedRuns, ownedBy, ownedByClaim } from "../../testing/owned-runs.ts"
import { makePostgresGround, type PostgresGround } from "../../testing/owner-ground.ts"
import { startStoreProxy } from "../../testing/store-proxy.ts"
import { openSqlPool, type Sql } from "../store/postgres/sql.ts"
import { buryEarlier, claimLeft, forgetDead } from "./claims.ts"
import { type Beat, Incarnation } from "./incarnation.ts"

let ground: PostgresGround
let runs: OwnedRuns
beforeAll(async () => {
  ground = await makePostgresGround()
  const { cx, clock } = ground
  runs = new OwnedRuns({ ids: cx.ids, clock, organizationId: cx.principal.organizationId })
})
afterEach(async () => {
  for (const process of joined.splice(0)) await process.leave()
  await ground.closeOwners()
})
afterAll(() => ground.close())

const joined: Incarnation[] = []
const rows = <Row>(text: string, values: readonly unknown[] = []) => ground.test.sql.rows<Row>({ text, values })
type ProcessRow = { id: string; executor: string; incarnation: number; low: string; dead_at: number | null }
const processRow = async (id: string) => (await rows<ProcessRow>("SELECT * FROM processes WHERE id = $1", [id]))[0]
const lowOf = async (incarnation: Incarnation) => (await processRow(incarnation.id()))?.low ?? ""

/** A process of this folder; it beats only when it is told to. */
async function join(options: { folder?: string; ids?: IdSource; sql?: Sql } = {}) {
  const clock = makeTestClock()
  const beats: Beat[] = []
  const warnings: string[] = []
  const incarnation = new Incarnation({
    sql: options.sql ?? ground.test.sql,
    connection: { connectionString: ground.test.connectionString, application_name: "slot" },
    executorName: options.folder ?? "data",
    ids: options.ids ?? ground.cx.ids,
    clock,
    log: pino({ level: "warn" }, { write: (line) => void warnings.push(JSON.parse(line).msg) }),
    onBeat: (beat) => void beats.push(beat),
    beatMs: 1_000_000,
    silenceMs: 60_000,
  })
  await incarnation.join()
  joined.push(incarnation)
  return { incarnation, clock, beats, warnings }
}

/** A row of a run that is under way for a process, as its start would have made it. */
async function storeRun(owner: string, id: Id<"run">): Promise<void> {
  await rows(
    `INSERT INTO runs (id, organization_id, status, mode, owner, seq, held, created_at, started_at)
     VALUES ($1, $2, 'running', 'production', $3, 1, false, now(), now())`,
    [uuidOf(id), uuidOf(ground.cx.principal.organizationId), owner],
  )
}
const isHeld = async (id: Id<"run">) =>
  (await rows<{ held: boolean }>("SELECT held FROM runs WHERE id = $1", [uuidOf(id)]))[0]?.held
const waitingForLocks = async () =>
  (await rows("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")).length
const newRun = () => ground.cx.ids.next("run")

describe("the slots of a data folder", () => {
  it("are taken in turn, one for each process that lives, and given free when it leaves", async () => {
    const [one, two] = [await join(), await join()]
    const elsewhere = await join({ folder: "other" })
    expect([one, two, elsewhere].map(({ incarnation }) => incarnation.id())).toEqual([
      "data/1:1",
      "data/2:1",
      "other/1:1",
    ])
    await one.incarnation.leave()
    expect((await join()).incarnation.id()).toBe("data/1:2")
    expect((await join()).incarnation.id()).toBe("data/3:1")
  })

  it("go to exactly one of many that start at the same time", async () => {
    const many = await Promise.all(Array.from({ length: 6 }, () => join()))
    expect(many.map(({ incarnation }) => incarnation.executor()).sort()).toEqual(
      [1, 2, 3, 4, 5, 6].map((slot) => `data/${slot}`),
    )
  })

  it("are taken again where the session that held one was lost; till then no runs are taken up", async () => {
    const { incarnation, beats } = await join()
    await rows(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'slot' AND datname = current_database()",
    )
    while (incarnation.executor() !== null) await new Promise((resolve) => setImmediate(resolve))
    await incarnation.beat()
    expect(incarnation.executor()).toBe("data/1")
    expect(incarnation.id()).toBe("data/1:1")
    expect(beats).toHaveLength(1)
  })

  it("may change under a process that lives: it goes by the new slot's name then, and numbers stay unique", async () => {
    const { incarnation } = await join()
    await rows(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'slot' AND datname = current_database()",
    )
    while (incarnation.executor() !== null) await new Promise((resolve) => setImmediate(resolve))
    const next = await join()
    expect(next.incarnation.id()).toBe("data/1:2")
    await incarnation.beat()
    expect([incarnation.id(), incarnation.executor()]).toEqual(["data/1:1", "data/2"])
    expect(await processRow("data/1:1")).toMatchObject({ executor: "data/2", dead_at: null })
  })
})

describe("the low of a beat", () => {
  it("is never above a run that is under way and not marked, in whatever order runs came and go", async () => {
    const { incarnation } = await join()
    const [a, b, c] = [newRun(), newRun(), newRun()]
    incarnation.hold(c)
    incarnation.hold(a)
    incarnation.hold(b)
    await incarnation.beat()
    expect(await lowOf(incarnation)).toBe(uuidOf(a))
    incarnation.forget(a)
    await incarnation.beat()
    expect(await lowOf(incarnation)).toBe(uuidOf(b))
    incarnation.forget(b)
    incarnation.forget(c)
    await incarnation.beat()
    expect((await lowOf(incarnation)) > uuidOf(c)).toBe(true)
  })

  it("is not passed by a run whose id was made before the beat: that one begins with its mark", async () => {
    const { incarnation } = await join()
    const early = newRun()
    await incarnation.beat()
    expect(incarnation.hold(early)).toEqual({ held: true })
    expect(incarnation.hold(newRun())).toEqual({ held: false })
  })

  it("counts from the moment it is sent, since nobody knows when it arrives", async () => {
    const { incarnation } = await join()
    const early = newRun()
    const beating = incarnation.beat()
    await new Promise((resolve) => setImmediate(resolve))
    expect(incarnation.hold(early)).toEqual({ held: true })
    await beating
    expect((await lowOf(incarnation)) > uuidOf(early)).toBe(true)
  })

  it("never falls, also where the clock that makes ids is set back: runs begun then have their mark", async () => {
    let count = 1_000
    const ids: IdSource = {
      next<Noun extends IdNoun>(noun: Noun) {
        count += 1
        return idFrom(noun, count.toString(16).padStart(32, "0"))
      },
    }
    const { incarnation } = await join({ ids })
    await incarnation.beat()
    const before = await lowOf(incarnation)
    count = 1
    await incarnation.beat()
    expect(await lowOf(incarnation)).toBe(before)
    expect(incarnation.hold(ids.next("run"))).toEqual({ held: true })
  })

  it("of a process without runs moves on with each beat", async () => {
    const { incarnation } = await join()
    const lows: string[] = []
    for (let count = 0; count < 3; count += 1) {
      await incarnation.beat()
      lows.push(await lowOf(incarnation))
    }
    expect(lows).toEqual([...new Set(lows)].sort())
  })
})

describe("a run older than five seconds", () => {
  it("gets its mark, so that low moves on; a younger one does not", async () => {
    const { incarnation, clock } = await join()
    const [old, young] = [newRun(), newRun()]
    await storeRun(incarnation.id(), old)
    await storeRun(incarnation.id(), young)
    incarnation.hold(old)
    clock.advance(4_000)
    incarnation.hold(young)
    await incarnation.beat()
    expect([await isHeld(old), await lowOf(incarnation)]).toEqual([false, uuidOf(old)])
    clock.advance(1_001)
    await incarnation.beat()
    expect([await isHeld(old), await isHeld(young), await lowOf(incarnation)]).toEqual([true, false, uuidOf(young)])
  })

  it("whose start has not landed yet stays light: low does not pass it, until its row is there and marked", async () => {
    const { incarnation, clock } = await join()
    const slow = newRun()
    incarnation.hold(slow)
    clock.advance(60_000)
    await incarnation.beat()
    await incarnation.beat()
    expect(await lowOf(incarnation)).toBe(uuidOf(slow))
    await storeRun(incarnation.id(), slow)
    await incarnation.beat()
    expect(await isHeld(slow)).toBe(true)
    expect((await lowOf(incarnation)) > uuidOf(slow)).toBe(true)
  })

  it("that is another's by now, or over, gets none from here", async () => {
    const { incarnation, clock } = await join()
    const [lost, over] = [newRun(), newRun()]
    await storeRun("somebody else", lost)
    await storeRun(incarnation.id(), over)
    await rows("UPDATE runs SET status = 'completed' WHERE id = $1", [uuidOf(over)])
    incarnation.hold(lost)
    incarnation.hold(over)
    clock.advance(6_000)
    await incarnation.beat()
    expect([await isHeld(lost), await isHeld(over)]).toEqual([false, false])
  })

  it("of ten minutes is held all the time, with its mark once", async () => {
    const { incarnation, clock } = await join()
    const long = newRun()
    await storeRun(incarnation.id(), long)
    incarnation.hold(long)
    for (let minute = 0; minute < 10; minute += 1) {
      clock.advance(60_000)
      await incarnation.beat()
      const [found] = await rows<{ safe: boolean }>(
        "SELECT held OR runs.id >= low AS safe FROM runs JOIN processes p ON p.id = owner WHERE runs.id = $1",
        [uuidOf(long)],
      )
      expect(found?.safe).toBe(true)
    }
    expect(await isHeld(long)).toBe(true)
  })
})

describe("a process that was declared dead", () => {
  it("takes a new incarnation with its next beat, and says so once", async () => {
    const { incarnation, beats, warnings } = await join()
    await rows("UPDATE processes SET dead_at = now() WHERE id = $1", [incarnation.id()])
    await incarnation.beat()
    expect(incarnation.id()).toBe("data/1:2")
    await incarnation.beat()
    expect(incarnation.id()).toBe("data/1:2")
    expect(warnings).toEqual(["process-declared-dead"])
    expect(beats.map(({ left }) => left)).toEqual([true, true])
    expect((await processRow("data/1:1"))?.dead_at).not.toBeNull()
  })

  it("also where its row is gone altogether", async () => {
    const { incarnation } = await join()
    await rows("DELETE FROM processes WHERE id = $1", [incarnation.id()])
    await incarnation.beat()
    expect(await processRow(incarnation.id())).toMatchObject({ dead_at: null })
  })

  it("keeps runs whose start is on its way in its new low", async () => {
    const { incarnation } = await join()
    const pending = newRun()
    incarnation.hold(pending)
    await rows("UPDATE processes SET dead_at = now() WHERE id = $1", [incarnation.id()])
    await incarnation.beat()
    expect((await lowOf(incarnation)) <= uuidOf(pending)).toBe(true)
    await incarnation.beat()
    expect((await lowOf(incarnation)) <= uuidOf(pending)).toBe(true)
  })
})

describe("a process that is silent", () => {
  /** Moves what the table says of processes, as if the database's clock had gone on by so much since. */
  const age = (seconds: number, ...ids: readonly string[]) =>
    rows(
      `UPDATE processes SET beat_at = beat_at - $1 * interval '1 second', steady_since = steady_since - $1 * interval '1 second'
       WHERE id = ANY($2)`,
      [seconds, ids],
    )
  const steady = (id: string) =>
    rows("UPDATE processes SET steady_since = now() - interval '2 minutes' WHERE id = $1", [id])
  const isDead = async (id: string) => (await processRow(id))?.dead_at !== null

  /** Two processes that live, of which the first has beaten long enough to judge. */
  async function judgeAndOther() {
    const [judge, other] = [await join({ folder: "judge" }), await join({ folder: "other" })]
    await steady(judge.incarnation.id())
    return { judge, other, otherId: other.incarnation.id() }
  }

  it("for longer than it may be is declared dead by the next beat of another, which says so at once, and once", async () => {
    const { judge, otherId } = await judgeAndOther()
    await age(59, otherId)
    await judge.incarnation.beat()
    expect(await isDead(otherId)).toBe(false)
    await age(2, otherId)
    await judge.incarnation.beat()
    expect(await isDead(otherId)).toBe(true)
    await judge.incarnation.beat()
    await judge.incarnation.beat()
    expect(judge.warnings).toEqual(["process-found-dead"])
    expect(judge.beats.map(({ left }) => left)).toEqual([false, true, true, true])
    // It is told once more with the time of the death, which only a later beat can see.
    expect(judge.beats.map(({ died }) => died)).toEqual([false, true, true, false])
  })

  it("is heard of by those who did not declare it dead as well", async () => {
    const { judge, otherId } = await judgeAndOther()
    const third = await join({ folder: "third" })
    await third.incarnation.beat()
    await age(120, otherId)
    await judge.incarnation.beat()
    await third.incarnation.beat()
    await third.incarnation.beat()
    expect(third.beats.map(({ died }) => died)).toEqual([false, true, false])
  })

  it("goes on as a new incarnation where it was only frozen", async () => {
    const { judge, other, otherId } = await judgeAndOther()
    await age(120, otherId)
    await judge.incarnation.beat()
    await other.incarnation.beat()
    expect(other.incarnation.id()).toBe("other/1:2")
    await judge.incarnation.beat()
    expect(await isDead("other/1:2")).toBe(false)
  })

  it("is not judged by one that was silent itself: first its own beats have to come through for as long", async () => {
    const { judge, otherId } = await judgeAndOther()
    // The database was away, or its clock was set forward: nobody has beaten, and nobody is dead.
    await age(3_600, judge.incarnation.id(), otherId)
    await judge.incarnation.beat()
    await judge.incarnation.beat()
    expect(await isDead(otherId)).toBe(false)
    await age(61, otherId)
    await steady(judge.incarnation.id())
    await judge.incarnation.beat()
    expect(await isDead(otherId)).toBe(true)
  })

  it("is not judged by one that has only just come", async () => {
    const [judge, other] = [await join({ folder: "judge" }), await join({ folder: "other" })]
    await age(3_600, other.incarnation.id())
    await judge.incarnation.beat()
    expect(await isDead(other.incarnation.id())).toBe(false)
  })

  it("is found where the database's clock was set back, too: beats of the future count as none", async () => {
    const { judge, other, otherId } = await judgeAndOther()
    await age(-3_600, judge.incarnation.id(), otherId)
    await judge.incarnation.beat()
    expect(await isDead(otherId)).toBe(false)
    await other.incarnation.beat()
    await steady(judge.incarnation.id())
    await judge.incarnation.beat()
    expect(await isDead(otherId)).toBe(false)
    await age(-3_600, otherId)
    await judge.incarnation.beat()
    expect(await isDead(otherId)).toBe(true)
  })

  it("whose beat is on its way at that moment is left alone", async () => {
    const { judge, otherId } = await judgeAndOther()
    await age(120, otherId)
    const client = new pg.Client({ connectionString: ground.test.connectionString })
    await client.connect()
    await client.query("BEGIN")
    await client.query("UPDATE processes SET beat_at = now() WHERE id = $1", [otherId])
    await judge.incarnation.beat()
    await client.query("COMMIT")
    await client.end()
    await judge.incarnation.beat()
    expect(await isDead(otherId)).toBe(false)
  })
})

describe("a store that is away", () => {
  it("costs beats and nothing else: they go on once it is back, and the trouble is told once each time", async () => {
    const proxy = await startStoreProxy(ground.test.connectionString)
    const pool = openSqlPool({ connectionString: proxy.connectionString }, { connectionsMax: 2 })
    const { incarnation, beats, warnings } = await join({ sql: pool })
    for (const outage of [1, 2]) {
      proxy.cut()
      for (let count = 0; count < 3; count += 1) await incarnation.beat()
      expect(warnings).toEqual(Array.from({ length: outage }, () => "process-beat-missed"))
      proxy.restore()
      await incarnation.beat()
      expect(beats).toHaveLength(outage)
    }
    expect(incarnation.id()).toBe("data/1:1")
    await incarnation.leave()
    joined.length = 0
    await pool.close()
    await proxy.close()
  })
})

describe("the owner of a process that was declared dead while it lived", () => {
  it("writes nothing more to what it had, begins what is new under its new incarnation, and is not asked twice", async () => {
    const { owner } = await ground.open()
    const start = runs.turn(null)
    await owner.start(start)
    const before = owner.processId()
    const { sql } = ground.test
    await buryEarlier(sql, "folder/1", "a peer")
    await rows("INSERT INTO processes (id, executor, incarnation, beat_at) VALUES ('a peer', 'peers', 1, now())")
    const claimed = await claimLeft(sql, "a peer")
    expect(claimed).toMatchObject([{ runId: start.append.runId, epoch: 2 }])
    expect(await owner.append(appendOf(ownedBy(start), { ending: runs.ending("completed") }))).toEqual({
      landed: false,
    })
    const next = runs.background()
    expect(await owner.start(next)).toBe(true)
    expect(owner.processId()).not.toBe(before)
    const [row] = await rows<{ owner: string }>("SELECT owner FROM runs WHERE id = $1", [uuidOf(next.append.runId)])
    expect(row?.owner).toBe(owner.processId())
    expect((await owner.append(appendOf(ownedBy(next)))).landed).toBe(true)
  })

  it("takes up itself what its old incarnation had, where no peer has", async () => {
    const { owner } = await ground.open()
    const start = runs.background()
    await owner.start(start)
    await rows("UPDATE processes SET dead_at = now() WHERE id = $1", [owner.processId()])
    await owner.start(runs.background())
    let claimed = await owner.claimDue(10)
    while (claimed.length === 0) claimed = await owner.claimDue(10)
    expect(claimed).toMatchObject([{ runId: start.append.runId, epoch: 2 }])
  })
})

describe("a start that was on its way when its process died", () => {
  it("and lands after the runs of the dead were taken, is taken up a little later", async () => {
    const first = await ground.open()
    const threadStart = runs.turn(null, { ending: runs.ending("completed") })
    await first.owner.start(threadStart)
    const threadId = threadStart.thread?.id as Id<"thread">
    const basis = await ground.cx.store.turns.findBasis(ground.cx.principal.organizationId, threadId)
    const client = new pg.Client({ connectionString: ground.test.connectionString })
    await client.connect()
    await client.query("BEGIN")
    await client.query("SELECT 1 FROM threads WHERE id = $1 FOR UPDATE", [uuidOf(threadId)])
    const late = runs.turn(basis)
    const outcome = Promise.allSettled([first.owner.start(late)])
    while ((await waitingForLocks()) === 0);
    await first.crash()
    const second = await ground.open()
    expect(await second.owner.recover()).toEqual([])
    await client.query("COMMIT")
    await client.end()
    const isThere = async () => (await rows("SELECT 1 FROM runs WHERE id = $1", [uuidOf(late.append.runId)])).length > 0
    while (!(await isThere()));
    ground.clock.advance(5_000)
    let claimed = await second.owner.claimDue(10)
    while (claimed.length === 0) claimed = await second.owner.claimDue(10)
    expect(claimed).toMatchObject([{ runId: late.append.runId, epoch: 2 }])
    const run = ownedByClaim(claimed[0] as (typeof claimed)[0])
    expect((await second.owner.append(appendOf(run, { events: [note("taken up")] }))).landed).toBe(true)
    await first.close()
    await outcome
  })

  it("keeps the row of its process for as long as anything of it is not taken up", async () => {
    const first = await ground.open()
    const dead = first.owner.processId()
    await first.owner.start(runs.background())
    await first.crash()
    await rows("UPDATE processes SET dead_at = now() - interval '1 hour' WHERE id = $1", [dead])
    await forgetDead(ground.test.sql, "a peer")
    expect(await processRow(dead)).toBeDefined()
    const second = await ground.open("elsewhere")
    expect(await second.owner.recover()).toHaveLength(1)
    expect(await processRow(dead)).toBeUndefined()
  })

  it("is forgotten with its process a minute after that was declared dead, and not before", async () => {
    const first = await ground.open()
    const dead = first.owner.processId()
    await first.crash()
    const second = await ground.open()
    await second.owner.recover()
    expect(await processRow(dead)).toBeDefined()
    await rows("UPDATE processes SET dead_at = dead_at - interval '61 seconds' WHERE id = $1", [dead])
    await second.owner.recover()
    expect(await processRow(dead)).toBeUndefined()
    expect(await processRow(second.owner.processId())).toMatchObject({ dead_at: null })
  })
})

describe("a claim whose answer never came", () => {
  it("is found again: the runs that it took are given out by a later one, once", async () => {
    const { owner, proxy } = await ground.open()
    const first = runs.turn(null)
    await owner.start(first)
    const threadId = first.thread?.id as Id<"thread">
    const basis = await ground.cx.store.turns.findBasis(ground.cx.principal.organizationId, threadId)
    const waiting = runs.turn(basis)
    await owner.enqueue(waiting, { queuedMax: 10 })
    await owner.append(appendOf(ownedBy(first), { ending: runs.ending("completed") }))
    await owner.release(threadId)
    // The claim stands still in the middle of its statement, while its client goes away.
    const gate = new pg.Client({ connectionString: ground.test.connectionString })
    await gate.connect()
    await gate.query("SELECT pg_advisory_lock(7)")
    await rows(`CREATE FUNCTION pass_gate() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END $$`)
    await rows(`CREATE TRIGGER gate BEFORE UPDATE ON runs FOR EACH ROW
      WHEN (OLD.status = 'queued' AND NEW.status = 'running') EXECUTE FUNCTION pass_gate()`)
    const claim = expect(owner.claimDue(10)).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" })
    while ((await waitingForLocks()) === 0);
    proxy.cut()
    await claim
    await gate.end()
    const isTaken = async () =>
      (await rows("SELECT 1 FROM runs WHERE id = $1 AND status = 'running'", [uuidOf(waiting.append.runId)])).length > 0
    while (!(await isTaken()));
    await rows("DROP TRIGGER gate ON runs")
    proxy.restore()
    expect(await owner.claimDue(10)).toMatchObject([{ runId: waiting.append.runId, epoch: 3 }])
    expect(await owner.claimDue(10)).toEqual([])
  })
})
