/**
 * The supervisor of the built-in Postgres.
 *
 * Owns: keeping one server up for as long as this process wants it, and ending it at the end. Does not own: how a server
 * is found, started or ended (server.ts), nor its folders (places.ts, initialize.ts).
 *
 * It holds one connection of its own, the watch. It is up while the watch is open. When the watch breaks it is down: it
 * tells so, reaches a server again (the same one, if only the connection broke), and tells that it is up.
 *
 * Several processes may share a data folder. The one whose watch holds an advisory lock in the database is the keeper;
 * the others are guests. The lock is Postgres's own, so it is free at the instant a keeper dies, and no file can be stale.
 *
 * 1. Only the keeper ends the server. A guest that stops just disconnects.
 * 2. Whoever finds the server down starts it, guest or not; Postgres's lock lets one of them through.
 * 3. A guest asks for the lock every second, so a server is never without a keeper for long.
 * 4. After stop() nothing is started any more.
 */
import { rmdir } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { findPlatformPackage, placeBinaries } from "./binaries.ts"
import { type ConnectionOptions, connectionOptions, connectionUrl } from "./connect.ts"
import { initializeCluster, readOrMakePassword } from "./initialize.ts"
import { preparePlaces } from "./places.ts"
import { type ReachedServer, reachServer, type ServerContext, type SupervisorLog, stopServer } from "./server.ts"

/** The running built-in Postgres. */
export interface EmbeddedPostgres {
  /** A URL for node-postgres and psql. It stays valid when the server is started again. */
  readonly connectionString: string
  /** The same, taken apart. */
  readonly connection: ConnectionOptions
  /** Whether the server ran before this process came: an orphan of a killed one, or another process's. */
  readonly adopted: boolean
  /** Tells when the server is lost. Returns what takes the listener away again. */
  onDown(listener: () => void): () => void
  /** Tells when it is back. Returns what takes the listener away again. */
  onUp(listener: () => void): () => void
  /** Ends the server if this process is its keeper, and waits until it is gone. May be called twice. */
  stop(): Promise<void>
}

/** The advisory lock of the keeper: two numbers of ours ("brev", "pg"), in the one database. */
const KEEPER_LOCK = [0x62726576, 0x7067] as const
const GUEST_ASKS_EVERY_MS = 1_000
const RESTART_PAUSE_MS_MAX = 5_000

/**
 * Makes sure that the data folder's Postgres runs, and keeps it running until `stop()`. The folder is made if it is
 * missing (as root open to be entered by others, as the server's user must).
 *
 * @throws StartProblem with a sentence for the person who starts Brevet.
 */
export async function startEmbeddedPostgres(options: {
  readonly dataDirectory: string
  readonly log: SupervisorLog
  /** Postgres settings that win over ours; for tests. */
  readonly settings?: Readonly<Record<string, string>>
  /** Stands in for /var/lib/brevet; for tests. */
  readonly systemFolder?: string
  /** Stands in for this machine's platform, such as "linux-x64"; for tests. */
  readonly platform?: string
}): Promise<EmbeddedPostgres> {
  const { dataDirectory, log, settings = {}, systemFolder } = options
  const found = await findPlatformPackage(options.platform ?? `${process.platform}-${process.arch}`)
  const places = await preparePlaces(dataDirectory, systemFolder === undefined ? {} : { systemFolder })
  if (places.movedOut) {
    const fields = { user: places.account?.name, data_directory: places.dataDirectory, cluster: places.cluster }
    log.info(fields, "database-placed-outside: the user that Postgres runs as may not enter the data folder")
  }
  const binaries = await placeBinaries(places.account, found, places.copiesFolder)
  const password = await readOrMakePassword(places)
  await initializeCluster(places, binaries, password)
  const context: ServerContext = { places, binaries, password, log, settings }
  const reached = await reachServer(context, new AbortController().signal)
  // An adopted server may listen elsewhere than we would have chosen; started again, it has to listen there too.
  const settled = { ...context, places: { ...places, socketFolder: reached.socketFolder } }
  const supervisor = new Supervisor(settled, reached)
  await supervisor.watch(reached)
  return supervisor
}

class Supervisor implements EmbeddedPostgres {
  readonly connection: ConnectionOptions
  readonly connectionString: string
  readonly adopted: boolean
  readonly #context: ServerContext
  readonly #log: SupervisorLog
  readonly #downListeners = new Set<() => void>()
  readonly #upListeners = new Set<() => void>()
  readonly #abort = new AbortController()
  #watch: ReachedServer | null = null
  #isKeeper = false
  #asking: NodeJS.Timeout | undefined
  #restarting: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | null = null

  constructor(context: ServerContext, first: ReachedServer) {
    this.#context = context
    this.#log = context.log
    this.adopted = first.adopted
    this.connection = connectionOptions(first.socketFolder, first.port, context.password)
    this.connectionString = connectionUrl(this.connection)
  }

  onDown(listener: () => void): () => void {
    this.#downListeners.add(listener)
    return () => this.#downListeners.delete(listener)
  }

  onUp(listener: () => void): () => void {
    this.#upListeners.add(listener)
    return () => this.#upListeners.delete(listener)
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** Takes a connection as the watch, and the lock with it if it is free. */
  async watch(reached: ReachedServer): Promise<void> {
    this.#watch = reached
    reached.client.once("end", () => this.#lost(reached))
    await this.#askForLock(reached)
    const fields = { pid: reached.pid, adopted: reached.adopted, keeper: this.#isKeeper, socket: reached.socketFolder }
    this.#log.info(fields, "database-started")
  }

  async #askForLock(reached: ReachedServer): Promise<void> {
    let got = false
    try {
      const { rows } = await reached.client.query("SELECT pg_try_advisory_lock($1, $2) AS got", [...KEEPER_LOCK])
      got = rows[0]?.got === true
    } catch {
      // The connection is lost; its end is told by itself, and the next watch asks again.
    }
    if (this.#watch !== reached) return
    this.#isKeeper = got
    if (!got) this.#asking = setTimeout(() => void this.#askAgain(reached), GUEST_ASKS_EVERY_MS).unref()
  }

  async #askAgain(guest: ReachedServer): Promise<void> {
    await this.#askForLock(guest)
    if (this.#isKeeper) this.#log.info({ pid: guest.pid }, "database-taken-over")
  }

  #lost(reached: ReachedServer): void {
    if (this.#watch !== reached) return
    this.#watch = null
    this.#isKeeper = false
    clearTimeout(this.#asking)
    if (this.#stopped !== null) return
    this.#log.warn({ pid: reached.pid }, "database-lost")
    for (const listener of this.#downListeners) listener()
    this.#restarting = this.#restart()
  }

  /** Tries until it succeeds or stop() is called: what keeps a server down now (a full disk) may pass. */
  async #restart(): Promise<void> {
    const { signal } = this.#abort
    for (let pauseMs = 50; !signal.aborted; pauseMs = Math.min(pauseMs * 2, RESTART_PAUSE_MS_MAX)) {
      try {
        const reached = await reachServer(this.#context, signal)
        await this.watch(reached)
        for (const listener of this.#upListeners) listener()
        return
      } catch (error) {
        if (signal.aborted) return
        this.#log.error({ err: error, retry_ms: pauseMs }, "database-restart-failed")
        await sleep(pauseMs, undefined, { signal }).catch(() => {})
      }
    }
  }

  async #stop(): Promise<void> {
    this.#abort.abort()
    clearTimeout(this.#asking)
    await this.#restarting
    const isKeeper = this.#isKeeper
    const watch = this.#watch
    this.#watch = null
    if (isKeeper) {
      const { cluster, home, socketFolder } = this.#context.places
      await stopServer(cluster)
      // Below the temporary folder nothing of ours shall stay. It is not empty if a guest was quick to start the server again.
      if (!socketFolder.startsWith(home)) await rmdir(socketFolder).catch(() => {})
    }
    await watch?.client.end().catch(() => {})
    this.#log.info({ ended_server: isKeeper }, "database-stopped")
  }
}
