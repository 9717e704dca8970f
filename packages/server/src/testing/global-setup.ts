import { chmod, mkdtemp, readdir, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../adapters/postgres-embedded/embedded-postgres.ts"
import { hasEnded } from "../adapters/postgres-embedded/processes.ts"
import { stopServer } from "../adapters/postgres-embedded/server.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** The one Postgres of a test run; tests take databases of their own from it (`makeTestDatabase`). */
    postgresUrl: string
  }
}

let folder: string | null = null
let postgres: EmbeddedPostgres | null = null

const quiet = { info() {}, warn() {}, error: (fields: object, message: string) => console.error(message, fields) }

const FOLDER_PREFIX = "brevet-tests-"

/** Starts the Postgres that all tests of a run share, in a temporary folder. */
export async function setup(project: TestProject): Promise<void> {
  const temporary = await realpath(tmpdir())
  await removeAbandoned(temporary)
  folder = await mkdtemp(join(temporary, `${FOLDER_PREFIX}${process.pid}-`))
  // As root the server runs as another user, who has to be able to enter.
  await chmod(folder, 0o711)
  const settings = {
    // Losing this data in a power failure harms nobody, and many test files connect at once.
    fsync: "off",
    max_connections: "200",
  }
  postgres = await startEmbeddedPostgres({ dataDirectory: join(folder, "data"), log: quiet, settings })
  project.provide("postgresUrl", postgres.connectionString)
}

/** Ends it and removes the folder. */
export async function teardown(): Promise<void> {
  await postgres?.stop()
  if (folder !== null) await rm(folder, { recursive: true, force: true })
}

/** A test run that was killed leaves its server behind; folders are named for the process that made them. */
async function removeAbandoned(temporary: string): Promise<void> {
  for (const name of await readdir(temporary)) {
    const pid = Number(new RegExp(`^${FOLDER_PREFIX}(\\d+)-`).exec(name)?.[1])
    if (!(pid > 0) || !(await hasEnded(pid))) continue
    await stopServer(join(temporary, name, "data", "postgres", "cluster"))
    await rm(join(temporary, name), { recursive: true, force: true })
  }
}
