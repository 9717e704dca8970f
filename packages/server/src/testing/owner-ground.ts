/**
 * Owners over Postgres as tests open them: each with a wire of its own to the store, so that its process can be killed or
 * frozen as the store sees it.
 */
import { pino } from "pino"
import { type OwnerOptions, openOwner } from "../adapters/owner/postgres.ts"
import { makeRunLog } from "../adapters/store/postgres/run-log.ts"
import { openSqlPool, type Sql } from "../adapters/store/postgres/sql.ts"
import { makeTestContext, type TestContext } from "./context.ts"
import type { OpenedOwner, OwnerGround } from "./owner-bench.ts"
import { type StoreProxy, startStoreProxy } from "./store-proxy.ts"

/** An owner over Postgres, with its wire and the name that it has in the table of processes. */
export type PostgresOwner = OpenedOwner & {
  readonly proxy: StoreProxy
  /** What its process reads by: over the same wire. */
  readonly sql: Sql
  close(): Promise<void>
}

/** What Postgres's owners stand on: beside the contract, the rows. */
export type PostgresGround = Omit<OwnerGround, "open"> & {
  readonly test: TestContext
  open(folder?: string, options?: Partial<OwnerOptions>): Promise<PostgresOwner>
}

/** Makes the ground. Names of data folders are told apart from those of other tests by their database. */
export async function makePostgresGround(): Promise<PostgresGround> {
  const test = await makeTestContext()
  const opened = new Set<PostgresOwner>()
  return {
    test,
    cx: test.cx,
    clock: test.clock,
    log: makeRunLog(test.sql),
    async open(folder = "folder", options = {}) {
      const owner = await openPostgresOwner(test, { executorName: folder, ...options })
      opened.add(owner)
      return owner
    },
    async silence(processId) {
      await test.sql.rows({
        text: `UPDATE processes SET steady_since = now() - interval '1 day',
                 beat_at = CASE WHEN id = $1 THEN now() - interval '1 day' ELSE beat_at END`,
        values: [processId],
      })
    },
    async closeOwners() {
      await Promise.all([...opened].map((owner) => owner.close()))
      opened.clear()
      await test.sql.rows({ text: "DELETE FROM processes" })
      await test.sql.rows({
        text: "UPDATE runs SET status = 'cancelled', held = false, due_at = NULL WHERE finished_at IS NULL",
      })
      await test.sql.rows({ text: "UPDATE threads SET queued = 0 WHERE queued > 0" })
    },
    close: () => test.close(),
  }
}

async function openPostgresOwner(test: TestContext, options: Partial<OwnerOptions>): Promise<PostgresOwner> {
  const proxy = await startStoreProxy(test.connectionString)
  const connection = { connectionString: proxy.connectionString }
  const pool = openSqlPool(connection, { connectionsMax: 4 })
  const owner = await openOwner({
    pool,
    connection,
    executorName: "folder",
    ids: test.cx.ids,
    clock: test.clock,
    log: pino({ level: "silent" }),
    onDue: () => {},
    // No process is declared dead because the machine is slow; `silence` is how a test does it.
    silenceMs: 3_600_000,
    ...options,
  })
  let isClosed = false
  let isFrozen = false
  return {
    owner,
    proxy,
    sql: pool,
    async crash() {
      proxy.cut()
      await sessionsGone(test, owner.processId())
    },
    freeze() {
      isFrozen = true
      proxy.freeze()
    },
    thaw() {
      isFrozen = false
      proxy.restore()
    },
    async close() {
      if (isClosed) return
      isClosed = true
      // Whoever stands still does not end.
      if (isFrozen) proxy.cut()
      await owner.close()
      await pool.close()
      await proxy.close()
    },
  }
}

/** Waits until Postgres has noticed that the session is gone that held the slot. */
async function sessionsGone(test: TestContext, processId: string): Promise<void> {
  const executor = processId.slice(0, processId.lastIndexOf(":"))
  for (;;) {
    const row = await test.sql.first<{ held: boolean }>({
      text: `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
               AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1, 0)
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS held`,
      values: [executor],
    })
    if (row?.held !== true) return
  }
}
