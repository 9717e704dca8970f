import pg from "pg"
import { DATABASE, USER } from "./initialize.ts"

/** Where a server of ours listens, as node-postgres takes it. */
export interface ConnectionOptions {
  /** The folder of the Unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** How trying to connect ended. "not-yet" is worth another try at once, "refused" is not. */
export type Attempt =
  | { readonly outcome: "connected"; readonly client: pg.Client }
  | { readonly outcome: "not-yet"; readonly error: unknown }
  | { readonly outcome: "refused"; readonly error: unknown }

/** SQLSTATEs (documented in Postgres's appendix A) by which we decide. */
const INVALID_PASSWORD = "28P01"
const INVALID_AUTHORIZATION = "28000"
const NO_SUCH_DATABASE = "3D000"
const DATABASE_EXISTS = "42P04"
const UNIQUE_VIOLATION = "23505"

/** The options for a server that listens in a socket folder. */
export function connectionOptions(socketFolder: string, port: number, password: string): ConnectionOptions {
  return { host: socketFolder, port, user: USER, password, database: DATABASE }
}

/** The same as a URL that both node-postgres and libpq (`psql`) read. */
export function connectionUrl(options: ConnectionOptions): string {
  const { host, port, user, password, database } = options
  return `postgresql://${user}:${encodeURIComponent(password)}@localhost/${database}?host=${encodeURIComponent(host)}&port=${port}`
}

/** Connects once. A database that is missing is made: it is the last step of a first start, which may have been cut off. */
export async function tryConnect(options: ConnectionOptions): Promise<Attempt> {
  const first = await attempt(options)
  if (first.outcome !== "refused" || codeOf(first.error) !== NO_SUCH_DATABASE) return first
  const door = await attempt({ ...options, database: "postgres" })
  if (door.outcome !== "connected") return door
  try {
    await door.client.query(`CREATE DATABASE ${DATABASE}`)
  } catch (error) {
    // Another process that started at the same moment was first.
    if (![DATABASE_EXISTS, UNIQUE_VIOLATION].includes(codeOf(error) ?? "")) return { outcome: "not-yet", error }
  } finally {
    await door.client.end().catch(() => {})
  }
  return attempt(options)
}

async function attempt(options: ConnectionOptions): Promise<Attempt> {
  const client = new pg.Client({ ...options, connectionTimeoutMillis: 10_000, application_name: "brevet supervisor" })
  // Without a listener, a connection that ends early would end the process.
  client.on("error", () => {})
  try {
    await client.connect()
    return { outcome: "connected", client }
  } catch (error) {
    await client.end().catch(() => {})
    const final = [INVALID_PASSWORD, INVALID_AUTHORIZATION, NO_SUCH_DATABASE].includes(codeOf(error) ?? "")
    return { outcome: final ? "refused" : "not-yet", error }
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as { readonly code?: string } | null)?.code
}
