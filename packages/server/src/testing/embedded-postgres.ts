/**
 * What the tests of the built-in Postgres share: data folders that are copies of one finished cluster (initdb is the slow
 * part), starts in this process and in others that can be killed, and an end to all of it after each test.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { chmod, mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import pg from "pg"
import { afterAll, afterEach, beforeAll, expect } from "vitest"
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../adapters/postgres-embedded/embedded-postgres.ts"
import { findServer } from "../adapters/postgres-embedded/pid-file.ts"
import { stopServer } from "../adapters/postgres-embedded/server.ts"
import { StartProblem } from "../start-problem.ts"

/** Runs a program to its end; throws where its exit code is not 0. */
export const run = promisify(execFile)

/** The module that starts the built-in Postgres, for scripts that run in other processes. */
export const SOURCE = new URL("../adapters/postgres-embedded/embedded-postgres.ts", import.meta.url).href

/** The temporary folder of a test file; anybody may enter it. */
export let base = ""
/** A data folder with a finished cluster, to be copied. */
export let template = ""
let folders = 0
/** Processes that are killed after the test. */
export const children = new Set<ChildProcess>()
const started = new Set<EmbeddedPostgres>()
/** Data folders whose server is ended after the test, whoever left it there. */
export const usedData = new Set<string>()

/** Call it once at the head of a test file. */
export function prepareEmbeddedPostgres(): void {
  beforeAll(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), "brevet-supervise-")))
    await chmod(base, 0o711)
    template = join(base, "template")
    const postgres = await startEmbeddedPostgres({ dataDirectory: template, log: makeLog() })
    await ask(postgres, "CREATE TABLE kept (word text)")
    await postgres.stop()
  })

  afterEach(async () => {
    for (const postgres of started) await postgres.stop()
    for (const child of children) child.kill("SIGKILL")
    for (const data of usedData) await stopServer(clusterOf(data))
    for (const set of [started, children, usedData]) set.clear()
  })

  afterAll(async () => {
    await rm(base, { recursive: true, force: true })
  })
}

/** A log whose lines can be read. */
export type Log = ReturnType<typeof makeLog>

/** A log that keeps its lines. */
export function makeLog() {
  const lines: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[] = []
  const note = (fields: object, message: string) => void lines.push({ message, fields: { ...fields } })
  return { lines, info: note, warn: note, error: note }
}

/** Where the cluster of a data folder is. */
export const clusterOf = (data: string) => join(data, "postgres", "cluster")

/** A data folder that does not exist yet. */
export function freshFolder(): string {
  folders += 1
  const data = join(base, `data-${folders}`)
  usedData.add(data)
  return data
}

/** A data folder with a cluster in it, which was stopped cleanly. */
export async function copiedFolder(): Promise<string> {
  const data = freshFolder()
  await run("cp", ["-a", template, data])
  return data
}

type StartOptions = Partial<Parameters<typeof startEmbeddedPostgres>[0]>

/** Starts it in this process; it is stopped after the test. */
export async function start(
  dataDirectory: string,
  options: StartOptions & { readonly log?: Log } = {},
): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDirectory, log: makeLog(), ...options })
  started.add(postgres)
  return postgres
}

/** The rows of one statement, over a connection of its own. */
export async function ask(postgres: { readonly connectionString: string }, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: postgres.connectionString })
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

/** The postmaster of a data folder; 0 if none runs. */
export async function pidOf(data: string): Promise<number> {
  const found = await findServer(clusterOf(data))
  return found.state === "running" ? found.pidFile.pid : 0
}

/** Waits for a condition. */
export async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await what())) await sleep(5)
}

/** The StartProblem with which an attempt to start must end. */
export async function problemOf(attempt: Promise<unknown>): Promise<StartProblem> {
  const error = await attempt.then(
    () => new Error("it started"),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(StartProblem)
  return error as StartProblem
}

/** What another process tells of its start. */
export interface Started {
  readonly connectionString: string
  readonly adopted: boolean
}

/** Another process that starts the Postgres of a data folder and keeps it until it gets SIGTERM. */
export function spawnStarter(data: string, user: { readonly uid: number; readonly gid: number } | null = null) {
  const script = `
    import { startEmbeddedPostgres } from ${JSON.stringify(SOURCE)}
    const user = ${JSON.stringify(user)}
    if (user) { process.setgroups([]); process.setgid(user.gid); process.setuid(user.uid) }
    const log = { info() {}, warn() {}, error(fields, message) { console.error(message, fields) } }
    const postgres = await startEmbeddedPostgres({ dataDirectory: ${JSON.stringify(data)}, log }).catch((error) => {
      console.log(JSON.stringify({ problem: error.message }))
      process.exit(1)
    })
    console.log(JSON.stringify({ connectionString: postgres.connectionString, adopted: postgres.adopted }))
    process.on("SIGTERM", () => postgres.stop().then(() => process.exit(0)))
    setInterval(() => {}, 1000)`
  const child = spawn(
    process.execPath,
    ["--conditions=brevet-source", "--import", "tsx", "--input-type=module", "--eval", script],
    { stdio: ["ignore", "pipe", "inherit"] },
  )
  children.add(child)
  const lines = createInterface({ input: child.stdout })
  const ready = new Promise<Started>((resolve, reject) => {
    lines.once("line", (line) => {
      const told = JSON.parse(line) as Started | { readonly problem: string }
      return "problem" in told ? reject(new StartProblem(told.problem)) : resolve(told)
    })
    child.once("exit", (code) => reject(new Error(`the starter ended with ${code}`)))
  })
  // Tests that kill it do not always wait for it to be ready.
  ready.catch(() => {})
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  }
  return { child, ready, end }
}
