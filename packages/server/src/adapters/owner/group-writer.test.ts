/**
 * Groups, and what becomes of them when the connection or the store fails: before a flush, in it, and after its commit.
 *
 *     rows ─┐ tick ┌─ flush ─ statement ─ commit ─ answer ─> settled
 *     rows ─┘      └─────────────┴───────────┴────────┘
 *                                 broken at any of these: asked for again, landed once
 */
import { type Id, uuidOf } from "@brevet/core/ids"
import pg from "pg"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import type { RunStart } from "../../ports/owner.ts"
import { makeTestContext, type TestContext } from "../../testing/context.ts"
import { appendOf, note, type OwnedRun, OwnedRuns, ownedBy } from "../../testing/owned-runs.ts"
import { type StoreProxy, startStoreProxy } from "../../testing/store-proxy.ts"
import { GroupWriter } from "./group-writer.ts"

const light = { held: false }
const landed = { landed: true, cancelMark: null, queued: false }

let test: TestContext
let runs: OwnedRuns
let proxy: StoreProxy
let writer: GroupWriter
let closers: (() => Promise<void>)[] = []

beforeAll(async () => {
  test = await makeTestContext()
  runs = new OwnedRuns({ ids: test.cx.ids, clock: test.clock, organizationId: test.cx.principal.organizationId })
  await test.sql.rows({
    text: "INSERT INTO processes (id, executor, incarnation, beat_at, low) VALUES ('me', 'me', 1, now(), $1)",
    values: [uuidOf(test.cx.ids.next("run"))],
  })
})
beforeEach(async () => {
  proxy = await startStoreProxy(test.connectionString)
  writer = await openWriter()
})
afterEach(async () => {
  proxy.restore()
  for (const close of closers.reverse()) await close()
  closers = []
  await proxy.close()
})
afterAll(() => test.close())

async function openWriter(answerMsMax?: number): Promise<GroupWriter> {
  const opened = new GroupWriter(
    { connectionString: proxy.connectionString, application_name: "writer" },
    { processId: () => "me", answerMsMax },
  )
  await opened.open()
  closers.push(() => opened.close())
  return opened
}

const rows = <Row>(text: string, values: readonly unknown[] = []) => test.sql.rows<Row>({ text, values })
const idsOf = (starts: readonly RunStart[]) => starts.map(({ append: { runId } }) => uuidOf(runId))
const isStored = async (runId: Id<"run">) =>
  (await rows("SELECT 1 FROM runs WHERE id = $1", [uuidOf(runId)])).length === 1
async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await new Promise((resolve) => setImmediate(resolve))
}
async function logOf(runId: Id<"run">): Promise<string[]> {
  const found = await rows<{ seq: number; body: string }>(
    "SELECT seq, body FROM events WHERE run_id = $1 ORDER BY seq",
    [uuidOf(runId)],
  )
  return found.map(
    ({ seq, body }) =>
      `${seq} ${JSON.parse(body).map((event: { text?: string; type: string }) => event.text ?? event.type)}`,
  )
}
/** The transactions in which runs were started: how many runs in each, in order. */
async function groupsOf(starts: readonly RunStart[]): Promise<number[]> {
  const found = await rows<{ count: number }>(
    "SELECT count(*) AS count FROM runs WHERE id = ANY($1) GROUP BY xmin::text ORDER BY min(id::text)",
    [idsOf(starts)],
  )
  return found.map(({ count }) => count)
}
async function begin(start: RunStart): Promise<OwnedRun> {
  expect(await writer.start(start, light)).toBe(true)
  return ownedBy(start)
}
/** Ends the writer's sessions in Postgres, as an administrator would. */
const terminate = () =>
  rows(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'writer' AND datname = current_database()",
  )
/** The writer's sessions that wait for a lock. */
const waiting = async () =>
  (
    await rows(
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'writer' AND datname = current_database() AND wait_event_type = 'Lock'",
    )
  ).length

/** Holds a thread's row against everybody until it is let go. */
async function lockThread(id: Id<"thread"> | null): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: test.connectionString })
  await client.connect()
  await client.query("BEGIN")
  await client.query("SELECT 1 FROM threads WHERE id = $1 FOR UPDATE", [uuidOf(id ?? "")])
  return async () => {
    await client.query("COMMIT")
    await client.end()
  }
}

describe("rows that come in one tick", () => {
  it("ride in one statement, and those of a later tick in another", async () => {
    const first = Array.from({ length: 20 }, () => runs.background())
    const second = Array.from({ length: 20 }, () => runs.background())
    await Promise.all(first.map((start) => writer.start(start, light)))
    await Promise.all(second.map((start) => writer.start(start, light)))
    expect(await groupsOf([...first, ...second])).toEqual([20, 20])
  })

  it("and while both connections are busy wait together for the next flush", async () => {
    proxy.holdAnswers()
    const busy = [runs.background(), runs.background()]
    const outcomes: Promise<boolean>[] = []
    for (const start of busy) {
      outcomes.push(writer.start(start, light))
      await until(() => isStored(start.append.runId))
    }
    const late = Array.from({ length: 30 }, () => runs.background())
    for (const start of late) {
      outcomes.push(writer.start(start, light))
      await new Promise((resolve) => setImmediate(resolve))
    }
    proxy.restore()
    expect(await Promise.all(outcomes)).toEqual(outcomes.map(() => true))
    expect(await groupsOf(late)).toEqual([30])
  })

  it("are at most 256 in one statement", async () => {
    const starts = Array.from({ length: 600 }, () => runs.background())
    await Promise.all(starts.map((start) => writer.start(start, light)))
    const groups = await groupsOf(starts)
    expect(groups.reduce((sum, count) => sum + count, 0)).toBe(600)
    expect(Math.max(...groups)).toBe(256)
  })

  it("are fewer where they are long, so that no statement grows without bound", async () => {
    const long = note("x".repeat(3 * 1024 * 1024))
    const starts = Array.from({ length: 6 }, () => runs.background({ events: [long] }))
    await Promise.all(starts.map((start) => writer.start(start, light)))
    expect(await groupsOf(starts)).toEqual([2, 2, 2])
  })
})

describe("a connection that breaks", () => {
  it("while it is idle, is replaced: the next write lands", async () => {
    await terminate()
    const run = await begin(runs.turn(null))
    expect(await writer.append(appendOf(run, { ending: runs.ending("completed") }))).toEqual(landed)
  })

  it("in a flush that waits, leaves nothing behind: its rows land once it gets through", async () => {
    const run = await begin(runs.turn(null))
    const letGo = await lockThread(run.threadId)
    const said = runs.message("assistant", "Once")
    const outcome = writer.append(
      appendOf(run, { events: [note("once")], messages: [said], ending: runs.ending("completed") }),
    )
    await until(async () => (await waiting()) > 0)
    await terminate()
    await until(async () => (await waiting()) > 0)
    await letGo()
    expect(await outcome).toMatchObject({ landed: true })
    expect(await logOf(run.runId)).toEqual(["1 run-started", "2 once"])
    expect(await rows("SELECT 1 FROM messages WHERE run_id = $1", [uuidOf(run.runId)])).toHaveLength(2)
  })

  it("in a flush that goes on without its client, lands its rows once all the same", async () => {
    const run = await begin(runs.turn(null))
    const letGo = await lockThread(run.threadId)
    const outcome = writer.append(appendOf(run, { events: [note("once")], ending: runs.ending("completed") }))
    await until(async () => (await waiting()) > 0)
    // The wire is gone, and Postgres has not noticed: the first statement waits on, and a second one behind it.
    proxy.cut()
    proxy.restore()
    await until(async () => (await waiting()) > 1)
    await letGo()
    expect(await outcome).toMatchObject({ landed: true })
    expect(await logOf(run.runId)).toEqual(["1 run-started", "2 once"])
  })

  it("after the commit of a start, before its answer: the start counts, and the run is there once", async () => {
    proxy.holdAnswers()
    const starts = [runs.turn(null), runs.background(), runs.turn(null, { ending: runs.ending("completed") })]
    const outcomes = starts.map((start) => writer.start(start, light))
    for (const start of starts) await until(() => isStored(start.append.runId))
    proxy.cut()
    proxy.restore()
    expect(await Promise.all(outcomes)).toEqual([true, true, true])
    for (const { append } of starts) expect(await logOf(append.runId)).toEqual(["1 run-started"])
    const [first] = starts as [RunStart]
    expect(await writer.append(appendOf(ownedBy(first)))).toEqual(landed)
  })

  it("after the commit of an append or an end, before its answer: both count, once", async () => {
    const [one, other] = [await begin(runs.turn(null)), await begin(runs.turn(null))]
    proxy.holdAnswers()
    const appended = writer.append(appendOf(one, { events: [note("once")] }))
    const ended = writer.append(
      appendOf(other, { messages: [runs.message("assistant", "Bye")], ending: runs.ending("completed") }),
    )
    await proxy.whenAnswered()
    proxy.cut()
    proxy.restore()
    expect(await appended).toEqual(landed)
    // Whether others wait is not known any more; to ask is harmless.
    expect(await ended).toEqual({ ...landed, queued: true })
    expect(await logOf(one.runId)).toEqual(["1 run-started", "2 once"])
    expect(await logOf(other.runId)).toEqual(["1 run-started", "2 run-started"])
    expect(await rows("SELECT 1 FROM messages WHERE run_id = $1", [uuidOf(other.runId)])).toHaveLength(2)
  })

  it("is noticed also where no answer comes and nothing breaks", async () => {
    const patient = await openWriter(250)
    const start = runs.background()
    proxy.swallowAnswers()
    const outcome = patient.start(start, light)
    await until(() => isStored(start.append.runId))
    expect(await outcome).toBe(true)
    expect(await logOf(start.append.runId)).toEqual(["1 run-started"])
  })

  it("again and again, does not keep anything from landing once", async () => {
    const run = await begin(runs.background())
    const writes = Array.from({ length: 12 }, (_, place) => runs.background({ events: [note(`n${place}`)] }))
    const outcomes: Promise<PromiseSettledResult<unknown>[]>[] = []
    const keep = (work: Promise<unknown>) => void outcomes.push(Promise.allSettled([work]))
    for (const [place, start] of writes.entries()) {
      keep(writer.start(start, light))
      if (place % 2 === 0) proxy.cut()
      else await terminate()
      proxy.restore()
    }
    keep(writer.append(appendOf(run, { events: [note("mine")] })))
    proxy.cut()
    proxy.restore()
    const settled = (await Promise.all(outcomes)).flat()
    expect(settled.at(-1)).toEqual({ status: "fulfilled", value: landed })
    for (const [place, start] of writes.entries()) {
      // A start is refused where it was not sent yet; what was told is what is there.
      expect(await isStored(start.append.runId)).toBe(settled[place]?.status === "fulfilled")
      if (settled[place]?.status === "fulfilled") expect(await logOf(start.append.runId)).toEqual([`1 n${place}`])
    }
    expect(await logOf(run.runId)).toEqual(["1 run-started", "2 mine"])
  })
})

describe("a start of unknown outcome", () => {
  it("with an idempotency key is not taken for the repetition of itself", async () => {
    const idempotency = { key: "unknown", method: "POST", path: "/x", bodyHash: "ab".repeat(32) }
    const start = runs.turn(null, { idempotency })
    proxy.holdAnswers()
    const outcome = writer.start(start, light)
    await until(() => isStored(start.append.runId))
    proxy.cut()
    proxy.restore()
    expect(await outcome).toBe(true)
    expect(await writer.start(runs.turn(null, { idempotency }), light)).toBe(false)
  })

  it("that was refused there is refused", async () => {
    const threadRun = await begin(runs.turn(null))
    const [thread] = await rows<{ revision: number }>("SELECT revision FROM threads WHERE id = $1", [
      uuidOf(threadRun.threadId ?? ""),
    ])
    const start = runs.turn(null, {
      thread: { id: threadRun.threadId as Id<"thread">, expectedRevision: (thread?.revision ?? 0) + 7 },
    })
    proxy.holdAnswers()
    const outcome = writer.start(start, light)
    await proxy.whenAnswered()
    proxy.cut()
    proxy.restore()
    expect(await outcome).toBe(false)
    expect(await isStored(start.append.runId)).toBe(false)
  })
})

describe("while the store is away", () => {
  it("starts are refused with SERVICE_UNAVAILABLE, appends wait and land once it is back", async () => {
    const open = [await begin(runs.turn(null)), await begin(runs.background())]
    const { connections } = proxy
    proxy.cut()
    const appended = open.map((run) =>
      writer.append(appendOf(run, { events: [note("patient")], ending: runs.ending("completed") })),
    )
    // The writer has noticed once it tries to connect again; what it has not sent by then, it refuses.
    await until(async () => proxy.connections > connections)
    for (let round = 0; round < 3; round += 1) {
      await expect(writer.start(runs.background(), light)).rejects.toMatchObject({
        code: "SERVICE_UNAVAILABLE",
        retryAfterSeconds: 1,
      })
    }
    expect(await Promise.race([...appended, Promise.resolve("waiting")])).toBe("waiting")
    proxy.restore()
    for (const outcome of await Promise.all(appended)) expect(outcome.landed).toBe(true)
    for (const run of open) expect((await logOf(run.runId)).at(-1)).toBe("2 patient")
    await begin(runs.background())
  })

  it("closing does not hang: what waits is refused", async () => {
    const run = await begin(runs.background())
    proxy.cut()
    const waits = writer.append(appendOf(run))
    const refused = expect(waits).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" })
    await writer.close()
    await refused
    proxy.restore()
    expect(await logOf(run.runId)).toEqual(["1 run-started"])
  })

  it("closing leaves no session behind, also with writes on their way", async () => {
    const writes = Array.from({ length: 30 }, () => writer.start(runs.background(), light))
    await new Promise((resolve) => setImmediate(resolve))
    await writer.close()
    await Promise.allSettled(writes)
    await until(
      async () =>
        (
          await rows(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'writer' AND datname = current_database()",
          )
        ).length === 0,
    )
  })
})

describe("trouble of the store with a statement", () => {
  /** Lets the next so many inserts and updates of runs fail with this SQLSTATE, for runs with this mode. */
  async function failNext(count: number, sqlState: string, mode: string): Promise<void> {
    await rows("CREATE SEQUENCE IF NOT EXISTS troubles")
    await rows("SELECT setval('troubles', 1, false)")
    await rows(`CREATE OR REPLACE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.mode = '${mode}' AND nextval('troubles') <= ${count} THEN RAISE EXCEPTION 'trouble' USING ERRCODE = '${sqlState}'; END IF;
      RETURN NEW; END $$`)
    await rows(
      "CREATE OR REPLACE TRIGGER trouble BEFORE INSERT OR UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION trouble()",
    )
    closers.push(async () => {
      await rows("DROP TRIGGER IF EXISTS trouble ON runs")
    })
  }

  it.each([
    ["a deadlock", "40P01"],
    ["a lost race of transactions", "40001"],
    ["a full disk", "53100"],
    ["a time limit", "57014"],
    ["a standby in its place", "25006"],
  ])("that passes (%s) holds up appends and loses none", async (_name, sqlState) => {
    const open = await Promise.all([1, 2, 3].map(() => begin(runs.background({ mode: "manual" }))))
    await failNext(3, sqlState, "manual")
    const outcomes = await Promise.all(open.map((run) => writer.append(appendOf(run, { events: [note("through")] }))))
    expect(outcomes).toEqual([landed, landed, landed])
    for (const run of open) expect(await logOf(run.runId)).toEqual(["1 run-started", "2 through"])
  })

  it("that passes refuses starts, but for a lost race, which is made again at once", async () => {
    await failNext(1, "53100", "manual")
    await expect(writer.start(runs.background({ mode: "manual" }), light)).rejects.toMatchObject({
      code: "SERVICE_UNAVAILABLE",
    })
    await failNext(2, "40P01", "manual")
    expect(await writer.start(runs.background({ mode: "manual" }), light)).toBe(true)
  })

  it("that never passes is told to whom it concerns alone", async () => {
    const [bad, good] = [await begin(runs.background({ mode: "manual" })), await begin(runs.background())]
    await failNext(1_000_000, "XX000", "manual")
    const [first, second] = await Promise.allSettled([writer.append(appendOf(bad)), writer.append(appendOf(good))])
    expect(first).toMatchObject({ status: "rejected", reason: { code: "XX000" } })
    expect(second).toEqual({ status: "fulfilled", value: landed })
  })

  it("with one row of a flush while the connection breaks over another loses neither", async () => {
    const faulty = [runs.message("user", "one"), runs.message("user", "at the same place")]
    const held = await begin(runs.turn(null))
    const letGo = await lockThread(held.threadId)
    const bad = writer.start(runs.turn(null, { messages: faulty }), light)
    const good = writer.append(appendOf(held, { events: [note("good")], ending: runs.ending("completed") }))
    const settled = Promise.allSettled([bad, good])
    await until(async () => (await waiting()) > 0)
    await terminate()
    await until(async () => (await waiting()) > 0)
    await letGo()
    const [first, second] = await settled
    expect(first.status).toBe("rejected")
    expect(second).toMatchObject({ status: "fulfilled", value: { landed: true } })
    expect(await logOf(held.runId)).toEqual(["1 run-started", "2 good"])
  })
})
