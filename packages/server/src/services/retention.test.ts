/** What runs lose once they are old, what they keep, and that a store whose runs expire stops growing. */
import { type Id, uuidOf } from "@brevet/core/ids"
import { afterAll, beforeEach, describe, expect, it } from "vitest"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { expireRuns } from "./retention.ts"
import { getRun, listRunNodes } from "./runs.ts"

const dayMs = 86_400_000
const retentionMs = 3 * dayMs

let test: TestContext
let made = 0
beforeEach(async () => {
  await test?.close()
  test = await makeTestContext()
})
afterAll(() => test.close())

/** A run that was made now; `finished` false: it waits. */
async function storeRun({ finished = true, events = 3 } = {}): Promise<Id<"run">> {
  made += 1
  const at = new Date(test.clock.nowMs())
  const id = `${test.clock.nowMs().toString(16).padStart(12, "0")}7000${made.toString(16).padStart(16, "8000000000000000")}`
  await test.sql.rows({
    text: `INSERT INTO runs (id, organization_id, status, mode, created_at, finished_at, usage, result)
           VALUES ($1, $2, $3, 'production', $4, $5, $6, $7)`,
    values: [
      id,
      uuidOf(test.cx.principal.organizationId),
      finished ? "completed" : "waiting",
      at,
      finished ? at : null,
      finished ? '{"inputTokens":1,"outputTokens":2,"totalTokens":3}' : null,
      finished ? '{"node":null,"text":null,"failure":null,"error":null}' : null,
    ],
  })
  await test.sql.rows({
    text: `INSERT INTO events (run_id, seq, n, body) SELECT $1, place, 1, '[]' FROM generate_series(1, $2::int) place`,
    values: [id, events],
  })
  return `run_${id}` as Id<"run">
}
const countOf = async (table: "events" | "runs") =>
  (await test.sql.first<{ count: number }>({ text: `SELECT count(*) FROM ${table}` }))?.count
const expire = () => expireRuns(test.cx, { retentionMs })

describe("a run that finished longer ago than runs are kept", () => {
  it("loses its events and keeps its row and its totals; reading what is gone says so", async () => {
    const id = await storeRun()
    test.clock.advance(retentionMs + 1)
    expect(await expire()).toBe(1)
    expect([await countOf("events"), await countOf("runs")]).toEqual([0, 1])
    expect(await getRun(test.cx, id)).toMatchObject({ status: "completed", usage: { totalTokens: 3 } })
    await expect(listRunNodes(test.cx, id)).rejects.toMatchObject({ code: "RUN_EXPIRED" })
    expect(await expire()).toBe(0)
  })

  it("is told from younger ones, and from old ones that still wait, which lose nothing", async () => {
    await storeRun({ finished: false })
    const late = await storeRun()
    await test.sql.rows({
      text: "UPDATE runs SET finished_at = $2 WHERE id = $1",
      values: [uuidOf(late), new Date(test.clock.nowMs() + 2 * dayMs)],
    })
    test.clock.advance(retentionMs + 1)
    await storeRun()
    expect(await expire()).toBe(0)
    expect(await countOf("events")).toBe(9)
    test.clock.advance(2 * dayMs)
    expect(await expire()).toBe(1)
  })
})

describe("a store whose runs expire", () => {
  it("stops growing, however many runs there were and however many each round finds", async () => {
    const counts: unknown[] = []
    for (let day = 0; day < 8; day += 1) {
      for (let count = 0; count < 60; count += 1) await storeRun({ events: 2 })
      await expire()
      counts.push(await countOf("events"))
      test.clock.advance(dayMs)
    }
    expect(counts).toEqual([120, 240, 360, 480, 480, 480, 480, 480])
    expect(await countOf("runs")).toBe(480)
  })
})
