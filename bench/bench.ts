/** What all measures share: the options, and the servers under measurement, started when they are first asked for. */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { root } from "./child.ts"
import type { Grounds } from "./grounds.ts"
import type { Options } from "./options.ts"
import { compileFloor, type Models, type Server, startBrevet, startFloor, startModels } from "./servers.ts"
import { brevetSubject, floorSubject, modelSubject, type Subject } from "./subjects.ts"

/** A subject with the server behind it; null: the model, of which nothing is read but its answers. */
export type Side = { readonly subject: Subject; readonly server: Server | null }

/** A stretch of time in which Brevet did so many of one thing, by which its profile is read. */
export type Window = { readonly measure: string; readonly fromMs: number; readonly toMs: number; readonly done: number }

/** A run of the benchmark. */
export class Bench {
  readonly options: Options
  readonly grounds: Grounds
  readonly models: Models
  readonly windows: Window[] = []
  /** Cores that other programs took in the rounds that count. */
  readonly othersCores: number[] = []
  /** Where the profile of the measured Brevet will lie; null without `--profile`. */
  readonly profileFolder: string | null
  readonly #floorFile: string
  #floor: Promise<Side> | null = null
  #brevet: Promise<Side> | null = null
  readonly #servers: Server[] = []

  private constructor(parts: {
    readonly options: Options
    readonly grounds: Grounds
    readonly models: Models
    readonly floorFile: string
    readonly profileFolder: string | null
  }) {
    this.options = parts.options
    this.grounds = parts.grounds
    this.models = parts.models
    this.profileFolder = parts.profileFolder
    this.#floorFile = parts.floorFile
  }

  /** Starts the models and compiles the floor. Brevet has to be built. */
  static async open(options: Options, grounds: Grounds): Promise<Bench> {
    const [models, floorFile] = await Promise.all([startModels(grounds), compileFloor()])
    const profileFolder = options.profile ? join(root, "node_modules", ".cache", "brevet-bench", "profiles") : null
    if (profileFolder !== null) await mkdir(profileFolder, { recursive: true })
    return new Bench({ options, grounds, models, floorFile, profileFolder })
  }

  /** The Brevet that all loads go to. */
  brevet(): Promise<Side> {
    this.#brevet ??= this.#open(() => this.startBrevet({ profileFolder: this.profileFolder }), brevetSubject)
    return this.#brevet
  }

  /** The floor that all loads go to. */
  floor(): Promise<Side> {
    this.#floor ??= this.#open(() => this.startFloor(), floorSubject)
    return this.#floor
  }

  /** The model that answers at once. */
  model(): Side {
    return { subject: modelSubject(this.models.promptUrl), server: null }
  }

  /** Starts another Brevet, on an empty data folder or one that is given. */
  async startBrevet(
    options: { readonly dataFolder?: string; readonly profileFolder?: string | null } = {},
  ): Promise<Server> {
    const { grounds, models } = this
    const dataFolder = options.dataFolder ?? (await grounds.dataFolder())
    return startBrevet({ grounds, models, dataFolder }, { profileFolder: options.profileFolder ?? null })
  }

  /** Starts another floor, likewise. */
  async startFloor(options: { readonly dataFolder?: string } = {}): Promise<Server> {
    const { grounds, models } = this
    const dataFolder = options.dataFolder ?? (await grounds.dataFolder())
    return startFloor(this.#floorFile, { grounds, models, dataFolder })
  }

  /** The processes of this run whose time is not that of other programs. */
  ownPids(): readonly number[] {
    const servers = this.#servers.flatMap(({ child, postmaster }) => [child.pid, postmaster])
    return [process.pid, ...this.models.pids, ...servers]
  }

  /** Tells whoever waits how far it is; stdout is for the result. */
  note(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  async #open(start: () => Promise<Server>, make: (server: Server) => Subject | Promise<Subject>): Promise<Side> {
    const server = await start()
    this.#servers.push(server)
    return { server, subject: await make(server) }
  }
}
