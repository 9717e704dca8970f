import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../adapters/postgres-embedded/index.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** The one Postgres of a test run; tests take databases of their own from it (`makeTestDatabase`). */
    postgresUrl: string
  }
}

let folder: string | null = null
let postgres: EmbeddedPostgres | null = null

const quiet = { info() {}, warn() {}, error: (fields: object, message: string) => console.error(message, fields) }

/** Starts the Postgres that all tests of a run share, in a temporary folder. */
export async function setup(project: TestProject): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), "brevet-tests-"))
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
