import pg from "pg"
import { expect, it } from "vitest"
import { makeTestDatabase } from "./database.ts"

async function ask(connectionString: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

it("gives every caller an empty database of its own, and removes it again", async () => {
  const first = await makeTestDatabase()
  const second = await makeTestDatabase()
  await ask(first.connectionString, "CREATE TABLE made_here (id int)")
  const tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
  expect(await ask(first.connectionString, tables)).toEqual([{ tablename: "made_here" }])
  expect(await ask(second.connectionString, tables)).toEqual([])
  await first.drop()
  await second.drop()
  await expect(ask(first.connectionString, "SELECT 1")).rejects.toMatchObject({ code: "3D000" })
})

it("drops a database although somebody is still connected to it", async () => {
  const database = await makeTestDatabase()
  const client = new pg.Client({ connectionString: database.connectionString })
  const lost = new Promise((resolve) => client.on("error", resolve))
  await client.connect()
  await database.drop()
  expect(await lost).toMatchObject({ code: "57P01" })
})
