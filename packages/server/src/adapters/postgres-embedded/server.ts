/**
 * One server of one cluster: finding it, starting it, ending it.
 *
 * Owns: the `postgres` process of a cluster, whoever started it. Does not own: when it should run (supervise.ts).
 *
 * What is found on the way to a connection, and what follows:
 *
 *     nothing, or remains of a dead server  →  disarm the remains, spawn
 *     remains whose backends still live     →  wait: they end by themselves within moments
 *     a postmaster that starts or recovers  →  wait, as long as it lives
 *     a postmaster that stops               →  wait until it is gone, then spawn
 *     a postmaster that is ready            →  connect: ours or an orphan, it makes no difference
 *     ready, but its socket is gone         →  after a while end it, then spawn
 *
 * 1. At most one postmaster works on a cluster: Postgres's own lock and shared memory see to that; we never delete
 *    `postmaster.pid`. So two processes may run this at once: one server comes up and both connect to it.
 * 2. A signal goes only to a process that is, at that moment, a postmaster of this very cluster.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { type FileHandle, open, readFile, rename, stat } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import type pg from "pg"
import { StartProblem } from "../../start-problem.ts"
import type { Binaries } from "./binaries.ts"
import { connectionOptions, tryConnect } from "./connect.ts"
import { explainUnrunnable, spawnOptions } from "./initialize.ts"
import { disarmRemains, findServer, isPostmasterOf, type PidFile } from "./pid-file.ts"
import { makePrivateFolder, type Places } from "./places.ts"
import { hasEnded } from "./processes.ts"
import { serverArguments } from "./settings.ts"

const POLL_MS = 3
/** Waiting for somebody else's server is no race: ask less often. */
const SLOW_POLL_MS = 20
/** How many times a server of ours may end before it is ready until we say that it cannot. */
const STARTS_MAX = 3
/** How long a server may say "ready" without letting anybody in. */
const UNREACHABLE_MS = 5_000
/** How long backends of a dead postmaster may live: they end as soon as they notice. */
const REMAINS_MS = 60_000
/** A fast shutdown writes a checkpoint; on a slow disk that takes its time. Then: immediate, then kill. */
const STOP_STEPS = [
  { signal: "SIGINT", patienceMs: 60_000 },
  { signal: "SIGQUIT", patienceMs: 5_000 },
  { signal: "SIGKILL", patienceMs: 5_000 },
] as const
const RETRY_PAUSE_MS = 100
const NOTE_EVERY_MS = 10_000
const LOG_BYTES_MAX = 5 * 1024 * 1024
const LOG_LINES_SHOWN = 5

/** Where the supervisor's lines go: a pino logger, for one. */
export interface SupervisorLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What is needed to run a server. */
export interface ServerContext {
  readonly places: Places
  readonly binaries: Binaries
  readonly password: string
  readonly log: SupervisorLog
  /** Postgres settings that win over ours. */
  readonly settings: Readonly<Record<string, string>>
}

/** A server that lets us in. */
export interface ReachedServer {
  readonly client: pg.Client
  readonly pid: number
  readonly socketFolder: string
  readonly port: number
  /** Whether it ran before we came. */
  readonly adopted: boolean
}

/** What one call of reachServer has tried so far. Instants are milliseconds of the process's own clock. */
interface Trial {
  child: ChildProcess | null
  starts: number
  unreachableSinceMs: number | null
  remainsSinceMs: number | null
  /** When a wait has become long enough to be told, again and again. */
  nextNoteMs: number
}

/**
 * Connects to the cluster's server, starting it if none runs. Ends only with a connection, a StartProblem, or the
 * signal's reason; in the latter two a server that was started here is ended first.
 */
export async function reachServer(context: ServerContext, signal: AbortSignal): Promise<ReachedServer> {
  const { cluster } = context.places
  const trial: Trial = {
    child: null,
    starts: 0,
    unreachableSinceMs: null,
    remainsSinceMs: null,
    nextNoteMs: performance.now() + NOTE_EVERY_MS,
  }
  try {
    for (;;) {
      signal.throwIfAborted()
      const found = await findServer(cluster)
      if (found.state === "running") {
        const client = await enter(context, trial, found.pidFile)
        const { pid, socketFolder, port } = found.pidFile
        if (client !== null) return { client, pid, socketFolder, port, adopted: pid !== trial.child?.pid }
      } else if (isRunning(trial.child)) {
        await sleep(POLL_MS)
      } else if (found.state === "remains" && found.backendsLive) {
        await waitForBackends(context, trial, found.pidFile)
      } else {
        if (found.state === "remains") await disarmRemains(cluster, found.pidFile)
        await start(context, trial)
      }
    }
  } catch (error) {
    if (trial.child?.pid !== undefined) await endServer(cluster, trial.child.pid)
    throw error
  }
}

/** Ends the cluster's server, if one runs: a fast shutdown (clients are disconnected, everything is on disk). */
export async function stopServer(cluster: string): Promise<void> {
  const found = await findServer(cluster)
  if (found.state === "running") await endServer(cluster, found.pidFile.pid)
}

/** One try to get into a server that runs; null after a pause if it is not ready for us. */
async function enter(context: ServerContext, trial: Trial, pidFile: PidFile): Promise<pg.Client | null> {
  const ours = pidFile.pid === trial.child?.pid
  trial.remainsSinceMs = null
  // A server of somebody else's has come up: what failed before was only the race against it.
  if (!ours) trial.starts = 0
  if (pidFile.status === "ready") {
    const attempt = await tryConnect(connectionOptions(pidFile.socketFolder, pidFile.port, context.password))
    if (attempt.outcome === "connected") return attempt.client
    if (attempt.outcome === "refused") throw explainRefusal(context, attempt.error)
    trial.unreachableSinceMs ??= performance.now()
    if (performance.now() - trial.unreachableSinceMs > UNREACHABLE_MS) {
      trial.unreachableSinceMs = null
      await endServer(context.places.cluster, pidFile.pid)
    }
  }
  if (performance.now() > trial.nextNoteMs) {
    trial.nextNoteMs += NOTE_EVERY_MS
    // After a crash it reads its log from the last checkpoint on, which may take minutes.
    context.log.info({ pid: pidFile.pid, status: pidFile.status }, "database-awaited")
  }
  await sleep(ours ? POLL_MS : SLOW_POLL_MS)
  return null
}

async function waitForBackends(context: ServerContext, trial: Trial, remains: PidFile): Promise<void> {
  trial.remainsSinceMs ??= performance.now()
  if (performance.now() - trial.remainsSinceMs > REMAINS_MS) {
    throw new StartProblem(
      `Processes of another Postgres still work on ${context.places.cluster} (its pid file names ${remains.pid}). End them, then start again.`,
    )
  }
  await sleep(SLOW_POLL_MS)
}

async function start(context: ServerContext, trial: Trial): Promise<void> {
  if (trial.child?.exitCode === 127) throw explainUnrunnable(context.binaries, new Error("postgres ended with 127"))
  if (trial.starts === STARTS_MAX) throw await explainFailedStart(context)
  // One that has just failed may have met another's lock, which needs an instant to become a server that can be seen.
  if (trial.starts > 0) await sleep(RETRY_PAUSE_MS * trial.starts)
  trial.starts += 1
  trial.unreachableSinceMs = null
  trial.child = await spawnServer(context)
}

/** In a session of its own, so that a Ctrl-C meant for us does not end it before we have finished with it. */
async function spawnServer({ places, binaries, settings }: ServerContext): Promise<ChildProcess> {
  // Somebody may have cleaned up below the temporary folder.
  await makePrivateFolder(places.socketFolder, places.account)
  const log = await openLog(places.logFile)
  try {
    const child = spawn(binaries.postgres, serverArguments(places.cluster, places.socketFolder, settings), {
      ...spawnOptions(places),
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    })
    child.unref()
    await once(child, "spawn").catch((error) => Promise.reject(explainUnrunnable(binaries, error)))
    return child
  } finally {
    await log.close()
  }
}

/** Postgres has no process for its log here (it would cost memory), so a log that has grown is put aside at a start. */
async function openLog(path: string): Promise<FileHandle> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  )
  if (size > LOG_BYTES_MAX) await rename(path, `${path}.1`)
  return open(path, "a", 0o600)
}

async function endServer(cluster: string, pid: number): Promise<void> {
  for (const { signal, patienceMs } of STOP_STEPS) {
    if (!(await isPostmasterOf(pid, cluster))) return
    process.kill(pid, signal)
    const deadlineMs = performance.now() + patienceMs
    while (performance.now() < deadlineMs) {
      if (await hasEnded(pid)) return
      await sleep(POLL_MS)
    }
  }
}

function isRunning(child: ChildProcess | null): boolean {
  return child !== null && child.exitCode === null && child.signalCode === null
}

function explainRefusal({ places }: ServerContext, cause: unknown): StartProblem {
  return new StartProblem(
    `The database in ${places.cluster} does not take the password in ${places.passwordFile}. Put that file back from a backup of the data folder.`,
    { cause },
  )
}

async function explainFailedStart({ places }: ServerContext): Promise<StartProblem> {
  const log = await readFile(places.logFile, "utf8").catch(() => "")
  const last = log.trim().split("\n").slice(-LOG_LINES_SHOWN).join("\n")
  return new StartProblem(
    `Postgres cannot start on ${places.cluster}. The end of its log (${places.logFile}):\n${last}\n` +
      "If the folder is damaged, put it back from a backup.",
  )
}
