import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { keepKeyFile, keyFilePath } from "../adapters/key-file.ts"
import { migrate } from "../adapters/store/postgres/migrate.ts"
import { openSqlPool, type SqlPool } from "../adapters/store/postgres/sql.ts"
import { makeStore } from "../adapters/store/postgres/store.ts"
import type { Ports } from "../ports/context.ts"
import { makeCountedIds, makeTestClock, makeTestContext, type TestContext } from "../testing/context.ts"
import { makeTestDatabase, type TestDatabase } from "../testing/database.ts"
import { ensureFirstStart } from "./first-start.ts"
import { makeKeyring } from "./keyring.ts"

let database: TestDatabase
let pool: SqlPool
let ports: Pick<Ports, "store" | "ids" | "clock">
let context: TestContext

beforeEach(async () => {
  database = await makeTestDatabase()
  await migrate(database.connectionString)
  pool = openSqlPool({ connectionString: database.connectionString }, { connectionsMax: 12 })
  ports = { store: makeStore(pool), ids: makeCountedIds(), clock: makeTestClock() }
  context = await makeTestContext()
})

afterEach(async () => {
  await pool.close()
  await database.drop()
  await context.close()
})

const random = { bootstrapApiKey: null, keepKey: null }
const counts = () =>
  pool.first<{ organizations: number; users: number; keys: number }>({
    text: `SELECT (SELECT count(*) FROM organizations) AS organizations, (SELECT count(*) FROM users) AS users,
             (SELECT count(*) FROM api_keys) AS keys`,
  })
const authenticate = (text: string) => makeKeyring({ ...ports, log: context.cx.log }).authenticate([text])

test("the first start makes one organization, its owner and one key that may do everything", async () => {
  const start = await ensureFirstStart(ports, random)
  expect(start).toMatchObject({ isFirst: true, keyText: expect.stringMatching(/^brv_[A-Za-z0-9_-]{43}$/) })
  expect(await counts()).toEqual({ organizations: 1, users: 1, keys: 1 })
  const { principal } = await authenticate(start.keyText ?? "")
  expect(principal).toMatchObject({ organizationId: start.organizationId, scopes: ["*"] })
  const organization = await ports.store.organizations.find(start.organizationId)
  expect(organization?.ownerId).toBe(principal.userId)
})

test("a later start makes nothing and shows no key", async () => {
  const first = await ensureFirstStart(ports, random)
  for (const options of [random, { bootstrapApiKey: "another", keepKey: null }]) {
    expect(await ensureFirstStart(ports, options)).toEqual({
      organizationId: first.organizationId,
      isFirst: false,
      keyText: null,
    })
  }
  expect(await counts()).toEqual({ organizations: 1, users: 1, keys: 1 })
})

test("of many processes that start at once exactly one is the first", async () => {
  const kept: string[] = []
  const keepKey = async (text: string): Promise<void> => void kept.push(text)
  const starts = await Promise.all(
    Array.from({ length: 10 }, () => ensureFirstStart(ports, { bootstrapApiKey: null, keepKey })),
  )
  expect(starts.filter(({ isFirst }) => isFirst)).toHaveLength(1)
  expect(new Set(starts.map(({ organizationId }) => organizationId)).size).toBe(1)
  expect(await counts()).toEqual({ organizations: 1, users: 1, keys: 1 })
  expect(kept).toEqual([starts.find(({ isFirst }) => isFirst)?.keyText])
})

test("a key that the operator fixed works, and is neither given back nor kept", async () => {
  const kept: string[] = []
  const text = "operators-own-key-0123456789abcdef"
  const start = await ensureFirstStart(ports, { bootstrapApiKey: text, keepKey: async (key) => void kept.push(key) })
  expect([start.keyText, kept]).toEqual([null, []])
  expect((await authenticate(text)).principal.scopes).toEqual(["*"])
  const [key] = (await ports.store.keys.list(start.organizationId, { limit: 1, offset: 0 })).records
  expect(text.startsWith(key?.prefix ?? "-")).toBe(true)
  expect(key?.prefix.length).toBeLessThanOrEqual(text.length / 4)
})

test("where the key cannot be kept nothing is made, so that the next start is the first", async () => {
  const full = { bootstrapApiKey: null, keepKey: () => Promise.reject(new Error("no room")) }
  await expect(ensureFirstStart(ports, full)).rejects.toThrow("no room")
  expect(await counts()).toEqual({ organizations: 0, users: 0, keys: 0 })
  expect((await ensureFirstStart(ports, random)).isFirst).toBe(true)
})

test("the file of the key can be read by its owner alone, and takes the place of an older one", async () => {
  const folder = await mkdtemp(join(tmpdir(), "brevet-key-"))
  try {
    const data = join(folder, "made", "on the way")
    await keepKeyFile(data, "brv_first")
    await writeFile(`${keyFilePath(data)}.new`, "left behind", { mode: 0o644 })
    await keepKeyFile(data, "brv_second")
    expect(await readFile(keyFilePath(data), "utf8")).toBe("brv_second\n")
    expect((await stat(keyFilePath(data))).mode & 0o777).toBe(0o600)
  } finally {
    await rm(folder, { recursive: true })
  }
})
