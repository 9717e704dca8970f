/** The database at start: the built-in one, or that of DATABASE_URL, with its tables in the newest version. */
import { access, constants, mkdir } from "node:fs/promises"
import type pg from "pg"
import { type Logger, pino } from "pino"
import { startEmbeddedPostgres } from "../adapters/postgres-embedded/embedded-postgres.ts"
import { migrate } from "../adapters/store/postgres/migrate.ts"
import type { Config } from "../config.ts"
import { StartProblem } from "../start-problem.ts"

/** A database that is ready. `close` ends it where it is ours. */
export type OpenDatabase = { readonly connection: pg.ClientConfig; close(): Promise<void> }

/** How long a database of others may take to answer at start (milliseconds). */
const connectMsMax = 10_000

/** The log, and the database on its way. */
export type Beginning = { readonly log: Logger; readonly database: Promise<OpenDatabase> }

/**
 * Begins to open the database, before everything else is loaded: a Postgres of our own starts meanwhile, on another core.
 * `database` throws StartProblem.
 */
export function begin(config: Config): Beginning {
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: false, minLength: 0 }))
  const database = openDatabase(config, log)
  // It may fail before anybody waits for it.
  database.catch(() => {})
  return { log, database }
}

async function openDatabase(config: Config, log: Logger): Promise<OpenDatabase> {
  await requireFolder(config.dataDirectory)
  return config.databaseUrl === null ? openBuiltIn(config, log) : openOwn(config.databaseUrl)
}

/** The data folder, made if it is missing. */
async function requireFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new StartProblem(
      `Brevet cannot write to its data folder ${folder} (${code ?? "unknown"}): set BREVET_DATA to a folder that this user may write to.`,
      { cause: error },
    )
  }
}

async function openBuiltIn(config: Config, log: Logger): Promise<OpenDatabase> {
  const postgres = await startEmbeddedPostgres({ dataDirectory: config.dataDirectory, log })
  try {
    await migrate({ ...postgres.connection })
  } catch (error) {
    await postgres.stop()
    throw error
  }
  return { connection: { ...postgres.connection }, close: () => postgres.stop() }
}

async function openOwn(connectionString: string): Promise<OpenDatabase> {
  const connection = { connectionString, connectionTimeoutMillis: connectMsMax }
  try {
    await migrate(connection)
  } catch (error) {
    throw problemOf(connectionString, error)
  }
  return { connection, close: async () => {} }
}

/** Why a database of others cannot be used, without its password. */
function problemOf(connectionString: string, error: unknown): StartProblem {
  const { code, message } = error as { readonly code?: string; readonly message?: string }
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nothing listens there",
    ENOTFOUND: "its host name is not known",
    EAI_AGAIN: "its host name cannot be looked up now",
    "28P01": "the password is not right",
    "28000": "the user may not connect",
    "3D000": "there is no such database",
    "42501": "the user may not make tables there",
  }
  const reason =
    reasons[code ?? ""] ?? (message?.includes("timeout") === true ? "it does not answer" : (message ?? code))
  return new StartProblem(
    `Brevet cannot use the database of DATABASE_URL (${placeOf(connectionString)}): ${reason}. Correct DATABASE_URL, or start that database.`,
    { cause: error },
  )
}

function placeOf(connectionString: string): string {
  try {
    const { hostname, port, pathname } = new URL(connectionString)
    return `${hostname}:${port === "" ? "5432" : port}${pathname}`
  } catch {
    return "an address that cannot be read"
  }
}
