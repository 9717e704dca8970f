/** The one way to Postgres: a pool for reads and transactions, named statements, rows as plain objects. */

import { Refusal } from "@brevet/core/errors"
import pg from "pg"

/** A statement; with a name it is prepared once per connection. */
export type Statement = { readonly name?: string; readonly text: string; readonly values?: readonly unknown[] }

/** Something that runs statements: the pool, or one transaction. */
export interface Sql {
  /** Runs one statement and gives its rows. Throws SERVICE_UNAVAILABLE where the store is away, or broke a deadlock. */
  rows<Row>(statement: Statement): Promise<Row[]>
  /** The first row, or null. */
  first<Row>(statement: Statement): Promise<Row | null>
}

/** The pool: statements and transactions. */
export interface SqlPool extends Sql {
  /** Runs the steps in one transaction, which is rolled back if they throw. */
  transaction<Result>(steps: (sql: Sql) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

// bigint columns hold numbers below 2^53 (run numbers, revisions), timestamps are read as milliseconds.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => Date.parse(text))

/** A text as a column can hold it: without NUL, and without halves of characters. */
export function plain(text: string): string {
  return text.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\uFFFD")
}

/**
 * True for faults that say "the store cannot be reached now", as against faults of a statement: a statement's fault is
 * always a DatabaseError with its SQLSTATE; whatever else the driver throws is the connection's.
 */
export function isStoreAway(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return /^(08|57P0|53300)/.test(error.code ?? "")
  return error instanceof Error && !(error instanceof TypeError || error instanceof Refusal)
}

/**
 * True where Postgres broke off one of several transactions that waited for each other. Nothing of it is kept, and the
 * same request can be made again.
 */
function isLostRace(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^40(001|P01)$/.test(error.code ?? "")
}

function runner(client: { query(config: pg.QueryConfig): Promise<pg.QueryResult> }): Sql {
  const rows = async <Row>(statement: Statement): Promise<Row[]> => {
    try {
      const { values, ...rest } = statement
      const result = await client.query(values === undefined ? rest : { ...rest, values: [...values] })
      return result.rows as Row[]
    } catch (error) {
      if (!isStoreAway(error) && !isLostRace(error)) throw error
      throw new Refusal("SERVICE_UNAVAILABLE", { cause: error, retryAfterSeconds: 1 })
    }
  }
  return { rows, first: async <Row>(statement: Statement) => (await rows<Row>(statement))[0] ?? null }
}

/**
 * Runs the steps inside a transaction so that what they throw undoes only what they did, and is thrown on. Steps may be
 * nested, never side by side.
 */
export async function inSavepoint<Result>(sql: Sql, steps: () => Promise<Result>): Promise<Result> {
  await sql.rows({ text: "SAVEPOINT step" })
  try {
    const result = await steps()
    await sql.rows({ text: "RELEASE SAVEPOINT step" })
    return result
  } catch (error) {
    await sql.rows({ text: "ROLLBACK TO SAVEPOINT step" })
    await sql.rows({ text: "RELEASE SAVEPOINT step" })
    throw error
  }
}

/** Opens a pool of at most `connectionsMax` connections. */
export function openSqlPool(connection: pg.PoolConfig, options: { connectionsMax: number }): SqlPool {
  const pool = new pg.Pool({ ...connection, max: options.connectionsMax, connectionTimeoutMillis: 5_000 })
  // An idle connection that breaks is replaced by the pool; without a listener its error would end the process.
  pool.on("error", () => {})
  const sql = runner(pool)
  return {
    ...sql,
    async transaction(steps) {
      let client: pg.PoolClient
      try {
        client = await pool.connect()
      } catch (error) {
        throw new Refusal("SERVICE_UNAVAILABLE", { cause: error, retryAfterSeconds: 1 })
      }
      const inner = runner(client)
      let broken: Error | undefined
      // A connection that breaks between two statements tells it by an event; without a listener that would end the process.
      const onError = (error: Error): void => {
        broken = error
      }
      client.on("error", onError)
      try {
        await inner.rows({ text: "BEGIN" })
        const result = await steps(inner)
        await inner.rows({ text: "COMMIT" })
        return result
      } catch (error) {
        await client.query("ROLLBACK").catch((failure: Error) => {
          broken = failure
        })
        throw error
      } finally {
        client.off("error", onError)
        client.release(broken)
      }
    },
    close: () => pool.end(),
  }
}
