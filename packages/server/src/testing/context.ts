/**
 * What tests of services work with: the real store on a database of their own, counted ids, a clock held by hand, and a
 * recorder in the place of the runtime.
 */
import type { Scope } from "@brevet/core/contract/route"
import { type Id, type IdNoun, type IdSource, idFrom } from "@brevet/core/ids"
import { pino } from "pino"
import { migrate } from "../adapters/store/postgres/migrate.ts"
import { openSqlPool, type Sql } from "../adapters/store/postgres/sql.ts"
import { makeStore } from "../adapters/store/postgres/store.ts"
import type { Clock, Context, Ports } from "../ports/context.ts"
import { ModelFailure, type Models } from "../ports/models.ts"
import { makeTestDatabase } from "./database.ts"

/** Ids that are counted from 1, whatever their noun: the third one of all ends in `…0003`. */
export function makeCountedIds(): IdSource {
  let count = 0
  return {
    next<Noun extends IdNoun>(noun: Noun): Id<Noun> {
      count += 1
      return idFrom(noun, `0190000000007000${count.toString(16).padStart(16, "8000000000000000")}`)
    },
  }
}

/** A clock that stands still until a test moves it. */
export type TestClock = Clock & { advance(ms: number): void }

/** A clock that stands at an instant, the first second of 2026 if none is given. */
export function makeTestClock(startMs: number = Date.UTC(2026, 0, 1)): TestClock {
  let nowMs = startMs
  return {
    nowMs: () => nowMs,
    advance(ms) {
      nowMs += ms
    },
  }
}

/** Models where none is configured and none may be called. */
const noModels: Models = {
  // biome-ignore lint/correctness/useYield: it fails before the first event, as an unreachable provider does
  async *stream() {
    throw new ModelFailure("not-found", "no model is offered in this test")
  },
  list: async () => [],
  find: () => null,
  providerOf: () => null,
  defaultModel: () => "demo",
  providers: () => ["demo"],
  close: async () => {},
}

/** The context of tests, and what holds it up. */
export type TestContext = {
  /** The context of the owner of the first organization, with every right. */
  readonly cx: Context
  readonly clock: TestClock
  /** Statements beside the store, for tests that look at or prepare rows themselves. */
  readonly sql: Sql
  readonly connectionString: string
  /** The runs that services asked the runtime to end, in order. */
  readonly endedRuns: readonly Id<"run">[]
  /** The context of the owner of a further organization, made now. */
  makeOtherTenant(): Promise<Context>
  /** Closes the pool and removes the database. To be called in `afterAll`. */
  close(): Promise<void>
}

async function makeTenant(ports: Ports): Promise<Context> {
  const organizationId = ports.ids.next("organization")
  const owner = { id: ports.ids.next("user"), name: "Olga Owner", email: "olga@example.com" }
  const createdAtMs = ports.clock.nowMs()
  await ports.store.organizations.create({ id: organizationId, name: "Test", owner, createdAtMs })
  const scopes: readonly Scope[] = ["*"]
  const principal = {
    organizationId,
    userId: owner.id,
    userName: owner.name,
    userEmail: owner.email,
    keyId: ports.ids.next("apiKey"),
    scopes,
  }
  return { ...ports, principal, traceId: ports.ids.next("request") }
}

/** Makes a database with all tables, one organization, and a context of its owner. */
export async function makeTestContext(): Promise<TestContext> {
  const database = await makeTestDatabase()
  await migrate(database.connectionString)
  const pool = openSqlPool({ connectionString: database.connectionString }, { connectionsMax: 12 })
  const clock = makeTestClock()
  const endedRuns: Id<"run">[] = []
  const ports: Ports = {
    store: makeStore(pool),
    models: noModels,
    runs: {
      start: async () => null,
      enqueue: async () => "changed",
      follow: () => () => {},
      waitForEnd: async () => null,
      waitForRest: async () => null,
      wake: () => {},
      endMarked: (ids) => void endedRuns.push(...ids),
    },
    ids: makeCountedIds(),
    clock,
    log: pino({ level: "silent" }),
    settings: { publicUrl: "http://127.0.0.1:8787", waitMs: 1_000, streamWaitMs: 1_000, definitionNodesMax: 2_000 },
  }
  return {
    cx: await makeTenant(ports),
    clock,
    sql: pool,
    connectionString: database.connectionString,
    endedRuns,
    makeOtherTenant: () => makeTenant(ports),
    async close() {
      await pool.close()
      await database.drop()
    },
  }
}
