import { afterAll, beforeAll, expect, it } from "vitest"
import { makeTestDatabase, type TestDatabase } from "../../../testing/database.ts"
import { openSqlPool, type Sql, type SqlPool } from "./sql.ts"

let database: TestDatabase
let pool: SqlPool
beforeAll(async () => {
  database = await makeTestDatabase()
  pool = openSqlPool({ connectionString: database.connectionString }, { connectionsMax: 4 })
  await pool.rows({
    text: "CREATE TABLE counters (id integer PRIMARY KEY, value integer NOT NULL CHECK (value < 100))",
  })
  await pool.rows({ text: "INSERT INTO counters VALUES (1, 0), (2, 0)" })
})
afterAll(async () => {
  await pool.close()
  await database.drop()
})

const raise = (sql: Sql, id: number) =>
  sql.rows({ text: "UPDATE counters SET value = value + 1 WHERE id = $1", values: [id] })

it("breaks a deadlock: one of the two is told to come again, nothing of it is kept, the other goes through", async () => {
  let holding = 0
  let release = () => {}
  const both = new Promise<void>((resolve) => {
    release = resolve
  })
  const cross = (first: number, second: number) =>
    pool.transaction(async (sql) => {
      await raise(sql, first)
      holding += 1
      if (holding === 2) release()
      await both
      await raise(sql, second)
    })
  const outcomes = await Promise.allSettled([cross(1, 2), cross(2, 1)])
  const lost = outcomes.filter((outcome) => outcome.status === "rejected")
  expect(lost).toHaveLength(1)
  expect(lost[0]?.reason).toMatchObject({ code: "SERVICE_UNAVAILABLE", status: 503, retryAfterSeconds: 1 })
  expect(await pool.rows({ text: "SELECT value FROM counters ORDER BY id" })).toEqual([{ value: 1 }, { value: 1 }])
})

it("gives a statement's own fault as it is, and goes on", async () => {
  await expect(pool.rows({ text: "UPDATE counters SET value = 100" })).rejects.toMatchObject({ code: "23514" })
  await expect(pool.rows({ text: "SELECT nothing FROM nowhere" })).rejects.toMatchObject({ code: "42P01" })
  expect(await pool.first({ text: "SELECT 1 AS one" })).toEqual({ one: 1 })
})
