/** Everything that a run of the benchmark has made: it is ended and removed at the end, and on Ctrl-C. */
import { chmod, mkdir, mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findServer } from "../packages/server/src/adapters/postgres-embedded/pid-file.ts"
import { stopServer } from "../packages/server/src/adapters/postgres-embedded/server.ts"

type Closer = () => Promise<void>

/** The temporary folder and the list of what is open. */
export class Grounds {
  readonly #folder: string
  readonly #closers: Closer[] = []
  #folders = 0
  #closing: Promise<void> | null = null

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Makes the folder. As root Postgres runs as another user, who has to be able to enter. */
  static async make(): Promise<Grounds> {
    const folder = await mkdtemp(join(await realpath(tmpdir()), "brevet-bench-"))
    await chmod(folder, 0o711)
    return new Grounds(folder)
  }

  /** A new empty folder for the data of one server. Its Postgres, whoever left it there, is ended with the grounds. */
  async dataFolder(): Promise<string> {
    if (this.isClosing) throw new Error("the benchmark is being ended")
    this.#folders += 1
    const folder = join(this.#folder, String(this.#folders))
    await mkdir(folder, { mode: 0o711 })
    this.add(() => stopServer(clusterOf(folder)))
    return folder
  }

  /** To be closed with the grounds, before what was added earlier; at once where they are being closed already. */
  add(closer: Closer): void {
    if (this.isClosing) void closer().catch(() => {})
    else this.#closers.push(closer)
  }

  /** True once somebody has asked for the end. */
  get isClosing(): boolean {
    return this.#closing !== null
  }

  /** Ends and removes everything. What cannot be ended does not keep the rest from it; the first such error is thrown. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    const errors: unknown[] = []
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      await closer().catch((error: unknown) => errors.push(error))
    }
    await rm(this.#folder, { recursive: true, force: true })
    if (errors.length > 0) throw errors[0]
  }
}

/** The id of the Postgres that serves a data folder. Throws where none does. */
export async function postmasterOf(dataFolder: string): Promise<number> {
  const found = await findServer(clusterOf(dataFolder))
  if (found.state !== "running") throw new Error(`no Postgres runs in ${dataFolder}`)
  return found.pidFile.pid
}

function clusterOf(dataFolder: string): string {
  return join(dataFolder, "postgres", "cluster")
}
