/** The statements of the owner on tables that have grown: none may read a table from end to end, and updates stay HOT. */
import { uuidOf } from "@brevet/core/ids"
import pg from "pg"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { appendOf, OwnedRuns, ownedBy } from "../../testing/owned-runs.ts"
import { makePostgresGround, type PostgresGround } from "../../testing/owner-ground.ts"
import { planOf, recordStatements } from "../../testing/statement-plans.ts"
import type { SqlPool } from "../store/postgres/sql.ts"
import { claimDue, claimLeft, claimLost, claimQueued, forgetDead, release, releaseForgotten } from "./claims.ts"
import { type GroupRow, groupQuery } from "./group-statement.ts"
import { writerSettings } from "./group-writer.ts"

let ground: PostgresGround
let runs: OwnedRuns
beforeAll(async () => {
  ground = await makePostgresGround()
  const { cx, clock } = ground
  runs = new OwnedRuns({ ids: cx.ids, clock, organizationId: cx.principal.organizationId })
})
afterAll(() => ground.close())

const tables = /Seq Scan on (runs|threads|messages|events|responses|failed_turns|idempotency_keys|organizations)/

/** Many conversations that were had, each with a run, two messages and their events. */
async function fill(count: number): Promise<void> {
  const organization = uuidOf(ground.cx.principal.organizationId)
  const id = (place: string) => `lpad(to_hex(${place}), 32, '0')::uuid`
  const statements = [
    `INSERT INTO threads (id, organization_id, turn, message_count, created_at, updated_at)
       SELECT ${id("n")}, '${organization}', 1, 2, now(), now() FROM generate_series(1, ${count}) n`,
    `INSERT INTO runs (id, organization_id, thread_id, turn, status, mode, owner, seq, created_at, finished_at)
       SELECT ${id("n")}, '${organization}', ${id("n")}, 1, 'completed', 'chat', 'data/1:' || n % 7, 3, now(), now()
       FROM generate_series(1, ${count}) n`,
    `INSERT INTO messages (thread_id, turn, ordinal, id, role, content, created_at)
       SELECT ${id("n")}, 1, place, ${id("n * 2 + place")}, 'user', '"x"', now() FROM generate_series(1, ${count}) n, generate_series(0, 1) place`,
    `INSERT INTO events (run_id, seq, n, body) SELECT ${id("n")}, 1, 3, '[]' FROM generate_series(1, ${count}) n`,
    `INSERT INTO failed_turns SELECT '${organization}', decode(lpad(to_hex(n), 64, '0'), 'hex'), ${id("n")}, 1, now() FROM generate_series(1, ${count / 10}) n`,
    `INSERT INTO idempotency_keys (organization_id, key, method, path, body_hash, created_at)
       SELECT '${organization}', 'k' || n, 'POST', '/', '\\x00', now() FROM generate_series(1, ${count / 10}) n`,
    "ANALYZE",
  ]
  for (const text of statements) await ground.test.sql.rows({ text })
}

/** One flush for each combination of parts. */
function flushes(): GroupRow[][] {
  const start = (extra: Parameters<typeof runs.turn>[1]): GroupRow => ({
    op: "start",
    start: runs.turn(null, extra),
    held: false,
  })
  const append = (extra: Parameters<typeof appendOf>[1]): GroupRow => ({
    op: "append",
    append: appendOf(ownedBy(runs.turn(null)), extra),
  })
  const responseId = ground.cx.ids.next("response")
  const rare = {
    responseId,
    requestHash: "ab".repeat(32),
    idempotency: { key: "k1", method: "POST", path: "/", bodyHash: "00" },
    thread: { removes: { turn: 1, ordinal: 0 }, replacesFailed: true },
  }
  const starts = [[], [start({ responseId })], [start(rare)]]
  const rareEnd = runs.ending("failed", { removesTurn: true, failedRequestHash: "ab".repeat(32) })
  const messages = [runs.message("assistant", "x")]
  const appends = [
    [],
    [append({})],
    [append({ messages, ending: runs.ending("completed") })],
    [append({ messages, ending: rareEnd })],
  ]
  const all = starts.flatMap((some) => appends.map((others) => [...some, ...others])).filter((rows) => rows.length > 0)
  // Two of them are made of the same parts.
  const names = all.map((rows) => groupQuery(rows, "nobody").name)
  return all.filter((_rows, place) => names.indexOf(names[place] ?? "") === place)
}

describe("on tables that have grown", () => {
  it("the group statement, planned while they were empty, reads every table by an index, whatever it is made of", async () => {
    const client = new pg.Client({ connectionString: ground.test.connectionString })
    await client.connect()
    await client.query(writerSettings)
    const queries = flushes().map((rows) => groupQuery(rows, "nobody"))
    expect(new Set(queries.map(({ name }) => name)).size).toBe(queries.length)
    const planned = async (): Promise<string> => {
      const plans: string[] = []
      for (const [place, { values }] of queries.entries()) {
        const literals = values.map((value) => client.escapeLiteral(String(value))).join(", ")
        const { rows } = await client.query<{ "QUERY PLAN": string }>(`EXPLAIN EXECUTE write_${place}(${literals})`)
        plans.push(...rows.map((row) => row["QUERY PLAN"]))
      }
      return plans.join("\n")
    }
    for (const [place, { text, values }] of queries.entries()) {
      const types = values.length === 2 ? "json, text" : "json, text, json"
      await client.query(`PREPARE write_${place}(${types}) AS ${text}`)
    }
    expect(await planned()).not.toMatch(tables)
    await fill(20_000)
    expect(await planned()).not.toMatch(tables)
    // A new connection plans on what is there now.
    await client.query("DISCARD PLANS")
    expect(await planned()).not.toMatch(tables)
    await client.end()
  })

  it("claims, releases and beats read every table by an index", async () => {
    const { sql, statements } = recordStatements(ground.test.sql)
    const ids = [ground.cx.ids.next("run")]
    await claimDue(sql, "nobody", 32)
    await claimQueued(sql, "nobody", ids)
    await sql.rows({
      text: `INSERT INTO processes (id, executor, incarnation, beat_at, low, dead_at)
             VALUES ('dead', 'dead', 1, now(), $1, now() - interval '1 hour')`,
      values: [uuidOf(ids[0] as (typeof ids)[0])],
    })
    await claimLeft(sql, "nobody")
    await forgetDead(sql, "nobody")
    await claimLost(sql, "nobody", ids)
    await release(sql, ground.cx.ids.next("thread"))
    await releaseForgotten(sql)
    const opened = await ground.open("planned", {
      pool: { ...(sql as SqlPool), transaction: () => Promise.reject(), close: async () => {} },
    })
    while (!statements.some(({ name }) => name === "beat")) await new Promise((resolve) => setImmediate(resolve))
    await opened.close()
    expect(statements.length).toBeGreaterThanOrEqual(8)
    for (const statement of statements) {
      expect(await planOf(ground.test.sql, statement), statement.text).not.toMatch(tables)
    }
  })
})

describe("updates of runs and threads", () => {
  it("are HOT but for a few, so that no index grows with every append", async () => {
    const { owner, close } = await ground.open("hot")
    const { store, principal } = ground.cx
    const threads = Array.from({ length: 40 }, () => runs.turn(null, { ending: runs.ending("completed") }))
    await Promise.all(threads.map((start) => owner.start(start)))
    for (let turn = 0; turn < 10; turn += 1) {
      await Promise.all(
        threads.map(async ({ thread }) => {
          if (thread === null) throw new Error("a turn has a thread")
          const start = runs.turn(await store.turns.findBasis(principal.organizationId, thread.id))
          await owner.start(start)
          const run = ownedBy(start)
          for (const ending of [null, null, runs.ending("completed")]) {
            const append = appendOf(run, { ending })
            expect(await owner.append(append)).toMatchObject({ landed: true })
            run.saved = append.last
          }
        }),
      )
    }
    // Counts are handed in when a session ends.
    await close()
    for (const [table, updates] of Object.entries({ runs: 1_200, threads: 800 })) {
      const count = async () => {
        const row = await ground.test.sql.first<{ all: number; hot: number }>({
          text: "SELECT n_tup_upd AS all, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = $1",
          values: [table],
        })
        return row ?? { all: 0, hot: 0 }
      }
      while ((await count()).all < updates);
      const { all, hot } = await count()
      expect(hot / all, table).toBeGreaterThan(0.75)
    }
  })
})
